"""psql, new and old, against a new and an old server, as people type into it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from live_clients import NEW, Live, listing_script, listings, run
from stopwatch import unhurried

if TYPE_CHECKING:
    from servers import Production


def test_every_listing_is_as_on_production_itself(live: Live, endpoint: str, version: int) -> None:
    typed = listing_script()
    ended = live.psql(endpoint=endpoint, version=version, typed=typed)
    reader = live.direct(endpoint, reader=True)
    straight = run(live.program("psql", version), "-X", environment=reader, typed=typed)
    assert ended.err == straight.err
    through, directly = listings(ended.out), listings(straight.out)
    assert through.pop("conninfo") != directly.pop("conninfo")
    assert through == directly
    assert "customers_email_key" in through["d|customers"]
    assert "CREATE OR REPLACE FUNCTION public.price_with_vat" in through["sf|price_with_vat"]
    assert "CREATE OR REPLACE VIEW" in through["sv|open_orders"]


def test_what_shows_results_in_other_ways(live: Live, endpoint: str, version: int, tmp_path: Path) -> None:
    typed = f"""
\\set ON_ERROR_STOP on
\\timing on
SELECT 1 AS one, 'two' AS two \\gset got_
\\echo @got :got_one :got_two
SELECT id, email, preferences FROM customers \\gdesc
SELECT country, loyalty, count(*) FROM customers GROUP BY 1, 2 \\crosstabview
SELECT 'SELECT ' || n FROM generate_series(101, 103) AS n \\gexec
SELECT 5 AS five \\gx
SELECT 77 \\g {tmp_path}/seven
\\copy customers (id, email) TO '{tmp_path}/customers.csv' WITH (FORMAT csv, HEADER)
\\copy (SELECT * FROM orders WHERE status = 'paid') to program 'wc -l'
COPY (SELECT 1, 2) TO STDOUT;
\\set FETCH_COUNT 25
SELECT count(*) FROM (SELECT 1 FROM customers) AS c;
SELECT id FROM customers ORDER BY id LIMIT 60;
\\unset FETCH_COUNT
\\t on
\\a
\\x auto
TABLE low_stock LIMIT 1;
SELECT 1 \\; SELECT 2 \\; SELECT 3;
\\if true
SELECT 'inside' AS branch;
\\endif
"""
    ended = live.psql(endpoint=endpoint, version=version, typed=typed)
    assert (ended.status, ended.err) == (0, "")
    assert "@got 1 two" in ended.out
    assert re.search(r"preferences \| jsonb", ended.out)
    assert "basic" in ended.out
    assert all(str(number) in ended.out for number in (101, 102, 103))
    assert "Time: " in ended.out
    assert "77" in (tmp_path / "seven").read_text()
    assert len((tmp_path / "customers.csv").read_text().splitlines()) == 601


def test_watch_runs_again_and_again(live: Live, endpoint: str) -> None:
    ended = live.psql("-At", endpoint=endpoint, typed="SELECT 'tick' \\watch i=0.05 c=3\n")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.split() == ["tick"] * 3


def test_bind_and_extended_commands_of_new_psql(live: Live, endpoint: str) -> None:
    typed = (
        "SELECT city FROM customers WHERE id = $1 \\bind 3 \\g\n"
        "UPDATE customers SET city = $1 WHERE id = $2 \\bind Rome 3 \\g\n"
        "\\errverbose\n\\drg\n"
    )
    ended = live.psql("-At", endpoint=endpoint, typed=typed)
    assert ended.status == 0
    assert "LOCATION" not in ended.err
    assert "25006" in ended.err
    assert "change request" in ended.err
    assert "invalid" not in ended.err


def test_a_password_is_not_changed_and_not_drafted(live: Live, endpoint: str) -> None:
    ended = live.psql(endpoint=endpoint, typed="ALTER ROLE glassgate_reader PASSWORD 'md5abc';\n")
    assert "it was not run" in ended.err


def test_writes_by_psqls_own_commands_are_refused(live: Live, version: int, tmp_path: Path) -> None:
    data = tmp_path / "new.csv"
    data.write_text("1,2\n")
    for typed in (
        f"\\copy customers FROM '{data}'\n",
        "COPY customers FROM STDIN;\n1\t2\n\\.\n",
        f"\\lo_import {data}\n",
        "\\lo_unlink 1\n",
        "COPY customers TO PROGRAM 'id';\n",
        "COPY customers TO '/tmp/out';\n",
    ):
        ended = live.psql("-v", "ON_ERROR_STOP=1", version=version, typed=typed + "\\echo never\n")
        assert ended.status == 3, typed
        assert "ERROR:" in ended.err
        assert "never" not in ended.out
    still = live.psql("-At", version=version, typed=f"\\copy customers FROM '{data}'\nSELECT 'alive';\n")
    assert still.out.strip() == "alive"


def test_on_the_command_line(live: Live, endpoint: str, version: int, tmp_path: Path) -> None:
    def psql(*words: str) -> tuple[int, str]:
        ended = live.psql(*words, endpoint=endpoint, version=version)
        return ended.status, ended.out.strip()

    assert psql("-Atc", "SELECT 1", "-c", "SELECT 2", "-c", "\\echo three") == (0, "1\n2\nthree")
    assert psql("-Atc", "SELECT 1; SELECT 2") == (0, "1\n2")
    assert psql("-Atc", "SELECT 1; DELETE FROM orders") == (1, "")
    assert psql("--csv", "-c", "SELECT 1 AS a, 'x,y' AS b") == (0, 'a,b\n1,"x,y"')
    assert psql("-1", "-At", "-c", "SELECT 1", "-c", "SELECT 2") == (0, "1\n2")
    script = tmp_path / "script.sql"
    script.write_text("SELECT 1;\nDELETE FROM orders;\nSELECT 2;\n")
    assert psql("-At", "-f", str(script)) == (0, "1\n2")
    assert psql("-At", "-v", "ON_ERROR_STOP=1", "-f", str(script)) == (3, "1")
    assert psql("-1", "-At", "-f", str(script))[1] == "1"
    if (endpoint, version) != (NEW, 15):  # which asks for a column that 17 no longer has
        assert "shop" in psql("-l")[1]


def test_errors_inside_transactions_and_savepoints(live: Live, endpoint: str, version: int) -> None:
    typed = """
