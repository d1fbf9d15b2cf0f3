"""The append-only Merkle log: leaves, hashes of complete subtrees, the head, signed checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.domain.errors import Conflict, ProofBroken
from gateway.domain.merkle import CompactRange, Node, hash_leaf

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence
    from datetime import datetime

    from gateway.store.pool import Connection

_LOCK = 0x676C617373  # "glass": one appender at a time, across replicas
_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Leaf:
    """One entry of the ledger.

    Attributes:
        number: its place, from 0.
        kind: what it says, such as ``recording.block``.
        at_us: when, in microseconds since 1970, by the database's clock.
        data: its content, as bytes.
        hash: its leaf hash as stored.
    """

    number: int
    kind: str
    at_us: int
    data: bytes
    hash: bytes

    @property
    def entry(self) -> bytes:
        """What the leaf hash is taken over."""
        return leaf_entry(self.kind, self.at_us, self.data)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed statement of the tree's root at one size.

    Attributes:
        size: leaves.
        root: 32 bytes.
        note: the signed note.
        made_at: when it was stored.
    """

    size: int
    root: bytes
    note: str
    made_at: datetime


def leaf_entry(kind: str, at_us: int, data: bytes) -> bytes:
    """Return the bytes that a leaf's hash is taken over: kind, time and data, unambiguous.

    Args:
        kind: has no newline.
        at_us: microseconds since 1970.
        data: any bytes.
    """
    return b"%s\n%d\n%s" % (kind.encode(), at_us, data)


async def append_leaf(conn: Connection, kind: str, data: bytes) -> int:
    """Append one leaf in the caller's transaction. Call it last: other appenders wait until the commit.

    Args:
        conn: inside a transaction at READ COMMITTED.
        kind: dotted lower-case name of what it says.
        data: its content, usually JSON.

    Returns:
        The leaf's number.
    """
    return (await append_leaves(conn, [(kind, data)]))[0].number


async def append_leaves(conn: Connection, entries: Sequence[tuple[str, bytes]]) -> list[Leaf]:
    """Append leaves in order in the caller's transaction, as :func:`append_leaf` does one.

    Args:
        conn: inside a transaction at READ COMMITTED.
        entries: kind and data of each.

    Returns:
        The leaves, numbered.

    Raises:
        ProofBroken: someone altered the head.
        Conflict: the head moved under the lock, which only a broken store does.
    """
    if not entries:
        return []
    await conn.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
    head = await conn.fetchrow(
        """SELECT size, peaks, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS at_us
           FROM ledger_head"""
    )
    before, at_us = head["size"], head["at_us"]
    edge = _edge(head)
    leaves: list[Leaf] = []
    nodes: list[tuple[Node, bytes]] = []
    for kind, data in entries:
        leaf = Leaf(edge.size, kind, at_us, data, hash_leaf(leaf_entry(kind, at_us, data)))
        leaves.append(leaf)
        nodes += edge.append(leaf.hash)
    await conn.execute(
        """INSERT INTO ledger_leaves (number, kind, at_us, data, hash)
           SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bytea[], $5::bytea[])""",
        [leaf.number for leaf in leaves],
        [leaf.kind for leaf in leaves],
        [leaf.at_us for leaf in leaves],
        [leaf.data for leaf in leaves],
        [leaf.hash for leaf in leaves],
    )
    await conn.execute(
        """INSERT INTO ledger_nodes (level, number, hash)
           SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[])""",
        [node.level for node, _ in nodes],
        [node.number for node, _ in nodes],
        [digest for _, digest in nodes],
    )
    moved = await conn.fetchval(
        "UPDATE ledger_head SET size = $2, peaks = $3 WHERE size = $1 RETURNING size",
        before,
        edge.size,
        edge.peaks,
    )
    if moved is None:
        raise Conflict("the ledger's head moved while it was locked")
    return leaves


async def edge(conn: Connection) -> CompactRange:
    """Return the tree's right edge: its size and what its root is made of.

    Raises:
        ProofBroken: someone altered it.
    """
    head = await conn.fetchrow("SELECT size, peaks FROM ledger_head")
    return _edge(head)


async def origin(conn: Connection) -> str:
    """Return the name of this ledger, as its checkpoints carry it."""
    name: str = await conn.fetchval("SELECT origin FROM ledger_head")
    return name


async def leaves_numbered(conn: Connection, numbers: Sequence[int]) -> dict[int, Leaf]:
    """Return leaves by their numbers; those that are not there are left out."""
    rows = await conn.fetch(
        "SELECT number, kind, at_us, data, hash FROM ledger_leaves WHERE number = ANY($1::bigint[])",
        list(numbers),
    )
    return {row["number"]: Leaf(*row) for row in rows}


