"""The judge of engines over the catalogues of this checkout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.judge.docker.catalogue import load_docker
from gateway.judge.docker.context import DockerContext
from gateway.judge.shell.catalogue import load_shell
from gateway.judge.shell.context import ShellContext

if TYPE_CHECKING:
    from gateway.judge.docker.catalogue import DockerCatalogue


@pytest.fixture(scope="session")
def catalogue() -> DockerCatalogue:
    """The routes."""
    return load_docker()


@pytest.fixture(scope="session")
def context(catalogue: DockerCatalogue) -> DockerContext:
    """A session that has put no command into any container."""
    return DockerContext(catalogue, ShellContext(load_shell()))
