"""PostgreSQL 16 and 18, with the clients that came with them: what people do all day, in short."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from live_clients import Live, listing_script, listings, run
from live_gateway import Beginning, LiveGateway
from servers import Production

from gateway.web.shapes.changes import ChangeFacts, ChangeId

NOVELTIES = """
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE TABLE public.rooms (id int, during tstzrange, seats int CHECK (seats > 0) NOT ENFORCED,
    spare int GENERATED ALWAYS AS (seats * 2) VIRTUAL, PRIMARY KEY (id, during WITHOUT OVERLAPS));
CREATE TABLE public.stays (room int, during tstzrange,
    FOREIGN KEY (room, PERIOD during) REFERENCES public.rooms (id, PERIOD during));
INSERT INTO public.rooms VALUES (1, '[2026-01-01, 2026-02-01)', 4);
"""


@pytest.fixture(scope="module", params=[18, 16])
def version(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def production(version: int, request: pytest.FixtureRequest) -> Production:
    made: Production = request.getfixturevalue(f"production{version}")
    if version == 18:
        with psycopg.connect(made.dsn(made.superuser)) as session:
            session.execute(NOVELTIES)
    return made


@pytest.fixture(scope="module")
def gateway(
    tmp_path_factory: pytest.TempPathFactory, beginning: Beginning, request: pytest.FixtureRequest
) -> Iterator[LiveGateway]:
    made = LiveGateway.start(tmp_path_factory.mktemp("releases"), beginning=beginning)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def endpoint(version: int) -> str:
    return f"release-{version}"


@pytest.fixture(scope="module")
def live(gateway: LiveGateway, production: Production, endpoint: str, repository: Path) -> Live:
    gateway.add_endpoint(production, name=endpoint, repository=repository)
    gateway.grant(endpoint, minutes=120)
    return Live(gateway, {endpoint: production})


def connect(live: Live, endpoint: str, more: str = "") -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(live.dsn(endpoint, more=more), autocommit=True)


def test_every_listing_is_as_on_production_itself(live: Live, endpoint: str, version: int) -> None:
    ended = live.psql(endpoint=endpoint, version=version, typed=listing_script())
    reader = live.direct(endpoint, reader=True)
    straight = run(live.program("psql", version), "-X", environment=reader, typed=listing_script())
    assert ended.err == straight.err
    through, directly = listings(ended.out), listings(straight.out)
    assert through.pop("conninfo") != directly.pop("conninfo")
    assert through == directly
    assert "customers_email_key" in through["d|customers"]


def test_a_dump_is_the_one_that_production_gives(live: Live, endpoint: str, version: int) -> None:
    def dump(environment: dict[str, str]) -> list[str]:
        ended = run(live.program("pg_dump", version), environment=environment)
        assert ended.status == 0, ended.err
        return [line for line in ended.out.splitlines() if "restrict" not in line]

    assert dump(live.environment(endpoint)) == dump(live.direct(endpoint))


def test_a_write_is_refused_with_a_change_request(live: Live, endpoint: str, version: int) -> None:
    before = live.dump(endpoint)
    returning = "RETURNING WITH (OLD AS o, NEW AS n) o.city, n.city" if version == 18 else "RETURNING city"
    text = f"UPDATE customers SET city = 'Rome' WHERE id = 7 {returning}"
    with connect(live, endpoint) as session:
        for params in (None, ()):
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction, match="UPDATE") as refused:
                session.execute(text, params)
        number = int(str(refused.value.diag.message_detail).split("change request ")[1].split()[0])
        found = live.gateway.client("engineer").call("GET /v1/changes/{id}", ChangeId(id=number), ChangeFacts)
        assert "city = 'Rome'" in found.diff
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("SET transaction_read_only = off")
        assert session.execute("SHOW transaction_read_only").fetchone() == ("on",)
    assert live.dump(endpoint) == before


def test_a_query_is_cancelled_on_the_server(live: Live, endpoint: str, production: Production) -> None:
    mark = f"SELECT pg_sleep(50), 'cancelled on {endpoint}'"
    watch = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query = %s"
    with (
        psycopg.connect(production.dsn(production.superuser), autocommit=True) as direct,
        connect(live, endpoint) as session,
    ):

        def cancel() -> None:
            while direct.execute(watch, (mark,)).fetchone() != (1,):
                time.sleep(0.02)
            session.cancel_safe()

        canceller = threading.Thread(target=cancel)
        canceller.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            session.execute(mark)
        canceller.join()
        assert direct.execute(watch, (mark,)).fetchone() == (0,)
        assert session.execute("SELECT 1").fetchone() == (1,)


def test_rows_are_copied_out(live: Live, endpoint: str) -> None:
    with connect(live, endpoint) as session, session.cursor() as cursor:
        with cursor.copy("COPY customers (id, email) TO STDOUT (FORMAT csv)") as copy:
            rows = b"".join(copy).splitlines()
        assert len(rows) == 600
        with cursor.copy("COPY (SELECT * FROM orders) TO STDOUT (FORMAT binary)") as copy:
            assert b"".join(copy).startswith(b"PGCOPY\n")


@pytest.mark.parametrize("protocol", ["3.0", "3.2"])
def test_frontends_of_both_protocols(live: Live, endpoint: str, protocol: str) -> None:
    with connect(
        live, endpoint, f"min_protocol_version={protocol} max_protocol_version={protocol}"
    ) as session:
        assert session.execute("SELECT %s::int + 1", (1,), prepare=True).fetchone() == (2,)
        with session.pipeline():
            answers = [session.execute("SELECT %s::int", (number,)) for number in range(3)]
            assert [answer.fetchone() for answer in answers] == [(0,), (1,), (2,)]


def test_pipelines_and_named_statements_of_psql_18(live: Live, endpoint: str, version: int) -> None:
    typed = r"""
