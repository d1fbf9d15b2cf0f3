"""Sealed blocks of recordings: a row and a leaf each, in one transaction for many."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from gateway.domain.ids import SessionId
from gateway.store import ledger
from gateway.store.recordings import End, close_session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from gateway.store.pool import Connection

BLOCK_LEAF = "recording.block"
EXPIRED_LEAF = "recording.expired"
RECOVERED_LEAF = "recording.recovered"


@dataclass(frozen=True, slots=True)
class BlockRow:
    """A sealed block as stored.

    Attributes:
        session: whose.
        sequence: its place, from 0.
        leaf: number of its leaf.
        hash: SHA-256 of the block.
        first_frame: place of its first frame.
        frames: how many it holds.
        sealed_bytes: its size.
    """

    session: SessionId
    sequence: int
    leaf: int
    hash: bytes
    first_frame: int
    frames: int
    sealed_bytes: int

    @property
    def records(self) -> str:
        """Name the block and its frames for a person."""
        last = self.first_frame + self.frames - 1
        return f"session {self.session}, block {self.sequence} (frames {self.first_frame} to {last})"


class BlockEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """Content of a block's leaf, as JSON: binds the ciphertext, its place and, first and last, the facts.

    Attributes:
        session: whose recording.
        sequence: the block's place, from 0.
        hash: SHA-256 of the block, hex.
        previous: that of the block before, hex.
        first_frame: place of its first frame.
        frames: how many it holds.
        final: whether the recording ends with it.
        identity: login name; in the first block's leaf only, as the next four.
        endpoint: its name.
        grant: number of the grant.
        started_us: when the session opened, microseconds since 1970.
        facts: SHA-256 over what else the session's row says from the start, hex; see :func:`facts_hash`.
        cause: why it ended; in the last block's leaf only, as the next four.
        by: login name of who ended it, where a person did.
        level: what production enforced by itself.
        units: how many units.
        refused: of these, not admitted.
    """

    session: int
    sequence: int
    hash: str
    previous: str
    first_frame: int
    frames: int
    final: bool = False
    identity: str = ""
    endpoint: str = ""
    grant: int = 0
    started_us: int = 0
    facts: str = ""
    cause: str = ""
    by: str = ""
    level: str = ""
    units: int = 0
    refused: int = 0


class ExpiredEntry(msgspec.Struct, frozen=True):
    """Content of a tombstone's leaf, as JSON.

    Attributes:
        session: whose recording.
        blocks: how many blocks it had.
        last_hash: hash of the last, hex.
        why: why its key was destroyed.
    """

    session: int
    blocks: int
    last_hash: str
    why: str


class RecoveredEntry(msgspec.Struct, frozen=True):
    """Content of the leaf that says what a recovery did not find or had to cut, as JSON.

    Attributes:
        session: whose recording.
        blocks: sealed blocks that are there.
        torn_bytes: bytes of a half-written last frame that were cut.
        text: one sentence.
    """

    session: int
    blocks: int
    torn_bytes: int
    text: str


@dataclass(frozen=True, slots=True)
class Progress:
    """Totals of a session up to a block.

    Attributes:
        level: what production enforces by itself.
        layers: the bits of ``Layer``.
        findings: what the probe saw.
        units: units so far.
        refused: of these, not admitted.
        bytes: size of its frames.
    """

    level: str
    layers: int
    findings: Mapping[str, str]
    units: int
    refused: int
    bytes: int


@dataclass(frozen=True, slots=True)
class SealedBlock:
    """A sealed block on its way into the ledger.

    Attributes:
        entry: what its leaf will say.
        sealed_bytes: its size.
        progress: the session's totals up to it.
        end: how the session ended, with its last block.
        said: further leaves that belong with it, kind and data.
    """

    entry: BlockEntry
    sealed_bytes: int
    progress: Progress
    end: End | None = None
    said: tuple[tuple[str, bytes], ...] = ()


def facts_hash(*, identity_id: int, endpoint_id: int, kind: str, reason: str, client: str) -> str:
    """Return what a first block's leaf says of the facts that it does not name, hex.

    A hash, because reasons and addresses are personal and the ledger is never forgotten.
    """
    return hashlib.sha256(msgspec.json.encode([identity_id, endpoint_id, kind, reason, client])).hexdigest()


async def unknown_sessions(conn: Connection, blocks: Sequence[SealedBlock]) -> set[SessionId]:
    """Return the sessions of these blocks that have no row."""
    wanted = {SessionId(sealed.entry.session) for sealed in blocks}
    rows = await conn.fetch("SELECT id FROM sessions WHERE id = ANY($1::bigint[])", sorted(wanted))
    return wanted - {row["id"] for row in rows}


async def add_blocks(conn: Connection, blocks: Sequence[SealedBlock]) -> None:
    """Give sealed blocks their leaves and bring their sessions' rows up to them.

    Safe to repeat when it is unknown whether an earlier try was committed: blocks that stand already are
    passed over.

    Args:
        conn: inside a transaction at READ COMMITTED.
        blocks: each session's in order; every session has its row.
    """
    rows = await conn.fetch(
        "SELECT id, blocks FROM sessions WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE",
        sorted({sealed.entry.session for sealed in blocks}),
    )
    standing = {row["id"]: row["blocks"] for row in rows}
    new = [sealed for sealed in blocks if sealed.entry.sequence >= standing[sealed.entry.session]]
    entries: list[tuple[str, bytes]] = []
    for sealed in new:
        entries += sealed.said
        entries.append((BLOCK_LEAF, msgspec.json.encode(sealed.entry)))
    numbers = [leaf.number for leaf in await ledger.append_leaves(conn, entries) if leaf.kind == BLOCK_LEAF]
    await conn.executemany(
        """INSERT INTO recording_blocks (session, sequence, leaf, hash, first_frame, frames, sealed_bytes)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        [
            (
                sealed.entry.session,
                sealed.entry.sequence,
                number,
                bytes.fromhex(sealed.entry.hash),
                sealed.entry.first_frame,
                sealed.entry.frames,
                sealed.sealed_bytes,
            )
            for sealed, number in zip(new, numbers, strict=True)
        ],
    )
    await conn.executemany(
        """UPDATE sessions SET blocks = $2 + 1, last_hash = $3, frames = $4, sealed_bytes = sealed_bytes + $5,
                  level = $6, layers = $7, findings = $8::text::jsonb, units = $9, refused = $10, bytes = $11
           WHERE id = $1 AND blocks = $2""",
        [
            (
                sealed.entry.session,
                sealed.entry.sequence,
                bytes.fromhex(sealed.entry.hash),
                sealed.entry.first_frame + sealed.entry.frames,
                sealed.sealed_bytes,
                sealed.progress.level,
                sealed.progress.layers,
                msgspec.json.encode(sealed.progress.findings).decode(),
                sealed.progress.units,
                sealed.progress.refused,
                sealed.progress.bytes,
            )
            for sealed in new
        ],
    )
    for sealed in new:
        if sealed.end is not None:
            await close_session(conn, SessionId(sealed.entry.session), sealed.end)


