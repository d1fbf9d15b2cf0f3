"""The engines and clusters that the tests here talk to are real: they do what they shall, gateway or none."""

from __future__ import annotations

import functools
import json
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cluster import SHOP_POD, Cluster
from engine import BARE, LOG, SECRET, SHOP, Engine, mounts_under
from go_programs import program

if TYPE_CHECKING:
    from servers import Certificates

COMPOSE = """
services:
  worker:
    image: shop:1
    command: [sleep, "1000"]
    network_mode: none
    stop_grace_period: 0s
"""
PROTOCOLS = {"websocket": "true", "spdy": "false"}
"""What kubectl's variables for WebSockets say."""


def test_the_engine_lists_its_containers_and_images(engine: Engine) -> None:
    names = engine.text("ps", "--format", "{{.Names}} {{.Image}} {{.State}}").splitlines()
    assert {f"ticker {SHOP} running", f"shop {SHOP} running", f"bare {BARE} running"} <= set(names)
    assert {SHOP, BARE} <= set(engine.text("images", "--format", "{{.Repository}}:{{.Tag}}").splitlines())


def test_the_engine_executes_programs_and_gives_their_status(engine: Engine) -> None:
    assert engine.docker("exec", "shop", "cat", "/app/shop.log").stdout.decode() == LOG
    assert engine.text("exec", "shop", "sh", "-c", "echo $SHOP_PASSWORD") == SECRET
    assert engine.docker("exec", "-i", "shop", "wc", "-c", stdin=b"0123456789").stdout.strip() == b"10"
    assert engine.docker("exec", "shop", "sh", "-c", "exit 7", check=False).returncode == 7
    assert engine.docker("exec", "bare", "sh", check=False).returncode == 126


def test_the_engine_keeps_logs_of_both_streams(engine: Engine) -> None:
    until = time.monotonic() + 10
    while True:
        logs = engine.docker("logs", "ticker")
        if b"tick 1\n" in logs.stdout and b"behind 1\n" in logs.stderr:
            break
        assert time.monotonic() < until, logs
        time.sleep(0.1)


def test_the_engine_s_tcp_port_wants_a_client_s_certificate(engine: Engine) -> None:
    port = f"tcp://127.0.0.1:{engine.port}"
    tls = ("--tlsverify", "--tlscacert", str(engine.ca))
    mine = ("--tlscert", str(engine.certificate), "--tlskey", str(engine.key))
    assert engine.docker(*tls, *mine, "ps", "-q", host=port).stdout.split()
    assert engine.docker(*tls, "ps", "-q", host=port, check=False).returncode != 0


def test_a_write_shows_in_the_engine_s_state(engine: Engine) -> None:
    engine.run("victim", SHOP, "sleep", "1000")
    before = engine.state()
    engine.text("exec", "victim", "ls", "/")
    assert engine.state() == before
    engine.text("exec", "victim", "touch", "/tmp/written")
    assert engine.state() != before
    engine.text("rm", "--force", "victim")


def test_an_engine_leaves_nothing_behind(short_folder: Path, certificates: Certificates) -> None:
    folder = short_folder / "engine"
    folder.mkdir()
    made = Engine.start(folder, certificates)
    assert list(mounts_under(folder))
    made.stop()
    assert not list(mounts_under(folder))
    assert not folder.exists()


