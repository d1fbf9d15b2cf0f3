"""docker-compose.yml is well-formed, and what it mounts and runs exists."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import msgspec
import pytest

from gateway.cli.demo.compose import POSTGRES_USER, prepare
from gateway.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docker-compose.yml").read_text()


def test_what_is_copied_and_mounted_exists() -> None:
    copied = re.findall(r"^ +COPY (.+) \S+$", TEXT, re.MULTILINE)
    mounted = re.findall(r"^ +- (\./\S+?):", TEXT, re.MULTILINE)
    run = re.findall(r"/demo/(\S+\.sql)", TEXT)
    names = [*(name for line in copied for name in line.split()), *mounted]
    assert len(names) > 5
    assert [name for name in names if not (ROOT / name).exists()] == []
    assert [name for name in run if not list((ROOT / "gateway/cli/demo").glob(name))] == []


def test_its_gateway_toml_is_a_configuration() -> None:
    block = TEXT[TEXT.index("  gateway:\n    content: |\n") :].partition("  fill:")[0]
    text = "\n".join(line[6:] for line in block.splitlines()[2:])
    settings = msgspec.convert(tomllib.loads(text), Settings)
    assert settings.listen.host == "0.0.0.0"
    assert settings.database.url.endswith("@store/glassgate")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to other users")
def test_production_gets_a_certificate_and_the_gateway_a_repository(short_folder: Path) -> None:
    for _ in range(2):
        prepare(short_folder, host="production", gateway_user=10001)
    key = short_folder / "certificates" / "server.key"
    assert key.stat().st_uid == POSTGRES_USER
    assert key.stat().st_mode & 0o077 == 0
    assert (short_folder / "shop.git" / "HEAD").stat().st_uid == 10001


def test_compose_takes_it(tmp_path: Path) -> None:
    compose = os.environ.get("DOCKER_COMPOSE") or shutil.which("docker-compose")
    command = [compose] if compose else ["docker", "compose"]
    if not compose and (
        shutil.which("docker") is None
        or subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode != 0
    ):
        pytest.skip("docker compose is not on this machine (DOCKER_COMPOSE names a standalone one)")
    done = subprocess.run(
        [*command, "-f", str(ROOT / "docker-compose.yml"), "config", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