async def blocks_of(conn: Connection, session: SessionId) -> AsyncIterator[BlockRow]:
    """Yield a session's blocks in order, a bounded number in memory at a time."""
    start, chunk = 0, 2_000
    while True:
        rows = await conn.fetch(
            """SELECT session, sequence, leaf, hash, first_frame, frames, sealed_bytes FROM recording_blocks
               WHERE session = $1 AND sequence >= $2 ORDER BY sequence LIMIT $3""",
            session,
            start,
            chunk,
        )
        for row in rows:
            yield BlockRow(*row)
        if len(rows) < chunk:
            return
        start = rows[-1]["sequence"] + 1


async def block_of_leaf(conn: Connection, leaf: int) -> BlockRow | None:
    """Return the block whose leaf has this number, None where it is no block's."""
    row = await conn.fetchrow(
        """SELECT session, sequence, leaf, hash, first_frame, frames, sealed_bytes FROM recording_blocks
           WHERE leaf = $1""",
        leaf,
    )
    return None if row is None else BlockRow(*row)


async def leaf_without_block(conn: Connection) -> ledger.Leaf | None:
    """Return the first leaf of a block whose row is gone, None where there is none."""
    row = await conn.fetchrow(
        """SELECT number, kind, at_us, data, hash FROM ledger_leaves l
           WHERE kind = $1 AND NOT EXISTS (SELECT 1 FROM recording_blocks b WHERE b.leaf = l.number)
           ORDER BY number LIMIT 1""",
        BLOCK_LEAF,
    )
    return None if row is None else ledger.Leaf(*row)


async def expire(conn: Connection, session: SessionId, why: str) -> bool:
    """Destroy a recording's key and leave a tombstone in the ledger; False where it lives or has expired.

    Args:
        conn: inside a transaction at READ COMMITTED.
        session: whose.
        why: one sentence.
    """
    row = await conn.fetchrow(
        """UPDATE sessions SET wrapped_key = NULL, expired_at = now()
           WHERE id = $1 AND closed AND wrapped_key IS NOT NULL RETURNING blocks, last_hash""",
        session,
    )
    if row is None:
        return False
    entry = ExpiredEntry(session, row["blocks"], (row["last_hash"] or b"").hex(), why)
    await ledger.append_leaf(conn, EXPIRED_LEAF, msgspec.json.encode(entry))
    return True
