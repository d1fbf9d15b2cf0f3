"""Here-documents: begun in one line, read behind its end."""

from __future__ import annotations

import re
from typing import Final

from gateway.judge.shell.cursor import Awaited, Cursor, NotRead
from gateway.judge.shell.tree import Document, Part, Text, Word, joined
from gateway.judge.shell.words import inside_quotes

_DELIMITER: Final = re.compile(
    r"'([A-Za-z0-9_.@%+!-]*)'|\"([A-Za-z0-9_.@%+!-]*)\"|(\\?)([A-Za-z0-9_.@%+!-]+)"
)
_ENDS: Final = re.compile(r"[\s;&|<>()]|\Z")
_PLAIN: Final = re.compile(r"[^\\$`]+")
_CONTINUED: Final = re.compile(r"(?<!\\)(?:\\\\)*\\\n")


def begun(cursor: Cursor, descriptor: int, *, tabs: bool) -> Document:
    """Read the word behind ``<<``.

    Args:
        cursor: stands behind the operator.
        descriptor: where the document is read from.
        tabs: whether tabs at the beginning of its lines go.

    Returns:
        The document, with its text where that is known already.

    Raises:
        NotRead: the word is not understood.
    """
    match = _DELIMITER.match(cursor.text, cursor.at)
    if match is None or _ENDS.match(cursor.text, match.end()) is None:
        raise NotRead("document", "The word that ends a here-document must be a plain one.")
    cursor.at = match.end()
    single, double, escape, plain = match.groups()
    end = next(each for each in (single, double, plain) if each is not None)
    cursor.awaited.append(Awaited(end, plain is None or bool(escape), tabs))
    body = Word() if cursor.known is None else cursor.known[cursor.begun]
    cursor.begun += 1
    return Document(descriptor, body)


def read_awaited(cursor: Cursor) -> None:
    """Read the texts of the documents begun in the line that has just ended.

    Args:
        cursor: stands behind the newline.

    Raises:
        NotRead: one has no end, or is not understood.
    """
    for each in cursor.awaited:
        lines = []
        while True:
            if cursor.ended:
                raise NotRead("document", f"The here-document up to {each.end} has no end.")
            stop = cursor.text.find("\n", cursor.at)
            stop = len(cursor.text) if stop < 0 else stop
            line = cursor.text[cursor.at : stop]
            cursor.at = stop + 1
            line = line.lstrip("\t") if each.tabs else line
            if line == each.end:
                break
            lines.append(line + "\n")
        cursor.bodies.append(_body(cursor, "".join(lines), verbatim=each.verbatim))
    cursor.awaited.clear()


def _body(cursor: Cursor, text: str, *, verbatim: bool) -> Word:
    if verbatim or not any(each in text for each in "\\$`"):
        return Word(joined([Text(text)]))
    if _CONTINUED.search(text) is not None:
        raise NotRead("continuation", "A continued line in a here-document is not understood.")
    inner = Cursor(text, cursor.script, depth=cursor.depth, backquotes=cursor.backquotes, keyed=cursor.keyed)
    inner.deeper()
    found: list[Part] = []
    while not inner.ended:
        match = _PLAIN.match(text, inner.at)
        if match is not None:
            inner.at = match.end()
            found.append(Text(match.group()))
        else:
            found.append(inside_quotes(inner, "$`\\"))
    if inner.begun:
        raise NotRead("document", "A here-document inside another is not understood.")
    return Word(joined(found))
