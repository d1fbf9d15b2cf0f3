"""watch: a command, or a line of shell, again and again."""

from __future__ import annotations

from typing import Final

from gateway.judge.shell.argument import Argument, literals
from gateway.judge.shell.commands import Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Finding, reads
from gateway.judge.shell.nested.about import about
from gateway.judge.shell.nested.shape import Again
from gateway.judge.shell.nested.stop import stop, unless_allowed
from gateway.judge.shell.nested.table import No, sure, table

WATCH: Final = table(
    "-b --beep  -c --color  -C --no-color  -d=? --differences=?word(permanent|cumulative|1|)  -e --errexit",
    "-g --chgexit  -q= --equexit=number  -n= --interval=number  -p --precise  -t --no-title  -w --no-wrap",
    "-r --no-rerun  -f --follow  -x --exec  -h --help  -v --version",
    no=(No("-s= --shotsdir=", "shots", "writes pictures of the screen"),),
    first=True,
)


def judge_watch(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, again: Again) -> Finding:
    """Judge ``watch … command``: emitted with ``-x``, and the shell that it would use made explicit.

    Source: watch(1) of procps and busybox.
    """
    split = WATCH.split("watch", argv[1:])
    if (told := about(WATCH, argv[0], split, "-h", "-v")) is not None:
        return told
    if not split.operands:
        raise stop("watch", "no-command", "watch: there is no command to run.")
    if split.has("-x"):
        inner = unless_allowed(again.argv(split.operands))
        words = inner.argv
    else:
        line = " ".join(sure("watch", each, "the command") for each in split.operands)
        inner = unless_allowed(again.line(line, "sh"))
        words = (*literals("sh", "-c"), *inner.argv)
    return reads(
        (*argv[:1], *WATCH.emit(split.without("-x")), *literals("-x", "--"), *words),
        f"watch: {inner.verdict.reason}",
        effect=inner.effect,
        profile=inner.profile,
        nested=(inner,),
    )
