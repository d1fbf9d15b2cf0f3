"""A refused line or file operation as the change flow takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.domain.change import ChangeKind, HostCapture
from gateway.domain.host import ByHand, Stanza
from gateway.domain.unit import Origin

if TYPE_CHECKING:
    from gateway.domain.host import HostWrite
    from gateway.domain.unit import Refused
    from gateway.judge.shell.judgement import ShellJudgement
    from gateway.protocols.ssh.units import ShellUnit

_LONGEST_TITLE: Final = 200
_RESTARTS: Final = frozenset(
    {"restart", "reload", "try-restart", "reload-or-restart", "condrestart", "force-reload"}
)


def capture_of(refused: Refused[ShellUnit, ShellJudgement]) -> HostCapture | None:
    """Return what a change request needs of a refused unit, None for a read of the gateway's own."""
    unit = refused.unit
    if unit.origin is Origin.GATEWAY:
        return None
    text = unit.text.decode("utf-8", "backslashreplace").replace("\0", "\u2400")
    writes = unit.writes or refused.judged.writes
    return HostCapture(
        text=text,
        title=(refused.judged.title or " ".join(text.split()))[:_LONGEST_TITLE],
        kind=_kind(writes),
        batch=refused.number,
        writes=writes or (ByHand(text),),
        given=unit.given,
    )


def _kind(writes: tuple[HostWrite, ...]) -> ChangeKind:
    """A restart and nothing else is a redeploy of the artifact that runs."""
    restarts = [
        isinstance(each, Stanza) and each.sort == "service" and each.action in _RESTARTS for each in writes
    ]
    return ChangeKind.REDEPLOY if restarts and all(restarts) else ChangeKind.EDIT
