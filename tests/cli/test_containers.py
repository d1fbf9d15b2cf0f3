"""Engines and clusters by commands alone: registered, shown, and what their clients are given."""

from __future__ import annotations

import base64
import json
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import trustme
from command_line import People
from panes import Pane

from gateway.cli.statuses import Status

AUTHORITY = trustme.CA()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    issued = AUTHORITY.issue_cert("gateway")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    AUTHORITY.cert_pem.write_to_path(folder / "ca.pem")
    (folder / "token").write_text("reader-token")
    return folder


@pytest.fixture(scope="module")
def docker(glassgate: People, files: Path) -> str:
    added = glassgate(
        *("admin", "endpoint", "add", "prod-docker", "--kind", "docker", "--host", "tcp://127.0.0.1:1"),
        *("--ca", str(files / "ca.pem"), "--client-certificate", str(files / "cert.pem")),
        *("--client-key", str(files / "key.pem"), "--label", "env=prod"),
        *("--repository", "/srv/shop.git", "--repository-path", "/srv/shop=deploy"),
    )
    assert added.status == 0, added.err
    return "prod-docker"


@pytest.fixture(scope="module")
def cluster(glassgate: People, files: Path) -> str:
    added = glassgate(
        *("admin", "endpoint", "add", "prod-k8s", "--kind", "kubernetes", "--server", "https://127.0.0.1:1"),
        *("--ca-file", str(files / "ca.pem"), "--token-file", str(files / "token"), "--label", "env=prod"),
    )
    assert added.status == 0, added.err
    return "prod-k8s"


def test_an_engine_is_registered_and_shown_without_its_secret(glassgate: People, docker: str) -> None:
    shown = glassgate("admin", "endpoint", "show", docker)
    assert "127.0.0.1:1" in shown.out
    assert "/srv/shop to deploy" in shown.out
    told = glassgate("admin", "endpoint", "show", docker, "--json")
    assert (told.json["kind"], told.json["username"], told.json["tls"]) == ("docker", "", "verify-full")
    assert told.json["settings"]["record_results"]
    assert "PRIVATE" not in told.out
    assert docker in glassgate("engineer", "endpoints", "docker").out


def test_an_engines_socket_is_registered(glassgate: People) -> None:
    words = ("endpoint", "add", "here-docker", "--kind", "docker", "--host", "/run/docker.sock")
    assert glassgate("admin", *words).status == 0
    shown = glassgate("admin", "endpoint", "show", "here-docker", "--json").json
    assert (shown["host"], shown["port"], shown["tls"]) == ("/run/docker.sock", 0, "off")
    lines = glassgate("admin", "endpoint", "show", "here-docker").out.splitlines()
    assert next(line.split() for line in lines if line.startswith("address")) == [
        "address",
        "/run/docker.sock",
    ]


def test_a_cluster_is_registered_as_a_kubeconfig_says(glassgate: People, files: Path) -> None:
    config = files / "config"
    config.write_text(
        "current-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
        "clusters: [{name: c, cluster: {server: 'https://k8s.internal:6443',"
        " certificate-authority: ca.pem}}]\n"
        "users: [{name: u, user: {tokenFile: token}}]\n"
    )
    words = ("endpoint", "add", "other-k8s", "--kind", "kubernetes", "--kubeconfig", str(config))
    assert glassgate("admin", *words).status == 0
    shown = glassgate("admin", "endpoint", "show", "other-k8s", "--json").json
    assert (shown["host"], shown["port"]) == ("k8s.internal", 6443)
    assert shown["ca"] == (files / "ca.pem").read_text()
    wrong = glassgate("admin", *words, "--context", "staging")
    assert wrong.status == Status.ERROR
    assert "no context staging" in wrong.err


def test_a_credential_goes_nowhere_else_than_it_was_given_for(glassgate: People, cluster: str) -> None:
    moved = glassgate(
        "admin", "endpoint", "add", cluster, "--kind", "kubernetes", "--server", "https://other.internal:6443"
    )
    assert moved.status == Status.ERROR
    assert "another place" in moved.err


def test_kubectl_is_given_a_token_of_an_hour(glassgate: People) -> None:
    made = glassgate("engineer", "credential", "kubernetes")
    assert made.status == 0, made.err
    assert made.json["apiVersion"] == "client.authentication.k8s.io/v1"
    assert made.json["kind"] == "ExecCredential"
    assert made.json["status"]["token"].startswith("ggk_")
    assert made.json["status"]["expirationTimestamp"].endswith("Z")
    asked = json.dumps({"apiVersion": "client.authentication.k8s.io/v1beta1", "spec": {}})
    older = glassgate("engineer", "credential", "kubernetes", KUBERNETES_EXEC_INFO=asked)
    assert older.json["apiVersion"] == "client.authentication.k8s.io/v1beta1"
    unknown = glassgate("engineer", "credential", "kubernetes", KUBERNETES_EXEC_INFO='{"apiVersion": "v9"}')
    assert unknown.status == Status.ERROR


