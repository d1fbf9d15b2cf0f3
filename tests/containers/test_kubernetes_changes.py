"""Writes to a real cluster through a real gateway: none arrives, each becomes a change request, told once."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from cluster import SHOP_POD

from gateway.web.shapes.changes import ChangeFacts, ChangeId
from gateway.web.shapes.sessions import Moment, Watched

if TYPE_CHECKING:
    from pathlib import Path

    from live_kube import LiveKube

DEPLOYMENT = "/apis/apps/v1/namespaces/shop/deployments/shop"

WRITES = (
    "create configmap made --from-literal=a=b",
    "create secret generic made --from-literal=password=correct-horse",
    "create deployment made --image=made:1",
    "run made --image=made:1",
    "expose deployment shop --port=80",
    "scale deployment shop --replicas=5",
    "set image deployment/shop app=made:2",
    "set env deployment/shop A=b",
    "rollout restart deployment shop",
    "autoscale deployment shop --max=4",
    "label pod ticker a=b",
    "annotate pod ticker a=b",
    'patch deployment shop -p {"spec":{"replicas":2}}',
    "delete pod ticker",
    "delete pods --all",
    "cordon node-1",
    "taint node node-1 a=b:NoSchedule",
    "create namespace made",
    "create clusterrolebinding made --clusterrole=cluster-admin --user=engineer",
)


@pytest.mark.parametrize("argv", WRITES)
def test_a_write_becomes_one_change_request_and_nothing_is_written(kube: LiveKube, argv: str) -> None:
    before = kube.cluster.state()
    done = kube.kubectl(*argv.split())
    said = done.stderr.decode()
    assert done.returncode != 0 or argv.startswith("cordon")  # of which kubectl says nothing by its status
    if argv == "delete pods --all":  # each of them is a write of its own
        assert len(set(re.findall(r"Warning: .* change request (\d+)", said))) > 1
    else:
        assert len(re.findall("Warning: glassgate: to propose change request", said)) == 1
    if not argv.startswith("autoscale"):  # which hides what any server answers
        assert re.search(r"change request \d+ \(.+\): https://localhost:\d+/v1/changes/\d+", said)
    assert kube.cluster.state() == before


@pytest.mark.parametrize("how", [(), ("--server-side", "--force-conflicts")])
def test_an_apply_is_refused_once(kube: LiveKube, tmp_path: Path, how: tuple[str, ...]) -> None:
    live = json.loads(kube.cluster.text("get", "deployment", "shop", "-o", "json"))
    live["spec"]["replicas"] = 3
    live["metadata"].pop("managedFields", None)
    manifest = tmp_path / "shop.json"
    manifest.write_text(json.dumps(live))
    before = kube.cluster.state()
    done = kube.kubectl("apply", *how, "-f", str(manifest))
    assert done.returncode == 1
    assert done.stderr.count(b"to propose change request") == 1
    assert kube.cluster.state() == before


def test_an_edit_is_refused_and_keeps_what_was_typed(kube: LiveKube) -> None:
    editor = {"EDITOR": "sed -i 's/replicas: 1/replicas: 7/'"}
    done = kube.kubectl("edit", "deployment", "shop", environment=editor)
    assert done.returncode != 0
    assert b"change request" in done.stderr
    assert b"kubectl replace -f" in done.stderr


def test_a_drain_stops_without_trying_again(kube: LiveKube) -> None:
    before = kube.cluster.state()
    done = kube.kubectl("drain", "node-1", "--ignore-daemonsets", "--force")
    assert done.returncode != 0
    told = re.findall(r"Warning: .* change request (\d+)", done.stderr.decode())
    assert len(told) == len(set(told))
    assert kube.cluster.state() == before


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("attach", "ticker"), "attaches to a running process"),
        (("port-forward", "web", "0:8080"), "can't be judged"),
        (("debug", SHOP_POD, "--image=made:1", "--profile=general"), "debugging container"),
        (("create", "token", "reader", "-n", "glassgate"), "issues a credential"),
    ],
)
def test_what_can_t_be_judged_is_refused_with_its_reason(
    kube: LiveKube, argv: tuple[str, ...], words: str
) -> None:
    before = kube.cluster.state()
    done = kube.kubectl(*argv)
    assert done.returncode != 0
    assert words in done.stderr.decode()
    assert kube.cluster.state() == before


def test_differences_are_shown_by_the_identity_that_writes_nothing(kube: LiveKube, tmp_path: Path) -> None:
    live = json.loads(kube.cluster.text("get", "deployment", "shop", "-o", "json"))
    live["spec"]["replicas"] = 3
    manifest = tmp_path / "shop.json"
    manifest.write_text(json.dumps(live))
    before = kube.cluster.state()
    shown = kube.kubectl("diff", "-f", str(manifest))
    assert shown.returncode == 1, shown.stderr
    assert b"+  replicas: 3" in shown.stdout
    tried = kube.kubectl("delete", "pod", "web", "--dry-run=server")
    assert b"(server dry run)" in tried.stdout
    assert kube.cluster.state() == before


def test_without_that_identity_a_dry_run_is_refused(kube: LiveKube) -> None:
    kube.register(name="plain-k8s", dry_runs=False)
    kube.gateway.grant("plain-k8s")
    config = kube.config(endpoint="plain-k8s")
    done = kube.kubectl("delete", "pod", "web", "--dry-run=server", config=config)
    assert done.returncode != 0
    assert b"glassgate: " in done.stderr


@pytest.mark.parametrize(
    "query", ["dryRun=all", "dryRun[]=All", "dryRun=All;x", "dryRun=", "dryRun=All&dryRun=", "DryRun=All"]
)
def test_a_dry_run_that_is_none_is_a_write(kube: LiveKube, query: str) -> None:
    before = kube.cluster.state()
    with kube.connection() as connection:
        target = kube.target(f"/api/v1/namespaces/shop/pods/web?{query}")
        code, _, _ = connection.ask(target, kube.headers(), method="DELETE")
    assert code == 403
    assert kube.cluster.state() == before


def test_a_dry_run_with_a_body_that_says_otherwise_stays_one(kube: LiveKube) -> None:
    before = kube.cluster.state()
    body = json.dumps({"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0}).encode()
    with kube.connection() as connection:
        target = kube.target("/api/v1/namespaces/shop/pods/web?dryRun=All")
        headers = kube.headers(Content_Type="application/json")
        code, _, _ = connection.ask(target, headers, method="DELETE", body=body)
    assert code in (200, 403)
    assert kube.cluster.state() == before


def test_what_would_go_into_a_secret_stands_nowhere(kube: LiveKube) -> None:
    kube.kubectl("create", "secret", "generic", "made", "--from-literal=password=battery-staple")
    client = kube.gateway.client("reviewer")
    said = "".join(
        repr(list(client.lines("GET /v1/sessions/{id}/replay", Watched(id=each.id, why="tests"), Moment)))
        for each in kube.sessions()[:3]
    )
    assert "the body is a Secret's" in said
    assert "battery-staple" not in said
    assert "YmF0dGVyeS1zdGFwbGU" not in said


@pytest.mark.parametrize(
    "argv",
    [
        ("exec", SHOP_POD, "-c", "app", "--", "mysql", "-pmysql-horse", "-e", "DROP TABLE carts"),
        ("exec", SHOP_POD, "-c", "app", "--", "sh", "-c", "redis-cli -a mysql-horse flushall"),
        ("run", "made", "--image=made:1", "--command", "--", "curl", "-u", "bob:mysql-horse", "http://x/y"),
    ],
)
def test_what_a_command_is_given_in_secret_is_recorded_and_stands_in_no_change_request(
    kube: LiveKube, argv: tuple[str, ...]
) -> None:
    said = kube.kubectl(*argv).stderr.decode()
    number = re.search(r"change request (\d+)", said)
    assert number is not None, said
    client = kube.gateway.client("engineer")
    facts = client.call("GET /v1/changes/{id}", ChangeId(id=int(number[1])), ChangeFacts)
    assert "[secret]" in repr(facts)
    assert "mysql-horse" not in repr(facts) + re.sub(r"exec .*", "", said)
    watcher = kube.gateway.client("reviewer")
    newest = max(each.id for each in kube.sessions())
    seen = watcher.lines("GET /v1/sessions/{id}/replay", Watched(id=newest, why="tests"), Moment)
    assert "mysql-horse" in repr(list(seen))
