"""7z: listing, testing, and extracting to standard output."""

from __future__ import annotations

import re
from typing import Final

from gateway.judge.shell.argument import Argument
from gateway.judge.shell.commands import Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Effect, Finding, reads
from gateway.judge.shell.nested.files import let_be_read
from gateway.judge.shell.nested.shape import Again
from gateway.judge.shell.nested.stop import stop
from gateway.judge.shell.nested.table import sure

_SWITCH: Final = re.compile(
    r"-(slt|sl[pt]-?|ba|bd|bb[0-3]?|bs[oep][012]|p.*|r[-0]?|y|x!.*|i!.*|xr!.*|ir!.*|t[A-Za-z0-9.]+"
    r"|scs[A-Z0-9-]+|sccUTF-8|sccWIN|so|scrc[A-Za-z0-9*]*|ssc-?|mmt[a-z0-9=]*|an|ao[asut])"
)


def judge_7z(argv: tuple[Argument, ...], _form: Form, context: ShellContext, _again: Again) -> Finding:
    """Judge ``7z …``: l, t, i, h and b read; e and x with ``-so``. Source: 7-Zip's command line reference."""
    command = sure("7z", argv[1], "the command") if len(argv) > 1 else "i"
    words = argv[2:]
    for word in words:
        text = sure("7z", word, "everything")
        if text.startswith("@") or text == "--" or (text.startswith("-") and not _SWITCH.fullmatch(text)):
            raise stop("7z", "switch", f"7z: what {text} does is not known.")
    prints = any(word.text == "-so" for word in words)
    if command not in ("l", "t", "i", "h", "b") and not (command in ("e", "x") and prints):
        raise stop("7z", "write", f"7z {command} writes files; x with -so prints them.", Effect.WRITES_FILE)
    let_be_read("7z", (word for word in words if not word.known_start.startswith("-")), context)
    return reads(argv, "7z only reads.", rule="shell.7z.read")
