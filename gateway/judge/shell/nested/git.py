"""git: reads of objects, refs and configuration, hardened against what a repository names to be run."""

from __future__ import annotations

import re
from typing import Final

from gateway.judge.shell.argument import Argument, literals
from gateway.judge.shell.commands import Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Effect, Finding, reads
from gateway.judge.shell.nested import git_options as options
from gateway.judge.shell.nested.git_forms import FORMS
from gateway.judge.shell.nested.git_words import by_table, numbered
from gateway.judge.shell.nested.shape import Again
from gateway.judge.shell.nested.stop import stop
from gateway.judge.shell.nested.table import No, sure, table

GLOBAL: Final = table(
    "-C=path  -p --paginate  -P --no-pager  --git-dir=path  --work-tree=path  --bare  --no-optional-locks",
    "--literal-pathspecs  --glob-pathspecs  --noglob-pathspecs  --icase-pathspecs  --no-replace-objects",
    "--no-lazy-fetch  --no-advice  --attr-source=  --namespace=  -c=literal  -v --version  -h --help",
    "--html-path  --man-path  --info-path",
    no=(No("--exec-path=  --config-env=", "exec-path", "names programs to run"),),
    style="exact",
    first=True,
)
_ABOUT: Final = ("--version", "--help", "--html-path", "--man-path", "--info-path")
_DROPPED: Final = ("-c", "-p", "-P", "--no-optional-locks")

# What a repository's configuration could otherwise have run while objects and refs are read.
HARDENING: Final = (
    *("-c", "core.fsmonitor=", "-c", "core.hooksPath=/dev/null", "-c", "core.pager=cat"),
    *("-c", "protocol.allow=never", "-c", "log.showSignature=false", "-c", "log.diffMerges=separate"),
    *("-c", "gpg.program=false", "-c", "gpg.openpgp.program=false", "-c", "gpg.x509.program=false"),
    *("-c", "gpg.ssh.program=false", "-c", "gpg.ssh.defaultKeyCommand=", "-c", "diff.submodule=short"),
    *("-c", "status.submoduleSummary=false", "--no-pager", "--no-optional-locks"),
)
_SETTING: Final = re.compile(
    r"(?i:(color|column)\.[a-z.-]+|log\.(date|decorate|abbrevcommit|follow|mailmap)|core\.(abbrev|quotepath|ignorecase)"
    r"|diff\.(algorithm|context|interhunkcontext|mnemonicprefix|noprefix|renamelimit|renames|statgraphwidth|wordregex)"
    r"|status\.(branch|short|showuntrackedfiles|relativepaths)|grep\.[a-z]+|blame\.(date|showemail|showroot|coloring)"
    r"|i18n\.logoutputencoding|versionsort\.suffix|(tag|branch)\.sort|advice\.[a-z]+)=[^\n]*"
    r"|(?i:safe\.directory)=[^\n]*|(?i:core\.pager)=(cat)?"
)

_DRIVERS: Final = ("--no-ext-diff", "--no-textconv")
_OBJECTS: Final = {
    **dict.fromkeys(["log", "show", "whatchanged"], (options.LOG, _DRIVERS)),
    "rev-list": (options.REV_LIST, ()),
    "shortlog": (options.SHORTLOG, ()),
    "ls-tree": (options.LS_TREE, ()),
    "for-each-ref": (options.FOR_EACH_REF, ()),
    "show-ref": (options.SHOW_REF, ()),
    "cat-file": (options.CAT_FILE, ()),
    "name-rev": (options.NAME_REV, ()),
    "merge-base": (options.MERGE_BASE, ()),
    "show-branch": (options.SHOW_BRANCH, ()),
    "count-objects": (options.COUNT, ()),
    "fsck": (options.FSCK, ()),
    "diff-tree": (options.DIFF_TREE, _DRIVERS),
    "grep": (options.GREP, ("--no-textconv",)),
    "upload-pack": (options.UPLOAD_PACK, ()),
    **dict.fromkeys(["check-ignore", "check-attr", "check-mailmap"], (options.CHECK, ())),
    **dict.fromkeys(["cherry", "verify-pack", "version", "get-tar-commit-id"], (options.PLAIN, ())),
}
_WRITERS: Final = """
    add am apply checkout cherry-pick clean clone commit commit-graph commit-tree fast-export
    fast-import fetch fetch-pack format-patch gc init init-db maintenance merge merge-file mktag
    mktree multi-pack-index mv pack-objects pack-redundant pack-refs prune prune-packed pull push read-tree
    rebase receive-pack repack replace replay reset restore revert rm send-pack stage switch
    unpack-file unpack-objects update-index update-ref update-server-info write-tree backfill
    index-pack refs
"""


def judge_git(argv: tuple[Argument, ...], _form: Form, context: ShellContext, _again: Again) -> Finding:
    """Judge ``git …``.

    Source: git(1) and git-config(1); what runs what was tried against a repository whose configuration names
    a program for every driver, filter, hook and pager.
    """
    name = (argv[0].text or "").rpartition("/")[2]
    if name == "git-upload-pack":
        return _subcommand((), "upload-pack", argv[1:], context)
    if name in ("git-receive-pack", "git-upload-archive"):
        raise stop("git", name[4:], f"{name} takes in what changes the repository.", Effect.CHANGES_DATA)
    split = GLOBAL.split("git", argv[1:])
    about = [each for each in split.given if set(each.option.names) & set(_ABOUT)]
    if about or not split.operands:
        return reads((*argv[:1], *GLOBAL.emit(about[:1])), "git only prints something about itself.")
    for setting in split.values("-c"):
        if not _SETTING.fullmatch(sure("git", setting, "a setting")):
            raise stop("git", "setting", f"git: what the setting {setting.text!r} does is not known.")
    chosen = tuple(each for each in split.given if "-c" in each.option.names)
    head = (*GLOBAL.emit(split.without(*_DROPPED)), *GLOBAL.emit(chosen))
    return _subcommand(head, sure("git", split.operands[0], "the subcommand"), split.operands[1:], context)


def _subcommand(
    head: tuple[Argument, ...], name: str, words: tuple[Argument, ...], context: ShellContext
) -> Finding:
    protocols = "file" if name == "ls-remote" else ""
    if name in _OBJECTS:
        options_, adds = _OBJECTS[name]
        rest = (*literals(*adds), *by_table(name, options_, numbered(name, words)))
    elif name in FORMS:
        name, rest = FORMS[name](words, context)
    elif name in _WRITERS.split():
        raise stop("git", name, f"git {name} changes the repository.", Effect.CHANGES_DATA)
    else:
        raise stop("git", "unknown-subcommand", f"git: the subcommand {name} is not known to read.")
    variables = (f"GIT_ALLOW_PROTOCOL={protocols}", "GIT_NO_LAZY_FETCH=1")
    return reads(
        (*literals("env", *variables, "git"), *head, *literals(*HARDENING, name), *rest),
        f"git {name} only reads the repository.",
        rule="shell.git.read",
    )