async def leaves(conn: Connection, *, start: int = 0, kind: str | None = None) -> AsyncIterator[Leaf]:
    """Yield leaves in order, a bounded number in memory at a time.

    Args:
        conn: best inside a REPEATABLE READ transaction, for one consistent view.
        start: the first number wanted.
        kind: only leaves of this kind.
    """
    while True:
        rows = await conn.fetch(
            """SELECT number, kind, at_us, data, hash FROM ledger_leaves
               WHERE number >= $1 AND ($2::text IS NULL OR kind = $2) ORDER BY number LIMIT $3""",
            start,
            kind,
            _CHUNK,
        )
        for row in rows:
            yield Leaf(*row)
        if len(rows) < _CHUNK:
            return
        start = rows[-1]["number"] + 1


async def node_hashes(conn: Connection, nodes: Iterable[Node]) -> dict[Node, bytes]:
    """Return the stored hashes of complete subtrees; those that are not stored are left out.

    Args:
        conn: any connection.
        nodes: level 0 are leaves.
    """
    wanted = sorted(set(nodes))
    rows = await conn.fetch(
        """WITH wanted AS (SELECT * FROM unnest($1::smallint[], $2::bigint[]) AS w (level, number))
           SELECT w.level, w.number, n.hash FROM wanted w JOIN ledger_nodes n USING (level, number)
           UNION ALL
           SELECT w.level, w.number, l.hash FROM wanted w JOIN ledger_leaves l USING (number)
           WHERE w.level = 0""",
        [node.level for node in wanted],
        [node.number for node in wanted],
    )
    return {Node(row["level"], row["number"]): row["hash"] for row in rows}


async def count_nodes(conn: Connection) -> int:
    """Return how many hashes of complete subtrees of level 1 and more are stored."""
    count: int = await conn.fetchval("SELECT count(*) FROM ledger_nodes")
    return count


async def put_checkpoint(conn: Connection, size: int, root: bytes, note: str) -> bool:
    """Store a checkpoint; False where one of that size is stored already.

    Args:
        conn: any connection.
        size: leaves.
        root: 32 bytes.
        note: the signed note.
    """
    added = await conn.fetchval(
        """INSERT INTO ledger_checkpoints (size, root, note) VALUES ($1, $2, $3)
           ON CONFLICT (size) DO NOTHING RETURNING size""",
        size,
        root,
        note,
    )
    return added is not None


async def last_leaf_of(conn: Connection, kind: str) -> Leaf | None:
    """Return the newest leaf of a kind, None where there is none."""
    row = await conn.fetchrow(
        """SELECT number, kind, at_us, data, hash FROM ledger_leaves
           WHERE kind = $1 ORDER BY number DESC LIMIT 1""",
        kind,
    )
    return None if row is None else Leaf(*row)


async def latest_checkpoint(conn: Connection) -> Checkpoint | None:
    """Return the checkpoint of the largest size, None where none was made yet."""
    row = await conn.fetchrow(
        "SELECT size, root, note, made_at FROM ledger_checkpoints ORDER BY size DESC LIMIT 1"
    )
    return None if row is None else Checkpoint(*row)


async def recent_checkpoints(conn: Connection, *, up_to: int, limit: int) -> list[Checkpoint]:
    """Return checkpoints below a size, the largest first.

    Args:
        conn: any connection.
        up_to: only those of fewer leaves.
        limit: at most so many.
    """
    rows = await conn.fetch(
        """SELECT size, root, note, made_at FROM ledger_checkpoints
           WHERE size < $1 ORDER BY size DESC LIMIT $2""",
        up_to,
        limit,
    )
    return [Checkpoint(*row) for row in rows]


async def checkpoints(conn: Connection) -> AsyncIterator[Checkpoint]:
    """Yield the stored checkpoints, smallest first, a bounded number in memory at a time."""
    size = -1
    while True:
        rows = await conn.fetch(
            "SELECT size, root, note, made_at FROM ledger_checkpoints WHERE size > $1 ORDER BY size LIMIT $2",
            size,
            _CHUNK,
        )
        for row in rows:
            yield Checkpoint(*row)
        if len(rows) < _CHUNK:
            return
        size = rows[-1]["size"]


def _edge(head: Any) -> CompactRange:
    try:
        return CompactRange(head["size"], head["peaks"])
    except ValueError as error:
        raise ProofBroken(f"the ledger's head was altered: {error}") from error