BEGIN;
SELECT 'a';
SAVEPOINT s;
UPDATE customers SET city = 'X';
SELECT 'aborted';
ROLLBACK TO s;
SELECT 'b';
SELECT 1/0;
ROLLBACK TO SAVEPOINT s;
SELECT 'c';
RELEASE s;
DELETE FROM orders;
COMMIT;
SELECT 'd';
"""
    ended = live.psql("-At", endpoint=endpoint, version=version, typed=typed)
    said = ended.out.split()
    assert said == ["BEGIN", "a", "SAVEPOINT", "ROLLBACK", "b", "ROLLBACK", "c", "RELEASE", "ROLLBACK", "d"]
    assert "current transaction is aborted" in ended.err
    assert "division by zero" in ended.err


def test_psqls_own_savepoints(live: Live, endpoint: str, version: int) -> None:
    typed = """
\\set AUTOCOMMIT off
\\set ON_ERROR_ROLLBACK on
SELECT 'a';
UPDATE customers SET city = 'X';
SELECT 'b';
SELECT * FROM nowhere;
SELECT 'c';
COMMIT;
"""
    ended = live.psql("-At", endpoint=endpoint, version=version, typed=typed)
    assert ended.out.split() == ["a", "b", "c", "COMMIT"]
    assert "no relation nowhere" in ended.err


def test_ctrl_c_cancels_on_the_server(live: Live, endpoint: str, version: int) -> None:
    mark = f"SELECT pg_sleep(50), 'ctrl-c {endpoint} {version}'"
    process = subprocess.Popen(
        [live.program("psql", version), "-X", "-At", "-c", mark, "-c", "SELECT 'went on'"],
        env={**os.environ, **live.environment(endpoint)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 10
    while running(live.servers[endpoint], mark) != 1:
        assert time.monotonic() < until
        time.sleep(0.02)
    since = unhurried()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert unhurried() - since < 2
    assert "canceling statement due to user request" in err
    assert running(live.servers[endpoint], mark) == 0
    assert process.returncode != 0 or "went on" in out


def running(production: Production, text: str) -> int:
    with psycopg.connect(production.dsn(production.superuser)) as direct:
        row = direct.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query = %s", (text,)
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_another_database_of_the_same_server(live: Live, endpoint: str) -> None:
    ended = live.psql("-At", endpoint=endpoint, typed="\\c postgres\nSELECT current_database();\n\\c shop\n")
    assert ended.status == 0, ended.err
    assert "\npostgres\n" in ended.out
    assert live.psql("-Atc", "SELECT 1", database="no_such_database").status == 2


@pytest.mark.parametrize("name", ["engineer", "engineer+", "+orders-db"])
def test_a_login_without_an_endpoint_says_how(live: Live, name: str) -> None:
    ended = live.psql("-c", "SELECT 1", PGUSER=name)
    assert ended.status == 2
    assert "engineer+orders-db" in ended.err
    assert NEW in ended.err
