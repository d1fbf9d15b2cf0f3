"""Endpoints, people, policy, tokens, doctor, backup: what operators type."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gateway.cli.statuses import Status
from gateway.settings import SHIPPED

if TYPE_CHECKING:
    from command_line import People
    from servers import Production

LISTINGS = [
    ("engineer", "endpoints"),
    ("engineer", "requests"),
    ("engineer", "grants"),
    ("engineer", "changes"),
    ("reviewer", "sessions"),
    ("admin", "person", "list"),
    ("admin", "policy", "show"),
    ("admin", "endpoint", "show", "orders-db"),
    ("admin", "doctor"),
    ("engineer", "token", "machine", "list"),
    ("engineer", "licences"),
]


@pytest.mark.parametrize("words", LISTINGS, ids=lambda words: " ".join(words[1:]))
def test_every_listing_has_json(glassgate: People, words: tuple[str, ...]) -> None:
    ended = glassgate(*words, "--json")
    assert ended.status == 0, ended.err
    assert isinstance(ended.json, dict | list)
    assert glassgate(*words).status == 0


def test_an_endpoint_is_registered_checked_hardened_and_removed(
    glassgate: People, production: Production
) -> None:
    words = (
        *("endpoint", "add", "second-db", "--host", production.host, "--port", str(production.port)),
        *("--username", production.reader, "--password-stdin", "--ca-file", str(production.ca)),
        *("--label", "env=dev", "--option", f"database={production.database}"),
    )
    added = glassgate("admin", *words, typed=production.reader_password + "\n")
    assert added.status == 0, added.err
    again = glassgate("admin", *(word for word in words if word != "--password-stdin"))
    assert "version 2" in again.out
    checked = glassgate("admin", "endpoint", "check", "second-db")
    assert checked.status == 0, checked.err
    assert "level role" in checked.out
    assert "CREATE ROLE" in glassgate("admin", "endpoint", "harden", "second-db").out
    assert "second-db" in glassgate("engineer", "endpoints", "--label", "env=dev").out
    wrong = glassgate("admin", *words, typed="not-the-password\n")
    assert wrong.status == 0
    checked = glassgate("admin", "endpoint", "check", "second-db", "--json")
    assert checked.status == Status.ERROR
    assert checked.json["problem"]
    assert glassgate("admin", "doctor").status == Status.ERROR
    assert glassgate("admin", "endpoint", "remove", "second-db").status == 0
    assert glassgate("admin", "endpoint", "show", "second-db").status == Status.ERROR
    assert glassgate("engineer", "endpoint", "show", "orders-db").status == Status.NOT_AUTHORISED


def test_people_come_change_and_go(glassgate: People) -> None:
    added = glassgate("admin", "person", "add", "guest", "--role", "reviewer", "--json").json
    assert added["roles"] == ["reviewer"]
    assert len(added["password"]) >= 16
    assert glassgate("admin", "role", "grant", "guest", "engineer").status == 0
    assert glassgate("admin", "role", "grant", "guest", "no-such-role").status == Status.ERROR
    assert glassgate("admin", "role", "remove", "guest", "reviewer").status == 0
    listed = glassgate("admin", "person", "list", "--json").json["people"]
    assert next(one["roles"] for one in listed if one["name"] == "guest") == ["engineer"]
    assert glassgate("admin", "person", "remove", "guest").status == 0
    assert glassgate("admin", "person", "remove", "guest").status == Status.ERROR
    assert glassgate("engineer", "person", "list").status == Status.NOT_AUTHORISED


def test_policy_answers_and_reloads(glassgate: People) -> None:
    assert glassgate("admin", "policy", "may", "engineer", "request", "--endpoint", "orders-db").status == 0
    assert glassgate("admin", "policy", "may", "engineer", "approve").status == Status.NOT_AUTHORISED
    assert glassgate("admin", "policy", "reload").status == 0
    assert "policy.csv" in glassgate("admin", "policy", "show").out


def test_expected_verdicts_are_held_against_the_judge(glassgate: People, tmp_path: Path) -> None:
    assert glassgate("nobody", "policy", "test").status == 0
    folder = tmp_path / "policies"
    shutil.copytree(SHIPPED / "policies", folder)
    with (folder / "cases.toml").open("a") as file:
        file.write('\n[[case]]\nkind = "postgres"\ntext = "DELETE FROM t"\nverdict = "allow"\n')
    failed = glassgate("nobody", "policy", "test", str(folder))
    assert failed.status == Status.ERROR
    assert "expected allow, judged change" in failed.out
    (folder / "cases.toml").write_text("[[case]]\nkind = 'oracle'\n")
    assert glassgate("nobody", "policy", "test", str(folder)).status == Status.CONFIGURATION


def test_tokens_for_clients_and_machines(glassgate: People) -> None:
    database = glassgate("engineer", "token", "db").out.strip()
    assert database.startswith("ggd_")
    assert len(database) <= 64
    made = glassgate("engineer", "token", "machine", "add", "nightly", "--scope", "connect", "--json").json
    variables = {"GLASSGATE_TOKEN": made["token"], "GLASSGATE_CA": str(glassgate.gateway.ca)}
    assert glassgate("ci", "whoami", "--json", **variables).json["scopes"] == ["connect"]
    assert glassgate("ci", "changes", **variables).status == 0
    assert glassgate("ci", "requests", **variables).status == Status.NOT_AUTHORISED
    assert glassgate("engineer", "token", "machine", "remove", str(made["id"])).status == 0
    assert glassgate("ci", "whoami", **variables).status == Status.NOT_AUTHORISED


def test_doctor_names_what_is_wrong_with_a_configuration(glassgate: People, tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text("[listen]\napi-prt = 1\n")
    ended = glassgate("nobody", "doctor", "-c", str(config))
    assert ended.status == Status.ERROR
    assert f"{config}:2" in ended.out
    config.write_text('[database]\nurl = "postgresql://127.0.0.1:9/none"\n')
    ended = glassgate("nobody", "doctor", "-c", str(config))
    assert "bad  store" in ended.out
    good = glassgate("nobody", "doctor", "-c", str(glassgate.gateway.folder / "gateway.toml"))
    assert good.status == 0, good.out


def test_doctor_says_when_nobody_is_logged_in(glassgate: People, tmp_path: Path) -> None:
    variables = {"GLASSGATE_HOME": str(tmp_path), "GLASSGATE_CA": str(glassgate.gateway.ca)}
    ended = glassgate("new", "doctor", **variables)
    assert ended.status == Status.ERROR
    assert "bad  login" in ended.out


def test_what_people_typed_cannot_drive_the_terminal(glassgate: People) -> None:
    ended = glassgate("nobody", "--url", "https://\x1b[31mred", "whoami")
    assert "\x1b" not in ended.err


def test_completion_offers_names_of_endpoints(glassgate: People) -> None:
    words = "glassgate --profile engineer connect ord"
    ended = glassgate("x", _GLASSGATE_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD="4")
    assert ended.out.split() == ["orders-db"]
    assert "_GLASSGATE_COMPLETE" in glassgate("x", "completion", "zsh").out
