"""An exported recording is proven with a published checkpoint alone: no store, no keys, no network."""

from __future__ import annotations

import asyncio
import io
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from recordings.place import OPENED, Place, answer, one_of_each, unit

from gateway.domain.errors import Conflict, InvalidInput, NotFound
from gateway.domain.ids import SessionId
from gateway.domain.merkle import CompactRange, hash_leaf
from gateway.recordings.expiry import expire_due
from gateway.recordings.export import export
from gateway.recordings.frames import Ended, Event
from gateway.recordings.note import Verifier
from gateway.recordings.verify_file import verify_file
from gateway.store import ledger as rows
from gateway.store.keyring import Keyring

if TYPE_CHECKING:
    from gateway.recordings.recording import Recordings
    from gateway.recordings.report import Report

NASTY = "</script><script>alert(1)</script>\x1b[2J\u202e<b>&amp;\\u003c"


async def exported(
    place: Place, recordings: Recordings, session: int, file_format: str = "jsonl", ledger=None
) -> bytes:
    parts = export(
        recordings, ledger or place.ledger(), SessionId(session), file_format=file_format, by="reviewer"
    )
    return b"".join([part async for part in parts])


async def filled(place: Place, recordings: Recordings) -> SessionId:
    """A session of three blocks, with everything in it that could break a line or a page."""
    recording = await recordings.open_recording(OPENED)
    for frame in one_of_each():
        recording.write(frame)
    recording.rotate()
    recording.write(unit(4, NASTY.encode("utf-8", "surrogatepass"), values=(NASTY.encode(), b"\xff\xfe")))
    recording.write(answer(4))
    recording.write(Event("note", NASTY))
    recording.rotate()
    recording.write(unit(5, None, repeats=4))
    await recording.close(Ended("client", NASTY))
    await recordings.flush()
    return recording.session


def check(data: bytes, *published: str, trusted: tuple[Verifier, ...] = ()) -> Report:
    return verify_file(io.BytesIO(data), published=published, trusted=trusted)


@pytest.mark.parametrize("file_format", ["jsonl", "html"])
async def test_an_export_proves_itself_against_a_published_checkpoint(place, file_format: str) -> None:
    async with place.gateway() as recordings:
        session = await filled(place, recordings)
        await place.recorded(recordings)
        data = await exported(place, recordings, session, file_format)
        published = (await place.ledger().make_checkpoint()).note
        trusted = await place.ledger().verifiers()
    report = check(data, published, trusted=trusted)
    assert (report.problem, report.blocks, report.leaves, report.notes) == ("", 3, 3, [])
    assert re.fullmatch(r"size \d+, published", report.checkpoint)
    alone = check(data)
    assert alone.good
    assert "proves nothing against who holds the gateway's keys" in alone.notes[0]


async def test_every_line_is_json_and_says_what_was_run(place) -> None:
    async with place.gateway() as recordings:
        data = await exported(place, recordings, await filled(place, recordings))
    lines = [json.loads(line) for line in data.splitlines()]
    assert [line["type"] for line in lines[:2]] == ["recording", "proof"]
    assert lines[-1] == {"type": "end", "frames": 14, "blocks": 3}
    assert (lines[0]["identity"], lines[0]["closed"], lines[0]["exported_by"]) == (
        "engineer",
        True,
        "reviewer",
    )
    units = [line for line in lines if line.get("kind") == "unit"]
    assert units[0]["text"] == "SELECT * FROM customers WHERE id = $1"
    assert units[1]["text"] == units[0]["text"]
    assert units[1]["values"] == ["43", {"base64": "/w=="}]
    assert [one["verdict"] for one in units] == ["allow", "allow", "change", "allow", "allow"]
    assert units[3]["text"] == NASTY
    answers = [line for line in lines if line.get("kind") == "answer"]
    assert (answers[0]["rows"], answers[1]["error_code"]) == (1, "22P02")


async def test_a_page_runs_nothing_and_hides_nothing(place) -> None:
    async with place.gateway() as recordings:
        text = (await exported(place, recordings, await filled(place, recordings), "html")).decode()
    assert "default-src 'none'" in text
    assert "\x1b" not in text
    assert "\u202e" not in text

    class Tags(HTMLParser):
        seen: list[tuple[str, dict[str, str | None]]] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.seen.append((tag, dict(attrs)))

    page = Tags()
    page.feed(text)
    scripts = [attrs for tag, attrs in page.seen if tag == "script"]
    assert scripts
    assert all(attrs == {"type": "application/jsonl"} for attrs in scripts)
    assert not [attrs for _, attrs in page.seen if any(name.startswith("on") for name in attrs)]
    known = "html meta title style h1 dl dt dd p code ol li time b span pre script"
    assert {tag for tag, _ in page.seen} <= {*known.split()}


