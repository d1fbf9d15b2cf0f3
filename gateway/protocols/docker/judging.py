"""The judge as a session asks it: requests, and lines of the governed shell in a container."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.domain.verdict import Decision
from gateway.judge.docker.judge import judge as judge_request
from gateway.judge.docker.judgement import DockerJudgement
from gateway.judge.shell.judge import judge as judge_line
from gateway.protocols.docker.units import LineUnit

if TYPE_CHECKING:
    from gateway.judge.docker.context import DockerContext
    from gateway.judge.shell.judgement import ShellJudgement
    from gateway.protocols.docker.units import DockerUnit

BASH: Final = ("bash", "--noprofile", "--norc", "-c")
"""bash reads no file of anybody's first."""
SHELL: Final = ("sh", "-c")


def judge(unit: DockerUnit, context: DockerContext) -> DockerJudgement:
    """Judge a request, or a line by what is known of the container that it runs in.

    Args:
        unit: either.
        context: of the session.
    """
    if not isinstance(unit, LineUnit):
        return judge_request(unit.request, context)
    bash = unit.argv[0].rpartition("/")[2] == "bash"
    judged = judge_line(
        unit.text,
        replace(
            context.shell,
            shell="bash" if bash else "sh",
            terminal=unit.terminal,
            folder=unit.folder,
            variables=unit.variables,
        ),
    )
    allowed = judged.verdict.decision is Decision.ALLOW and bool(judged.canonical)
    return DockerJudgement(
        judged.verdict,
        title=judged.title,
        container=unit.container,
        shell=judged,
        argv=_argv(unit, judged) if allowed else (),
        tty=unit.terminal,
    )


def _argv(unit: LineUnit, judged: ShellJudgement) -> tuple[str, ...]:
    """Return what runs a judged line where the governed shell stands: its folder, the status of the last."""
    folder = f"cd -- {shlex.quote(unit.folder)} || exit\n" if unit.folder else ""
    status = f"(exit {unit.status})\n" if unit.status else ""
    return (*(BASH if judged.bash else SHELL), f"{folder}{status}{judged.canonical}")
