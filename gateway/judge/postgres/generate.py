"""Writes the data file of the built-in snapshot from a real, freshly made cluster.

::

    python -m gateway.judge.postgres.generate /path/to/psql "host=/tmp port=5432 user=postgres"
"""

from __future__ import annotations

import subprocess
import sys
import zlib

import msgspec

from gateway.judge.postgres.builtin import DATA
from gateway.judge.postgres.introspect import PREPARATION, QUERIES, rows
from gateway.judge.postgres.snapshot import Rows


def generate(psql: str, conninfo: str) -> Rows:
    """Read the catalogue of a freshly made cluster.

    Args:
        psql: path of the client.
        conninfo: how to connect, as a superuser.
    """
    answers = {name: _ask(psql, conninfo, query) for name, query in QUERIES.items()}
    (version,) = _ask(psql, conninfo, "SHOW server_version_num")
    return rows(int(version), answers)


def _ask(psql: str, conninfo: str, query: str) -> list[str]:
    script = ";\n".join([*PREPARATION, query]) + ";\n"
    done = subprocess.run(  # noqa: S603 - a developer's own command line
        [psql, conninfo, "-XAtq", "-v", "ON_ERROR_STOP=1"],
        input=script,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


if __name__ == "__main__":
    DATA.write_bytes(zlib.compress(msgspec.json.encode(generate(*sys.argv[1:3])), 9))
