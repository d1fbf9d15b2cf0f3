"""Where a statement makes values of types that it doesn't name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gateway.judge.postgres.meanings import Key, Kind
from gateway.judge.postgres.parse import Node
from gateway.judge.postgres.walk import Walk


@dataclass(slots=True)
class Shapes:
    """What stands anywhere in some trees.

    Attributes:
        literals: strings or parameters whose type the server finds out.
        gathered: arrays made of single values, or ``t.*`` as a value.
        sources: names of what stands in FROM.
        bare: columns without a source, or what is a source itself: a whole row.
    """

    literals: bool = False
    gathered: bool = False
    sources: set[str] = field(default_factory=set)
    bare: set[str] = field(default_factory=set)


def met(walk: Walk) -> Iterator[Key]:
    """What a walk has met, and what its statement does to it without naming it.

    A literal beside a column takes the column's type: that of an array or a row of domains runs the domains'
    checks. Literals beside a domain itself become values of what it is made of.

    Args:
        walk: done.
    """
    yield from walk.reached
    snapshot = walk.context.snapshot
    relations = [
        oid
        for kind, oid in walk.reached
        if kind is Kind.RELATION
        and (oid not in snapshot.relations_by_oid or snapshot.relations_by_oid[oid].types)
    ]
    if not relations:
        return
    shapes = shapes_of(node for _, node in walk.roots)
    gathered = shapes.gathered or walk.gathers or not shapes.sources.isdisjoint(shapes.bare)
    if walk.makes or (shapes.literals and gathered):
        yield from ((Kind.MADE, oid) for oid in relations)
    elif shapes.literals:
        yield from ((Kind.HELD, oid) for oid in relations)


def shapes_of(trees: Iterable[Node]) -> Shapes:
    """Look for what the server deals with by types alone.

    Args:
        trees: fields of nodes.
    """
    shapes = Shapes()
    work: list[object] = list(trees)
    while work:
        each = work.pop()
        if isinstance(each, list):
            work.extend(each)
        elif isinstance(each, dict):
            _note(each, shapes)
            work.extend(_parts(each))
    return shapes


def _note(node: Node, shapes: Shapes) -> None:
    if "sval" in node.get("A_Const", {}) or "ParamRef" in node:
        shapes.literals = True
    if "A_ArrayExpr" in node or node.get("subLinkType") == "ARRAY_SUBLINK":
        shapes.gathered = True
    shapes.sources.update(str(node[name]) for name in ("relname", "aliasname", "ctename") if name in node)
    if "ColumnRef" in node:
        fields = node["ColumnRef"].get("fields", ())
        if len(fields) == 1 and "String" in fields[0]:
            shapes.bare.add(str(fields[0]["String"].get("sval", "")))
        elif len(fields) > 1 and "A_Star" in fields[-1]:
            shapes.gathered = True


def _parts(node: Node) -> Iterable[object]:
    """The fields of a node, but for a literal whose type a cast names, and for columns listed by ``*``."""
    cast = node.get("TypeCast")
    if cast is not None and "A_Const" in cast.get("arg", {}):
        return [cast.get("typeName")]
    listed = node.get("ResTarget", {}).get("val", {}).get("ColumnRef")
    if listed is not None and "A_Star" in listed.get("fields", [{}])[-1]:
        return ()
    return node.values()
