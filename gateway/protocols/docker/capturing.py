"""A refused request or line as the change flow takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.domain.change import ChangeKind, ContainerCapture
from gateway.domain.containers import ContainerWrite
from gateway.domain.unit import Origin
from gateway.protocols.docker.units import LineUnit

if TYPE_CHECKING:
    from gateway.domain.unit import Refused
    from gateway.judge.docker.judgement import DockerJudgement
    from gateway.protocols.docker.units import DockerUnit

_LONGEST_TITLE: Final = 200
_RESTARTS: Final = frozenset({"restart", "start", "stop"})


def capture_of(refused: Refused[DockerUnit, DockerJudgement]) -> ContainerCapture | None:
    """Return what a change request needs of a refused unit, None for a read of the gateway's own."""
    unit, judged = refused.unit, refused.judged
    if unit.origin is Origin.GATEWAY:
        return None
    text = unit.text.decode("utf-8", "backslashreplace").replace("\0", "\u2400")
    title = judged.title or " ".join(text.partition("\n")[0].split())
    writes = _typed(unit, judged) if isinstance(unit, LineUnit) else judged.writes
    restarts = [each.verb in _RESTARTS and each.sort == "container" for each in writes]
    return ContainerCapture(
        text=text,
        title=title[:_LONGEST_TITLE],
        kind=ChangeKind.REDEPLOY if restarts and all(restarts) else ChangeKind.EDIT,
        batch=refused.number,
        writes=writes,
    )


def _typed(unit: LineUnit, judged: DockerJudgement) -> tuple[ContainerWrite, ...]:
    """Return what a line, typed into the governed shell of a container, would have done there."""
    line = unit.text.decode("utf-8", "backslashreplace")
    writes = judged.shell.writes if judged.shell is not None else ()
    command = f"docker exec {unit.container} {line}"
    return (ContainerWrite("container", "exec", unit.container, command, writes=writes, folder=unit.folder),)
