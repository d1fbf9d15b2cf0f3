"""Trust on first login, and who one is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import trustme

from gateway.cli.demo.terminal import Terminal
from gateway.cli.statuses import Status
from gateway.cli.trust import fingerprint_of, same_fingerprint
from gateway.domain.errors import InvalidInput

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import People


def test_fingerprints_are_compared_however_they_are_written() -> None:
    one = fingerprint_of(trustme.CA().cert_pem.bytes().decode())
    assert same_fingerprint(one, one.lower())
    assert same_fingerprint(one, one.removeprefix("SHA256:").replace(":", ""))
    assert not same_fingerprint(one, one[:-1])
    assert not same_fingerprint("", "")
    assert not same_fingerprint(one, fingerprint_of(trustme.CA().cert_pem.bytes().decode()))
    with pytest.raises(InvalidInput):
        fingerprint_of("nonsense")


def test_nothing_is_sent_before_the_fingerprint_is_agreed(glassgate: People, tmp_path: Path) -> None:
    home = {"GLASSGATE_HOME": str(tmp_path)}
    password = glassgate.gateway.passwords["engineer"] + "\n"
    words = ("login", "--name", "engineer", "--password-stdin")
    silent = glassgate("new", *words, typed=password, **home)
    assert silent.status == Status.ERROR
    assert glassgate.fingerprint in silent.err
    wrong = "SHA256:" + ":".join(["00"] * 32)
    refused = glassgate("new", *words, "--ca-fingerprint", wrong, typed=password, **home)
    assert refused.status == Status.PROOF_BROKEN
    assert list(tmp_path.iterdir()) == []
    good = glassgate("new", *words, "--ca-fingerprint", glassgate.fingerprint, typed=password, **home)
    assert good.status == 0
    assert {path.name for path in tmp_path.iterdir()} == {"new.json", "new.ca.pem"}


async def test_a_person_compares_the_fingerprint_and_types_the_password(
    glassgate: People, tmp_path: Path
) -> None:
    environment = {**glassgate.environment, "GLASSGATE_HOME": str(tmp_path), "TERM": "xterm"}
    terminal = Terminal.open(glassgate.argv("typed", "login"), environment=environment, folder=tmp_path)
    try:
        shown = await terminal.until(r"operator says\? \[y/N\]:")
        assert glassgate.fingerprint in shown.replace("\n", "")
        terminal.send("y\n")
        await terminal.until("Name:")
        terminal.send("engineer\n")
        await terminal.until("Password:")
        terminal.send(glassgate.gateway.passwords["engineer"] + "\n")
        said, status = await terminal.ended()
        assert (status, "Logged in as engineer" in said) == (0, True)
        assert glassgate.gateway.passwords["engineer"] not in said
    finally:
        terminal.close()


async def test_a_fingerprint_that_is_not_agreed_ends_it(glassgate: People, tmp_path: Path) -> None:
    environment = {**glassgate.environment, "GLASSGATE_HOME": str(tmp_path), "TERM": "xterm"}
    terminal = Terminal.open(glassgate.argv("typed", "login"), environment=environment, folder=tmp_path)
    try:
        await terminal.until(r"\[y/N\]:")
        terminal.send("n\n")
        _, status = await terminal.ended()
        assert status == Status.PROOF_BROKEN
        assert list(tmp_path.iterdir()) == []
    finally:
        terminal.close()


def test_another_authority_later_is_refused(glassgate: People, tmp_path: Path) -> None:
    home = {"GLASSGATE_HOME": str(tmp_path)}
    other = trustme.CA().cert_pem.bytes().decode()
    (tmp_path / "other.ca.pem").write_text(other)
    url = f"https://localhost:{glassgate.gateway.api_port}"
    facts = {"url": url, "name": "engineer", "token": "t", "ca": str(tmp_path / "other.ca.pem")}
    (tmp_path / "other.json").write_text(json.dumps(facts))
    ended = glassgate("other", "whoami", **home)
    assert ended.status == Status.UNAVAILABLE
    assert "not trusted" in ended.err


def test_whoami_says_what_one_may(glassgate: People) -> None:
    ended = glassgate("engineer", "whoami")
    assert "connect, request, submit" in ended.out
    assert glassgate("engineer", "whoami", "--json").json["name"] == "engineer"


def test_a_token_in_the_environment_serves(glassgate: People, tmp_path: Path) -> None:
    variables = {
        "GLASSGATE_HOME": str(tmp_path),
        "GLASSGATE_TOKEN": glassgate.gateway.tokens["reviewer"],
        "GLASSGATE_CA": str(glassgate.gateway.ca),
    }
    assert glassgate("ci", "whoami", "--json", **variables).json["name"] == "reviewer"
    assert list(tmp_path.iterdir()) == []


def test_logout_ends_the_login(glassgate: People) -> None:
    glassgate.gateway.add_person("leaver", "engineer")
    assert glassgate.login("leaver").status == 0
    assert glassgate("leaver", "logout").status == 0
    assert glassgate("leaver", "whoami").status == Status.NOT_AUTHORISED


def test_a_wrong_password_says_no_more_than_that(glassgate: People) -> None:
    ended = glassgate("engineer", "login", "--name", "engineer", "--password-stdin", typed="wrong\n")
    assert ended.status == Status.NOT_AUTHORISED
    assert "don't fit" in ended.err
    assert glassgate("engineer", "whoami").status == 0
