"""Refused requests as the change flow takes them: uploaded files are known, restarts redeploy."""

from __future__ import annotations

import io
import tarfile

from gateway.domain.change import ChangeKind, HostCapture
from gateway.domain.containers import ContainerWrite
from gateway.domain.host import ByHand, Known, Removed, Stanza, Written
from gateway.domain.http import Request
from gateway.domain.ids import UnitNumber
from gateway.domain.unit import Origin, Refused
from gateway.domain.verdict import Decision, Verdict
from gateway.judge.docker.judgement import DockerJudgement
from gateway.judge.shell.judgement import ShellJudgement
from gateway.protocols.docker.capturing import capture_of
from gateway.protocols.docker.units import DockerUnit, LineUnit

VERDICT = Verdict(Decision.CHANGE, "docker.x", "It changes.")


def captured(*writes: ContainerWrite, text: bytes = b"POST /x") -> HostCapture:
    judged = DockerJudgement(VERDICT, title="docker x", container="web", writes=writes)
    unit = DockerUnit(text, request=Request("POST", "/x"))
    capture = capture_of(Refused(unit, judged, UnitNumber(3), VERDICT))
    assert capture is not None
    return capture


def archive(*entries: tuple[str, bytes | None]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, content in entries:
            entry = tarfile.TarInfo(name)
            entry.mode = 0o640
            if content is None:
                entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/shadow"
            else:
                entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content or b""))
    return made.getvalue()


def upload(*entries: tuple[str, bytes | None], folder: str = "/etc/app") -> ContainerWrite:
    return ContainerWrite(
        "container", "copy-in", "web", "docker cp … web:/etc/app", folder=folder, archive=archive(*entries)
    )


def test_a_restart_is_a_redeploy() -> None:
    capture = captured(ContainerWrite("container", "restart", "web", "docker restart web"))
    assert capture.kind is ChangeKind.REDEPLOY
    assert capture.writes == (Stanza("container", "docker", "restart", ("web",)),)


def test_uploaded_files_are_known() -> None:
    capture = captured(upload(("a.conf", b"x = 1\n")))
    assert capture.writes == (Written("/etc/app/a.conf", Known(b"x = 1\n"), mode=0o640),)
    assert capture.kind is ChangeKind.EDIT


def test_an_archive_with_more_than_files_is_left_to_a_person() -> None:
    for entries in ((("link", None),), (("../../etc/passwd", b"x"),)):
        assert captured(upload(*entries)).writes == (ByHand("docker cp … web:/etc/app"),)
    broken = ContainerWrite("container", "copy-in", "web", "docker cp", archive=b"no tar" * 500)
    assert captured(broken).writes == (ByHand("docker cp"),)


def test_what_a_command_would_have_done_is_taken_over() -> None:
    write = ContainerWrite("container", "exec", "web", "docker exec", writes=(Removed("/app/x"),))
    assert captured(write).writes == (Removed("/app/x"),)


def test_anything_else_is_for_a_person() -> None:
    assert captured(ContainerWrite("image", "build", command="docker build")).writes == (
        ByHand("docker build"),
    )
    assert captured(text=b"POST /x\n{}").writes == (ByHand("POST /x\n{}"),)


def test_a_line_of_a_shell_is_taken_with_its_writes() -> None:
    shell = ShellJudgement(VERDICT, title="rm x", writes=(Removed("/x"),))
    unit = LineUnit(b"rm x", container="web")
    judged = DockerJudgement(VERDICT, title="rm x", container="web", shell=shell)
    capture = capture_of(Refused(unit, judged, UnitNumber(1), VERDICT))
    assert capture is not None
    assert (capture.text, capture.title, capture.writes) == ("rm x", "rm x", (Removed("/x"),))
    unit.origin = Origin.GATEWAY
    assert capture_of(Refused(unit, judged, UnitNumber(1), VERDICT)) is None
