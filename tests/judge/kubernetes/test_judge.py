"""Verdicts on requests to a cluster: every published operation, real clients' requests, and what is bent."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from request_cases import request_cases

from gateway.domain.cluster import ObjectVerb, PatchKind
from gateway.domain.http import Request
from gateway.domain.verdict import Decision
from gateway.judge.kubernetes.catalogue import load_kubernetes
from gateway.judge.kubernetes.context import KubernetesContext
from gateway.judge.kubernetes.judge import judge
from gateway.judge.kubernetes.judgement import KubernetesAction, KubernetesJudgement
from gateway.judge.kubernetes.writes import redeploys
from gateway.judge.shell.catalogue import load_shell
from gateway.judge.shell.context import ShellContext

from .oracle import writes

CONTEXT = KubernetesContext(load_kubernetes(), ShellContext(load_shell()), dry_runs=True)
CASES = request_cases("kubernetes")
PODS = "/api/v1/namespaces/shop/pods"
WEB = "/apis/apps/v1/namespaces/shop/deployments/web"
UPGRADE = (
    ("upgrade", "websocket"),
    ("connection", "Upgrade"),
    ("sec-websocket-protocol", "v5.channel.k8s.io"),
)


def judged(method: str, target: str, body: object = None, **headers: str) -> KubernetesJudgement:
    sent = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return judge(Request(method, target, named, sent), CONTEXT)


def sent(found: KubernetesJudgement) -> Request:
    assert found.request is not None, found.verdict
    return found.request


def test_the_corpus_has_its_verdicts() -> None:
    wrong = []
    for case in CASES:
        word = judge(case.request, CONTEXT).verdict.decision.word
        if not case.fits(word):
            wrong.append(f"{case.place}: {word}: {case.request.method} {case.request.target}")
    assert not wrong, "\n".join(wrong)


def test_what_is_sent_is_judged_the_same_and_only_reads() -> None:
    for case in CASES:
        found = judge(case.request, CONTEXT)
        assert (found.request is not None) is (found.verdict.decision is Decision.ALLOW), case
        if found.request is not None:
            assert not writes(found.request), case
            again = judge(found.request, CONTEXT)
            assert again.verdict == found.verdict, case
            assert sent(again).target == found.request.target, case
            assert sent(again).body == found.request.body, case


PIECES = (
    "|/|//|%2f|%2F|%|..|/../|/./|;|&|#|=|exec|/exec|/proxy/|&dryRun=All|&dryRun=|&command=rm|%00|\\| |A|é|%64"
    "|watch/|/log|/scale|secrets|+|%20|:|@|*|!|[]|\t|?|?dryRun=All"
)
BENT = st.tuples(
    st.sampled_from(CASES),
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", ""]),
    st.lists(
        st.tuples(st.integers(0, 200), st.sampled_from(PIECES.split("|")), st.integers(0, 3)), max_size=3
    ),
    st.sampled_from([None, b"", b"{}", b'{"dryRun":["All"]}', b'{"dryRun":[]}', b"k8s\0", b"[]", b"x"]),
)


@settings(max_examples=400)
@given(BENT)
def test_however_a_request_is_bent_nothing_that_is_sent_writes(bent: tuple[object, ...]) -> None:
    case, method, changes, body = bent
    target = case.request.target  # type: ignore[attr-defined]
    for place, text, dropped in changes:  # type: ignore[attr-defined]
        at = place % (len(target) + 1)
        target = target[:at] + text + target[at + dropped :]
    request = msgspec.structs.replace(case.request, method=method or case.request.method, target=target)  # type: ignore[attr-defined,type-var]
    found = judge(request if body is None else msgspec.structs.replace(request, body=body), CONTEXT)
    if found.request is not None:
        assert not writes(found.request)
        assert re.fullmatch(r"/[!-~]*", found.request.target)
        if found.shell is not None:
            assert found.shell.verdict.decision is Decision.ALLOW


@given(st.text(max_size=60), st.text(max_size=8), st.binary(max_size=20))
@example("/api/v1/pods", "GET", b"")
def test_any_text_has_a_verdict(target: str, method: str, body: bytes) -> None:
    found = judge(Request(method, "/" + target, (), body or None), CONTEXT)
    assert found.request is None or not writes(found.request)


def test_what_is_asked_for_is_said() -> None:
    found = judged("GET", "/apis/apps/v1/namespaces/shop/deployments/web/scale")
    assert (found.verb, found.group, found.version, found.resource) == ("get", "apps", "v1", "deployments")
    assert (found.subresource, found.namespace, found.name) == ("scale", "shop", "web")
    assert found.action is KubernetesAction.ANSWER
    assert judged("GET", f"{PODS}").verb == "list"
    assert judged("DELETE", f"{PODS}").verb == "deletecollection"
    assert judged("GET", "/version").verb == "get"


def test_only_known_headers_go_on() -> None:
    found = judged(
        "GET", PODS, accept="application/json", cookie="a=b", authorization="Bearer x", host="gw", te="x"
    )
    assert dict(sent(found).headers) == {"accept": "application/json"}


def test_the_query_is_rebuilt() -> None:
    found = judged("GET", f"{PODS}/?&Watch=1&limit=5&labelSelector=a%3Db+c&dryRun=All")
    assert sent(found).target == f"{PODS}?limit=5&labelSelector=a%3Db%20c"
    assert sent(
        judged("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3anode%20x")
    ).target == ("/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node%20x")


@pytest.mark.parametrize(
    "query", ["watch=1", "watch", "watch=TRUE", "watch=yes", "watch=no", "watch=&limit=1"]
)
def test_a_watch_is_one_wherever_the_server_takes_it_for_one(query: str) -> None:
    found = judged("GET", f"{PODS}?{query}")
    assert (found.verb, found.watch, found.action) == ("watch", True, KubernetesAction.WATCH)
    assert "watch=true" in sent(found).target


@pytest.mark.parametrize("query", ["", "watch=0", "watch=false", "watch=False", "watch=fal%C5%BFe"])
def test_a_list_is_no_watch(query: str) -> None:
    assert judged("GET", f"{PODS}?{query}").action is KubernetesAction.ANSWER


def test_old_paths_of_watches_are_watches() -> None:
    found = judged("GET", "/api/v1/watch/namespaces/shop/secrets")
    assert (found.action, found.watch, found.masks) == (KubernetesAction.WATCH, True, True)


def test_logs_are_logs() -> None:
    found = judged("GET", f"{PODS}/web/log?follow=1&container=app&insecureSkipTLSVerifyBackend=0")
    assert found.action is KubernetesAction.LOG
    assert sent(found).target == f"{PODS}/web/log?follow=true&container=app"


SECRETS = "/api/v1/namespaces/shop/secrets"


def test_secrets_are_asked_for_in_forms_that_can_be_masked() -> None:
    table = "application/json;as=Table;v=v1;g=meta.k8s.io"
    accept = f"application/vnd.kubernetes.protobuf, {table},application/cbor;q=0.9,application/json"
    found = judged("GET", f"{SECRETS}?pretty=true&limit=5", accept=accept, accept_encoding="gzip")
    assert found.masks
    assert dict(sent(found).headers) == {"accept": f"{table},application/json", "accept-encoding": "identity"}
    assert sent(found).target == f"{SECRETS}?limit=5"


@pytest.mark.parametrize(
    "accept", ["application/vnd.kubernetes.protobuf", "application/yaml", "text/html", "x"]
)
def test_a_client_that_takes_no_such_form_is_told(accept: str) -> None:
    found = judged("GET", SECRETS, accept=accept)
    assert found.unacceptable
    assert found.request is None


def test_a_grant_may_include_the_values_of_secrets() -> None:
    request = Request("GET", SECRETS, (("accept", "application/vnd.kubernetes.protobuf"),))
    found = judge(request, replace(CONTEXT, secrets=True))
    assert not found.masks
    assert dict(sent(found).headers)["accept"] == "application/vnd.kubernetes.protobuf"


def test_other_objects_are_not_masked() -> None:
    assert not judged("GET", "/apis/external-secrets.io/v1/externalsecrets").masks
    assert judged("GET", "/apis/vault.example.com/v1/secrets").masks


def test_a_command_is_sent_as_it_was_judged() -> None:
    query = "tty=true&command=ls&stdin=0&command=-la&container=app&stdout=1&foo=bar&command=a%20b"
    found = judge(Request("GET", f"{PODS}/web/exec?{query}", UPGRADE), CONTEXT)
    assert found.action is KubernetesAction.EXEC
    assert (found.command, found.tty, found.container) == (("ls", "-la", "a b"), True, "app")
    argv = "command=ls&command=-l&command=-a&command=a%20b"
    assert sent(found).target == f"{PODS}/web/exec?container=app&stdout=true&tty=true&{argv}"
    assert dict(sent(found).headers)["sec-websocket-protocol"] == "v5.channel.k8s.io"


def test_credentials_among_the_protocols_do_not_go_on() -> None:
    protocols = "base64url.bearer.authorization.k8s.io.dG9rZW4, v4.channel.k8s.io, v5.channel.k8s.io"
    headers = (("upgrade", "websocket"), ("sec-websocket-protocol", protocols))
    found = judge(Request("GET", f"{PODS}/web/exec?command=ls", headers), CONTEXT)
    assert dict(sent(found).headers)["sec-websocket-protocol"] == "v4.channel.k8s.io, v5.channel.k8s.io"


@pytest.mark.parametrize("argv", [["sh"], ["bash", "-l"], ["sh", "-c", "clear; (bash || ash || sh)"]])
def test_a_shell_at_a_terminal_becomes_the_gateways_own(argv: list[str]) -> None:
    query = "".join(f"&command={each}" for each in argv).replace(" ", "%20").replace(";", "%3B")
    found = judge(Request("GET", f"{PODS}/web/exec?stdin=1&stdout=1&tty=1{query}", UPGRADE), CONTEXT)
    assert (found.action, found.verdict.decision) == (KubernetesAction.SHELL, Decision.REFUSE)
    assert found.command == tuple(argv)
    assert found.request is None


def test_a_refused_command_says_what_it_would_do() -> None:
    found = judged("GET", f"{PODS}/web/exec?command=rm&command=/srv/x")
    assert found.verdict.decision is Decision.CHANGE
    assert found.shell is not None
    assert found.shell.writes


def test_a_deletion_is_only_tried_where_its_body_says_so() -> None:
    found = judged("DELETE", f"{WEB}?dryRun=All", {"propagationPolicy": "Background"})
    assert found.action is KubernetesAction.DRY_RUN
    assert json.loads(sent(found).body or b"") == {
        "kind": "DeleteOptions",
        "apiVersion": "v1",
        "propagationPolicy": "Background",
        "dryRun": ["All"],
    }
    assert sent(found).target == f"{WEB}?dryRun=All"
    bare = judged("DELETE", f"{WEB}?gracePeriodSeconds=5&dryRun=All&orphanDependents=false")
    assert json.loads(sent(bare).body or b"")["gracePeriodSeconds"] == 5


def test_nothing_is_tried_without_the_identity_for_it() -> None:
    request = Request("DELETE", f"{WEB}?dryRun=All")
    found = judge(request, replace(CONTEXT, dry_runs=False))
    assert (found.verdict.decision, found.writes) == (Decision.REFUSE, ())


def test_custom_resources_are_tried_where_the_cluster_itself_serves_them() -> None:
    request = Request("POST", "/apis/example.com/v1/namespaces/shop/widgets?dryRun=All", (), b"{}")
    assert judge(request, CONTEXT).request is None
    found = judge(request, replace(CONTEXT, customs=frozenset({"example.com"})))
    assert found.action is KubernetesAction.DRY_RUN


def field(number: int, value: bytes) -> bytes:
    return bytes([number << 3 | 2, len(value)]) + value


def in_protobuf(kind: bytes, name: bytes) -> bytes:
    named = field(1, field(1, b"v1") + field(2, kind))
    return b"k8s\0" + named + field(2, field(1, field(1, name)))


PROTOBUF = "application/vnd.kubernetes.protobuf"
ASK = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def test_a_question_in_protobuf_goes_on_as_it_is() -> None:
    body = in_protobuf(b"SelfSubjectAccessReview", b"")
    found = sent(judged("POST", ASK, body, content_type=PROTOBUF))
    assert (found.body, dict(found.headers)["content-type"]) == (body, PROTOBUF)
    assert judged("POST", ASK, body).request is None
    for wrong in (body[:-1], body[4:], body + b"\x0b", body + field(4, b"x"), body + b"\xff" * 12):
        assert judged("POST", ASK, wrong, content_type=PROTOBUF).request is None


def test_a_write_in_protobuf_is_named_and_can_be_tried() -> None:
    body = in_protobuf(b"ConfigMap", b"settings")
    found = judged("POST", "/api/v1/namespaces/shop/configmaps", body, content_type=PROTOBUF)
    assert found.title == "create configmaps/settings in shop"
    assert (found.writes[0].kind, found.writes[0].media) == ("ConfigMap", PROTOBUF)
    tried = judged("POST", "/api/v1/namespaces/shop/configmaps?dryRun=All", body, content_type=PROTOBUF)
    assert sent(tried).body == body


@pytest.mark.parametrize(
    ("method", "target", "body", "title"),
    [
        ("PATCH", WEB, {"spec": {"replicas": 2}}, "patch deployments.apps/web in shop"),
        ("PATCH", f"{WEB}/scale", {"spec": {"replicas": 2}}, "scale deployments.apps/web to 2 in shop"),
        ("DELETE", WEB, None, "delete deployments.apps/web in shop"),
        ("DELETE", PODS, None, "delete every one of pods in shop"),
        ("POST", PODS, {"metadata": {"name": "x"}}, "create pods/x in shop"),
        ("POST", PODS, {"metadata": {"name": "x\n\u202e"}}, "create pods in shop"),
        ("POST", PODS, None, "create pods in shop"),
        ("POST", f"{PODS}/web/eviction", {}, "evict pods/web in shop"),
        ("PATCH", "/api/v1/nodes/one", {"spec": {"unschedulable": True}}, "cordon nodes/one"),
        ("DELETE", "/api/v1/namespaces/shop", None, "delete namespaces/shop"),
        ("PUT", f"{WEB}/status", {}, "update status of deployments.apps/web in shop"),
    ],
)
def test_titles(method: str, target: str, body: object, title: str) -> None:
    found = judged(method, target, body, content_type="application/strategic-merge-patch+json")
    assert found.verdict.decision is Decision.CHANGE
    assert found.title == title


def test_a_restart_is_told_apart() -> None:
    annotations = {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}
    body = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
    patch = "application/strategic-merge-patch+json"
    assert judged("PATCH", WEB, body, content_type=patch).title == "restart deployments.apps/web in shop"
    (write,) = judged("PATCH", f"{WEB}?fieldManager=me&force=true", body, content_type=patch).writes
    assert (write.verb, write.patch, write.manager, write.force) == (
        ObjectVerb.PATCH,
        PatchKind.STRATEGIC,
        "me",
        True,
    )
    assert (write.api_version, write.what, write.body) == (
        "apps/v1",
        "deployments.apps/web",
        json.dumps(body).encode(),
    )


def test_what_only_starts_anew_is_told_apart() -> None:
    annotations = {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}
    body = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
    patch = "application/strategic-merge-patch+json"
    again = [
        judged("PATCH", WEB, body, content_type=patch),
        judged("DELETE", f"{PODS}/web"),
        judged("POST", f"{PODS}/web/eviction", {}),
    ]
    assert all(redeploys(found.writes[0]) for found in again)
    body["spec"]["replicas"] = 1  # type: ignore[assignment]
    assert not redeploys(judged("PATCH", WEB, body, content_type=patch).writes[0])
    assert not redeploys(judged("DELETE", WEB).writes[0])
