"""What may be looked at, and its registration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.domain.endpoint import EndpointKind, EndpointSettings, Repository, Require
from gateway.domain.errors import GlassgateError, InvalidInput, NotAuthorised
from gateway.domain.secret import Secret
from gateway.store.endpoints import Registration
from gateway.web.routes import Action
from gateway.web.shapes import endpoints as shapes
from gateway.web.shapes.identity import Done

if TYPE_CHECKING:
    from gateway.access.endpoints import Listed
    from gateway.domain.endpoint import Endpoint
    from gateway.web.parts import DoorFacts
    from gateway.web.routes import Call

MOST_TEXTS = 1000
"""Texts that are judged in one call."""
DATABASE_OPTION = "database"
"""The endpoint's option that names the database which clients open by default."""


async def list_endpoints(call: Call, question: shapes.ListEndpoints) -> shapes.EndpointList:
    """List what the caller may look at, ask for, or do anything else at."""
    labels = {}
    for one in question.label:
        key, sign, value = one.partition("=")
        if not sign:
            raise InvalidInput(f"{one!r} is no label", hint="KEY=VALUE, such as env=prod")
        labels[key] = value
    found = await call.parts.endpoints.list(call.identity, question.text, labels)
    return shapes.EndpointList(endpoints=tuple(_line(one) for one in found))


def _line(one: Listed) -> shapes.EndpointLine:
    return shapes.EndpointLine(
        name=one.endpoint.name,
        kind=one.endpoint.kind.value,
        labels=dict(one.endpoint.labels),
        may=tuple(sorted(one.may)),
        access=_access(one),
        ends_at=one.grant.ends_at if one.grant is not None else None,
    )


def _access(one: Listed) -> str:
    """Say what the caller holds: ``ready``, ``active``, ``pending``, or nothing."""
    if one.grant is not None:
        return one.grant.state.value
    return "pending" if one.pending is not None else ""


async def connection(call: Call, question: shapes.EndpointName) -> shapes.Connection:
    """Say how a native client reaches an endpoint through the gateway."""
    endpoint = await call.parts.endpoints.resolve(question.name, call.identity)
    door = _door(call, endpoint)
    ssh = call.parts.doors.get(EndpointKind.SSH) if endpoint.kind is EndpointKind.DOCKER else None
    held = await call.parts.endpoints.list(call.identity, endpoint.name)
    mine = next((one for one in held if one.endpoint.id == endpoint.id), None)
    return shapes.Connection(
        endpoint=endpoint.name,
        kind=endpoint.kind.value,
        host=door.host,
        port=door.port,
        user=f"{call.identity.name}+{endpoint.name}",
        database=endpoint.settings.options.get(DATABASE_OPTION, ""),
        access=_access(mine) if mine is not None else "",
        request=mine.pending if mine is not None else None,
        ends_at=mine.grant.ends_at if mine is not None and mine.grant is not None else None,
        secrets=mine is not None and mine.grant is not None and mine.grant.secrets,
        host_key=door.host_key if ssh is None else ssh.host_key,
        ssh_port=0 if ssh is None else ssh.port,
    )


async def show_endpoint(call: Call, question: shapes.EndpointName) -> shapes.EndpointFacts:
    """Show a registration, without its secret."""
    return facts_of(await call.parts.endpoints.registration(call.identity, question.name))


async def put_endpoint(call: Call, question: shapes.PutEndpoint) -> shapes.EndpointFacts:
    """Register an endpoint, or change its registration; without a password the registered one stays."""
    kind = _kind(question.kind)
    registration = Registration(
        name=question.name,
        kind=kind,
        labels=question.labels,
        host=question.host,
        port=question.port,
        username=question.username,
        tls=question.tls,
        ca=question.ca,
        repository=_repository(question.repository),
        settings=_settings(question.settings, kind),
    )
    secret = None if question.password is None else Secret(question.password)
    return facts_of(await call.parts.endpoints.put(call.identity, registration, secret))


async def remove_endpoint(call: Call, question: shapes.EndpointName) -> Done:
    """Remove a registration: its grants are revoked, its sessions end, its recordings stay."""
    gone = await call.parts.endpoints.remove(call.identity, question.name)
    return Done(done=f"{gone.name} is removed; its recordings stay")


async def check_endpoint(call: Call, question: shapes.EndpointName) -> shapes.EndpointCheck:
    """Dial an endpoint as a session would, and say what it enforces by itself."""
    return await dialled(call, await call.parts.endpoints.registration(call.identity, question.name))


