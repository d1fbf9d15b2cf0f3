"""The sample engine: one container to look at, its own folder, and nothing left behind."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.cli.demo import engine
from gateway.cli.demo.engine import CONTAINER, SampleEngine, wait_for_leftover
from gateway.domain.errors import UpstreamUnavailable


@pytest.fixture
async def sample(short_folder: Path) -> AsyncIterator[SampleEngine]:
    try:
        made = await SampleEngine.start(short_folder)
    except UpstreamUnavailable as error:
        pytest.skip(error.message)
    yield made
    await made.stop()


def docker(sample: SampleEngine, *words: str) -> str:
    argv = ["docker", "--host", f"unix://{sample.socket}", *words]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


async def test_a_container_runs_logs_and_goes_with_its_engine(
    sample: SampleEngine, short_folder: Path
) -> None:
    assert docker(sample, "ps", "--format", "{{.Names}} {{.Image}}").split() == ["mailer", "mailer:1"]
    assert "timed out after 2 s" in docker(sample, "logs", CONTAINER)
    assert "timeout = 2" in docker(sample, "exec", CONTAINER, "cat", "/app/mailer.toml")
    await sample.stop()
    if sample.process is not None:
        assert not sample.running
        assert str(short_folder) not in Path("/proc/self/mountinfo").read_text()


async def test_a_folder_too_deep_for_sockets_is_said(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_may_mount", lambda: True)
    monkeypatch.setattr(engine, "DOCKERD", Path("/bin/sh"))
    deep = short_folder / ("d" * 60)
    deep.mkdir()
    with pytest.raises(UpstreamUnavailable, match=r"too long a name|on this machine"):
        await SampleEngine.start(deep)


async def test_a_machine_without_an_engine_says_so(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "DOCKERD", short_folder / "none")
    monkeypatch.setattr(engine, "_SOCKETS", ())
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    with pytest.raises(UpstreamUnavailable, match=r"no Docker engine|on this machine"):
        await SampleEngine.start(short_folder)


def test_nothing_is_waited_for_where_nothing_was_left(short_folder: Path) -> None:
    wait_for_leftover(short_folder, 60)
    (short_folder / "engine").mkdir()
    (short_folder / "engine" / "pid").write_text("999999999")
    wait_for_leftover(short_folder, 60)


async def test_somebody_elses_engine_gets_a_container_and_loses_it_again(
    sample: SampleEngine, short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sample.process is None:
        pytest.skip("no engine of the demo's own can run here, to stand in for somebody else's")
    monkeypatch.setattr(engine, "_may_mount", lambda: False)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{sample.socket}")
    other = short_folder / "other"
    other.mkdir()
    joined = await SampleEngine.start(other)
    assert (joined.socket, joined.process) == (sample.socket, None)
    assert docker(sample, "ps", "--format", "{{.Names}}").split() == [CONTAINER]
    await joined.stop()
    assert docker(sample, "ps", "-aq") == docker(sample, "images", "-q") == ""
    argv = ["docker", "--host", f"unix://{sample.socket}", "import", "-", engine.IMAGE]
    subprocess.run(argv, input=b"\0" * 1024, check=True)
    third = short_folder / "third"
    third.mkdir()
    with pytest.raises(UpstreamUnavailable, match="an image mailer:1 of its own"):
        await SampleEngine.start(third)
    assert docker(sample, "images", "-q") != ""
