"""ps, top, less and man: what fills a screen, in forms whose keys do nothing but look."""

from __future__ import annotations

import re
from typing import Final

from gateway.judge.shell.argument import Argument, literals
from gateway.judge.shell.commands import Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Effect, Finding, reads
from gateway.judge.shell.nested.files import let_be_read
from gateway.judge.shell.nested.shape import Again
from gateway.judge.shell.nested.stop import stop
from gateway.judge.shell.nested.table import No, sure, table

# Configurations of these programs name commands, and their keys write them.
_HOMELESS: Final = ("env", "HOME=/nonexistent", "XDG_CONFIG_HOME=/nonexistent")

TOP: Final = table(
    "-b --batch --batch-mode  -c --cmdline-toggle  -d= --delay=number  -E= --scale-summary-mem=literal",
    "-e= --scale-task-mem=literal  -H --threads-show  -i --idle-toggle  -n= --iterations=number  "
    "-O --list-fields",
    "-o= --sort-override=literal  -p= --pid=text  -s --secure-mode  -S --accum-time-toggle",
    "-u= --filter-only-euser=text  -U= --filter-any-user=text  -w=?number --width=?number  "
    "-1 --single-cpu-toggle",
    "-A --apply-defaults  -h --help  -v -V --version",
)
LESS: Final = table(
    "-a --search-skip-screen  -A --SEARCH-SKIP-SCREEN  -b= --buffers=number  -B --auto-buffers  "
    "-c --clear-screen",
    "-C --CLEAR-SCREEN  -d --dumb  -e --quit-at-eof  -E --QUIT-AT-EOF  -F --quit-if-one-screen  "
    "-g --hilite-search",
    "-G --HILITE-SEARCH  -h= --max-back-scroll=number  -i --ignore-case  -I --IGNORE-CASE  "
    "-j= --jump-target=literal",
    "-J --status-column  -K --quit-on-intr  -L --no-lessopen  -m --long-prompt  -M --LONG-PROMPT  "
    "-n --line-numbers",
    "-N --LINE-NUMBERS  -p= --pattern=literal  -q --quiet --silent  -Q --QUIET --SILENT  "
    "-r --raw-control-chars",
    "-R --RAW-CONTROL-CHARS  -s --squeeze-blank-lines  -S --chop-long-lines  -u --underline-special  "
    "-U --UNDERLINE-SPECIAL",
    "-V --version  -w --hilite-unread  -W --HILITE-UNREAD  -x= --tabs=literal  -X --no-init  "
    "-y= --max-forw-scroll=number",
    "-z= --window=number  -~ --tilde  -# --shift=number  --mouse  --MOUSE  --follow-name  --incsearch  "
    "--line-num-width=number",
    "--no-keypad  --no-histdups  --redraw-on-quit  --rscroll=literal  --save-marks  "
    "--status-col-width=number  --use-backslash",
    "--use-color  --wheel-lines=number  --wordwrap  --header=literal  --file-size  --modelines=number  "
    "--exit-follow-on-close",
    "--no-number-headers  --no-search-headers  --proc-backspace  --proc-return  --proc-tab  "
    "--show-preproc-errors  --search-options=literal",
    no=(
        No("-o= --log-file=  -O= --LOG-FILE=", "log", "writes a file", Effect.WRITES_FILE),
        No("-k= --lesskey-file=  --lesskey-src=  --lesskey-content=", "keys", "gives keys other meanings"),
        No(
            '-t= --tag=  -T= --tag-file=  -P= --prompt=  -D= --color=  -f --force  -? --help  -" --quotes=',
            "unknown-option",
            "is not judged",
            Effect.UNKNOWN,
        ),
    ),
    style="exact",
)
_START: Final = re.compile(r"\+(F|G|[0-9]+[gG%]?|[/?][^!|\n]*)")
MAN: Final = table(
    "-k --apropos  -f --whatis  -w --where --path --location  -W --where-cat --location-cat  -a --all  "
    "-i --ignore-case",
    "-I --match-case  -s= -S= --sections=literal  -L= --locale=literal  -e= --extension=literal  "
    "-E= --encoding=literal",
    "--regex  --wildcard  --names-only  --no-subpages  --no-hyphenation --nh  --no-justification --nj  "
    "-7 --ascii",
    "-h --help  --usage  -V --version  -d --debug  -K --global-apropos",
    no=(
        No("-P= --pager=  -H=? --html=?  -X=? --gxditview=?", "pager", "runs a program that it names"),
        No(
            "-C= --config-file=  -M= --manpath=  -l --local-file  -m= --systems=  -p= --preprocessor=  "
            "-T=? --troff-device=?"
            "  -t --troff  -Z --ditroff  -r= --prompt=  -R= --recode=  --warnings=?  -D --default",
            "unknown-option",
            "is not judged",
            Effect.UNKNOWN,
        ),
        No("-u --update  -c --catman", "cache", "writes caches", Effect.WRITES_FILE),
    ),
)
_PAGE: Final = re.compile(r"[A-Za-z0-9_.:+@\[-]+|[0-9][a-z]*")


