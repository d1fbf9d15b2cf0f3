"""A command in a pod: judged as the arguments that it is, and sent as exactly those."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gateway.domain.http import Request
from gateway.domain.verdict import Decision, Verdict
from gateway.judge.http.targets import rebuilt_query
from gateway.judge.kubernetes.context import KubernetesContext
from gateway.judge.kubernetes.headers import forwarded, upgrade_headers, wants_upgrade
from gateway.judge.kubernetes.judgement import KubernetesAction, KubernetesJudgement
from gateway.judge.kubernetes.parameters import Query
from gateway.judge.shell.interactive import asks_shell
from gateway.judge.shell.judge import judge_argv

STREAMS: Final = ("stdin", "stdout", "stderr", "tty")

SHELL: Final = Verdict(
    Decision.REFUSE,
    "kubernetes.exec.shell",
    "A shell in a pod is the gateway's own: each of its lines is judged.",
)
NO_COMMAND: Final = Verdict(Decision.REFUSE, "kubernetes.exec.command", "There is no command to run.")


def judge_exec(
    request: Request, path: str, query: Query, context: KubernetesContext, found: KubernetesJudgement
) -> KubernetesJudgement:
    """Judge a command in a pod.

    No guard of ours is in force there, and the programs are the image's own.

    Args:
        request: as sent.
        path: rebuilt.
        query: as it was understood.
        context: everything else that the verdict depends on.
        found: what is asked for.

    Raises:
        NotRead: the connection is to become something that is not known.
    """
    command, tty = query.texts("command"), query.flag("tty")
    found = replace(found, command=command, tty=tty, container=query.text("container"))
    if not command:
        return replace(found, verdict=NO_COMMAND)
    if tty and query.flag("stdin") and asks_shell(command):
        return replace(found, verdict=SHELL, action=KubernetesAction.SHELL, title="a shell in the pod")
    surroundings = replace(
        context.shell, guarded=False, sudo=False, terminal=tty, home="", folder="", variables={}
    )
    shell = judge_argv(command, surroundings)
    found = replace(found, verdict=shell.verdict, shell=shell, title=shell.title)
    if shell.verdict.decision is not Decision.ALLOW:
        return found
    # Without an upgrade the API server answers with an error, and runs nothing.
    upgraded = wants_upgrade(request)
    headers = upgrade_headers(request) if upgraded else ()
    sent = Request(
        request.method, path + rebuilt_query(_pairs(query, shell.argv)), forwarded(request, *headers)
    )
    return replace(found, request=sent, action=KubernetesAction.EXEC if upgraded else KubernetesAction.ANSWER)


def _pairs(query: Query, argv: tuple[str, ...]) -> list[tuple[str, str]]:
    pairs = [("container", name)] if (name := query.text("container")) else []
    pairs += [(name, "true") for name in STREAMS if query.flag(name)]
    return [*pairs, *(("command", each) for each in argv)]
