"""``glassgate judge``: the proxies' own verdicts on the command line, with no gateway running."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import islice
from typing import IO, Annotated, Literal

import msgspec
import typer

from gateway.cli.groups import group
from gateway.domain.errors import GlassgateError
from gateway.domain.verdict import Decision, Verdict
from gateway.judge.catalogue import load_postgres
from gateway.judge.postgres import SqlContext, VerdictCache
from gateway.judge.postgres.builtin import builtin

Judged = Callable[[Sequence[str]], list[Verdict]]
"""Texts → their verdicts, in order."""

AT_ENDPOINT_AT_ONCE = 200
"""Texts that go to the running gateway in one call."""

ASSUMED_HOME = "/home/engineer"
"""What ``~`` stands for where no host is asked."""

EXIT_STATUS = {Decision.ALLOW: 0, Decision.CHANGE: 3, Decision.REFUSE: 4}
"""Exit status of a single judgement."""

app = group("Print the verdict on a text, its rule and the reason. Exit status: 0 allow, 3 change, 4 refuse.")


class Shell(StrEnum):
    """A host's shell."""

    BASH = "bash"
    SH = "sh"


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
    ctx: typer.Context,
    text: Annotated[
        str | None, typer.Argument(help="SQL; read from standard input where it is left out.")
    ] = None,
    *,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help='Read {"id": …, "text": …} lines, answer each in order.')
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    endpoint: Annotated[
        str, typer.Option("--endpoint", help="Ask the running gateway, by this endpoint's own catalogue.")
    ] = "",
) -> None:
    """Judge SQL for PostgreSQL as a session's first unit.

    Relations that PostgreSQL itself doesn't have count as plain tables; functions that it doesn't have are
    not reads.

    Example:
      glassgate judge postgres "SELECT now()"
      glassgate judge postgres --endpoint orders-db "SELECT price_with_vat(10, 'DE')"
    """
    judged = at_endpoint(ctx, endpoint) if endpoint else by_builtins()
    _answer_all(judged, text, jsonl=jsonl, as_json=as_json, batch=AT_ENDPOINT_AT_ONCE if endpoint else 1)


@app.command(context_settings={"ignore_unknown_options": True})
def ssh(
    text: Annotated[
        str | None, typer.Argument(help="A command line; read from standard input where it is left out.")
    ] = None,
    *,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help='Read {"id": …, "text": …} lines, answer each in order.')
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    no_guard: Annotated[
        bool, typer.Option("--no-guard", help="As on a host without a kernel guard.")
    ] = False,
    no_sudo: Annotated[bool, typer.Option("--no-sudo", help="As where sudo is off.")] = False,
    shell: Annotated[
        Shell, typer.Option("--shell", help="Which shell the host has: bash, or sh alone.")
    ] = Shell.BASH,
) -> None:
    """Judge a command line for a host as a session's first unit.

    A host with a kernel guard, bash and a terminal is assumed, and that sudo is judged.

    Example:
      glassgate judge ssh 'journalctl -u nginx -n 50 | grep -c error'
      glassgate judge ssh --no-guard 'git -C /srv/shop status'
    """
    judged = by_command_catalogue(guarded=not no_guard, sudo=not no_sudo, shell=shell)
    _answer_all(judged, text, jsonl=jsonl, as_json=as_json)


