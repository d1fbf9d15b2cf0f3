"""How commands and sessions end: by the client, by people, by the grant; and that the host is quiet then."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from live_gateway import Beginning, LiveGateway
from live_ssh import LiveSsh, until
from stopwatch import unhurried

from gateway.web.shapes.access import Approve, FileRequest, GrantList, ListGrants, RequestFacts, Revoke
from gateway.web.shapes.identity import Done
from gateway.web.shapes.sessions import Kill


def said(process: subprocess.Popen[bytes]) -> str:
    assert process.stderr is not None
    return process.stderr.read().decode()


def quiet(ssh: LiveSsh, named: str) -> bool:
    return not [line for line in ssh.sshd.processes(named) if "defunct" not in line]


@contextmanager
def newcomer(ssh: LiveSsh, name: str) -> Iterator[str]:
    """An engineer of the test's own, so that one test's revocation ends no other test's sessions."""
    ssh.add_person(name)
    yield name


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_client_that_goes_takes_its_command_along(ssh: LiveSsh, how: signal.Signals) -> None:
    named = f"sleep 40{int(how)}"
    with ssh.running(named) as process:
        process.send_signal(how)
        process.wait(10)
        until(lambda: quiet(ssh, named), 3)
    until(lambda: not ssh.sessions("engineer", state="live"))


def test_all_of_a_pipeline_goes(ssh: LiveSsh) -> None:
    with ssh.running("sleep 411 | sort | (sleep 412; cat) | wc -l") as process:
        assert not quiet(ssh, "sleep 412")
        process.kill()
        until(lambda: quiet(ssh, "sleep 41"), 3)


def test_a_command_that_ignores_signals_goes_too(ssh: LiveSsh) -> None:
    with ssh.running("sleep 421; nohup sleep 421") as process:
        process.kill()
        until(lambda: quiet(ssh, "sleep 421"), 3)


