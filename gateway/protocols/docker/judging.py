"""The judge as a session asks it: requests, and lines of the governed shell in a container."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.domain.verdict import Decision
from gateway.judge.docker.judge import judge as judge_request
from gateway.judge.docker.judgement import DockerAction, DockerJudgement
from gateway.judge.shell.judge import judge as judge_line
from gateway.protocols.docker.units import LineUnit

if TYPE_CHECKING:
    from gateway.domain.http import Request
    from gateway.judge.docker.context import DockerContext
    from gateway.judge.shell.judgement import ShellJudgement
    from gateway.protocols.docker.units import DockerUnit
    from gateway.transport.http.head import Headers

BASH: Final = ("bash", "--noprofile", "--norc", "-c")
"""bash reads no file of anybody's first."""
SHELL: Final = ("sh", "-c")
MOST_KEPT: Final = 128
"""Requests of one session whose verdicts are kept."""


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


class Verdicts:
    """The verdicts of one session: what is asked again and again is judged once."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, Headers], DockerJudgement] = {}
        self._last: tuple[Request, DockerJudgement] | None = None

    def judge(self, unit: DockerUnit, context: DockerContext) -> DockerJudgement:
        """Judge a unit.

        Args:
            unit: a request or a line.
            context: of the session, the same for all of its units.
        """
        request = unit.request
        if self._last is not None and self._last[0] is request and not isinstance(unit, LineUnit):
            return self._last[1]
        if isinstance(unit, LineUnit) or request.body is not None:
            return judge(unit, context)
        key = (request.method, request.target, request.headers)
        kept = self._kept.get(key)
        if kept is not None:
            self._last = (request, kept)
            return kept
        judged = judge(unit, context)
        # A verdict on a command changes with what the session has started.
        if judged.action is DockerAction.ANSWER and not judged.exec_id and len(self._kept) < MOST_KEPT:
            self._kept[key] = judged
        return judged


def _argv(unit: LineUnit, judged: ShellJudgement) -> tuple[str, ...]:
    """Return what runs a judged line where the governed shell stands: its folder, the status of the last."""
    folder = f"cd -- {shlex.quote(unit.folder)} || exit\n" if unit.folder else ""
    status = f"(exit {unit.status})\n" if unit.status else ""
    return (*(BASH if judged.bash else SHELL), f"{folder}{status}{judged.canonical}")
