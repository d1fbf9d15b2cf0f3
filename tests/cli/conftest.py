"""The glassgate command against a real gateway with sample production and its repository."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command_line import People
from live_gateway import Beginning, LiveGateway
from servers import Production

from gateway.changes.founding import found_repository
from gateway.cli import demo


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("git") / "shop.git"
    source = Path(demo.__file__).parent / "shop"
    found_repository(path, source, author="Shop <shop@example.com>", message="Begin", at=datetime.now(UTC))
    return path


@pytest.fixture(scope="module")
def gateway(
    tmp_path_factory: pytest.TempPathFactory, production: Production, beginning: Beginning, repository: Path
) -> Iterator[LiveGateway]:
    live = LiveGateway.start(tmp_path_factory.mktemp("gateway"), beginning=beginning)
    live.add_endpoint(production, repository=repository)
    yield live
    live.stop()


@pytest.fixture(scope="module")
def glassgate(gateway: LiveGateway, tmp_path_factory: pytest.TempPathFactory) -> People:
    people = People(gateway, tmp_path_factory.mktemp("home"))
    for name in ("engineer", "approver", "reviewer"):
        ended = people.login(name)
        assert ended.status == 0, ended.err
    gateway.passwords["admin"] = "an-administrators-password"
    typed = gateway.passwords["admin"] + "\n"
    token = gateway.tokens["admin"]
    ca = str(gateway.ca)
    words = ("person", "password", "admin", "--password-stdin")
    assert people("admin", *words, typed=typed, GLASSGATE_TOKEN=token, GLASSGATE_CA=ca).status == 0
    assert people.login("admin").status == 0
    return people
