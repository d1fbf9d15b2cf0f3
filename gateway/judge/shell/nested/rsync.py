"""rsync: the sending side of a copy from here, and what only lists."""

from __future__ import annotations

import re
from typing import Final

from gateway.judge.shell.argument import Argument
from gateway.judge.shell.commands import Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Effect, Finding, reads
from gateway.judge.shell.nested.about import about
from gateway.judge.shell.nested.files import let_be_read
from gateway.judge.shell.nested.shape import Again
from gateway.judge.shell.nested.stop import stop
from gateway.judge.shell.nested.table import No, sure, table

# Without s: with it, options and paths would come over the connection, unjudged.
_LETTERS: Final = re.compile(r"-[vlogDtprzcuHAXSdkLKRJxIWynqihNUO0mE]*(e[0-9]*\.[A-Za-z]*)?")
_LONG: Final = re.compile(
    r"--(numeric-ids|partial|inplace|append|append-verify|safe-links|copy-unsafe-links|copy-dest=.*|ignore-errors|list-only"
    r"|from0|no-implied-dirs|bwlimit=[0-9.A-Za-z]+|timeout=[0-9]+|contimeout=[0-9]+|compress-level=[0-9]+|zl=[0-9]+"
    r"|checksum-choice=[a-z0-9,]+|compress-choice=[a-z0-9]+|zc=[a-z0-9]+|new-compress|old-compress|checksum-seed=[0-9]+"
    r"|max-size=[0-9.A-Za-z+-]+|min-size=[0-9.A-Za-z+-]+|block-size=[0-9]+|log-format=(%i|X|i)|no-[rvlogDtpH]|stats"
    r"|specials|devices|dirs|links|times|one-file-system|skip-compress=[A-Za-z0-9/]*|size-only|ignore-times"
    r"|delete|delete-(before|during|after|delay|excluded)|max-delete=[0-9]+|force|existing|ignore-existing|update"
    r"|whole-file|no-whole-file|sparse|fuzzy|human-readable|no-inc-recursive|inc-recursive|mkpath|open-noatime)"
)
LOCAL: Final = table(
    "-n --dry-run  --list-only  -a --archive  -v --verbose  -i --itemize-changes  -r --recursive  "
    "-l --links  -t --times",
    "-p --perms  -o --owner  -g --group  -D  -H --hard-links  -A --acls  -X --xattrs  -c --checksum  "
    "-u --update  -x --one-file-system",
    "-z --compress  -h --human-readable  --delete  --delete-excluded  --exclude=  --include=  --stats  "
    "--progress  -P  --size-only",
    "-q --quiet  -d --dirs  -L --copy-links  -R --relative  --numeric-ids  -W --whole-file  "
    "-S --sparse  --existing  --ignore-existing",
    "--version -V  --help  --out-format=literal  -m --prune-empty-dirs  --max-size=  --min-size=  "
    "--no-owner  --no-group  --no-perms",
    no=(
        No("-e= --rsh=  --rsync-path=", "shell", "runs a program that it names"),
        No(
            "--log-file=  --write-batch=  --only-write-batch=  --remove-source-files",
            "output",
            "writes or removes files",
            Effect.WRITES_FILE,
        ),
        No("--daemon  --server  --sender", "server", "is not judged in that place", Effect.UNKNOWN),
    ),
)


def judge_rsync(argv: tuple[Argument, ...], _form: Form, context: ShellContext, _again: Again) -> Finding:
    """Judge ``rsync --server --sender …``, ``rsync -n …`` and ``rsync --list-only …``.

    Source: rsync(1), rsync's options.c (server_options), 3.0 to 3.4.
    """
    if len(argv) > 1 and argv[1].text == "--server":
        return _sending(argv, context)
    split = LOCAL.split("rsync", argv[1:])
    if (told := about(LOCAL, argv[0], split, "--version", "--help")) is not None:
        return told
    for word in split.operands:
        if word.known_start[:1] in ("", "-"):
            raise stop("rsync", "open-word", "rsync: write ./ before a name that may look like an option.")
        if ":" in word.known_start or (word.text is None and not word.known_start.startswith(("/", "./"))):
            raise stop("rsync", "remote", "rsync would speak to another host.", Effect.REACHES_OUT)
    if not split.has("-n") and not split.has("--list-only") and len(split.operands) != 1:
        raise stop("rsync", "copy", "rsync copies files; with -n it only tells which.", Effect.WRITES_FILE)
    only = () if split.has("-n") else (Argument("--dry-run"),)
    return reads(
        (*argv[:1], *only, *LOCAL.emit(split.given), *split.operands),
        "rsync only lists.",
        rule="shell.rsync.read",
    )


def _sending(argv: tuple[Argument, ...], context: ShellContext) -> Finding:
    words = [sure("rsync", word, "everything") for word in argv[1:]]
    if "." not in words or words[:2] != ["--server", "--sender"]:
        raise stop(
            "rsync", "receive", "rsync would write here; only its sending side reads.", Effect.WRITES_FILE
        )
    place = words.index(".")
    for option in words[2:place]:
        if not (_LETTERS.fullmatch(option) or _LONG.fullmatch(option)):
            raise stop("rsync", "option", f"rsync --server --sender: what {option} does is not known.")
    paths = argv[place + 2 :]
    if any(path.known_start.startswith("-") for path in paths):
        raise stop("rsync", "option", "rsync: a path must not begin with -.")
    let_be_read("rsync", paths, context)
    return reads(argv, "rsync only sends files from here.", rule="shell.rsync.read")
