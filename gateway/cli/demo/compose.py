"""What docker-compose.yml needs of the demo: a certificate and a repository for its sample production.

Run as ``python -m gateway.cli.demo.compose FOLDER``; does nothing where they are there already.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from gateway.changes.founding import found_repository
from gateway.cli.demo.production import SERVICE
from gateway.transport.authority import Authority

POSTGRES_USER: Final = 999
"""The user that the official PostgreSQL image runs as."""


def prepare(folder: Path, *, host: str, gateway_user: int) -> None:
    """Make ``certificates/`` for the server and ``shop.git`` for the gateway.

    Args:
        folder: a volume that both mount.
        host: the server's name, for its certificate.
        gateway_user: whom the repository belongs to.
    """
    authority = Authority.open(folder / "certificates", name="Sample production")
    files = authority.server_certificate([host])
    (folder / "certificates").chmod(0o755)
    for path in (files.chain, files.key):
        os.chown(path, POSTGRES_USER, POSTGRES_USER)
    repository = folder / "shop.git"
    if not repository.exists():
        found_repository(
            repository,
            SERVICE,
            author="Shop Team <shop@example.com>",
            message="Import the shop service",
            at=datetime.now(UTC),
        )
    for path in (repository, *repository.rglob("*")):
        os.chown(path, gateway_user, gateway_user)


if __name__ == "__main__":
    prepare(Path(sys.argv[1]), host="production", gateway_user=int(sys.argv[2]))
