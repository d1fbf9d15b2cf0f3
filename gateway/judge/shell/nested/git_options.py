"""Options of git's reading subcommands, of versions 1.8 to 2.50.

Source: git-log(1), rev-list-options, diff-options and pretty-options of git's documentation, and the other
subcommands' pages. Left out on purpose, since they run what the repository's configuration names:
``--remerge-diff`` (merge drivers), ``--alternate-refs``, ``--recurse-submodules``.
"""

from __future__ import annotations

from typing import Final

from gateway.judge.shell.finding import Effect
from gateway.judge.shell.nested.table import No, Table, table

_DIFF: Final = (
    "-p -u --patch  -s --no-patch  -U=?number --unified=?number  --output-indicator-new=  --raw  -t",
    "--minimal",
    "--output-indicator-old=  --output-indicator-context=  --patch-with-raw  --indent-heuristic  --patience",
    "--no-indent-heuristic  --histogram  --anchored=  --diff-algorithm=  --stat=?  --compact-summary",
    "--numstat",
    "--stat-width=  --stat-name-width=  --stat-count=  --stat-graph-width=  --shortstat  -X=?  --dirstat=?",
    "--cumulative  --dirstat-by-file=?  --summary  --patch-with-stat  -z  --name-only  --name-status",
    "--submodule=?word(short|log)  --color=?  --no-color  --color-moved=?  --no-color-moved",
    "--color-moved-ws=",
    "--no-color-moved-ws  --word-diff=?  --word-diff-regex=  --color-words=?  --no-renames  --rename-empty",
    "--no-rename-empty  --check  --ws-error-highlight=  --full-index  --binary  --abbrev=?  --no-abbrev",
    "-B=?",
    "--break-rewrites=?  -M=? --find-renames=?  -C=? --find-copies=?  --find-copies-harder  -l=number",
    "-D --irreversible-delete  --diff-filter=  -S=  -G=  --find-object=  --pickaxe-all  --pickaxe-regex",
    "-O=path  --skip-to=  --rotate-to=  -R  --relative=?  --no-relative  -a --text  --ignore-cr-at-eol",
    "--ignore-space-at-eol  -b --ignore-space-change  -w --ignore-all-space  --ignore-blank-lines  -I=",
    "--ignore-matching-lines=  --inter-hunk-context=number  -W --function-context  --no-function-context",
    "--no-ext-diff  --no-textconv  --ignore-submodules=?  --src-prefix=  --dst-prefix=  --no-prefix",
    "--default-prefix  --line-prefix=  --ita-invisible-in-index  --ita-visible-in-index  --exit-code",
    "--quiet",
    "--max-depth=number",
)
_REVISIONS: Final = (
    "-n= --max-count=number  --skip=number  --since= --after=  --since-as-filter=  --until= --before=",
    "--max-age=number  --min-age=number  --author=  --committer=  --grep-reflog=  --grep=  --all-match",
    "--invert-grep  -i --regexp-ignore-case  --basic-regexp  -E --extended-regexp  -F --fixed-strings",
    "-P --perl-regexp  --remove-empty  --merges  --no-merges  --min-parents=number  --max-parents=number",
    "--no-min-parents  --no-max-parents  --first-parent  --exclude-first-parent-only  --not  --all",
    "--branches=?  --tags=?  --remotes=?  --glob=  --exclude=  --exclude-hidden=word(receive|uploadpack)",
    "--reflog  --single-worktree  --ignore-missing  --bisect  --stdin  --cherry-mark  --cherry-pick",
    "--left-only  --right-only  --cherry  -g --walk-reflogs  --merge  --boundary  --maximal-only",
    "--simplify-by-decoration  --show-pulls  --full-history  --dense  --sparse  --simplify-merges",
    "--ancestry-path=?  --date-order  --author-date-order  --topo-order  --reverse  --no-walk=?  --do-walk",
    "--default=",
)
_PRETTY: Final = (
    "--pretty=?  --format=  --abbrev-commit  --no-abbrev-commit  --oneline  --encoding=  --expand-tabs=?",
    "--no-expand-tabs  --notes=?  --no-notes  --show-notes=?  --standard-notes  --no-standard-notes",
    "--relative-date  --date=  --parents  --children  --left-right  --graph  --no-graph",
    "--show-linear-break=?",
)
_LOG: Final = (
    "--follow  --no-follow  --decorate=?  --no-decorate  --decorate-refs=  --decorate-refs-exclude=",
    "--clear-decorations  --source  --mailmap --use-mailmap  --no-mailmap --no-use-mailmap  --full-diff",
    "--log-size  -L=  -m  -c  --cc  -r  --root  -q  --no-diff-merges  --dd  --combined-all-paths",
    "--diff-merges=word(off|none|on|first-parent|1|separate|m|combined|c|dense-combined|cc)",
)
NEVER: Final = (
    No("--output=", "output", "writes a file", Effect.WRITES_FILE),
    No("--ext-diff  --textconv", "driver", "runs programs that the repository names"),
    No("--show-signature", "signature", "runs a program that the repository names"),
    No("--remerge-diff", "driver", "runs merge drivers that the repository names"),
    No("--recurse-submodules=?", "submodules", "goes into other repositories"),
)


