"""Sample production: a real PostgreSQL server with a filled ``shop`` database."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from gateway.domain.errors import UpstreamUnavailable
from gateway.domain.secret import Secret
from gateway.store.embedded import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Callable

HERE: Final = Path(__file__).parent
SERVICE: Final = HERE / "shop"
"""The sample service's source, as it stands in its repository."""
DATABASE: Final = "shop"
READER: Final = "glassgate_reader"
WRITER: Final = "shop_app"
CUSTOMERS: Final = 8_000
"""Makes some 110,000 rows."""


@dataclass(frozen=True, slots=True)
class SampleProduction:
    """The running server and the ways into it.

    Attributes:
        server: the server, to be stopped by who started it.
        port: TCP port on 127.0.0.1.
        superuser_password: of the role ``postgres``.
        reader_password: of the role that can only read.
        writer_password: of the application's role, which can write.
    """

    server: EmbeddedPostgres
    port: int
    superuser_password: Secret
    reader_password: Secret
    writer_password: Secret

    @classmethod
    async def start(
        cls,
        folder: Path,
        *,
        port: int,
        tls: tuple[Path, Path] | None,
        customers: int = CUSTOMERS,
        installation: Path | None = None,
        said: Callable[[str], None] = lambda _: None,
    ) -> Self:
        """Start the server, and create and fill the ``shop`` database where the folder is new.

        Args:
            folder: the server's.
            port: TCP port on 127.0.0.1.
            tls: certificate chain and key, PEM; None: no TLS.
            customers: how many; all tables together hold some 13 rows for each.
            installation: another PostgreSQL than the wheel's.
            said: told of each step.

        Raises:
            StoreUnavailable: the server can't be started.
            UpstreamUnavailable: the database can't be filled.
        """
        server = await EmbeddedPostgres.start(
            folder,
            name="sample-production",
            port=port,
            tls=tls,
            superuser="postgres",
            settings={"max_connections": "300"},
            installation=installation,
        )
        try:
            passwords = _passwords(folder)
            production = cls(server, port, Secret((folder / "password").read_text()), *passwords)
            if not (folder / "filled").exists():
                await production._fill(customers, said)
                (folder / "filled").touch()
        except BaseException:
            await server.stop()
            raise
        return production

    async def _fill(self, customers: int, said: Callable[[str], None]) -> None:
        said("creating the database shop")
        await self.run_file(
            HERE / "roles.sql",
            database="postgres",
            reader_password=self.reader_password.reveal().decode(),
            writer_password=self.writer_password.reveal().decode(),
        )
        for migration in sorted((SERVICE / "migrations").glob("*.sql")):
            said(f"applying {migration.name}")
            await self.run_file(migration, role="shop_owner")
        said("filling it with rows")
        await self.run_file(HERE / "rows.sql", scale=str(customers))
        await self.run_file(HERE / "grants.sql")

    async def run_file(
        self, script: Path, *, database: str = DATABASE, role: str = "", **variables: str
    ) -> None:
        """Run an SQL script as the superuser, with psql.

        Args:
            script: the file.
            database: where.
            role: role to act as; empty: the superuser itself.
            variables: psql variables.

        Raises:
            UpstreamUnavailable: a statement failed; says which.
        """
        program: list[str | Path] = [
            self.server.bin("psql"),
            "--no-psqlrc",
            "--quiet",
            "--set=ON_ERROR_STOP=1",
            self.server.dsn(database),
        ]
        settings = "".join(f"\\set {name} '{value}'\n" for name, value in variables.items())
        settings += f'SET ROLE "{role}";\n' if role else ""
        text = await asyncio.to_thread(script.read_text)
        done = await asyncio.to_thread(
            subprocess.run,
            program,
            input=settings + text,
            env={name: value for name, value in os.environ.items() if not name.startswith("PG")},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise UpstreamUnavailable(
                f"sample production: {script.name} failed: {done.stderr.strip()[-400:]}"
            )


def _passwords(folder: Path) -> tuple[Secret, Secret]:
    """Return the reader's and the writer's passwords, made at the first start."""
    kept = folder / "roles"
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text(f"{secrets.token_urlsafe(18)}\n{secrets.token_urlsafe(18)}\n")
    reader, writer = kept.read_text().split()
    return Secret(reader), Secret(writer)
