"""tar: listing; extracting and packing to standard output."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gateway.judge.shell.argument import Argument, literals
from gateway.judge.shell.argv import one
from gateway.judge.shell.commands import Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Effect, Finding, reads
from gateway.judge.shell.nested.about import about
from gateway.judge.shell.nested.files import let_be_read
from gateway.judge.shell.nested.shape import Again
from gateway.judge.shell.nested.stop import stop
from gateway.judge.shell.nested.table import Given, No, Split, table
from gateway.judge.shell.tree import Text, Wild, Word
from gateway.judge.shell.undashed import undashed

_MAKES: Final = "-r --append  -u --update  -A --catenate --concatenate  --delete"
TAR: Final = table(
    "-c --create  -H= --format=literal  --pax-option=literal",
    "--mode=literal  --mtime=literal  --owner=literal",
    "--group=literal  --owner-map=path",
    "--group-map=path  -N= --newer= --after-date=literal  -V= --label=literal",
    "--newer-mtime=literal  --sort=literal  --clamp-mtime  --hard-dereference  --old-archive --portability",
    "--sparse-version=literal  --hole-detection=literal",
    "--exclude-ignore=literal  --exclude-caches  --exclude-caches-all",
    "--exclude-ignore-recursive=literal  --exclude-caches-under",
    "--exclude-tag=literal  --exclude-tag-all=literal",
    "--exclude-tag-under=literal  --exclude-vcs-ignores",
    "-t --list  -x --extract --get  -O --to-stdout  -f= --file=  -v --verbose  -z --gzip --gunzip --ungzip",
    "-j --bzip2  -J --xz  --lzip  --lzma  --lzop  --zstd  -Z --compress --uncompress  -a --auto-compress",
    "--no-auto-compress  -C= --directory=path  --exclude=  --exclude-vcs  --exclude-backups  "
    "-X= --exclude-from=path",
    "--wildcards  --no-wildcards  --wildcards-match-slash  --no-wildcards-match-slash  --anchored  "
    "--no-anchored",
    "--ignore-case  --no-ignore-case  --strip-components=number  --occurrence=?  -n --seek  --no-seek  "
    "-i --ignore-zeros",
    "-B --read-full-records  -b= --blocking-factor=number  --record-size=number  --numeric-owner  "
    "--full-time  --utc",
    "-R --block-number  --quoting-style=  --quote-chars=  --no-quote-chars=  --show-defaults  "
    "--show-omitted-dirs",
    "--show-transformed-names --show-stored-names  --totals=?  --warning=  --force-local  "
    "-p --preserve-permissions",
    "--same-permissions  --no-same-owner  --no-same-permissions  --same-owner  -m --touch  "
    "-k --keep-old-files",
    "--skip-old-files  --acls  --no-acls  --selinux  --no-selinux  --xattrs  --no-xattrs  --xattrs-include=",
    "--xattrs-exclude=  -P --absolute-names  -K= --starting-file=  -s --preserve-order --same-order  "
    "--recursion",
    "--no-recursion  --unquote  --no-unquote  --null  --no-null  --restrict  -o  -h --dereference  "
    "-S --sparse",
    "--transform= --xform=  --test-label  -d --diff --compare  --checkpoint=?  --help  --usage",
    "--version  --ignore-failed-read  -l --check-links  --posix  --one-file-system  "
    "-w --interactive --confirmation",
    no=(
        No(_MAKES, "make", "writes an archive", Effect.WRITES_FILE),
        No(
            "--remove-files  --index-file=  --volno-file=  -g= --listed-incremental=  --atime-preserve=?",
            "output",
            "writes or removes files",
            Effect.WRITES_FILE,
        ),
        No(
            "--to-command=  --checkpoint-action=  -I= --use-compress-program=  -F= --info-script="
            " --new-volume-script=  --rsh-command=  --rmt-command=",
            "command",
            "runs a program",
        ),
        No(
            "-T= --files-from=  --verbatim-files-from",
            "files-from",
            "takes options from a file",
            Effect.UNKNOWN,
        ),
        No(
            "-M --multi-volume  -L= --tape-length=  --backup=?  --suffix=  --overwrite  --overwrite-dir  -U"
            " --unlink-first  --recursive-unlink  --keep-newer-files  --keep-directory-symlink"
            "  --no-overwrite-dir  --one-top-level=?  --delay-directory-restore  --no-delay-directory-restore"
            "  -G --incremental  --level=  --add-file=  -W --verify  --check-device  --no-check-device"
            "  --ignore-command-error  --no-ignore-command-error  --no-verbatim-files-from"
            "  --show-snapshot-field-ranges",
            "unknown-option",
            "is not judged",
            Effect.UNKNOWN,
        ),
    ),
)


def judge_tar(argv: tuple[Argument, ...], _form: Form, context: ShellContext, _again: Again) -> Finding:
    """Judge ``tar …``: ``-t``, ``-d``, ``-xO`` and ``-cf -`` read.

    Source: tar(1) of GNU tar 1.26 to 1.35, and of busybox.
    """
    split = TAR.split("tar", _dashed(argv[1:]))
    if (told := about(TAR, argv[0], split, "--help", "--usage", "--version", "--show-defaults")) is not None:
        return told
    modes = [mode for mode in ("-c", "-t", "-x", "-d", "--test-label") if split.has(mode)]
    if len(modes) != 1:
        raise stop("tar", "mode", "tar: exactly one of -t, -x, -d and -c must be given.")
    if modes == ["-x"] and not split.has("-O"):
        raise stop(
            "tar", "extract", "tar -x writes the archive's files; with -O it prints them.", Effect.WRITES_FILE
        )
    split = _spread(split, argv)
    archives = {each.text for each in split.values("-f")}
    if modes == ["-c"] and archives != {"-"}:
        raise stop("tar", "make", "tar -c writes an archive; with -f - it prints it.", Effect.WRITES_FILE)
    for archive in split.values("-f"):
        if ":" in (archive.text or "") and "/" not in (archive.text or "").partition(":")[0]:
            raise stop(
                "tar", "remote", "tar would take that for an archive on another host.", Effect.REACHES_OUT
            )
    let_be_read("tar", (each for each in split.values("-f") if each.text != "-"), context)
    operands = split.operands
    if modes == ["-c"]:
        let_be_read("tar", operands, context)
    for operand in operands:
        if operand.text is not None and operand.text.startswith("-"):
            raise stop("tar", "operand", "tar: a name that begins with - is taken for an option.")
    # A name that expands could be one of another host.
    local = literals("--force-local") if None in archives else ()
    return reads(
        (*argv[:1], *local, *TAR.emit(split.given), *(literals("--") if operands else ()), *operands),
        "tar only reads the archive.",
        rule="shell.tar.read",
    )


def _spread(split: Split, argv: tuple[Argument, ...]) -> Split:
    """Let an archive's name with wildcards be what it becomes: first the archive, then members of it."""
    quoted = ((one(each), _spreading(each)) for each in argv)
    by_word = {word.word: words for word, words in quoted if word is not None and words is not None}

    def spread(each: Given) -> Given:
        if "-f" not in each.option.names or each.value is None:
            return each
        return replace(each, value=by_word.get(each.value.word, each.value))

    return replace(split, given=tuple(map(spread, split.given)))


def _spreading(argument: Argument) -> Argument | None:
    """Return text and wildcards as words none of which is an option; None where it is anything else."""
    parts = argument.word.parts if isinstance(argument.word, Word) else ()
    if not argument.many or not all(isinstance(part, Text | Wild) for part in parts):
        return None
    sure = argument.known_start and not argument.known_start.startswith("-")
    return argument if sure else undashed(argument)


def _dashed(words: tuple[Argument, ...]) -> tuple[Argument, ...]:
    """Write an old bundle without its dash, whose values follow in its letters' order, as options."""
    if not words or words[0].text is None or not words[0].text or words[0].text.startswith("-"):
        return words
    made: list[Argument] = []
    rest = list(words[1:])
    for letter in words[0].text:
        option = TAR.by_name.get(f"-{letter}")
        if option is None:
            raise stop("tar", "unknown-option", f"tar: the letter {letter} is not known.")
        made.append(Argument(f"-{letter}"))
        if option.takes == "value":
            if not rest or (rest[0].known_start.startswith("-") and rest[0].text != "-"):
                raise stop("tar", "option-value", f"tar: {letter} needs a value.")
            made.append(rest.pop(0))
    return (*made, *rest)
