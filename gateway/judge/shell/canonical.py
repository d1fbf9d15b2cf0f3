"""A second look at the text that is about to be run, by a grammar that is not ours."""

from __future__ import annotations

import re
from typing import Final

import tree_sitter_bash
from tree_sitter import Language, Parser, Query, QueryCursor

from gateway.judge.shell.assigned import simple_commands
from gateway.judge.shell.cursor import NotRead
from gateway.judge.shell.tree import Script, text_of

_LANGUAGE: Final = Language(tree_sitter_bash.language())
_PARSER: Final = Parser(_LANGUAGE)
_NAMES: Final = Query(_LANGUAGE, "(command_name) @name")


def check_canonical(script: Script, text: str) -> None:
    """Let a canonical text pass that tree-sitter's grammar of bash reads as the same commands.

    It was read and written by our own grammar; a mistake there must not become a command that nobody judged.

    Args:
        script: the tree that was emitted.
        text: as it was emitted.

    Raises:
        NotRead: the two differ.
    """
    root = _PARSER.parse(text.encode()).root_node
    if root.has_error:
        raise NotRead("canonical", "Two grammars read the canonical text differently.")
    found = sorted(
        _unquoted(node.text or b"") for nodes in QueryCursor(_NAMES).captures(root).values() for node in nodes
    )
    meant = sorted((text_of(each.words[0]) or "").encode() for each in simple_commands(script) if each.words)
    if found != meant:
        raise NotRead("canonical", "Two grammars find different commands in the canonical text.")


_QUOTE: Final = re.compile(rb"'\\''|'")


def _unquoted(name: bytes) -> bytes:
    return _QUOTE.sub(lambda match: b"'" if len(match.group()) > 1 else b"", name)
