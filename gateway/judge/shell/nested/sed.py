"""sed: its script by its own grammar."""

from __future__ import annotations

from typing import Final

from gateway.judge.shell.argument import Argument, literals
from gateway.judge.shell.commands import Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Effect, Finding, reads
from gateway.judge.shell.nested.about import about
from gateway.judge.shell.nested.files import let_be_read
from gateway.judge.shell.nested.shape import Again
from gateway.judge.shell.nested.stop import stop, unless_reads
from gateway.judge.shell.nested.table import No, Split, single, sure, table
from gateway.judge.shell.paths import OPEN, pattern_of
from gateway.judge.shell.programs.sed import judge_program

SED: Final = table(
    "-n --quiet --silent  --debug  -e= --expression=text  --follow-symlinks  -l= --line-length=number",
    "-E -r --regexp-extended  -s --separate  --sandbox  -u --unbuffered  -z --null-data --zero-terminated",
    "-b --binary  --help  --version  -i=? --in-place=?",
    no=(
        No("-f= --file=", "script-file", "runs a script that isn't judged"),
        No("--posix", "posix", "reads its script in another way", Effect.UNKNOWN),
    ),
)
_SHOWN: Final = "1"
"""Stands in a script for what is not known: an address, a count or a text."""


def judge_sed(argv: tuple[Argument, ...], _form: Form, context: ShellContext, _again: Again) -> Finding:
    """Judge ``sed …``.

    Source: sed(1) of GNU and busybox.
    """
    name = (argv[0].text or "").rpartition("/")[2]
    split = SED.split("sed", argv[1:])
    if (told := about(SED, argv[0], split, "--help", "--version")) is not None:
        return told
    scripts, files = split.values("-e"), split.operands
    if not scripts:
        if not files or files[0].many:
            raise stop("sed", "no-script", "sed: there is no script to run.")
        scripts, files = files[:1], files[1:]
    if split.has("-i"):
        raise stop("sed", "in-place", "sed -i edits files in place.", Effect.WRITES_FILE)
    if any(script.text is None for script in scripts):
        return _sandboxed(argv[0], split, scripts, files, context)
    text = "\n".join(sure("sed", script, "the script") for script in scripts)
    program = unless_reads(judge_program(text))
    let_be_read("sed", (*files, *(Argument(path) for path in program.reads)), context)
    given = split.without("-e", "--sandbox")
    sandboxed = program.sandboxed and (name == "gsed" or split.has("--sandbox"))
    sandbox = literals("--sandbox") if sandboxed else ()
    return reads(
        (*argv[:1], *SED.emit(given), *sandbox, *literals("-e", program.text, "--"), *files),
        "The sed script only reads.",
        rule="shell.sed.read",
    )


def _sandboxed(
    name: Argument,
    split: Split,
    scripts: tuple[Argument, ...],
    files: tuple[Argument, ...],
    context: ShellContext,
) -> Finding:
    """Let a script whose text isn't known run where sed itself turns down every command but printing.

    What is known of it must be a script that reads. With ``--sandbox`` GNU sed ends before its first line
    where a script holds e, r, R, w or W, as commands or flags; sed of busybox, BSD and GNU before 4.3 know
    no such option and end likewise.
    """
    shown = "\n".join(pattern_of(script).replace(OPEN, _SHOWN) for script in scripts)
    program = judge_program(shown)
    if not program.allowed:
        raise stop("sed", "open-word", "sed: the script must be written out.")
    let_be_read("sed", (*files, *(Argument(path) for path in program.reads)), context)
    words = [word for script in scripts for word in (Argument("-e"), single("sed", script))]
    given = split.without("-e", "--sandbox")
    return reads(
        (name, *literals("--sandbox"), *SED.emit(given), *words, *literals("--"), *files),
        "sed runs a script that is not known here in its sandbox, where it only prints.",
        rule="shell.sed.read",
    )
