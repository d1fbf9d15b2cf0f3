"""Every row of the corpus gets its verdict, through the whole judge."""

from __future__ import annotations

from collections import Counter

import pytest
from corpora import cases

from gateway.judge.shell.catalogue import load_shell
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.judge import judge


@pytest.fixture(scope="module")
def context() -> ShellContext:
    return ShellContext(catalogue=load_shell())


def test_every_row_gets_its_verdict(context: ShellContext) -> None:
    wrong = []
    for case in cases("shell_nested"):
        verdict = judge(case.text, context).verdict
        if verdict.decision.word != case.verdict:
            wrong.append(
                f"{case.place}: {verdict.decision.word} {verdict.rule} {verdict.reason}\n  {case.text}"
            )
    assert not wrong, "\n".join(wrong)


def test_the_corpus_is_of_a_size_that_says_something() -> None:
    counts = Counter(case.verdict for case in cases("shell_nested"))
    assert counts["allow"] > 450
    assert counts["change"] > 200
    assert counts["refuse"] > 200


def test_what_is_no_read_is_never_put_down(context: ShellContext) -> None:
    for case in cases("shell_nested"):
        if case.verdict != "allow":
            assert judge(case.text, context).canonical == "", case.text


def test_nothing_runs_as_another_user_where_the_endpoint_says_so() -> None:
    context = ShellContext(catalogue=load_shell(), sudo=False)
    assert judge("sudo cat /etc/shadow", context).verdict.rule == "shell.sudo.off"
    assert judge("find . -exec sudo cat {} +", context).verdict.decision.word == "refuse"


def test_the_work_tree_is_looked_at_under_the_guard_only() -> None:
    unguarded = ShellContext(catalogue=load_shell(), guarded=False)
    guarded = ShellContext(catalogue=load_shell())
    for line in (
        "git status",
        "git diff",
        "git diff HEAD",
        "git blame f",
        "git blame ^HEAD f",
        "git blame 'HEAD^@' f",
        "git blame --contents f HEAD g",
        "git describe --dirty",
        "git ls-files -m",
        "git diff --no-index a b",
        "git submodule status",
        "git archive HEAD",
    ):
        assert judge(line, unguarded).verdict.decision.word == "refuse", line
        assert judge(line, guarded).verdict.decision.word == "allow", line
        assert judge(f"sudo {line}", guarded).verdict.decision.word == "refuse", line
        assert judge(f"docker exec c {line}", guarded).verdict.decision.word == "refuse", line
    for line in (
        "git diff HEAD~1 HEAD",
        "git diff a..b",
        "git diff --cached",
        "git blame HEAD f",
        "git log -p",
    ):
        assert judge(line, unguarded).verdict.decision.word == "allow", line


def test_other_hosts_are_asked_where_the_endpoint_lists_them() -> None:
    catalogue = load_shell()
    lists = {"hosts": ("api.example", "db.example:5432")}
    listed = ShellContext(catalogue=catalogue, lists=lists)
    for line in (
        "curl -s https://api.example/health",
        "openssl s_client -connect api.example:443",
        "psql -h db.example -c 'select 1'",
        "wget -qO- http://api.example/",
    ):
        assert judge(line, listed).verdict.decision.word == "allow", line
        assert judge(line, ShellContext(catalogue=catalogue)).verdict.decision.word == "refuse", line
    assert judge("psql -h db.example -p 5433 -c 'select 1'", listed).verdict.decision.word == "refuse"
    assert judge("curl http://api.example@evil/", listed).verdict.decision.word == "refuse"


def test_clients_of_databases_get_the_sockets_that_they_need(context: ShellContext) -> None:
    profiles = {
        "psql -c 'select 1'": "engine",
        "psql -h /run/postgresql -c 'select 1'": "engine",
        "psql -h 127.0.0.1 -c 'select 1'": "net",
        "mysql -h localhost -e 'select 1'": "engine",
        "mysql -h 127.0.0.1 -e 'select 1'": "net",
        "redis-cli -s /run/redis.sock ping": "engine",
        "redis-cli ping": "net",
        "curl -s localhost": "net",
        "docker ps": "engine",
        "ps aux": "procs",
        "git log": "plain",
    }
    for line, profile in profiles.items():
        assert judge(line, context).profile == profile, line
