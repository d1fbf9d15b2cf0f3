"""Real engines and clusters for every test here; each starts once for a worker and stops with it."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import cluster as clusters
import engine as engines
import go_programs
import pytest
import releases
from live_gateway import LiveGateway
from live_kube import LiveKube

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from live_gateway import Beginning
    from servers import Certificates

BUILT = {"cluster": clusters.PROGRAMS, "compose": ("docker-compose",), "helm": ("helm",)}
"""Fixtures that build programs first where they aren't yet, which takes minutes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    unbuilt = {
        fixture
        for fixture, programs in BUILT.items()
        if not all(go_programs.place(name).exists() for name in programs)
    }
    for item in items:
        if isinstance(item, pytest.Function) and unbuilt & set(item.fixturenames):
            item.add_marker(pytest.mark.timeout(go_programs.BUILD_SECONDS))


@pytest.fixture(scope="session")
def engine(server_folder: Path, certificates: Certificates) -> Iterator[engines.Engine]:
    """A Docker engine with images and containers; skips where none can run."""
    if why := engines.why_missing():
        pytest.skip(why)
    folder = server_folder / "engine"
    folder.mkdir()
    made = engines.Engine.start(folder, certificates)
    yield made
    made.stop()


@pytest.fixture(scope="session")
def cluster(server_folder: Path, request: pytest.FixtureRequest) -> Iterator[clusters.Cluster]:
    """A Kubernetes cluster with objects and pods; skips where none can run."""
    with _building(request):
        why = clusters.why_missing()
    if why:
        pytest.skip(why)
    folder = server_folder / "cluster"
    folder.mkdir()
    made = clusters.Cluster.start(folder)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def kube(
    cluster: clusters.Cluster, beginning: Beginning, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveKube]:
    """A gateway with the cluster behind it, which the engineer may look at."""
    gateway = LiveGateway.start(tmp_path_factory.mktemp("gateway"), beginning=beginning)
    made = LiveKube(gateway, cluster, tmp_path_factory.mktemp("kube"))
    try:
        made.register()
        gateway.grant(made.endpoint)
        yield made
    finally:
        gateway.stop()


@pytest.fixture(scope="session")
def compose(request: pytest.FixtureRequest, engine: engines.Engine) -> Path:
    """Docker compose, which the engine's client has as its plugin; skips where it can't be built."""
    plugin = engine.client_folder / "cli-plugins" / "docker-compose"
    plugin.parent.mkdir(exist_ok=True)
    plugin.symlink_to(_program(request, "docker-compose"))
    return plugin


@pytest.fixture(scope="session")
def helm(request: pytest.FixtureRequest) -> Path:
    """Helm; skips where it can't be built."""
    return _program(request, "helm")


def _program(request: pytest.FixtureRequest, name: str) -> Path:
    try:
        with _building(request):
            return go_programs.program(name)
    except releases.Missing as missing:
        pytest.skip(str(missing))


def _building(request: pytest.FixtureRequest) -> AbstractContextManager[None]:
    """Let what is told of a build be seen while it lasts."""
    capturing = request.config.pluginmanager.getplugin("capturemanager")
    return capturing.global_and_fixture_disabled() if capturing else nullcontext()
