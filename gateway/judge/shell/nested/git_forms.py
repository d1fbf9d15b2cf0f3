"""git's subcommands that read in some of their forms only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from gateway.judge.shell.argument import Argument, literals
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Effect
from gateway.judge.shell.nested import git_options as options
from gateway.judge.shell.nested.git_words import (
    OBJECT,
    RANGE,
    REVISION,
    by_table,
    joined,
    kept_apart,
    numbered,
    surely_operand,
)
from gateway.judge.shell.nested.stop import Stop, stop
from gateway.judge.shell.nested.table import Split, Table, sure

Words = tuple[Argument, ...]
GitForm = Callable[[Words, ShellContext], tuple[str, Words]]
"""(words behind the subcommand, context) → the subcommand to run, and the words behind it."""

_DRIVERS: Final = literals("--no-ext-diff", "--no-textconv")
_FILTERS: Final = ("--contains", "--no-contains", "--merged", "--no-merged", "--points-at")


def _writes(name: str, what: str) -> Stop:
    return stop("git", name.replace(" ", "-"), f"git {name} {what}.", Effect.CHANGES_DATA)


def _work_tree(name: str, context: ShellContext) -> None:
    """Let a subcommand look at the work tree, under the guard only.

    Filters that the repository names run on its files then, and no setting keeps all of them off.
    """
    if not context.guarded:
        raise stop(
            "git",
            "work-tree",
            f"git {name} would run filters that the repository names; outside the guard, name two revisions.",
            Effect.RUNS_CODE,
        )


def _first(words: Words) -> str:
    return words[0].text or "" if words else ""


def _closed(name: str, table: Table, words: Words, *, most: int | None = None) -> Split:
    split = table.split(f"git {name}", words)
    if most is not None and (len(split.operands) > most or any(each.many for each in split.operands)):
        raise stop("git", "operands", f"git {name}: more operands than it reads with.")
    return split


def _status(words: Words, context: ShellContext) -> tuple[str, Words]:
    _work_tree("status", context)
    return "status", by_table("status", options.STATUS, words)


def _diff(words: Words, context: ShellContext) -> tuple[str, Words]:
    split = options.DIFF.split("git diff", numbered("diff", words))
    rest = kept_apart("diff", options.DIFF, split)
    count = len(split.operands) if split.before is None else split.before
    texts = [each.text or "" for each in split.operands[:count]]
    two = count == 2 and all(OBJECT.fullmatch(text) for text in texts)
    if not split.has("--no-index") and (
        split.has("--cached") or two or (count == 1 and RANGE.fullmatch(texts[0]))
    ):
        if context.guarded:
            return "diff", (*_DRIVERS, *rest)
        paths = () if split.before is not None else literals("--")
        return "diff", (*_DRIVERS, *rest, *paths)
    _work_tree("diff", context)
    return "diff", (*_DRIVERS, *rest)


def _diff_index(words: Words, context: ShellContext) -> tuple[str, Words]:
    split = options.DIFF_TREE.split("git diff-index", words)
    if not split.has("--cached"):
        _work_tree("diff-index", context)
    return "diff-index", (*_DRIVERS, *kept_apart("diff-index", options.DIFF_TREE, split))


def _diff_files(words: Words, context: ShellContext) -> tuple[str, Words]:
    _work_tree("diff-files", context)
    return "diff-files", (*_DRIVERS, *by_table("diff-files", options.DIFF, words))


def _blame(words: Words, context: ShellContext) -> tuple[str, Words]:
    split = options.BLAME.split("git blame", words)
    given, operands = options.BLAME.emit(split.given), split.operands
    of_objects = len(operands) == 2 and split.before in (None, 1) and not split.has("--contents")
    if of_objects and (REVISION.fullmatch(operands[0].text or "") or RANGE.fullmatch(operands[0].text or "")):
        return "blame", (*literals("--no-textconv"), *given, operands[0], *literals("--"), operands[1])
    _work_tree("blame", context)
    return "blame", (*literals("--no-textconv"), *kept_apart("blame", options.BLAME, split))


def _describe(words: Words, context: ShellContext) -> tuple[str, Words]:
    split = options.DESCRIBE.split("git describe", words)
    if split.has("--dirty") or split.has("--broken"):
        _work_tree("describe", context)
    return "describe", kept_apart("describe", options.DESCRIBE, split)


def _ls_files(words: Words, context: ShellContext) -> tuple[str, Words]:
    split = options.LS_FILES.split("git ls-files", words)
    if split.has("-m") or split.has("--eol"):
        _work_tree("ls-files", context)
    return "ls-files", kept_apart("ls-files", options.LS_FILES, split)


def _listing(name: str, table: Table, listing: tuple[str, ...]) -> GitForm:
    """Return the form that lists branches or tags; a name without a listing option would make one."""

    def form(words: Words, _context: ShellContext) -> tuple[str, Words]:
        split = table.split(f"git {name}", joined(words, "HEAD", *_FILTERS))
        if split.has("--show-current"):
            return name, literals("--show-current")
        if split.operands and not any(split.has(each) for each in (*listing, *_FILTERS)):
            raise _writes(name, f"makes a {name}")
        given = table.emit(split.without("-l"))
        ends = literals("--") if split.operands else ()
        return name, (*literals("--list"), *given, *ends, *split.operands)

    return form


def _rev_parse(words: Words, _context: ShellContext) -> tuple[str, Words]:
    split = options.REV_PARSE.split("git rev-parse", words)
    if not all(surely_operand(each) for each in split.operands):
        return "rev-parse", kept_apart("rev-parse", options.REV_PARSE, split)
    return "rev-parse", words


def _config(words: Words, _context: ShellContext) -> tuple[str, Words]:
    sub = _first(words)
    if sub in ("set", "unset", "rename-section", "remove-section"):
        raise _writes(f"config {sub}", "changes the configuration")
    if sub == "edit":
        raise stop("git", "edit", "git config edit opens an editor.", Effect.OPENS_DOOR)
    words = words[1:] if sub in ("list", "get") else words
    split = _closed("config", options.CONFIG, words, most=3)
    for each in _named(split.operands):
        sure("git config", each, "the name")
    modes = ("--get", "--get-all", "--get-regexp", "--get-urlmatch", "--get-color", "--get-colorbool", "-l")
    given = options.CONFIG.emit(split.given)
    if sub == "list" or split.has("-l"):
        listing = () if split.has("-l") else literals("--list")
        return "config", (*listing, *given)
    if sub != "get" and not any(split.has(each) for each in modes):
        if len(split.operands) != 1:
            raise _writes("config", "changes the configuration")
        return "config", (*given, *literals("--get"), *split.operands)
    if sub == "get":
        mode = literals(
            "--get-regexp" if split.has("--regexp") else "--get-all" if split.has("--all") else "--get"
        )
        return "config", (*options.CONFIG.emit(split.without("--all", "--regexp")), *mode, *split.operands)
    return "config", (*given, *split.operands)


def _remote(words: Words, _context: ShellContext) -> tuple[str, Words]:
    split = _closed("remote", options.PLAIN, words)
    given, sub = options.PLAIN.emit(split.without("-n")), _first(split.operands)
    if not split.operands:
        return "remote", given
    if sub == "show":
        return "remote", (*literals("show", "-n"), *_named(split.operands[1:]))
    if sub == "get-url":
        return "remote", (*literals("get-url"), *given, *_named(split.operands[1:]))
    raise _writes(f"remote {sub}".strip(), "changes the repository's remotes, or asks one")


def _named(words: Words) -> Words:
    for word in words:
        if not surely_operand(word):
            raise stop("git", "open-word", "git: the name must be written out.")
    return words


def _stash(words: Words, _context: ShellContext) -> tuple[str, Words]:
    sub = _first(words)
    if sub == "list":
        return "stash", (
            *literals("list"),
            *_DRIVERS,
            *by_table("stash list", options.LOG, numbered("stash", words[1:])),
        )
    if sub == "show":
        shown = options.DIFF + options.STASH_SHOW
        return "stash", (*literals("show"), *_DRIVERS, *by_table("stash show", shown, words[1:]))
    raise _writes("stash", "changes the repository and its work tree")


def _reflog(words: Words, _context: ShellContext) -> tuple[str, Words]:
    sub = _first(words)
    if sub in ("expire", "delete", "drop", "write"):
        raise _writes(f"reflog {sub}", "removes entries of the log")
    if sub in ("exists", "list"):
        return "reflog", (*literals(sub), *_named(words[1:]))
    rest = words[1:] if sub == "show" else words
    return "reflog", (
        *literals("show"),
        *_DRIVERS,
        *by_table("reflog", options.LOG, numbered("reflog", rest)),
    )


def _only(
    name: str, table: Table, reading: tuple[str, ...], *, bare: str = "", guard: bool = False
) -> GitForm:
    """Return the form of a subcommand that reads with some subcommands of its own."""

    def form(words: Words, context: ShellContext) -> tuple[str, Words]:
        named = [word for word in words if surely_operand(word)]
        sub = _first(tuple(named)) or ("" if named else bare)
        if sub in ("foreach", "run", "view", "visualize"):
            raise stop("git", sub, f"git {name} {sub} runs commands that aren't judged.", Effect.RUNS_CODE)
        if sub not in reading:
            raise _writes(f"{name} {sub}".strip(), "is no read")
        split = table.split(f"git {name}", words)
        if guard:
            _work_tree(name, context)
        return name, (*literals(sub), *table.emit(split.given), *_named(split.operands[1:]))

    return form


def _ls_remote(words: Words, _context: ShellContext) -> tuple[str, Words]:
    split = options.LS_REMOTE.split("git ls-remote", words)
    if not _first(split.operands).startswith("/"):
        raise stop(
            "git",
            "ls-remote",
            "git ls-remote asks another server; with an absolute path it reads that repository.",
            Effect.REACHES_OUT,
        )
    # A remote of that name may name a program to ask it with.
    asked = literals("--upload-pack=git-upload-pack")
    return "ls-remote", (*options.LS_REMOTE.emit(split.given), *asked, *literals("--"), *split.operands)


def _symbolic_ref(words: Words, _context: ShellContext) -> tuple[str, Words]:
    split = _closed("symbolic-ref", options.SYMBOLIC_REF, words)
    if len(split.operands) != 1 or split.operands[0].many:
        raise _writes("symbolic-ref", "changes a reference")
    return "symbolic-ref", (*options.SYMBOLIC_REF.emit(split.given), *_named(split.operands))


def _hash_object(words: Words, context: ShellContext) -> tuple[str, Words]:
    rest = by_table("hash-object", options.HASH_OBJECT, words)
    _work_tree("hash-object", context)
    return "hash-object", rest


def _archive(words: Words, context: ShellContext) -> tuple[str, Words]:
    """Files pass filters on their way into an archive as they would into a work tree."""
    rest = by_table("archive", options.ARCHIVE, words)
    _work_tree("archive", context)
    return "archive", (*literals("--format=tar"), *rest)


def _var(words: Words, _context: ShellContext) -> tuple[str, Words]:
    if len(words) != 1:
        raise stop("git", "operands", "git var takes -l or a name.")
    return "var", literals(sure("git var", words[0], "the name"))


FORMS: Final[Mapping[str, GitForm]] = {
    "status": _status,
    "diff": _diff,
    "diff-index": _diff_index,
    "diff-files": _diff_files,
    "blame": _blame,
    "annotate": _blame,
    "describe": _describe,
    "ls-files": _ls_files,
    "branch": _listing("branch", options.BRANCH, ("-l",)),
    "tag": _listing("tag", options.TAG, ("-l", "-n")),
    "rev-parse": _rev_parse,
    "config": _config,
    "remote": _remote,
    "stash": _stash,
    "reflog": _reflog,
    "worktree": _only("worktree", options.PLAIN, ("list",)),
    "notes": _only("notes", options.PLAIN, ("list", "show"), bare="list"),
    "bisect": _only("bisect", options.PLAIN, ("log",)),
    "bundle": _only("bundle", options.PLAIN, ("verify", "list-heads")),
    "sparse-checkout": _only("sparse-checkout", options.PLAIN, ("list",)),
    "submodule": _only("submodule", options.PLAIN, ("status", "summary"), bare="status", guard=True),
    "ls-remote": _ls_remote,
    "symbolic-ref": _symbolic_ref,
    "hash-object": _hash_object,
    "archive": _archive,
    "var": _var,
}
