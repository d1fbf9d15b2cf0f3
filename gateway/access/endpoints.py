"""Endpoints: who may see which, and their registration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from gateway.access import words
from gateway.access.conditions import ASK_FOR_SECRETS
from gateway.access.decisions import Decision, write_down
from gateway.access.registration import check_registration, place_of
from gateway.access.ssh_keys import read_public_key
from gateway.access.tokens import digest
from gateway.domain.access import GrantState
from gateway.domain.errors import Conflict, InvalidInput, NotFound
from gateway.domain.secret import Secret
from gateway.store import endpoints, grants, notify, requests

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.access.policy import Policy
    from gateway.domain.endpoint import Endpoint
    from gateway.domain.identity import Identity
    from gateway.domain.ids import RequestId
    from gateway.store.endpoints import Registration
    from gateway.store.grants import GrantRow
    from gateway.store.keyring import Keyring
    from gateway.store.pool import Store

_SAID: Final = {
    "put": "registered the endpoint",
    "host-key-accepted": "accepted another host key of the endpoint",
    "removed": "removed the endpoint",
}
SEEN_BY: Final = ("request", "connect")
"""Whoever may one of these on an endpoint knows of it."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An endpoint as somebody sees it.

    Attributes:
        endpoint: as registered.
        may: what policy lets them do there.
        grant: what a connection of theirs would use now; None: nothing.
        pending: their newest undecided request there.
    """

    endpoint: Endpoint
    may: frozenset[str]
    grant: GrantRow | None
    pending: RequestId | None


@final
class Endpoints:
    """Resolves, lists and registers endpoints.

    Args:
        store: where they are registered.
        policy: who may see them.
        keyring: opens their credentials.
    """

    def __init__(self, store: Store, policy: Policy, keyring: Keyring) -> None:
        self._store = store
        self._policy = policy
        self._keyring = keyring

    async def resolve(self, name: str, identity: Identity) -> Endpoint:
        """Return the endpoint of a name, for somebody who may ask for it or connect.

        Raises:
            NotFound: there is none, or none that they may know of: both alike.
            StoreUnavailable: the store is away.
        """
        endpoint = await self._registered(name)
        permissions = await self._policy.permissions(identity)
        if endpoint is None or not any(permissions.allows(action, endpoint) for action in SEEN_BY):
            raise unknown(name)
        return endpoint

    async def secret(self, endpoint: Endpoint) -> Secret:
        """Return the gateway's credential at an endpoint; empty where it needs none.

        Raises:
            NotFound: the endpoint is gone.
            ProofBroken: the key ring does not fit the store.
        """
        async with self._store.connection() as conn:
            sealed = await endpoints.endpoint_secret(conn, endpoint.id)
        if sealed is None:
            raise unknown(endpoint.name)
        return Secret(self._keyring.open(sealed, purpose=_purpose(endpoint.name)))

    async def list(
        self, identity: Identity, query: str = "", labels: Mapping[str, str] | None = None
    ) -> Sequence[Listed]:
        """Return the endpoints that somebody may do anything at, by name.

        Args:
            identity: who looks.
            query: part of a name, kind or label, in any case.
            labels: all of which must stand on the endpoint.
        """
        permissions = await self._policy.permissions(identity)
        async with self._store.connection() as conn:
            registered = await endpoints.list_endpoints(conn)
            held = await grants.list_grants(conn, person=identity.id, endpoints=[])
            pending = await requests.pending_of(conn, identity.id)
        found = []
        for endpoint in registered:
            may = permissions.actions(endpoint)
            if may and _fits(endpoint, query.strip().lower(), labels or {}):
                theirs = [grant for grant in held if grant.endpoint == endpoint.id]
                best = _best(theirs, secrets=ASK_FOR_SECRETS in may)
                found.append(Listed(endpoint, may, best, pending.get(endpoint.id)))
        return found

    async def registration(self, identity: Identity, name: str) -> Endpoint:
        """Return an endpoint as registered, for who may administer it.

        Raises:
            NotFound: there is none, or none that they may administer.
        """
        return await self._administered(identity, name)

    async def put(
        self, identity: Identity, registration: Registration, secret: Secret | None = None
    ) -> Endpoint:
        """Register an endpoint, or change its registration.

        Args:
            identity: may administer it, as it was and as it is to be.
            registration: all of it.
            secret: the gateway's credential there; None keeps the one that is registered, as long as it
                goes to the same place.

        Raises:
            InvalidInput: a member can't be, or the credential must be given anew.
            NotAuthorised: policy does not let them.
        """
        check_registration(registration)
        sealed = None
        if secret is not None:
            sealed = self._keyring.seal(secret.reveal(), purpose=_purpose(registration.name))
        async with self._store.transaction() as conn:
            before = await endpoints.endpoint_by_name(conn, registration.name)
            if before is not None:
                await self._policy.require(identity, "administer", before)
                if sealed is None and place_of(before) != place_of(registration):
                    raise InvalidInput(
                        "the credential would go to another place than it was given for",
                        hint="give the password again with the new address",
                    )
            elif sealed is None:
                sealed = self._keyring.seal(b"", purpose=_purpose(registration.name))
            endpoint = await endpoints.put_endpoint(conn, registration, sealed)
            await self._policy.require(identity, "administer", endpoint)
            await notify.notify(conn, notify.ENDPOINTS, endpoint.name)
            await notify.notify(conn, notify.GRANTS)
            await write_down(conn, _decided("put", identity, endpoint, credential=secret is not None))
        return endpoint

    async def pin(self, identity: Identity, endpoint: Endpoint, line: str) -> Endpoint:
        """Pin another key of an SSH host, as somebody has looked at it; the credential there stays.

        Args:
            identity: may administer it.
            endpoint: as it was looked at.
            line: the key that the host shows now.

        Raises:
            InvalidInput: that is no key.
            Conflict: the registration was changed meanwhile.
            NotAuthorised: policy does not let them.
        """
        read_public_key(line)
        await self._policy.require(identity, "administer", endpoint)
        async with self._store.transaction() as conn:
            pinned = await endpoints.pin_host_key(conn, endpoint.id, line, endpoint.version)
            if pinned is None:
                raise Conflict("the registration was changed meanwhile", hint="look again, and accept anew")
            await notify.notify(conn, notify.ENDPOINTS, pinned.name)
            await write_down(conn, _decided("host-key-accepted", identity, pinned))
        return pinned

    async def remove(self, identity: Identity, name: str) -> Endpoint:
        """Take an endpoint away: its grants are revoked, its sessions end, its credential is destroyed.

        Returns:
            What it was.

        Raises:
            NotFound: there is none, or none that they may administer.
        """
        endpoint = await self._administered(identity, name)
        why = f"the endpoint {endpoint.name} was removed"
        async with self._store.transaction() as conn:
            if not await endpoints.remove_endpoint(conn, endpoint.id):
                raise unknown(name)
            held = await grants.list_grants(conn, endpoints=[endpoint.id])
            closed = await grants.close_grants(
                conn, [grant.id for grant in held], as_=GrantState.REVOKED, by=identity.name, why=why
            )
            for request in await requests.withdraw_pending(conn, endpoint=endpoint.id, words=why):
                await notify.notify(conn, notify.REQUESTS, str(request))
            await notify.notify(conn, notify.ENDPOINTS, endpoint.name)
            await notify.notify(conn, notify.GRANTS)
            await write_down(conn, _decided("removed", identity, endpoint, grants_revoked=len(closed)))
        return endpoint

    async def _administered(self, identity: Identity, name: str) -> Endpoint:
        endpoint = await self._registered(name)
        permissions = await self._policy.permissions(identity)
        if endpoint is None or not permissions.allows("administer", endpoint):
            raise unknown(name)
        return endpoint

    async def _registered(self, name: str) -> Endpoint | None:
        if not words.ENDPOINT_NAME.fullmatch(name):
            return None
        async with self._store.connection() as conn:
            return await endpoints.endpoint_by_name(conn, name)


def unknown(name: str) -> NotFound:
    """Return the one answer for what is not there and what may not be known."""
    shown = f" {name}" if words.ENDPOINT_NAME.fullmatch(name) else ""
    return NotFound(f"no endpoint{shown} that you may look at", hint="glassgate endpoints")


def _fits(endpoint: Endpoint, query: str, labels: Mapping[str, str]) -> bool:
    if any(endpoint.labels.get(key) != value for key, value in labels.items()):
        return False
    texts = (endpoint.name, endpoint.kind.value, *(f"{k}={v}" for k, v in endpoint.labels.items()))
    return not query or any(query in text.lower() for text in texts)


def _best(held: Sequence[GrantRow], *, secrets: bool) -> GrantRow | None:
    """Return the grant that a connection would use: the one that runs longest, else the oldest that waits.

    Args:
        held: all that somebody holds for one endpoint.
        secrets: whether those with the values of Secrets may be used; they go before all others then.
    """
    wide = [grant for grant in held if grant.secrets]
    usable = (wide if secrets else []) or [grant for grant in held if not grant.secrets]
    running = [(grant.ends_at, grant) for grant in usable if grant.ends_at is not None]
    if running:
        return max(running, key=lambda each: each[0])[1]
    return min(usable, key=lambda grant: grant.use_by, default=None)


def _purpose(name: str) -> str:
    return f"endpoint/{name}"


def _decided(
    step: str,
    identity: Identity,
    endpoint: Endpoint,
    *,
    credential: bool = False,
    grants_revoked: int = 0,
) -> Decision:
    return Decision(
        f"access.endpoint-{step}",
        identity.name,
        f"{identity.name} {_SAID[step]} {endpoint.name}",
        {
            "endpoint": endpoint.name,
            "endpoint_id": endpoint.id,
            "version": endpoint.version,
            "address": f"{endpoint.kind.value}://{endpoint.username}@{endpoint.host}:{endpoint.port}",
            "tls": endpoint.tls,
            "proven_by": digest(endpoint.ca.encode()).hex(),
            "labels": [f"{key}={value}" for key, value in sorted(endpoint.labels.items())],
            "require": endpoint.require.value,
            "settings": repr(endpoint.settings),
            "repository": "" if endpoint.repository is None else endpoint.repository.url,
            "credential_given": credential,
            "grants_revoked": grants_revoked,
        },
        pages=True,
    )
