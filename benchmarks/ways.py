"""The ways to production that are compared: direct, through pgbouncer, through Glassgate. TLS in all."""

from __future__ import annotations

import asyncio
import os
import pwd
import secrets
import shutil
import subprocess
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import trustme
from live_gateway import LiveGateway
from servers import Production, free_port

from gateway.store.embedded import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

DATABASE = "bench"
READER = "bench_reader"
ENDPOINT = "bench-db"
CONNECTIONS = 1_450
"""Server connections: 1,000 idle and 200 busy sessions, what pgbouncer keeps, and some to spare."""
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Way:
    """One way to production.

    Attributes:
        name: direct, pgbouncer or glassgate.
        dsn: makes a libpq connection string, with credentials that hold for some minutes at least.
        pids: the proxy's processes; empty: there is none.
    """

    name: str
    dsn: Callable[[], str]
    pids: tuple[int, ...] = ()

    def cpu(self) -> float:
        """CPU seconds that the proxy's processes have used, in user and kernel mode, all threads."""
        found = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self.pids]
        return sum(int(fields[11]) + int(fields[12]) for fields in found) / TICKS

    def resident(self) -> int:
        """Bytes of memory that the proxy's processes hold."""
        return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.pids) * PAGE


@dataclass(frozen=True, slots=True)
class Ways:
    """All that runs while we measure.

    Attributes:
        direct: no proxy.
        pgbouncer: Debian's, in session mode; None where it is not installed.
        glassgate: judging and recording on.
        gateway: its process, for the API.
        production: the server behind all of them.
        pgbench: program.
        psql: program.
    """

    direct: Way
    pgbouncer: Way | None
    glassgate: Way
    gateway: LiveGateway
    production: Production
    pgbench: Path
    psql: Path

    @property
    def all(self) -> list[Way]:
        return [way for way in (self.direct, self.pgbouncer, self.glassgate) if way is not None]

    def drop_server_connections(self) -> None:
        """End what production still holds for a proxy: a pool of a thousand slows down every other way."""
        with psycopg.connect(self.production.server.dsn(), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [READER]
            )


@asynccontextmanager
async def open_ways(folder: Path, *, scale: int) -> AsyncIterator[Ways]:
    """Start production, pgbouncer and the gateway; stop them when done.

    Args:
        folder: empty, short, passable by other users.
        scale: pgbench's: 100,000 rows, some 13 MB each.
    """
    async with AsyncExitStack() as stack:
        production = await _production(folder, scale)
        stack.push_async_callback(production.server.stop)
        bouncer = _pgbouncer(folder, production)
        if bouncer is not None:
            stack.callback(_end, bouncer[0])
        home = folder / "gateway"
        home.mkdir(mode=0o755)
        gateway = await asyncio.to_thread(LiveGateway.start, home, processes=0)
        stack.callback(gateway.stop)
        gateway.add_endpoint(production, name=ENDPOINT)
        gateway.grant(ENDPOINT, minutes=60)
        yield Ways(
            direct=Way("direct", lambda: _dsn(production, production.port)),
            pgbouncer=bouncer[1] if bouncer else None,
            glassgate=Way("glassgate", lambda: gateway.dsn(ENDPOINT, database=DATABASE), gateway.pids()),
            gateway=gateway,
            production=production,
            pgbench=production.server.bin("pgbench"),
            psql=production.server.bin("psql"),
        )


def _dsn(production: Production, port: int) -> str:
    return (
        f"host=localhost port={port} user={READER} password={production.reader_password} "
        f"dbname={DATABASE} sslmode=verify-full sslrootcert={production.ca}"
    )


async def _production(folder: Path, scale: int) -> Production:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    ca, chain, key = folder / "ca.pem", folder / "server.pem", folder / "server.key"
    authority.cert_pem.write_to_path(str(ca))
    chain.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(str(key))
    key.chmod(0o600)
    port = free_port()
    server = await EmbeddedPostgres.start(
        folder / "production",
        name="bench-production",
        port=port,
        tls=(chain, key),
        superuser="postgres",
        settings={
            "max_connections": str(CONNECTIONS),
            "shared_buffers": "512MB",
            "fsync": "off",
            "autovacuum": "off",
        },
    )
    password = secrets.token_urlsafe(18)
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {READER} LOGIN PASSWORD '{password}'")
        connection.execute(f"GRANT pg_read_all_data TO {READER}")
        connection.execute(f"CREATE DATABASE {DATABASE}")
        connection.execute(f"REVOKE CREATE, TEMPORARY ON DATABASE {DATABASE} FROM PUBLIC")
    fill = [server.bin("pgbench"), "-i", "-q", "-s", str(scale), server.dsn(DATABASE)]
    await asyncio.to_thread(subprocess.run, fill, check=True, capture_output=True)
    return Production(
        server=server,
        host="localhost",
        port=port,
        ca=ca,
        superuser="postgres",
        superuser_password=(folder / "production" / "password").read_text().strip(),
        reader=READER,
        reader_password=password,
        writer="",
        writer_password="",
        database=DATABASE,
        version=17,
    )


def _pgbouncer(folder: Path, production: Production) -> tuple[subprocess.Popen[bytes], Way] | None:
    """Start Debian's pgbouncer as for the same purpose: TLS on both sides, SCRAM, session mode."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        return None
    home = folder / "pgbouncer"
    home.mkdir(mode=0o755)
    port = free_port()
    (home / "server.key").write_bytes((folder / "server.key").read_bytes())
    (home / "users").write_text(f'"{READER}" "{production.reader_password}"\n')
    (home / "pgbouncer.ini").write_text(f"""
[databases]
{DATABASE} = host=localhost port={production.port} dbname={DATABASE}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {home}/users
pool_mode = session
max_client_conn = 2000
default_pool_size = {CONNECTIONS - 100}
ignore_startup_parameters = extra_float_digits
client_tls_sslmode = require
client_tls_cert_file = {folder}/server.pem
client_tls_key_file = {home}/server.key
server_tls_sslmode = verify-full
server_tls_ca_file = {production.ca}
logfile = {home}/log
log_connections = 0
log_disconnections = 0
""")
    command = [program, "-q"]
    if os.geteuid() == 0:  # it does not run as root
        nobody = pwd.getpwnam("nobody")
        for path in (home, *home.iterdir()):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        command += ["-u", "nobody"]
    process = subprocess.Popen([*command, str(home / "pgbouncer.ini")])
    way = Way("pgbouncer", lambda: _dsn(production, port), (process.pid,))
    until = time.monotonic() + 10
    while True:
        try:
            psycopg.connect(way.dsn()).close()
        except psycopg.OperationalError:
            if time.monotonic() > until or process.poll() is not None:
                _end(process)
                raise
            time.sleep(0.1)
        else:
            return process, way


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
