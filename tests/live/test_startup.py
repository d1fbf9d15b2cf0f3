"""Ways in, and ways that must not lead in: encryption, tokens, start-up settings, protocol versions."""

from __future__ import annotations

import threading

import psycopg
import pytest
from live_clients import NEW, Live, run
from servers import free_port

LOOSENING = [
    "-c default_transaction_read_only=off",
    "-cdefault_transaction_read_only=off",
    "--default_transaction_read_only=off",
    "--default-transaction-read-only=off",
    "--DEFAULT-TRANSACTION-READ-ONLY=off",
    "-c Default_Transaction_Read_Only=off",
    "-c  default_transaction_read_only=0",
    "-c default_transaction_read_only=false",
    "-c default_transaction_read_only=o\\ff",
    "-c default_transaction\\_read\\_only=off",
    "-c search_path=public --default-transaction-read-only=off",
    "-c transaction_read_only=off",
    "-c standard_conforming_strings=off",
    "-c role=postgres",
    "-c session_authorization=postgres",
    "-c session_preload_libraries=x",
    "-c local_preload_libraries=x",
    "-c session_replication_role=replica",
    "-c backslash_quote=on",
    "-c escape_string_warning=off -c standard_conforming_strings=off",
    "-c search_path=evil,pg_catalog",
    "-d 5",
    "-F",
    "-s",
    "-O",
    "-P",
    "-p template1",
    "-r /tmp/x",
    "-e",
    "-E",
    "-f s",
    "-W 1",
    "-S 1000",
    "--",
    "-c",
    "-c default_transaction_read_only",
]


@pytest.mark.parametrize("options", LOOSENING)
def test_options_never_loosen(live: Live, endpoint: str, options: str) -> None:
    parts = psycopg.conninfo.conninfo_to_dict(live.dsn(endpoint))
    parts["password"] = live.token()
    try:
        connection = psycopg.connect(**parts, options=options, autocommit=True)
    except psycopg.OperationalError as error:
        said = str(error)
    else:
        said = "connected through the gateway"
        with connection:
            assert connection.execute("SHOW default_transaction_read_only").fetchone() == ("on",)
            assert connection.execute("SHOW transaction_read_only").fetchone() == ("on",)
            assert connection.execute("SHOW standard_conforming_strings").fetchone() == ("on",)
            assert connection.execute("SHOW is_superuser").fetchone() == ("off",)
            with pytest.raises(psycopg.Error):
                connection.execute("CREATE TABLE loosened (a int)")
    assert "through the gateway" in said


def test_harmless_options_hold(live: Live, endpoint: str) -> None:
    more = {
        "PGOPTIONS": "-c search_path=reporting,public -c statement_timeout=7s --work_mem=8MB",
        "PGAPPNAME": "mine",
        "PGTZ": "Asia/Tokyo",
        "PGDATESTYLE": "German",
    }
    typed = "SHOW search_path; SHOW statement_timeout; SHOW application_name; SHOW timezone; SHOW datestyle"
    ended = live.psql("-Atc", typed, endpoint=endpoint, **more)
    assert ended.out.split("\n")[:5] == ["reporting,public", "7s", "mine", "Asia/Tokyo", "German, DMY"], (
        ended.err
    )


@pytest.mark.parametrize("encoding", ["SJIS", "GBK", "GB18030", "BIG5", "UHC", "JOHAB", "SHIFT_JIS_2004"])
def test_encodings_that_hide_quotes_are_refused(live: Live, endpoint: str, encoding: str) -> None:
    at_start = live.psql("-c", "SELECT 1", endpoint=endpoint, PGCLIENTENCODING=encoding)
    assert at_start.status == 2
    assert "use UTF8" in at_start.err
    later = live.psql("-Atc", f"SET client_encoding = '{encoding}'", endpoint=endpoint)
    assert later.status == 1
    assert "UTF8" in later.err
    asked = live.psql("-At", endpoint=endpoint, typed=f"\\encoding {encoding}\nSHOW client_encoding;\n")
    assert asked.out.strip() == "UTF8"


