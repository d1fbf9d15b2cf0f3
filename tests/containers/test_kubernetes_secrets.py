"""Access that includes the values of Secrets: what it shows, to which sessions, and until when."""

from __future__ import annotations

import base64
import json
import re
import ssl
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from command_line import People
from live_ssh import until

from gateway.cli.statuses import Status
from gateway.web.shapes.access import Approve, FileRequest, GrantId, RequestFacts, Revoke
from gateway.web.shapes.identity import ClusterToken, Done
from gateway.web.shapes.sessions import Moment, Watched
from gateway.web.shapes.shape import Nothing

if TYPE_CHECKING:
    from pathlib import Path

    from live_kube import Connection, LiveKube

PASSWORD = "hunter2-of-the-shop"
CODED = base64.b64encode(PASSWORD.encode()).decode()
SECRET = "/api/v1/namespaces/shop/secrets/shop-password"
PROTOBUF = "application/vnd.kubernetes.protobuf"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


def ask(kube: LiveKube, person: str, *, secrets: bool) -> RequestFacts:
    question = FileRequest(endpoint=kube.endpoint, seconds=600, reason="INC-7: looking", secrets=secrets)
    return kube.gateway.client(person).call("POST /v1/requests", question, RequestFacts)


def approve(kube: LiveKube, filed: RequestFacts, *, without_secrets: bool = False) -> int:
    approval = Approve(id=filed.id, without_secrets=without_secrets)
    now = kube.gateway.client("approver").call("POST /v1/requests/{id}/approve", approval, RequestFacts)
    assert now.grant is not None
    return now.grant


def oncall(kube: LiveKube, name: str, *, secrets: bool = True) -> tuple[str, int]:
    """Somebody on call, with a grant that includes the values of Secrets, or with one that doesn't."""
    kube.gateway.add_person(name, "on-call")
    filed = ask(kube, name, secrets=secrets)
    if filed.grant is not None:
        return name, filed.grant
    return name, approve(kube, filed)


def revoke(kube: LiveKube, grant: int) -> None:
    question = Revoke(id=grant, reason="done here")
    kube.gateway.client("approver").call("POST /v1/grants/{id}/revoke", question, Done)


def shown(kube: LiveKube, person: str, *argv: str) -> str:
    done = kube.kubectl(*argv, config=kube.config(person))
    assert done.returncode == 0, (argv, done.stderr)
    return done.stdout.decode()


def read(kube: LiveKube, person: str, path: str, accept: str) -> tuple[int, bytes]:
    with kube.connection() as connection:
        status, _, body = connection.ask(kube.target(path), kube.headers(person, Accept=accept))
    return status, body


def test_kubectl_shows_values_under_such_a_grant_and_masks_under_another(kube: LiveKube) -> None:
    wide, _ = oncall(kube, "wide")
    narrow, _ = oncall(kube, "narrow", secrets=False)
    for argv in (
        ("get", "secret", "shop-password", "-o", "yaml"),
        ("get", "secrets", "-A", "-o", "json"),
        ("get", "secret", "shop-password", "-o", "jsonpath={.data.password}"),
    ):
        assert CODED in shown(kube, wide, *argv)
        assert CODED not in shown(kube, narrow, *argv)
    size = f"{len(PASSWORD)} bytes"
    assert size in shown(kube, wide, "describe", "secret", "shop-password")
    assert size not in shown(kube, narrow, "describe", "secret", "shop-password")
    assert "shop-password" in shown(kube, wide, "get", "secrets")


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        (SECRET, "application/json"),
        (SECRET, PROTOBUF),
        (SECRET, "application/yaml"),
        ("/api/v1/secrets?limit=500", "application/json"),
        ("/api/v1/namespaces/shop/secrets?includeObject=Object", TABLE),
        ("/api/v1/namespaces/shop/secrets?watch=true&resourceVersion=0&timeoutSeconds=1", "application/json"),
        (
            "/api/v1/namespaces/shop/secrets?watch=true&resourceVersion=0&timeoutSeconds=1",
            f"{PROTOBUF};stream=watch",
        ),
        (
            "/api/v1/namespaces/shop/secrets?watch=1&resourceVersion=0&timeoutSeconds=1&includeObject=Object",
            TABLE,
        ),
    ],
)
def test_every_form_shows_them_and_masks_or_refuses_without(kube: LiveKube, path: str, accept: str) -> None:
    if "forms" not in kube.gateway.tokens:
        oncall(kube, "forms")
    status, body = read(kube, "forms", path, accept)
    assert status == 200
    assert (PASSWORD if PROTOBUF in accept else CODED).encode() in body
    status, body = read(kube, "engineer", path, accept)
    assert status == (406 if PROTOBUF in accept or "yaml" in accept else 200)
    assert PASSWORD.encode() not in body
    assert CODED.encode() not in body


