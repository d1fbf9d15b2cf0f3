"""PostgreSQL's own programs: dumps pass, whatever writes is refused properly."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from live_clients import NEW, OLD, Live, Ran, run

from gateway.web.shapes.changes import ChangeList, ListChanges


@pytest.fixture(scope="module")
def live(own_live: Live) -> Live:
    """A gateway whose drafts are looked at."""
    return own_live


def tool(live: Live, endpoint: str, name: str, *words: str, typed: str = "", **more: str) -> Ran:
    version = 17 if endpoint == NEW else 15
    environment = live.environment(endpoint, **more)
    return run(live.program(name, version), *words, environment=environment, typed=typed)


def body(dump: str) -> list[str]:
    return [line for line in dump.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))]


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--schema-only",),
        ("--data-only",),
        ("--inserts", "--rows-per-insert=50", "-t", "customers"),
        ("--column-inserts", "-t", "products"),
        ("--serializable-deferrable", "-n", "reporting"),
        ("--no-owner", "--no-privileges", "--clean", "--if-exists", "--create"),
        ("--lock-wait-timeout=2000", "-t", "orders"),
        ("--section=pre-data",),
        ("--exclude-table-data=orders", "--no-comments", "--quote-all-identifiers"),
        ("--no-toast-compression", "--encoding=LATIN1", "-T", "customers"),
        ("--enable-row-security", "-t", "payments"),
    ],
    ids=lambda words: " ".join(words) or "plain",
)
def test_a_dump_is_the_one_that_production_gives(live: Live, endpoint: str, words: tuple[str, ...]) -> None:
    through = tool(live, endpoint, "pg_dump", *words)
    version = 17 if endpoint == NEW else 15
    reader = live.direct(endpoint, reader=True)
    straight = run(live.program("pg_dump", version), *words, environment=reader)
    assert (through.status, through.err) == (straight.status, straight.err)
    assert through.status == 0
    assert body(through.out) == body(straight.out)


def test_a_newer_dump_of_an_older_server(live: Live) -> None:
    if OLD not in live.servers:
        pytest.skip("PostgreSQL 15 is not installed (apt install postgresql-15)")
    ended = run(live.program("pg_dump"), "-s", environment=live.environment(OLD))
    assert (ended.status, ended.err) == (0, "")
    assert "CREATE TABLE public.customers" in ended.out


@pytest.mark.parametrize("form", ["-Fd", "-Fc", "-Ft"])
def test_dumps_in_other_forms_and_in_parallel(live: Live, endpoint: str, form: str, tmp_path: Path) -> None:
    target = tmp_path / "dump"
    parallel = ("-j", "2") if form == "-Fd" else ()
    dumped = tool(live, endpoint, "pg_dump", form, *parallel, "-f", str(target))
    assert (dumped.status, dumped.err) == (0, "")
    listed = tool(live, endpoint, "pg_restore", "-l", str(target))
    assert "TABLE DATA public customers" in listed.out
    restored = tool(live, endpoint, "pg_restore", "-d", "shop", "--data-only", "-t", "customers", str(target))
    assert restored.status == 1
    assert "not run" in restored.err
    cleaned = tool(live, endpoint, "pg_restore", "-d", "shop", "--clean", "-e", str(target))
    assert cleaned.status == 1
    assert "not run" in cleaned.err


def test_a_dump_is_not_loaded(live: Live, endpoint: str, tmp_path: Path) -> None:
    file = tmp_path / "dump.sql"
    file.write_text(tool(live, endpoint, "pg_dump", "-t", "visits").out)
    ended = tool(live, endpoint, "psql", "-X", "-v", "ON_ERROR_STOP=1", "-f", str(file))
    assert ended.status == 3
    assert "it was not run" in ended.err
    whole = tool(live, endpoint, "psql", "-X", "-q", "-f", str(file))
    assert whole.status == 0
    assert "invalid command" not in whole.err


@pytest.mark.parametrize("words", [("-r",), ("-r", "--no-role-passwords"), ("-t",), ("-g",)])
def test_pg_dumpall_reads_what_the_gateways_role_may(
    live: Live, endpoint: str, words: tuple[str, ...]
) -> None:
    through = tool(live, endpoint, "pg_dumpall", *words)
    version = 17 if endpoint == NEW else 15
    straight = run(
        live.program("pg_dumpall", version), *words, environment=live.direct(endpoint, reader=True)
    )
    assert (through.status, through.err) == (straight.status, straight.err)
    assert hidden(through.out) == hidden(straight.out)


def hidden(dump: str) -> list[str]:
    return [line for line in body(dump) if not line.startswith("--")]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("vacuumdb", ("-z",)),
        ("vacuumdb", ("--analyze-only", "-t", "customers")),
        ("vacuumdb", ("-j", "2", "-f")),
        ("reindexdb", ()),
        ("reindexdb", ("-t", "customers", "--concurrently")),
        ("clusterdb", ("-t", "customers")),
        ("createdb", ("fresh",)),
        ("dropdb", ("postgres",)),
        ("dropdb", ("-f", "postgres")),
        ("createuser", ("mallory",)),
        ("dropuser", ("shop_app",)),
    ],
    ids=str,
)
def test_maintenance_is_refused_with_a_change_request(
    live: Live, endpoint: str, name: str, words: tuple[str, ...]
) -> None:
    ended = tool(live, endpoint, name, *words)
    assert ended.status == 1, ended.out
    assert "it was not run" in ended.err
    assert "change request" in ended.err
    assert "glassgate change submit" in ended.err


def test_pg_amcheck_and_vacuumlo(live: Live, endpoint: str) -> None:
    assert tool(live, endpoint, "pg_amcheck", "-d", "shop").status != 0
    assert "not run" in tool(live, endpoint, "vacuumlo", "shop").err or endpoint == NEW


SELECTS = """\
\\set id random(1, 600)
SELECT city FROM customers WHERE id = :id;
"""
WRITES = """\
\\set id random(1, 600)
BEGIN;
SELECT city FROM customers WHERE id = :id;
UPDATE customers SET city = 'bench' WHERE id = :id;
END;
"""


@pytest.mark.parametrize("mode", ["simple", "extended", "prepared"])
def test_pgbench_reads_in_every_mode(live: Live, endpoint: str, mode: str, tmp_path: Path) -> None:
    script = tmp_path / "read.sql"
    script.write_text(SELECTS)
    words = ("-n", "-M", mode, "-c", "4", "-j", "2", "-t", "250", "-f", str(script))
    ended = tool(live, endpoint, "pgbench", *words)
    assert ended.status == 0, ended.err
    assert "number of transactions actually processed: 1000/1000" in ended.out
    assert re.search(r"number of failed transactions: 0", ended.out)


@pytest.mark.parametrize("mode", ["simple", "extended", "prepared"])
def test_pgbench_writes_are_refused(live: Live, endpoint: str, mode: str, tmp_path: Path) -> None:
    script = tmp_path / "write.sql"
    script.write_text(WRITES)
    ended = tool(live, endpoint, "pgbench", "-n", "-M", mode, "-c", "2", "-t", "5", "-f", str(script))
    assert ended.status == 2
    assert "change request" in ended.err
    made = live.gateway.client("engineer").call("GET /v1/changes", ListChanges(state="draft"), ChangeList)
    assert any("UPDATE customers" in change.title for change in made.changes)


def test_pgbench_does_not_fill_its_tables(live: Live, endpoint: str) -> None:
    ended = tool(live, endpoint, "pgbench", "-i", "-s", "1")
    assert ended.status == 1
    assert "it was not run" in ended.err