def _git(*reads: str, no: tuple[No, ...] = NEVER) -> Table:
    return table(*reads, no=no, style="joined")


DIFF: Final = _git(
    *_DIFF, "--cached --staged  --no-index  --merge-base  -c  --cc  -0  -1 --base  -2 --ours  -3 --theirs  -q"
)
DIFF_TREE: Final = _git(
    *_DIFF,
    *_PRETTY,
    "-r  --root  --merge-base  --stdin  -m  -v  --no-commit-id  -c  --cc  --cached  --always",
)
LOG: Final = _git(*_REVISIONS, *_PRETTY, *_DIFF, *_LOG)
REV_LIST: Final = _git(
    *_REVISIONS,
    *_PRETTY,
    "--quiet  --disk-usage=?  --use-bitmap-index  --progress=  --bisect-vars  --bisect-all  --objects",
    "--in-commit-order  --objects-edge  --objects-edge-aggressive  --indexed-objects  --unpacked",
    "--object-names  --no-object-names  --filter=  --no-filter  --filter-provided-objects  --count",
    "--filter-print-omitted  --missing=word(error|allow-any|print|print-info)  --exclude-promisor-objects",
    "--header  --no-commit-header  --commit-header  --timestamp  --abbrev=?  --no-abbrev",
)
SHORTLOG: Final = _git(
    *_REVISIONS,
    *_PRETTY,
    "-n --numbered  -s --summary  -e --email  --group=  -c --committer  -w=?  --no-numbered",
)
BLAME: Final = _git(
    "-b  --root  --show-stats  -L=  -l  -t  -S=path  --reverse  --first-parent  -p --porcelain",
    "--line-porcelain  --incremental  --encoding=  --contents=path  --date=  --progress  --no-progress  -M=?",
    "-C=?  --ignore-rev=  --ignore-revs-file=path  --color-lines  --color-by-age  -c  --score-debug  -w",
    "-f --show-name  -n --show-number  -s  -e --show-email  --abbrev=?  --minimal  --no-textconv",
    "--since=  --until=  --diff-algorithm=",
)
GREP: Final = _git(
    "--cached  --no-index  --untracked  --no-exclude-standard  --exclude-standard  -a --text  --no-textconv",
    "-i --ignore-case  -I  --max-depth=number  -r --recursive  --no-recursive  -w --word-regexp",
    "-v --invert-match  -h  -H  --full-name  -E --extended-regexp  -G --basic-regexp  -P --perl-regexp",
    "-F --fixed-strings  -n --line-number  --column  -l --files-with-matches --name-only",
    "-L --files-without-match  -z --null  -o --only-matching  -c --count  --color=?  --no-color  --break",
    "--heading  -p --show-function  -C=number --context=number  -A=number --after-context=number",
    "-B=number --before-context=number  -W --function-context  -m=number --max-count=number",
    "--threads=number  -f=path  -e=  --and  --or  --not  --all-match  -q --quiet",
    no=(*NEVER, No("-O=?  --open-files-in-pager=?", "pager", "starts a pager")),
)
LS_FILES: Final = _git(
    "-c --cached  -d --deleted  -m --modified  -o --others  -i --ignored  -s --stage  --directory",
    "--no-empty-directory  -u --unmerged  -k --killed  -z  --deduplicate  -x= --exclude=",
    "-X= --exclude-from=path",
    "--exclude-per-directory=  --exclude-standard  --error-unmatch  --with-tree=  -t  -v  -f  --full-name",
    "--abbrev=?  --debug  --eol  --sparse  --format=  --resolve-undo",
)
LS_TREE: Final = _git(
    "-d  -r  -t  -l --long  -z  --name-only --name-status  --object-only  --abbrev=?  --full-name",
    "--full-tree",
    "--format=",
)
REV_PARSE: Final = _git(
    "--sq-quote  --revs-only  --no-revs  --flags  --no-flags  --default=  --verify  -q --quiet  --sq",
    "--short=?",
    "--not  --abbrev-ref=?  --symbolic  --symbolic-full-name  --all  --branches=?  --tags=?  --remotes=?",
    "--glob=  --exclude=  --exclude-hidden=  --disambiguate=  --local-env-vars  --path-format=  --git-dir",
    "--git-common-dir  --resolve-git-dir=path  --git-path=  --show-toplevel  --absolute-git-dir",
    "--show-superproject-working-tree  --shared-index-path  --is-inside-git-dir  --is-inside-work-tree",
    "--is-bare-repository  --is-shallow-repository  --show-cdup  --show-prefix  --show-object-format=?",
    "--show-ref-format  --since=  --after=  --until=  --before=  --output-object-format=",
)
DESCRIBE: Final = _git(
    "--dirty=?  --broken=?  --all  --tags  --contains  --abbrev=number  --candidates=number  --exact-match",
    "--debug  --long  --match=  --exclude=  --always  --first-parent  --no-match  --no-exclude",
)
_LISTED: Final = (
    "--sort=  --format=  --color=?  --no-color  --column=?  --no-column  --contains=?  --no-contains=?",
    "--merged=?",
    "--no-merged=?  --points-at=  -i --ignore-case  --omit-empty  --no-sort",
)
BRANCH: Final = _git(
    *_LISTED,
    "-r --remotes  -a --all  -l --list  --show-current  -v --verbose  -q --quiet  --abbrev=?  --no-abbrev",
    no=(
        No(
            "-d --delete  -D  -m --move  -M  -c --copy  -C  -f --force  --create-reflog  -t --track=?"
            "  --no-track"
            "  -u= --set-upstream-to=  --unset-upstream  --set-upstream  --edit-description"
            "  --recurse-submodules",
            "write",
            "changes branches",
            Effect.CHANGES_DATA,
        ),
    ),
)
TAG: Final = _git(
    *_LISTED,
    "-l --list  -n=?number",
    no=(
        No(
            "-a --annotate  -s --sign  -u= --local-user=  -f --force  -d --delete  -m= --message="
            "  -F= --file="
            "  -e --edit  --cleanup=  --create-reflog  --no-sign  --trailer=",
            "write",
            "changes tags",
            Effect.CHANGES_DATA,
        ),
        No("-v --verify", "signature", "runs a program that the repository names"),
    ),
)
FOR_EACH_REF: Final = _git(
    *_LISTED,
    "--count=number  --shell -s  --perl -p  --python  --tcl  --stdin  --include-root-refs  --exclude=",
)
SHOW_REF: Final = _git(
    "--head  --heads --branches  --tags  -d --dereference  -s=? --hash=?  --verify  --exists  --abbrev=?",
    "-q --quiet  --exclude-existing=?",
)
CAT_FILE: Final = _git(
    "-t  -s  -e  -p  --mailmap --use-mailmap  --no-mailmap --no-use-mailmap  --batch=?  --batch-check=?",
    "--batch-command=?  --batch-all-objects  --buffer  --no-buffer  --unordered  --ordered  -z  -Z",
    "--allow-unknown-type  --follow-symlinks  --filter=  --no-filter",
    no=(No("--textconv  --filters  --path=", "driver", "runs programs that the repository names"),),
)
CONFIG: Final = _git(
    "--get  --get-all  --get-regexp  --get-urlmatch  -l --list  --global  --system  --local  --worktree",
    "-f= --file=path  --blob=  --fixed-value  --type=  --bool  --int  --bool-or-int  --bool-or-str  --path",
    "--expiry-date  --no-type  -z --null  --name-only  --show-origin  --show-scope  --get-colorbool",
    "--get-color  --includes  --no-includes  --default=  --show-names  --all  --regexp  --value=  --url=",
    no=(
        No(
            "--replace-all  --add  --unset  --unset-all  --rename-section  --remove-section  --append"
            "  --comment=",
            "write",
            "changes the configuration",
            Effect.WRITES_FILE,
        ),
        No("-e --edit", "edit", "opens an editor", Effect.OPENS_DOOR),
    ),
)
STATUS: Final = _git(
    "-s --short  -b --branch  --no-branch  --show-stash  --no-show-stash  --porcelain=?  --long",
    "-v --verbose",
    "-u=? --untracked-files=?  --ignore-submodules=?  --ignored=?  -z --null  --column=?  --no-column",
    "--ahead-behind  --no-ahead-behind  --renames  --no-renames  --find-renames=?",
)
NAME_REV: Final = _git(
    "--tags  --refs=  --exclude=  --all  --annotate-stdin  --stdin  --name-only  --no-undefined  --always"
)
MERGE_BASE: Final = _git("--octopus  --independent  --is-ancestor  --fork-point  -a --all")
SHOW_BRANCH: Final = _git(
    "-r --remotes  -a --all  --current  --topo-order  --date-order  --sparse  --more=  --list  --merge-base",
    "--independent  --no-name  --sha1-name  --topics  -g=? --reflog=?  --color=?  --no-color",
)
LS_REMOTE: Final = _git(
    "-h --heads --branches  -t --tags  --refs  -q --quiet  --exit-code  --get-url  --symref  --sort=",
    no=(No("--upload-pack= --exec=  -o= --server-option=", "upload-pack", "runs a program that it names"),),
)
FSCK: Final = _git(
    "--unreachable  --dangling  --no-dangling  --root  --tags  --cache  --no-reflogs  --full  --no-full",
    "--connectivity-only  --strict  --verbose  --name-objects  --progress  --no-progress  --references",
    "--no-references",
    no=(No("--lost-found", "lost-found", "writes files into the repository", Effect.WRITES_FILE),),
)
UPLOAD_PACK: Final = _git(
    "--strict  --no-strict  --timeout=number  --stateless-rpc  --http-backend-info-refs --advertise-refs"
)
CHECK: Final = _git(
    "-a --all  --cached  --stdin  -z  -q --quiet  -v --verbose  -n --non-matching  --no-index  --source="
)
COUNT: Final = _git("-v --verbose  -H --human-readable")
PLAIN: Final = _git(
    "-v  -q --quiet  -n  --all  --porcelain  -z  --expire=  --push  --short  --recursive  --cached  --verbose"
)
SYMBOLIC_REF: Final = _git(
    "-q --quiet  --short  --recurse  --no-recurse",
    no=(No("-d --delete  -m=", "write", "changes a reference", Effect.CHANGES_DATA),),
)
STASH_SHOW: Final = _git("--include-untracked  --only-untracked")
HASH_OBJECT: Final = _git(
    "-t=  --stdin  --stdin-paths  --no-filters  --literally",
    no=(No("-w", "write", "writes an object", Effect.CHANGES_DATA), No("--path=", "driver", "runs filters")),
)
ARCHIVE: Final = _git(
    "--format=word(tar|zip)  --prefix=  -v --verbose  -l --list  --worktree-attributes  --mtime=  -0  -1  -9",
    no=(
        No("-o= --output=", "output", "writes a file", Effect.WRITES_FILE),
        No("--remote=  --exec=", "remote", "asks another server", Effect.REACHES_OUT),
        No("--add-file=  --add-virtual-file=", "unknown-option", "is not judged", Effect.UNKNOWN),
    ),
)
