"""Doors in front of a real sshd: one whose judge is real, one whose judge lets everything through."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from ssh_door import Gate, endpoint_for, gate_for, trusting
from sshd import Sshd

from gateway.judge.shell.catalogue import load_shell
from gateway.judge.shell.judge import judge
from gateway.protocols.ssh.parts import Parts


@pytest.fixture(scope="module")
async def gate(tmp_path_factory: pytest.TempPathFactory, sshd: Sshd) -> AsyncIterator[Gate]:
    """A door with the real judge."""
    folder: Path = tmp_path_factory.mktemp("door")
    endpoints = {"web-1": endpoint_for(sshd)}
    async with gate_for(folder, endpoints, Parts(load_shell(), judge)) as made:
        yield made


@pytest.fixture(scope="module")
async def open_gate(tmp_path_factory: pytest.TempPathFactory, sshd: Sshd) -> AsyncIterator[Gate]:
    """A door whose judge lets everything through, and without a guard."""
    folder: Path = tmp_path_factory.mktemp("open-door")
    endpoints = {"web-1": endpoint_for(sshd, options={"guard": "off"})}
    async with gate_for(folder, endpoints, Parts(load_shell(), trusting)) as made:
        yield made
