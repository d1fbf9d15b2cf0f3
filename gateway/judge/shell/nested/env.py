"""env: a command under variables that only change looks."""

from __future__ import annotations

import re
from typing import Final

from gateway.judge.shell.argument import Argument
from gateway.judge.shell.commands import Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Finding, reads
from gateway.judge.shell.nested.shape import Again
from gateway.judge.shell.nested.stop import stop, unless_allowed
from gateway.judge.shell.nested.table import No, sure, table
from gateway.judge.shell.nested.variables import harmless_name, is_assignment, let_be_set

ENV: Final = table(
    "-i --ignore-environment  -0 --null  -u= --unset=literal  -v --debug  --help  --version",
    "--list-signal-handling",
    no=(
        No("-S= --split-string=", "split-string", "takes a command line apart in a way of its own"),
        No("-C= --chdir=", "folder", "runs the command somewhere else"),
        No("-a= --argv0=", "name", "gives the command another name"),
        No("-P=", "path", "looks for the command elsewhere"),
        No(
            "--block-signal=?  --default-signal=?  --ignore-signal=?",
            "signals",
            "changes how it can be ended",
        ),
    ),
    first=True,
)
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def judge_env(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, again: Again) -> Finding:
    """Judge ``env … command``.

    ``-i`` and ``-u`` are left out where they would take away what the gateway itself sets: there is nothing
    else in the environment.

    Source: env(1) of coreutils, FreeBSD and busybox.
    """
    split = ENV.split("env", argv[1:])
    operands = split.operands[1:] if split.operands[:1] == (Argument("-"),) else split.operands
    for value in split.values("-u"):
        if not _NAME.fullmatch(sure("env", value, "the variable")):
            raise stop("env", "variable", "env: -u needs the name of a variable.")
    given = tuple(
        each
        for each in split.without("-i")
        if each.value is None or "-u" not in each.option.names or harmless_name(each.value.text or "")
    )
    count = next((place for place, each in enumerate(operands) if not is_assignment(each)), len(operands))
    variables = tuple(let_be_set("env", each) for each in operands[:count])
    head = (*argv[:1], *ENV.emit(given), *variables)
    if count == len(operands):
        return reads(head, "env only prints the environment.")
    inner = unless_allowed(again.argv(operands[count:]))
    return reads(
        (*head, *inner.argv),
        f"env: {inner.verdict.reason}",
        effect=inner.effect,
        profile=inner.profile,
        nested=(inner,),
    )
