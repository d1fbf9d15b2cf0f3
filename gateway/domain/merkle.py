"""The Merkle tree of RFC 9162, section 2.1, over SHA-256: pure functions over hashes.

A complete subtree is named by (level, number): it covers leaves ``number << level`` up to, not including,
``(number + 1) << level``. A log that keeps the hashes of its complete subtrees answers for any of its past
sizes in O(log n) look-ups; :func:`inclusion_nodes` and :func:`consistency_nodes` say which.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""Root of the tree without leaves."""

HASH_BYTES = 32


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """Name of a complete subtree.

    Attributes:
        level: its height; 0 is a leaf.
        number: its place among the subtrees of that height, from 0.
    """

    level: int
    number: int


def hash_leaf(entry: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256 over 0x00 and the entry (RFC 9162, 2.1.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def hash_children(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256 over 0x01 and both children (RFC 9162, 2.1.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class CompactRange:
    """The right edge of a growing tree: hashes of the complete subtrees that its leaves fall into.

    Args:
        size: leaves so far.
        peaks: hashes of those subtrees, largest first; as many as ``size`` has set bits.

    Raises:
        ValueError: the number of peaks does not fit the size.
    """

    __slots__ = ("peaks", "size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        if size < 0 or len(peaks) != size.bit_count():
            raise ValueError(f"{len(peaks)} peaks can't be the edge of a tree of {size} leaves")
        self.size = size
        self.peaks = list(peaks)

    def append(self, leaf_hash: bytes) -> list[tuple[Node, bytes]]:
        """Add one leaf.

        Args:
            leaf_hash: 32 bytes, from :func:`hash_leaf`.

        Returns:
            The complete subtrees of level 1 and more that this leaf completed, with their hashes.
        """
        node, number, level = leaf_hash, self.size, 0
        completed: list[tuple[Node, bytes]] = []
        while number & 1:
            node = hash_children(self.peaks.pop(), node)
            number >>= 1
            level += 1
            completed.append((Node(level, number), node))
        self.peaks.append(node)
        self.size += 1
        return completed

    def root(self) -> bytes:
        """Return the tree's root hash at this size."""
        return fold(self.peaks)


def fold(peaks: Sequence[bytes]) -> bytes:
    """Return the root over the complete subtrees of a tree, largest first."""
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = hash_children(peak, root)
    return root


def peak_nodes(begin: int, end: int) -> list[Node]:
    """Name the complete subtrees that leaves ``begin`` up to (not with) ``end`` fall into, left to right.

    Args:
        begin: a place where a subtree of the tree of ``end`` leaves begins.
        end: past the last leaf.
    """
    nodes: list[Node] = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        nodes.append(Node(level, begin >> level))
        begin += 1 << level
    return nodes


def inclusion_nodes(leaf: int, size: int) -> list[list[Node]]:
    """Name what the inclusion proof of a leaf is made of (RFC 9162, 2.1.3.1).

    Args:
        leaf: the leaf's number, below ``size``.
        size: leaves of the tree.

    Returns:
        For each hash of the proof, in order, the complete subtrees to :func:`fold` into it.

    Raises:
        ValueError: there is no such leaf in such a tree.
    """
    if not 0 <= leaf < size:
        raise ValueError(f"leaf {leaf} is not in a tree of {size} leaves")
    path: list[list[Node]] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if leaf < middle:
            path.append(peak_nodes(middle, end))
            end = middle
        else:
            path.append(peak_nodes(begin, middle))
            begin = middle
    path.reverse()
    return path


def consistency_nodes(old: int, new: int) -> list[list[Node]]:
    """Name what the consistency proof between two sizes is made of (RFC 9162, 2.1.4.1).

    Args:
        old: the smaller size, at least 1.
        new: the larger size.

    Returns:
        As :func:`inclusion_nodes`; empty where both sizes are the same.

    Raises:
        ValueError: the sizes are not in that order.
    """
    if not 0 < old <= new:
        raise ValueError(f"no consistency proof leads from size {old} to size {new}")
    path: list[list[Node]] = []
    begin, end, whole = 0, new, True
    while old != end:
        middle = begin + _split(end - begin)
        if old <= middle:
            path.append(peak_nodes(middle, end))
            end = middle
        else:
            path.append(peak_nodes(begin, middle))
            begin, whole = middle, False
    if not whole:
        path.append(peak_nodes(begin, end))
    path.reverse()
    return path


def proof(nodes: Sequence[Sequence[Node]], lookup: Callable[[Node], bytes]) -> list[bytes]:
    """Return the hashes of a proof.

    Args:
        nodes: from :func:`inclusion_nodes` or :func:`consistency_nodes`.
        lookup: gives the hash of a complete subtree.
    """
    return [fold([lookup(node) for node in group]) for group in nodes]


def root_from_inclusion(leaf: int, size: int, leaf_hash: bytes, path: Sequence[bytes]) -> bytes:
    """Return the root that an inclusion proof leads to (RFC 9162, 2.1.3.2).

    Args:
        leaf: the leaf's number.
        size: leaves of the tree.
        leaf_hash: 32 bytes.
        path: the proof.

    Raises:
        ValueError: the proof has the wrong length, or there is no such leaf.
    """
    if not 0 <= leaf < size:
        raise ValueError(f"leaf {leaf} is not in a tree of {size} leaves")
    number, last, root = leaf, size - 1, leaf_hash
    for sibling in path:
        if last == 0:
            raise ValueError("the inclusion proof is too long")
        if number & 1 or number == last:
            root = hash_children(sibling, root)
            while not number & 1 and number:
                number >>= 1
                last >>= 1
        else:
            root = hash_children(root, sibling)
        number >>= 1
        last >>= 1
    if last:
        raise ValueError("the inclusion proof is too short")
    return root


def includes(leaf: int, size: int, leaf_hash: bytes, path: Sequence[bytes], root: bytes) -> bool:
    """Tell whether an inclusion proof holds; a malformed one does not."""
    try:
        return root_from_inclusion(leaf, size, leaf_hash, path) == root
    except ValueError:
        return False


def extends(old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Tell whether a consistency proof shows the old tree to be the beginning of the new (RFC 9162, 2.1.4.2).

    Args:
        old: the smaller size; every tree extends the empty one.
        new: the larger size.
        path: the proof.
        old_root: root at the smaller size.
        new_root: root at the larger size.
    """
    if old == 0:
        return old_root == EMPTY_ROOT and not path
    if old == new:
        return old_root == new_root and not path
    if not (0 < old < new and path):
        return False
    hashes = list(path) if old & (old - 1) else [old_root, *path]
    number, last = old - 1, new - 1
    while number & 1:
        number >>= 1
        last >>= 1
    first = second = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            first = hash_children(sibling, first)
            second = hash_children(sibling, second)
            while not number & 1 and number:
                number >>= 1
                last >>= 1
        else:
            second = hash_children(second, sibling)
        number >>= 1
        last >>= 1
    return last == 0 and first == old_root and second == new_root


def _split(size: int) -> int:
    """Return the largest power of two below ``size``."""
    return 1 << ((size - 1).bit_length() - 1)
