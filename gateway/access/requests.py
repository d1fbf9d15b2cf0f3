"""Access requests: filed, approved by as many as policy wants, denied, withdrawn."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from gateway.access import conditions, words
from gateway.access.decisions import Decision, about_request, write_down
from gateway.access.durations import spell
from gateway.access.endpoints import SEEN_BY, unknown
from gateway.access.grants import OVERSEEN_BY, USUAL, overseen
from gateway.access.presence import shows_login
from gateway.domain.access import RequestState
from gateway.domain.errors import Conflict, NotAuthorised, NotFound
from gateway.domain.identity import IdentityKind
from gateway.store import endpoints, grants, requests
from gateway.store.notify import REQUESTS, notify

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from gateway.access.policy import Permissions, Policy
    from gateway.access.policy_files import ApprovalRule
    from gateway.domain.access import AccessRequest
    from gateway.domain.endpoint import Endpoint
    from gateway.domain.identity import Identity
    from gateway.domain.ids import RequestId
    from gateway.store.grants import GrantRow
    from gateway.store.pool import Connection, Store

LONGEST_WAIT: Final = 60.0


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request as somebody who decides sees it.

    Attributes:
        request: as it stands.
        labels: of the endpoint: what they could read.
        holds: what whoever asks can use on this endpoint already.
        may_approve: whether the one who looks could approve it now.
    """

    request: AccessRequest
    labels: tuple[tuple[str, str], ...]
    holds: tuple[GrantRow, ...]
    may_approve: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """What somebody who holds no access may ask for.

    Attributes:
        endpoint: its name.
        usual: how long people get who don't say.
        longest: nobody gets longer.
        pending: what they asked for before and nobody has decided yet.
    """

    endpoint: str
    usual: timedelta
    longest: timedelta
    pending: AccessRequest | None


