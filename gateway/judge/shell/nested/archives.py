"""unzip and 7z: listing, testing, and extracting to standard output."""

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
from gateway.judge.shell.nested.table import No, sure, table

UNZIP: Final = table(
    "-l  -v  -t  -p  -c  -z  -Z  -q  -a  -C  -L  -M  -P=literal  -h  -1  -2  -m  -s  -T  -U  -j  "
    "-O=literal  -I=literal",
    no=(
        No(
            "-d=  -o  -n  -u  -f  -B  -x=  -X  -K  -V  -b  -D  -W  -:  -^  -S  -N  -E  -F  -i  -J  -k",
            "extract",
            "says how files are written",
            Effect.WRITES_FILE,
        ),
    ),
    style="exact",
)
_SWITCH: Final = re.compile(
    r"-(slt|sl[pt]-?|ba|bd|bb[0-3]?|bs[oep][012]|p.*|r[-0]?|y|x!.*|i!.*|xr!.*|ir!.*|t[A-Za-z0-9.]+"
    r"|scs[A-Z0-9-]+|sccUTF-8|sccWIN|so|scrc[A-Za-z0-9*]*|ssc-?|mmt[a-z0-9=]*|an|ao[asut])"
)


def judge_unzip(argv: tuple[Argument, ...], _form: Form, context: ShellContext, _again: Again) -> Finding:
    """Judge ``unzip …``: ``-l``, ``-v``, ``-t``, ``-z``, ``-Z`` and ``-p`` read.

    Source: unzip(1) of Info-ZIP 6.0 and busybox.
    """
    split = UNZIP.split("unzip", argv[1:])
    modes = [each for each in ("-l", "-v", "-t", "-p", "-c", "-z", "-Z", "-h") if split.has(each)]
    if not modes and (split.operands or split.given):
        raise stop(
            "unzip",
            "extract",
            "unzip writes the archive's files; with -p it prints them.",
            Effect.WRITES_FILE,
        )
    for word in split.operands:
        if word.known_start[:1] in ("", "-"):
            raise stop("unzip", "open-word", "unzip: write ./ before a name that may look like an option.")
    let_be_read("unzip", split.operands[:1], context)
    return reads(
        (*argv[:1], *UNZIP.emit(split.given), *split.operands), "unzip only reads.", rule="shell.unzip.read"
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
