"""An embedded PostgreSQL that another process runs: how to connect to it, as its folder says."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from gateway.domain.errors import StoreUnavailable
from gateway.store.embedded import SUPERUSER

if TYPE_CHECKING:
    from pathlib import Path

_PORT_LINE = 3
_SOCKET_LINE = 4
"""Lines of postmaster.pid, from 0; PostgreSQL's src/include/utils/pidfile.h."""


def attached_dsn(folder: Path, *, database: str = "postgres") -> str:
    """Return the URL of a running embedded PostgreSQL, with the superuser's password in it.

    Args:
        folder: of the cluster, as ``EmbeddedPostgres.start`` was given it.
        database: name of the database.

    Raises:
        StoreUnavailable: none runs there, or its files can't be read by this account.
    """
    try:
        lines = (folder / "data" / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        password = (folder / "password").read_text(encoding="utf-8").strip()
        port, host = lines[_PORT_LINE], lines[_SOCKET_LINE]
    except (OSError, IndexError) as error:
        raise StoreUnavailable(
            f"no running PostgreSQL can be seen in {folder}: {error}",
            hint="run this on the gateway's machine, as the account that the gateway runs as",
        ) from error
    login = f"{SUPERUSER}:{quote(password, safe='')}"
    return f"postgresql://{login}@/{quote(database, safe='')}?host={quote(host, safe='')}&port={port}"
