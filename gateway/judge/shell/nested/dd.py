"""dd: reading, to standard output or nowhere."""

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

_NUMBERS: Final = frozenset(["bs", "ibs", "obs", "cbs", "count", "skip", "iseek"])
_NUMBER: Final = re.compile(r"[0-9]+[A-Za-z]{0,3}(x[0-9]+[A-Za-z]{0,3})*")
_WORDS: Final = {
    "status": re.compile(r"none|noxfer|progress"),
    "iflag": re.compile(r"[a-z_]+(,[a-z_]+)*"),
    "conv": re.compile(r"[a-z]+(,[a-z]+)*"),
}
_NOWHERE: Final = frozenset(["/dev/null", "/dev/stdout", "/dev/stderr"])
_DISK: Final = re.compile(
    r"/dev/(sd[a-z]+|hd[a-z]|vd[a-z]+|xvd[a-z]+|nvme[0-9]+n[0-9]+p?|md|dm-|mmcblk[0-9]+p?|loop|mapper/[\w.-]+)[0-9]*"
)


def judge_dd(argv: tuple[Argument, ...], _form: Form, context: ShellContext, _again: Again) -> Finding:
    """Judge ``dd …``. Source: dd(1) of coreutils and busybox."""
    if [word.text for word in argv[1:]] in (["--help"], ["--version"]):
        return reads(argv, "dd only prints something about itself.")
    for word in argv[1:]:
        name, _, value = word.known_start.partition("=")
        if name == "of":
            if sure("dd", word, "where it writes").partition("=")[2] not in _NOWHERE:
                raise stop("dd", "write", "dd writes what of= names.", Effect.WRITES_FILE)
        elif name == "if" and not word.many:
            source = Argument(None if word.text is None else value, value, word=None)
            if not (word.text is not None and _DISK.fullmatch(value)):
                let_be_read("dd", (source,), context)
        elif not _harmless(name, sure("dd", word, "an operand").partition("=")[2]):
            raise stop("dd", "operand", f"dd: what {word.text} does is not known.")
    return reads(argv, "dd only reads.", rule="shell.dd.read")


def _harmless(name: str, value: str) -> bool:
    shape = _NUMBER if name in _NUMBERS else _WORDS.get(name)
    return shape is not None and shape.fullmatch(value) is not None
