"""The ledger at work: entries of the recordings' own, proofs, and checkpoints that go to witnesses."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from gateway.domain import merkle
from gateway.domain.errors import GlassgateError, ProofBroken, StoreUnavailable
from gateway.log import get_logger
from gateway.recordings import checkpoint
from gateway.recordings.checkpoint import TreeHead
from gateway.store import ledger as rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.recordings.note import Verifier
    from gateway.recordings.witness import Witness
    from gateway.store.keyring import Keyring
    from gateway.store.pool import Connection, Store

KEY_LEAF = "ledger.key"

log = get_logger("ledger")


class KeyEntry(msgspec.Struct, frozen=True):
    """Content of the leaf that announces a new signing key, as JSON.

    Attributes:
        key: as the verifiers of notes share it.
    """

    key: str


@dataclass(frozen=True, slots=True)
class Inclusion:
    """A leaf and the proof that a checkpoint's tree holds it.

    Attributes:
        leaf: the leaf.
        path: the proof, 32 bytes each.
    """

    leaf: rows.Leaf
    path: tuple[bytes, ...]


class Ledger:
    """The append-only log over recordings and decisions.

    Args:
        store: where it lies.
        keyring: signs its checkpoints.
        witnesses: hold them.
    """

    def __init__(self, store: Store, keyring: Keyring, witnesses: Sequence[Witness] = ()) -> None:
        self._store = store
        self._keyring = keyring
        self._witnesses = tuple(witnesses)
        self._published: dict[str, str] = {}
        self._publishing = asyncio.Lock()

    # ---- proofs ----------------------------------------------------------------------------------

    async def inclusions(self, conn: Connection, leaves: Sequence[int], size: int) -> list[Inclusion]:
        """Return leaves with the proofs that the tree of ``size`` leaves holds them.

        Args:
            conn: any connection.
            leaves: their numbers, below ``size``.
            size: of the tree.

        Raises:
            ProofBroken: the store lacks a leaf or node that it must have.
        """
        paths = {number: merkle.inclusion_nodes(number, size) for number in leaves}
        wanted = {node for path in paths.values() for group in path for node in group}
        hashes = await rows.node_hashes(conn, wanted)
        found = await rows.leaves_numbered(conn, leaves)
        missing = sorted(set(leaves) - set(found))
        if missing:
            raise ProofBroken(f"leaf {missing[0]} is missing from the ledger")
        return [Inclusion(found[number], tuple(_proof(paths[number], hashes))) for number in leaves]

    async def consistency(self, conn: Connection, old: int, new: int) -> list[bytes]:
        """Return the proof that the tree of ``old`` leaves is the beginning of that of ``new``.

        Args:
            conn: any connection.
            old: at least 1.
            new: at most the ledger's size.

        Raises:
            ProofBroken: the store lacks a node that it must have.
        """
        path = merkle.consistency_nodes(old, new)
        return _proof(path, await rows.node_hashes(conn, {node for group in path for node in group}))

    # ---- checkpoints -----------------------------------------------------------------------------

    async def run(self, seconds: float = 60.0) -> None:
        """Make and publish a checkpoint each so many seconds, until cancelled."""
        while True:
            try:
                await self.make_checkpoint()
            except StoreUnavailable as error:
                log.warning("no checkpoint made", error=error.message)
            except Exception:
                log.exception("no checkpoint made")
            await asyncio.sleep(seconds)

    async def make_checkpoint(self) -> rows.Checkpoint:
        """Sign the tree as it is now and publish it; where it has not grown, return the last one.

        Returns:
            The latest checkpoint.

        Raises:
            StoreUnavailable: the store is away.
        """
        async with self._publishing:
            await self._announce_key()
            async with self._store.transaction() as conn:
                origin, edge = await rows.origin(conn), await rows.edge(conn)
                head = TreeHead(origin, edge.size, edge.root())
                await rows.put_checkpoint(conn, head.size, head.root, checkpoint.sign(head, self._keyring))
                latest = await rows.latest_checkpoint(conn)
            if latest is None:
                raise ProofBroken("the store lost the checkpoint it was just given")
            await self._publish(latest.note)
            return latest

    async def _announce_key(self) -> None:
        """A key that signs for the first time is named in the ledger itself."""
        async with self._store.transaction() as conn:
            newest = str(checkpoint.verifiers(self._keyring, await rows.origin(conn))[-1])
            announced = await rows.last_leaf_of(conn, KEY_LEAF)
            if announced is None or msgspec.json.decode(announced.data, type=KeyEntry).key != newest:
                await rows.append_leaf(conn, KEY_LEAF, msgspec.json.encode(KeyEntry(newest)))

    async def _publish(self, text: str) -> None:
        """Bring a checkpoint to every witness that does not have it; one that is away gets the next."""
        for witness in self._witnesses:
            if self._published.get(witness.name) == text:
                continue
            try:
                await witness.publish(text)
            except (OSError, GlassgateError) as error:
                log.warning("witness not reached", witness=witness.name, error=str(error))
            else:
                self._published[witness.name] = text

    async def verifiers(self) -> tuple[Verifier, ...]:
        """Return every key that may have signed this ledger's checkpoints, oldest first."""
        async with self._store.connection() as conn:
            return checkpoint.verifiers(self._keyring, await rows.origin(conn))


def _proof(path: list[list[merkle.Node]], hashes: dict[merkle.Node, bytes]) -> list[bytes]:
    try:
        return merkle.proof(path, hashes.__getitem__)
    except KeyError as error:
        raise ProofBroken(f"the ledger lacks the hash of {error.args[0]}") from error
