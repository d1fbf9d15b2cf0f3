from __future__ import annotations

import pytest

from gateway.judge.shell.catalogue import load_shell
from gateway.judge.shell.context import ShellContext


@pytest.fixture(scope="session")
def context() -> ShellContext:
    """What the command line judges under."""
    return ShellContext(load_shell(), terminal=True, home="/home/engineer")