@pytest.mark.parametrize("encoding", ["LATIN1", "WIN1252", "LATIN9", "UTF8", "SQL_ASCII"])
def test_single_byte_encodings_pass(live: Live, endpoint: str, encoding: str) -> None:
    dsn = live.dsn(endpoint, more=f"client_encoding={encoding}")
    with psycopg.connect(dsn, autocommit=True) as connection:
        if encoding != "SQL_ASCII":
            assert connection.execute("SELECT 'é' || chr(233) || %s", ("é",)).fetchone() == ("ééé",)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("DELETE FROM orders -- é" if encoding != "SQL_ASCII" else "DELETE FROM orders")


def test_without_tls_there_is_a_way_out(live: Live, version: int) -> None:
    ended = live.psql("-c", "SELECT 1", version=version, PGSSLMODE="disable")
    assert ended.status == 2
    assert "sslmode=verify-full" in ended.err
    assert live.token() not in ended.err


def test_direct_tls(live: Live, endpoint: str) -> None:
    ended = live.psql("-Atc", "SELECT 1", endpoint=endpoint, PGSSLNEGOTIATION="direct")
    assert (ended.status, ended.out.strip()) == (0, "1"), ended.err


def test_a_certificate_of_another_authority_is_not_trusted(live: Live) -> None:
    other = str(live.servers[NEW].ca)
    ended = live.psql("-c", "SELECT 1", PGSSLROOTCERT=other)
    assert ended.status == 2
    assert "certificate verify failed" in ended.err


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"PGUSER": "engineer"}, "NAME+ENDPOINT"),
        ({"PGUSER": "engineer+no-such-db"}, "no-such-db"),
        ({"PGUSER": "approver+orders-db"}, "don't fit"),
        ({"PGUSER": "nobody+orders-db"}, "don't fit"),
        ({"PGPASSWORD": "ggd_" + "x" * 43}, "don't fit"),
        ({"PGPASSWORD": "hunter2"}, "don't fit"),
        ({"PGDATABASE": "no_such_database"}, "no_such_database"),
    ],
)
def test_wrong_logins_say_what_to_do(live: Live, changed: dict[str, str], said: str) -> None:
    ended = live.psql("-c", "SELECT 1", **changed)
    assert ended.status == 2
    assert "FATAL" in ended.err
    assert said in ended.err


def test_somebody_elses_token_opens_nothing(live: Live) -> None:
    live.gateway.add_person("bert", "engineer")
    ended = live.psql("-c", "SELECT 1", PGPASSWORD=live.token("bert"))
    assert ended.status == 2
    assert "don't fit" in ended.err
    without_grant = live.psql("-c", "SELECT 1", PGPASSWORD=live.token("bert"), PGUSER=f"bert+{NEW}")
    assert f"glassgate request {NEW}" in without_grant.err


@pytest.mark.parametrize("wanted", ["3.0", "3.2", "latest"])
def test_protocol_versions(live: Live, endpoint: str, wanted: str) -> None:
    if psycopg.pq.version() < 180000:
        pytest.skip("this libpq only speaks 3.0")
    more = f"min_protocol_version={wanted if wanted != 'latest' else '3.2'} max_protocol_version={wanted}"
    with psycopg.connect(live.dsn(endpoint, more=more), autocommit=True) as connection:
        assert connection.pgconn.full_protocol_version == (30000 if wanted == "3.0" else 30002)
        assert connection.execute("SELECT 1").fetchone() == (1,)
        timer = threading.Timer(0.2, connection.cancel_safe)
        timer.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("SELECT pg_sleep(20)")
        timer.join()


@pytest.mark.parametrize("how", ["database", "true", "on", "1"])
def test_replication_is_refused(live: Live, endpoint: str, how: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="replication connections are not possible"):
        psycopg.connect(live.dsn(endpoint, more=f"replication={how}"))


def test_backups_and_slots_are_refused(live: Live, endpoint: str, version: int) -> None:
    for program, words in (
        ("pg_basebackup", ("-D", f"/tmp/glassgate-{free_port()}")),
        ("pg_receivewal", ("-D", "/tmp", "--no-loop")),
    ):
        ended = run(live.program(program, version), *words, environment=live.environment(endpoint))
        assert ended.status == 1
        assert "replication connections are not possible" in ended.err


def test_pg_isready_says_yes(live: Live, endpoint: str, version: int) -> None:
    ended = run(live.program("pg_isready", version), environment=live.environment(endpoint))
    assert ended.status == 0
