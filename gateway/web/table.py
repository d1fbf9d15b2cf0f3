"""Every route of the API, once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

import msgspec

from gateway.web.handlers import (
    access,
    changes,
    containers,
    endpoints,
    gateway,
    identity,
    people,
    policy,
    proof,
    review,
    sessions,
    ssh_keys,
)
from gateway.web.openapi import describe
from gateway.web.routes import ANY_ACTION, Action, Public, Raw, Route, lines, public, raw, route
from gateway.web.shapes import access as a
from gateway.web.shapes import changes as c
from gateway.web.shapes import endpoints as e
from gateway.web.shapes import gateway as g
from gateway.web.shapes import identity as i
from gateway.web.shapes import sessions as s
from gateway.web.shapes.shape import Nothing

if TYPE_CHECKING:
    from gateway.web.routes import PublicCall

ADMINISTER: Final = Action.ADMINISTER
APPROVE: Final = Action.APPROVE
CONNECT: Final = Action.CONNECT
KILL: Final = Action.KILL
OBSERVE: Final = frozenset({Action.OBSERVE, Action.ADMINISTER})
REQUEST: Final = Action.REQUEST
REVIEW: Final = Action.REVIEW
REVOKE: Final = Action.REVOKE
SUBMIT: Final = Action.SUBMIT

ACCESS: Final = frozenset({REQUEST, APPROVE, REVIEW})
"""Whoever asks for access, decides on it, or looks back at it."""
GRANTS: Final = frozenset({REQUEST, CONNECT, APPROVE, REVOKE, REVIEW})
CHANGES: Final = frozenset({SUBMIT, CONNECT, REVIEW})
SESSIONS: Final = frozenset({CONNECT, REVIEW, KILL})


async def description(call: PublicCall, _question: Nothing) -> Raw:
    """Describe the API in OpenAPI 3.1, from the types themselves."""

    async def chunks() -> AsyncIterator[bytes]:
        yield msgspec.json.encode(describe(ROUTES, version=call.parts.version))

    return Raw(media_type="application/json", chunks=chunks())


JUDGED_BYTES: Final = 4 << 20
"""Texts to judge come many at once."""

PATCH_BYTES: Final = 4 << 20
"""An edited patch holds whole files."""

ROUTES: Final[tuple[Route, ...]] = (
    public("GET /healthz", Public.HEALTH, gateway.health, takes=Nothing, gives=g.Health),
    public("GET /readyz", Public.HEALTH, gateway.readiness, takes=Nothing, gives=g.Readiness),
    public("GET /openapi.json", Public.DESCRIPTION, description, takes=Nothing, gives=("application/json",)),
    public("GET /v1/ca", Public.TRUST, gateway.authority, takes=Nothing, gives=g.Authority),
    public("POST /v1/login", Public.LOGIN, identity.login, takes=i.Login, gives=i.LoggedIn),
    raw("GET /metrics", OBSERVE, gateway.metrics, takes=Nothing, media_types=("text/plain",)),
    route("GET /v1/doctor", OBSERVE, gateway.diagnose, takes=Nothing, gives=g.Diagnosis),
    # --- who one is
    route("GET /v1/whoami", ANY_ACTION, identity.whoami, takes=Nothing, gives=i.WhoAmI),
    route("POST /v1/logout", ANY_ACTION, identity.logout, takes=Nothing, gives=i.Done),
    route("POST /v1/database-tokens", CONNECT, identity.database_token, takes=Nothing, gives=i.DatabaseToken),
    route(
        "GET /v1/machine-tokens", ANY_ACTION, identity.machine_tokens, takes=Nothing, gives=i.MachineTokenList
    ),
    route(
        "POST /v1/machine-tokens",
        ANY_ACTION,
        identity.add_machine_token,
        takes=i.NewMachineToken,
        gives=i.MachineToken,
    ),
    route(
        "DELETE /v1/machine-tokens/{id}",
        ANY_ACTION,
        identity.remove_machine_token,
        takes=i.MachineTokenId,
        gives=i.Done,
    ),
    route("GET /v1/ssh-keys", ANY_ACTION, ssh_keys.list_keys, takes=Nothing, gives=i.SshKeyList),
    route("POST /v1/ssh-keys", CONNECT, ssh_keys.add_key, takes=i.NewSshKey, gives=i.SshKeyFacts),
    route("DELETE /v1/ssh-keys/{id}", ANY_ACTION, ssh_keys.remove_key, takes=i.SshKeyId, gives=i.Done),
    route(
        "POST /v1/ssh-certificates",
        CONNECT,
        ssh_keys.certify,
        takes=i.NewSshCertificate,
        gives=i.SshCertificate,
    ),
    route(
        "POST /v1/docker/certificates",
        CONNECT,
        containers.certify,
        takes=i.NewDockerCertificate,
        gives=i.DockerCertificate,
    ),
    route(
        "POST /v1/kubernetes/tokens",
        CONNECT,
        containers.cluster_token,
        takes=Nothing,
        gives=i.ClusterToken,
    ),
    # --- asking, deciding, holding
    route("POST /v1/requests", REQUEST, access.file_request, takes=a.FileRequest, gives=a.RequestFacts),
    route("GET /v1/requests", ACCESS, access.list_requests, takes=a.ListRequests, gives=a.RequestList),
    lines(
        "GET /v1/requests/watch", ACCESS, access.watch_requests, takes=a.ListRequests, gives=a.RequestFacts
    ),
    route("GET /v1/requests/{id}", ACCESS, access.show_request, takes=a.RequestId, gives=a.RequestFacts),
    route(
        "GET /v1/requests/{id}/decision",
        ACCESS,
        access.wait_for_decision,
        takes=a.WaitForRequest,
        gives=a.RequestFacts,
    ),
    route("POST /v1/requests/{id}/approve", APPROVE, access.approve, takes=a.Approve, gives=a.RequestFacts),
    route("POST /v1/requests/{id}/deny", APPROVE, access.deny, takes=a.Deny, gives=a.RequestFacts),
    route(
        "POST /v1/requests/{id}/withdraw", REQUEST, access.withdraw, takes=a.RequestId, gives=a.RequestFacts
    ),
    route("GET /v1/grants", GRANTS, access.list_grants, takes=a.ListGrants, gives=a.GrantList),
    route("POST /v1/grants/{id}/drop", GRANTS, access.drop, takes=a.GrantId, gives=i.Done),
    route("POST /v1/grants/{id}/revoke", REVOKE, access.revoke, takes=a.Revoke, gives=i.Done),
    # --- what may be looked at
    route(
        "GET /v1/endpoints", ANY_ACTION, endpoints.list_endpoints, takes=e.ListEndpoints, gives=e.EndpointList
    ),
    route(
        "GET /v1/endpoints/{name}/connection",
        frozenset({CONNECT, REQUEST}),
        endpoints.connection,
        takes=e.EndpointName,
        gives=e.Connection,
    ),
    route(
        "GET /v1/endpoints/{name}",
        ADMINISTER,
        endpoints.show_endpoint,
        takes=e.EndpointName,
        gives=e.EndpointFacts,
    ),
    route(
        "PUT /v1/endpoints/{name}",
        ADMINISTER,
        endpoints.put_endpoint,
        takes=e.PutEndpoint,
        gives=e.EndpointFacts,
    ),
    route(
        "DELETE /v1/endpoints/{name}",
        ADMINISTER,
        endpoints.remove_endpoint,
        takes=e.EndpointName,
        gives=i.Done,
    ),
    route(
        "POST /v1/endpoints/{name}/check",
        ADMINISTER,
        endpoints.check_endpoint,
        takes=e.EndpointName,
        gives=e.EndpointCheck,
    ),
    route(
        "POST /v1/endpoints/{name}/judge",
        CONNECT,
        endpoints.judge_texts,
        takes=e.JudgeTexts,
        gives=e.Verdicts,
        body_bytes=JUDGED_BYTES,
    ),
    route(
        "GET /v1/endpoints/{name}/harden",
        ADMINISTER,
        endpoints.harden_endpoint,
        takes=e.EndpointName,
        gives=e.Hardening,
    ),
    route(
        "POST /v1/host-keys", ADMINISTER, ssh_keys.fetch_host_key, takes=e.HostAddress, gives=e.HostKeyFacts
    ),
    route(
        "GET /v1/endpoints/{name}/host-key",
        ADMINISTER,
        ssh_keys.host_key,
        takes=e.EndpointName,
        gives=e.HostKeyFacts,
    ),
    route(
        "POST /v1/endpoints/{name}/host-key",
        ADMINISTER,
        ssh_keys.accept_host_key,
        takes=e.AcceptHostKey,
        gives=e.EndpointFacts,
    ),
    # --- what happened
    route("GET /v1/sessions", SESSIONS, sessions.list_sessions, takes=s.ListSessions, gives=s.SessionList),
    route("GET /v1/sessions/{id}", SESSIONS, sessions.show_session, takes=s.SessionId, gives=s.SessionFacts),
    lines("GET /v1/sessions/{id}/watch", REVIEW, review.watch, takes=s.Watched, gives=s.Moment),
    route("POST /v1/sessions/{id}/kill", KILL, sessions.kill_session, takes=s.Kill, gives=i.Done),
    lines("GET /v1/sessions/{id}/replay", REVIEW, review.replay, takes=s.Watched, gives=s.Moment),
    raw(
        "GET /v1/sessions/{id}/export",
        REVIEW,
        review.export,
        takes=s.Export,
        media_types=("application/x-ndjson", "text/html"),
    ),
    lines("GET /v1/search", REVIEW, review.search, takes=s.Search, gives=s.Hit),
    lines("POST /v1/verify", REVIEW, proof.verify, takes=s.Verify, gives=s.Proof),
    route("GET /v1/checkpoint", REVIEW, proof.checkpoint, takes=Nothing, gives=s.Checkpoint),
    # --- what becomes of a refused write
    route("GET /v1/changes", CHANGES, changes.list_changes, takes=c.ListChanges, gives=c.ChangeList),
    route("GET /v1/changes/{id}", CHANGES, changes.show_change, takes=c.ChangeId, gives=c.ChangeFacts),
    route(
        "POST /v1/changes/{id}/submit",
        SUBMIT,
        changes.submit_change,
        takes=c.Submit,
        gives=c.Submitted,
        body_bytes=PATCH_BYTES,
    ),
    route(
        "POST /v1/changes/{id}/withdraw",
        SUBMIT,
        changes.withdraw_change,
        takes=c.ChangeId,
        gives=c.ChangeLine,
    ),
    route("POST /v1/changes/{id}/was-a-read", SUBMIT, changes.was_a_read, takes=c.ChangeId, gives=c.Proposal),
    route("POST /v1/changes/draft-last", SUBMIT, changes.draft_last, takes=c.DraftLast, gives=c.ChangeLine),
    # --- who may
    route("GET /v1/people", ADMINISTER, people.list_people, takes=Nothing, gives=i.PersonList),
    route("POST /v1/people", ADMINISTER, people.add_person, takes=i.NewPerson, gives=i.Person),
    route("DELETE /v1/people/{name}", ADMINISTER, people.remove_person, takes=i.PersonName, gives=i.Done),
    route(
        "PUT /v1/people/{name}/password", ANY_ACTION, people.set_password, takes=i.NewPassword, gives=i.Done
    ),
    route(
        "PUT /v1/people/{name}/roles/{role}", ADMINISTER, people.grant_role, takes=i.PersonRole, gives=i.Done
    ),
    route(
        "DELETE /v1/people/{name}/roles/{role}",
        ADMINISTER,
        people.remove_role,
        takes=i.PersonRole,
        gives=i.Done,
    ),
    route("GET /v1/policy", ADMINISTER, policy.show, takes=Nothing, gives=g.PolicyFacts),
    route("POST /v1/policy/reload", ADMINISTER, policy.reload, takes=Nothing, gives=g.PolicyFacts),
    route("POST /v1/policy/test", ADMINISTER, policy.ask, takes=g.TryPolicy, gives=g.PolicySays),
)
"""In the order that the description lists them; a path's fixed words come before its templates."""
