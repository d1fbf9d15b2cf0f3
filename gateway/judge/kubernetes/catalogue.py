"""``policies/catalogue/kubernetes.toml`` → what is known of the API."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from gateway.domain.errors import ConfigurationBroken
from gateway.domain.verdict import Decision
from gateway.judge.catalogue import FOLDER, load

ParameterKind: TypeAlias = Literal["text", "texts", "number", "moment", "period", "flag", "never"]
"""How a query parameter is read."""

Use: TypeAlias = Literal["get", "list", "log", "exec", "review", "dry-run", "dry-delete"]
"""What a query belongs to, where it asks for a resource."""


class _Table(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab", dict=True
):
    """A table of the file; keys are written with dashes."""


class Paths(_Table, frozen=True, kw_only=True):
    """Paths that are no resource, and read.

    Attributes:
        paths: ``*`` stands for one segment, ``**`` at the end for one or more.
        parameters: of their queries.
    """

    paths: tuple[str, ...]
    parameters: tuple[str, ...]


class Subresource(_Table, frozen=True, kw_only=True):
    """A subresource that GET reads.

    Attributes:
        name: such as ``log``.
        use: which parameters its query takes.
        of: the resources that have it; empty: any.
    """

    name: str
    use: Use
    of: tuple[str, ...] = ()


class Never(_Table, frozen=True, kw_only=True):
    """Subresources that are no read by any method.

    Attributes:
        names: of them.
        decision: ``change`` where a change request can carry it, else ``refuse``.
        reason: what it does, to go after its name.
    """

    names: tuple[str, ...]
    decision: Literal["change", "refuse"]
    reason: str

    @property
    def severity(self) -> Decision:
        """The decision as a domain value."""
        return Decision[self.decision.upper()]


class Review(_Table, frozen=True, kw_only=True):
    """Requests that ask by POST and leave nothing behind.

    Attributes:
        group: of the API.
        resources: of that group.
        allowed: whether they may be asked.
        reason: what they ask, to go after their name.
    """

    group: str
    resources: tuple[str, ...]
    allowed: bool
    reason: str


class Group(_Table, frozen=True, kw_only=True):
    """One of Kubernetes' own API groups.

    Attributes:
        name: empty for the core.
        resources: that it has or had.
    """

    name: str
    resources: tuple[str, ...]


class Measures(_Table, frozen=True, kw_only=True):
    """Servers of measurements.

    Attributes:
        groups: that offer nothing but measures, by GET.
    """

    groups: tuple[str, ...]


class KubernetesCatalogue(_Table, frozen=True, kw_only=True):
    """``kubernetes.toml``.

    Attributes:
        path: paths that are no resource.
        parameters: of queries, and how each is read.
        uses: what is asked → which parameters it takes.
        subresource: those that GET reads.
        never: those that are no read.
        review: questions asked by POST.
        group: Kubernetes' own.
        measures: servers of measurements.
    """

    path: tuple[Paths, ...]
    parameters: Mapping[str, ParameterKind]
    uses: Mapping[Use, tuple[str, ...]]
    subresource: tuple[Subresource, ...]
    never: tuple[Never, ...]
    review: tuple[Review, ...]
    group: tuple[Group, ...]
    measures: tuple[Measures, ...]

    def __post_init__(self) -> None:
        """Check that every parameter that is used is one that is known."""
        named = {name for each in self.uses.values() for name in each}
        named.update(name for each in self.path for name in each.parameters)
        if unknown := named - set(self.parameters):
            raise ValueError(f"no kind is given for the parameter `{min(unknown)}`")

    def plain(self, segments: tuple[str, ...]) -> Paths | None:
        """Return what is known of a path that is no resource; None: nothing.

        Args:
            segments: of the path.
        """
        exact = self._exact.get(segments)
        if exact is not None:
            return exact
        for pattern, entry in self._patterns:
            if _fits(pattern, segments):
                return entry
        return None

    @cached_property
    def groups(self) -> Mapping[str, frozenset[str]]:
        """Kubernetes' own groups → their resources."""
        return {each.name: frozenset(each.resources) for each in self.group}

    @cached_property
    def read_subresources(self) -> Mapping[str, Subresource]:
        """Those that GET reads, by name."""
        return {each.name: each for each in self.subresource}

    @cached_property
    def never_read(self) -> Mapping[str, Never]:
        """Those that are no read, by name."""
        return {name: each for each in self.never for name in each.names}

    @cached_property
    def reviews(self) -> Mapping[tuple[str, str], Review]:
        """Questions asked by POST, by group and resource."""
        return {(each.group, name): each for each in self.review for name in each.resources}

    @cached_property
    def measured(self) -> frozenset[str]:
        """Groups that offer nothing but measures."""
        return frozenset(name for each in self.measures for name in each.groups)

    @cached_property
    def fingerprint(self) -> str:
        """Changes with the content: verdicts are kept by it."""
        return sha256(msgspec.json.encode(self)).hexdigest()

    @cached_property
    def _exact(self) -> Mapping[tuple[str, ...], Paths]:
        return {pattern: entry for pattern, entry in self._templates if "*" not in "".join(pattern)}

    @cached_property
    def _patterns(self) -> tuple[tuple[tuple[str, ...], Paths], ...]:
        return tuple((pattern, entry) for pattern, entry in self._templates if "*" in "".join(pattern))

    @cached_property
    def _templates(self) -> tuple[tuple[tuple[str, ...], Paths], ...]:
        return tuple(
            (tuple(path.strip("/").split("/")) if path != "/" else (), entry)
            for entry in self.path
            for path in entry.paths
        )


def load_kubernetes(folder: Path = FOLDER) -> KubernetesCatalogue:
    """Read ``kubernetes.toml``.

    Args:
        folder: of the catalogue files.

    Raises:
        ConfigurationBroken: the file is missing, is no TOML, or a key, type or value in it is wrong.
    """
    path = folder / "kubernetes.toml"
    found = load(path, KubernetesCatalogue)
    if not found.group:
        raise ConfigurationBroken(f"{path}: no groups stand there.", hint="Restore it from the release.")
    return found


def _fits(pattern: tuple[str, ...], segments: tuple[str, ...]) -> bool:
    if pattern[-1] == "**":
        pattern = pattern[:-1]
        if len(segments) <= len(pattern):
            return False
    elif len(segments) != len(pattern):
        return False
    return all(want in ("*", given) for want, given in zip(pattern, segments, strict=False))
