"""The glassgate command beside a live session: watched, killed, searched, drafted from, let pass."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from command_line import People
from live_clients import NEW, Live

from gateway.cli.statuses import Status


@pytest.fixture(scope="module")
def live(own_live: Live) -> Live:
    """A gateway whose sessions are looked at and killed."""
    return own_live


@pytest.fixture(scope="module")
def glassgate(live: Live, tmp_path_factory: pytest.TempPathFactory) -> People:
    people = People(live.gateway, tmp_path_factory.mktemp("home"))
    for name in ("engineer", "approver", "reviewer"):
        ended = people.login(name)
        assert ended.status == 0, ended.err
    return people


def psql(glassgate: People, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        glassgate.argv("engineer", "connect", NEW, "--", "psql", "-X", "-At", *words),
        env={**os.environ, **glassgate.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def live_session(glassgate: People, mark: str) -> str:
    until = time.monotonic() + 15
    while time.monotonic() < until:
        for one in glassgate("reviewer", "sessions", "--live", "--json").json["sessions"]:
            number = str(one["id"])
            if mark in glassgate("reviewer", "replay", number, "--why", "INC-1").out:
                return number
    raise AssertionError("the session is not listed")


def test_a_live_session_is_watched_and_killed(glassgate: People) -> None:
    process = psql(glassgate, "-c", "SELECT 'watched live'", "-c", "SELECT pg_sleep(50)", "-c", "SELECT 'on'")
    number = live_session(glassgate, "watched live")
    watching = subprocess.Popen(
        glassgate.argv("reviewer", "watch", number, "--why", "INC-1"),
        env={**os.environ, **glassgate.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(1.5)
    refused = glassgate("engineer", "kill", number, "--reason", "mine")
    assert refused.status == Status.NOT_AUTHORISED
    killed = glassgate("reviewer", "kill", number, "--reason", "too heavy")
    assert killed.status == 0, killed.err
    out, err = process.communicate(timeout=15)
    assert "too heavy" in err
    assert "on" not in out.split()
    assert process.returncode == 2
    seen, said = watching.communicate(timeout=15)
    assert "too heavy" in seen + said
    replayed = glassgate("reviewer", "replay", number, "--why", "INC-1").out
    assert "watched live" in replayed
    assert "too heavy" in replayed


def test_draft_last_and_was_a_read(glassgate: People) -> None:
    refused = glassgate("engineer", "connect", NEW, "--", "psql", "-Xc", "SELECT pg_terminate_backend(77)")
    assert "glassgate change draft LAST" in refused.err
    drafted = glassgate("engineer", "change", "draft", "LAST")
    assert drafted.status == 0, drafted.err
    number = re.search(r"Change request (\d+)", drafted.out)
    assert number is not None
    assert "pg_terminate_backend(77)" in glassgate("engineer", "change", "show", number[1]).out
    again = glassgate("engineer", "change", "draft", "LAST")
    assert again.status == Status.ERROR
    nobody = glassgate("approver", "change", "was-a-read", number[1])
    assert nobody.status == Status.NOT_AUTHORISED
    read = glassgate("engineer", "change", "was-a-read", number[1])
    assert read.status == 0, read.err
    assert f"Change request {number[1]} is dropped" in read.out
    assert "dropped" in glassgate("engineer", "change", "show", number[1]).out


def test_output_has_no_colour_where_none_is_wanted(glassgate: People) -> None:
    psql(glassgate, "-c", "UPDATE customers SET city = 'Plain'").communicate(timeout=20)
    changes = glassgate("engineer", "changes", "--json").json["changes"]
    number = str(changes[0]["id"])
    for words in (("changes",), ("change", "show", number), ("grants",), ("requests",), ("endpoints",)):
        ended = glassgate("engineer", *words)
        assert ended.status == 0, ended.err
        assert "\x1b" not in ended.out + ended.err


def test_connect_ends_as_its_program_does(glassgate: People, tmp_path: Path) -> None:
    through = ("connect", NEW, "--", "psql", "-X")
    assert glassgate("engineer", *through, "-c", "SELECT 1/0").status == 1
    script = tmp_path / "script.sql"
    script.write_text("DELETE FROM orders;\n")
    assert glassgate("engineer", *through, "-v", "ON_ERROR_STOP=1", "-f", str(script)).status == 3
    unknown = glassgate("engineer", "connect", "no-such-db", "--", "psql")
    assert unknown.status in (Status.ERROR, Status.NOT_AUTHORISED)
    assert "no-such-db" in unknown.err


def test_a_dropped_grant_is_gone_and_asked_for_again(glassgate: People) -> None:
    held = glassgate("engineer", "grants", "--mine", "--json").json["grants"]
    mine = next(one for one in held if one["endpoint"] == NEW)
    assert glassgate("engineer", "drop", str(mine["id"])).status == 0
    refused = psql(glassgate, "-c", "SELECT 1")
    _, err = refused.communicate(timeout=20)
    assert refused.returncode == Status.NOT_AUTHORISED
    asked = re.search(rf"glassgate request {NEW} [^\n]*", err)
    assert asked is not None
    words = ("request", NEW, "--for", "30m", "--reason", "INC-9: again", "--json")
    filed = glassgate("engineer", *words).json
    assert glassgate("approver", "approve", str(filed["id"])).status == 0
    out, err = psql(glassgate, "-c", "SELECT 'back'").communicate(timeout=20)
    assert out.strip() == "back", err
