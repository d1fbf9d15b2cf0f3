"""What the judge puts down for git is run in a repository that names a program for everything it can."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gateway.judge.shell.catalogue import load_shell
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.judge import judge

LINES = (
    "git log",
    "git log -p",
    "git log -p -m --all",
    "git log --format='%G? %GS %h'",
    "git log -S b -p",
    "git log -G b --stat",
    "git log -L1,1:f",
    "git log --submodule=log -p",
    "git show",
    "git show HEAD:f",
    "git show HEAD~1 --stat -p",
    "git whatchanged -p",
    "git reflog -p",
    "git stash list",
    "git stash show -p",
    "git diff HEAD~1 HEAD",
    "git diff HEAD~1..HEAD",
    "git diff --cached",
    "git diff-tree -p HEAD",
    "git diff-index --cached -p HEAD",
    "git blame HEAD f",
    "git blame HEAD~1 -- f",
    "git grep b",
    "git grep b HEAD",
    "git ls-files",
    "git ls-files -o",
    "git ls-tree -r HEAD",
    "git cat-file -p HEAD:f",
    "git branch -avv",
    "git branch --contains HEAD",
    "git tag",
    "git tag -n2",
    "git for-each-ref --format='%(refname) %(contents)'",
    "git show-ref",
    "git describe --always --tags",
    "git shortlog -sn HEAD",
    "git rev-list --count HEAD",
    "git rev-parse HEAD",
    "git name-rev HEAD",
    "git config --list",
    "git config user.name",
    "git remote -v",
    "git remote show origin",
    "git worktree list",
    "git notes list",
    "git count-objects -v",
    "git fsck",
    "git check-attr -a f",
    "git check-ignore -v f",
    "git symbolic-ref HEAD",
    "git merge-base HEAD HEAD~1",
    "git show-branch",
    "git log $(git rev-parse HEAD) -- f",
)


@pytest.fixture(scope="module")
def context() -> ShellContext:
    return ShellContext(catalogue=load_shell(), guarded=False)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository")
    evil = folder.parent / "evil"
    evil.write_text(f'#!/bin/sh\necho "$0 $*" >> {folder.parent}/ran\ncat\n', encoding="utf-8")
    evil.chmod(0o755)
    hooks = folder.parent / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("post-index-change", "fsmonitor-watchman", "reference-transaction"):
        (hooks / hook).symlink_to(evil)
    script = f"""
    git init -q . && git config user.name a && git config user.email a@example
    git config commit.gpgsign false
    echo a > f && git add f && git commit -qm one && echo b >> f && git commit -qam two && git tag v1
    echo c >> f && git stash -q
    for key in diff.x.textconv diff.x.command filter.x.clean filter.x.smudge filter.x.process core.fsmonitor \
        core.pager pager.log pager.show diff.external gpg.program gpg.ssh.program core.sshCommand \
        core.editor merge.x.driver core.alternateRefsCommand sequence.editor credential.helper
    do git config "$key" {evil}; done
    git config log.showSignature true; git config log.diffMerges remerge; git config core.hooksPath {hooks}
    git config diff.submodule diff; git config remote.origin.url 'ext::{evil} %S'
    git config protocol.allow always; git config protocol.ext.allow always
    echo '* diff=x filter=x merge=x' > .gitattributes
    """
    subprocess.run(["sh", "-ec", script], cwd=folder, check=True, capture_output=True)
    return folder


def run(line: str, folder: Path) -> list[str]:
    """Run a line and say what ran beside it."""
    ran = folder.parent / "ran"
    ran.unlink(missing_ok=True)
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent"}
    done = subprocess.run(
        ["sh", "-c", line],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode in (0, 1), f"{line}: {done.stderr}"
    assert "usage:" not in done.stderr, f"{line}: {done.stderr}"
    return ran.read_text(encoding="utf-8").splitlines() if ran.exists() else []


def test_the_repository_runs_programs_where_nothing_holds_it(repository: Path) -> None:
    assert run("git log -p", repository)
    assert run("git status", repository)


@pytest.mark.parametrize("line", LINES)
def test_reads_of_objects_run_nothing(line: str, repository: Path, context: ShellContext) -> None:
    judgement = judge(line, context)
    assert judgement.verdict.decision.word == "allow", judgement.verdict
    assert run(judgement.canonical, repository) == []


def test_a_repository_on_disk_is_asked_without_its_own_programs(
    repository: Path, context: ShellContext
) -> None:
    judgement = judge(f"git ls-remote {repository}", context)
    assert run(judgement.canonical, repository) == []
