"""Verdicts of one session: what is asked again is judged once, and nothing is taken for something else."""

from __future__ import annotations

import pytest

from gateway.domain.http import Request
from gateway.domain.verdict import Decision
from gateway.judge.docker.catalogue import load_docker
from gateway.judge.docker.context import DockerContext, Exec
from gateway.judge.shell.catalogue import load_shell
from gateway.judge.shell.context import ShellContext
from gateway.protocols.docker.judging import Verdicts
from gateway.protocols.docker.units import DockerUnit, LineUnit, text_of

PS = Request("GET", "/v1.41/containers/json", (("user-agent", "x"),))
STOP = Request("POST", "/v1.41/containers/web/stop")
START = Request("POST", "/v1.41/exec/ab/start", (("content-type", "application/json"),), b"{}")


@pytest.fixture(scope="module")
def context() -> DockerContext:
    return DockerContext(load_docker(), ShellContext(load_shell()), newest="1.41", oldest="1.12", execs={})


def unit(request: Request) -> DockerUnit:
    return DockerUnit(text_of(request), request=request)


def test_what_is_asked_again_is_judged_once(context: DockerContext) -> None:
    verdicts = Verdicts()
    first = verdicts.judge(unit(PS), context)
    assert first.verdict.decision is Decision.ALLOW
    assert verdicts.judge(unit(PS), context) is first
    equal = Request(PS.method, PS.target, tuple(PS.headers))
    assert verdicts.judge(unit(equal), context) is first


def test_a_refusal_between_two_reads_is_theirs_alone(context: DockerContext) -> None:
    verdicts = Verdicts()
    for _ in range(3):
        assert verdicts.judge(unit(PS), context).verdict.decision is Decision.ALLOW
        assert verdicts.judge(unit(PS), context).verdict.decision is Decision.ALLOW
        assert verdicts.judge(unit(STOP), context).verdict.decision is Decision.CHANGE


def test_a_line_is_never_taken_for_the_request_before_it(context: DockerContext) -> None:
    verdicts = Verdicts()
    for _ in range(2):
        verdicts.judge(unit(PS), context)
    line = LineUnit(b"rm -rf /app", request=PS, container="web")
    assert verdicts.judge(line, context).verdict.decision is not Decision.ALLOW


def test_a_command_is_judged_by_what_has_become_of_it() -> None:
    execs: dict[str, Exec] = {}
    context = DockerContext(
        load_docker(), ShellContext(load_shell()), newest="1.41", oldest="1.12", execs=execs
    )
    verdicts = Verdicts()
    inspected = Request("GET", "/v1.41/exec/ab/json")
    for known in (False, True, False):
        if known:
            execs["ab"] = Exec("web", ("ls",), tty=False)
        else:
            execs.pop("ab", None)
        for request in (START, inspected):
            allowed = verdicts.judge(unit(request), context).verdict.decision is Decision.ALLOW
            assert allowed == (known or request is inspected)
