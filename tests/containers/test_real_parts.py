"""The engines and clusters that the tests here talk to are real: they do what they shall, gateway or none."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from engine import BARE, LOG, SECRET, SHOP, Engine, mounts_under

if TYPE_CHECKING:
    from pathlib import Path

    from servers import Certificates


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
