"""Brace expansion: one word becomes several before anything else is looked at in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from typing import Final, TypeAlias

from gateway.judge.shell.cursor import MAX_DEPTH, NotRead
from gateway.judge.shell.tree import Part, Wild

MAX_WORDS: Final = 1_000
"""How many words braces may make of one."""

_SEQUENCE: Final = re.compile(
    r"(?:(-?\d{1,9})\.\.(-?\d{1,9})|([A-Za-z])\.\.([A-Za-z]))(?:\.\.(-?\d{1,9}))?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Bare:
    """Unquoted characters, in which braces and commas have their meaning."""

    text: str


Piece: TypeAlias = Part | Bare


def expanded(pieces: list[Piece]) -> list[list[Piece]]:
    """Return the words that the braces of a word make; the word itself where they make none.

    Args:
        pieces: of the word.

    Raises:
        NotRead: they make too many, or are nested too deep.
    """
    if any(isinstance(piece, Wild) and "," in piece.text for piece in pieces):
        raise NotRead("braces", "Braces beside a pattern with a comma are not understood.")
    return _words(_apart(pieces), 0)


def _apart(pieces: list[Piece]) -> list[Piece]:
    """Braces and commas as pieces of their own."""
    found: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, Bare):
            found += [Bare(part) for part in re.split(r"([{},])", piece.text) if part]
        else:
            found.append(piece)
    return found


def _words(pieces: list[Piece], depth: int) -> list[list[Piece]]:
    if depth > MAX_DEPTH:
        raise NotRead("depth", f"Braces are nested more than {MAX_DEPTH} deep.")
    closings = _closings(pieces)
    at = 0
    while at < len(pieces):
        end = closings.get(at)
        if end is not None and (inner := _alternatives(pieces[at + 1 : end], depth)) is not None:
            behind = _words(pieces[end + 1 :], depth + 1)
            if len(inner) * len(behind) > MAX_WORDS:
                raise NotRead("braces", f"Braces that make more than {MAX_WORDS} words are not understood.")
            return [[*pieces[:at], *middle, *after] for middle, after in product(inner, behind)]
        at += 1
    return [pieces]


def _closings(pieces: list[Piece]) -> dict[int, int]:
    """Index of each opening brace that is closed → index of what closes it."""
    found, open_ = {}, []
    for index, piece in enumerate(pieces):
        if piece == Bare("{"):
            open_.append(index)
        elif piece == Bare("}") and open_:
            found[open_.pop()] = index
    return found


def _alternatives(inner: list[Piece], depth: int) -> list[list[Piece]] | None:
    """What one pair of braces stands for; None where it stands for itself."""
    if all(isinstance(piece, Bare) for piece in inner):
        sequence = _SEQUENCE.fullmatch("".join(piece.text for piece in inner if isinstance(piece, Bare)))
        if sequence is not None:
            return [[Bare(text)] for text in _sequence(sequence)]
    split: list[list[Piece]] = [[]]
    level = 0
    for piece in inner:
        level += (piece == Bare("{")) - (piece == Bare("}"))
        if piece == Bare(",") and level == 0:
            split.append([])
        else:
            split[-1].append(piece)
    if len(split) == 1:
        return None
    found = [word for part in split for word in _words(part, depth + 1)]
    if len(found) > MAX_WORDS:
        raise NotRead("braces", f"Braces that make more than {MAX_WORDS} words are not understood.")
    return found


def _sequence(match: re.Match[str]) -> list[str]:
    low, high, first, last, step = match.groups()
    start, stop = (int(low), int(high)) if low else (ord(first), ord(last))
    by = abs(int(step or 1)) or 1
    numbers = range(start, stop + 1, by) if start <= stop else range(start, stop - 1, -by)
    if len(numbers) > MAX_WORDS:
        raise NotRead("braces", f"Braces that make more than {MAX_WORDS} words are not understood.")
    if first:
        letters = [chr(number) for number in numbers]
        if not all(letter.isalpha() for letter in letters):
            raise NotRead("braces", "Braces from a capital to a small letter are not understood.")
        return letters
    padded = any(re.match(r"-?0\d", text) for text in (low, high))
    width = max(len(low), len(high)) if padded else 0
    return [str(number).zfill(width) for number in numbers]
