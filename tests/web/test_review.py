"""What happened: listed, watched, replayed, searched, exported and proven, and each look recorded."""

from __future__ import annotations

import asyncio
import io

import asyncpg
import msgspec
import psycopg
import pytest
from live_gateway import Beginning, LiveGateway
from plain_http import Http

from gateway.recordings.verify_file import verify_file
from gateway.recordings.witness import read_checkpoints
from gateway.web.shapes.sessions import Moment, Watched


@pytest.fixture(scope="module")
def session(gateway: LiveGateway) -> int:
    """Number of a session with a read and a refused write, sealed."""
    gateway.grant()
    with psycopg.connect(gateway.dsn(), autocommit=True) as connection:
        connection.execute("SELECT count(*) FROM customers WHERE id > %s", [7])
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("DELETE FROM customers WHERE email = %s", ["\x1b[31mred\u202e"])
    call = Http(gateway)
    for _ in range(100):
        newest = call("GET /v1/sessions?state=past&limit=1", by="reviewer").json["sessions"]
        if newest and newest[0]["recording"] == "whole":
            return int(newest[0]["id"])
    raise AssertionError("the session was not sealed")


def test_sessions_are_listed_by_state_person_endpoint_and_time(call: Http, session: int) -> None:
    def found(query: str, by: str = "reviewer") -> list[int]:
        return [one["id"] for one in call(f"GET /v1/sessions?{query}", by=by).json["sessions"]]

    assert session in found("state=past&by=engineer&endpoint=orders-db&since=2020-01-01T00:00:00Z")
    assert session not in found("state=live")
    assert found("by=approver") == []
    assert found("since=2100-01-01T00:00:00Z") == []
    assert session not in found(f"before={session}")
    one = call(f"GET /v1/sessions/{session}", by="reviewer").json
    assert (one["identity"], one["endpoint"], one["level"], one["cause"]) == (
        "engineer",
        "orders-db",
        "role",
        "client",
    )
    assert one["refused"] == 1


def test_ones_own_sessions_can_be_seen_and_not_others(call: Http, session: int) -> None:
    assert call(f"GET /v1/sessions/{session}", by="engineer").status == 200
    assert call(f"GET /v1/sessions/{session}/replay", by="engineer").status == 403
    call.gateway.add_person("colleague", "engineer")
    assert call(f"GET /v1/sessions/{session}", by="colleague").status == 404
    assert call("GET /v1/sessions", by="colleague").json["sessions"] == []


def test_replay_tells_statement_values_verdict_rule_rows_and_time(call: Http, session: int) -> None:
    moments = call(f"GET /v1/sessions/{session}/replay?why=INC-42", by="reviewer").lines
    assert moments[0]["kind"] == "opened"
    assert moments[-1]["kind"] == "ended"
    units = [one for one in moments if one["kind"] == "unit" and one.get("origin") == "client"]
    read = next(one for one in units if "count(*)" in one["text"])
    assert (read["verdict"], read["number"]) == ("allow", units[0]["number"])
    assert "judged" in read["layers"]
    answer = next(one for one in moments if one["kind"] == "answer" and one["number"] == read["number"])
    assert answer["rows"] == 1
    assert answer["seconds"] > 0
    write = next(one for one in units if "DELETE" in one["text"])
    assert write["verdict"] == "change"
    assert write["rule"].startswith("postgres.")
    assert write["values"] == ["\x1b[31mred\u202e"]


def test_search_finds_what_was_run(call: Http, session: int) -> None:
    hits = call("GET /v1/search?text=FROM%20CUSTOMERS&by=engineer&endpoint=orders-db", by="reviewer").lines
    assert {hit["session"] for hit in hits} == {session}
    assert {hit["verdict"] for hit in hits} >= {"allow", "change"}
    assert call("GET /v1/search?text=no-such-thing", by="reviewer").lines == []
    assert len(call("GET /v1/search?text=customers&limit=1", by="reviewer").lines) == 1
    assert call("GET /v1/search?text=%20", by="reviewer").status == 400


