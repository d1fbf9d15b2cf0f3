"""Requests with their verdicts: rows of ``corpus/kubernetes`` and its like, one JSON object a line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from gateway.cli.judge_lines import request_line
from gateway.domain.http import Request

CORPUS = Path(__file__).parent / "corpus"


@dataclass(frozen=True, slots=True)
class RequestCase:
    """One row.

    Attributes:
        verdict: ``allow``, ``change`` or ``refuse``; ``write`` for either of the last two.
        request: what was sent.
        place: file and line.
    """

    verdict: str
    request: Request
    place: str

    def fits(self, word: str) -> bool:
        """Whether a verdict is the one that the row wants."""
        return word == self.verdict or (self.verdict == "write" and word != "allow")


def request_cases(api: str) -> list[RequestCase]:
    """Every row of an API's corpus: ``verdict``, and the request as ``glassgate judge --jsonl`` reads it.

    Other members of a row say where it comes from.
    """
    return [
        RequestCase(json.loads(line)["verdict"], request_line(line).unit, f"{path.name}:{number}")
        for path in sorted((CORPUS / api).glob("*.jsonl"))
        for number, line in enumerate(path.read_bytes().splitlines(), start=1)
    ]