async def dialled(call: Call, endpoint: Endpoint) -> shapes.EndpointCheck:
    """Dial an endpoint and say what was found; what goes wrong is a finding, not an error."""
    try:
        level = await _door(call, endpoint).check(endpoint, await call.parts.endpoints.secret(endpoint))
    except GlassgateError as error:
        return shapes.EndpointCheck(
            endpoint=endpoint.name, good=False, problem=error.message, hint=error.hint
        )
    return shapes.EndpointCheck(
        endpoint=endpoint.name,
        good=True,
        level=level.name,
        layers=level.layers.words,
        findings=dict(level.findings),
    )


async def harden_endpoint(call: Call, question: shapes.EndpointName) -> shapes.Hardening:
    """Print what makes the right role on the server, to be read and run by its owner."""
    endpoint = await call.parts.endpoints.registration(call.identity, question.name)
    return shapes.Hardening(endpoint=endpoint.name, script=_door(call, endpoint).harden(endpoint))


async def judge_texts(call: Call, question: shapes.JudgeTexts) -> shapes.Verdicts:
    """Judge texts as an endpoint's sessions would."""
    if len(question.texts) > MOST_TEXTS:
        raise InvalidInput(f"{len(question.texts):,} texts at once", hint=f"send at most {MOST_TEXTS:,}")
    endpoint = await call.parts.endpoints.resolve(question.name, call.identity)
    await _may_learn(call, endpoint)
    secret = await call.parts.endpoints.secret(endpoint)
    judged = await _door(call, endpoint).judge(endpoint, secret, question.texts)
    lines = tuple(
        shapes.VerdictLine(verdict=each.decision.word, rule=each.rule, reason=each.reason) for each in judged
    )
    return shapes.Verdicts(verdicts=lines)


async def _may_learn(call: Call, endpoint: Endpoint) -> None:
    """Make sure that a caller may learn what there is at an endpoint, as verdicts by its catalogue tell.

    Raises:
        NotAuthorised: they hold no access to it and do not administer it.
    """
    if call.permissions.allows(Action.ADMINISTER.value, endpoint):
        return
    held = await call.parts.grants.list(call.identity, mine=True)
    if not any(grant.endpoint == endpoint.id for grant in held):
        raise NotAuthorised(
            f"you hold no access to {endpoint.name}, by whose catalogue this would be judged",
            hint=f'glassgate request {endpoint.name} --for 1h --reason "…"',
        )


def _door(call: Call, endpoint: Endpoint) -> DoorFacts:
    door = call.parts.doors.get(endpoint.kind)
    if door is None:
        raise InvalidInput(f"this gateway has no door for {endpoint.kind.value} yet")
    return door


def _kind(text: str) -> EndpointKind:
    try:
        return EndpointKind(text)
    except ValueError:
        known = ", ".join(kind.value for kind in EndpointKind)
        raise InvalidInput(f"{text!r} is no kind of endpoint", hint=f"one of {known}") from None


def _repository(told: shapes.RepositoryFacts | None) -> Repository | None:
    if told is None:
        return None
    return Repository(
        url=told.url,
        branch=told.branch,
        convention=told.convention,
        migrations=told.migrations,
        paths=told.paths,
        image=told.image,
    )


def _settings(told: shapes.SettingsFacts, kind: EndpointKind) -> EndpointSettings:
    require = None
    if told.require:
        try:
            require = Require(told.require)
        except ValueError:
            raise InvalidInput(f"{told.require!r} can't be required", hint="role or default") from None
    results = told.record_results
    return EndpointSettings(
        require=require,
        record_results=kind is not EndpointKind.POSTGRES if results is None else results,
        max_recording_bytes=told.max_recording_bytes,
        keep_days=told.keep_days,
        idle_seconds=told.idle_seconds,
        statement_timeout_ms=told.statement_timeout_ms,
        lists=told.lists,
        options=told.options,
    )


def facts_of(endpoint: Endpoint) -> shapes.EndpointFacts:
    """Return a registration as the API shows it."""
    where, settings = endpoint.repository, endpoint.settings
    return shapes.EndpointFacts(
        name=endpoint.name,
        kind=endpoint.kind.value,
        labels=dict(endpoint.labels),
        host=endpoint.host,
        port=endpoint.port,
        username=endpoint.username,
        tls=endpoint.tls,
        ca=endpoint.ca,
        repository=None
        if where is None
        else shapes.RepositoryFacts(
            url=where.url,
            branch=where.branch,
            convention=where.convention,
            migrations=where.migrations,
            paths=dict(where.paths),
            image=where.image,
        ),
        settings=shapes.SettingsFacts(
            require=settings.require.value if settings.require is not None else "",
            record_results=settings.record_results,
            max_recording_bytes=settings.max_recording_bytes,
            keep_days=settings.keep_days,
            idle_seconds=settings.idle_seconds,
            statement_timeout_ms=settings.statement_timeout_ms,
            lists=dict(settings.lists),
            options=dict(settings.options),
        ),
        require=endpoint.require.value,
        version=endpoint.version,
    )