def test_a_client_without_a_login_is_told_what_to_do(glassgate: People) -> None:
    ended = glassgate("nobody", "credential", "kubernetes")
    assert (ended.status, ended.out) == (Status.NOT_AUTHORISED, "")
    assert "glassgate --profile nobody login" in ended.err


def test_a_token_of_a_cluster_is_none_of_the_api(glassgate: People) -> None:
    token = glassgate("engineer", "credential", "kubernetes").json["status"]["token"]
    used = glassgate("ci", "whoami", GLASSGATE_TOKEN=token, GLASSGATE_CA=str(glassgate.gateway.ca))
    assert used.status == Status.NOT_AUTHORISED


def test_the_kind_before_a_name_must_be_its_kind(glassgate: People) -> None:
    assert "CREATE ROLE" in glassgate("admin", "endpoint", "harden", "postgres", "orders-db").out
    wrong = glassgate("admin", "endpoint", "harden", "docker", "orders-db")
    assert wrong.status == Status.ERROR
    assert "orders-db is a postgres endpoint" in wrong.err


def test_a_kubeconfig_holds_no_secret_and_leads_through_the_gateway(glassgate: People, cluster: str) -> None:
    printed = glassgate("engineer", "config", "kube", cluster)
    assert printed.status == 0, printed.err
    assert "glassgate request prod-k8s" in printed.err
    name, _, path = printed.out.strip().removeprefix("export ").partition("=")
    assert name == "KUBECONFIG"
    assert Path(path).stat().st_mode & 0o777 == 0o600
    assert Path(path).parent.stat().st_mode & 0o777 == 0o700
    config = json.loads(Path(path).read_text())
    (only,) = config["clusters"]
    port = glassgate.gateway.kubernetes_port
    assert only["cluster"]["server"] == f"https://localhost:{port}/endpoints/prod-k8s"
    assert (
        base64.b64decode(only["cluster"]["certificate-authority-data"]) == glassgate.gateway.ca.read_bytes()
    )
    assert "token" not in config["users"][0]["user"]
    wrong = glassgate("engineer", "config", "docker", cluster)
    assert wrong.status == Status.ERROR
    assert "no Docker engine" in wrong.err


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_the_real_kubectl_fetches_its_token_by_itself(glassgate: People, cluster: str) -> None:
    path = glassgate("engineer", "config", "kube", cluster).out.strip().partition("=")[2]
    argv = ["kubectl", "--kubeconfig", path, "get", "pods", "--request-timeout", "20s"]
    said = subprocess.run(argv, capture_output=True, text=True, check=False, env=glassgate.environment).stderr
    assert "glassgate request prod-k8s" in said, said
    glassgate("nobody", "whoami")
    config = json.loads(Path(path).read_text())
    config["users"][0]["user"]["exec"]["args"][-5] = "nobody"
    other = Path(path).with_name("nobody")
    other.write_text(json.dumps(config))
    argv[2] = str(other)
    said = subprocess.run(argv, capture_output=True, text=True, check=False, env=glassgate.environment).stderr
    assert "glassgate --profile nobody login" in said, said


def test_dockers_settings_are_written_for_their_owner_alone(glassgate: People, docker: str) -> None:
    printed = glassgate("engineer", "config", "docker", docker)
    assert printed.status == 0, printed.err
    settings = dict(
        line.removeprefix("export ").split("=", 1)
        for line in printed.out.splitlines()
        if line.startswith("export ")
    )
    port = glassgate.gateway.docker_port
    assert settings["DOCKER_HOST"] == f"tcp://localhost:{port}"
    assert settings["DOCKER_TLS_VERIFY"] == "1"
    assert f"ssh://engineer+prod-docker@localhost:{glassgate.gateway.ssh_port}" in printed.out
    folder = Path(settings["DOCKER_CERT_PATH"])
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        "ca.pem": 0o600,
        "cert.pem": 0o600,
        "key.pem": 0o600,
    }
    assert (folder / "ca.pem").read_bytes() == glassgate.gateway.ca.read_bytes()
    wrong = glassgate("engineer", "config", "kube", docker)
    assert wrong.status == Status.ERROR
    assert "no Kubernetes cluster" in wrong.err


@pytest.mark.skipif(shutil.which("docker") is None, reason="docker is not installed")
def test_the_real_docker_is_told_what_is_missing(glassgate: People, docker: str) -> None:
    printed = glassgate("engineer", "config", "docker", docker).out
    lines = [line for line in printed.splitlines() if line.startswith("export ")]

    def ps(*more: str) -> str:
        script = "\n".join([*lines, *more, "docker ps"])
        argv = ["sh", "-c", script]
        return subprocess.run(
            argv, capture_output=True, text=True, check=False, env=glassgate.environment
        ).stderr

    assert "glassgate request prod-docker" in ps()
    folder = lines[2].partition("=")[2]
    assert "glassgate config docker" in ps(f"mv {folder}/cert.pem {folder}/key.pem {folder}/..")


