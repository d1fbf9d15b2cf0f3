"""find: its expression by its own grammar, the commands that it runs judged in turn."""

from __future__ import annotations

from gateway.judge.shell.argument import Argument
from gateway.judge.shell.commands import Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Finding
from gateway.judge.shell.nested.shape import Again
from gateway.judge.shell.programs.find import judge
from gateway.judge.shell.undashed import undashed


def judge_find(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, again: Again) -> Finding:
    """Judge ``find …``. Source: find(1) of findutils and busybox."""
    return judge(argv, again.argv, undashed)
