"""What was done on a host, reviewed: exported as a terminal's play and as text, searched in its output."""

from __future__ import annotations

import json
import re

import msgspec
import pytest
from live_ssh import LiveSsh

from gateway.web.shapes.sessions import Export, Hit, Search


@pytest.fixture(scope="module")
def looked_at(ssh: LiveSsh) -> int:
    """A session with a command, a terminal, and a refusal; its number."""
    ssh.add_person("wanda")
    ssh.ssh("echo printed-by-$((40 + 2)); ls -d /etc", person="wanda", options=("-tt",))
    number = ssh.sessions("wanda")[0].id
    ssh.ssh("rm /etc/nothing", person="wanda")
    return number


def exported(ssh: LiveSsh, number: int, kind: str) -> bytes:
    question = Export(id=number, format=kind, why="a test")
    return b"".join(ssh.gateway.client("reviewer").chunks("GET /v1/sessions/{id}/export", question))


def test_a_session_is_exported_as_an_asciicast(ssh: LiveSsh, looked_at: int) -> None:
    head, *events = (json.loads(line) for line in exported(ssh, looked_at, "asciicast").splitlines())
    assert head["version"] == 2
    assert "wanda at web-1" in head["title"]
    assert [event[2] for event in events if event[1] == "m"] == ["echo printed-by-$((40 + 2)); ls -d /etc"]
    assert re.fullmatch(r"\d+x\d+", next(event[2] for event in events if event[1] == "r"))
    assert "printed-by-42\r\n/etc\r\n" in "".join(event[2] for event in events if event[1] == "o")
    assert [event[0] for event in events] == sorted(event[0] for event in events)


def test_a_session_is_exported_as_text(ssh: LiveSsh, looked_at: int) -> None:
    text = exported(ssh, looked_at, "text").decode()
    assert text == "$ echo printed-by-$((40 + 2)); ls -d /etc\nprinted-by-42\n/etc\n"


def test_a_word_is_found_in_what_was_printed(ssh: LiveSsh, looked_at: int) -> None:
    found: list[Hit] = []

    def hits() -> list[Hit]:
        lines = ssh.gateway.client("reviewer").json_lines("GET /v1/search", Search(text="PRINTED-by-42"))
        found[:] = [msgspec.json.decode(line, type=Hit) for line in lines]
        return found

    assert [(hit.session, hit.output) for hit in hits()] == [(looked_at, "printed-by-42")]
