"""What the fixtures of conftest.py hand to tests, and what tests that start servers themselves need."""

from __future__ import annotations

import os
import random
import shutil
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import releases

from gateway.cli.demo.production import DATABASE

if TYPE_CHECKING:
    import trustme

    from gateway.store.embedded import EmbeddedPostgres

DEBIAN_15 = Path("/usr/lib/postgresql/15")
UNSYNCED = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "128MB"}
"""Settings of servers that nobody pulls the plug on: tests that see many databases come and go wait less."""
MEMORY = Path("/dev/shm")
ROOM = 4 << 30
"""Bytes free in memory from which on servers of tests keep their files there; they take a tenth of it."""
SAMPLE_CUSTOMERS = 600
"""Customers in the tests' shop database; the demo's has more."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """A test authority and a server certificate for localhost and 127.0.0.1.

    Attributes:
        ca: PEM file of the authority.
        chain: PEM file of the server's certificate chain.
        key: PEM file of its key.
        authority: to issue more.
    """

    ca: Path
    chain: Path
    key: Path
    authority: trustme.CA


@dataclass(frozen=True, slots=True)
class Production:
    """A PostgreSQL server that plays production: TLS only over TCP, SCRAM, database ``shop``.

    Attributes:
        server: the server; its ``dsn`` and ``bin`` serve tests.
        host: name in its certificate.
        port: TCP port.
        ca: PEM file of the authority of its certificate.
        superuser: role that may do all.
        superuser_password: its password.
        reader: role that can only read (pg_read_all_data).
        reader_password: its password.
        writer: the application's role: reads and writes.
        writer_password: its password.
        database: name of the filled database.
        version: major version of the server.
    """

    server: EmbeddedPostgres
    host: str
    port: int
    ca: Path
    superuser: str
    superuser_password: str
    reader: str
    reader_password: str
    writer: str
    writer_password: str
    database: str
    version: int

    def dsn(self, user: str = "postgres", database: str = DATABASE) -> str:
        """URL over TCP and verified TLS for one of the three roles."""
        password = {
            self.superuser: self.superuser_password,
            self.reader: self.reader_password,
            self.writer: self.writer_password,
        }[user]
        return (
            f"postgresql://{user}:{quote(password, safe='')}@{self.host}:{self.port}/{database}"
            f"?sslmode=verify-full&sslrootcert={self.ca}"
        )


def installation_of(version: int) -> Path | None:
    """A PostgreSQL of this major version; None stands for the wheel's. Skips the test where there is none."""
    if version == 17:
        return None
    if version == 15:
        if not (DEBIAN_15 / "bin" / "postgres").exists():
            pytest.skip("PostgreSQL 15 is not installed (apt install postgresql-15)")
        return DEBIAN_15
    try:
        return releases.installation(version)
    except releases.Missing as missing:
        pytest.skip(str(missing))


def server_files() -> Path:
    """Make a short folder, passable for everybody, for PostgreSQL's files: in memory where there is room."""
    where, prefix = Path("/tmp"), f"gg-{os.getpid()}-"
    if _has_room(MEMORY):
        where = MEMORY
        for left in MEMORY.glob("gg-*-*"):  # by tests that were killed
            if not Path("/proc", left.name.split("-")[1]).exists():
                shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=where))
    folder.chmod(0o755)
    return folder


def _has_room(memory: Path) -> bool:
    try:
        state = os.statvfs(memory)
    except OSError:
        return False
    runs = not state.f_flag & os.ST_NOEXEC
    return runs and os.access(memory, os.W_OK) and state.f_bavail * state.f_frsize > ROOM


def free_port() -> int:
    """Return a TCP port on 127.0.0.1 that nobody listens on now, and that no outgoing connection is given."""
    while True:
        port = random.randrange(10_000, 32_000)  # below ip_local_port_range
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
