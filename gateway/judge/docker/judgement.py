"""What a request to an engine comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.containers import ContainerWrite
from gateway.domain.http import Request
from gateway.domain.verdict import Verdict
from gateway.judge.shell.judgement import ShellJudgement


class DockerAction(StrEnum):
    """What the gateway does with a request."""

    ANSWER = "answer"
    """Hands over one answer, which may go on for ever: logs, events, stats."""
    EXEC_CREATE = "exec-create"
    """Puts a judged command into a container; the answer holds its id."""
    EXEC_START = "exec-start"
    """Starts it: from the answer's head on, bytes go both ways."""
    EXEC_RESIZE = "exec-resize"
    """Tells it how large its terminal is."""
    ATTACH = "attach"
    """Shows a container's output: from the answer's head on, bytes come from the engine alone."""
    SHELL = "shell"
    """The client wants a shell; it gets the governed one, and the engine is asked nothing."""
    NONE = "none"
    """Sends nothing."""


@dataclass(frozen=True, slots=True)
class DockerJudgement:
    """What a request to an engine comes to.

    Attributes:
        verdict: of a shell the shell judge's own, which is never an allow.
        request: what is sent instead: target, query and body rebuilt, and only the headers that are handed
            on; ``host`` and those of the body's length are the sender's. None unless allowed.
        action: what the gateway does with it.
        title: the docker command that it comes from, in a few words.
        container: which container, as the client named it; empty where it is about none.
        exec_id: which of the session's commands; empty where it is about none.
        shell: the judgement of a command or of a line's ps arguments; None where there is none.
        argv: of a command, as it runs; of a shell, as asked for.
        tty: whether the command, or what is hijacked, has a terminal: then its output is not in frames.
        stdin: whether the client wants to send the command input.
        console: rows and columns of its terminal, where the client says them.
        folder: working folder of the command; empty: the image's own.
        masks: members of the answer's top object whose values are not shown (:func:`masked`).
        writes: what it would have done, where it is a change.
    """

    verdict: Verdict
    request: Request | None = None
    action: DockerAction = DockerAction.NONE
    title: str = ""
    container: str = ""
    exec_id: str = ""
    shell: ShellJudgement | None = None
    argv: tuple[str, ...] = ()
    tty: bool = False
    stdin: bool = False
    console: tuple[int, int] | None = None
    folder: str = ""
    masks: tuple[str, ...] = ()
    writes: tuple[ContainerWrite, ...] = ()
