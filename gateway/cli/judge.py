"""``glassgate judge``: the proxies' own verdicts on the command line, with no gateway running."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from typing import IO, Annotated

import msgspec
import typer

from gateway.domain.verdict import Decision, Verdict
from gateway.judge.catalogue import load_postgres
from gateway.judge.postgres import SqlContext, VerdictCache
from gateway.judge.postgres.builtin import builtin

EXIT_STATUS = {Decision.ALLOW: 0, Decision.CHANGE: 3, Decision.REFUSE: 4}
"""Exit status of a single judgement."""

app = typer.Typer(
    name="judge",
    no_args_is_help=True,
)


class _Line(msgspec.Struct):
    text: str
    id: msgspec.Raw = msgspec.Raw(b"null")


class _Answer(msgspec.Struct):
    id: msgspec.Raw
    verdict: str
    rule: str
    reason: str


@app.callback()
def judge() -> None:
    """Print the verdict on a text, its rule and the reason. Exit status: 0 allow, 3 change, 4 refuse."""


@app.command(context_settings={"ignore_unknown_options": True})
def postgres(
    text: Annotated[
        str | None, typer.Argument(help="SQL; read from standard input where it is left out.")
    ] = None,
    *,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help='Read {"id": …, "text": …} lines, answer each in order.')
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Judge SQL for PostgreSQL as a session's first unit.

    Relations that PostgreSQL itself doesn't have count as plain tables; functions that it doesn't have are
    not reads.

    Example: glassgate judge postgres "SELECT now()"
    """
    context = SqlContext(builtin(), load_postgres())
    cache = VerdictCache()

    def verdict_of(sql: str) -> Verdict:
        return cache.judge(sql.encode("utf-8", "surrogateescape"), context).verdict

    if jsonl:
        answer_lines(sys.stdin.buffer, sys.stdout.buffer, verdict_of)
        return
    verdict = verdict_of(sys.stdin.buffer.read().decode("utf-8", "surrogateescape") if text is None else text)
    show(verdict, as_json=as_json)
    raise typer.Exit(EXIT_STATUS[verdict.decision])


def show(verdict: Verdict, *, as_json: bool) -> None:
    """Print one verdict.

    Args:
        verdict: what to print.
        as_json: as one JSON object, else for a person.
    """
    if as_json:
        fields = {"verdict": verdict.decision.word, "rule": verdict.rule, "reason": verdict.reason}
        print(msgspec.json.encode(fields).decode())
    else:
        print(f"{verdict.decision.word}  {verdict.rule}\n{verdict.reason}")


def answer_lines(lines: Iterable[bytes], answers: IO[bytes], verdict_of: Callable[[str], Verdict]) -> None:
    """Answer each line in order; one that can't be read gets a refusal with its id, as far as it has one.

    Args:
        lines: JSON objects with ``id`` and ``text``.
        answers: where one JSON object a line goes.
        verdict_of: the judge.
    """
    encoder = msgspec.json.Encoder()
    for line in lines:
        if not line.strip():
            continue
        try:
            asked = _LINES.decode(line)
            verdict = verdict_of(asked.text)
            identity = asked.id
        except (msgspec.DecodeError, RecursionError) as error:
            verdict = Verdict(Decision.REFUSE, "input.malformed", f"The line can't be read: {error}.")
            identity = _identity(line)
        answer = _Answer(identity, verdict.decision.word, verdict.rule, verdict.reason)
        answers.write(encoder.encode(answer) + b"\n")
    answers.flush()


def _identity(line: bytes) -> msgspec.Raw:
    """The id of a line whose other members can't be read, null where it has none."""
    try:
        found = json.loads(line.decode("utf-8", "replace"))
        return msgspec.Raw(json.dumps(found["id"]).encode())
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return _NO_ID


_NO_ID = msgspec.Raw(b"null")
_LINES = msgspec.json.Decoder(_Line)


if __name__ == "__main__":
    app()
