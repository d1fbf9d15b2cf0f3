from __future__ import annotations

import pytest

from gateway.judge.catalogue import load_postgres
from gateway.judge.postgres import SqlContext
from gateway.judge.postgres.builtin import builtin


@pytest.fixture(scope="session")
def context() -> SqlContext:
    """What the command line judges under."""
    return SqlContext(builtin(), load_postgres())
