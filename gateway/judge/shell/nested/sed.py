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
from gateway.judge.shell.nested.table import No, sure, table
from gateway.judge.shell.programs.sed import judge_program

SED: Final = table(
    "-n --quiet --silent  --debug  -e= --expression=literal  --follow-symlinks  -l= --line-length=number",
    "-E -r --regexp-extended  -s --separate  --sandbox  -u --unbuffered  -z --null-data --zero-terminated",
    "-b --binary  --help  --version  -i=? --in-place=?",
    no=(
        No("-f= --file=", "script-file", "runs a script that isn't judged"),
        No("--posix", "posix", "reads its script in another way", Effect.UNKNOWN),
    ),
)


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
