"""Everything that the verdict on a command line depends on, beside the line itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from gateway.judge.shell.catalogue import ShellCatalogue


@dataclass(frozen=True, slots=True)
class ShellContext:
    """What is known of the host and of the session.

    Attributes:
        catalogue: what is known of commands.
        shell: which shell runs the canonical text: ``bash``, or ``sh`` where the host has none: bash-only
            forms are lowered to POSIX, or refused.
        guarded: whether a kernel guard is in force; some reads (git's work tree) are reads only under one.
        sudo: whether ``sudo -n`` is judged; else it is refused.
        stateful: whether reads that leave small traces in the system's state are allowed.
        terminal: whether it runs with a terminal: full-screen readers need one.
        home: what ``~`` stands for; empty: not known, then ``~`` is refused.
        folder: the working folder, of a governed shell; empty: the login's.
        variables: held by the gateway, of a governed shell.
        lists: per-endpoint allowlists: ``commands``, ``hosts`` (curl, dig), ``paths``.
    """

    catalogue: ShellCatalogue
    shell: Literal["bash", "sh"] = "bash"
    guarded: bool = True
    sudo: bool = True
    stateful: bool = True
    terminal: bool = False
    home: str = ""
    folder: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
