"""Reading a real cluster through a real gateway, with the real kubectl and by bare requests."""

from __future__ import annotations

import base64
import gzip
import json
import re
import socket
import ssl
import threading
from typing import TYPE_CHECKING

import pytest
from cluster import SHOP_POD
from live_ssh import until

from gateway.web.shapes.endpoints import EndpointCheck, EndpointName, Hardening
from gateway.web.shapes.identity import ClusterToken
from gateway.web.shapes.sessions import Moment, Watched
from gateway.web.shapes.shape import Nothing

if TYPE_CHECKING:
    from live_kube import LiveKube


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ("get pods", SHOP_POD),
        ("get all -A", "deployment.apps/shop"),
        ("get pods -o wide --sort-by=.metadata.name", "node-1"),
        ("get deployment shop -o yaml", "registry.example.com"),
        ("get pods -l app=shop -o name", f"pod/{SHOP_POD}"),
        ("get orders -A", "order-1"),
        ("get nodes", "Ready"),
        ("describe pod ticker", "Status:"),
        ("describe node node-1", "Conditions:"),
        ("logs ticker --tail=2", "tick"),
        ("logs ticker --previous", "before 2"),
        ("logs deployment/shop --all-containers --tail=1", ""),
        ("explain deployment.spec.replicas", "Number of desired pods"),
        ("api-resources", "deployments"),
        ("api-versions", "apps/v1"),
        ("version", "Server Version: v1."),
        ("cluster-info", "/endpoints/prod-k8s"),
        ("auth can-i get pods", "yes"),
        ("auth can-i --list", "pods/exec"),
        ("auth whoami", "glassgate:reader"),
        ("get events -A", ""),
        ("rollout status deployment shop", "successfully rolled out"),
        ("wait pod/web --for=condition=Ready", "condition met"),
        ("get --raw /version", "gitVersion"),
    ],
)
def test_what_people_look_at_every_day_works(kube: LiveKube, argv: str, words: str) -> None:
    assert words in kube.text(*argv.split())


def test_metrics_are_missing_here_as_without_a_gateway(kube: LiveKube) -> None:
    assert kube.kubectl("top", "pods").stderr == kube.cluster.kubectl("top", "pods", check=False).stderr


def test_logs_are_followed(kube: LiveKube) -> None:
    with kube.running("logs", "-f", "ticker", "--tail=1") as process:
        assert process.stdout is not None
        ticks = [process.stdout.readline() for _ in range(4)]
    assert all(re.fullmatch(rb"(tick|behind) \d+\n", each) for each in ticks)


def test_events_are_watched_as_they_come(kube: LiveKube) -> None:
    made: list[str] = []
    seen = threading.Event()

    def make() -> None:
        while not seen.wait(1):  # the watch begins when it does
            made.append(f"seen-in-passing-{len(made)}")
            kube.cluster.kubectl("create", "configmap", made[-1])

    maker = threading.Thread(target=make)
    with kube.running("get", "configmaps", "--watch-only", "-o", "name") as process:
        assert process.stdout is not None
        maker.start()
        try:
            line = process.stdout.readline().decode()
        finally:
            seen.set()
            maker.join()
    assert line.strip().removeprefix("configmap/") in made
    kube.cluster.kubectl("delete", "configmap", *made)


def test_the_values_of_secrets_are_masked_however_they_are_asked_for(kube: LiveKube) -> None:
    password = base64.b64decode(
        kube.cluster.text("get", "secret", "shop-password", "-o", "jsonpath={.data.*}")
    )
    told = [
        kube.text("get", "secrets", "-A", "-o", "json"),
        kube.text("get", "secret", "shop-password", "-o", "yaml"),
        kube.text("get", "secrets"),
        kube.text("describe", "secret", "shop-password"),
        json.dumps(kube.get("/api/v1/watch/namespaces/shop/secrets?timeoutSeconds=1&limit=1")[1]),
    ]
    for each in told:
        assert "shop-password" in each
        assert password.decode() not in each
        assert base64.b64encode(password).decode() not in each


def test_secrets_in_a_form_that_can_t_be_masked_are_not_answered(kube: LiveKube) -> None:
    protobuf = "application/vnd.kubernetes.protobuf"
    status, told = kube.get("/api/v1/namespaces/shop/secrets", Accept=protobuf)
    assert (status, told["reason"]) == (406, "NotAcceptable")
    assert kube.get("/api/v1/namespaces/shop/secrets", Accept=f"{protobuf}, application/json")[0] == 200


