"""What stands in the recording of an SSH session."""

from __future__ import annotations

import pytest
from live_ssh import LiveSsh, until

from gateway.web.shapes.sessions import Hit, Moment, Search, Watched


def moments(ssh: LiveSsh, person: str) -> list[Moment]:
    """Everything of somebody's newest session, once it is over."""
    until(lambda: not ssh.sessions(person, state="live"))
    newest = ssh.sessions(person)[0]
    client = ssh.gateway.client("reviewer")
    return list(client.lines("GET /v1/sessions/{id}/replay", Watched(id=newest.id, why="tests"), Moment))


def test_units_verdicts_output_and_ends_stand_in_order(ssh: LiveSsh) -> None:
    ssh.ssh("echo one; echo two >&2; exit 3")
    kinds = moments(ssh, "engineer")
    unit = next(each for each in kinds if each.kind == "unit")
    assert (unit.text, unit.verdict) == ("echo one; echo two >&2; exit 3", "allow")
    assert {"parsed", "judged", "exact", "kernel-guard"} <= set(unit.layers)
    outputs = {each.stream: each for each in kinds if each.kind == "output"}
    assert {stream: each.number for stream, each in outputs.items()} == {1: 1, 2: 1}
    answer = next(each for each in kinds if each.kind == "answer")
    assert (answer.tag, answer.size, answer.number) == ("exit 3", 8, 1)
    assert [each.kind for each in kinds][-1] == "ended"
    probed = next(each for each in kinds if each.kind == "probed")
    assert "guard" in str(probed)


def test_a_refused_line_stands_there_with_its_rule(ssh: LiveSsh) -> None:
    ssh.ssh("echo x > /etc/motd")
    unit = next(each for each in moments(ssh, "engineer") if each.kind == "unit")
    assert unit.verdict in {"change", "refuse"}
    assert unit.rule.startswith("shell.")


def test_a_terminal_is_recorded_with_its_size(ssh: LiveSsh) -> None:
    ssh.ssh("echo shown", options=("-tt",))
    found = moments(ssh, "engineer")
    assert next(each.text for each in found if each.kind == "window").startswith("unit 1: ")
    assert any("shown" in str(each) for each in found if each.kind == "output")


def test_an_endpoint_may_keep_output_out(ssh: LiveSsh) -> None:
    ssh.register(name="web-quiet", record_results=False)
    ssh.gateway.grant("web-quiet")
    assert ssh.ssh("echo secret-word", endpoint="web-quiet").stdout == b"secret-word\n"
    assert not [each for each in moments(ssh, "engineer") if each.kind == "output"]


def test_what_was_run_is_found_again(ssh: LiveSsh) -> None:
    ssh.ssh("echo needle-4711")
    client = ssh.gateway.client("reviewer")
    question = Search(text="needle-4711", why="tests")
    until(lambda: bool(list(client.lines("GET /v1/search", question, Hit))))


@pytest.mark.parametrize("command", ["cat /etc/hostname", "sleep 0.2"])
def test_the_recording_verifies(ssh: LiveSsh, command: str) -> None:
    ssh.ssh(command)
    assert moments(ssh, "engineer")[0].kind == "opened"
