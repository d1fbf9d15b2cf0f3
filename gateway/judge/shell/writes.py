"""What a refused line would do to the host, as values that become patches."""

from __future__ import annotations

from gateway.domain.host import ByHand, HostWrite
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Finding
from gateway.judge.shell.tree import Script


def title_of(_script: Script, _findings: tuple[Finding, ...]) -> str:
    """Say in a few words what a refused line would do."""
    return ""


def writes_of(_script: Script, line: str, _context: ShellContext) -> tuple[HostWrite, ...]:
    """Say what a refused line would do to the host."""
    return (ByHand(line),)
