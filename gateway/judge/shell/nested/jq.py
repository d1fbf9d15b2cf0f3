"""jq and yq: their programs by their own grammars."""

from __future__ import annotations

import re
from typing import Final

from gateway.judge.shell.argument import Argument, literals
from gateway.judge.shell.commands import Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Effect, Finding, reads
from gateway.judge.shell.nested.about import about
from gateway.judge.shell.nested.files import let_be_read
from gateway.judge.shell.nested.shape import Again
from gateway.judge.shell.nested.stop import stop, unless_reads
from gateway.judge.shell.nested.table import No, Split, sure, table
from gateway.judge.shell.programs.jq import judge_program as judge_jq_filter
from gateway.judge.shell.programs.yq import judge_program as judge_yq_expression

_FLAGS: Final = {
    **dict.fromkeys(
        ["--seq", "--stream", "--stream-errors", "--slurp", "--raw-output", "--raw-output0", "--join-output"],
        0,
    ),
    **dict.fromkeys(
        ["--ascii-output", "--color-output", "--monochrome-output", "--sort-keys", "--raw-input"], 0
    ),
    **dict.fromkeys(
        ["--compact-output", "--null-input", "--exit-status", "--unbuffered", "--tab", "--binary"], 0
    ),
    **dict.fromkeys(
        ["--help", "--version", "--build-configuration", "--ascii", "--nul-output", "--yaml-input"], 0
    ),
    **dict.fromkeys(
        ["--yaml-output", "--from-file", "--debug-dump-disasm", "--debug-trace", "--debug-trace=all"], 0
    ),
    "--indent": 1,
    **dict.fromkeys(["--arg", "--argjson", "--slurpfile", "--rawfile", "--argfile"], 2),
}
_LETTERS: Final = frozenset("srRjaCMScnebfhV0")
_FILES: Final = frozenset(["--slurpfile", "--rawfile", "--argfile"])
_POSITIONAL: Final = frozenset(["--args", "--jsonargs"])


class _Words:
    """jq's words, taken apart as jq does: options anywhere, ``--arg`` with two values, short ones bundled."""

    def __init__(self, words: tuple[Argument, ...]) -> None:
        self.options: list[Argument] = []
        self.operands: list[Argument] = []
        self.files: list[Argument] = []
        self.positional: list[Argument] = []
        self.from_file = False
        rest, kind = list(reversed(words)), ""
        while rest:
            word = rest.pop()
            if word.text == "--":
                (self.positional if kind else self.operands).extend(reversed(rest))
                break
            if word.text == "-" or not word.known_start.startswith("-"):
                (self.positional if kind and self.operands else self.operands).append(word)
            elif word.text in _POSITIONAL:
                kind = word.text
                self.positional.append(word)
            else:
                self._option(word, rest)

    def _option(self, word: Argument, rest: list[Argument]) -> None:
        name = sure("jq", word, "an option")
        if name.startswith("--"):
            if name not in _FLAGS:
                raise stop("jq", "unknown-option", f"jq: the option {name} is not known.")
            values = [rest.pop() for _ in range(min(_FLAGS[name], len(rest)))]
            if len(values) < _FLAGS[name] or any(value.many for value in values):
                raise stop(
                    "jq",
                    "open-option",
                    f"jq: the values of {name} must be exactly {_FLAGS[name]}; quote them.",
                )
            if name == "--indent" and not (values[0].text or "").isdigit():
                raise stop("jq", "option-value", "jq: --indent takes a number.")
            if name in _FILES:
                self.files.append(values[1])
            self.options += [word, *values]
        else:
            if not set(name[1:]) <= _LETTERS:
                raise stop("jq", "unknown-option", f"jq: the option {name} is not known.")
            self.options.append(word)
        self.from_file = self.from_file or name == "--from-file" or (name[1] != "-" and "f" in name)


def judge_jq(argv: tuple[Argument, ...], _form: Form, context: ShellContext, _again: Again) -> Finding:
    """Judge ``jq …``. Source: jq(1) of 1.5 to 1.8, and its main.c for how words are taken."""
    words = _Words(argv[1:])
    if not words.operands:
        return reads((*argv[:1], *words.options), "jq without a filter only shows its input.")
    program, files = words.operands[0], words.operands[1:]
    if words.from_file:
        # A filter can neither write nor run anything; it is only not to open a device.
        files = [program, *files]
        if program.many or program.known_start[:1] in ("", "-"):
            raise stop("jq", "open-word", "jq: the file of the filter must be written out.")
    else:
        text = unless_reads(judge_jq_filter(sure("jq", program, "the filter"))).text
        program = Argument(f"({text})" if text.startswith("-") else text)
    let_be_read("jq", (*files, *words.files), context)
    behind = words.operands[1:]
    if words.positional and not all(each.known_start[:1] not in ("", "-") for each in behind):
        raise stop("jq", "open-word", "jq: with --args, files must be written out.")
    ends = literals("--") if behind and not words.positional else ()
    positional = words.positional[:1]
    if len(words.positional) > 1:
        if any(
            each.text in _POSITIONAL or each.known_start[:1] in ("", "-") for each in words.positional[1:]
        ):
            raise stop("jq", "open-word", "jq: what follows --args must not look like an option.")
        positional = words.positional
    return reads(
        (*argv[:1], *words.options, program, *ends, *behind, *positional),
        "The jq filter only reads.",
        rule="shell.jq.read",
    )


