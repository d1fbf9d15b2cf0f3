"""``glassgate judge``: the proxies' own verdicts on the command line, with no gateway running."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Literal

import msgspec
import typer

from gateway.cli.groups import group
from gateway.cli.judge_lines import answer_lines, request_line, request_of, text_line
from gateway.domain.http import Request
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

REQUEST_LINES = 'Read {"id": …, "method": …, "path": …, "headers"?, "body"?} lines, answer each in order.'
"""What ``--jsonl`` says where requests are judged."""

EXIT_STATUS = {Decision.ALLOW: 0, Decision.CHANGE: 3, Decision.REFUSE: 4}
"""Exit status of a single judgement."""

app = group(
    "Print the verdict on a text, its rule and the reason. Exit status: 0 allow, 3 change, 4 refuse.",
    'judge postgres "SELECT 1"',
)


class Shell(StrEnum):
    """A host's shell."""

    BASH = "bash"
    SH = "sh"


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


@app.command()
def docker(
    method: Annotated[str | None, typer.Argument(help="Such as GET.")] = None,
    path: Annotated[str | None, typer.Argument(help="The path with its query.")] = None,
    body: Annotated[str | None, typer.Argument(help="The body, where it has one.")] = None,
    *,
    jsonl: Annotated[bool, typer.Option("--jsonl", help=REQUEST_LINES)] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Judge a request of the Docker Engine API as a session's first unit.

    The newest version of the API is assumed, and a container whose image has sh.

    Example:
      glassgate judge docker GET '/v1.51/containers/json?all=1'
      glassgate judge docker POST /containers/web/exec '{"Cmd": ["ls", "-la"]}'
    """
    _answer_requests(by_routes(), method, path, body, jsonl=jsonl, as_json=as_json)


@app.command()
def kubernetes(
    method: Annotated[str | None, typer.Argument(help="Such as GET.")] = None,
    path: Annotated[str | None, typer.Argument(help="The path with its query.")] = None,
    body: Annotated[str | None, typer.Argument(help="The body, where it has one.")] = None,
    *,
    jsonl: Annotated[bool, typer.Option("--jsonl", help=REQUEST_LINES)] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Judge a request to a Kubernetes API as a session's first unit.

    A gateway is assumed that has an identity for dry-runs at the cluster, and a grant that leaves the values
    of Secrets out.

    Example:
      glassgate judge kubernetes GET '/api/v1/namespaces/shop/pods?watch=true'
      glassgate judge kubernetes DELETE /api/v1/namespaces/shop/pods/web-1
    """
    _answer_requests(by_api_catalogue(), method, path, body, jsonl=jsonl, as_json=as_json)


def _answer_requests(
    judged: Callable[[Sequence[Request]], list[Verdict]],
    method: str | None,
    path: str | None,
    body: str | None,
    *,
    jsonl: bool,
    as_json: bool,
) -> None:
    """Answer each line of standard input, or the one request, whose verdict is the exit status then."""
    if jsonl:
        answer_lines(sys.stdin.buffer, sys.stdout.buffer, request_line, judged)
        return
    if method is None or path is None:
        raise typer.BadParameter("A method and a path are needed, or --jsonl.")
    given = (body or "").encode("utf-8", "surrogateescape")
    (verdict,) = judged((request_of(method, path, given),))
    show(verdict, as_json=as_json)
    raise typer.Exit(EXIT_STATUS[verdict.decision])


def _answer_all(judged: Judged, text: str | None, *, jsonl: bool, as_json: bool, batch: int = 1) -> None:
    """Answer each line of standard input, or the one text, whose verdict is the exit status then."""
    if jsonl:
        answer_lines(sys.stdin.buffer, sys.stdout.buffer, text_line, judged, batch=batch)
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


def by_routes() -> Callable[[Sequence[Request]], list[Verdict]]:
    """Return the judge over the routes of the Docker Engine API."""
    from gateway.judge.docker.catalogue import load_docker
    from gateway.judge.docker.context import DockerContext
    from gateway.judge.docker.judge import judge as judge_request
    from gateway.judge.shell.catalogue import load_shell
    from gateway.judge.shell.context import ShellContext

    context = DockerContext(load_docker(), ShellContext(load_shell()))
    return lambda requests: [judge_request(each, context).verdict for each in requests]


def by_api_catalogue() -> Callable[[Sequence[Request]], list[Verdict]]:
    """Return the judge over the catalogue of the Kubernetes API."""
    from gateway.judge.kubernetes.catalogue import load_kubernetes
    from gateway.judge.kubernetes.context import KubernetesContext
    from gateway.judge.kubernetes.judge import judge as judge_request
    from gateway.judge.shell.catalogue import load_shell
    from gateway.judge.shell.context import ShellContext

    context = KubernetesContext(load_kubernetes(), ShellContext(load_shell()), dry_runs=True)
    return lambda requests: [judge_request(each, context).verdict for each in requests]


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


_SHELLS: Mapping[Shell, Literal["bash", "sh"]] = {Shell.BASH: "bash", Shell.SH: "sh"}


if __name__ == "__main__":
    app()