@pytest.mark.parametrize("file_format", ["jsonl", "html"])
async def test_no_byte_of_an_export_can_be_altered_unseen(place, file_format: str) -> None:
    async with place.gateway() as recordings:
        session = await filled(place, recordings)
        data = await exported(place, recordings, session, file_format)
        published = (await place.ledger().make_checkpoint()).note
    unproven = _unproven(data)
    step = 3 if file_format == "jsonl" else 11
    for place_ in range(0, len(data), step):
        if any(begin <= place_ < end for begin, end in unproven):
            continue
        altered = data[:place_] + bytes([data[place_] ^ 1]) + data[place_ + 1 :]
        report = check(altered, published)
        assert not report.good, (place_, data[place_ - 40 : place_ + 40])


def _unproven(data: bytes) -> list[tuple[int, int]]:
    """Where an export says what no ledger proves: when and by whom it was taken out, and which keys it names.

    The proofs from other checkpoints than the one that is given are not looked at either.
    """
    parts = (rb'"exported_at":"[^"]*"', rb'"exported_by":"[^"]*"', rb'"keys":\[[^\n<]*')
    return [match.span() for part in parts for match in re.finditer(part, data)]


@pytest.mark.parametrize("file_format", ["jsonl", "html"])
async def test_an_export_cut_anywhere_is_not_whole(place, file_format: str) -> None:
    async with place.gateway() as recordings:
        session = await filled(place, recordings)
        data = await exported(place, recordings, session, file_format)
        published = (await place.ledger().make_checkpoint()).note
    for end in range(0, len(data) - 1, 37):
        assert not check(data[:end], published).good


async def test_lines_removed_swapped_or_added_are_named(place) -> None:
    async with place.gateway() as recordings:
        session = await filled(place, recordings)
        data = await exported(place, recordings, session)
        published = (await place.ledger().make_checkpoint()).note
    lines = data.splitlines(keepends=True)
    frames = [number for number, line in enumerate(lines) if b'"type":"frame"' in line]
    for number in frames:
        without = b"".join(lines[:number] + lines[number + 1 :])
        assert check(without, published).records, number
    swapped = lines.copy()
    swapped[frames[1]], swapped[frames[2]] = swapped[frames[2]], swapped[frames[1]]
    report = check(b"".join(swapped), published)
    assert report.problem.startswith("frame 1 was altered")
    assert report.records == (f"session {session}, block 0 (frames 0 to 8)",)
    added = b"".join([*lines[: frames[3]], lines[frames[3]], *lines[frames[3] :]])
    assert not check(added, published).good
    blocks = [number for number, line in enumerate(lines) if b'"type":"block"' in line]
    second = slice(blocks[0] + 1, blocks[1] + 1)
    without_block = b"".join(lines[: second.start] + lines[second.stop :])
    report = check(without_block, published)
    assert report.problem == "block 1 is missing, or blocks are out of order"


async def test_a_doctored_unit_is_named(place) -> None:
    async with place.gateway() as recordings:
        session = await filled(place, recordings)
        data = await exported(place, recordings, session)
        page = await exported(place, recordings, session, "html")
        published = (await place.ledger().make_checkpoint()).note
    report = check(data.replace(b"UPDATE customers", b"SELECT customers"), published)
    assert report.problem == "frame 7 was altered: it is not what the block holds"
    assert report.records == (f"session {session}, block 0 (frames 0 to 8)",)
    report = check(page.replace(b"UPDATE customers", b"SELECT customers"), published)
    assert "the page does not show what the blocks hold" in report.problem
    assert report.records == (f"session {session}, block 0 (frames 0 to 8)",)


async def test_an_export_made_later_reaches_back_to_older_checkpoints(place) -> None:
    ledger = place.ledger()
    async with place.gateway() as recordings:
        session = await filled(place, recordings)
        older = []
        for _ in range(5):
            older.append((await ledger.make_checkpoint()).note)
            await place.recorded(recordings)
        data = await exported(place, recordings, session)
    for note in older:
        report = check(data, note)
        assert report.good, report.problem
        assert report.notes == []
    assert check(data, *older).checkpoints == 5


async def test_a_checkpoint_from_before_the_recording_is_said_to_prove_little(place) -> None:
    ledger = place.ledger()
    async with place.gateway() as recordings:
        before = (await ledger.make_checkpoint()).note
        data = await exported(place, recordings, await filled(place, recordings))
    report = check(data, before)
    assert report.good
    assert "younger than the published checkpoint" in report.notes[0]