_FORMATS: Final = (
    "word(auto|a|yaml|y|yml|json|j|props|p|properties|csv|c|tsv|t|xml|x|base64|uri|toml|shell|s|sh|lua|l|ini|i|hcl|h"
    "|kyaml|ky)"
)
YQ: Final = table(
    f"-P --prettyPrint  -o={_FORMATS} --output-format={_FORMATS}  -p={_FORMATS} --input-format={_FORMATS}",
    "-r --unwrapScalar",
    "-N --no-doc  -C --colors  -M --no-colors  -j --tojson  -n --null-input  -e --exit-status",
    "-I=number --indent=number  -0 --nul-output  -v --verbose  -h --help  -V --version  --header-preprocess",
    "--xml-attribute-prefix=  --xml-content-name=  --xml-directive-name=  --xml-keep-namespace",
    "--xml-raw-token",
    "--xml-proc-inst-prefix=  --xml-skip-directives  --xml-skip-proc-inst  --xml-strict-mode",
    "--csv-auto-parse",
    "--csv-separator=  --tsv-auto-parse  --properties-separator=  --properties-array-brackets  --lua-globals",
    "--lua-prefix=  --lua-suffix=  --lua-unquoted  --string-interpolation  --security-disable-env-ops",
    "--security-disable-file-ops  --expression=literal  --shell-key-separator=  --yaml-compact-seq-indent",
    "-y --yaml-output  -Y --yaml-roundtrip  -c --compact-output  -x --xml-output  -t --toml-output",
    "-S --sort-keys",
    "-w --width=number  --raw-output  -R --raw-input",
    no=(
        No("-i --inplace --in-place", "in-place", "edits files in place", Effect.WRITES_FILE),
        No("-s= --split-exp=  --split-exp-file=", "split", "writes files", Effect.WRITES_FILE),
        No(
            "--from-file=  -f= --front-matter=",
            "from-file",
            "reads its expression from a file, or splits files",
            Effect.UNKNOWN,
        ),
    ),
    style="pflag",
)
_SUBCOMMANDS: Final = frozenset(["eval", "e", "eval-all", "ea"])
_FILE: Final = re.compile(
    r"[A-Za-z0-9_./-]*[A-Za-z0-9_-]\.(ya?ml|json|toml|xml|properties|props|csv|tsv|lua|conf|cfg|lock)"
)


def judge_yq(argv: tuple[Argument, ...], _form: Form, context: ShellContext, _again: Again) -> Finding:
    """Judge ``yq …``, mikefarah's or the Python wrapper of jq.

    Source: mikefarah's yq 4 (cmd/root.go and its siblings), kislyuk's yq 3.
    """
    split = YQ.split("yq", argv[1:])
    if (told := about(YQ, argv[0], split, "-h", "-V")) is not None:
        return told
    operands = split.operands
    sub = operands[:1] if operands and operands[0].text in _SUBCOMMANDS else ()
    expression, files = _expression(split, operands[len(sub) :])
    program = unless_reads(judge_yq_expression(sure("yq", expression, "the expression")))
    let_be_read("yq", (*files, *(Argument(path) for path in program.reads)), context)
    closed = all(each.known_start[:1] not in ("", "-") or each.text == "-" for each in files)
    ends = () if closed and not program.text.startswith("-") else literals("--")
    return reads(
        (*argv[:1], *sub, *YQ.emit(split.without("--expression")), *ends, Argument(program.text), *files),
        "The yq expression only reads.",
        rule="shell.yq.read",
    )


def _expression(split: Split, operands: tuple[Argument, ...]) -> tuple[Argument, tuple[Argument, ...]]:
    """The expression and the files; yq takes a lone operand that is a file for the latter."""
    given = split.values("--expression")
    if given:
        return given[-1], operands
    if not operands:
        return Argument("."), ()
    first = operands[0]
    if (
        len(operands) == 1
        and (first.text is None or _FILE.fullmatch(first.text))
        and first.known_start[:1] != "-"
    ):
        return Argument("."), operands
    return first, operands[1:]
