"""The parameters of a query: each value is read by its type, the way the engine reads it, and rewritten."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from gateway.domain.verdict import Decision
from gateway.judge.docker.context import DockerContext
from gateway.judge.docker.grammar import is_name, registry_of
from gateway.judge.http.bodies import rebuilt_json, strict_json
from gateway.judge.http.reading import NotRead
from gateway.judge.shell.judge import judge_argv
from gateway.judge.shell.judgement import ShellJudgement

MAX_VALUE: Final = 8_192
"""Longest value of a parameter, in characters."""

FALSE: Final = frozenset({"", "0", "no", "false", "none"})
"""What the engine takes for no, in any case; everything else is yes to it (httputils.BoolValue)."""

TRUE: Final = frozenset({"1", "true", "yes", "on", "t"})
"""What clients send for yes."""

_INTEGER = re.compile(r"-?[0-9]{0,19}")
_SIZE = re.compile(r"[0-9]{1,5}")
_TIME = re.compile(r"[0-9A-Za-z:.+-]{0,64}")
_KEYS = re.compile(r"[A-Za-z0-9@\[\]\\^_,-]{0,64}")
_PS = re.compile(r"[A-Za-z0-9%,=:+_./@-]+")
_PLATFORM = re.compile(r"[A-Za-z0-9._/()*+-]{0,64}")

Reader = Callable[[str, DockerContext], str]
"""A value → the value that is sent; NotRead where it has not the form of its type."""


class _Unfit(Exception):
    """A value has not the form of its type; the text goes behind the parameter's name."""


def rebuilt_pairs(
    types: Mapping[str, str], pairs: tuple[tuple[str, str], ...], context: DockerContext
) -> list[tuple[str, str]]:
    """Return the parameters to send.

    Args:
        types: of the route's parameters.
        pairs: as the client sent them, decoded.
        context: of the request.

    Raises:
        NotRead: a parameter is unknown, stands twice, or its value has not the form of its type.
    """
    found: list[tuple[str, str]] = []
    seen = set()
    for name, value in pairs:
        sort = types.get(name)
        if sort is None:
            raise NotRead("query.unknown", f"The parameter {name[:40]!r} is not known on this route.")
        if name in seen and not sort.endswith("[]"):
            raise NotRead("query.repeated", f"The parameter {name!r} stands in the query twice.")
        seen.add(name)
        if len(value) > MAX_VALUE:
            raise NotRead("query.long", f"The parameter {name!r} is longer than {MAX_VALUE} characters.")
        try:
            found.append((name, _read(sort.removesuffix("[]"), value, context)))
        except _Unfit as error:
            raise NotRead(f"query.{name}", f"The parameter {name!r} {error}.") from None
    return found


def known_type(sort: str) -> bool:
    """Whether a type is one that the catalogue may name.

    Args:
        sort: such as ``bool``, ``text[]`` or ``local|global``.
    """
    plain = sort.removesuffix("[]")
    return plain in _READERS or "|" in plain


def judged_ps(value: str, context: DockerContext) -> ShellJudgement:
    """Judge the arguments with which the engine runs ps on its host, for ``docker top``.

    Args:
        value: the arguments, as the engine cuts them: at spaces.
        context: of the request.
    """
    argv = ("ps", *(each for each in value.split(" ") if each))
    return judge_argv(argv, replace(context.shell, guarded=False, sudo=False, terminal=False, folder=""))


def _read(sort: str, value: str, context: DockerContext) -> str:
    if "|" in sort:
        if value not in sort.split("|"):
            raise _Unfit(f"is none of {', '.join(each for each in sort.split('|') if each)}")
        return value
    return _READERS[sort](value, context)


def _boolean(value: str, _: DockerContext) -> str:
    lowered = value.lower()
    if lowered in FALSE:
        return "0"
    if lowered not in TRUE:
        raise _Unfit("is neither 0 nor 1")
    return "1"


def _false(value: str, context: DockerContext) -> str:
    if _boolean(value, context) == "1":
        raise _Unfit(
            "would send input to the container's own process; use docker logs -f, or attach --no-stdin"
        )
    return "0"


