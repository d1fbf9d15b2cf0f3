"""Refused requests as the change flow takes them; a restart and nothing else is a redeploy."""

from __future__ import annotations

from gateway.domain.change import ChangeKind, ContainerCapture
from gateway.domain.containers import ContainerWrite
from gateway.domain.host import Removed
from gateway.domain.http import Request
from gateway.domain.ids import UnitNumber
from gateway.domain.unit import Origin, Refused
from gateway.domain.verdict import Decision, Verdict
from gateway.judge.docker.judgement import DockerJudgement
from gateway.judge.shell.judgement import ShellJudgement
from gateway.protocols.docker.capturing import capture_of
from gateway.protocols.docker.units import DockerUnit, LineUnit

VERDICT = Verdict(Decision.CHANGE, "docker.x", "It changes.")


def captured(*writes: ContainerWrite, text: bytes = b"POST /x") -> ContainerCapture:
    judged = DockerJudgement(VERDICT, title="docker x", container="web", writes=writes)
    unit = DockerUnit(text, request=Request("POST", "/x"))
    capture = capture_of(Refused(unit, judged, UnitNumber(3), VERDICT))
    assert capture is not None
    return capture


def test_a_restart_is_a_redeploy() -> None:
    capture = captured(ContainerWrite("container", "restart", "web", "docker restart web"))
    assert capture.kind is ChangeKind.REDEPLOY


def test_what_a_request_would_have_done_is_handed_on() -> None:
    write = ContainerWrite("container", "exec", "web", "docker exec", writes=(Removed("/app/x"),))
    assert captured(write).writes == (write,)
    assert captured(text=b"POST /x\n{}").writes == ()


def test_a_line_of_a_shell_is_taken_with_its_writes() -> None:
    shell = ShellJudgement(VERDICT, title="rm x", writes=(Removed("/x"),))
    unit = LineUnit(b"rm x", container="web", folder="/app")
    judged = DockerJudgement(VERDICT, title="rm x", container="web", shell=shell)
    capture = capture_of(Refused(unit, judged, UnitNumber(1), VERDICT))
    assert capture is not None
    assert (capture.text, capture.title) == ("rm x", "rm x")
    (write,) = capture.writes
    assert (write.name, write.command, write.folder) == ("web", "docker exec web rm x", "/app")
    assert write.writes == (Removed("/x"),)
    unit.origin = Origin.GATEWAY
    assert capture_of(Refused(unit, judged, UnitNumber(1), VERDICT)) is None
