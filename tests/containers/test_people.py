"""Engines and clusters as people come to them: by glassgate's commands, with the real docker and kubectl."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from cluster import SHOP_POD
from command_line import People
from go_programs import program
from live_gateway import LiveGateway

from gateway.cli.statuses import Status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cluster import Cluster
    from engine import Engine
    from live_gateway import Beginning


@pytest.fixture(scope="module")
def people(beginning: Beginning, tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    gateway = LiveGateway.start(tmp_path_factory.mktemp("gateway"), beginning=beginning)
    made = People(gateway, tmp_path_factory.mktemp("home"))
    try:
        for name in ("engineer", "approver", "reviewer"):
            assert made.login(name).status == 0
        yield made
    finally:
        gateway.stop()


def admin(people: People, *words: str) -> tuple[int, str, str]:
    ended = people(
        "admin", *words, GLASSGATE_TOKEN=people.gateway.tokens["admin"], GLASSGATE_CA=str(people.gateway.ca)
    )
    return ended.status, ended.out, ended.err


def grant(people: People, endpoint: str) -> None:
    asked = people("engineer", "request", endpoint, "--for", "1h", "--reason", "INC-45: mails", "--json")
    assert people("approver", "approve", str(asked.json["id"])).status == 0


@pytest.fixture(scope="module")
def docker(people: People, engine: Engine) -> str:
    status, _, err = admin(
        people,
        *("endpoint", "add", "prod-docker", "--kind", "docker", "--host", f"tcp://localhost:{engine.port}"),
        *("--ca-file", str(engine.ca), "--client-certificate", str(engine.certificate)),
        *("--client-key", str(engine.key), "--label", "env=prod"),
    )
    assert status == 0, err
    grant(people, "prod-docker")
    return "prod-docker"


def test_an_engine_over_tls_is_checked(people: People, docker: str) -> None:
    status, out, err = admin(people, "endpoint", "check", docker)
    assert status == 0, err
    assert "level judge-only" in out
    assert "20.10" in out
    assert "socket" in admin(people, "endpoint", "harden", docker)[1]


def test_docker_runs_through_connect_with_its_exit_status(people: People, docker: str) -> None:
    listed = people("engineer", "connect", docker, "--", "docker", "ps", "--format", "{{.Names}}")
    assert sorted(listed.out.split()) == ["bare", "shop", "ticker"], listed.err
    words = ("engineer", "connect", docker, "--", "docker", "exec", "shop")
    assert "currency" in people(*words, "cat", "/app/settings.toml").out
    assert people(*words, "ls", "/no/such/file").status == 1
    refused = people("engineer", "connect", docker, "--", "docker", "restart", "shop")
    assert refused.status == 1
    assert "glassgate change submit" in refused.err
    unknown = people("engineer", "connect", docker, "--", "docker", "rm", "-f", "bare")
    assert unknown.status == 1
    assert "bare" in people("engineer", "connect", docker, "--", "docker", "ps").out


def test_a_shells_settings_serve_until_the_login_ends(people: People, docker: str) -> None:
    assert people.login("engineer").status == 0
    printed = people("engineer", "config", "docker", docker).out
    script = f"{printed}\ndocker logs --tail 6 ticker"

    def logs() -> subprocess.CompletedProcess[str]:
        argv = ["sh", "-c", script]
        return subprocess.run(argv, capture_output=True, text=True, check=False, env=people.environment)

    assert "tick" in logs().stdout
    (number,) = re.findall(r"glassgate token machine remove (\d+)", printed)
    assert people("engineer", "token", "machine", "remove", number).status == 0
    assert "your certificate is over" in logs().stderr
    script = script.replace(printed, people("engineer", "config", "docker", docker).out)
    assert "tick" in logs().stdout
    assert people("engineer", "logout").status == 0
    ended = logs()
    assert ended.returncode == 1
    assert "your certificate is over" in ended.stderr
    assert people.login("engineer").status == 0


@pytest.mark.skipif(shutil.which("ssh") is None, reason="ssh is not installed")
def test_docker_comes_by_ssh_with_the_printed_configuration(
    people: People, docker: str, tmp_path: Path
) -> None:
    config = tmp_path / "ssh_config"
    config.write_text(people("engineer", "config", "ssh", docker).out)
    shim = tmp_path / "ssh"
    real = shutil.which("ssh")
    shim.write_text(f'#!/bin/sh\nexec {real} -F {shlex.quote(str(config))} -o ControlPath=none "$@"\n')
    shim.chmod(0o755)
    environment = {
        **people.environment,
        "PATH": f"{tmp_path}:{people.environment['PATH']}",
        "DOCKER_HOST": "ssh://prod-docker",
    }
    listed = subprocess.run(
        ["docker", "ps", "--format", "{{.Names}}"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert sorted(listed.stdout.split()) == ["bare", "shop", "ticker"], listed.stderr


def test_what_docker_did_is_replayed_and_found(people: People, docker: str) -> None:
    words = ("docker", "exec", "shop", "grep", "-n", "currency", "/app/settings.toml")
    assert people("engineer", "connect", docker, "--", *words).status == 0
    found = people("reviewer", "search", '"grep","-n","currency"')
    assert "/containers/shop/exec" in found.out
    session = max(one["id"] for one in people("reviewer", "sessions", "--json").json["sessions"])
    shown = "".join(people("reviewer", "replay", str(number)).out for number in (session, session - 1))
    assert "POST /v1.41/exec/" in shown
    assert 'currency = "EUR"' in shown
    assert "exit 0" in shown


@pytest.fixture(scope="module")
def kubernetes(people: People, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("cluster")
    for name in ("reader", "dry-run"):
        (folder / name).write_text(cluster.tokens[name])
    status, _, err = admin(
        people,
        *("endpoint", "add", "prod-k8s", "--kind", "kubernetes", "--server", cluster.url),
        *("--ca", str(cluster.ca), "--token-file", str(folder / "reader")),
        *("--dry-run-token-file", str(folder / "dry-run")),
    )
    assert status == 0, err
    grant(people, "prod-k8s")
    return "prod-k8s"


def test_a_cluster_is_registered_from_an_operators_kubeconfig_and_hardened(
    people: People, cluster: Cluster
) -> None:
    words = (
        "endpoint",
        "add",
        "admins-k8s",
        "--kind",
        "kubernetes",
        "--kubeconfig",
        str(cluster.kubeconfig()),
    )
    assert admin(people, *words)[0] == 0
    status, out, err = admin(people, "endpoint", "check", "admins-k8s")
    assert status == 0, err
    assert "everything" in out
    yaml = admin(people, "endpoint", "harden", "kubernetes", "admins-k8s")[1]
    cluster.kubectl("apply", "--dry-run=server", "--validate=false", "-f", "-", stdin=yaml.encode())


def test_kubectl_runs_through_connect_with_its_exit_status(people: People, kubernetes: str) -> None:
    kubectl = str(program("kubectl"))
    words = ("engineer", "connect", kubernetes, "--", kubectl, "-n", "shop")
    listed = people(*words, "get", "pods", "-o", "name")
    assert f"pod/{SHOP_POD}" in listed.out, listed.err
    assert people(*words, "get", "pod", "no-such-pod").status == 1
    ran = people(*words, "exec", SHOP_POD, "--", "ls", "/")
    assert ran.status == 0, ran.err
    refused = people(*words, "delete", "pod", SHOP_POD)
    assert refused.status == 1
    assert "it was not run" in refused.err
    assert f"pod/{SHOP_POD}" in people(*words, "get", "pods", "-o", "name").out


def test_a_kubeconfig_of_config_kube_serves_kubectl_by_itself(people: People, kubernetes: str) -> None:
    printed = people("engineer", "config", "kube", kubernetes).out
    script = f"{printed}\n{program('kubectl')} get pods -n shop -o json"
    argv = ["sh", "-c", script]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=people.environment)
    assert done.returncode == 0, done.stderr
    assert SHOP_POD in {one["metadata"]["name"] for one in json.loads(done.stdout)["items"]}


def test_a_machines_token_serves_kubectl_without_a_login(people: People, kubernetes: str) -> None:
    made = people("engineer", "token", "machine", "add", "ci", "--scope", "connect", "--json").json
    printed = people("engineer", "config", "kube", kubernetes).out
    script = f"{printed}\n{program('kubectl')} get namespaces -o name"
    environment = {
        **people.environment,
        "GLASSGATE_TOKEN": made["token"],
        "GLASSGATE_CA": str(people.gateway.ca),
    }
    argv = ["sh", "-c", script]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment)
    assert "namespace/shop" in done.stdout, done.stderr


def test_nobody_without_a_grant_gets_through(people: People, kubernetes: str) -> None:
    made = people("engineer", "grants", "--mine", "--json").json["grants"]
    held = next(one["id"] for one in made if one["endpoint"] == kubernetes)
    assert people("engineer", "drop", str(held)).status == 0
    ended = people("engineer", "connect", kubernetes, "--", "kubectl", "get", "pods")
    assert ended.status == Status.NOT_AUTHORISED
    assert "glassgate request prod-k8s" in ended.err
