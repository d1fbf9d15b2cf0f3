"""Commands in real pods through a real gateway: judged one by one, by WebSocket and by SPDY."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from cluster import SHOP_POD
from live_kube import shell
from live_ssh import until

from gateway.web.shapes.sessions import Export, Moment, Watched

if TYPE_CHECKING:
    from pathlib import Path

    from live_kube import LiveKube
    from panes import Pane

WAYS = ("true", "false")
"""Whether kubectl asks for WebSockets, or for SPDY at once."""
ways = pytest.mark.parametrize("way", WAYS, ids=("websocket", "spdy"))


def by(way: str) -> dict[str, str]:
    return {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": way}


@ways
def test_a_reader_runs_and_its_output_streams_and_status_come_through(kube: LiveKube, way: str) -> None:
    listed = kube.kubectl("exec", SHOP_POD, "-c", "app", "--", "ls", "/app", environment=by(way))
    assert listed.stdout.split() == [b"settings.toml", b"shop.log"]
    script = "echo out; ls /nowhere; exit 5"
    both = kube.kubectl("exec", SHOP_POD, "-c", "app", "--", "sh", "-c", script, environment=by(way))
    assert (both.returncode, both.stdout) == (5, b"out\n")
    assert b"/nowhere" in both.stderr
    assert b"exit code 5" in both.stderr


@ways
def test_standard_input_reaches_a_command_to_its_end(kube: LiveKube, way: str) -> None:
    data = bytes(range(256)) * 8000
    counted = kube.kubectl(
        "exec", "-i", SHOP_POD, "-c", "app", "--", "wc", "-c", stdin=data, environment=by(way)
    )
    assert counted.stdout.split() == [str(len(data)).encode()]


@ways
def test_much_output_comes_through_whole(kube: LiveKube, way: str) -> None:
    done = kube.kubectl(
        "exec", SHOP_POD, "-c", "app", "--", "head", "-c", "20000000", "/dev/zero", environment=by(way)
    )
    assert (done.returncode, len(done.stdout)) == (0, 20_000_000)


@ways
def test_a_writer_is_not_run_and_its_change_request_told_once(kube: LiveKube, way: str) -> None:
    root = kube.cluster.root_of(SHOP_POD, "app")
    done = kube.kubectl("exec", SHOP_POD, "-c", "app", "--", "touch", "/app/made", environment=by(way))
    assert done.returncode == 126
    assert done.stderr.count(b"touch makes files") == 1
    assert b"change request" in done.stderr
    assert not (root / "app" / "made").exists()
    until(lambda: (kube.sessions()[0].units, kube.sessions()[0].refused) == (1, 1))


@ways
def test_files_are_copied_out_of_a_pod_and_not_into_it(kube: LiveKube, way: str, tmp_path: Path) -> None:
    environment = by(way)
    out = kube.kubectl(
        "cp", f"{SHOP_POD}:/app/shop.log", str(tmp_path / "log"), "-c", "app", environment=environment
    )
    assert out.returncode == 0, out.stderr
    assert (tmp_path / "log").read_text() == (
        kube.cluster.root_of(SHOP_POD, "app") / "app/shop.log"
    ).read_text()
    into = kube.kubectl(
        "cp", str(tmp_path / "log"), f"{SHOP_POD}:/app/made", "-c", "app", environment=environment
    )
    assert into.returncode != 0
    assert b"change request" in into.stderr
    assert not (kube.cluster.root_of(SHOP_POD, "app") / "app/made").exists()


@pytest.mark.parametrize(
    "command",
    [
        ("sh", "-c", "echo x > /app/made"),
        ("sh",),
        ("python3", "-c", "open('/app/made', 'w')"),
        ("busybox", "touch", "/app/made"),
        ("env", "touch", "/app/made"),
        ("/app/unknown",),
    ],
)
def test_what_is_no_reader_runs_in_no_pod(kube: LiveKube, command: tuple[str, ...]) -> None:
    done = kube.kubectl("exec", "-i", SHOP_POD, "-c", "app", "--", *command, stdin=b"touch /app/made\n")
    assert done.returncode == 126
    assert not (kube.cluster.root_of(SHOP_POD, "app") / "app" / "made").exists()


def test_a_pod_without_the_program_says_so(kube: LiveKube) -> None:
    assert kube.kubectl("exec", "bare", "--", "ls").returncode == 127
    missing = kube.kubectl("exec", "nowhere", "--", "ls")
    assert b"not found" in missing.stderr


def typed(pane: Pane, line: str, shown: str) -> None:
    """Type a line, and wait until it has shown something and the prompt is back."""
    pane.type(line, "Enter").until(shown)
    until(lambda: pane.text.endswith("$"))


@ways
def test_a_shell_in_a_pod_is_the_governed_one(kube: LiveKube, way: str) -> None:
    with shell(kube, way, f"pod-shell-{way}") as pane:
        assert f"prod-k8s shop/{SHOP_POD} app" in pane.text
        for line, shown in (
            ("ls /app", "settings.toml"),
            ("cd /app", "/app $"),
            ("touch made", "change request"),
            ("x=7; echo v$x", "v7"),
            ("echo $((1 + 41))", "42"),
            ("false", "/app $"),
            ("echo was $?", "was 1"),
        ):
            typed(pane, line, shown)
        pane.type("cat shop.l", "Tab").until("cat shop.log")
        log = (kube.cluster.root_of(SHOP_POD, "app") / "app/shop.log").read_text()
        pane.type("Enter").until(log.split()[0])
        until(lambda: pane.text.endswith("$"))
        pane.type("exit", "Enter").until("left with")
    assert not (kube.cluster.root_of(SHOP_POD, "app") / "app" / "made").exists()


def test_a_shell_is_recorded_line_by_line_with_what_it_showed(kube: LiveKube) -> None:
    with shell(kube, "true", "pod-recorded") as pane:
        typed(pane, "cat /app/settings.toml", "minimum")
        typed(pane, "rm /app/shop.log", "change request")
        pane.type("exit", "Enter").until("left with")
    newest = kube.sessions()[0]
    until(lambda: kube.sessions()[0].ended_at is not None)
    client = kube.gateway.client("reviewer")
    seen = list(client.lines("GET /v1/sessions/{id}/replay", Watched(id=newest.id, why="tests"), Moment))
    lines = [(each.text, each.verdict) for each in seen if each.kind == "unit" and each.origin == "client"]
    assert lines == [("cat /app/settings.toml", "allow"), ("rm /app/shop.log", "change")]
    assert (kube.cluster.root_of(SHOP_POD, "app") / "app/settings.toml").read_text().split()[0] in repr(seen)
    question = Export(id=newest.id, why="tests")
    exported = [
        json.loads(line)
        for line in b"".join(client.chunks("GET /v1/sessions/{id}/export", question)).splitlines()
    ]
    contexts = [each["context"] for each in exported if each.get("origin") == "client"]
    assert all(each.endswith("judge-only: the image's own program") for each in contexts)
    assert len(contexts) == len(lines)
