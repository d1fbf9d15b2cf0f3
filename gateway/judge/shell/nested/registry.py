"""Name in a catalogue entry's ``judge`` → the judge."""

from __future__ import annotations

from collections.abc import Mapping
from functools import wraps
from typing import Final

from gateway.judge.shell.argument import Argument
from gateway.judge.shell.commands import Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Finding
from gateway.judge.shell.nested.awk import judge_awk
from gateway.judge.shell.nested.containers import judge_containers
from gateway.judge.shell.nested.env import judge_env
from gateway.judge.shell.nested.find import judge_find
from gateway.judge.shell.nested.git import judge_git
from gateway.judge.shell.nested.jq import judge_jq, judge_yq
from gateway.judge.shell.nested.kubectl import judge_helm, judge_kubectl
from gateway.judge.shell.nested.runners import (
    judge_chrt,
    judge_detached,
    judge_ionice,
    judge_nice,
    judge_stdbuf,
    judge_taskset,
    judge_time,
    judge_timeout,
)
from gateway.judge.shell.nested.sed import judge_sed
from gateway.judge.shell.nested.shape import Again, NestedJudge
from gateway.judge.shell.nested.shells import judge_shell
from gateway.judge.shell.nested.stop import Stop
from gateway.judge.shell.nested.sudo import judge_doas, judge_sudo
from gateway.judge.shell.nested.watch import judge_watch
from gateway.judge.shell.nested.xargs import judge_xargs


def stopping(judge: NestedJudge) -> NestedJudge:
    """Return a judge that returns the finding it was stopped with."""

    @wraps(judge)
    def judged(argv: tuple[Argument, ...], form: Form, context: ShellContext, again: Again) -> Finding:
        try:
            return judge(argv, form, context, again)
        except Stop as end:
            return end.finding

    return judged


_JUDGES: Final[Mapping[str, NestedJudge]] = {
    "awk": judge_awk,
    "chrt": judge_chrt,
    "docker": judge_containers,
    "find": judge_find,
    "helm": judge_helm,
    "jq": judge_jq,
    "kubectl": judge_kubectl,
    "sed": judge_sed,
    "yq": judge_yq,
    "doas": judge_doas,
    "env": judge_env,
    "git": judge_git,
    "ionice": judge_ionice,
    "nice": judge_nice,
    "nohup": judge_detached,
    "setsid": judge_detached,
    "sh": judge_shell,
    "stdbuf": judge_stdbuf,
    "sudo": judge_sudo,
    "taskset": judge_taskset,
    "time": judge_time,
    "timeout": judge_timeout,
    "watch": judge_watch,
    "xargs": judge_xargs,
}
JUDGES: Final[Mapping[str, NestedJudge]] = {name: stopping(judge) for name, judge in _JUDGES.items()}