@app.command()
def sftp(
    text: Annotated[
        str | None, typer.Argument(help="An operation; read from standard input where it is left out.")
    ] = None,
    *,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help='Read {"id": …, "text": …} lines, answer each in order.')
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Judge an operation of a file transfer as a session's first unit.

    Paths stand in double quotes, with backslash escapes. What a path leads to on the host is looked at by
    the gateway besides, before it is opened.

    Example:
      glassgate judge sftp 'open "/etc/nginx/nginx.conf" read'
      glassgate judge sftp 'rename "/etc/hosts" "/etc/hosts.old"'
    """
    _answer_all(by_operation, text, jsonl=jsonl, as_json=as_json)


def _answer_all(judged: Judged, text: str | None, *, jsonl: bool, as_json: bool, batch: int = 1) -> None:
    """Answer each line of standard input, or the one text, whose verdict is the exit status then."""
    if jsonl:
        answer_lines(sys.stdin.buffer, sys.stdout.buffer, judged, batch=batch)
        return
    one = sys.stdin.buffer.read().decode("utf-8", "surrogateescape") if text is None else text
    (verdict,) = judged((one,))
    show(verdict, as_json=as_json)
    raise typer.Exit(EXIT_STATUS[verdict.decision])


def by_operation(texts: Sequence[str]) -> list[Verdict]:
    """Judge operations of file transfers."""
    from gateway.judge.sftp import judge as judge_operation
    from gateway.judge.sftp import read_operation

    return [judge_operation(read_operation(text)) for text in texts]


def by_command_catalogue(*, guarded: bool, sudo: bool, shell: Shell) -> Judged:
    """Return the judge over the shell catalogue.

    Args:
        guarded: whether a kernel guard is assumed.
        sudo: whether sudo is judged.
        shell: which shell the host is assumed to have.
    """
    from gateway.judge.shell.catalogue import load_shell
    from gateway.judge.shell.context import ShellContext
    from gateway.judge.shell.judge import judge as judge_line

    context = ShellContext(
        load_shell(), shell=_SHELLS[shell], guarded=guarded, sudo=sudo, terminal=True, home=ASSUMED_HOME
    )
    return lambda texts: [judge_line(text, context, plans=False).verdict for text in texts]


def by_builtins() -> Judged:
    """Return the judge over the catalogue of PostgreSQL itself."""
    context = SqlContext(builtin(), load_postgres())
    judge = VerdictCache().judge
    return lambda texts: [judge(text.encode("utf-8", "surrogateescape"), context).verdict for text in texts]


def at_endpoint(ctx: typer.Context, name: str) -> Judged:
    """Return the running gateway's judge over an endpoint's own catalogue.

    Args:
        ctx: says which gateway.
        name: of the endpoint.
    """
    from gateway.cli.options import client_of
    from gateway.web.shapes.endpoints import JudgeTexts, Verdicts

    client = client_of(ctx)

    def judged(texts: Sequence[str]) -> list[Verdict]:
        question = JudgeTexts(name=name, texts=tuple(texts))
        lines = client.call("POST /v1/endpoints/{name}/judge", question, Verdicts).verdicts
        return [Verdict(Decision[line.verdict.upper()], line.rule, line.reason) for line in lines]

    return judged


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


def answer_lines(lines: Iterable[bytes], answers: IO[bytes], judged: Judged, *, batch: int = 1) -> None:
    """Answer each line in order; one that can't be read gets a refusal with its id, as far as it has one.

    Args:
        lines: JSON objects with ``id`` and ``text``.
        answers: where one JSON object a line goes.
        judged: the judge.
        batch: lines that are judged in one go; with 1 each is answered before the next is read.
    """
    full = (line for line in lines if line.strip())
    while some := list(islice(full, batch)):
        read = [_read(line) for line in some]
        verdicts = iter(_surely(judged, [each.text for each in read if isinstance(each, _Line)]))
        for each in read:
            answer = _answer(each.id, next(verdicts)) if isinstance(each, _Line) else each
            answers.write(_ENCODER.encode(answer) + b"\n")
        answers.flush()


def _surely(judged: Judged, texts: Sequence[str]) -> list[Verdict]:
    """Judge; a text that the judge fails at is not a read, and ends nothing behind it."""
    verdicts = []
    try:
        return judged(texts)
    except GlassgateError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it is no read
        if len(texts) == 1:
            return [Verdict(Decision.REFUSE, "judge.fault", f"The judge failed: {type(error).__name__}.")]
        for text in texts:
            verdicts += _surely(judged, [text])
    return verdicts


def _read(line: bytes) -> _Line | _Answer:
    """Return what a line asks, or what it is answered where it can't be read."""
    try:
        return _LINES.decode(line)
    except (msgspec.DecodeError, RecursionError) as error:
        verdict = Verdict(Decision.REFUSE, "input.malformed", f"The line can't be read: {error}.")
        return _answer(_identity(line), verdict)


def _answer(identity: msgspec.Raw, verdict: Verdict) -> _Answer:
    return _Answer(identity, verdict.decision.word, verdict.rule, verdict.reason)


def _identity(line: bytes) -> msgspec.Raw:
    """The id of a line whose other members can't be read, null where it has none."""
    try:
        found = json.loads(line.decode("utf-8", "replace"))
        return msgspec.Raw(json.dumps(found["id"]).encode())
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return _NO_ID


_SHELLS: Mapping[Shell, Literal["bash", "sh"]] = {Shell.BASH: "bash", Shell.SH: "sh"}
_NO_ID = msgspec.Raw(b"null")
_LINES = msgspec.json.Decoder(_Line)
_ENCODER = msgspec.json.Encoder()


if __name__ == "__main__":
    app()
