"""The corpora of requests to Docker engines."""

from __future__ import annotations

import json
from dataclasses import dataclass

from corpora import CORPUS

from gateway.domain.http import Request
from gateway.judge.docker.context import Exec

EXEC = "a1" * 32
"""The id that the corpora give to a command of the session's own."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a corpus.

    Attributes:
        verdict: ``allow``, ``change`` or ``refuse``.
        request: what was sent.
        execs: what the session has put into containers before.
        place: file and line.
    """

    verdict: str
    request: Request
    execs: dict[str, Exec]
    place: str


def _rows() -> list[Row]:
    rows = []
    for path in sorted((CORPUS / "docker").glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            row = json.loads(line)
            headers = tuple((name.lower(), value) for name, value in row.get("headers", ()))
            body = row["body"].encode() if "body" in row else None
            mine = row.get("exec")
            execs = (
                {mine["id"]: Exec("web", ("ls",), mine["tty"], mine.get("started", False))} if mine else {}
            )
            request = Request(row["method"], row["path"], headers, body)
            rows.append(Row(row["verdict"], request, execs, f"{path.name}:{number}"))
    return rows


ROWS = _rows()
