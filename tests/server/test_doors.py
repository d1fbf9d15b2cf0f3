"""A running gateway follows its catalogues as they are edited; a broken one leaves the old in force."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from live_gateway import Beginning, LiveGateway

if TYPE_CHECKING:
    import pytest

POLICIES = Path(__file__).parents[2] / "policies"


def said(gateway: LiveGateway, words: str, times: int) -> None:
    end = time.monotonic() + 15
    while gateway.log.count(words) < times:
        assert time.monotonic() < end, gateway.log
        time.sleep(0.1)


def test_catalogues_are_followed(tmp_path_factory: pytest.TempPathFactory, beginning: Beginning) -> None:
    folder = tmp_path_factory.mktemp("followed")
    policies = folder / "policies"
    shutil.copytree(POLICIES, policies)
    gateway = LiveGateway.start(tmp_path_factory.mktemp("gateway"), beginning=beginning, policies=policies)
    try:
        commands = policies / "catalogue" / "shell" / "coreutils.toml"
        whole = commands.read_text()
        commands.write_text("[[command]\n")
        said(gateway, "catalogue not changed", 1)
        commands.write_text(f'{whole}\n[[command]]\nnames = ["in-house-report"]\n')
        said(gateway, "catalogue changed", 1)
        functions = policies / "catalogue" / "postgres.toml"
        functions.write_text(functions.read_text().replace('"setseed",', ""))
        said(gateway, "catalogue changed", 2)
    finally:
        gateway.stop()
