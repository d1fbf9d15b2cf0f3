"""A request to an engine → what it would do, and the one request that is sent in its place."""

from __future__ import annotations

import re
from typing import Final, assert_never

from gateway.domain.http import Request
from gateway.domain.verdict import Decision, Verdict
from gateway.judge.docker.catalogue import Route
from gateway.judge.docker.context import DockerContext
from gateway.judge.docker.execs import created, resized, started
from gateway.judge.docker.grammar import is_name
from gateway.judge.docker.headers import check_headers, handed_on
from gateway.judge.docker.judgement import DockerAction, DockerJudgement
from gateway.judge.docker.query import check_registry, rebuilt_pairs
from gateway.judge.docker.writes import writes_of
from gateway.judge.http.reading import NotRead
from gateway.judge.http.targets import Target, rebuilt_path, rebuilt_query, split_target

ESCAPED: Final = "/:@"
"""What libraries write percent-encoded in the names of images."""

_VERSION: Final = re.compile(r"v(1\.(?:0|[1-9][0-9]{0,2}))")
_EMPTY: Final = frozenset({b"", b"{}", b"null"})


def judge(request: Request, context: DockerContext) -> DockerJudgement:
    """Judge a request.

    Args:
        request: as it was sent.
        context: everything else the verdict depends on.
    """
    title = ""
    try:
        check_headers(request)
        target = split_target(request.target, escaped=ESCAPED)
        version, segments = _version(target, context)
        path = "/" + "/".join(segments) + ("/" if target.slash else "")
        found = context.catalogue.find(request.method, path)
        if found is None:
            return DockerJudgement(_unknown(request.method, path, context))
        route, names = found
        _check_names(route, names, segments)
        title = route.titled(names)
        if route.decided.decision is not Decision.ALLOW:
            writes = writes_of(request, route, names, target.pairs, title)
            return DockerJudgement(
                route.decided,
                title=writes[0].command if writes else title,
                container=_container(route, names),
                writes=writes,
            )
        _check_since(route, version, context)
        pairs = rebuilt_pairs(route.query, target.pairs, context)
        rebuilt = f"{_prefix(version)}{_path(path)}{rebuilt_query(pairs)}"
        return _allowed(request, rebuilt, route, names, context)
    except NotRead as error:
        return DockerJudgement(Verdict(Decision.REFUSE, f"docker.{error.what}", error.reason), title=title)


def _version(target: Target, context: DockerContext) -> tuple[str, tuple[str, ...]]:
    """The version that a path begins with, empty where it has none, and the segments behind it."""
    segments = target.segments
    if not segments:
        raise NotRead("route.unknown", "The engine has no such route.")
    found = _VERSION.fullmatch(segments[0])
    if found is None:
        return "", segments
    version, catalogue = found[1], context.catalogue
    oldest = max(_number(catalogue.oldest), _number(context.oldest or catalogue.oldest))
    newest = min(_number(catalogue.newest), _number(context.newest or catalogue.newest))
    if not oldest <= _number(version) <= newest:
        raise NotRead(
            "version", f"Version {version} of the API is not known here; 1.{oldest} to 1.{newest} are."
        )
    if len(segments) == 1:
        raise NotRead("route.unknown", "The engine has no such route.")
    return version, segments[1:]


def _number(version: str) -> int:
    """The number behind the ``1.`` that every version begins with."""
    return int(version.removeprefix("1."))


def _prefix(version: str) -> str:
    return f"/v{version}" if version else ""


def _path(path: str) -> str:
    slash = "/" if path.endswith("/") else ""
    return rebuilt_path(path.strip("/").split("/")) + slash


def _unknown(method: str, path: str, context: DockerContext) -> Verdict:
    methods = context.catalogue.methods(path)
    if methods:
        reason = f"{method[:20]!r} is not known on this route; {' and '.join(sorted(methods))} are."
        return Verdict(Decision.REFUSE, "docker.route.method", reason)
    return Verdict(Decision.REFUSE, "docker.route.unknown", "The engine has no such route.")


def _check_names(route: Route, names: tuple[str, ...], segments: tuple[str, ...]) -> None:
    """Check names by their grammars, and that an escaped slash stands only inside the name of an image."""
    for kind, name in zip(route.kinds, names, strict=True):
        if not is_name(kind, name):
            raise NotRead("path.name", f"{name[:60]!r} is no name that an engine gives.")
    for at, each in enumerate(segments):
        if "/" in each and not (at == 1 and names and each in names[0]):
            raise NotRead("path", "The path has an escaped slash where no client needs one.")


def _check_since(route: Route, version: str, context: DockerContext) -> None:
    if not route.since:
        return
    spoken = version or context.newest or context.catalogue.newest
    if _number(spoken) < _number(route.since):
        raise NotRead("version.route", f"Before version {route.since} of the API this route is no read.")


def _container(route: Route, names: tuple[str, ...]) -> str:
    return next((name for kind, name in zip(route.kinds, names, strict=True) if kind == "container"), "")


def _allowed(
    request: Request, target: str, route: Route, names: tuple[str, ...], context: DockerContext
) -> DockerJudgement:
    """Judge a request to a route that reads."""
    match route.action:
        case DockerAction.EXEC_CREATE:
            return created(request, target, names[0], route.decided, context)
        case DockerAction.EXEC_START:
            return started(request, target, names[0], route.decided, context)
        case DockerAction.EXEC_RESIZE:
            _check_no_body(request)
            return resized(request, target, names[0], route.decided, context)
        case DockerAction.ANSWER | DockerAction.ATTACH:
            return _answered(request, target, route, names, context)
        case DockerAction.SHELL | DockerAction.NONE:
            raise NotRead("route.action", "The catalogue does not say what becomes of this route.")
        case _:
            assert_never(route.action)


def _answered(
    request: Request, target: str, route: Route, names: tuple[str, ...], context: DockerContext
) -> DockerJudgement:
    _check_no_body(request)
    for kind, name in zip(route.kinds, names, strict=True):
        if kind == "registry-image":
            check_registry(name, context)
    headers = handed_on(request, hijack=route.action is DockerAction.ATTACH, json=False)
    return DockerJudgement(
        route.decided,
        Request(request.method, target, headers),
        route.action,
        route.titled(names),
        _container(route, names),
        masks=route.masks,
    )


def _check_no_body(request: Request) -> None:
    """Check that a request whose route takes no body has none; some libraries send an empty object.

    A form would be taken for its query by the engine (net/http's ParseForm), so none is handed on.
    """
    if request.body is not None and request.body.strip() not in _EMPTY:
        raise NotRead("body.none", "This route takes no body.")