async def test_an_export_older_than_the_only_checkpoint_says_what_to_do(place) -> None:
    async with place.gateway() as recordings:
        session = await filled(place, recordings)
        data = await exported(place, recordings, session)
        await place.recorded(recordings)
        later = (await place.ledger().make_checkpoint()).note
    report = check(data, later)
    assert report.problem.startswith("neither proven nor altered: ")
    assert "newer than the file" in report.problem
    assert "export again" in report.problem
    assert report.records == ()
    altered = data.replace(b"UPDATE customers", b"SELECT customers")
    assert "altered: it is not what the block holds" in check(altered, later).problem


async def test_a_fork_is_seen(place, tmp_path) -> None:
    """The gateway's owner keeps two histories: the witness saw the other one."""
    ledger = place.ledger()
    async with place.gateway() as recordings:
        session = await filled(place, recordings)
        seen = (await ledger.make_checkpoint()).note
        await place.sql(
            "UPDATE ledger_leaves SET at_us = at_us + 1,"
            " hash = sha256(convert_to(chr(1), 'utf8')) WHERE number = 0",
            "DELETE FROM ledger_checkpoints",
        )
        await _regrow(place)
        data = await exported(place, recordings, session)
    report = check(data, seen)
    assert "forked" in report.problem


async def _regrow(place: Place) -> None:
    async with place.store.transaction() as conn:
        leaves = [leaf async for leaf in rows.leaves(conn)]
    edge, nodes = CompactRange(), []
    for leaf in leaves:
        nodes += edge.append(hash_leaf(leaf.entry))
    async with place.store.transaction() as conn:
        await conn.execute("SET LOCAL session_replication_role = replica")
        for leaf in leaves:
            await conn.execute(
                "UPDATE ledger_leaves SET hash = $2 WHERE number = $1", leaf.number, hash_leaf(leaf.entry)
            )
        for node, digest in nodes:
            await conn.execute(
                "UPDATE ledger_nodes SET hash = $3 WHERE level = $1 AND number = $2",
                node.level,
                node.number,
                digest,
            )
        await conn.execute("UPDATE ledger_head SET peaks = $1", edge.peaks)


async def test_keys_of_ones_own_win_over_those_in_the_file(place, tmp_path) -> None:
    async with place.gateway() as recordings:
        data = await exported(place, recordings, await filled(place, recordings))
        origin = (await place.ledger().verifiers())[0].name
    stranger = Keyring.load(tmp_path / "others")
    other = Verifier(origin, stranger.signing("checkpoints").public)
    assert "no signature is of a trusted key" in check(data, trusted=(other,)).problem


async def test_a_live_session_is_exported_as_far_as_it_is_in_the_ledger(place) -> None:
    async with place.gateway() as recordings, place.session(recordings) as recording:
        recording.write(unit(1))
        recording.rotate()
        recording.write(unit(2))
        while not recording.generation:
            await recordings.flush()
            await asyncio.sleep(0.01)
        data = await exported(place, recordings, recording.session)
    report = check(data)
    assert (report.problem, report.blocks) == ("", 1)
    assert "the recording had not ended when it was exported" in report.notes


async def test_what_can_not_be_exported_says_why(place) -> None:
    async with place.gateway() as recordings:
        session = await place.recorded(recordings)
        with pytest.raises(InvalidInput, match="no format"):
            await exported(place, recordings, session, "pdf")
        with pytest.raises(NotFound):
            await exported(place, recordings, 99)
        await place.sql("UPDATE sessions SET ended_at = now() - interval '400 days'")
        await expire_due(recordings)
        with pytest.raises(Conflict, match="expired on"):
            await exported(place, recordings, session)


async def test_another_machine_needs_only_the_file_and_the_checkpoint(place, tmp_path) -> None:
    async with place.gateway() as recordings:
        session = await filled(place, recordings)
        (tmp_path / "session.jsonl").write_bytes(await exported(place, recordings, session))
        (tmp_path / "checkpoint").write_text((await place.ledger().make_checkpoint()).note)
    program = (
        "import sys; from pathlib import Path; from gateway.recordings.verify_file import verify_file;"
        "r = verify_file(open(sys.argv[1], 'rb'), published=[Path(sys.argv[2]).read_text()]);"
        "print(r.problem or 'good', r.blocks)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "session.jsonl", tmp_path / "checkpoint"],
        env={"PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "good 3\n"


@pytest.mark.parametrize("data", [b"", b"{", b"<", b"<html>", b"{}\n", b"\x00" * 100, b'{"type":"end"}\n'])
def test_what_is_no_export_is_no_proof(data: bytes) -> None:
    assert not check(data).good
