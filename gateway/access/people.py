"""People, services, agents and pipelines: added, given roles, removed; the first administrator."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final, final

from gateway.access import words
from gateway.access.conditions import APPROVE_SECRETS
from gateway.access.decisions import Decision, write_down
from gateway.access.grants import carries
from gateway.access.policy_files import ROLE
from gateway.domain.access import GrantState
from gateway.domain.errors import Conflict, InvalidInput, NotFound
from gateway.domain.identity import IdentityKind
from gateway.domain.secret import Secret
from gateway.store import endpoints, grants, people, requests, ssh_keys, tokens
from gateway.store.notify import GRANTS, REQUESTS, notify
from gateway.store.people import ADMINISTRATOR
from gateway.store.tokens import TokenKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.access.decisions import Fact
    from gateway.access.passwords import Passwords
    from gateway.access.policy import Permissions, Policy
    from gateway.domain.identity import Identity
    from gateway.store.people import Person
    from gateway.store.pool import Connection, Store

FIRST: Final = "admin"
"""Login name of the first administrator."""
_GATEWAY: Final = "gateway"


@final
class People:
    """Adds, changes and removes people.

    Args:
        store: where they stand.
        policy: which roles there are, and what is left to whoever loses one.
        passwords: hashes theirs.
    """

    def __init__(self, store: Store, policy: Policy, passwords: Passwords) -> None:
        self._store = store
        self._policy = policy
        self._passwords = passwords

    async def first_administrator(self) -> tuple[str, Secret] | None:
        """Make the first administrator where nobody can administer; several replicas make one.

        Where no administrator has a way in any more, the first of them gets a new one-time password:
        whoever can restart the gateway can get in, and the ledger says so.

        Returns:
            Login name and one-time password, to be printed once; None where nothing was missing.
        """
        async with self._store.connection() as conn:
            if await people.count_administrators(conn, able=True):
                return None
        password = Secret(secrets.token_urlsafe(12))
        hashed = await self._passwords.hash(password)
        async with self._store.transaction() as conn:
            await people.lock_people(conn)
            if await people.count_administrators(conn, able=True):
                return None
            name = await self._let_in(conn, hashed)
            made = _decided("administrator-made", _GATEWAY, name, "has a one-time password", pages=True)
            await write_down(conn, made)
        return name, password

    async def _let_in(self, conn: Connection, hashed: str) -> str:
        """Give the first administrator a one-time password, or make one under a name that is free."""
        for person in await people.administrators(conn):
            await people.set_password(conn, person.id, hashed, once=True)
            return person.name
        name, number = FIRST, 1
        while await people.person_by_name(conn, name) is not None:
            number += 1
            name = f"{FIRST}-{number}"
        added = await people.add_person(
            conn,
            name,
            kind=IdentityKind.PERSON,
            email="",
            display_name="Administrator",
            password=hashed,
            once=True,
        )
        await people.give_role(conn, added, ADMINISTRATOR)
        return name

    async def list(self, identity: Identity) -> Sequence[Person]:
        """Return everybody, by name.

        Raises:
            NotAuthorised: policy does not let them administer.
        """
        await self._policy.require(identity, "administer")
        async with self._store.connection() as conn:
            return await people.list_people(conn)

    async def get(self, identity: Identity, name: str) -> Person:
        """Return somebody; others than oneself take ``administer``.

        Raises:
            NotAuthorised: policy does not let them.
            NotFound: nobody of that name.
        """
        if name != identity.name:
            await self._policy.require(identity, "administer")
        async with self._store.connection() as conn:
            return await _existing(conn, name)

    async def add(
        self,
        identity: Identity,
        name: str,
        *,
        display_name: str = "",
        email: str = "",
        kind: IdentityKind = IdentityKind.PERSON,
        password: Secret | None = None,
        roles: Iterable[str] = (),
    ) -> Person:
        """Add somebody.

        Args:
            identity: may administer.
            name: login name.
            display_name: author of commits; empty: the login name.
            email: author of commits.
            kind: of actor.
            password: their first; None: they never log in with one.
            roles: as policy speaks of them.

        Raises:
            InvalidInput: a name, address, password or role that can't be.
            NotAuthorised: policy does not let them.
            Conflict: the name is taken.
        """
        await self._policy.require(identity, "administer")
        name = words.login_name(name)
        given = sorted({self._known_role(role) for role in roles})
        shown = words.sentence(display_name, "name", longest=100) or name
        address = words.email(email)
        hashed = None if password is None else await self._passwords.hash(password)
        async with self._store.transaction() as conn:
            number = await people.add_person(
                conn, name, kind=kind, email=address, display_name=shown, password=hashed
            )
            for role in given:
                await people.give_role(conn, number, role)
            added = await _existing(conn, name)
            await write_down(
                conn,
                _decided(
                    "person-added",
                    identity.name,
                    name,
                    "was added",
                    pages=True,
                    roles=given,
                    actor=kind.value,
                ),
            )
        return added

    async def set_password(self, identity: Identity, name: str, password: Secret) -> None:
        """Set a password; other logins of that person, and what was made with them, are over.

        Args:
            identity: the person, or who may administer.
            name: whose.
            password: the new one.

        Raises:
            InvalidInput: it can't be one.
            NotAuthorised: policy does not let them.
            NotFound: nobody of that name.
        """
        own = name == identity.name
        if not own:
            await self._policy.require(identity, "administer")
        hashed = await self._passwords.hash(password)
        async with self._store.transaction() as conn:
            person = await _existing(conn, name)
            await people.set_password(conn, person.id, hashed)
            await tokens.revoke_tokens_of(
                conn,
                person.id,
                kinds=[kind for kind in TokenKind if kind is not TokenKind.MACHINE],
                but=identity.credential if own else None,
            )
            await write_down(
                conn, _decided("password-set", identity.name, name, "has a new password", pages=not own)
            )
            await notify(conn, GRANTS)

    async def give_role(self, identity: Identity, name: str, role: str) -> Person:
        """Give somebody a role.

        Raises:
            InvalidInput: policy knows no such role.
            NotAuthorised: policy does not let them.
            NotFound: nobody of that name.
            Conflict: they have it already.
        """
        await self._policy.require(identity, "administer")
        role = self._known_role(role)
        async with self._store.transaction() as conn:
            person = await _existing(conn, name)
            if not await people.give_role(conn, person.id, role):
                raise Conflict(f"{name} has the role {role} already")
            await write_down(
                conn,
                _decided("role-given", identity.name, name, f"got the role {role}", pages=True, role=role),
            )
            return await _existing(conn, name)

    async def take_role(self, identity: Identity, name: str, role: str) -> Person:
        """Take a role away, with the grants and approvals that it carried; sessions end within a second.

        Raises:
            NotAuthorised: policy does not let them.
            NotFound: nobody of that name, or they don't have the role.
            Conflict: nobody could administer any more.
        """
        await self._policy.require(identity, "administer")
        async with self._store.transaction() as conn:
            await people.lock_people(conn)
            person = await _existing(conn, name)
            if not ROLE.fullmatch(role) or not await people.take_role(conn, person.id, role):
                raise NotFound(f"{name} does not have that role", hint="glassgate person list")
            if role == ADMINISTRATOR and not await people.count_administrators(conn):
                raise _last_administrator()
            left = await self._policy.permissions_of(person.roles - {role})
            why = f"{name} lost the role {role}"
            closed = await self._close_what_went(conn, person, left, role, by=identity.name, why=why)
            await self._drop_approvals(conn, person, left, person.roles - {role})
            await notify(conn, GRANTS)
            lost = _decided(
                "role-taken",
                identity.name,
                name,
                f"lost the role {role}",
                pages=True,
                role=role,
                grants_revoked=closed,
            )
            await write_down(conn, lost)
            return await _existing(conn, name)

    async def remove(self, identity: Identity, name: str) -> Person:
        """Remove somebody: tokens, grants, requests and approvals go; their sessions end within a second.

        Returns:
            Who it was.

        Raises:
            NotAuthorised: policy does not let them.
            NotFound: nobody of that name.
            Conflict: nobody could administer any more.
        """
        await self._policy.require(identity, "administer")
        why = f"{name} was removed"
        async with self._store.transaction() as conn:
            await people.lock_people(conn)
            person = await _existing(conn, name)
            await people.remove_person(conn, person.id)
            if ADMINISTRATOR in person.roles and not await people.count_administrators(conn):
                raise _last_administrator()
            await tokens.revoke_tokens_of(conn, person.id, kinds=list(TokenKind))
            await ssh_keys.remove_keys_of(conn, person.id)
            nothing = await self._policy.permissions_of(frozenset())
            closed = await self._close_what_went(conn, person, nothing, "", by=identity.name, why=why)
            await self._drop_approvals(conn, person, nothing, frozenset())
            for request in await requests.withdraw_pending(conn, person=person.id, words=why):
                await notify(conn, REQUESTS, str(request))
            await notify(conn, GRANTS)
            removed = _decided(
                "person-removed", identity.name, name, "was removed", pages=True, grants_revoked=closed
            )
            await write_down(conn, removed)
        return person

    async def _close_what_went(
        self, conn: Connection, person: Person, left: Permissions, role: str, *, by: str, why: str
    ) -> int:
        """Revoke the grants that what is left to somebody no longer carries; returns how many."""
        held = await grants.list_grants(conn, person=person.id, endpoints=[])
        gone = []
        for grant in held:
            endpoint = await endpoints.endpoint_by_id(conn, grant.endpoint)
            through = bool(role) and grant.through_role == role
            if through or endpoint is None or not carries(left, endpoint, secrets=grant.secrets):
                gone.append(grant.id)
        return len(await grants.close_grants(conn, gone, as_=GrantState.REVOKED, by=by, why=why))

    async def _drop_approvals(
        self, conn: Connection, person: Person, left: Permissions, roles: frozenset[str]
    ) -> None:
        """Take back approvals of undecided requests that somebody could not give any more."""
        gone = []
        for request, number, shows_secrets in await requests.pending_approvals(conn, person.id):
            endpoint = await endpoints.endpoint_by_id(conn, number)
            rule = None if endpoint is None else self._policy.rule(endpoint)
            if (
                endpoint is None
                or rule is None
                or not left.allows("approve", endpoint)
                or (shows_secrets and not left.allows(APPROVE_SECRETS, endpoint))
                or (rule.approved_by and not rule.approved_by & roles)
            ):
                gone.append(request)
        await requests.drop_approvals(conn, person.id, gone)

    def _known_role(self, role: str) -> str:
        if role not in self._policy.roles:
            known = ", ".join(sorted(self._policy.roles))
            raise InvalidInput(
                "policy knows no such role", hint=f"one of {known}; or add it to policy.csv first"
            )
        return role


async def _existing(conn: Connection, name: str) -> Person:
    person = await people.person_by_name(conn, name) if words.NAME.fullmatch(name) else None
    if person is None:
        raise NotFound("nobody of that name", hint="glassgate person list")
    return person


def _last_administrator() -> Conflict:
    return Conflict("nobody could administer any more", hint="make somebody else administrator first")


def _decided(kind: str, by: str, name: str, what: str, *, pages: bool = False, **facts: Fact) -> Decision:
    return Decision(f"access.{kind}", by, f"{name} {what}", {"person": name, **facts}, pages=pages)
