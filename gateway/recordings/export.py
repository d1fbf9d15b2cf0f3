"""Taking a recording out: JSON lines with the proof, a page with the same, a terminal's play, plain text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gateway.domain.errors import InvalidInput, NotFound
from gateway.recordings import block, exported, page
from gateway.recordings.cast import Cast, Plain
from gateway.recordings.replay import Texts, in_thread, replay, sealed_blocks
from gateway.store import blocks as block_rows
from gateway.store import ledger as ledger_rows
from gateway.store import recordings as rows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.domain.ids import SessionId
    from gateway.recordings.ledger import Inclusion, Ledger
    from gateway.recordings.recording import Recordings

FORMATS = ("jsonl", "html", "asciicast", "text")
_BLOCKS_AT_ONCE = 50
_EARLIER_CHECKPOINTS = 200


async def export(
    recordings: Recordings, ledger: Ledger, session: SessionId, *, file_format: str, by: str
) -> AsyncIterator[bytes]:
    """Yield a recording as a file that can be proven on another machine; what is not in the ledger stays out.

    Args:
        recordings: of this gateway.
        ledger: makes the checkpoint that the proofs lead to.
        session: whose.
        file_format: one of :data:`FORMATS`; only the first two carry the proof.
        by: login name of who takes it out.

    Raises:
        InvalidInput: there is no such format.
        NotFound: there is no such session.
        Conflict: its key was destroyed by age.
        ProofBroken: what lies there was altered.
        StoreUnavailable: the store is away.
    """
    if file_format not in FORMATS:
        raise InvalidInput(f"{file_format!r} is no format", hint=" or ".join(FORMATS))
    if file_format in ("asciicast", "text"):
        shown = Cast() if file_format == "asciicast" else Plain()
        async for record in replay(recordings, session):
            for line in shown.lines(record):
                yield line
        return
    lines = _lines(recordings, ledger, session, by)
    if file_format == "jsonl":
        async for line in lines:
            yield line
        return
    writer = page.Page()
    async for line in lines:
        yield writer.feed(line)
    yield writer.end()


async def _lines(recordings: Recordings, ledger: Ledger, session: SessionId, by: str) -> AsyncIterator[bytes]:
    source = await recordings.source(session)
    await recordings.flush()
    size = (await ledger.make_checkpoint()).size
    async with recordings.store.connection() as conn:
        row = await rows.session_by_id(conn, session)
        standing = [found async for found in block_rows.blocks_of(conn, session) if found.leaf < size]
    if row is None:
        raise NotFound(f"no session {session}", hint="glassgate sessions")
    yield exported.encode(_head(row, by, closed=row.closed and len(standing) == row.blocks))
    yield exported.encode(await _proof(recordings, ledger, source.key, size))
    texts, frames, count = Texts(), 0, 0
    inclusions: list[Inclusion] = []
    async for sealed in in_thread(sealed_blocks(recordings.vault, session, source)):
        if count >= len(standing):
            break
        if not inclusions:
            wanted = [found.leaf for found in standing[count : count + _BLOCKS_AT_ONCE]]
            async with recordings.store.connection() as conn:
                inclusions = await ledger.inclusions(conn, wanted, size)
        records = block.records(sealed, source.key)
        for record in records:
            yield exported.frame_line(record, texts)
        yield exported.encode(_shown(sealed, inclusions.pop(0)))
        frames += len(records)
        count += 1
    yield exported.encode(exported.Tail(frames, count))


def _head(row: rows.SessionRow, by: str, *, closed: bool) -> exported.Head:
    return exported.Head(
        format=exported.FORMAT,
        session=row.id,
        identity=row.identity,
        endpoint=row.endpoint,
        protocol=row.kind,
        grant=row.grant,
        reason=row.reason,
        client=row.client,
        started_at=row.started_at,
        closed=closed,
        exported_at=datetime.now(UTC),
        exported_by=by,
    )


async def _proof(recordings: Recordings, ledger: Ledger, key: bytes, size: int) -> exported.Proof:
    keys = tuple(str(verifier) for verifier in await ledger.verifiers())
    async with recordings.store.connection() as conn:
        latest, *earlier = await ledger_rows.recent_checkpoints(
            conn, up_to=size + 1, limit=_EARLIER_CHECKPOINTS
        )
        consistency = [
            exported.Consistency(old.size, tuple(await ledger.consistency(conn, old.size, size)))
            for old in earlier
            if old.size > 0
        ]
    return exported.Proof(key, latest.note, keys, tuple(consistency))


def _shown(sealed: block.Block, inclusion: Inclusion) -> exported.SealedShown:
    leaf = inclusion.leaf
    shown = exported.LeafShown(leaf.number, leaf.kind, leaf.at_us, leaf.data.decode())
    return exported.SealedShown(sealed.header.sequence, shown, inclusion.path, sealed.data)
