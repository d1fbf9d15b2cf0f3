"""Access asked for at the login itself, in a real terminal (tmux) with the real ssh."""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
from collections.abc import Iterator

import pytest
from live_ssh import LiveSsh, until
from panes import Pane

from gateway.web.shapes.access import (
    Approve,
    Deny,
    FileRequest,
    ListRequests,
    RequestFacts,
    RequestList,
)
from gateway.web.shapes.identity import Done, PersonRole, SshKeyId, SshKeyList
from gateway.web.shapes.shape import Nothing

pytestmark = pytest.mark.skipif(
    shutil.which("tmux") is None, reason="tmux is not installed (apt install tmux)"
)


@contextlib.contextmanager
def login(ssh: LiveSsh, person: str, endpoint: str = "") -> Iterator[Pane]:
    """A terminal in which somebody who holds no access logs in."""
    ssh.add_person(person, grant=False)
    command = shlex.join(ssh.argv(options=("-tt",), person=person, endpoint=endpoint))
    with Pane.running(command, name=person) as made:
        yield made


def requests(ssh: LiveSsh, person: str) -> list[RequestFacts]:
    found = ssh.gateway.client(person).call("GET /v1/requests", ListRequests(mine=True), RequestList)
    return list(found.requests)


def asked(pane: Pane, ssh: LiveSsh, person: str, *, how_long: str = "30m") -> RequestFacts:
    """Answer the questions; return the request that came of it."""
    pane.until("Why do you need to look?")
    pane.type("INC-7: latency", "Enter").until("For how long? [1h, at most")
    pane.type(*([how_long] if how_long else []), "Enter").until("waiting for its approval")
    (one,) = requests(ssh, person)
    return one


def test_a_login_without_access_asks_waits_and_goes_on(ssh: LiveSsh) -> None:
    with login(ssh, "ava") as pane:
        request = asked(pane, ssh, "ava")
        assert (request.state, request.endpoint, request.reason, request.seconds) == (
            "pending",
            "web-1",
            "INC-7: latency",
            1800,
        )
        assert f"glassgate approve {request.id}" in pane.text
        approval = Approve(id=request.id)
        ssh.gateway.client("approver").call("POST /v1/requests/{id}/approve", approval, RequestFacts)
        pane.until("is approved by approver")
        pane.until("~ $")
        pane.type("echo in; id -u", "Enter").until("\nin\n")
        (session,) = ssh.sessions("ava")
        assert session.endpoint == "web-1"
        pane.type("exit 0", "Enter").until("left with 0")


def test_a_denied_request_says_why_and_the_login_ends_with_77(ssh: LiveSsh) -> None:
    with login(ssh, "ben") as pane:
        request = asked(pane, ssh, "ben", how_long="")
        assert request.seconds == 3600
        denial = Deny(id=request.id, reason="not today")
        ssh.gateway.client("approver").call("POST /v1/requests/{id}/deny", denial, RequestFacts)
        pane.until("was denied: not today")
        pane.until("left with 77")
    assert not ssh.sessions("ben")


def test_control_c_withdraws_what_was_asked_for(ssh: LiveSsh) -> None:
    with login(ssh, "cleo") as pane:
        request = asked(pane, ssh, "cleo")
        pane.type("C-c").until(f"request {request.id} is withdrawn")
        pane.until("left with 130")
    (request,) = requests(ssh, "cleo")
    assert request.state == "withdrawn"


def test_control_c_at_a_question_asks_for_nothing(ssh: LiveSsh) -> None:
    with login(ssh, "dora") as pane:
        pane.until("Why do you need to look?")
        pane.type("C-c").until("nothing was asked for")
        pane.until("left with 130")
    assert requests(ssh, "dora") == []