def test_a_read_is_recorded_with_what_it_was_about_and_what_came(kube: LiveKube) -> None:
    kube.get("/api/v1/namespaces/shop/pods/ticker")
    newest = kube.sessions()[0]
    until(lambda: kube.sessions()[0].ended_at is not None)
    client = kube.gateway.client("reviewer")
    seen = list(client.lines("GET /v1/sessions/{id}/replay", Watched(id=newest.id, why="tests"), Moment))
    (unit,) = [each for each in seen if each.kind == "unit"]
    (answer,) = [each for each in seen if each.kind == "answer"]
    assert unit.text == "GET /api/v1/namespaces/shop/pods/ticker"
    assert (unit.verdict, unit.rule) == ("allow", "kubernetes.get")
    assert answer.tag == "200"
    assert (answer.size or 0) > 500
    assert kube.token() not in repr(seen)


# ---- who may, and where to ---------------------------------------------------------------------------


def test_nobody_without_a_token_is_let_in(kube: LiveKube) -> None:
    for token in ("", "Bearer nonsense", f"Bearer {kube.gateway.tokens['engineer']}", "Basic YTpi"):
        with kube.connection() as connection:
            code, _, body = connection.ask(kube.target("/api"), {"Authorization": token} if token else {})
        told = json.loads(body)
        assert (code, told["kind"], told["reason"]) == (401, "Status", "Unauthorized")


def test_a_missing_grant_says_how_to_ask(kube: LiveKube) -> None:
    kube.gateway.add_person("grantless", "engineer")
    status, told = kube.get("/api/v1/pods", person="grantless")
    assert (status, told["reason"]) == (403, "Forbidden")
    assert "glassgate request prod-k8s" in told["message"]
    shown = kube.kubectl("get", "pods", config=kube.config("grantless")).stderr.decode()
    assert "glassgate request prod-k8s" in shown


def test_an_endpoint_that_is_none_is_not_found(kube: LiveKube) -> None:
    with kube.connection() as connection:
        assert connection.ask("/endpoints/nowhere/api", kube.headers())[0] == 404


def test_a_connection_stays_with_its_first_token_and_endpoint(kube: LiveKube) -> None:
    kube.register(name="other-k8s")
    kube.gateway.grant("other-k8s")
    kube.gateway.add_person("other", "engineer")
    for target, headers, code in (
        (kube.target("/version"), kube.headers("other"), 401),
        ("/endpoints/other-k8s/version", kube.headers(), 421),
        ("/endpoints/%6Fther-k8s/version", kube.headers(), 404),
    ):
        with kube.connection() as connection:
            assert connection.ask(kube.target("/version"), kube.headers())[0] == 200
            found, told, _ = connection.ask(target, headers)
            assert (found, told["connection"]) == (code, "close")


def test_a_connection_goes_on_with_its_person_s_next_token(kube: LiveKube) -> None:
    client = kube.gateway.client("engineer")
    second = client.call("POST /v1/kubernetes/tokens", Nothing(), ClusterToken).token
    with kube.connection() as connection:
        for token in (kube.token(), second, kube.token()):
            headers = {"Authorization": f"Bearer {token}"}
            assert connection.ask(kube.target("/version"), headers)[0] == 200
    until(lambda: kube.sessions()[0].units == 3)


def test_one_connection_is_one_session_of_many_units(kube: LiveKube) -> None:
    with kube.connection() as connection:
        for _ in range(5):
            target = kube.target("/api/v1/namespaces/shop/pods?limit=1")
            assert connection.ask(target, kube.headers())[0] == 200
    until(lambda: kube.sessions()[0].units == 5)


@pytest.mark.parametrize(
    "head",
    [
        "GET {} HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
        "GET {} HTTP/1.1\r\nHost : a\r\n",
        "GET {} HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n",
        "GET {} HTTP/1.1\nHost: a\n",
        "GET https://localhost{} HTTP/1.1\r\nHost: a\r\n",
        "POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "GET {} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n",
        "CONNECT localhost:1 HTTP/1.1\r\nHost: a\r\n",
    ],
)
def test_what_two_servers_could_read_apart_reaches_none(kube: LiveKube, head: str) -> None:
    target = kube.target("/api/v1/namespaces/shop/pods")
    sent = f"{head.format(target)}Authorization: Bearer {kube.token()}\r\n\r\n"
    trust = ssl.create_default_context(cafile=str(kube.gateway.ca))
    with (
        socket.create_connection(("localhost", kube.gateway.kubernetes_port), timeout=10) as plain,
        trust.wrap_socket(plain, server_hostname="localhost") as wrapped,
    ):
        wrapped.sendall(sent.encode())
        assert wrapped.recv(12) in (b"HTTP/1.1 400", b"HTTP/1.1 501")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/namespaces/shop/../default/pods",
        "/api/v1//pods",
        "/api/v1/namespaces/shop/%2e%2e/pods",
        "/api/v1/namespaces/shop/pods/web/proxy/",
        "/api/v1/nodes/node-1/proxy/pods",
        "/api/v1/proxy/nodes/node-1",
        "/logs/",
        "/debug/pprof/profile",
    ],
)
def test_paths_that_lead_elsewhere_are_refused(kube: LiveKube, path: str) -> None:
    status, told = kube.get(path)
    assert (status, told["reason"]) == (403, "Forbidden")


