"""What a request to a cluster comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from gateway.domain.cluster import ObjectWrite
from gateway.domain.http import Request
from gateway.domain.verdict import Verdict
from gateway.judge.shell.judgement import ShellJudgement


class KubernetesAction(Enum):
    """What the door does with a request that was judged."""

    NONE = auto()
    """Answer it with the refusal."""
    ANSWER = auto()
    """Send it, and hand on the one answer."""
    WATCH = auto()
    """Send it; the answer is a JSON object a line, for as long as it lasts."""
    LOG = auto()
    """Send it; the answer is what a container has written, followed where it asks for that."""
    EXEC = auto()
    """Send it; the connection becomes a command's input and output."""
    SHELL = auto()
    """A bare shell at a terminal was asked for: refused, or the door puts the governed one in its place."""
    DRY_RUN = auto()
    """Send it under the identity that can do dry-runs only."""


@dataclass(frozen=True, slots=True)
class KubernetesJudgement:
    """What a request to a cluster comes to.

    Attributes:
        verdict: what was decided, and why.
        request: the one to send in its place, with the headers to forward and no others; None unless allowed.
        action: what the door does with it.
        verb: in the API's words: ``get``, ``list``, ``watch``, ``create``, … ; of a path that is no resource
            the method in lower case.
        group: of the API; empty for the core, and for paths that are no resource.
        version: of the API.
        resource: in the plural; empty for paths that are no resource.
        subresource: such as ``log``.
        namespace: empty where none is named.
        name: empty where none is named.
        masks: whether the answer holds Secrets whose values must be masked.
        shows: whether the answer holds Secrets whose values are shown, as the grant includes them.
        watch: whether the answer is a stream of events, one a line.
        unacceptable: whether it was refused because the client takes no form of answer that can be masked
            (406 Not Acceptable).
        shell: what the command of an exec comes to.
        command: of an exec, as it was asked for.
        tty: whether that command gets a terminal.
        container: which container of the pod; empty for its default.
        title: what it would do, in a few words, where it is no read.
        writes: what it would do to the cluster's objects, where it is a change.
    """

    verdict: Verdict
    request: Request | None = None
    action: KubernetesAction = KubernetesAction.NONE
    verb: str = ""
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    masks: bool = False
    shows: bool = False
    watch: bool = False
    unacceptable: bool = False
    shell: ShellJudgement | None = None
    command: tuple[str, ...] = ()
    tty: bool = False
    container: str = ""
    title: str = ""
    writes: tuple[ObjectWrite, ...] = ()