def _matching(pattern: re.Pattern[str], what: str) -> Reader:
    def read(value: str, _: DockerContext) -> str:
        if pattern.fullmatch(value) is None:
            raise _Unfit(what)
        return value

    return read


def _tail(value: str, context: DockerContext) -> str:
    return value if value in ("all", "") else _READERS["int"](value, context)


def _text(value: str, _: DockerContext) -> str:
    if "\x00" in value or not value.isprintable():
        raise _Unfit("holds a character that has no place in it")
    return value


def _path(value: str, _: DockerContext) -> str:
    if not value or "\x00" in value:
        raise _Unfit("is no path")
    return value


def _name(kind: str) -> Reader:
    def read(value: str, _: DockerContext) -> str:
        if value and not is_name(kind, value):
            raise _Unfit(f"is no name of {'an' if kind[0] in 'aeiou' else 'a'} {kind}")
        return value

    return read


def _registry_image(value: str, context: DockerContext) -> str:
    if not is_name("image", value):
        raise _Unfit("is no name of an image")
    return _listed(value, context)


def _term(value: str, context: DockerContext) -> str:
    return _listed(_text(value, context), context)


def _listed(value: str, context: DockerContext) -> str:
    """Check that a reference or term speaks of a listed registry."""
    check_registry(value, context)
    return value


def check_registry(reference: str, context: DockerContext) -> None:
    """Check that a reference speaks of a registry that a read may make the engine ask.

    Args:
        reference: of an image, or a term to search for.
        context: of the request.

    Raises:
        NotRead: the registry is not listed.
    """
    host = registry_of(reference)
    for each in (*context.catalogue.registries, *context.shell.lists.get("hosts", ())):
        if host == each or (each.startswith("*.") and host.endswith(each[1:])):
            return
    raise NotRead(
        "registry",
        f"It would make the engine ask {host[:80]!r}, which is no registry that is listed for this endpoint.",
    )


def _filters(value: str, _: DockerContext) -> str:
    """``{"name": ["web"]}``, or as older clients send it, ``{"name": {"web": true}}``."""
    if not value:
        return ""
    read = strict_json(value.encode())
    if not isinstance(read, dict):
        raise _Unfit("is no JSON object of filters")
    for wanted in read.values():
        as_list = isinstance(wanted, list) and all(isinstance(each, str) for each in wanted)
        as_map = isinstance(wanted, dict) and all(isinstance(each, bool) for each in wanted.values())
        if not as_list and not as_map:
            raise _Unfit("has a filter that is no list of texts")
    return rebuilt_json(read).decode()


def _platform(value: str, _: DockerContext) -> str:
    if not value.startswith("{"):
        return _matching(_PLATFORM, "is no platform")(value, _)
    read = strict_json(value.encode())
    if not isinstance(read, dict) or not all(isinstance(each, str | list) for each in read.values()):
        raise _Unfit("is no platform")
    return rebuilt_json(read).decode()


def _ps(value: str, context: DockerContext) -> str:
    """Arguments of ps, which the engine runs on its host."""
    if not value:
        return ""
    judged = judged_ps(value, context)
    if judged.verdict.decision is not Decision.ALLOW or judged.argv[:1] != ("ps",):
        raise _Unfit(f"holds arguments that ps may not get: {judged.verdict.reason.rstrip('.')}")
    words = judged.argv[1:]
    if not all(map(_PS.fullmatch, words)):
        raise _Unfit("holds arguments that can't be handed to ps one by one")
    return " ".join(words)


_READERS: Final[Mapping[str, Reader]] = {
    "bool": _boolean,
    "no": _false,
    "int": _matching(_INTEGER, "is no number"),
    "size": _matching(_SIZE, "is no size"),
    "time": _matching(_TIME, "is no time"),
    "keys": _matching(_KEYS, "names no keys"),
    "tail": _tail,
    "text": _text,
    "path": _path,
    "container": _name("container"),
    "image": _name("image"),
    "registry-image": _registry_image,
    "term": _term,
    "filters": _filters,
    "platform": _platform,
    "ps": _ps,
}
