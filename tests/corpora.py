"""The corpora of verdicts: data files where a person can add a line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"


@dataclass(frozen=True, slots=True)
class Case:
    """One row.

    Attributes:
        verdict: ``allow``, ``change`` or ``refuse``.
        text: the unit.
        place: file and line.
        servers: major versions that the client which sent it was talking to; empty: any.
    """

    verdict: str
    text: str
    place: str
    servers: tuple[int, ...] = ()


def cases(language: str) -> list[Case]:
    """Every case of a language, from its ``.tsv`` (verdict, tab, text) and ``.jsonl`` files."""
    found = []
    for path in sorted((CORPUS / language).iterdir()):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            place = f"{path.name}:{number}"
            if path.suffix == ".jsonl":
                row = json.loads(line)
                found.append(Case(row["verdict"], row["text"], place, tuple(row["servers"])))
            elif line and not line.startswith("#"):
                verdict, text = line.split("\t", 1)
                found.append(Case(verdict, text, place))
    return found
