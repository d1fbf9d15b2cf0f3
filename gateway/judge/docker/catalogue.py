"""``policies/catalogue/docker.toml`` → the routes of the Docker Engine API, found by method and path."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

import msgspec

from gateway.domain.errors import ConfigurationBroken
from gateway.domain.verdict import Decision, Verdict
from gateway.judge.catalogue import FOLDER, load
from gateway.judge.docker.grammar import GRAMMARS, WITH_SLASHES
from gateway.judge.docker.judgement import DockerAction
from gateway.judge.docker.query import known_type

_NAMED: Final = re.compile(r"\{([a-z-]+)\}")


class Route(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab", dict=True):
    """One route, as the catalogue's own comments say.

    Attributes:
        method: as published.
        path: as published, with the kinds of its names in braces.
        rule: last part of the verdict's rule.
        verdict: what a request to it comes to, where nothing in it is worse.
        title: the docker command that sends it.
        reason: one sentence.
        query: parameter → its type.
        action: what the gateway does with it.
        since: oldest version in which it is what is judged; empty: any.
        masks: members of the answer that are not shown.
    """

    method: str
    path: str
    rule: str
    verdict: Literal["allow", "change", "refuse"]
    title: str
    reason: str
    query: Mapping[str, str] = {}
    action: DockerAction = DockerAction.ANSWER
    since: str = ""
    masks: tuple[str, ...] = ()

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of the names in its path, in order."""
        return tuple(_NAMED.findall(self.path))

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The path as a pattern with one group for each name, whose grammar is looked at behind it."""
        parts = _NAMED.split(self.path)
        return re.compile(
            "".join(
                (r"(.+)" if part in WITH_SLASHES else r"([^/]+)") if at % 2 else re.escape(part)
                for at, part in enumerate(parts)
            )
        )

    @cached_property
    def decided(self) -> Verdict:
        """The verdict where nothing in a request is worse."""
        return Verdict(Decision[self.verdict.upper()], f"docker.{self.rule}", self.reason)

    def names(self, path: str) -> tuple[str, ...] | None:
        """The names that stand in a path of this route; None where it is a path of another.

        Args:
            path: decoded, without the version.
        """
        found = self.pattern.fullmatch(path)
        return None if found is None else found.groups()

    def titled(self, names: tuple[str, ...]) -> str:
        """The docker command with these names in it.

        Args:
            names: as they stand in the path.
        """
        given = iter(names)
        return _NAMED.sub(lambda _: next(given, ""), self.title)


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``docker.toml``."""

    oldest: str
    newest: str
    registries: tuple[str, ...]
    route: tuple[Route, ...]


@dataclass(frozen=True, slots=True)
class DockerCatalogue:
    """What is known of the Docker Engine API.

    Attributes:
        oldest: version that is known.
        newest: version that is known.
        registries: that a read may ask, ``*.x`` for every host below x.
        routes: (method, first segment of the path) → routes, in the order in which they are tried.
        fingerprint: changes with the content: verdicts are kept by it.
    """

    oldest: str
    newest: str
    registries: tuple[str, ...]
    routes: Mapping[tuple[str, str], tuple[Route, ...]]
    fingerprint: str

    def find(self, method: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
        """The route of a request with the names that stand in its path; None: no such route.

        Args:
            method: as sent.
            path: decoded, without the version.
        """
        for route in self.routes.get((method, path.split("/", 2)[1]), ()):
            names = route.names(path)
            if names is not None:
                return route, names
        return None

    def methods(self, path: str) -> tuple[str, ...]:
        """The methods that a path is known with.

        Args:
            path: decoded, without the version.
        """
        first = path.split("/", 2)[1]
        return tuple(
            method
            for (method, segment), routes in self.routes.items()
            if segment == first and any(route.names(path) is not None for route in routes)
        )


def load_docker(folder: Path = FOLDER) -> DockerCatalogue:
    """Read ``docker.toml``.

    Args:
        folder: of the catalogue files.

    Raises:
        ConfigurationBroken: the file is missing, is no TOML, a key, type or value in it is wrong, or a route
            stands in it twice.
    """
    path = folder / "docker.toml"
    file = load(path, _File)
    found: dict[tuple[str, str], list[Route]] = {}
    seen: set[tuple[str, str]] = set()
    for route in file.route:
        _check(path, route, seen)
        found.setdefault((route.method, route.path.split("/", 2)[1]), []).append(route)
    return DockerCatalogue(
        file.oldest,
        file.newest,
        file.registries,
        {key: tuple(sorted(routes, key=_order)) for key, routes in found.items()},
        sha256(msgspec.json.encode(file)).hexdigest(),
    )


def _order(route: Route) -> tuple[bool, int]:
    """Paths without names first, and of those with names the longest: a name may have slashes in it."""
    return bool(route.kinds), -route.path.count("/")


def _check(path: Path, route: Route, seen: set[tuple[str, str]]) -> None:
    place = f"{route.method} {route.path}"
    if (route.method, route.path) in seen:
        raise ConfigurationBroken(f"{path}: {place} stands in it twice.", hint="Keep one of the two.")
    seen.add((route.method, route.path))
    for kind in route.kinds:
        if kind not in GRAMMARS:
            raise ConfigurationBroken(
                f"{path}: {place}: no names are of the kind {kind}.", hint=f"Kinds are {', '.join(GRAMMARS)}."
            )
    for name, sort in route.query.items():
        if not known_type(sort):
            raise ConfigurationBroken(
                f"{path}: {place}: {name} has the unknown type {sort}.",
                hint="Compare it with the types of other routes.",
            )
