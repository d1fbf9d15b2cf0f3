"""Proving everything: the ledger, and each recording against it, block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.domain.errors import ProofBroken
from gateway.domain.ids import SessionId
from gateway.recordings import block, checkpoint
from gateway.recordings.moment import microseconds
from gateway.recordings.replay import in_thread
from gateway.recordings.report import Report
from gateway.recordings.verify_file import decode_entry, entry_fault
from gateway.recordings.verify_ledger import Said, verify_ledger
from gateway.store import blocks as block_rows
from gateway.store import ledger as ledger_rows
from gateway.store import recordings as rows
from gateway.store.snapshot import one_moment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from gateway.recordings.vault import Vault
    from gateway.store.blocks import BlockEntry, BlockRow
    from gateway.store.keyring import Keyring
    from gateway.store.pool import Connection, Store
    from gateway.store.recordings import SessionRow

_LEAVES_AT_ONCE = 500
_BLOCKS_AT_ONCE = 64


async def verify_all(
    store: Store, vault: Vault, keyring: Keyring, *, published: Sequence[str] = ()
) -> Report:
    """Prove that nothing was altered, removed or reordered.

    Sessions may go on meanwhile: all is held against the ledger as it stands at the start.

    Args:
        store: rows and ledger.
        vault: sealed blocks.
        keyring: whose keys signed the checkpoints.
        published: checkpoints as witnesses hold them; each must be a beginning of the ledger.

    Returns:
        What was found; ``problem`` names the first block that does not fit, ``records`` its frames.

    Raises:
        StoreUnavailable: the store is away.
    """
    report = Report()
    async with one_moment(store) as (conn, _):
        trusted = checkpoint.verifiers(keyring, await ledger_rows.origin(conn))
        said = await verify_ledger(conn, report, trusted=trusted, published=published)
        known: set[SessionId] = set()
        async for row in rows.sessions_in_order(conn):
            known.add(row.id)
            report.sessions += 1
            try:
                await _Recording(row, said, report, conn=conn, store=store, vault=vault).verify()
            except ProofBroken as error:
                report.break_at(error.message, f"session {row.id}")
        await _nothing_left_over(conn, vault, known, report)
    return report


async def _nothing_left_over(conn: Connection, vault: Vault, known: set[SessionId], report: Report) -> None:
    """Find leaves and files of recordings that the store no longer lists."""
    leaf = await block_rows.leaf_without_block(conn)
    if leaf is not None:
        entry = decode_entry(leaf.kind, leaf.data)
        report.break_at(
            f"leaf {leaf.number} stands for a block that the store no longer lists", _named(entry)
        )
    newest = max(known, default=SessionId(0))
    async for session in in_thread(vault.sessions()):
        if session not in known and session <= newest:
            report.break_at(f"the recording of session {session} is not in the store", f"session {session}")


class _Recording:
    """One session's blocks: rows, leaves and the file, held against one another."""

    def __init__(
        self, row: SessionRow, said: Said, report: Report, *, conn: Connection, store: Store, vault: Vault
    ) -> None:
        self._conn = conn
        self._store = store
        self._vault = vault
        self._row = row
        self._said = said
        self._report = report
        self._last: BlockEntry | None = None

    async def verify(self) -> None:
        """Check the session; the first thing that does not fit goes to the report.

        Raises:
            ProofBroken: what lies in the vault can't be read as blocks.
        """
        row = self._row
        expired = row.id in self._said.expired
        if not row.has_key and not expired:
            self._break("the recording's key was destroyed without a tombstone in the ledger")
        if row.id in self._said.recovered:
            self._report.notes.append(f"session {row.id}: {self._said.recovered[row.id]}")
        gone = expired and not self._vault.exists(row.id)
        found = None if gone else self._blocks()
        count = 0
        async for standing, entry in self._standing():
            fault = self._entry_fault(entry, standing, count)
            if not fault and found is not None:
                fault = await self._block_fault(found, entry)
            if fault:
                self._break(fault, standing)
                return
            self._last = entry
            count += 1
            self._report.blocks += 1
        self._check_row(count)
        if expired:
            self._report.expired += 1
            if self._said.expired[row.id] != count:
                self._break("the tombstone speaks of another number of blocks")
        elif found is not None and row.closed and await anext(found, None) is not None:
            self._break(f"block {count} is in the file, but not in the ledger")

    async def _standing(self) -> AsyncIterator[tuple[BlockRow, BlockEntry]]:
        """Yield each block's row with what its leaf says."""
        waiting: list[BlockRow] = []
        async for found in block_rows.blocks_of(self._conn, self._row.id):
            waiting.append(found)
            if len(waiting) == _LEAVES_AT_ONCE:
                for pair in await self._with_leaves(waiting):
                    yield pair
                waiting = []
        for pair in await self._with_leaves(waiting):
            yield pair

    async def _with_leaves(self, waiting: list[BlockRow]) -> list[tuple[BlockRow, BlockEntry]]:
        leaves = await ledger_rows.leaves_numbered(self._conn, [found.leaf for found in waiting])
        pairs = []
        for found in waiting:
            leaf = leaves.get(found.leaf)
            if leaf is None:
                raise ProofBroken(f"{found.records}: its leaf {found.leaf} is missing from the ledger")
            pairs.append((found, decode_entry(leaf.kind, leaf.data)))
        return pairs

    def _blocks(self) -> AsyncIterator[block.Digest]:
        digests = (made.digest for made in self._vault.blocks(self._row.id))
        return in_thread(digests, at_once=_BLOCKS_AT_ONCE)

    def _entry_fault(self, entry: BlockEntry, standing: BlockRow, count: int) -> str:
        """Hold a block's leaf against its row and against the leaf before it."""
        last = self._last
        previous = last.hash if last is not None else block.NO_BLOCK.hex()
        first_frame = last.first_frame + last.frames if last is not None else 0
        told = (
            standing.session,
            standing.sequence,
            standing.hash.hex(),
            standing.first_frame,
            standing.frames,
        )
        if standing.sequence != count:
            return f"block {count} is missing from the store"
        if told != (entry.session, entry.sequence, entry.hash, entry.first_frame, entry.frames):
            return "the block's row in the store does not fit its leaf"
        if (entry.previous, entry.first_frame) != (previous, first_frame):
            return "the block does not follow the one before it"
        if last is not None and last.final:
            return "the block stands behind the recording's end"
        if count == 0 and not self._facts_fit(entry):
            return "the store says another identity, endpoint, grant, reason or start than the ledger"
        return ""

    async def _block_fault(self, found: AsyncIterator[block.Digest], entry: BlockEntry) -> str:
        """Hold a block in the vault against its leaf."""
        try:
            made = await anext(found, None)
        except ProofBroken as error:
            return error.message
        if made is not None:
            return entry_fault(entry, made)
        if await self._expired_meanwhile():
            return ""
        return "the block was removed from the recording"

    def _facts_fit(self, entry: BlockEntry) -> bool:
        row = self._row
        facts = block_rows.facts_hash(
            identity_id=row.identity_id,
            endpoint_id=row.endpoint_id,
            kind=row.kind,
            reason=row.reason,
            client=row.client,
        )
        told = (row.identity, row.endpoint, row.grant, microseconds(row.started_at), facts)
        return told == (entry.identity, entry.endpoint, entry.grant, entry.started_us, entry.facts)

    async def _expired_meanwhile(self) -> bool:
        async with self._store.connection() as conn:
            now = await rows.session_by_id(conn, self._row.id)
        return now is not None and now.expired_at is not None and self._row.expired_at is None

    def _check_row(self, count: int) -> None:
        """Hold what the session's row says against the ledger."""
        row, last = self._row, self._last
        if row.blocks != count:
            self._break(f"the store speaks of {row.blocks} blocks, but lists {count}")
        elif row.closed and last is None and row.id not in self._said.recovered:
            self._break("the session ended, but nothing of its recording is in the ledger")
        elif row.closed and last is not None and not last.final:
            self._break("the recording's last blocks are missing")
        elif last is not None and (row.last_hash or b"").hex() != last.hash:
            self._break("the store's last block is not the ledger's")
        elif last is not None and last.final:
            told = (row.end_cause, row.ended_by, row.level, row.units, row.refused)
            if told != (last.cause, last.by, last.level, last.units, last.refused):
                self._break("the store says another end, level or number of units than the ledger")

    def _break(self, problem: str, standing: BlockRow | None = None) -> None:
        place = f"session {self._row.id}" if standing is None else standing.records
        self._report.break_at(problem, place)


def _named(entry: BlockEntry) -> str:
    last = entry.first_frame + entry.frames - 1
    return f"session {entry.session}, block {entry.sequence} (frames {entry.first_frame} to {last})"