def test_ctrl_c_on_a_terminal_ends_the_command_alone(ssh: LiveSsh) -> None:
    process = subprocess.Popen(
        ssh.argv("sleep 431; echo after", options=("-tt",)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    until(lambda: not quiet(ssh, "sleep 431"))
    assert process.stdin is not None
    process.stdin.write(b"\x03")
    process.stdin.flush()
    out, _ = process.communicate(timeout=10)
    assert process.returncode != 0
    assert b"^C" in out
    until(lambda: quiet(ssh, "sleep 431"), 3)


def test_a_terminals_size_follows_the_client(ssh: LiveSsh) -> None:
    shown = ssh.ssh("stty size", options=("-tt",))
    assert shown.returncode == 0
    assert len(shown.stdout.split()) == 2


def revoke(ssh: LiveSsh, person: str) -> None:
    client = ssh.gateway.client(person)
    held = client.call("GET /v1/grants", ListGrants(mine=True), GrantList).grants
    question = Revoke(id=held[0].id, reason="done here")
    ssh.gateway.client("approver").call("POST /v1/grants/{id}/revoke", question, Done)


@pytest.mark.parametrize("command", ["sleep 441", "tail -f /etc/hostname"])
def test_revoking_cuts_what_runs_within_a_second_on_the_host_too(ssh: LiveSsh, command: str) -> None:
    with newcomer(ssh, f"rhea-{command[:2]}") as person, ssh.running(command, person=person) as process:
        since = unhurried()
        revoke(ssh, person)
        assert process.wait(10) == 77
        assert unhurried() - since < 1.0
        until(lambda: quiet(ssh, command))
        assert unhurried() - since < 1.5
        assert "taken away by approver: done here" in said(process)
    until(lambda: not ssh.sessions(person, state="live"))
    (session,) = ssh.sessions(person)
    assert (session.cause, session.ended_by) == ("revoked", "approver")


def test_a_kill_says_who_and_why(ssh: LiveSsh) -> None:
    with newcomer(ssh, "kim") as person, ssh.running("sleep 451", person=person) as process:
        (session,) = ssh.sessions(person, state="live")
        ssh.gateway.client("reviewer").call(
            "POST /v1/sessions/{id}/kill", Kill(id=session.id, reason="too heavy"), Done
        )
        assert process.wait(5) == 77
        assert "ended by reviewer: too heavy" in said(process)
        until(lambda: quiet(ssh, "sleep 451"), 2)


def test_a_flooding_command_is_cut_too(ssh: LiveSsh) -> None:
    with newcomer(ssh, "flo") as person, ssh.running("yes", person=person) as process:
        revoke(ssh, person)
        process.communicate(timeout=10)
        assert process.returncode != 0
        until(lambda: quiet(ssh, "yes"), 3)


def test_a_client_that_reads_nothing_is_cut_too(ssh: LiveSsh) -> None:
    with newcomer(ssh, "stan") as person, ssh.running("yes", person=person) as process:
        time.sleep(1)  # every buffer between here and there is full by now
        revoke(ssh, person)
        until(lambda: quiet(ssh, "yes"), 3)
        until(lambda: not ssh.sessions(person, state="live"), 5)
        process.kill()


def test_a_grant_warns_before_its_end_and_then_ends(ssh: LiveSsh) -> None:
    ssh.add_person("tess", grant=False)
    client = ssh.gateway.client("tess")
    question = FileRequest(endpoint="web-1", seconds=60, reason="INC-1: a short look")
    filed = client.call("POST /v1/requests", question, RequestFacts)
    ssh.gateway.client("approver").call(
        "POST /v1/requests/{id}/approve", Approve(id=filed.id, seconds=2), RequestFacts
    )
    began, since = time.monotonic(), unhurried()
    ended = ssh.ssh("sleep 461", person="tess")
    assert ended.returncode == 77
    assert time.monotonic() - began > 1
    assert unhurried() - since < 5
    assert b"glassgate:" in ended.stderr
    until(lambda: quiet(ssh, "sleep 461"), 2)


def test_a_host_that_goes_away_is_told_and_recorded(ssh: LiveSsh) -> None:
    with newcomer(ssh, "hugh") as person, ssh.running("sleep 471", person=person) as process:
        subprocess.run(["pkill", "-KILL", "-f", f"sshd: {ssh.sshd.account}"], check=True)
        assert process.wait(5) == 69
        assert "closed the c" in said(process)
    until(lambda: not ssh.sessions(person, state="live"))
    (session,) = ssh.sessions(person)
    assert session.cause == "upstream"


def test_draining_ends_commands_with_a_word(
    tmp_path_factory: pytest.TempPathFactory, ssh: LiveSsh, fresh_beginning: Beginning
) -> None:
    gateway = LiveGateway.start(tmp_path_factory.mktemp("drained"), beginning=fresh_beginning)
    other = LiveSsh(gateway, ssh.sshd, tmp_path_factory.mktemp("people"))
    other.register()
    other.add_key("engineer")
    gateway.grant("web-1")
    with other.running("sleep 481") as process:
        began = time.monotonic()
        assert gateway.stop() == 0
        assert time.monotonic() - began < 8
        process.wait(5)
        assert "restarting" in said(process)
        until(lambda: quiet(other, "sleep 481"), 2)


@pytest.mark.parametrize("how", ["shell", "sftp"])
def test_revoking_cuts_what_waits_for_its_person(ssh: LiveSsh, how: str) -> None:
    with newcomer(ssh, f"rolf-{how}") as person, ExitStack() as stack:
        options = ("-tt",) if how == "shell" else ("-s",)
        argv = ssh.argv(*(["sftp"] if how == "sftp" else []), person=person, options=options)
        pipe = subprocess.PIPE
        process = stack.enter_context(subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe))
        assert process.stdin is not None
        assert process.stdout is not None
        if how == "sftp":
            process.stdin.write(b"\0\0\0\5\1\0\0\0\3")
            process.stdin.flush()
        process.stdout.read(4)
        since = unhurried()
        revoke(ssh, person)
        assert process.wait(10) == 77
        assert unhurried() - since < 1.0
        assert "taken away by approver: done here" in said(process)
    until(lambda: not ssh.sessions(person, state="live"))
