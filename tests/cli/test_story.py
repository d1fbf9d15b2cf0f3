"""Asking, approving, connecting, changing and reviewing, by commands alone."""

from __future__ import annotations

import asyncio
import json
import subprocess
from typing import TYPE_CHECKING

from gateway.cli.demo.terminal import Terminal
from gateway.cli.statuses import Status

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import People

ASK = ("request", "orders-db", "--for", "1h", "--reason", "INC-42: checkout is slow")


def grant(glassgate: People) -> None:
    asked = glassgate("engineer", *ASK, "--json").json
    assert glassgate("approver", "approve", str(asked["id"]), "--for", "30m").status == 0


def test_without_a_grant_connect_says_what_to_type(glassgate: People) -> None:
    ended = glassgate("engineer", "connect", "orders-db", "--", "psql", "-c", "SELECT 1")
    assert ended.status == Status.NOT_AUTHORISED
    assert "glassgate request orders-db" in ended.err


def test_a_request_is_filed_listed_and_decided(glassgate: People) -> None:
    filed = glassgate("engineer", *ASK)
    assert filed.status == 0
    number = filed.out.split()[1].rstrip(":")
    listed = glassgate("approver", "requests", "--state", "pending")
    assert "INC-42: checkout is slow" in listed.out
    assert glassgate("approver", "requests", "--json").json["requests"][0]["identity"] == "engineer"
    whole = glassgate("approver", "requests", number).out
    for told in ("engineer", "INC-42", "1h", "env=prod team=payments", "nothing"):
        assert told in whole
    own = glassgate("engineer", "approve", number)
    assert own.status == Status.NOT_AUTHORISED
    denied = glassgate("approver", "deny", number, "--reason", "use the replica")
    assert f"Request {number} of engineer for orders-db is denied" in denied.out
    again = glassgate("approver", "deny", number, "--reason", "twice")
    assert again.status == Status.ERROR


