"""What becomes of a request to an engine, beside its verdict."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from engine_requests import EXEC

from gateway.domain.host import ByHand, Written
from gateway.domain.http import Request
from gateway.domain.verdict import Decision
from gateway.judge.docker.context import DockerContext, Exec
from gateway.judge.docker.judge import judge
from gateway.judge.docker.judgement import DockerAction, DockerJudgement

JSON = ("content-type", "application/json")


def _get(target: str, context: DockerContext, *headers: tuple[str, str]) -> DockerJudgement:
    return judge(Request("GET", target, headers), context)


def _exec(context: DockerContext, **body: object) -> DockerJudgement:
    request = Request("POST", "/v1.51/containers/web/exec", (JSON,), json.dumps(body).encode())
    return judge(request, context)


def test_a_query_is_sent_as_it_was_read(context: DockerContext) -> None:
    judged = _get(
        '/v1.41/containers/json?size=False&all=yes&filters={"label":%20{"a=b":true}}&limit=', context
    )
    assert judged.request is not None
    assert judged.request.target == (
        "/v1.41/containers/json?size=0&all=1&filters=%7B%22label%22%3A%7B%22a%3Db%22%3Atrue%7D%7D&limit="
    )


def test_names_of_images_are_sent_with_their_slashes(context: DockerContext) -> None:
    judged = _get("/images/registry.example.com%3A5000%2Fteam%2Fapp%3A1/json", context)
    assert judged.request is not None
    assert judged.request.target == "/images/registry.example.com:5000/team/app:1/json"


def test_few_headers_are_handed_on_and_never_a_password(context: DockerContext) -> None:
    judged = _get(
        "/info",
        context,
        ("user-agent", "Docker-Client/28.2.2 (linux)"),
        ("accept", "application/json"),
        ("accept-encoding", "gzip"),
        ("x-registry-auth", "e30="),
        ("authorization", "Bearer x"),
        ("upgrade", "h2c"),
    )
    assert judged.request is not None
    assert judged.request.headers == (
        ("accept", "application/json"),
        ("user-agent", "Docker-Client/28.2.2 (linux)"),
    )


def test_a_version_is_taken_only_where_engine_and_catalogue_have_it(context: DockerContext) -> None:
    old = replace(context, newest="1.41", oldest="1.24")
    new = replace(context, newest="1.99", oldest="1.44")

    def word(target: str, where: DockerContext) -> str:
        return _get(target, where).verdict.decision.word

    assert word("/v1.41/info", old) == word("/v1.44/info", new) == "allow"
    assert word("/v1.42/info", old) == word("/v1.41/info", new) == "refuse"
    assert word(f"/v{context.catalogue.newest}/info", new) == "allow"
    assert word("/v1.99/info", new) == "refuse"
    assert word("/info", old) == word("/info", new) == "allow"


def test_an_old_engine_gives_no_websocket_of_output_alone(context: DockerContext) -> None:
    target = "/containers/web/attach/ws?stream=1&stdout=1"
    assert _get(target, context).action is DockerAction.ATTACH
    assert _get(target, replace(context, newest="1.41")).verdict.rule == "docker.version.route"


def test_a_websocket_is_asked_for_as_one(context: DockerContext) -> None:
    target = "/containers/web/attach/ws?stream=1&stdout=1"
    asks = (
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-version", "13"),
    )
    judged = _get(target, context, ("host", "docker"), *asks)
    assert judged.request is not None
    assert judged.request.headers == asks
    assert _get(target, context, ("host", "docker")).verdict.rule == "docker.header.upgrade"


def test_tokens_of_a_cluster_are_masked(context: DockerContext) -> None:
    assert _get("/swarm", context).masks == ("JoinTokens",)
    assert _get("/swarm/unlockkey", context).masks == ("UnlockKey",)
    assert _get("/info", context).masks == ()


def test_attaching_becomes_a_stream_of_output(context: DockerContext) -> None:
    request = Request(
        "POST", "/containers/web/attach?stdout=1&stream=1", (("upgrade", "tcp"), ("connection", "Upgrade"))
    )
    judged = judge(request, context)
    assert judged.action is DockerAction.ATTACH
    assert judged.container == "web"
    assert judged.request is not None
    assert judged.request.headers == (("connection", "Upgrade"), ("upgrade", "tcp"))


def test_a_command_runs_as_it_was_judged(context: DockerContext) -> None:
    judged = _exec(
        context, Cmd=["ls", "-la"], AttachStdout=True, WorkingDir="/srv//app/", ConsoleSize=[24, 80], Tty=True
    )
    assert judged.action is DockerAction.EXEC_CREATE
    assert (judged.container, judged.argv, judged.tty, judged.console) == (
        "web",
        ("ls", "-l", "-a"),
        True,
        (24, 80),
    )
    assert judged.request is not None
    assert json.loads(judged.request.body or b"") == {
        "AttachStdin": False,
        "AttachStdout": True,
        "AttachStderr": False,
        "Tty": True,
        "Cmd": ["ls", "-l", "-a"],
        "ConsoleSize": [24, 80],
        "WorkingDir": "/srv/app",
    }


def test_a_host_with_guard_and_sudo_lends_neither_to_a_container(context: DockerContext) -> None:
    host = replace(context, shell=replace(context.shell, guarded=True, sudo=True))
    assert _exec(host, Cmd=["git", "-C", "/srv", "status"]).verdict.decision is Decision.REFUSE
    assert _exec(host, Cmd=["sudo", "-n", "cat", "/etc/hosts"]).verdict.decision is Decision.REFUSE


@pytest.mark.parametrize("argv", [["sh"], ["/bin/bash"], ["ash", "-l"], ["bash", "-li"]])
def test_a_bare_shell_at_a_terminal_becomes_the_governed_one(argv: list[str], context: DockerContext) -> None:
    judged = _exec(context, Cmd=argv, Tty=True, AttachStdin=True, AttachStdout=True, WorkingDir="/srv")
    assert judged.action is DockerAction.SHELL
    assert judged.verdict.decision is Decision.REFUSE
    assert judged.request is None
    assert (judged.argv, judged.folder) == (tuple(argv), "/srv")


@pytest.mark.parametrize(
    "body",
    [
        {"Cmd": ["sh"], "AttachStdin": True},
        {"Cmd": ["sh"], "Tty": True},
        {"Cmd": ["sh", "-c", "sh"], "Tty": True, "AttachStdin": True},
        {"Cmd": ["/tmp/sh"], "Tty": True, "AttachStdin": True},
        {"Cmd": ["bash", "--rcfile", "/tmp/x"], "Tty": True, "AttachStdin": True},
        {"Cmd": ["python3"], "Tty": True, "AttachStdin": True},
    ],
)
def test_any_other_shell_is_refused(body: dict[str, object], context: DockerContext) -> None:
    judged = _exec(context, **body)
    assert judged.action is DockerAction.NONE
    assert judged.verdict.decision is Decision.REFUSE


def test_only_the_sessions_own_commands_are_started_once(context: DockerContext) -> None:
    request = Request(
        "POST", f"/v1.51/exec/{EXEC}/start", (JSON, ("upgrade", "tcp")), b'{"Detach":false,"Tty":true}'
    )
    mine = replace(context, execs={EXEC: Exec("web", ("top",), tty=True)})
    again = replace(context, execs={EXEC: Exec("web", ("top",), tty=True, started=True)})
    governed = replace(context, execs={EXEC: Exec("web", ("sh",), tty=True, shell=True)})

    judged = judge(request, mine)
    assert (judged.action, judged.container, judged.exec_id, judged.tty) == (
        DockerAction.EXEC_START,
        "web",
        EXEC,
        True,
    )
    assert judged.request is not None
    assert judged.request.body == b'{"Detach":false,"Tty":true}'
    assert ("upgrade", "tcp") in judged.request.headers
    assert judge(request, context).verdict.rule == "docker.exec.foreign"
    assert judge(request, again).verdict.rule == "docker.exec.again"
    assert (judge(request, governed).action, judge(request, governed).request) == (DockerAction.SHELL, None)


def test_the_hosts_ps_gets_judged_arguments(context: DockerContext) -> None:
    judged = _get("/containers/web/top?ps_args=-eo%20%20pid,comm", context)
    assert judged.request is not None
    assert judged.request.target == "/containers/web/top?ps_args=-eo%20pid%2Ccomm"


def test_registries_that_the_endpoint_lists_may_be_asked(context: DockerContext) -> None:
    target = "/distribution/registry.example.com/team/app:1/json"
    listed = replace(context, shell=replace(context.shell, lists={"hosts": ("registry.example.com",)}))
    assert _get(target, context).verdict.rule == "docker.registry"
    assert _get(target, listed).verdict.decision is Decision.ALLOW


def test_a_change_says_what_it_would_have_done(context: DockerContext) -> None:
    restart = judge(Request("POST", "/v1.51/containers/web/restart?t=5", (), None), context)
    (write,) = restart.writes
    assert (write.sort, write.verb, write.name, write.option("t")) == ("container", "restart", "web", "5")
    assert restart.title == "docker restart web"

    run = judge(
        Request("POST", "/containers/create?name=r1", (JSON,), b'{"Image": "nginx:1", "Env": ["A=b"]}'),
        context,
    )
    (write,) = run.writes
    assert (write.verb, write.name, json.loads(write.body or b"")) == (
        "create",
        "r1",
        {"Image": "nginx:1", "Env": ["A=b"]},
    )

    upload = judge(Request("PUT", "/containers/web/archive?path=%2Fetc%2Fapp", (), b"tar"), context)
    (write,) = upload.writes
    assert (write.verb, write.folder, write.archive) == ("copy-in", "/etc/app", b"tar")


def test_a_writer_in_a_container_says_which_files_it_would_have_written(context: DockerContext) -> None:
    (write,) = _exec(context, Cmd=["sed", "-i", "s/a/b/", "/etc/app.conf"]).writes
    (file,) = write.writes
    assert (write.verb, write.name) == ("exec", "web")
    assert isinstance(file, Written)
    assert file.path == "/etc/app.conf"
    (write,) = _exec(context, Cmd=["rm", "-rf", "/srv"]).writes
    assert isinstance(write.writes[0], ByHand)


def test_a_refusal_of_an_unknown_route_says_what_is_known(context: DockerContext) -> None:
    assert (
        judge(Request("PATCH", "/v1.51/info"), context).verdict.reason
        == "'PATCH' is not known on this route; GET are."
    )
