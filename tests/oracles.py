"""Servers whose databases may be written to, and ways to see whether they were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from psycopg.pq import ExecStatus

from gateway.judge.postgres.introspect import PREPARATION, QUERIES, snapshot

if TYPE_CHECKING:
    from gateway.judge.postgres import Snapshot
    from gateway.store.embedded import EmbeddedPostgres

Session = psycopg.Connection[tuple[object, ...]]
WRITER = "oracle_writer"
PASSWORD = "oracle"


@dataclass(frozen=True, slots=True)
class Oracle:
    """A server of one version with databases ``sample``, ``hidden`` and ``altered``.

    Attributes:
        server: the server.
        version: major version.
    """

    server: EmbeddedPostgres
    version: int

    def connect(self, database: str, *, user: str = "") -> Session:
        """A connection that commits each statement by itself, as a superuser or as the writer."""
        dsn = self.server.dsn(database, user, PASSWORD) if user else self.server.dsn(database)
        return psycopg.connect(dsn, autocommit=True, prepare_threshold=None)

    def watch(self, database: str) -> Session:
        """A superuser's connection for the same few questions, asked thousands of times."""
        return psycopg.connect(self.server.dsn(database), autocommit=True, prepare_threshold=0)


def read_snapshot(session: Session) -> Snapshot:
    """Read a catalogue snapshot as the gateway does."""
    for statement in PREPARATION:
        session.execute(statement)
    answers = {name: [str(row[0]) for row in session.execute(query)] for name, query in QUERIES.items()}
    session.execute("COMMIT")
    return snapshot(session.info.server_version, answers, epoch=1)


def run(session: Session, text: str) -> bool:
    """Send a text as one simple query and take in all it answers; whether the server ran it to its end."""
    session.pgconn.send_query(text.encode())
    status = ExecStatus.EMPTY_QUERY
    ran = True
    while (result := session.pgconn.get_result()) is not None:
        status = result.status
        if status == ExecStatus.COPY_OUT:
            while session.pgconn.get_copy_data(0)[0] > 0:
                pass
        elif status not in {ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK, ExecStatus.EMPTY_QUERY}:
            ran = False
    return ran


_OWN = """SELECT pg_current_xact_id_if_assigned() IS NULL,
    (SELECT count(*) FROM pg_listening_channels()),
    (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND (locktype IN ('advisory', 'transactionid')
        OR (locktype = 'relation' AND mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')))),
    current_setting('session_replication_role'), current_user, session_user,
    current_setting('standard_conforming_strings')"""

_WORLD = """SELECT pg_snapshot_xmax(pg_current_snapshot())::text,
    (SELECT string_agg(c.oid || ':' || coalesce(pg_sequence_last_value(c.oid)::text, ''), ' ' ORDER BY c.oid)
       FROM pg_class c WHERE relkind = 'S'),
    (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_proc),
    (SELECT count(*) FROM pg_largeobject_metadata),
    (SELECT md5(string_agg(data::text, '' ORDER BY loid, pageno)) FROM pg_largeobject),
    (SELECT count(*) FROM pg_replication_slots), (SELECT count(*) FROM pg_prepared_xacts),
    (SELECT count(*) FROM pg_replication_origin),
    (SELECT string_agg(concat_ws(' ', name, size, modification, change), ' ' ORDER BY name)
       FROM unnest(ARRAY['postgresql.conf', 'postgresql.auto.conf']) name, pg_stat_file(name)),
    (SELECT string_agg(pid || coalesce(backend_start::text, ''), ' ' ORDER BY pid) FROM pg_stat_activity
       WHERE backend_type = 'client backend'),
    (SELECT string_agg(l::text, ' ') FROM pg_locks l WHERE locktype = 'advisory')"""


def own(session: Session) -> tuple[object, ...]:
    """What a statement would leave in its own session and transaction."""
    row = session.execute(_OWN).fetchone()
    assert row is not None
    return row


def world(witness: Session) -> tuple[object, ...]:
    """What a write would move: the next transaction id, sequences, large objects, sessions, locks, …"""
    row = witness.execute(_WORLD).fetchone()
    assert row is not None
    return row
