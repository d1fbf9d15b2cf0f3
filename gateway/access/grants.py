"""Grants: taken by connections, renewed while they live, dropped, revoked. The only place that makes one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, final

from gateway.access import words
from gateway.access.conditions import ASK_FOR_SECRETS
from gateway.access.decisions import SHOWING, Decision, write_down
from gateway.access.durations import spell
from gateway.domain.access import Grant, GrantState
from gateway.domain.endpoint import EndpointKind
from gateway.domain.errors import Conflict, NotAuthorised, NotFound
from gateway.store import endpoints, grants, requests
from gateway.store.notify import GRANTS, notify

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from gateway.access.decisions import Fact
    from gateway.access.policy import Permissions, Policy
    from gateway.domain.endpoint import Endpoint
    from gateway.domain.identity import Identity
    from gateway.domain.ids import EndpointId, GrantId, RequestId
    from gateway.store.grants import GrantRow, UsableGrant
    from gateway.store.pool import Connection, Store

OVERSEEN_BY: Final = ("approve", "review", "revoke", "administer")
"""Whoever may one of these on an endpoint sees others' requests and grants there."""
USUAL: Final = timedelta(hours=1)
_TRIES: Final = 3


@final
class Grants:
    """Takes, renews and closes grants.

    Args:
        store: where they stand.
        policy: whether whoever holds one may still connect.
    """

    def __init__(self, store: Store, policy: Policy) -> None:
        self._store = store
        self._policy = policy

    async def take(self, identity: Identity, endpoint: Endpoint) -> Grant:
        """Return the grant of a connection; the first connection starts its clock. Others stay as they are.

        One that includes the values of Secrets goes before others, where policy lets its person ask for such
        a one still, and the credential is good for that; else it is passed over, as if it were not there.

        Raises:
            NotAuthorised: there is none that can be used; the hint is the command that asks for one.
            StoreUnavailable: the store is away.
        """
        permissions = await self._policy.permissions(identity)
        if not permissions.allows("connect", endpoint):
            raise await self._refusal(identity, endpoint)
        secrets = permissions.allows(ASK_FOR_SECRETS, endpoint)
        for _ in range(_TRIES):
            async with self._store.connection() as conn:
                usable = await grants.usable_grant(conn, identity.id, endpoint.id, secrets=secrets)
            if usable is not None and usable.ends_at is None:
                usable = await self._start(identity, endpoint, usable.id)
                if usable is None:
                    continue
            if usable is None or usable.ends_at is None:
                break
            return _grant(identity, endpoint, usable, usable.ends_at)
        async with self._store.connection() as conn:
            pending = (await requests.pending_of(conn, identity.id)).get(endpoint.id)
            wide = await grants.usable_grant(conn, identity.id, endpoint.id, secrets=True)
        if wide is not None and wide.secrets and not secrets:
            raise await self._passed_over(identity, endpoint, wide.id)
        raise await self._refusal(identity, endpoint, pending)

    async def _start(self, identity: Identity, endpoint: Endpoint, grant: GrantId) -> UsableGrant | None:
        async with self._store.transaction() as conn:
            started = await grants.start_grant(conn, grant)
            if started is not None and started.ends_at is not None:
                facts: dict[str, Fact] = {
                    "grant": grant,
                    "endpoint": endpoint.name,
                    "ends_at": started.ends_at.isoformat(),
                    "reason": started.reason,
                }
                if endpoint.kind is EndpointKind.KUBERNETES:
                    facts["secrets"] = started.secrets
                shown = SHOWING if started.secrets else ""
                told = f"{identity.name} took grant {grant} on {endpoint.name}{shown}"
                decision = Decision("access.taken", identity.name, told, facts)
                await write_down(conn, decision)
        return started

    async def _passed_over(self, identity: Identity, endpoint: Endpoint, grant: GrantId) -> NotAuthorised:
        """Say why the one grant there is can't be used: asking again for what it includes would not help."""
        whole = await self._policy.permissions_of(identity.roles)
        held = f"your grant {grant} for {endpoint.name} includes the values of Secrets"
        if whole.allows(ASK_FOR_SECRETS, endpoint):
            message = f"{held}, which this token is not good for"
            further = f"use a login, or a token whose scopes name {ASK_FOR_SECRETS}; "
        else:
            message = f"{held}, which policy does not let you see any more"
            further = ""
        plain = await self._refusal(identity, endpoint)
        return NotAuthorised(message, hint=f"{further}without the values: {plain.hint}")

    async def _refusal(
        self, identity: Identity, endpoint: Endpoint, pending: RequestId | None = None
    ) -> NotAuthorised:
        """Say exactly what to type next; by what the person may, not by what the credential shown may."""
        message = f"you hold no access to {endpoint.name}"
        if pending is not None:
            message = f"your request {pending} for {endpoint.name} still waits for its approval"
        rule = self._policy.rule(endpoint)
        whole = await self._policy.permissions_of(identity.roles)
        if rule is None or not whole.allows("request", endpoint):
            return NotAuthorised(
                message, hint="policy does not let you ask for it; speak to its administrator"
            )
        length = spell(min(rule.longest, USUAL))
        return NotAuthorised(message, hint=f'glassgate request {endpoint.name} --for {length} --reason "…"')

    async def renew(self, ids: Sequence[GrantId]) -> Mapping[GrantId, float]:
        """Return the seconds that remain of each taken grant that still lives; what is absent is gone.

        A grant is gone by its end, when it was dropped or revoked, when its person or endpoint went, and
        when policy does not let its person connect any more, or ask for the values of Secrets where it
        includes these.

        Raises:
            StoreUnavailable: the store is away.
        """
        if not ids:
            return {}
        async with self._store.connection() as conn:
            living = await grants.live_grants(conn, ids)
        remaining = {}
        for grant in living:
            permissions = await self._policy.permissions_of(grant.roles)
            if carries(permissions, grant.endpoint, secrets=grant.secrets):
                remaining[grant.id] = grant.remaining
        return remaining

    async def closed_by(self, ids: Sequence[GrantId]) -> Mapping[GrantId, tuple[str, str]]:
        """Return who dropped or revoked which of these grants, and their words."""
        async with self._store.connection() as conn:
            return await grants.close_reasons(conn, ids)

    async def list(
        self, identity: Identity, *, mine: bool = False, live: bool = True, limit: int = 1000
    ) -> Sequence[GrantRow]:
        """Return one's own grants, and others' on endpoints that one oversees; newest first.

        Args:
            identity: who looks.
            mine: only their own.
            live: only those that can still be used.
            limit: at most so many.
        """
        permissions = await self._policy.permissions(identity)
        async with self._store.connection() as conn:
            seen = [] if mine else await overseen(conn, permissions)
            return await grants.list_grants(
                conn, person=identity.id, endpoints=seen, live=live, limit=max(1, min(limit, 10_000))
            )

    async def drop(self, identity: Identity, grant: GrantId) -> GrantRow:
        """Give back one's own grant; its sessions end.

        Raises:
            NotFound: no such grant of one's own.
            Conflict: it can't be used any more anyway.
        """
        async with self._store.transaction() as conn:
            found = await grants.grant_by_id(conn, grant)
            if found is None or found.identity != identity.id:
                raise _no_grant(grant)
            return await self._close(conn, found, GrantState.DROPPED, identity.name, "given back")

    async def revoke(self, identity: Identity, grant: GrantId, reason: str) -> GrantRow:
        """Take a grant away; its sessions end within a second.

        Args:
            identity: may revoke on its endpoint.
            grant: which.
            reason: for whoever loses it, and the record.

        Raises:
            NotFound: no such grant, or none that they may see.
            NotAuthorised: they see it and may not revoke it.
            Conflict: it can't be used any more anyway.
        """
        reason = words.sentence(reason, "reason", needed=True)
        permissions = await self._policy.permissions(identity)
        async with self._store.transaction() as conn:
            found = await grants.grant_by_id(conn, grant)
            endpoint = None if found is None else await endpoints.endpoint_by_id(conn, found.endpoint)
            if found is None or endpoint is None:
                raise _no_grant(grant)
            if not permissions.allows("revoke", endpoint):
                if found.identity == identity.id:
                    raise NotAuthorised("your own grant is given back", hint=f"glassgate drop {grant}")
                if any(permissions.allows(action, endpoint) for action in OVERSEEN_BY):
                    raise NotAuthorised(f"policy does not let {identity.name} revoke on {endpoint.name}")
                raise _no_grant(grant)
            return await self._close(conn, found, GrantState.REVOKED, identity.name, reason)

    async def _close(
        self, conn: Connection, found: GrantRow, state: GrantState, by: str, why: str
    ) -> GrantRow:
        if not await grants.close_grants(conn, [found.id], as_=state, by=by, why=why):
            raise Conflict(f"grant {found.id} is {found.state.value} already")
        await notify(conn, GRANTS)
        closed = await grants.grant_by_id(conn, found.id)
        await write_down(conn, closing(found, state, by, why))
        return found if closed is None else closed