def test_compose_drives_the_engine(engine: Engine, compose: Path, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    project = ("compose", "--project-directory", str(tmp_path), "--project-name", "real-parts")
    engine.docker(*project, "up", "--detach")
    try:
        running = engine.docker(*project, "ps", "--format", "{{.Service}} {{.State}}").stdout.decode()
        assert running.split() == ["worker", "running"]
    finally:
        engine.docker(*project, "down")


def test_the_cluster_shows_its_objects(cluster: Cluster) -> None:
    pods = cluster.text("get", "pods", "--no-headers").splitlines()
    assert {line.split()[0]: line.split()[2] for line in pods} == dict.fromkeys(
        ("bare", SHOP_POD, "ticker", "web"), "Running"
    )
    assert cluster.text("get", "orders").splitlines()[1].split() == ["order-1", "ada"]
    assert cluster.text("rollout", "status", "deployment/shop", "--timeout=5s").endswith("rolled out")
    assert "Ready" in cluster.text("get", "nodes")


def test_pods_have_logs(cluster: Cluster) -> None:
    assert cluster.text("logs", "ticker", "--previous") == "before 0\nbefore 1\nbefore 2"
    stamped = cluster.text("logs", "ticker", "--timestamps", "--tail=2", "--limit-bytes=30")
    assert stamped.startswith("20")
    assert len(stamped) == 30
    assert "tick" in cluster.text("logs", "ticker", "--since=5m")
    follower = subprocess.Popen(
        [program("kubectl"), "logs", "--follow", "--tail=1", "ticker"],
        env=cluster.client_environment(cluster.kubeconfig()),
        stdout=subprocess.PIPE,
    )
    try:
        assert follower.stdout is not None
        assert len([follower.stdout.readline() for _ in range(4)]) == 4
    finally:
        follower.kill()
        follower.communicate()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_pods_execute_programs(cluster: Cluster, tmp_path: Path, protocol: str) -> None:
    pod = (SHOP_POD, "--container", "app", "--")
    run = functools.partial(
        cluster.kubectl, environment={"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": PROTOCOLS[protocol]}, check=False
    )
    assert run("exec", *pod, "cat", "/app/shop.log").stdout.decode() == LOG
    assert run("exec", "-i", *pod, "wc", "-c", stdin=b"12345").stdout.strip() == b"5"
    done = run("exec", *pod, "sh", "-c", "echo $SHOP_PASSWORD; echo b >&2; exit 7")
    assert (done.returncode, done.stdout.decode()) == (7, f"{SECRET}\n")
    assert done.stderr.startswith(b"b\n")
    run("cp", f"{SHOP_POD}:/app/shop.log", str(tmp_path / "shop.log"), "--container", "app")
    assert (tmp_path / "shop.log").read_text() == LOG
    assert run("exec", "bare", "--", "sh").returncode != 0
    verbose = run("exec", "-v=8", "bare", "--", "/sleep", "0").stderr.lower()
    assert (b"sec-websocket-protocol: v5.channel.k8s.io" in verbose) == (protocol == "websocket")
    assert (b"upgrade: spdy/3.1" in verbose) == (protocol == "spdy")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_ports_of_pods_can_be_forwarded(cluster: Cluster, protocol: str) -> None:
    forwarder = subprocess.Popen(
        [program("kubectl"), "port-forward", "web", ":8080"],
        env={
            **cluster.client_environment(cluster.kubeconfig()),
            "KUBECTL_PORT_FORWARD_WEBSOCKETS": PROTOCOLS[protocol],
        },
        stdout=subprocess.PIPE,
    )
    try:
        assert forwarder.stdout is not None
        told = forwarder.stdout.readline().decode()
        port = int(told.split("->")[0].rpartition(":")[2])
        for _ in range(3):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as page:
                assert page.read() == b"<h1>The shop</h1>\n"
    finally:
        forwarder.kill()
        forwarder.communicate()


def test_a_pod_s_programs_see_nothing_of_the_machine(cluster: Cluster) -> None:
    seen = cluster.text(
        "exec", SHOP_POD, "--container", "app", "--", "sh", "-c", "ps | wc -l; ls /; cat /proc/net/dev"
    )
    assert int(seen.split()[0]) < 8
    assert "home" not in seen
    assert "eth0" not in seen


def test_attach_shows_what_a_pod_prints_from_now_on(cluster: Cluster) -> None:
    attached = subprocess.Popen(
        [program("kubectl"), "attach", "ticker"],
        env=cluster.client_environment(cluster.kubeconfig()),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert attached.stdout is not None
        assert attached.stdout.readline().startswith(b"tick ")
    finally:
        attached.kill()
        attached.communicate()


def test_the_reader_reads_and_cannot_write(cluster: Cluster) -> None:
    before = cluster.state()
    reader = cluster.kubeconfig("reader")
    for read in (("get", "pods,secrets,orders,deployments"), ("logs", "ticker", "--tail=1")):
        cluster.kubectl(*read, config=reader)
    cluster.kubectl("exec", SHOP_POD, "--container", "app", "--", "true", config=reader)
    for write in (
        ("delete", "configmap", "shop-settings"),
        ("scale", "deployment/shop", "--replicas=5"),
        ("create", "token", "reader", "--namespace", "glassgate"),
        ("port-forward", "web", ":8080"),
        ("delete", "order", "order-1", "--dry-run=server"),
    ):
        refused = cluster.kubectl(*write, config=reader, check=False)
        assert b"Forbidden" in refused.stderr or b"forbidden" in refused.stderr, (write, refused)
    assert cluster.state() == before


def test_the_identity_for_dry_runs_cannot_write(cluster: Cluster) -> None:
    settings = "/api/v1/namespaces/shop/configmaps/shop-settings"
    orders = "/apis/shop.example.com/v1/namespaces/shop/orders/order-1"
    merge = "application/merge-patch+json"
    before = cluster.state()
    for target, body in ((settings, {"data": {"extra": "1"}}), (orders, {"spec": {"parcels": 9}})):
        for query, expected in (("?dryRun=All", 200), ("", 403)):
            asked = target + query
            assert cluster.api("PATCH", asked, body, identity="dry-run", content_type=merge)[0] == expected
            assert cluster.api("DELETE", asked, identity="dry-run")[0] == expected
    # A body takes the query's place: this one would delete.
    options = {"apiVersion": "v1", "kind": "DeleteOptions"}
    status, refused = cluster.api("DELETE", f"{settings}?dryRun=All", options, identity="dry-run")
    assert status == 403
    assert "writes in dry runs only" in refused["message"]
    for way in (f"/api/v1/namespaces/shop/pods/{SHOP_POD}/exec?command=id&stdout=1", "/api/v1/secrets"):
        assert cluster.api("GET", way, identity="dry-run")[0] == 403
    assert cluster.state() == before


def test_a_write_shows_in_the_cluster_s_state(cluster: Cluster) -> None:
    before = cluster.state()
    cluster.must("POST", "/api/v1/namespaces", {"metadata": {"name": "written"}})
    assert set(cluster.state()) - set(before) == {"/registry/namespaces/written"}


def test_helm_renders_and_lists_against_the_cluster(cluster: Cluster, helm: Path, tmp_path: Path) -> None:
    environment = cluster.client_environment(cluster.kubeconfig())
    subprocess.run([helm, "create", tmp_path / "chart"], env=environment, check=True, capture_output=True)
    install = [helm, "install", "shop-chart", tmp_path / "chart", "--namespace", "shop"]
    subprocess.run(install, env=environment, check=True, capture_output=True)
    listed = subprocess.run(
        [helm, "list", "--namespace", "shop", "--output", "json"],
        env=environment,
        check=True,
        capture_output=True,
    )
    assert [each["name"] for each in json.loads(listed.stdout)] == ["shop-chart"]
    subprocess.run([helm, "uninstall", "shop-chart", "--namespace", "shop"], env=environment, check=True)


def test_a_cluster_leaves_nothing_behind(cluster: Cluster, short_folder: Path) -> None:
    folder = short_folder / "cluster"
    folder.mkdir()
    made = Cluster.start(folder)
    made.stop()
    assert not folder.exists()
    assert not list(mounts_under(folder))
    left = [each for each in Path("/proc").glob("[0-9]*/cmdline") if _mentions(each, folder)]
    assert not left


def _mentions(cmdline: Path, folder: Path) -> bool:
    try:
        return str(folder) in cmdline.read_text(errors="replace")
    except OSError:
        return False
