"""What of an expression the planner works out beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.judge.postgres.parse import Node

_VARYING: Final = frozenset({"SelectStmt", "ResTarget", "ColumnRef", "ParamRef", "SubLink"})


def constant_parts(root: Node) -> Iterator[tuple[str, Node]]:
    """The largest parts of an expression that no column, parameter or sub-select bears on.

    Args:
        root: of a SelectStmt.
    """
    nodes: list[tuple[str, Node, int]] = [("SelectStmt", root, -1)]
    at = 0
    while at < len(nodes):
        for value in nodes[at][1].values():
            nodes.extend((kind, node, at) for kind, node in _nodes_in(value))
        at += 1
    varies = [kind in _VARYING for kind, _, _ in nodes]
    for number in range(len(nodes) - 1, 0, -1):
        if varies[number]:
            varies[nodes[number][2]] = True
    for number, (kind, node, parent) in enumerate(nodes):
        if number and varies[parent] and not varies[number]:
            yield kind, node


def _nodes_in(value: object) -> Iterator[tuple[str, Node]]:
    """The nodes that stand in a field, those of lists and unwrapped ones among them."""
    if isinstance(value, list):
        for each in value:
            yield from _nodes_in(each)
    elif isinstance(value, dict):
        for kind, node in value.items():
            if isinstance(node, dict) and kind[:1].isupper():
                yield kind, node
            else:
                yield from _nodes_in(node)
