"""The real docker client at a real gateway: with a certificate, over SSH, in a terminal; what is recorded."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest
from live_docker import LiveDocker
from live_gateway import LiveGateway
from live_ssh import until
from panes import Pane

from gateway.web.shapes.access import GrantList, ListGrants, Revoke
from gateway.web.shapes.endpoints import EndpointName, Hardening
from gateway.web.shapes.identity import Done
from gateway.web.shapes.sessions import Hit, ListSessions, Moment, Search, SessionList, Watched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine import Engine
    from live_gateway import Beginning


@pytest.fixture(scope="module")
def docker(
    engine: Engine, beginning: Beginning, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveDocker]:
    """A gateway with the engine behind it, which the engineer may look at."""
    gateway = LiveGateway.start(tmp_path_factory.mktemp("gateway"), beginning=beginning)
    made = LiveDocker(gateway, engine, tmp_path_factory.mktemp("docker"))
    try:
        made.register()
        gateway.grant(made.endpoint)
        yield made
    finally:
        gateway.stop()


def moments(docker: LiveDocker, word: str) -> list[Moment]:
    """Everything of the newest session that is over and in which a unit holds a word."""
    until(lambda: not docker.sessions(state="live"))
    client = docker.gateway.client("reviewer")
    for session in docker.sessions():
        seen = list(client.lines("GET /v1/sessions/{id}/replay", Watched(id=session.id, why="tests"), Moment))
        if any(word in each.text for each in seen if each.kind == "unit"):
            return seen
    raise AssertionError(f"no session holds {word}")


@pytest.mark.parametrize("way", ["tls", "ssh"])
def test_both_ways_lead_to_the_engine(docker: LiveDocker, way: str) -> None:
    environment = docker.by_tls() if way == "tls" else docker.by_ssh()
    assert "ticker" in docker.text("ps", environment=environment)
    assert "settings.toml" in docker.text("exec", "shop", "ls", "/app", environment=environment)
    done = docker.docker("exec", "-i", "shop", "sort", environment=environment, stdin=b"b\na\n")
    assert done.stdout == b"a\nb\n"
    refused = docker.docker("restart", "shop", environment=environment)
    assert re.search(rb"change request \d+ \(docker restart shop\)", refused.stderr)
    newest = docker.sessions()[0]
    assert ("SSH login" in newest.client) is (way == "ssh")
    until(lambda: docker.sessions()[0].level == "judge-only")


def test_without_a_grant_the_client_is_told_how_to_ask(docker: LiveDocker) -> None:
    docker.register(name="other-docker")
    done = docker.docker("ps", environment=docker.by_tls(endpoint="other-docker"))
    assert b"glassgate request other-docker" in done.stderr


def test_without_a_certificate_the_client_is_told_how_to_get_one(docker: LiveDocker) -> None:
    told = docker.by_tls()
    bare = docker.folder / "bare"
    bare.mkdir(exist_ok=True)
    (bare / "ca.pem").write_text(docker.gateway.ca.read_text())
    environment = {**told, "DOCKER_CERT_PATH": str(bare)}
    options = ("--tlscacert", str(bare / "ca.pem"), "--tlscert", "", "--tlskey", "")
    done = docker.docker(*options, "ps", environment=environment)
    assert b"glassgate config docker" in done.stderr


def test_a_certificate_opens_the_endpoint_that_stands_in_it(docker: LiveDocker) -> None:
    docker.register(name="third-docker")
    docker.gateway.grant("third-docker")
    assert "ticker" in docker.text("ps", environment=docker.by_tls(endpoint="third-docker"))
    question = ListSessions(endpoint="third-docker")
    reviewer = docker.gateway.client("reviewer")
    assert reviewer.call("GET /v1/sessions", question, SessionList).sessions


def test_calls_are_recorded_with_what_was_sent_and_answered(docker: LiveDocker) -> None:
    docker.text("logs", "--tail", "4", "ticker")
    seen = moments(docker, "/logs?")
    units = [each for each in seen if each.kind == "unit"]
    assert units[0].text.startswith("HEAD /_ping")
    assert {"parsed", "judged", "exact"} <= set(units[-1].layers)
    assert [each.verdict for each in units] == ["allow"] * len(units)
    answers = [each for each in seen if each.kind == "answer"]
    assert answers[-1].tag == "200 OK"
    assert answers[-1].size > 0
    shown = "".join(str(each) for each in seen if each.kind == "output" and each.number == units[-1].number)
    assert "tick" in shown


def test_a_terminal_is_recorded_as_one(docker: LiveDocker) -> None:
    command = docker.command("exec", "-it", "shop", "tail", "-f", "/app/shop.log")
    with Pane.running(command, name="docker-tty") as pane:
        pane.until("order 700")
        time.sleep(0.5)  # docker says how large the terminal is once the command runs
        pane.type("C-c").until("left with 130")
    seen = moments(docker, "/start")
    assert next(each.text for each in seen if each.kind == "window").endswith("100x30")
    assert next(each.tag for each in seen if each.kind == "answer") == "exit 130"


def test_the_governed_shell_stands_in_the_container(docker: LiveDocker) -> None:
    with Pane.running(docker.command("exec", "-it", "shop", "sh"), name="docker-shell") as pane:
        pane.until("prod-docker shop")
        pane.type("cd /app", "Enter").until("/app $")
        pane.type("cat sett", "Tab").until("settings.toml")
        pane.type("Enter").until("EUR")
        pane.type("rm settings.toml", "Enter").until("change request")
        pane.type("name=shop; echo $name-$?", "Enter").until("shop-")
        pane.type("tail -f shop.log", "Enter").until("order 700")
        pane.type("C-c").until_last("/app $")
        pane.type("exit 3", "Enter").until("left with 3")
    seen = moments(docker, "cat settings.toml")
    texts = [each.text for each in seen if each.kind == "unit"]
    assert "rm settings.toml" in texts
    assert next(each.verdict for each in seen if each.text == "rm settings.toml") == "change"
    assert "settings.toml" in docker.engine.text("exec", "shop", "ls", "/app")


@pytest.mark.parametrize("shell", ["tail -n 9 -f /app/shop.log", "sh"])
def test_what_reads_for_ever_at_a_terminal_ends_with_it(docker: LiveDocker, shell: str) -> None:
    command = docker.command("exec", "-it", "shop", *shell.split())
    with Pane.running(command, name=f"docker-gone-{shell}") as pane:
        if shell == "sh":
            pane.until("prod-docker shop")
            pane.type("tail -n 9 -f /app/shop.log", "Enter")
        pane.until("order 700")
        assert "tail -n 9 -f" in docker.engine.text("top", "shop")
    until(lambda: "tail -n 9 -f" not in docker.engine.text("top", "shop"), 5)


def test_a_shell_without_its_container_says_why(docker: LiveDocker) -> None:
    with Pane.running(docker.command("exec", "-it", "bare", "sh"), name="docker-bare") as pane:
        pane.until("prod-docker bare")
        pane.type("ls", "Enter").until("executable file not found")
        pane.type("exit", "Enter").until("left with")


def test_what_was_looked_at_is_found_again(docker: LiveDocker) -> None:
    docker.text("exec", "shop", "echo", "needle-4711")
    client = docker.gateway.client("reviewer")
    question = Search(text="needle-4711", why="tests")
    until(lambda: bool(list(client.lines("GET /v1/search", question, Hit))))


def test_the_api_says_what_to_do_about_the_socket(docker: LiveDocker) -> None:
    client = docker.gateway.client("admin")
    told = client.call("GET /v1/endpoints/{name}/harden", EndpointName(name=docker.endpoint), Hardening)
    assert "limit_except GET" in told.script


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("lara", "logs -f --tail 1 ticker"),
        ("ed", "exec shop tail -f /app/shop.log"),
        ("eve", "events"),
        ("stan", "stats"),
    ],
)
def test_revoking_cuts_what_goes_on_within_a_second(docker: LiveDocker, name: str, line: str) -> None:
    docker.gateway.add_person(name, "engineer")
    docker.gateway.grant(docker.endpoint, person=name)
    with docker.running(*line.split(), environment=docker.by_tls(name)) as process:
        until(lambda: any(each.units for each in docker.sessions(name, state="live")))
        time.sleep(0.7)
        held = docker.gateway.client(name).call("GET /v1/grants", ListGrants(mine=True), GrantList).grants
        revoked = time.monotonic()
        question = Revoke(id=held[0].id, reason="done here")
        docker.gateway.client("approver").call("POST /v1/grants/{id}/revoke", question, Done)
        until(lambda: not docker.sessions(name, state="live"), 2)
        assert time.monotonic() - revoked < 1.5
        out, error = process.communicate(timeout=10)
    if name in {"lara", "ed"}:
        assert b"taken away by approver: done here" in out + error
    assert "revoked" in {each.cause for each in docker.sessions(name)}
