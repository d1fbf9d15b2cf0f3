"""Runs the programs that people use against a live gateway, on both servers."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from servers import installation_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from live_gateway import LiveGateway
    from servers import Production

NEW = "orders-db"
"""Endpoint whose production is the wheel's PostgreSQL 17."""
OLD = "old-db"
"""Endpoint whose production is Debian's PostgreSQL 15."""
LISTINGS = (Path(__file__).parent / "live" / "psql_commands.txt").read_text().splitlines()
"""Every backslash command by which psql lists what there is."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended.

    Attributes:
        status: exit status.
        out: standard output.
        err: standard error.
    """

    status: int
    out: str
    err: str


def run(
    program: str | Path, *words: str, environment: Mapping[str, str], typed: str = "", seconds: float = 60
) -> Ran:
    """Run a program to its end.

    Args:
        program: what to run.
        words: its arguments.
        environment: variables beside PATH.
        typed: its standard input.
        seconds: how long it may take.
    """
    ended = subprocess.run(
        [str(program), *words],
        input=typed.encode(),
        capture_output=True,
        env={"PATH": os.environ["PATH"], **environment},
        check=False,
        timeout=seconds,
    )
    return Ran(ended.returncode, ended.stdout.decode(errors="replace"), ended.stderr.decode(errors="replace"))


@dataclass(slots=True)
class Live:
    """A gateway with an endpoint for each server, and grants for the engineer on all of them.

    Attributes:
        gateway: the process.
        servers: endpoint → the server behind it.
    """

    gateway: LiveGateway
    servers: dict[str, Production] = field(default_factory=dict)
    _tokens: dict[str, str] = field(default_factory=dict)

    def token(self, person: str = "engineer") -> str:
        if person not in self._tokens:
            self._tokens[person] = self.gateway.database_token(person)
        return self._tokens[person]

    def environment(self, endpoint: str = NEW, *, database: str = "shop", **more: str) -> dict[str, str]:
        """Variables that lead libpq programs through the gateway."""
        return {
            "PGHOST": "localhost",
            "PGPORT": str(self.gateway.postgres_port),
            "PGUSER": f"engineer+{endpoint}",
            "PGPASSWORD": self.token(),
            "PGDATABASE": database,
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": str(self.gateway.ca),
            "PSQLRC": "/dev/null",
            "HOME": "/nonexistent",
            "PAGER": "cat",
            "LC_ALL": "C.UTF-8",
            **more,
        }

    def direct(self, endpoint: str = NEW, *, database: str = "shop", reader: bool = False) -> dict[str, str]:
        """Variables that lead libpq programs to production itself: its superuser, or the gateway's role."""
        production = self.servers[endpoint]
        role = (production.superuser, production.superuser_password)
        if reader:
            role = (production.reader, production.reader_password)
        return {
            **self.environment(endpoint, database=database),
            "PGPORT": str(production.port),
            "PGUSER": role[0],
            "PGPASSWORD": role[1],
            "PGSSLROOTCERT": str(production.ca),
        }

    def dsn(self, endpoint: str = NEW, *, database: str = "shop", more: str = "") -> str:
        return self.gateway.dsn(endpoint, database=database, more=more)

    def program(self, name: str, version: int = 17) -> Path:
        """A program of the wheel's PostgreSQL 17, or of another version at hand."""
        installation = installation_of(version)
        return installation / "bin" / name if installation else self.servers[NEW].server.bin(name)

    def psql(self, *words: str, endpoint: str = NEW, version: int = 17, typed: str = "", **more: str) -> Ran:
        environment = self.environment(endpoint, **more)
        return run(self.program("psql", version), "-X", *words, environment=environment, typed=typed)

    def dump(self, endpoint: str = NEW) -> str:
        """All of production's shop, for comparison: taken around the gateway."""
        program = self.program("pg_dump", self.servers[endpoint].version)
        ended = run(program, environment=self.direct(endpoint))
        assert ended.status == 0, ended.err
        kept = (
            line for line in ended.out.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))
        )
        return "\n".join(kept)


def listing_script() -> str:
    """What makes psql run every listing, each behind a line with its name."""
    return "".join(f"\\echo @@ {word[1:].replace(' ', '|')}\n{word}\n" for word in LISTINGS)


def listings(said: str) -> dict[str, str]:
    """Command → what it printed, without what differs by who connects and when."""
    parts = re.findall(r"@@ (\S+)\n(.*?)(?=@@ |\Z)", said, re.DOTALL)
    return {name: text for name, text in parts if not name.startswith(("dconfig", "l+"))}
