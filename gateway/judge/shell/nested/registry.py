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
from gateway.judge.shell.nested.dd import judge_dd
from gateway.judge.shell.nested.env import judge_env
from gateway.judge.shell.nested.find import judge_find
from gateway.judge.shell.nested.git import judge_git
from gateway.judge.shell.nested.http import judge_curl, judge_wget
from gateway.judge.shell.nested.ip import judge_ip, judge_nft
from gateway.judge.shell.nested.jq import judge_jq, judge_yq
from gateway.judge.shell.nested.kubectl import judge_helm, judge_kubectl
from gateway.judge.shell.nested.mysql import judge_mysql
from gateway.judge.shell.nested.openssl import judge_openssl
from gateway.judge.shell.nested.psql import judge_psql
from gateway.judge.shell.nested.redis import judge_redis
from gateway.judge.shell.nested.rsync import judge_rsync
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
from gateway.judge.shell.nested.runtimes import judge_runtime
from gateway.judge.shell.nested.scp import judge_scp
from gateway.judge.shell.nested.screens import judge_less, judge_man, judge_ps, judge_top
from gateway.judge.shell.nested.sed import judge_sed
from gateway.judge.shell.nested.shape import Again, NestedJudge
from gateway.judge.shell.nested.shells import judge_shell
from gateway.judge.shell.nested.stop import Stop
from gateway.judge.shell.nested.sudo import judge_doas, judge_sudo
from gateway.judge.shell.nested.tar import judge_tar
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
    "crictl": judge_runtime,
    "ctr": judge_runtime,
    "curl": judge_curl,
    "dd": judge_dd,
    "doas": judge_doas,
    "docker": judge_containers,
    "env": judge_env,
    "find": judge_find,
    "git": judge_git,
    "helm": judge_helm,
    "ionice": judge_ionice,
    "ip": judge_ip,
    "jq": judge_jq,
    "kubectl": judge_kubectl,
    "less": judge_less,
    "man": judge_man,
    "mysql": judge_mysql,
    "nft": judge_nft,
    "nice": judge_nice,
    "nohup": judge_detached,
    "openssl": judge_openssl,
    "ps": judge_ps,
    "psql": judge_psql,
    "redis-cli": judge_redis,
    "rsync": judge_rsync,
    "scp": judge_scp,
    "sed": judge_sed,
    "setsid": judge_detached,
    "sh": judge_shell,
    "stdbuf": judge_stdbuf,
    "sudo": judge_sudo,
    "tar": judge_tar,
    "taskset": judge_taskset,
    "time": judge_time,
    "timeout": judge_timeout,
    "top": judge_top,
    "watch": judge_watch,
    "wget": judge_wget,
    "xargs": judge_xargs,
    "yq": judge_yq,
}
JUDGES: Final[Mapping[str, NestedJudge]] = {name: stopping(judge) for name, judge in _JUDGES.items()}
