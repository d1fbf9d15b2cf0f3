"""scp: the far side of a copy by scp's own old protocol, as ``scp -O`` asks for it."""

from __future__ import annotations

from typing import Final

from gateway.judge.shell.argument import Argument
from gateway.judge.shell.commands import Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Effect, Finding, reads
from gateway.judge.shell.nested.files import let_be_read
from gateway.judge.shell.nested.shape import Again
from gateway.judge.shell.nested.stop import stop
from gateway.judge.shell.nested.table import No, table

OPTIONS: Final = table(
    "-f  -t  -r  -p  -v  -d  -q",
    no=(
        No(
            "-1  -2  -3  -4  -6  -A  -B  -C  -O  -R  -T  -s  -c=  -D=  -F=  -i=  -J=  -l=  -o=  -P=  "
            "-S=  -X=",
            "tunnel",
            "is for a session elsewhere from here; connect to that endpoint through the gateway",
            Effect.OPENS_DOOR,
        ),
    ),
    style="exact",
    first=True,
)
RECEIVES: Final = "shell.scp.receive"
"""The rule of a copy towards the host."""


def judge_scp(argv: tuple[Argument, ...], _form: Form, context: ShellContext, _again: Again) -> Finding:
    """Judge ``scp -f PATH…``, which sends files from here, and ``scp -t PATH``, which writes them here.

    What scp does beside these two is a session elsewhere. The rebuilt line ends its options by itself.

    Source: OpenSSH's scp.c (main, source, sink), 3.9 to 10.
    """
    split = OPTIONS.split("scp", argv[1:])
    if split.has("-f") is split.has("-t"):
        reason = "scp opens a session elsewhere from here; connect to that endpoint through the gateway."
        raise stop("scp", "tunnel", reason, Effect.OPENS_DOOR)
    if split.has("-t"):
        raise stop("scp", "receive", "scp would write here; only its sending side reads.", Effect.WRITES_FILE)
    if not split.operands:
        raise stop("scp", "operand", "scp -f needs a path.")
    let_be_read("scp", split.operands, context)
    return reads(
        (*argv[:1], *OPTIONS.emit(split.given), Argument("--"), *split.operands),
        "scp only sends files from here.",
        rule="shell.scp.read",
    )