SELECT 'parsed ' || $1 \parse named
\bind_named named 5 \g
\startpipeline
SELECT 'first ' || $1 \bind a \sendpipeline
\bind_named named 6 \sendpipeline
SELECT 'second' \bind \sendpipeline
\syncpipeline
SELECT 1 / $1 \bind 0 \sendpipeline
SELECT 'skipped' \bind \sendpipeline
\syncpipeline
SELECT 'third' \bind \sendpipeline
\flushrequest
\getresults
\endpipeline
\close_prepared named
SELECT 'alive'
\g
"""
    said = run(live.program("psql", 18), "-XAt", environment=live.environment(endpoint), typed=typed)
    straight = run(live.program("psql", 18), "-XAt", environment=live.direct(endpoint), typed=typed)
    assert (said.out, said.err) == (straight.out, straight.err)
    assert "third" in said.out
    typed = typed.replace("1 / $1", "setval('invoice_numbers', $1::int)")
    said = run(live.program("psql", 18), "-XAt", environment=live.environment(endpoint), typed=typed)
    assert said.out == straight.out
    assert "change request" in said.err


@pytest.mark.parametrize("version", [18], indirect=True)
def test_what_18_brought_is_read(live: Live, endpoint: str) -> None:
    with connect(live, endpoint) as session:
        assert session.execute(
            "SELECT spare FROM rooms WHERE during @> '2026-01-15'::timestamptz"
        ).fetchone() == (8,)
        assert session.execute("SELECT uuid_extract_version(uuidv7()), casefold('ABC')").fetchone() == (
            7,
            "abc",
        )
        assert session.execute(
            "EXPLAIN (ANALYZE, BUFFERS OFF) SELECT * FROM rooms NATURAL JOIN stays"
        ).fetchall()
        assert session.execute(
            "SELECT * FROM pg_get_acl('pg_class'::regclass, 'rooms'::regclass, 0)"
        ).fetchone()
    ended = live.psql("-c", r"\d+ rooms", "-c", r"\d+ stays", endpoint=endpoint, version=18)
    assert (ended.status, ended.err) == (0, "")
    assert "generated always as (seats * 2)" in ended.out
    assert "PERIOD during" in ended.out