def test_helm_tells_the_values_of_a_release(kube: LiveKube, helm: Path, tmp_path: Path) -> None:
    wide, _ = oncall(kube, "helmswoman")
    own = kube.cluster.client_environment(kube.cluster.kubeconfig())
    subprocess.run([helm, "create", tmp_path / "chart"], env=own, check=True, capture_output=True)
    install = [helm, "install", "spoken", tmp_path / "chart", "--set", "a.b=correct-horse", "-n", "shop"]
    subprocess.run(install, env=own, check=True, capture_output=True)
    try:
        for person, expected in ((wide, True), ("engineer", False)):
            through = kube.cluster.client_environment(kube.config(person))
            done = subprocess.run(
                [helm, "get", "values", "spoken", "-n", "shop"], env=through, check=True, capture_output=True
            )
            assert (b"correct-horse" in done.stdout) is expected
    finally:
        subprocess.run([helm, "uninstall", "spoken", "-n", "shop"], env=own, check=True, capture_output=True)


def test_revoking_it_cuts_a_watch_within_a_second(kube: LiveKube) -> None:
    wide, grant = oncall(kube, "watcher")
    config = kube.config(wide)
    with kube.running("get", "secrets", "-w", "-o", "json", config=config) as process:
        assert process.stdout is not None
        until(lambda: any(each.units for each in kube.sessions(wide, state="live")))
        time.sleep(0.5)
        revoked = time.monotonic()
        revoke(kube, grant)
        until(lambda: not kube.sessions(wide, state="live"), 2)
        assert time.monotonic() - revoked < 1
        out, _ = process.communicate(timeout=10)
    assert CODED.encode() in out
    assert kube.sessions(wide)[0].cause == "revoked"


def test_an_approver_can_leave_them_out(kube: LiveKube) -> None:
    kube.gateway.add_person("less", "on-call")
    filed = ask(kube, "less", secrets=True)
    assert (filed.state, filed.secrets) == ("pending", True)
    approve(kube, filed, without_secrets=True)
    assert CODED not in shown(kube, "less", "get", "secret", "shop-password", "-o", "yaml")


def test_the_record_says_that_values_were_shown_and_not_which(kube: LiveKube) -> None:
    wide, _ = oncall(kube, "recorded")
    assert CODED in shown(kube, wide, "get", "secret", "shop-password", "-o", "yaml")
    until(lambda: kube.sessions(wide)[0].ended_at is not None)
    client = kube.gateway.client("reviewer")
    seen = [
        moment
        for session in kube.sessions(wide)
        for moment in client.lines(
            "GET /v1/sessions/{id}/replay", Watched(id=session.id, why="tests"), Moment
        )
    ]
    assert any(each.kind == "secrets" and "not masked" in each.text for each in seen)
    (unit,) = [each for each in seen if each.kind == "unit" and "secrets/shop-password" in each.text]
    assert (unit.verdict, unit.rule) == ("allow", "kubernetes.secrets")
    assert "includes the values of Secrets" in unit.reason
    assert not re.search(f"{PASSWORD}|{CODED}", repr(seen))


def test_nothing_is_tried_on_secrets_all_the_same(kube: LiveKube) -> None:
    wide, _ = oncall(kube, "trier")
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "shop-password"},
        "stringData": {"a": "b"},
    }
    stdin = json.dumps(manifest).encode()
    done = kube.kubectl("apply", "--dry-run=server", "-f", "-", config=kube.config(wide), stdin=stdin)
    assert done.returncode == 1
    assert b"Secrets are not tried" in done.stderr


# ---- which session gets them -----------------------------------------------------------------------------


