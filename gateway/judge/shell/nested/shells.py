"""sh, bash and dash: only a line that is written out, judged as a line of its own."""

from __future__ import annotations

from typing import Final, Literal

from gateway.judge.shell.argument import Argument, literals
from gateway.judge.shell.commands import Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Effect, Finding, reads
from gateway.judge.shell.nested.about import about
from gateway.judge.shell.nested.shape import Again
from gateway.judge.shell.nested.stop import stop, unless_allowed
from gateway.judge.shell.nested.table import No, sure, table

SHELL: Final = table(
    "-c  -e  -f  -n  -u  -x  -v  -h  -B  -l --login  -r --restricted  --noprofile  --norc  --posix",
    "-o=word(errexit|nounset|xtrace|pipefail|noglob|verbose|noexec)",
    "-O=word(nullglob|globstar|dotglob|failglob|nocaseglob)  --version  --help",
    no=(
        No("-i", "interactive", "reads the files that an interactive shell starts with", Effect.OPENS_DOOR),
        No("-s", "input", "runs what it reads from its input", Effect.OPENS_DOOR),
        No(
            "-a  -k  -p  -t  -b  -m  -C  -E  -H  -P  -T  -D",
            "unknown-option",
            "is not judged",
            Effect.UNKNOWN,
        ),
        No("--rcfile=  --init-file=", "start-file", "runs a file at its start"),
        No(
            "--debugger  --dump-strings  --dump-po-strings  --noediting  --verbose",
            "unknown-option",
            "is not judged",
        ),
    ),
    style="exact",
    first=True,
)
# A login shell would run files of the host first; a line judged here needs none of them.
_DROPPED: Final = ("-c", "-l", "-r", "-h", "-B", "--noprofile", "--norc", "--posix")


def judge_shell(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, again: Again) -> Finding:
    """Judge ``sh -c LINE``, with its names ``bash``, ``dash`` and ``ash``, and a check of a script's syntax.

    Source: sh(1) of POSIX, bash(1), dash(1).
    """
    name = (argv[0].text or "").rpartition("/")[2]
    split = SHELL.split(name, argv[1:])
    if (told := about(SHELL, argv[0], split, "--version", "--help")) is not None:
        return told
    options = SHELL.emit(split.without(*_DROPPED))
    if split.has("-c"):
        if not split.operands:
            raise stop(name, "no-command", f"{name} -c: there is no line to run.")
        line = sure(name, split.operands[0], "the line")
        shell: Literal["sh", "bash"] = "bash" if name == "bash" else "sh"
        inner = unless_allowed(again.line(line, shell))
        return reads(
            (*argv[:1], *options, *literals("-c"), *inner.argv, *split.operands[1:]),
            inner.verdict.reason,
            effect=inner.effect,
            profile=inner.profile,
            nested=(inner,),
        )
    if split.has("-n") and split.operands and split.operands[0].known_start[:1] not in ("", "-", "+"):
        return reads(
            (*argv[:1], *literals("-n"), *split.operands), f"{name} -n only checks the syntax of a file."
        )
    if split.operands:
        raise stop(name, "script", f"{name} runs a script that isn't judged.", Effect.RUNS_CODE)
    raise stop(name, "door", f"{name} runs whatever it is given from then on.", Effect.OPENS_DOOR)
