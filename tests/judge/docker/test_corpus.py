"""Verdicts on requests: of every published route, of real clients, of attacks.

``published.jsonl`` was made from the published descriptions of the API's versions, ``clients.jsonl`` is what
the docker client, its compose plugin and the Python library sent to a real engine, ``tools.jsonl`` what other
tools are known to send, ``engine.jsonl`` every route of the source of two engines.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from engine_requests import ROWS

from gateway.domain.verdict import Decision
from gateway.judge.docker.judge import judge
from gateway.judge.docker.judgement import DockerAction

if TYPE_CHECKING:
    from gateway.judge.docker.catalogue import DockerCatalogue
    from gateway.judge.docker.context import DockerContext

READING_POSTS = {
    DockerAction.ATTACH,
    DockerAction.EXEC_CREATE,
    DockerAction.EXEC_START,
    DockerAction.EXEC_RESIZE,
}


FILES = sorted({row.place.partition(":")[0] for row in ROWS})


@pytest.mark.parametrize("file", FILES)
def test_every_row_gets_its_verdict(file: str, context: DockerContext) -> None:
    wrong = []
    for row in ROWS:
        if row.place.startswith(f"{file}:"):
            judged = judge(row.request, replace(context, execs=row.execs))
            if judged.verdict.decision.word != row.verdict:
                wrong.append(f"{row.place}: {row.request.method} {row.request.target}: {judged.verdict}")
    assert not wrong, "\n".join(wrong)


def test_what_is_sent_is_judged_the_same_and_sent_the_same(context: DockerContext) -> None:
    for row in ROWS:
        mine = replace(context, execs=row.execs)
        judged = judge(row.request, mine)
        # What a command is given to keep it a reader is the judge's alone to give.
        if judged.request is not None and judged.action is not DockerAction.EXEC_CREATE:
            assert judge(judged.request, mine).request == judged.request, row.place


def test_a_command_is_sent_with_nothing_but_what_was_judged(context: DockerContext) -> None:
    members = ["AttachStdin", "AttachStdout", "AttachStderr", "Tty", "Cmd"]
    for row in ROWS:
        judged = judge(row.request, context)
        if judged.action is DockerAction.EXEC_CREATE:
            assert judged.request is not None
            assert judged.shell is not None
            sent = json.loads(judged.request.body or b"")
            assert list(sent)[: len(members)] == members, row.place
            assert set(sent) <= {*members, "ConsoleSize", "WorkingDir", "Env"}, row.place
            assert tuple(sent["Cmd"]) == judged.argv == judged.shell.argv, row.place


def test_only_reads_are_sent(context: DockerContext) -> None:
    for row in ROWS:
        judged = judge(row.request, replace(context, execs=row.execs))
        assert (judged.request is not None) is (judged.verdict.decision is Decision.ALLOW), row.place
        if judged.request is not None and judged.request.method not in ("GET", "HEAD"):
            waits = judged.request.target.partition("?")[0].endswith("/wait")
            assert judged.action in READING_POSTS or waits, row.place


def test_every_route_of_the_catalogue_stands_in_a_corpus(catalogue: DockerCatalogue) -> None:
    known = {(route.method, route.path) for routes in catalogue.routes.values() for route in routes}
    seen = set()
    for row in ROWS:
        path = row.request.target.partition("?")[0]
        first, _, rest = path.lstrip("/").partition("/")
        path = f"/{rest}" if first.startswith("v1.") else path
        if path.startswith("/") and (found := catalogue.find(row.request.method, path)) is not None:
            seen.add((found[0].method, found[0].path))
    assert not known - seen
