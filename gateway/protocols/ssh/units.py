"""Command lines as the line's units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from gateway.domain.unit import Unit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.domain.host import HostWrite
    from gateway.judge.sftp import SftpOperation
    from gateway.judge.shell.judgement import ShellJudgement


@dataclass(frozen=True, slots=True)
class Terminal:
    """The terminal that a client asked for.

    Attributes:
        kind: what ``TERM`` says.
        size: columns, rows, and both in pixels (0: not known).
        modes: opcode → value (RFC 4254, section 8).
    """

    kind: str
    size: tuple[int, int, int, int]
    modes: tuple[tuple[int, int], ...] = ()


class ShellUnit(Unit):
    """One command line, from an exec request or typed into the governed shell.

    Attributes:
        terminal: it runs with; None: none.
        judged: the judge's answer, once there is one.
        folder: working folder, of a governed shell; empty: the login's.
        variables: held by the gateway, of a governed shell.
        status: of the line before, of a governed shell.
        mark: by which the shell around a governed shell's line speaks of it; empty: there is none around it.
        given: standard input that the client had sent for a line that was refused; None: not to its end.
        writes: what it would have done to the host, where that is known by what the client sent.
    """

    terminal: Terminal | None = None
    judged: ShellJudgement | None = None
    folder: str = ""
    variables: Mapping[str, str] = msgspec.field(default_factory=dict)
    status: int = 0
    mark: str = ""
    given: bytes | None = None
    writes: tuple[HostWrite, ...] = ()


class SftpUnit(ShellUnit):
    """One operation of a file transfer.

    Attributes:
        operation: what is asked for; None: nothing that is known.
    """

    operation: SftpOperation | None = None
