"""Proving the ledger: every leaf, every stored hash, every checkpoint, and what witnesses saw of it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from gateway.domain.errors import ProofBroken
from gateway.domain.merkle import CompactRange, Node, hash_leaf
from gateway.recordings import checkpoint
from gateway.store import blocks as block_rows
from gateway.store import ledger as rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.recordings.note import Verifier
    from gateway.recordings.report import Report
    from gateway.store.pool import Connection

_NODES_AT_ONCE = 4_000


@dataclass(slots=True)
class Said:
    """What the ledger says of recordings beside their blocks.

    Attributes:
        expired: sessions with a tombstone → how many blocks they had.
        recovered: sessions whose end a restarted gateway wrote → its words.
    """

    expired: dict[int, int] = field(default_factory=dict)
    recovered: dict[int, str] = field(default_factory=dict)


async def verify_ledger(
    conn: Connection, report: Report, *, trusted: Sequence[Verifier], published: Sequence[str]
) -> Said:
    """Check the whole ledger, leaf by leaf.

    Args:
        conn: inside a REPEATABLE READ transaction.
        report: takes counts and the first thing that does not fit.
        trusted: keys that may have signed its checkpoints.
        published: checkpoints as witnesses hold them.

    Returns:
        What the leaves say of recordings.
    """
    walk = _Walk(conn, report, trusted)
    await walk.expect(published)
    async for leaf in rows.leaves(conn):
        await walk.take(leaf)
    await walk.finish()
    return walk.said


@dataclass(frozen=True, slots=True)
class _Expected:
    """A root that the tree must have had."""

    root: bytes
    source: str


class _Walk:
    def __init__(self, conn: Connection, report: Report, trusted: Sequence[Verifier]) -> None:
        self.said = Said()
        self._conn = conn
        self._report = report
        self._trusted = trusted
        self._edge = CompactRange()
        self._nodes: list[tuple[Node, bytes]] = []
        self._expected: defaultdict[int, list[_Expected]] = defaultdict(list)
        self._fitting = 0
        self._gap = False

    async def expect(self, published: Sequence[str]) -> None:
        """Note which root the tree must have at which size; check signatures."""
        origin = await rows.origin(self._conn)
        for text in published:
            try:
                head = checkpoint.open_checkpoint(text, self._trusted)
                if head.origin != origin:
                    raise ProofBroken(f"it is of another ledger ({head.origin})")  # noqa: TRY301
            except ProofBroken as error:
                self._report.break_at(f"a published checkpoint can't be used: {error.message}")
                continue
            self._expected[head.size].append(_Expected(head.root, "published"))
        async for stored in rows.checkpoints(self._conn):
            try:
                head = checkpoint.open_checkpoint(stored.note, self._trusted)
            except ProofBroken as error:
                self._report.break_at(
                    f"the stored checkpoint of size {stored.size} is broken: {error.message}"
                )
                continue
            if (head.size, head.root, head.origin) != (stored.size, stored.root, origin):
                self._report.break_at(f"the stored checkpoint of size {stored.size} says something else")
                continue
            self._expected[head.size].append(_Expected(head.root, "stored"))
        self._compare()

    async def take(self, leaf: rows.Leaf) -> None:
        """Check one leaf and grow the tree by it."""
        if self._gap or leaf.number != self._edge.size:
            if not self._gap:
                await self._break(self._edge.size, "is missing from the ledger")
            self._gap = True
            return
        digest = hash_leaf(leaf.entry)
        if digest != leaf.hash:
            await self._break(leaf.number, "was altered")
        self._hear(leaf)
        self._nodes += self._edge.append(leaf.hash)
        self._report.leaves += 1
        self._compare()
        if len(self._nodes) >= _NODES_AT_ONCE:
            await self._check_nodes()

    async def finish(self) -> None:
        """Check the stored hashes and the head, and that no checkpoint speaks of leaves that are gone."""
        await self._check_nodes()
        size = self._edge.size
        await self._check_head(size)
        if await rows.count_nodes(self._conn) != size - size.bit_count():
            self._report.break_at("the ledger holds hashes that belong to no leaves")
        for later in sorted(wanted for wanted in self._expected if wanted > size):
            source = self._expected[later][0].source
            self._report.break_at(
                f"the ledger was rolled back: a {source} checkpoint saw {later} leaves, there are {size}"
            )
        if self._fitting:
            self._report.checkpoint = self._report.checkpoint or f"size {self._fitting}, stored"

    async def _check_head(self, size: int) -> None:
        try:
            head = await rows.edge(self._conn)
        except ProofBroken as error:
            self._report.break_at(error.message)
            return
        if head.size > size:
            await self._break(size, "is missing from the ledger")
        elif head.size < size or head.peaks != self._edge.peaks:
            self._report.break_at("the ledger's head does not fit its leaves")

    def _compare(self) -> None:
        """Hold the tree against every checkpoint of its present size."""
        for wanted in self._expected.get(self._edge.size, ()):
            if wanted.root != self._edge.root():
                self._report.break_at(
                    f"the {wanted.source} checkpoint of size {self._edge.size} saw another tree: "
                    f"leaves between {self._fitting} and {self._edge.size - 1} were altered"
                )
                continue
            self._fitting = self._edge.size
            self._report.checkpoints += 1
            if wanted.source == "published":
                self._report.checkpoint = f"size {self._edge.size}, published"

    async def _check_nodes(self) -> None:
        stored = await rows.node_hashes(self._conn, [node for node, _ in self._nodes])
        for node, digest in self._nodes:
            if stored.get(node) != digest:
                what = "is missing" if node not in stored else "does not fit its leaves"
                first, last = node.number << node.level, ((node.number + 1) << node.level) - 1
                self._report.break_at(f"the stored hash over leaves {first} to {last} {what}")
        self._nodes.clear()

    def _hear(self, leaf: rows.Leaf) -> None:
        try:
            if leaf.kind == block_rows.EXPIRED_LEAF:
                gone = msgspec.json.decode(leaf.data, type=block_rows.ExpiredEntry)
                self.said.expired[gone.session] = gone.blocks
            elif leaf.kind == block_rows.RECOVERED_LEAF:
                back = msgspec.json.decode(leaf.data, type=block_rows.RecoveredEntry)
                self.said.recovered[back.session] = back.text
        except msgspec.DecodeError as error:
            self._report.break_at(f"leaf {leaf.number} is malformed: {error}")

    async def _break(self, leaf: int, what: str) -> None:
        """Name a leaf that does not fit, and the records it stands for."""
        found = await block_rows.block_of_leaf(self._conn, leaf)
        if found is None:
            self._report.break_at(f"leaf {leaf} {what}", f"leaf {leaf}")
        else:
            self._report.break_at(f"leaf {leaf} {what}", found.records)
