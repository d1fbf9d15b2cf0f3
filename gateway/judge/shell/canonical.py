"""A second look at the text that is about to be run, by a grammar that is not ours."""

from __future__ import annotations

import re
from typing import Final

import tree_sitter_bash
from tree_sitter import Language, Parser, Query, QueryCursor

from gateway.judge.shell.cursor import NotRead
from gateway.judge.shell.emit import Emitted

_LANGUAGE: Final = Language(tree_sitter_bash.language())
_NAMES: Final = Query(_LANGUAGE, "(command_name) @name")


def check_canonical(emitted: Emitted) -> None:
    """Let a canonical text pass that tree-sitter's grammar of bash reads as the same commands.

    It was read and written by our own grammar; a mistake there must not become a command that nobody judged.

    Args:
        emitted: the text, simplified, and the names of the commands that it should hold.

    Raises:
        NotRead: the two differ.
    """
    root = Parser(_LANGUAGE).parse(emitted.text.encode()).root_node
    if root.has_error:
        raise NotRead("canonical", "Two grammars read the canonical text differently.")
    found = sorted(
        _unquoted(node.text or b"") for nodes in QueryCursor(_NAMES).captures(root).values() for node in nodes
    )
    if found != sorted(name.encode() for name in emitted.names):
        raise NotRead("canonical", "Two grammars find different commands in the canonical text.")


_QUOTE: Final = re.compile(rb"'\\''|'")


def _unquoted(name: bytes) -> bytes:
    return _QUOTE.sub(lambda match: b"'" if len(match.group()) > 1 else b"", name)
