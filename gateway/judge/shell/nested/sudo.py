"""sudo and doas: as another user, without a password, a command that is judged in turn."""

from __future__ import annotations

import re
from typing import Final

from gateway.judge.shell.argument import Argument, literals
from gateway.judge.shell.commands import Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Effect, Finding, reads
from gateway.judge.shell.nested.about import about
from gateway.judge.shell.nested.shape import Again
from gateway.judge.shell.nested.stop import stop, unless_allowed
from gateway.judge.shell.nested.table import No, Split, sure, table
from gateway.judge.shell.nested.variables import is_assignment, let_be_set

# Dropped on emission: nothing prompts, the environment is the gateway's own, and a command that is judged
# needs no shell around it, whose files nobody judges.
_DROPPED: Final = ("-n", "-E", "--preserve-env", "-B", "-p", "-k", "-i", "-s")

SUDO: Final = table(
    "-n --non-interactive  -u= --user=literal  -g= --group=literal  -H --set-home  -P --preserve-groups",
    "-E  --preserve-env=?  -B --bell  -p= --prompt=  -C= --close-from=number  -T= --command-timeout=number",
    "-i --login  -s --shell  -l --list  -U= --other-user=literal  -V --version  --help  -k --reset-timestamp",
    no=(
        No("-e --edit", "edit", "edits files", Effect.WRITES_FILE),
        No("-A --askpass  -S --stdin", "password", "asks for a password; a login is let through without"),
        No(
            "-v --validate  -K --remove-timestamp  -N --no-update", "timestamp", "changes what sudo remembers"
        ),
        No("-b --background", "background", "leaves the command running"),
        No("-D= --chdir=  -R= --chroot=", "folder", "runs the command somewhere else"),
        No("-h= --host=", "host", "runs the command on another host", Effect.REACHES_OUT),
        No(
            "-r= --role=  -t= --type=  -c= --login-class=  -a= --auth-type=",
            "context",
            "changes what it may do",
        ),
    ),
    first=True,
)
DOAS: Final = table(
    "-n  -u=literal",
    no=(
        No("-s", "shell", "runs a shell", Effect.OPENS_DOOR),
        No("-C=  -L", "settings", "is not judged", Effect.UNKNOWN),
    ),
    first=True,
)

_USER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\$?|#[0-9]+")


def judge_sudo(argv: tuple[Argument, ...], _form: Form, context: ShellContext, again: Again) -> Finding:
    """Judge ``sudo … command``; it is emitted with ``-n``, without what would prompt and without a shell.

    Source: sudo(8).
    """
    if not context.sudo:
        raise stop("sudo", "off", "This endpoint lets nothing run through sudo.")
    # With anything behind it, -h takes a host.
    if len(argv) == 2 and argv[1].text == "-h":
        return reads((*argv[:1], Argument("--help")), "sudo --help only prints how it is used.")
    split = SUDO.split("sudo", argv[1:])
    if (told := about(SUDO, argv[0], split, "-V", "--help")) is not None:
        return told
    _check_names("sudo", split)
    kept = (*argv[:1], Argument("-n"), *SUDO.emit(split.without(*_DROPPED)))
    if split.has("-l"):
        return reads((*kept, Argument("--"), *split.operands), "sudo -l only lists what a user may do.")
    if split.has("-U"):
        raise stop("sudo", "other-user", "sudo: -U goes with -l only.")
    changed = _changed(split)
    if changed is not None:
        user, line = changed
        return _command("sudo", (*kept, *user), (*literals("sh", "-c"), line), again)
    return _command("sudo", kept, split.operands, again)


def _changed(split: Split) -> tuple[tuple[Argument, ...], Argument] | None:
    """Of ``sudo su - USER -c LINE`` who runs which line; None of everything else.

    Root's su asks for no password, and the shell that it would start reads files that nobody judges.
    """
    texts = [each.text for each in split.operands]
    if split.has("-u") or split.has("-g") or texts[:1] != ["su"] or len(texts) < 3:
        return None
    rest = [each for each in texts[1:-2] if each not in ("-", "-l", "--login")]
    if texts[-2] not in ("-c", "--command") or len(rest) > 1 or not all(map(_is_user, rest)):
        return None
    user = literals("-u", *(each for each in rest if each)) if rest else ()
    return user, split.operands[-1]


def _is_user(text: str | None) -> bool:
    return text is not None and _USER.fullmatch(text) is not None and not text.startswith("#")


def judge_doas(argv: tuple[Argument, ...], _form: Form, context: ShellContext, again: Again) -> Finding:
    """Judge ``doas … command``; it is emitted with ``-n``.

    Source: doas(1).
    """
    if not context.sudo:
        raise stop("doas", "off", "This endpoint lets nothing run through doas.")
    split = DOAS.split("doas", argv[1:])
    _check_names("doas", split)
    return _command(
        "doas", (*argv[:1], Argument("-n"), *DOAS.emit(split.without("-n"))), split.operands, again
    )


def _check_names(command: str, split: Split) -> None:
    for option in ("-u", "-g", "-U"):
        for value in split.values(option):
            if not _USER.fullmatch(sure(command, value, "the user")):
                raise stop(command, "user", f"{command}: {value.text} is no user's name.")


def _command(
    command: str, kept: tuple[Argument, ...], operands: tuple[Argument, ...], again: Again
) -> Finding:
    count = next((place for place, each in enumerate(operands) if not is_assignment(each)), len(operands))
    variables = tuple(let_be_set(command, each) for each in operands[:count])
    if count == len(operands):
        raise stop(command, "no-command", f"{command}: there is no command to run.", Effect.OPENS_DOOR)
    words = operands[count:]
    if variables:
        words = (*literals("env"), *variables, *words)
    inner = unless_allowed(again.unguarded().argv(words))
    return reads(
        (*kept, Argument("--"), *inner.argv) if command == "sudo" else (*kept, *inner.argv),
        f"{command}: {inner.verdict.reason}",
        effect=inner.effect,
        profile=inner.profile,
        nested=(inner,),
    )