def judge_ps(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, _again: Again) -> Finding:
    """Judge ``ps …``: it has no option, in any of its styles, that does more than show.

    Source: ps(1) of procps and busybox.
    """
    return reads(argv, "ps only shows processes.", rule="shell.ps.read", profile="procs")


def judge_top(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, _again: Again) -> Finding:
    """Judge ``top …``: in batches as it is; with keys in secure mode, without a configuration.

    Source: top(1) of procps 3.3 and 4.
    """
    split = TOP.split("top", _joined_width(_bundled(argv[1:])))
    if split.operands:
        raise stop("top", "operand", "top: an operand is not known.")
    if split.has("-b") or split.has("-h") or split.has("-v") or split.has("-O"):
        return reads((*argv[:1], *TOP.emit(split.given)), "top only shows processes.", profile="procs")
    secure = (*literals(*_HOMELESS), *argv[:1], *literals("-s"), *TOP.emit(split.without("-s")))
    return reads(secure, "top in secure mode only shows processes.", profile="procs")


def _bundled(words: tuple[Argument, ...]) -> tuple[Argument, ...]:
    """Give the first word of letters its dash, which top takes for granted (``top bn1``)."""
    first = words[0].text if words else None
    if first and re.fullmatch(r"[bcHiS]+(n[0-9]+)?", first):
        return (Argument(f"-{first}"), *words[1:])
    return words


def _joined_width(words: tuple[Argument, ...]) -> tuple[Argument, ...]:
    """Join ``-w`` with the number behind it, where there is one."""
    made: list[Argument] = []
    for word in words:
        if (
            word.text is not None
            and word.text.isdigit()
            and made
            and re.fullmatch(r"-[bcHiS]*w", made[-1].text or "")
        ):
            made[-1] = Argument(f"{made[-1].text}{word.text}")
        else:
            made.append(word)
    return tuple(made)


def judge_less(argv: tuple[Argument, ...], _form: Form, context: ShellContext, _again: Again) -> Finding:
    """Judge ``less …``: in its secure mode. Source: less(1)."""
    starts = tuple(word for word in argv[1:] if word.text is not None and _START.fullmatch(word.text))
    split = LESS.split("less", tuple(word for word in argv[1:] if word not in starts))
    files = split.operands
    if any(word.known_start.startswith("+") for word in files):
        raise stop("less", "command", "less: that command at its start is not known to look only.")
    let_be_read("less", files, context)
    secure = literals("env", "LESSSECURE=1", "LESSHISTFILE=-", "LESSOPEN=")
    ends = literals("--") if files else ()
    return reads(
        (*secure, *argv[:1], *LESS.emit(split.given), *starts, *ends, *files),
        "less in its secure mode only shows.",
        rule="shell.less.read",
    )


def judge_man(argv: tuple[Argument, ...], _form: Form, context: ShellContext, _again: Again) -> Finding:
    """Judge ``man …``: with a pager in its secure mode. Source: man(1) of man-db, mandoc and busybox."""
    split = MAN.split("man", argv[1:])
    for page in split.operands:
        if not _PAGE.fullmatch(sure("man", page, "the page")):
            raise stop("man", "page", "man: only pages by name are shown.")
    pager = "less" if context.terminal else "cat"
    variables = ("LESSSECURE=1", "LESSHISTFILE=-", "LESSOPEN=", f"MANPAGER={pager}", f"PAGER={pager}")
    return reads(
        (*literals("env", *variables), *argv[:1], *MAN.emit(split.given), *split.operands),
        "man only shows a page.",
        rule="shell.man.read",
    )
