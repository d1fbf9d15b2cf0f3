"""awk: its program by its own grammar; its options and operands, of which an operand may set a variable."""

from __future__ import annotations

from typing import Final

from gateway.domain.verdict import Verdict
from gateway.judge.shell.argument import Argument, literals
from gateway.judge.shell.commands import Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Effect, Finding, reads
from gateway.judge.shell.nested.about import about
from gateway.judge.shell.nested.files import let_be_read
from gateway.judge.shell.nested.shape import Again
from gateway.judge.shell.nested.stop import stop, unless_reads
from gateway.judge.shell.nested.table import No, sure, table
from gateway.judge.shell.programs.awk.judge import is_assignment, judge_program, may_be_set, opens_network

_NO: Final = (
    No(
        "-f= --file=  -E= --exec=  -i= --include=  -l= --load=",
        "program-file",
        "runs a program that isn't judged",
    ),
    No(
        "-d=? --dump-variables=?  -o=? --pretty-print=?  -p=? --profile=?",
        "output",
        "writes a file",
        Effect.WRITES_FILE,
    ),
    No("-D=? --debug=?", "debug", "starts a debugger", Effect.OPENS_DOOR),
)
GAWK: Final = table(
    "-F= --field-separator=literal  -v= --assign=text  -e= --source=literal  -b --characters-as-bytes",
    "-c --traditional  -C --copyright  -h --help  -I --trace  -L=? --lint=?  -M --bignum",
    "-N --use-lc-numeric  -n --non-decimal-data  -O --optimize  -P --posix",
    "-r --re-interval  -s --no-optimize  -S --sandbox",
    "-t --lint-old  -V --version  -g --gen-pot  -k --csv  -W=word(version)",
    no=_NO,
    first=True,
)


def judge_awk(argv: tuple[Argument, ...], _form: Form, context: ShellContext, again: Again) -> Finding:
    """Judge ``awk …``, as gawk, mawk, the original awk or busybox.

    Source: gawk(1), mawk(1), POSIX awk.
    """
    name = (argv[0].text or "").rpartition("/")[2]
    split = GAWK.split("awk", argv[1:])
    if (told := about(GAWK, argv[0], split, "-h", "-V", "-C", "-W")) is not None:
        return told
    sources, operands = split.values("-e"), split.operands
    if not sources:
        if not operands:
            raise stop("awk", "no-program", "awk: there is no program to run.")
        sources, operands = operands[:1], operands[1:]
    _check_variables(split.values("-v"))

    nested: list[Finding] = []

    def line(text: str) -> tuple[Verdict, str]:
        inner = again.line(text, "sh")
        nested.append(inner)
        return inner.verdict, inner.argv[0].text or "" if inner.allowed else ""

    text = "\n".join(sure("awk", source, "the program") for source in sources)
    program = unless_reads(judge_program(text, line))
    let_be_read("awk", (Argument(path) for path in program.reads), context)
    _check_operands(operands, context)
    given = split.without("-e", "-t", "-I", "-S")
    sandbox = literals("--sandbox") if name == "gawk" and program.sandboxed else ()
    return reads(
        (*argv[:1], *GAWK.emit(given), *sandbox, *literals("--", program.text), *operands),
        "The awk program only reads.",
        rule="shell.awk.read",
        profile=next((each.profile for each in nested if each.profile != "plain"), "plain"),
        nested=tuple(nested),
    )


def _check_variables(assigned: tuple[Argument, ...]) -> None:
    for variable in assigned:
        name, separator, _ = variable.known_start.partition("=")
        if not separator or not is_assignment(f"{name}=") or not may_be_set(name):
            raise stop("awk", "variable", "awk: what that variable does is not known.")


def _check_operands(operands: tuple[Argument, ...], context: ShellContext) -> None:
    files = []
    for operand in operands:
        start = operand.known_start
        if is_assignment(start):
            _check_variables((operand,))
        elif opens_network(start):
            raise stop("awk", "network", "awk would open a connection.", Effect.REACHES_OUT)
        else:
            files.append(operand)
    let_be_read("awk", files, context)
