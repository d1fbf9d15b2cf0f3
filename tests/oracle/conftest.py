from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from oracles import PASSWORD, WRITER, Oracle, Session
from servers import UNSYNCED, installation_of

from gateway.store.embedded import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

HERE = Path(__file__).parent
DATABASES = ("sample", "hidden", "altered")
SETTINGS = {"autovacuum": "off", "max_prepared_transactions": "2", "statement_timeout": "5s", **UNSYNCED}


@pytest.fixture(scope="session", params=[18, 17, 16, 15])
async def oracle(request: pytest.FixtureRequest, database_folder: Path) -> AsyncIterator[Oracle]:
    """A server of each version at hand."""
    version: int = request.param
    installation = installation_of(version)
    # A folder of its own each time: pytest makes a fixture with parameters anew when they alternate.
    folder = Path(tempfile.mkdtemp(prefix=f"oracle{version}-", dir=database_folder))
    folder.chmod(0o755)
    server = await EmbeddedPostgres.start(
        folder / "server",
        name=f"oracle-{version}",
        settings=SETTINGS,
        installation=installation,
    )
    made = Oracle(server, version)
    with made.connect("postgres") as session:
        session.execute(f"CREATE ROLE {WRITER} LOGIN PASSWORD '{PASSWORD}'")
        session.execute(f"GRANT pg_read_all_data, pg_write_all_data, pg_monitor TO {WRITER}")
        for database in DATABASES:
            session.execute(f"CREATE DATABASE {database} TEMPLATE template0")
    for database in DATABASES:
        with made.connect(database) as session:
            session.execute((HERE / f"{database}.sql").read_bytes())
            _give_all(session)
    yield made
    await server.stop()


def _give_all(session: Session) -> None:
    """The writer may change whatever there is."""
    schemas = session.execute(
        "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
    ).fetchall()
    for (schema,) in schemas:
        session.execute(f'GRANT ALL ON SCHEMA "{schema}" TO {WRITER}')
        for kind in ("TABLES", "SEQUENCES", "ROUTINES"):
            session.execute(f'GRANT ALL ON ALL {kind} IN SCHEMA "{schema}" TO {WRITER}')


@pytest.fixture
def writer(oracle: Oracle) -> Iterator[Session]:
    """A session that could write to ``sample``, in read-write mode."""
    with oracle.connect("sample", user=WRITER) as session:
        yield session


@pytest.fixture
def witness(oracle: Oracle) -> Iterator[Session]:
    """A superuser's session beside it, in ``sample``."""
    with oracle.watch("sample") as session:
        yield session
