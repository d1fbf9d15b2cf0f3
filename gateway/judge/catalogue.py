"""``policies/catalogue/*.toml`` → typed values; an error names the file, the place and the mend."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from gateway.domain.errors import ConfigurationBroken
from gateway.domain.verdict import Decision


class _Table(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab", dict=True
):
    """A table of a catalogue file; keys are written with dashes."""


class Denied(_Table, frozen=True, kw_only=True):
    """A family of functions that are not reads.

    Attributes:
        rule: last part of the verdict's rule.
        decision: ``change`` where an artifact could carry the call, else ``refuse``.
        reason: what the function does, to go after its name.
        names: of functions; ``x*`` for all that begin so, ``x/2`` for those called with two arguments.
    """

    rule: str
    decision: Literal["change", "refuse"]
    reason: str
    names: tuple[str, ...]

    @property
    def severity(self) -> Decision:
        """The decision as a domain value."""
        return Decision[self.decision.upper()]


class Functions(_Table, frozen=True, kw_only=True):
    """What is known of built-in functions beyond pg_proc.

    Attributes:
        safe: volatile ones that change nothing.
        denied: families that are not reads.
        by_argument: function → how its arguments decide.
    """

    safe: tuple[str, ...]
    denied: tuple[Denied, ...]
    by_argument: Mapping[str, Literal["settings", "reading-mode", "type-name"]]

    def is_safe(self, name: str) -> bool:
        """Whether a volatile built-in of that name changes nothing."""
        return self._safe.holds(name)

    def denial(self, name: str, given: int) -> Denied | None:
        """The family that forbids a built-in of that name, called with so many arguments.

        A name that stands among the safe ones in full is not forbidden by the beginning of a family's.
        """
        key = (name, given)
        if key not in self._denials:
            self._denials[key] = self._family(name, given)
        return self._denials[key]

    def _family(self, name: str, given: int) -> Denied | None:
        if self._safe.names(name):
            return None
        for family, names in self._denied:
            if names.holds(name) or names.holds(f"{name}/{given}"):
                return family
        return None

    @cached_property
    def _denials(self) -> dict[tuple[str, int], Denied | None]:
        """What was looked up before; names of built-ins only, so it can't grow past pg_proc."""
        return {}

    @cached_property
    def _safe(self) -> Names:
        return Names(self.safe)

    @cached_property
    def _denied(self) -> tuple[tuple[Denied, Names], ...]:
        return tuple((family, Names(family.names)) for family in self.denied)


class Extension(_Table, frozen=True, kw_only=True):
    """Extensions known to only read.

    Attributes:
        names: of extensions.
        also: their functions that change nothing though they are volatile or in a procedural language.
    """

    names: tuple[str, ...]
    also: tuple[str, ...]


class Settings(_Table, frozen=True, kw_only=True):
    """Settings that a session may change.

    Attributes:
        any: with any value.
        values: with these values only.
    """

    any: tuple[str, ...]
    values: Mapping[str, tuple[str, ...]]

    def allows(self, name: str, value: str) -> bool:
        """Whether a setting, in lower case, may get that value."""
        values = self.values.get(name)
        if values is not None:
            return value.strip().lower() in values
        return self.resets(name)

    def resets(self, name: str) -> bool:
        """Whether a setting, in lower case, may get any value, its default included."""
        return self._any.holds(name)

    @cached_property
    def _any(self) -> Names:
        return Names(self.any)


class PostgresCatalogue(_Table, frozen=True, kw_only=True):
    """``postgres.toml``.

    Attributes:
        functions: built-ins.
        extensions: known ones.
        reaching: extensions whose functions reach other servers, files or programs.
        settings: what a session may set.
    """

    functions: Functions
    extensions: tuple[Extension, ...]
    reaching: tuple[str, ...]
    settings: Settings

    @cached_property
    def extension_names(self) -> frozenset[str]:
        """Every known extension."""
        return frozenset(name for each in self.extensions for name in each.names)

    @cached_property
    def extension_functions(self) -> frozenset[tuple[str, str]]:
        """(extension, function) of those named in ``also``."""
        return frozenset(
            (name, also) for each in self.extensions for name in each.names for also in each.also
        )

    @cached_property
    def fingerprint(self) -> str:
        """Changes with the content: verdicts are kept by it."""
        return sha256(msgspec.json.encode(self)).hexdigest()


class Names:
    """A set of names in which ``x*`` stands for all that begin so."""

    __slots__ = ("_exact", "_prefixes")

    def __init__(self, names: tuple[str, ...]) -> None:
        self._exact = frozenset(name for name in names if not name.endswith("*"))
        self._prefixes = tuple(name[:-1] for name in names if name.endswith("*"))

    def names(self, name: str) -> bool:
        """Whether the name is in the set in full."""
        return name in self._exact

    def holds(self, name: str) -> bool:
        """Whether the name is in the set; a dotted one only in full."""
        return name in self._exact or ("." not in name and name.startswith(self._prefixes))


Catalogue = TypeVar("Catalogue", bound=msgspec.Struct)

FOLDER = Path(__file__).resolve().parents[2] / "policies" / "catalogue"
"""Where the catalogue files of this checkout or installation stand."""


def load_postgres(folder: Path = FOLDER) -> PostgresCatalogue:
    """Read ``postgres.toml``.

    Args:
        folder: of the catalogue files.

    Raises:
        ConfigurationBroken: the file is missing, is no TOML, or a key, type or value in it is wrong.
    """
    return load(folder / "postgres.toml", PostgresCatalogue)


def load(path: Path, kind: type[Catalogue]) -> Catalogue:
    """Read one catalogue file.

    Args:
        path: of the file.
        kind: what it holds.

    Raises:
        ConfigurationBroken: the file is missing, is no TOML, or a key, type or value in it is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationBroken(
            f"{path}: can't be read: {error}.", hint="Restore the file from the release."
        ) from error
    try:
        return msgspec.convert(tomllib.loads(text), kind)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationBroken(f"{path}: {error}.", hint="Mend the TOML at that line.") from error
    except msgspec.ValidationError as error:
        line = _line_of(text, str(error))
        raise ConfigurationBroken(
            f"{path}:{line}: {error}.", hint="Compare the key with the comments in the file."
        ) from error


def _line_of(text: str, message: str) -> int:
    """The first line that speaks of the last key or unknown field that a message names; 1 where none does."""
    quoted = message.split("`")[1::2]
    words = [part.split("[")[0].split(".")[-1] for part in quoted]
    for word in words:
        for number, line in enumerate(text.splitlines(), start=1):
            bare = line.strip()
            if bare.startswith((word, f'"{word}"')) or (bare.startswith("[") and word in bare):
                return number
    return 1
