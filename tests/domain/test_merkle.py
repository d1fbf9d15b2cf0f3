"""Known answers: the Certificate Transparency test tree, as published in transparency-dev/merkle
(testonly/constants.go, testonly/reference_test.go; Apache-2.0), and our own plain reading of RFC 9162.
"""

from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.merkle import (
    EMPTY_ROOT,
    CompactRange,
    Node,
    consistency_nodes,
    extends,
    hash_children,
    hash_leaf,
    includes,
    inclusion_nodes,
    peak_nodes,
    proof,
)

LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]

ROOTS = [
    bytes.fromhex(text)
    for text in (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]

INCLUSION = [
    (0, 1, []),
    (0, 2, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"]),
    (1, 2, ["6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"]),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        1,
        5,
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
    (
        0,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
]

CONSISTENCY = [
    (1, 1, []),
    (
        1,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        2,
        5,
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
    (
        6,
        8,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
]


def plain_root(leaves: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hash_leaf(leaves[0])
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hash_children(plain_root(leaves[:k]), plain_root(leaves[k:]))


def grown(leaves: list[bytes]) -> tuple[dict[Node, bytes], list[bytes]]:
    """Every complete subtree's hash, and the root at every size."""
    edge, nodes, roots = CompactRange(), {}, [EMPTY_ROOT]
    for number, leaf in enumerate(leaves):
        nodes[Node(0, number)] = hash_leaf(leaf)
        nodes.update(edge.append(hash_leaf(leaf)))
        roots.append(edge.root())
    return nodes, roots


def test_roots_are_the_published_ones() -> None:
    assert grown(LEAVES)[1] == ROOTS


@pytest.mark.parametrize(("leaf", "size", "wanted"), INCLUSION)
def test_inclusion_proofs_are_the_published_ones(leaf: int, size: int, wanted: list[str]) -> None:
    nodes, roots = grown(LEAVES)
    path = proof(inclusion_nodes(leaf, size), nodes.__getitem__)
    assert [step.hex() for step in path] == wanted
    assert includes(leaf, size, hash_leaf(LEAVES[leaf]), path, roots[size])


@pytest.mark.parametrize(("old", "new", "wanted"), CONSISTENCY)
def test_consistency_proofs_are_the_published_ones(old: int, new: int, wanted: list[str]) -> None:
    nodes, roots = grown(LEAVES)
    path = proof(consistency_nodes(old, new), nodes.__getitem__)
    assert [step.hex() for step in path] == wanted
    assert extends(old, new, path, roots[old], roots[new])


def test_every_proof_up_to_forty_leaves_holds_and_no_wrong_one_does() -> None:
    leaves = [bytes([number]) for number in range(40)]
    nodes, roots = grown(leaves)
    for size in range(1, 41):
        assert roots[size] == plain_root(leaves[:size])
        for leaf in range(size):
            path = proof(inclusion_nodes(leaf, size), nodes.__getitem__)
            assert includes(leaf, size, hash_leaf(leaves[leaf]), path, roots[size])
            assert not includes(leaf, size, hash_leaf(b"other"), path, roots[size])
            assert not includes(leaf, size, hash_leaf(leaves[leaf]), [*path, bytes(32)], roots[size])
            if path:
                assert not includes(leaf, size, hash_leaf(leaves[leaf]), path[:-1], roots[size])
            if size > 1:
                assert not includes((leaf + 1) % size, size, hash_leaf(leaves[leaf]), path, roots[size])
        for old in range(1, size + 1):
            path = proof(consistency_nodes(old, size), nodes.__getitem__)
            assert extends(old, size, path, roots[old], roots[size])
            assert not extends(old, size, path, roots[old - 1], roots[size])
            assert not extends(old, size, path, roots[old], roots[size - 1])
            assert not extends(old, size, [*path, bytes(32)], roots[old], roots[size])
            if path:
                assert not extends(old, size, path[:-1], roots[old], roots[size])


@given(st.lists(st.binary(max_size=4), max_size=300))
@settings(max_examples=30, deadline=None)
def test_a_tree_grown_leaf_by_leaf_is_the_tree_of_the_standard(leaves: list[bytes]) -> None:
    assert grown(leaves)[1][-1] == plain_root(leaves)


@given(st.integers(min_value=0, max_value=1 << 40))
def test_peaks_cover_a_tree_without_gaps(size: int) -> None:
    nodes = peak_nodes(0, size)
    assert len(nodes) == size.bit_count()
    ends = [((node.number << node.level), (node.number + 1) << node.level) for node in nodes]
    assert all(before[1] == after[0] for before, after in pairwise([(0, 0), *ends, (size, size)]))


def test_an_edge_must_fit_its_size() -> None:
    with pytest.raises(ValueError, match="edge"):
        CompactRange(3, [bytes(32)])


@pytest.mark.parametrize(("leaf", "size"), [(0, 0), (-1, 4), (4, 4)])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(leaf: int, size: int) -> None:
    with pytest.raises(ValueError, match="not in a tree"):
        inclusion_nodes(leaf, size)
    assert not includes(leaf, size, bytes(32), [], bytes(32))


@pytest.mark.parametrize(("old", "new"), [(0, 4), (5, 4)])
def test_there_is_no_proof_backwards(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="no consistency proof"):
        consistency_nodes(old, new)


def test_every_tree_extends_the_empty_one() -> None:
    assert extends(0, 8, [], EMPTY_ROOT, ROOTS[8])
    assert not extends(0, 8, [], ROOTS[1], ROOTS[8])