def test_what_can_t_be_asked_for_is_asked_again(ssh: LiveSsh) -> None:
    with login(ssh, "eli") as pane:
        pane.until("Why do you need to look?")
        pane.type("Enter", "INC-8", "Enter").until("For how long?")
        pane.type("soon", "Enter").until("is no duration")
        pane.type("9000d", "Enter").until("nobody gets longer than")
        pane.type("INC-8 again", "Enter", "10m", "Enter").until("waiting for its approval")
    (request,) = requests(ssh, "eli")
    assert request.seconds == 600


def test_a_request_that_waits_already_is_waited_for_and_outlives_the_terminal(ssh: LiveSsh) -> None:
    ssh.add_person("finn", grant=False)
    question = FileRequest(endpoint="web-1", seconds=600, reason="asked before")
    filed = ssh.gateway.client("finn").call("POST /v1/requests", question, RequestFacts)
    command = shlex.join(ssh.argv(options=("-tt",), person="finn"))
    with Pane.running(command, name="finn-1") as pane:
        pane.until(f"your request {filed.id} for web-1 still waits")
        pane.type("C-c").until("left with 130")
    assert [each.state for each in requests(ssh, "finn")] == ["pending"]
    with Pane.running(command, name="finn-2") as pane:
        pane.until("still waits")
        approval = Approve(id=filed.id)
        ssh.gateway.client("approver").call("POST /v1/requests/{id}/approve", approval, RequestFacts)
        pane.until("~ $")


def test_a_closed_terminal_leaves_the_request_as_it_is(ssh: LiveSsh) -> None:
    with login(ssh, "gus") as pane:
        request = asked(pane, ssh, "gus")
    until(lambda: "no session" in ssh.gateway.log)
    assert requests(ssh, "gus")[0].state == "pending"
    approval = Approve(id=request.id)
    ssh.gateway.client("approver").call("POST /v1/requests/{id}/approve", approval, RequestFacts)
    assert ssh.ssh("echo in", person="gus").stdout == b"in\n"


def test_who_may_not_ask_is_told_and_what_is_not_there_answers_alike(ssh: LiveSsh) -> None:
    ssh.add_person("hugo", grant=False)
    engineer = PersonRole(name="hugo", role="engineer")
    ssh.gateway.client("admin").call("DELETE /v1/people/{name}/roles/{role}", engineer, Done)
    said = [
        re.sub(rb"nowhere|web-1", b"X", done.stdout + done.stderr)
        for endpoint in ("web-1", "nowhere")
        for done in [ssh.ssh(person="hugo", endpoint=endpoint, options=("-tt",))]
    ]
    assert said[0] == said[1]
    assert b"no endpoint X that you may look at" in said[0]
    ssh.add_person("ivy", grant=False)
    nowhere = ssh.ssh(person="ivy", endpoint="nowhere", options=("-tt",))
    assert nowhere.returncode == 77
    assert b"Why do you need" not in nowhere.stdout


def test_a_command_a_script_and_a_transfer_are_told_at_once(ssh: LiveSsh) -> None:
    ssh.add_person("jill", grant=False)
    for options, words in ((("-tt",), ("uptime",)), (("-T",), ()), (("-s",), ("sftp",))):
        done = ssh.ssh(*words, person="jill", options=options, seconds=20)
        assert done.returncode == 77
        assert b"glassgate request web-1 --for" in done.stderr + done.stdout
    assert requests(ssh, "jill") == []


def test_a_removed_key_is_not_let_in_by_an_approval(ssh: LiveSsh) -> None:
    with login(ssh, "kim") as pane:
        request = asked(pane, ssh, "kim")
        client = ssh.gateway.client("kim")
        (key,) = client.call("GET /v1/ssh-keys", Nothing(), SshKeyList).keys
        client.call("DELETE /v1/ssh-keys/{id}", SshKeyId(id=key.id), Done)
        approval = Approve(id=request.id)
        ssh.gateway.client("approver").call("POST /v1/requests/{id}/approve", approval, RequestFacts)
        pane.until("left with 77")
    assert not ssh.sessions("kim")