@pytest.mark.parametrize(("file_format", "media"), [("jsonl", "application/x-ndjson"), ("html", "text/html")])
def test_an_export_proves_itself_without_the_gateway(
    call: Http, session: int, file_format: str, media: str
) -> None:
    answer = call(f"GET /v1/sessions/{session}/export?format={file_format}", by="reviewer")
    assert answer.headers["Content-Type"].startswith(media)
    assert f"session-{session}.{file_format}" in answer.headers["Content-Disposition"]
    note = call("GET /v1/checkpoint", by="reviewer").json["note"]
    published = [*read_checkpoints((call.gateway.data / "witness" / "checkpoints").read_text()), note]
    report = verify_file(io.BytesIO(answer.body), published=published)
    assert report.good, report.problem
    altered = answer.body.replace(b"count(*)", b"count(1)", 1)
    assert altered != answer.body
    assert not verify_file(io.BytesIO(altered), published=published).good
    assert call(f"GET /v1/sessions/{session}/export?format=pdf", by="reviewer").status == 400


def test_everything_is_proven(call: Http, session: int) -> None:
    note = call("GET /v1/checkpoint", by="reviewer").json["note"]
    proof = call("POST /v1/verify", by="reviewer", json_body={"checkpoints": [note]}).lines[-1]
    assert proof["good"], proof
    assert proof["sessions"] >= 1
    forged = note.replace(note.splitlines()[2], "A" * 43 + "=")
    proof = call("POST /v1/verify", by="reviewer", json_body={"checkpoints": [forged]}).lines[-1]
    assert not proof.get("good", False)


def test_a_live_session_is_watched_from_its_beginning_and_killed(call: Http, gateway: LiveGateway) -> None:
    gateway.grant()
    with psycopg.connect(gateway.dsn(), autocommit=True) as connection:
        connection.execute("SELECT 41 + 1")
        number = call("GET /v1/sessions?state=live", by="reviewer").json["sessions"][0]["id"]
        lines = gateway.client("reviewer").json_lines("GET /v1/sessions/{id}/watch", Watched(id=number))
        seen: list[Moment] = []
        for line in lines:
            moment = msgspec.json.decode(line, type=Moment)
            seen.append(moment)
            if moment.text == "SELECT 41 + 1":
                connection.execute("SELECT 42 + 1")
            if moment.text == "SELECT 42 + 1":
                assert call(f"POST /v1/sessions/{number}/kill", by="engineer").status == 403
                body = {"reason": "enough seen"}
                assert call(f"POST /v1/sessions/{number}/kill", by="reviewer", json_body=body).status == 200
        assert seen[0].kind == "opened"
        assert (seen[-1].kind, seen[-1].rule, seen[-1].by) == ("ended", "killed", "reviewer")
        with pytest.raises(psycopg.OperationalError, match="ended by reviewer: enough seen"):
            connection.execute("SELECT 43 + 1")
    assert call(f"GET /v1/sessions/{number}/watch", by="reviewer").status == 409


async def test_each_look_is_a_leaf_of_the_ledger_with_who_and_why(
    call: Http, session: int, beginning: Beginning
) -> None:
    def look() -> None:
        assert call(f"GET /v1/sessions/{session}/replay?why=INC-9", by="reviewer").status == 200
        assert call("GET /v1/search?text=secret-word&why=INC-10", by="reviewer").status == 200

    await asyncio.to_thread(look)
    store = await asyncpg.connect(beginning.dsn)
    try:
        rows = await store.fetch(
            "SELECT kind, convert_from(data, 'UTF8') AS data FROM ledger_leaves"
            " WHERE kind LIKE 'view.%' ORDER BY number"
        )
    finally:
        await store.close()
    told = [(row["kind"], msgspec.json.decode(row["data"])) for row in rows]
    replayed = [data for kind, data in told if kind == "view.replay" and data["why"] == "INC-9"]
    assert replayed[0]["identity"] == "reviewer"
    assert replayed[0]["session"] == session
    searched = [data for kind, data in told if kind == "view.search" and data["why"] == "INC-10"]
    assert searched[0]["query"] == "secret-word"
    assert {"view.export", "view.verify", "view.watch"} <= {kind for kind, _ in told}
