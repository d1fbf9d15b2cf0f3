"""What a judge of one command is, and what it is given to judge commands inside commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from gateway.judge.shell.argument import Argument
from gateway.judge.shell.commands import Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Finding


class JudgeLine(Protocol):
    """Judges a line of shell that stands inside a command."""

    def __call__(self, text: str, shell: Literal["sh", "bash"]) -> Finding:
        """Judge a line.

        Args:
            text: the line; its positional parameters are taken for unknown.
            shell: which shell will run it.

        Returns:
            A finding whose ``argv`` is, where it is allowed, one literal argument: the canonical text to be
            run in the line's place. Its ``nested`` are the findings on the line's commands, its ``profile``
            one that covers them.
        """
        ...


@dataclass(frozen=True, slots=True)
class Again:
    """The way back into the judge, for what a command runs in turn. It counts its depth itself.

    Attributes:
        argv: judges a command line of its own, the command's name first. Whatever emits the finding's
            ``argv`` keeps each argument's ``word`` as it was given.
        line: judges a line of shell.
        unguarded: the way back for what runs outside the kernel guard (under sudo, in a container): the same
            judge with the context's ``guarded`` false.
    """

    argv: Callable[[tuple[Argument, ...]], Finding]
    line: JudgeLine
    unguarded: Callable[[], Again]


NestedJudge = Callable[[tuple[Argument, ...], Form, ShellContext, Again], Finding]
"""Judges one command: (argv with its name first, its entry in the catalogue, context, the way back).

Where it allows, it returns the rebuilt argv; variables that the command needs are set by ``env`` in it.
"""
