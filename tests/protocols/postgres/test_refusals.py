"""A refusal answers exactly where the server would, and leaves the server's own state behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.protocols.postgres import wire

if TYPE_CHECKING:
    from postgres_door import Gate, Speaker

UPDATE = b"UPDATE customers SET city = 'Graz'"


def extended(text: bytes, *values: bytes) -> bytes:
    return wire.parse(b"", text) + wire.bind(b"", b"", values) + wire.execute(b"")


async def test_a_refused_query_leaves_autocommit_idle(speaker: Speaker) -> None:
    assert await speaker.ask(wire.query(UPDATE)) == "EZI"
    assert speaker.error["C"] == "25006"
    assert await speaker.ask(wire.query(b"SELECT 1")) == "TDCZI"


async def test_a_refused_query_fails_the_transaction(gate: Gate, speaker: Speaker) -> None:
    assert await speaker.ask(wire.query(b"BEGIN")) == "CZT"
    assert await speaker.ask(wire.query(UPDATE)) == "EZE"
    assert await speaker.ask(wire.query(b"SELECT 1")) == "EZE"
    assert speaker.error["C"] == "25P02"
    assert await speaker.ask(wire.query(b"DELETE FROM orders")) == "EZE"
    assert "Joined change request" in speaker.error["D"]
    assert await speaker.ask(wire.query(b"COMMIT")) == "CZI"
    assert speaker.last[0].body == b"ROLLBACK\0"
    assert gate.room.dropped == []
    assert len({capture.batch for capture in gate.room.captures}) == 1


async def test_the_clients_own_rollback_drops_the_draft(gate: Gate, speaker: Speaker) -> None:
    await speaker.ask(wire.query(b"BEGIN"))
    await speaker.ask(wire.query(UPDATE))
    assert await speaker.ask(wire.query(b"ROLLBACK")) == "NCZI"
    assert gate.room.dropped == [gate.room.captures[-1].batch]


async def test_a_savepoint_heals_a_refusal(speaker: Speaker) -> None:
    await speaker.ask(wire.query(b"BEGIN; SAVEPOINT a"))
    assert await speaker.ask(wire.query(UPDATE)) == "EZE"
    assert await speaker.ask(wire.query(b"ROLLBACK TO a")) == "CZT"
    assert await speaker.ask(wire.query(b"SELECT 1")) == "TDCZT"


async def test_nothing_of_a_refused_text_reaches_the_server(gate: Gate, speaker: Speaker) -> None:
    await speaker.ask(wire.query(b"SELECT 1; " + UPDATE + b"; SELECT 2"))
    assert [each.kind for each in speaker.last] == [b"E", b"Z"]
    seen = await speaker.ask(wire.query(b"SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()"))
    assert seen == "TDCZI"
    assert gate.room.texts[-2].endswith(b"SELECT 2")


async def test_a_refused_parse_skips_to_sync(gate: Gate, speaker: Speaker) -> None:
    pipeline = extended(b"SELECT 1") + extended(UPDATE) + extended(b"SELECT 2") + wire.SYNC
    assert await speaker.ask(pipeline) == "12DCEZI"
    assert speaker.error["C"] == "25006"
    assert await speaker.ask(extended(b"SELECT 3") + wire.SYNC) == "12DCZI"
    assert [capture.text for capture in gate.room.captures] == [UPDATE.decode()]


async def test_an_earlier_error_hides_a_refusal_behind_it(gate: Gate, speaker: Speaker) -> None:
    assert await speaker.ask(extended(b"SELECT 1/0") + extended(UPDATE) + wire.SYNC) in ("1EZI", "12EZI")
    assert speaker.error["C"] == "22012"
    assert gate.room.captures == []


async def test_two_pipelines_sent_at_once_are_answered_each_in_its_place(speaker: Speaker) -> None:
    speaker.send(extended(UPDATE) + wire.SYNC + extended(b"SELECT 1") + wire.SYNC)
    assert [each.kind for each in await speaker.until(b"Z")] == [b"E", b"Z"]
    assert "".join(each.kind.decode() for each in await speaker.until(b"Z")) == "12DCZ"


async def test_values_bound_to_a_refused_parse_are_captured(gate: Gate, speaker: Speaker) -> None:
    text = b"UPDATE customers SET city = $1"
    await speaker.ask(wire.parse(b"", text), wire.bind(b"", b"", [b"Graz"]), wire.execute(b""), wire.SYNC)
    assert gate.room.captures[-1].values == (b"Graz",)
    speaker.send(wire.parse(b"s", text), wire.describe(b"S", b"s"))
    await speaker.writer.drain()
    assert await speaker.ask(wire.bind(b"", b"s", [b"Wien"]), wire.execute(b""), wire.SYNC) == "EZI"
    assert gate.room.captures[-1].values == (b"Wien",)


async def test_unknown_statements_and_portals_are_answered_as_the_server_would(speaker: Speaker) -> None:
    assert await speaker.ask(wire.bind(b"", b"nobody"), wire.SYNC) == "EZI"
    assert speaker.error["C"] == "26000"
    assert await speaker.ask(wire.execute(b"nobody"), wire.SYNC) == "EZI"
    assert speaker.error["C"] == "34000"


async def test_a_function_call_is_refused(speaker: Speaker) -> None:
    assert await speaker.ask(wire.message(b"F", b"\0\0\0\1\0\0\0\0\0\0")) == "EZI"
    assert speaker.error["C"] == "0A000"


async def test_copy_data_out_of_place_is_ignored_as_the_server_does(speaker: Speaker) -> None:
    assert await speaker.ask(wire.query(b"COPY customers FROM STDIN")) == "EZI"
    speaker.send(wire.message(b"d", b"x" * 100_000), wire.message(b"c"))
    assert await speaker.ask(wire.query(b"SELECT 1")) == "TDCZI"


async def test_a_nul_or_wrong_encoding_is_an_error_and_the_session_goes_on(speaker: Speaker) -> None:
    assert await speaker.ask(wire.message(b"Q", b"SELECT 1\0DROP TABLE x\0")) == "EZI"
    assert speaker.error["C"] == "08P01"
    assert await speaker.ask(wire.message(b"Q", b"SELECT 1")) == "EZI"
    assert await speaker.ask(wire.query(b"SELECT '\xff'")) == "EZI"
    assert speaker.error["C"] == "22021"
    assert await speaker.ask(wire.query(b"SELECT 1")) == "TDCZI"


async def test_a_statement_too_large_is_an_error_and_the_session_goes_on(speaker: Speaker) -> None:
    speaker.send(wire.query(b"SELECT '" + b"x" * 50_000_000 + b"'"))
    assert await speaker.ask() == "EZI"
    assert speaker.error["C"] == "54000"
    assert await speaker.ask(wire.query(b"SELECT 1")) == "TDCZI"
    assert await speaker.ask(wire.parse(b"", b"x" * 5_000_000), wire.SYNC) == "EZI"
    assert await speaker.ask(wire.query(b"SELECT 1")) == "TDCZI"


async def test_server_errors_have_their_own_states(speaker: Speaker) -> None:
    assert await speaker.ask(wire.query(b"SELEC 1")) == "EZI"
    assert speaker.error["C"] == "42601"
    assert speaker.error["P"] == "1"
    assert await speaker.ask(wire.query("SELECT 'ö';\nSELEC 1".encode())) == "EZI"
    assert speaker.error["P"] == "13"
    assert await speaker.ask(wire.query(b"SELECT * FROM no_such_table")) == "EZI"
    assert speaker.error["C"] == "42P01"
    assert await speaker.ask(wire.query(b"SELECT no_such_function()")) == "EZI"
    assert speaker.error["C"] == "42883"
    assert await speaker.ask(wire.query(b"SET transaction_read_only = off")) == "EZI"
    assert speaker.error["C"] == "42501"
    assert await speaker.ask(wire.query(b"SET client_encoding = 'SJIS'")) == "EZI"
    assert speaker.error["C"] == "22021"
    assert "use UTF8" in speaker.error["M"]


async def test_a_refusal_that_must_wait_for_the_judge_keeps_its_place(gate: Gate, speaker: Speaker) -> None:
    gate.room.slow = True
    speaker.send(extended(b"SELECT 1") + extended(UPDATE) + wire.SYNC + wire.query(b"SELECT 2"))
    assert "".join(each.kind.decode() for each in await speaker.until(b"Z")) == "12DCEZ"
    assert "".join(each.kind.decode() for each in await speaker.until(b"Z")) == "TDCZ"


async def test_what_is_no_change_is_kept_for_a_change_by_hand(gate: Gate, speaker: Speaker) -> None:
    text = b"SELECT pg_terminate_backend($1)"
    assert await speaker.ask(extended(text, b"7") + wire.SYNC) == "EZI"
    assert speaker.error["H"] == "To propose it as a change: glassgate change draft LAST"
    speaker.send(wire.parse(b"s", text), wire.describe(b"S", b"s"), wire.FLUSH)
    await speaker.until(b"E")
    assert await speaker.ask(wire.bind(b"", b"s", [b"8"]), extended(UPDATE), wire.SYNC) == "ZI"
    assert gate.room.remembered[0].values == (b"7",)
    assert {each.text for each in gate.room.remembered} == {text.decode()}
    assert gate.room.captures == []


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (b"SET transaction_read_only = off", "type the write itself"),
        (b"SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", "type the write itself"),
        (b"SET ROLE postgres", ""),
        (b"LISTEN x", ""),
        (b"COPY orders TO PROGRAM 'cat'", ""),
        (b"SELECT pg_advisory_lock(1)", ""),
    ],
)
async def test_what_no_artifact_carries_is_not_kept_and_offers_no_draft(
    gate: Gate, speaker: Speaker, text: bytes, hint: str
) -> None:
    assert await speaker.ask(wire.query(text)) == "EZI"
    assert "change draft" not in speaker.error.get("H", "")
    assert hint in speaker.error.get("H", "")
    assert gate.room.remembered == []


@pytest.mark.parametrize("text", [b"COPY customers FROM STDIN", b"EXPLAIN CREATE TABLE x AS SELECT 1"])
async def test_every_change_is_filed(gate: Gate, speaker: Speaker, text: bytes) -> None:
    assert await speaker.ask(wire.query(text)) == "EZI"
    assert "rafted as change request" in speaker.error["D"]
    assert [each.text for each in gate.room.captures] == [text.decode()]


async def test_a_setting_that_is_not_known_may_be_a_read(gate: Gate, speaker: Speaker) -> None:
    assert await speaker.ask(wire.query(b"SET some_extension_setting = on")) == "EZI"
    assert speaker.error["H"] == "To propose it as a change, or as a read: glassgate change draft LAST"
    assert len(gate.room.remembered) == 1


async def test_a_write_beside_a_loosening_is_kept(gate: Gate, speaker: Speaker) -> None:
    text = b"SET transaction_read_only = off; " + UPDATE
    assert await speaker.ask(wire.query(text)) == "EZI"
    assert [each.text for each in gate.room.remembered] == [text.decode()]


async def test_a_message_of_an_impossible_length_ends_the_session(speaker: Speaker) -> None:
    speaker.send(b"Q\x7f\xff\xff\xff" + b"x" * 5000)
    (ended,) = await speaker.closed()
    assert wire.parse_error(ended.body)["C"] == "08P01"