def carries(permissions: Permissions, endpoint: Endpoint, *, secrets: bool) -> bool:
    """Whether somebody with these permissions may go on using a grant.

    Args:
        permissions: theirs.
        endpoint: the grant's.
        secrets: whether it includes the values of Secrets.
    """
    return permissions.allows("connect", endpoint) and (
        not secrets or permissions.allows(ASK_FOR_SECRETS, endpoint)
    )


def closing(grant: GrantRow, state: GrantState, by: str, why: str) -> Decision:
    """Return what is written down when a grant is closed before its time."""
    shown = SHOWING if grant.secrets else ""
    return Decision(
        f"access.{state.value}",
        by,
        f"grant {grant.id} of {grant.identity_name} on {grant.endpoint_name}{shown} was {state.value}: {why}",
        {
            "grant": grant.id,
            "person": grant.identity_name,
            "endpoint": grant.endpoint_name,
            "was": grant.state.value,
            "reason": why,
        },
        pages=state is GrantState.REVOKED,
    )


async def overseen(conn: Connection, permissions: Permissions) -> list[EndpointId]:
    """Return the endpoints, gone ones too, where somebody sees others' requests and grants."""
    registered = await endpoints.list_endpoints(conn, removed=True)
    return [
        endpoint.id
        for endpoint in registered
        if any(permissions.allows(action, endpoint) for action in OVERSEEN_BY)
    ]


def _grant(identity: Identity, endpoint: Endpoint, usable: UsableGrant, ends_at: datetime) -> Grant:
    return Grant(
        id=usable.id,
        identity=identity.id,
        endpoint=endpoint.id,
        reason=usable.reason,
        duration=usable.duration,
        secrets=usable.secrets,
        ends_at=ends_at,
        remaining=usable.remaining,
    )


def _no_grant(grant: GrantId) -> NotFound:
    return NotFound(f"no grant {grant} that you may see", hint="glassgate grants")