def test_a_connection_never_sees_more_than_the_grant_that_it_was_opened_under(kube: LiveKube) -> None:
    name, _ = oncall(kube, "kept", secrets=False)
    client = kube.gateway.client(name)
    with kube.connection() as old, kube.connection() as new:

        def told(connection: Connection, token: str = "") -> bytes:
            headers = {"Authorization": f"Bearer {token}"} if token else kube.headers(name)
            status, _, body = connection.ask(kube.target(SECRET), headers)
            assert status == 200
            return body

        assert CODED.encode() not in told(old)
        wide = approve(kube, ask(kube, name, secrets=True))
        assert CODED.encode() not in told(old)
        assert CODED.encode() in told(new)
        later = client.call("POST /v1/kubernetes/tokens", Nothing(), ClusterToken).token
        assert CODED.encode() not in told(old, later)
        time.sleep(3.5)  # past the next renewal of both leases
        assert CODED.encode() not in told(old)
        assert CODED.encode() in told(new)
        client.call("POST /v1/grants/{id}/drop", GrantId(id=wide), Done)
        until(lambda: len(kube.sessions(name, state="live")) == 1, 2)
        with pytest.raises((ConnectionError, ssl.SSLError)):
            told(new)
        assert CODED.encode() not in told(old)
    with kube.connection() as after:
        assert CODED.encode() not in after.ask(kube.target(SECRET), kube.headers(name))[2]


def test_values_end_with_their_grant_while_the_other_goes_on(kube: LiveKube) -> None:
    name, _ = oncall(kube, "brief", secrets=False)
    filed = ask(kube, name, secrets=True)
    approval = Approve(id=filed.id, seconds=3)
    kube.gateway.client("approver").call("POST /v1/requests/{id}/approve", approval, RequestFacts)
    with kube.connection() as connection:
        target = kube.target("/api/v1/namespaces/shop/secrets?watch=true&resourceVersion=0")
        connection.made.request("GET", target, headers=kube.headers(name))
        with connection.made.getresponse() as answer:
            events = [json.loads(line) for line in answer]
    assert CODED in json.dumps(events[0])
    assert (events[-1]["type"], events[-1]["object"]["code"]) == ("ERROR", 403)
    assert CODED not in shown(kube, name, "get", "secret", "shop-password", "-o", "yaml")


# ---- by glassgate's commands -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def people(kube: LiveKube, tmp_path_factory: pytest.TempPathFactory) -> People:
    made = People(kube.gateway, tmp_path_factory.mktemp("home"))
    kube.gateway.add_person("typist", "on-call")
    for name in ("engineer", "approver", "typist"):
        assert made.login(name).status == 0
    return made


def test_people_ask_see_and_decide_by_command(kube: LiveKube, people: People) -> None:
    words = ("request", kube.endpoint, "--for", "30m", "--reason", "INC-7: which password?", "--secrets")
    refused = people("engineer", *words)
    assert refused.status == Status.NOT_AUTHORISED
    assert "does not let engineer ask for the values of Secrets on prod-k8s" in refused.err
    assert "values masked" in refused.err
    asked = people("typist", *words)
    assert asked.status == 0, asked.err
    assert "prod-k8s with the values of Secrets for 30m is waiting for an approver" in asked.out
    number = asked.out.split()[1].rstrip(":")
    row = next(line for line in people("approver", "requests").out.splitlines() if line.startswith(number))
    assert "team=shop, values of Secrets" in row
    assert "values of Secrets" in people("approver", "requests", number).out
    assert people("approver", "requests", number, "--json").json["secrets"] is True
    done = people("approver", "approve", number)
    assert "of typist for prod-k8s with the values of Secrets is approved" in done.out
    assert "prod-k8s (with secrets)" in people("typist", "grants", "--mine").out
    got = people("typist", "connect", kube.endpoint, "--", "true")
    assert got.status == 0, got.err
    again = people("typist", *words, "--json")
    number = str(again.json["id"])
    left = people("approver", "approve", number, "--without-secrets")
    assert "of typist for prod-k8s without the values of Secrets is approved" in left.out
    facts = people("approver", "requests", number, "--json").json
    assert (facts["secrets"], facts["secrets_left_out"]) == (True, True)
