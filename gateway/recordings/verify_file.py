"""Proving exported recordings with a published checkpoint alone: no gateway, no store, no network."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import msgspec

from gateway.domain import merkle
from gateway.domain.errors import ProofBroken
from gateway.recordings import block, checkpoint, exported, note, page
from gateway.recordings.exported import Head, LeafShown, Proof, SealedShown, Tail
from gateway.recordings.frames import Opened
from gateway.recordings.moment import microseconds
from gateway.recordings.replay import Texts
from gateway.recordings.report import Report
from gateway.store.blocks import BLOCK_LEAF, BlockEntry
from gateway.store.ledger import leaf_entry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.recordings.checkpoint import TreeHead
    from gateway.recordings.frames import Record

_LINE_LIMIT = 1 << 30


def verify_file(
    file: IO[bytes], *, published: Sequence[str] = (), trusted: Sequence[note.Verifier] = ()
) -> Report:
    """Prove one exported file. Blocks; a block in memory at a time (a page whole).

    Args:
        file: jsonl or html, opened for reading bytes.
        published: checkpoints as a witness holds them, best from a place that the gateway can't write.
        trusted: keys that may sign checkpoints; empty: those that the file itself names, and then only
            ``published`` proves anything.

    Returns:
        What was found; ``problem`` names the first block that does not fit and its frames.
    """
    check = _Check(published, trusted)
    try:
        start = file.read(1)
        if start == b"<":
            _verify_page(start + file.read(), check)
        else:
            _verify_lines(start, file, check)
        check.finish()
    except ProofBroken as error:
        check.report.break_at(error.message, *check.where)
    return check.report


def _verify_lines(start: bytes, file: IO[bytes], check: _Check) -> None:
    shown: list[bytes] = []
    while line := start + file.readline(_LINE_LIMIT):
        start = b""
        if exported.is_frame(line):
            shown.append(line)
            continue
        wanted = check.take(line)
        for number, (seen, proven) in enumerate(zip(shown, wanted, strict=False)):
            if seen != proven:
                raise ProofBroken(
                    f"frame {check.frame_at(number)} was altered: it is not what the block holds"
                )
        if len(shown) != len(wanted):
            raise ProofBroken(f"{len(shown)} frames are shown, but {len(wanted)} are in the block")
        shown = []
    if shown:
        raise ProofBroken("the file is cut short: frames without their block")


def _verify_page(data: bytes, check: _Check) -> None:
    writer, offset = page.Page(), 0
    for line in page.machine_lines(data.decode(errors="replace")):
        for proven in [*check.take(line), line]:
            piece = writer.feed(proven)
            if not data.startswith(piece, offset):
                raise ProofBroken("the page does not show what the blocks hold, from here on")
            offset += len(piece)
    if data[offset:] != writer.end():
        raise ProofBroken("the page holds more than what was recorded")


class _Check:
    """Takes the machine's lines in order, and says which readable lines belong before each."""

    def __init__(self, published: Sequence[str], trusted: Sequence[note.Verifier]) -> None:
        self.report = Report(sessions=1)
        self.where: tuple[str, ...] = ()
        self._published = published
        self._trusted = tuple(trusted)
        self._head: Head | None = None
        self._proof: Proof | None = None
        self._tree: TreeHead | None = None
        self._tail: Tail | None = None
        self._texts = Texts()
        self._previous = block.NO_BLOCK
        self._sequence = 0
        self._frames = 0
        self._first_of_block = 0
        self._final = False
        self._newest_leaf = -1
        self._covered = 0

    def frame_at(self, place: int) -> int:
        """Return the number of a frame of the block that was taken last."""
        return self._first_of_block + place

    def take(self, line: bytes) -> list[bytes]:
        """Check one line; return the readable lines that it proves."""
        found = exported.decode(line)
        if self._tail is not None:
            raise ProofBroken("the file goes on behind its last line")
        match found:
            case Head() if self._head is None:
                if found.format != exported.FORMAT:
                    raise ProofBroken(
                        f"the file is of format {found.format}, which this version does not know"
                    )
                self._head = found
                self.where = (f"session {found.session}",)
            case Proof() if self._head is not None and self._proof is None:
                self._take_proof(found)
            case SealedShown() if self._proof is not None:
                return self._take_block(found)
            case Tail() if self._proof is not None:
                self._tail = found
            case _:
                raise ProofBroken("the file's lines are not in order")
        return []

    # ---- the checkpoint --------------------------------------------------------------------------

    def _take_proof(self, proof: Proof) -> None:
        self._proof = proof
        named = [note.Verifier.parse(key) for key in proof.keys]
        self._tree = tree = checkpoint.open_checkpoint(proof.checkpoint, self._trusted or named)
        for text in self._published:
            self._compare(text, tree, proof)
        if self._published:
            return
        self.report.checkpoint = f"size {tree.size}, from the file itself"
        self.report.notes.append(
            "no published checkpoint was given: the file fits itself and its own checkpoint, "
            "which proves nothing against who holds the gateway's keys"
        )

    def _compare(self, text: str, tree: TreeHead, proof: Proof) -> None:
        """Hold the file's tree against one published checkpoint."""
        seen = checkpoint.read_unsigned(text)
        if self._trusted:
            checkpoint.open_checkpoint(text, self._trusted)
        if seen.origin != tree.origin:
            raise ProofBroken(f"the published checkpoint is of another ledger ({seen.origin})")
        if seen.size > tree.size:
            self.report.notes.append(f"the checkpoint of size {seen.size} is newer than the file")
            return
        if seen.size == tree.size:
            fits = seen.root == tree.root
        else:
            paths = {old.size: old.path for old in proof.consistency}
            path = paths.get(seen.size)
            if path is None and seen.size:
                self.report.notes.append(
                    f"the file does not reach back to the checkpoint of size {seen.size}"
                )
                return
            fits = merkle.extends(seen.size, tree.size, path or (), seen.root, tree.root)
        if not fits:
            raise ProofBroken(
                "the ledger was forked: the file's tree is not the one "
                f"that the checkpoint of size {seen.size} saw"
            )
        self.report.checkpoints += 1
        self._covered = max(self._covered, seen.size)

    # ---- blocks ----------------------------------------------------------------------------------

    def _take_block(self, shown: SealedShown) -> list[bytes]:
        assert self._proof is not None
        made = block.parse(shown.sealed)
        header = made.header
        self.where = (header.records,)
        self._check_place(shown, made)
        self._check_leaf(shown.leaf, shown.path, made)
        records = block.records(made, self._proof.key)
        self._check_facts(records)
        self._previous, self._final = made.hash, header.final
        self._first_of_block = header.first_frame
        self._sequence += 1
        self._frames += header.frames
        self._newest_leaf = max(self._newest_leaf, shown.leaf.number)
        self.report.blocks += 1
        self.report.leaves += 1
        return [exported.frame_line(record, self._texts) for record in records]

    def _check_place(self, shown: SealedShown, made: block.Block) -> None:
        header, head = made.header, self._head
        assert head is not None
        if header.session != head.session:
            raise ProofBroken(f"the block is of session {header.session}, not of session {head.session}")
        if header.sequence != shown.sequence or header.sequence != self._sequence:
            raise ProofBroken(f"block {self._sequence} is missing, or blocks are out of order")
        if header.previous != self._previous or header.first_frame != self._frames or self._final:
            raise ProofBroken("the block does not follow the one before it")

    def _check_leaf(self, leaf: LeafShown, path: Sequence[bytes], made: block.Block) -> None:
        assert self._tree is not None
        assert self._head is not None
        entry = decode_entry(leaf.kind, leaf.data.encode())
        fault = entry_fault(entry, made.digest)
        if not fault and entry.sequence == 0 and entry.started_us != microseconds(self._head.started_at):
            fault = "the file's first line is not what was recorded"
        if fault:
            raise ProofBroken(fault)
        digest = merkle.hash_leaf(leaf_entry(leaf.kind, leaf.at_us, leaf.data.encode()))
        if not merkle.includes(leaf.number, self._tree.size, digest, path, self._tree.root):
            raise ProofBroken("the block's leaf is not in the checkpoint's tree")

    def _check_facts(self, records: Sequence[Record]) -> None:
        head = self._head
        assert head is not None
        for record in records:
            if isinstance(record.frame, Opened):
                opened = record.frame
                told = (head.identity, head.endpoint, head.protocol, head.grant, head.reason, head.client)
                wrote = (
                    opened.identity,
                    opened.endpoint,
                    opened.kind,
                    opened.grant,
                    opened.reason,
                    opened.client,
                )
                if record.number != 0 or told != wrote:
                    raise ProofBroken("the file's first line is not what was recorded")

    # ---- the end ---------------------------------------------------------------------------------

    def finish(self) -> None:
        """Check that the file is whole."""
        head, tree = self._head, self._tree
        if head is None or tree is None or self._tail is None:
            raise ProofBroken("the file is cut short")
        if self._tail.blocks != self._sequence or self._tail.frames != self._frames:
            raise ProofBroken("the file is cut short: blocks are missing at its end")
        if head.closed and not self._final:
            raise ProofBroken("the recording's last blocks are missing")
        if not self._final:
            self.report.notes.append("the recording had not ended when it was exported")
        if not self._published:
            return
        if not self.report.checkpoints:
            sizes = [checkpoint.read_unsigned(text).size for text in self._published]
            told = "newer than" if min(sizes) > tree.size else "not among those that are proven by"
            self.where = ()
            raise ProofBroken(
                f"neither proven nor altered: the published checkpoints (size {_span(sizes)}) are {told} the "
                f"file (size {tree.size}) and can't be compared with it; export again and prove that file, "
                "or give the older checkpoints as well, as a witness keeps them"
            )
        self.report.checkpoint = f"size {self._covered}, published"
        if self._newest_leaf >= self._covered:
            self.report.notes.append(
                "the recording's newest blocks are younger than the published checkpoint: "
                "for them only the checkpoint in the file speaks"
            )


def _span(sizes: Sequence[int]) -> str:
    low, high = min(sizes), max(sizes)
    return f"{low}" if low == high else f"{low} to {high}"


def decode_entry(kind: str, data: bytes) -> BlockEntry:
    """Return what a block's leaf says.

    Raises:
        ProofBroken: it is another kind of leaf, or malformed.
    """
    if kind != BLOCK_LEAF:
        raise ProofBroken(f"the leaf is a {kind}, not a block's")
    try:
        return msgspec.json.decode(data, type=BlockEntry)
    except msgspec.DecodeError as error:
        raise ProofBroken(f"the block's leaf is malformed: {error}") from error


def entry_fault(entry: BlockEntry, made: block.Digest) -> str:
    """Return what of a block is not as its leaf says; empty where everything is."""
    header = made.header
    if entry.hash != made.hash.hex():
        return "the block was altered: its hash is not the one in the ledger"
    if (entry.session, entry.sequence) != (header.session, header.sequence):
        return "the block is not in its place"
    if entry.previous != header.previous.hex() or entry.final != header.final:
        return "the block's chain is not the one in the ledger"
    if (entry.first_frame, entry.frames) != (header.first_frame, header.frames):
        return "the block does not hold the frames that the ledger says"
    return ""