def test_waiting_ends_with_the_decision_or_the_time(glassgate: People) -> None:
    late = glassgate("engineer", *ASK, "--wait", "--within", "1s")
    assert late.status == Status.WAITING
    for one in glassgate("engineer", "requests", "--state", "pending", "--json").json["requests"]:
        assert glassgate("engineer", "withdraw", str(one["id"])).status == 0
    process = subprocess.Popen(
        glassgate.argv("engineer", *ASK, "--wait", "--json"),
        env=glassgate.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    pending: list[dict[str, int]] = []
    while not pending:
        pending = glassgate("approver", "requests", "--state", "pending", "--json").json["requests"]
    assert glassgate("approver", "deny", str(pending[0]["id"]), "--reason", "no").status == 0
    out, _ = process.communicate(timeout=30)
    assert json.loads(out)["state"] == "denied"
    assert process.returncode == Status.NOT_AUTHORISED


def test_connect_runs_a_command_and_ends_as_it_does(glassgate: People) -> None:
    grant(glassgate)
    ended = glassgate(
        "engineer", "connect", "orders-db", "--", "psql", "-XAtc", "SELECT count(*) FROM customers"
    )
    assert (ended.status, ended.out.strip()) == (0, "600"), ended.err
    shell = ("sh", "-c", 'test "$PGSSLMODE" = verify-full && test "$PGUSER" = engineer+orders-db && exit 7')
    assert glassgate("engineer", "connect", "orders-db", "--", *shell).status == 7
    missing = glassgate("engineer", "connect", "orders-db", "--", "no-such-program")
    assert missing.status == Status.ERROR
    assert "no such program" in missing.err


async def test_connect_on_a_terminal_asks_waits_and_goes_straight_on(
    glassgate: People, tmp_path: Path
) -> None:
    glassgate.gateway.add_person("newcomer", "engineer")
    assert (await asyncio.to_thread(glassgate.login, "newcomer")).status == 0
    environment = {**glassgate.environment, "TERM": "xterm-256color", "PAGER": "cat", "HOME": str(tmp_path)}
    command = glassgate.argv("newcomer", "connect", "orders-db")
    terminal = Terminal.open(command, environment=environment, folder=tmp_path)
    try:
        await terminal.until("Reason")
        terminal.send("INC-43: look at it\n")
        said = await terminal.until(r"Request \d+.* is waiting for an approver")
        number = said.rsplit("Request ", 1)[1].split(":")[0]
        approved = await asyncio.to_thread(glassgate, "approver", "approve", number)
        assert approved.status == 0, approved.err
        await terminal.until(r"shop=[>#]")
        terminal.send("SELECT 6 * 7 AS answer;\n")
        await terminal.until(r"\n +42")
        terminal.send("\\q\n")
        _, status = await terminal.ended()
        assert status == 0
    finally:
        terminal.close()


def test_native_clients_are_told_how_to_connect(glassgate: People, tmp_path: Path) -> None:
    grant(glassgate)
    section = glassgate("engineer", "config", "psql", "orders-db")
    assert section.status == 0, section.err
    assert "sslmode=verify-full" in section.out
    (tmp_path / "services").write_text(section.out)
    line = glassgate("engineer", "config", "psql", "orders-db", "--passfile")
    (tmp_path / "passfile").write_text(line.out)
    (tmp_path / "passfile").chmod(0o600)
    variables = {
        "PGSERVICEFILE": str(tmp_path / "services"),
        "PGPASSFILE": str(tmp_path / "passfile"),
        "PATH": glassgate.environment["PATH"],
    }
    ended = subprocess.run(
        ["psql", "service=orders-db", "-XAtc", "SELECT 1"],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout.strip()) == (0, "1"), ended.stderr


def test_a_refused_write_becomes_a_commit(glassgate: People, repository: Path, tmp_path: Path) -> None:
    grant(glassgate)
    write = "UPDATE customers SET email = lower(email) WHERE id = 7"
    refused = glassgate("engineer", "connect", "orders-db", "--", "psql", "-Xc", write)
    assert refused.status == 1
    assert "glassgate change submit" in refused.err
    draft = glassgate("engineer", "changes", "--state", "draft", "--json").json["changes"][0]
    number = str(draft["id"])
    shown = glassgate("engineer", "change", "show", number)
    assert write in shown.out
    assert "+++ b/migrations/" in shown.out
    stays = glassgate("engineer", "change", "submit", number, "--reason", "INC-42")
    assert stays.status == Status.ERROR
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i "s/^-- # .*//" "$1"\necho "SELECT 1; -- put back by hand" >> "$1"\n')
    editor.chmod(0o755)
    words = ("change", "submit", number, "--reason", "INC-42: fix", "--edit")
    done = glassgate("engineer", *words, EDITOR=str(editor))
    assert done.status == 0, done.err
    branch = next(line.split()[-1] for line in done.out.splitlines() if line.startswith("branch"))
    shown = subprocess.run(
        ["git", "-C", str(repository), "show", branch], capture_output=True, text=True, check=True
    ).stdout
    assert write in shown
    assert "put back by hand" in shown
    assert "engineer@example.com" in shown
    assert glassgate("engineer", "change", "withdraw", number).status == 0
    assert glassgate("approver", "change", "show", number).status == Status.NOT_AUTHORISED


def test_the_reviewer_reviews(glassgate: People, tmp_path: Path) -> None:
    grant(glassgate)
    glassgate("engineer", "connect", "orders-db", "--", "psql", "-Xc", "SELECT 'needle' AS found")
    sessions = glassgate("reviewer", "sessions", "--past", "--by", "engineer", "--json").json["sessions"]
    number = str(sessions[0]["id"])
    assert "engineer" in glassgate("reviewer", "sessions", "--since", "1h").out
    replayed = glassgate("reviewer", "replay", number, "--why", "INC-42")
    assert "SELECT 'needle' AS found" in replayed.out
    assert "ended (client)" in replayed.out
    for _ in range(50):
        found = glassgate("reviewer", "search", "NEEDLE", "--json")
        if found.out:
            break
    assert json.loads(found.out.splitlines()[0])["session"] == int(number)
    file = tmp_path / "session.jsonl"
    page = tmp_path / "session.html"
    published = tmp_path / "published"
    assert glassgate("reviewer", "export", number, "-o", str(file)).status == 0
    assert glassgate("reviewer", "export", number, "--format", "html", "-o", str(page)).status == 0
    nowhere = glassgate("reviewer", "export", number, "-o", str(file.parent / "none" / "s.jsonl"))
    assert (nowhere.status, "No such file" in nowhere.err) == (Status.ERROR, True)
    assert glassgate("reviewer", "checkpoint").status == 0
    published.write_bytes((glassgate.gateway.data / "witness" / "checkpoints").read_bytes())
    whole = glassgate("reviewer", "verify", "--checkpoint", str(published))
    assert whole.status == 0, whole.err
    assert "proven" in whole.out
    proofs = ("verify", str(file), str(page), "--checkpoint", str(published))
    offline = glassgate("nobody", *proofs, GLASSGATE_URL="https://127.0.0.1:9")
    assert offline.status == 0, offline.err
    file.write_bytes(file.read_bytes().replace(b"needle", b"noodle"))
    broken = glassgate("nobody", "verify", str(file), "--checkpoint", str(published))
    assert broken.status == Status.PROOF_BROKEN
    assert "altered" in broken.err
    assert glassgate("engineer", "replay", number).status == Status.NOT_AUTHORISED


def test_a_revoked_grant_is_gone(glassgate: People) -> None:
    grant(glassgate)
    grants = glassgate("engineer", "grants", "--mine", "--json").json["grants"]
    for one in grants:
        ended = glassgate("approver", "revoke", str(one["id"]), "--reason", "done")
        assert ended.status == 0, ended.err
    assert glassgate("engineer", "grants", "--mine").out.strip() == "No grants."
    assert "revoked" in glassgate("engineer", "grants", "--mine", "--past").out
    assert glassgate("engineer", "drop", str(grants[0]["id"])).status == Status.ERROR