@final
class Requests:
    """Files and decides access requests.

    Args:
        store: where they stand.
        policy: who may ask, who may approve, how many it takes, how long it may be.
    """

    def __init__(self, store: Store, policy: Policy) -> None:
        self._store = store
        self._policy = policy

    async def file(
        self,
        identity: Identity,
        endpoint_name: str,
        duration: timedelta,
        reason: str,
        *,
        secrets: bool = False,
    ) -> AccessRequest:
        """Ask to read an endpoint.

        Args:
            identity: who asks.
            endpoint_name: for what.
            duration: how long from the first connection.
            reason: why, in a sentence.
            secrets: whether to see the values of a cluster's Secrets, too.

        Returns:
            The request; approved already where policy lets it approve itself.

        Raises:
            NotFound: no such endpoint, or none that they may ask for.
            NotAuthorised: they may know of it and may not ask, or not for the values of Secrets.
            InvalidInput: the duration or reason is not what policy wants; there are no Secrets.
            Conflict: they have too many undecided requests.
        """
        endpoint, rule = await self._askable(identity, endpoint_name)
        reason = words.sentence(reason, "reason", needed=True)
        conditions.check_reason(rule, reason)
        conditions.check_duration(rule, duration)
        if secrets:
            conditions.check_secrets(identity, await self._policy.permissions(identity), endpoint)
        itself = conditions.approves_itself(rule, identity, duration, secrets=secrets)
        async with self._store.transaction() as conn:
            number = await requests.file_request(
                conn,
                identity.id,
                endpoint.id,
                reason=reason,
                duration=duration,
                secrets=secrets,
                needed=0 if itself else rule.approvers,
                lapses=self._policy.rules.undecided,
                most_pending=self._policy.rules.most_pending,
            )
            if number is None:
                raise Conflict(
                    "you have too many undecided requests", hint="withdraw one: glassgate requests --mine"
                )
            filed = about_request(
                "request-filed",
                identity.name,
                "asks for",
                number,
                person=identity.name,
                endpoint=endpoint,
                secrets=secrets,
            )
            filed = filed.adding(reason=reason, duration=spell(duration), approvers=rule.approvers)
            decisions = [filed.paging(pages=not itself)]
            if itself:
                said = f"approved itself: {identity.name} has the role {itself}"
                await requests.approve_itself(conn, number, duration=duration, words=said)
                grant = await grants.add_grant(conn, number, lapses=rule.unused, through_role=itself)
                granted = about_request(
                    "granted", "policy", "let itself into", number, person=identity.name, endpoint=endpoint
                )
                granted = granted.adding(grant=grant, role=itself, duration=spell(duration))
                decisions.append(granted.paging())
            await notify(conn, REQUESTS, str(number))
            made = await _existing(conn, number)
            await write_down(conn, *decisions)
        return made

    async def offer(self, identity: Identity, endpoint_name: str) -> Offer:
        """Return what somebody may ask for at a door, who could connect once it is approved.

        Raises:
            NotFound: no such endpoint, or none that they may ask for.
            NotAuthorised: they may know of it and may not ask, or could not connect all the same.
        """
        endpoint, rule = await self._askable(identity, endpoint_name)
        await self._policy.require(identity, "connect", endpoint)
        async with self._store.connection() as conn:
            number = (await requests.pending_of(conn, identity.id)).get(endpoint.id)
            pending = None if number is None else await requests.request_by_id(conn, number)
        return Offer(endpoint.name, min(rule.longest, USUAL), rule.longest, pending)

    async def approve(
        self,
        identity: Identity,
        request: RequestId,
        duration: timedelta | None = None,
        note: str = "",
        *,
        without_secrets: bool = False,
    ) -> AccessRequest:
        """Approve somebody else's request; the last approver that it takes makes it a grant.

        Args:
            identity: who approves; a person, never the one who asks.
            request: which.
            duration: for so long, where less than asked for.
            note: words to go with it.
            without_secrets: without the values of Secrets, where they were asked for; what one approver
                leaves out, no other brings back.

        Raises:
            NotFound: no such request, or none that they may see.
            NotAuthorised: it is their own, or policy does not let them.
            InvalidInput: the duration is longer than asked for, or than policy allows.
            Conflict: it is decided, has lapsed, or they approved it before.
        """
        note = words.sentence(note, "note")
        asked, endpoint = await self._decidable(identity, request)
        rule = self._policy.rule(endpoint)
        if rule is None or (rule.approved_by and not rule.approved_by & identity.roles):
            raise NotAuthorised(f"policy does not let {identity.name} approve on {endpoint.name}")
        conditions.check_shorter(asked, duration)
        if not without_secrets:
            permissions = await self._policy.permissions(identity)
            conditions.check_approval_of_secrets(identity, permissions, asked, endpoint)
        async with self._store.transaction() as conn:
            approved = await requests.approve_request(
                conn,
                request,
                identity.id,
                duration=duration,
                without_secrets=without_secrets,
                note=note,
                needed=rule.approvers,
                longest=rule.longest,
            )
            if approved is None:
                raise _undecidable(await _existing(conn, request), identity)
            said = about_request(
                "approved",
                identity.name,
                "approved",
                request,
                person=asked.identity_name,
                endpoint=endpoint,
                secrets=approved.secrets,
            )
            said = said.adding(duration=spell(approved.duration), note=note)
            decisions = [said.adding(approvals=approved.approvals, needed=approved.needed)]
            if approved.state is RequestState.APPROVED:
                grant = await grants.add_grant(conn, request, lapses=rule.unused)
                granted = about_request(
                    "granted",
                    identity.name,
                    "opened",
                    request,
                    person=asked.identity_name,
                    endpoint=endpoint,
                    secrets=approved.secrets,
                )
                granted = granted.adding(grant=grant, duration=spell(approved.duration))
                decisions.append(granted.paging())
            await notify(conn, REQUESTS, str(request))
            made = await _existing(conn, request)
            await write_down(conn, *decisions)
        return made

    async def deny(self, identity: Identity, request: RequestId, reason: str) -> AccessRequest:
        """Deny somebody else's request.

        Raises:
            NotFound: no such request, or none that they may see.
            NotAuthorised: it is their own, or policy does not let them.
            InvalidInput: the reason is missing or can't be.
            Conflict: it is decided or has lapsed.
        """
        reason = words.sentence(reason, "reason", needed=True)
        asked, endpoint = await self._decidable(identity, request)
        async with self._store.transaction() as conn:
            if not await requests.deny_request(conn, request, identity.id, reason):
                raise _undecidable(await _existing(conn, request), identity)
            await notify(conn, REQUESTS, str(request))
            made = await _existing(conn, request)
            said = about_request(
                "denied",
                identity.name,
                "denied",
                request,
                person=asked.identity_name,
                endpoint=endpoint,
                secrets=asked.secrets,
            )
            await write_down(conn, said.adding(reason=reason).paging())
        return made

    async def withdraw(self, identity: Identity, request: RequestId) -> AccessRequest:
        """Take back one's own request.

        Raises:
            NotFound: no such request of one's own.
            Conflict: it is decided.
        """
        async with self._store.transaction() as conn:
            asked = await requests.request_by_id(conn, request)
            if asked is None or asked.identity != identity.id:
                raise _no_request(request)
            if not await requests.withdraw_request(conn, request, identity.id):
                raise Conflict(f"request {request} is {asked.state.value} already", hint="glassgate grants")
            await notify(conn, REQUESTS, str(request))
            made = await _existing(conn, request)
            decision = Decision(
                "access.withdrawn",
                identity.name,
                f"{identity.name} withdrew request {request} for {asked.endpoint_name}",
                {"request": request, "person": identity.name, "endpoint": asked.endpoint_name},
            )
            await write_down(conn, decision)
        return made

    async def get(self, identity: Identity, request: RequestId) -> RequestView:
        """Return one request: one's own, or on an endpoint that one oversees.

        Raises:
            NotFound: no such request, or none that they may see.
        """
        permissions = await self._policy.permissions(identity)
        async with self._store.connection() as conn:
            found = await requests.request_by_id(conn, request)
            if found is None or (
                found.identity != identity.id and found.endpoint not in await overseen(conn, permissions)
            ):
                raise _no_request(request)
            return (await self._views(conn, identity, permissions, [found]))[0]

    async def list(
        self,
        identity: Identity,
        *,
        state: RequestState | None = None,
        mine: bool = False,
        limit: int = 100,
    ) -> Sequence[RequestView]:
        """Return one's own requests, and others' on endpoints that one oversees; newest first.

        Args:
            identity: who looks.
            state: only in this state.
            mine: only their own.
            limit: at most so many.
        """
        permissions = await self._policy.permissions(identity)
        async with self._store.connection() as conn:
            seen = [] if mine else await overseen(conn, permissions)
            found = await requests.list_requests(
                conn, state=state, person=identity.id, endpoints=seen, limit=max(1, min(limit, 1000))
            )
            return await self._views(conn, identity, permissions, found)

    async def wait(self, identity: Identity, request: RequestId, seconds: float) -> RequestView:
        """Return a request when it is decided, or as it stands when the time is up.

        Args:
            identity: may see it.
            request: which.
            seconds: at most 60.

        Raises:
            NotFound: no such request, or none that they may see.
        """
        view = await self.get(identity, request)
        try:
            async with asyncio.timeout(max(0.0, min(seconds, LONGEST_WAIT))):
                async with aclosing(self._store.listen(REQUESTS)) as notices:
                    async for payload in notices:
                        if payload in {"", str(request)}:
                            view = await self.get(identity, request)
                        if view.request.state is not RequestState.PENDING:
                            break
        except TimeoutError:
            return await self.get(identity, request)
        return view

    async def _askable(self, identity: Identity, name: str) -> tuple[Endpoint, ApprovalRule]:
        permissions = await self._policy.permissions(identity)
        endpoint = None
        if words.ENDPOINT_NAME.fullmatch(name):
            async with self._store.connection() as conn:
                endpoint = await endpoints.endpoint_by_name(conn, name)
        if endpoint is None or not any(permissions.allows(action, endpoint) for action in SEEN_BY):
            raise unknown(name)
        rule = self._policy.rule(endpoint)
        if rule is None or not permissions.allows("request", endpoint):
            raise NotAuthorised(f"policy does not let {identity.name} ask for {endpoint.name}")
        return endpoint, rule

    async def _decidable(self, identity: Identity, request: RequestId) -> tuple[AccessRequest, Endpoint]:
        """Return a request that somebody may decide; whether it is still open, the statement says."""
        permissions = await self._policy.permissions(identity)
        async with self._store.connection() as conn:
            asked = await requests.request_by_id(conn, request)
            endpoint = None if asked is None else await endpoints.endpoint_by_id(conn, asked.endpoint)
            by_token = self._policy.rules.decide_by_token and "approve" in identity.scopes
            present = by_token or await shows_login(conn, identity)
        if asked is not None and asked.identity == identity.id:
            raise NotAuthorised(
                "nobody decides their own request, administrators included",
                hint=f"glassgate withdraw {request}, or ask somebody else",
            )
        if asked is None or endpoint is None or not _oversees(permissions, endpoint):
            raise _no_request(request)
        if not permissions.allows("approve", endpoint):
            raise NotAuthorised(f"policy does not let {identity.name} decide on {endpoint.name}")
        if identity.kind is not IdentityKind.PERSON:
            raise NotAuthorised("access is approved by people, not by machines")
        if not present:
            raise NotAuthorised(
                "access is decided with a login of one's own, not with a machine token",
                hint="glassgate login; or policy sets decide-by-token, and the token's scopes name approve",
            )
        return asked, endpoint

    async def _views(
        self, conn: Connection, identity: Identity, permissions: Permissions, found: Sequence[AccessRequest]
    ) -> Sequence[RequestView]:
        registered = {each.id: each for each in await endpoints.list_endpoints(conn)}
        held = await grants.held_by(conn, [(each.identity, each.endpoint) for each in found])
        views = []
        for request in found:
            endpoint = registered.get(request.endpoint)
            holds = [
                grant
                for grant in held
                if (grant.identity, grant.endpoint) == (request.identity, request.endpoint)
            ]
            views.append(
                RequestView(
                    request,
                    () if endpoint is None else tuple(sorted(endpoint.labels.items())),
                    tuple(holds),
                    endpoint is not None and self._may_approve(identity, permissions, request, endpoint),
                )
            )
        return views

    def _may_approve(
        self, identity: Identity, permissions: Permissions, request: AccessRequest, endpoint: Endpoint
    ) -> bool:
        rule = self._policy.rule(endpoint)
        return (
            request.state is RequestState.PENDING
            and request.identity != identity.id
            and identity.kind is IdentityKind.PERSON
            and identity.name not in request.approvals
            and permissions.allows("approve", endpoint)
            and rule is not None
            and (not rule.approved_by or bool(rule.approved_by & identity.roles))
        )


def _oversees(permissions: Permissions, endpoint: Endpoint) -> bool:
    return any(permissions.allows(action, endpoint) for action in OVERSEEN_BY)


async def _existing(conn: Connection, request: RequestId) -> AccessRequest:
    found = await requests.request_by_id(conn, request)
    if found is None:
        raise _no_request(request)
    return found


def _no_request(request: RequestId) -> NotFound:
    return NotFound(f"no request {request} that you may see", hint="glassgate requests")


def _undecidable(asked: AccessRequest, identity: Identity) -> Conflict:
    if asked.state is not RequestState.PENDING:
        return Conflict(f"request {asked.id} is {asked.state.value} already", hint="glassgate requests")
    if identity.name in asked.approvals:
        return Conflict(
            f"you approved request {asked.id} before; it takes {asked.needed} different people",
            hint="somebody else must approve it, too",
        )
    return Conflict(f"request {asked.id} can't be decided: who asks, or the endpoint, is gone")