@pytest.mark.parametrize("header", ["Impersonate-User", "X-Remote-User", "X-HTTP-Method-Override"])
def test_nobody_is_anybody_else(kube: LiveKube, header: str) -> None:
    with kube.connection() as connection:
        assert connection.ask(kube.target("/api/v1/pods"), kube.headers() | {header: "admin"})[0] == 403


# ---- how it is reached -------------------------------------------------------------------------------


def test_a_reader_that_may_do_more_is_told_and_refused_where_a_role_is_required(kube: LiveKube) -> None:
    kube.register(name="strict-k8s", labels={"env": "prod"})
    kube.gateway.grant("strict-k8s")
    done = kube.kubectl("get", "pods", config=kube.config(endpoint="strict-k8s"))
    assert done.returncode != 0
    said = done.stderr.decode()
    assert "may do more than read (exec: create, get pods/exec; secrets:" in said
    assert "glassgate endpoint harden strict-k8s" in said


def test_the_yaml_of_harden_makes_identities_that_read_and_that_try_changes_out(kube: LiveKube) -> None:
    question = EndpointName(name="prod-k8s")
    made = kube.gateway.client("admin").call("GET /v1/endpoints/{name}/harden", question, Hardening)
    yaml = made.script.replace("glassgate", "hardened").encode()
    kube.cluster.kubectl("apply", "-f", "-", stdin=yaml)
    try:
        kube.cluster.tokens["hardened"] = kube.cluster.token_of("hardened", "reader")
        kube.cluster.tokens["tried"] = kube.cluster.token_of("hardened", "dry-run")
        kube.register(name="hard-k8s", identity="hardened", labels={"env": "prod"})
        kube.gateway.grant("hard-k8s")
        config = kube.config(endpoint="hard-k8s")
        assert SHOP_POD.encode() in kube.kubectl("get", "pods", config=config).stdout
        assert b"forbidden" in kube.kubectl("get", "secrets", config=config).stderr
        assert b"does not run it" in kube.kubectl("exec", "web", "--", "ls", config=config).stderr
        settings = "/api/v1/namespaces/shop/configmaps"
        probe = {"metadata": {"name": f"probe-{SHOP_POD}"}}
        until(lambda: kube.cluster.api("POST", settings, probe, identity="tried")[0] == 403)
        assert kube.cluster.api("POST", f"{settings}?dryRun=All", probe, identity="tried")[0] in (201, 409)
    finally:
        kube.cluster.kubectl("delete", "-f", "-", "--wait=false", stdin=yaml)


def test_an_operator_checks_a_cluster_and_sees_what_its_identity_may_do(kube: LiveKube) -> None:
    client = kube.gateway.client("admin")
    found = client.call("POST /v1/endpoints/{name}/check", EndpointName(name="prod-k8s"), EndpointCheck)
    assert found.level == "default"
    assert found.findings["writes"] == "no"
    assert found.findings["exec"] == "create, get pods/exec"
    assert found.findings["dry-runs"] == "by an identity of their own"


def test_a_compressed_answer_comes_through_as_it_is(kube: LiveKube) -> None:
    with kube.connection() as connection:
        headers = kube.headers(Accept_Encoding="gzip", Accept="application/json")
        code, told, body = connection.ask(kube.target("/openapi/v2"), headers)
    assert (code, told["content-encoding"]) == (200, "gzip")
    assert "swagger" in json.loads(gzip.decompress(body))


def test_a_wrong_credential_is_told_without_being_shown(kube: LiveKube) -> None:
    kube.cluster.tokens["wrong"] = "not-a-token-of-theirs"
    kube.register(name="wrong-k8s", identity="wrong")
    kube.gateway.grant("wrong-k8s")
    done = kube.kubectl("get", "pods", config=kube.config(endpoint="wrong-k8s"))
    assert b"refuses the gateway's credential" in done.stderr
    assert b"not-a-token" not in done.stderr


def test_a_client_that_wants_the_connection_closed_sees_it_closed(kube: LiveKube) -> None:
    with kube.connection() as connection:
        connection.made.request("GET", kube.target("/version"), headers=kube.headers(Connection="close"))
        assert connection.made.sock is not None
        raw = b""
        while piece := connection.made.sock.recv(4096):
            raw += piece
    assert raw.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"gitVersion" in raw