def test_what_connect_writes_is_gone_when_the_command_ends(glassgate: People, docker: str) -> None:
    assert glassgate("engineer", "connect", docker, "--", "true").status == Status.NOT_AUTHORISED
    asked = glassgate("engineer", "request", docker, "--for", "1h", "--reason", "INC-45: mails", "--json")
    assert glassgate("approver", "approve", str(asked.json["id"])).status == 0
    looks = 'ls "$DOCKER_CERT_PATH" && echo "$DOCKER_CERT_PATH$DOCKER_CONTEXT" && exit 7'
    ended = glassgate("engineer", "connect", docker, "--", "sh", "-c", looks, DOCKER_CONTEXT="mine")
    assert ended.status == 7
    *files, folder = ended.out.split()
    assert files == ["ca.pem", "cert.pem", "key.pem"]
    assert not Path(folder).exists()
    killed = glassgate("engineer", "connect", docker, "--", "sh", "-c", "kill -TERM $$")
    assert killed.status == 128 + 15
    missing = glassgate("engineer", "connect", docker, "--", "no-such-program")
    assert missing.status == Status.ERROR
    assert "no such program" in missing.err
    assert "export DOCKER_HOST=" in glassgate("engineer", "connect", docker).out


def test_what_is_sent_to_connect_reaches_its_command(glassgate: People, docker: str) -> None:
    # The command itself sends it, at once: no moment after its start is too early.
    script = 'trap "echo told; exit 5" TERM; kill -TERM $PPID; while :; do sleep 0.1; done'
    ended = glassgate("engineer", "connect", docker, "--", "sh", "-c", script)
    assert (ended.out, ended.status) == ("told\n", 5)


@pytest.mark.skipif(shutil.which("ssh") is None, reason="ssh is not installed")
def test_an_engines_section_of_ssh_config_leads_to_the_ssh_door(glassgate: People, docker: str) -> None:
    printed = glassgate("engineer", "config", "ssh", docker)
    assert printed.status == 0, printed.err
    assert printed.out.startswith("Host prod-docker\n")
    assert f"Port {glassgate.gateway.ssh_port}\n" in printed.out
    assert "User engineer+prod-docker\n" in printed.out


@pytest.mark.parametrize(("command", "offered"), [("docker", {"prod-docker"}), ("kube", {"prod-k8s"})])
def test_the_shell_offers_endpoints_of_the_kind_alone(
    glassgate: People, docker: str, cluster: str, command: str, offered: set[str]
) -> None:
    words = f"glassgate --profile engineer config {command} prod"
    ended = glassgate("x", _GLASSGATE_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD="5")
    assert set(ended.out.split()) == offered


# ---- connect --secrets -----------------------------------------------------------------------------------


def test_connect_asks_for_the_values_of_secrets_and_goes_straight_on(glassgate: People, cluster: str) -> None:
    glassgate.gateway.add_person("typist", "on-call")
    assert glassgate.login("typist").status == 0
    asked = ("request", cluster, "--reason", "INC-7: looking", "--json")
    assert glassgate("typist", *asked).json["state"] == "approved"
    untold = glassgate("typist", "connect", cluster, "--secrets", "--", "true")
    assert untold.status == Status.NOT_AUTHORISED
    assert "no grant to read prod-k8s with the values of Secrets" in untold.err
    assert '--reason "…" --secrets' in untold.err
    command = glassgate.argv("typist", "connect", cluster, "--secrets", "--", "printenv", "KUBECONFIG")
    variables = [f"{name}={value}" for name, value in glassgate.environment.items() if "GLASS" in name]
    with Pane.running(shlex.join(["env", *variables, *command]), name="connect-secrets") as pane:
        pane.until("You have no grant for prod-k8s with the values of Secrets. Reason:")
        pane.type("INC-7: which password?", "Enter").until("is waiting for an")
        waits = glassgate("typist", "requests", "--mine", "--state", "pending", "--json").json["requests"]
        assert [(one["secrets"], one["reason"]) for one in waits] == [(True, "INC-7: which password?")]
        again = glassgate("typist", "connect", cluster, "--secrets", "--", "true")
        assert again.status == Status.NOT_AUTHORISED
        assert "glassgate connect prod-k8s --secrets, once it is approved" in again.err
        assert glassgate("approver", "approve", str(waits[0]["id"])).status == 0
        pane.until("left with 0")
        assert "with the values of Secrets for 1h is approved" in pane.text
    assert glassgate("typist", "connect", cluster, "--secrets", "--", "true").status == 0


def test_only_a_cluster_has_secrets_to_connect_with(glassgate: People, docker: str) -> None:
    for name, kind in ((docker, "docker"), ("orders-db", "postgres")):
        refused = glassgate("engineer", "connect", name, "--secrets", "--", "true")
        assert refused.status == Status.ERROR
        assert f"{name} is a {kind} endpoint; only a Kubernetes cluster has Secrets" in refused.err


def test_completion_offers_secrets(glassgate: People) -> None:
    words = "glassgate connect --sec"
    ended = glassgate("x", _GLASSGATE_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD="2")
    assert ended.out.split() == ["--secrets"]
