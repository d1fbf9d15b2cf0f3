"""``policies/catalogue/shell/*.toml`` → what is known of commands, by name and by path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from gateway.domain.errors import ConfigurationBroken
from gateway.judge.catalogue import FOLDER, load
from gateway.judge.shell.commands import CatalogueFile, Command, Form
from gateway.judge.shell.options import Prepared, prepare

PATHS: Final = ("/bin", "/usr/bin", "/sbin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")
"""Folders in which a command of the catalogue may be named by its path."""

_SCRIPTS: Final = "/etc/init.d"
_SCRIPT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*")


@dataclass(frozen=True, slots=True)
class ShellCatalogue:
    """What is known of commands.

    Attributes:
        by_name: every name → its entry, taken apart.
        by_path: paths outside :data:`PATHS` → their entries.
        fingerprint: changes with the content: verdicts are kept by it.
    """

    by_name: Mapping[str, Prepared]
    by_path: Mapping[str, Prepared]
    fingerprint: str

    def find(self, name: str) -> Prepared | None:
        """What is known of a command, by its name or absolute path; None: nothing.

        Args:
            name: as it stands in the line.
        """
        if "/" not in name:
            return self.by_name.get(name)
        folder, _, base = name.rpartition("/")
        if folder in PATHS and (known := self.by_name.get(base)) is not None and not known.elsewhere:
            return known
        if folder == _SCRIPTS and _SCRIPT.fullmatch(base) is not None:
            return self.by_path.get(f"{_SCRIPTS}/*")
        return self.by_path.get(name)


def load_shell(folder: Path = FOLDER / "shell") -> ShellCatalogue:
    """Read every file of the folder.

    Args:
        folder: of the shell's catalogue.

    Raises:
        ConfigurationBroken: the folder has none, a file is no TOML, a key, type or value in it is wrong, or a
            command stands in it twice.
    """
    by_name: dict[str, Prepared] = {}
    by_path: dict[str, Prepared] = {}
    digest = sha256()
    for path in sorted(folder.glob("*.toml")):
        file = load(path, CatalogueFile)
        digest.update(msgspec.json.encode(file))
        for command in file.command:
            prepared = _prepared(path, command)
            for name in command.names:
                if name in by_name:
                    raise ConfigurationBroken(
                        f"{path}: {name} stands in the catalogue twice.", hint="Keep one of the two entries."
                    )
                by_name[name] = prepared
            by_path.update(dict.fromkeys(command.paths, prepared))
    if not by_name:
        raise ConfigurationBroken(f"{folder}: no commands stand there.", hint="Restore it from the release.")
    return ShellCatalogue(by_name, by_path, digest.hexdigest())


def _prepared(path: Path, command: Command) -> Prepared:
    try:
        return prepare(command, elsewhere=any("*" not in each for each in command.paths))
    except ValueError as error:
        raise ConfigurationBroken(
            f"{path}: {command.names[0]}: {error}.", hint="Compare it with the notation in other entries."
        ) from error


def forms(command: Form) -> Iterator[Form]:
    """A form and those of its subcommands, at any depth."""
    yield command
    for each in command.subcommands.values():
        yield from forms(each)
