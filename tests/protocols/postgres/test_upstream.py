"""Production's side: logging in, what the probe finds, the right role, the catalogue, connections ahead."""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
from typing import TYPE_CHECKING

import psycopg
import pytest
from postgres_door import Gate, Speaker, endpoint_for, gate_for

from gateway.domain.endpoint import Require
from gateway.domain.errors import UpstreamTooOpen, UpstreamUnavailable
from gateway.domain.secret import Secret
from gateway.domain.verdict import Layer
from gateway.judge.catalogue import load_postgres
from gateway.protocols.postgres import upstream, wire
from gateway.protocols.postgres.catalogue import Catalogues
from gateway.protocols.postgres.facts import PostgresFacts
from gateway.protocols.postgres.harden import harden
from gateway.protocols.postgres.parts import Parts
from gateway.protocols.postgres.warm import WarmConnections

if TYPE_CHECKING:
    from pathlib import Path

    from servers import Production

FACTS = PostgresFacts("localhost", 6432, Parts(Catalogues(load_postgres()), most_bytes=1 << 21))


def target_for(production: Production, **settings: str) -> tuple[upstream.Target, Secret]:
    endpoint, secret = endpoint_for(production)
    parameters = {
        "user": endpoint.username,
        "database": "shop",
        "default_transaction_read_only": "on",
        **settings,
    }
    return upstream.target_of(endpoint, parameters), secret


async def test_a_wrong_password_and_a_wrong_ca_are_said(production: Production) -> None:
    target, secret = target_for(production)
    with pytest.raises(UpstreamUnavailable, match="password authentication failed"):
        await upstream.dial(target, Secret("wrong"))
    with pytest.raises(UpstreamUnavailable, match="no TLS with production"):
        await upstream.dial(dataclasses.replace(target, ca=""), secret)
    with pytest.raises(UpstreamUnavailable, match="can't be reached"):
        await upstream.dial(dataclasses.replace(target, port=1), secret)


async def test_the_unix_socket_and_plain_tls_serve_too(production: Production) -> None:
    target, secret = target_for(production)
    server = production.server
    for other in (
        dataclasses.replace(target, host=server.host, port=server.port, tls="off"),
        dataclasses.replace(target, tls="require", ca=""),
    ):
        dialled = await upstream.dial(other, secret)
        assert await dialled.ask("SELECT 1") == [(b"1",)]
        assert dialled.server_version // 10000 == 17
        dialled.close()


async def test_an_override_on_the_server_is_refused(production: Production) -> None:
    target, secret = target_for(production, default_transaction_read_only="off")
    with pytest.raises(UpstreamUnavailable, match="overrides default_transaction_read_only"):
        await upstream.dial(target, secret)


async def test_the_probe_tells_what_roles_may_do(production: Production) -> None:
    def endpoint(user: str, password: str) -> tuple:
        return endpoint_for(production, user=user, password=password, options={"database": "shop"})

    super_level = await FACTS.check(*endpoint(production.superuser, production.superuser_password))
    assert super_level.name == "default"
    assert super_level.findings["superuser"] == "yes"
    writer = await FACTS.check(*endpoint(production.writer, production.writer_password))
    assert writer.name == "default"
    assert writer.findings["writes"] != "no"
    with pytest.raises(UpstreamTooOpen, match="may do more than read") as caught:
        await FACTS.check(
            *endpoint_for(
                production,
                user=production.writer,
                password=production.writer_password,
                require=Require.ROLE,
                options={"database": "shop"},
            )
        )
    assert "glassgate endpoint harden orders-db" in caught.value.hint


async def test_harden_makes_a_role_that_can_only_read(production: Production) -> None:
    await harden_and_probe(production)


async def test_harden_on_postgres_15(production15: Production) -> None:
    await harden_and_probe(production15)


async def harden_and_probe(production: Production) -> None:
    name, role = f"hard_{secrets.token_hex(4)}", f"reader_{secrets.token_hex(4)}"
    endpoint, _ = endpoint_for(production, user=role, require=Require.ROLE, options={"database": name})
    async with await psycopg.AsyncConnection.connect(production.dsn(), autocommit=True) as connection:
        await connection.execute(f"CREATE DATABASE {name}".encode())
    async with await psycopg.AsyncConnection.connect(
        production.dsn(database=name), autocommit=True
    ) as connection:
        await connection.execute(
            b"CREATE TABLE t (id int); GRANT ALL ON t TO PUBLIC; REVOKE ALL ON t FROM PUBLIC"
        )
        script = "\n".join(
            line for line in harden(endpoint, ["support"]).splitlines() if not line.startswith("\\")
        )
        for _ in range(2):
            await connection.execute(script.encode())
        await connection.execute(f"ALTER ROLE {role} PASSWORD 'secret'".encode())
        level = await FACTS.check(endpoint, Secret("secret"))
        assert level.name == "role"
        assert Layer.READ_ONLY_ROLE in level.layers
    async with await psycopg.AsyncConnection.connect(production.dsn(), autocommit=True) as connection:
        await connection.execute(f"DROP DATABASE {name}".encode())


async def test_a_function_made_in_mid_session_is_known_when_it_is_called(
    gate: Gate, production: Production
) -> None:
    speaker = await Speaker.login(gate)
    name = f"f_{secrets.token_hex(4)}"
    assert await speaker.ask(wire.query(f"SELECT {name}()".encode())) == "EZI"
    async with await psycopg.AsyncConnection.connect(production.dsn(), autocommit=True) as connection:
        await connection.execute(
            f"CREATE FUNCTION {name}() RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 5'".encode()
        )
        try:
            assert await speaker.ask(wire.query(f"SELECT {name}(), 1".encode())) == "TDCZI"
        finally:
            await connection.execute(f"DROP FUNCTION {name}()".encode())
    await speaker.close()


async def test_connections_opened_ahead_serve_one_session_each(production: Production) -> None:
    warm = WarmConnections()
    target, secret = target_for(production)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(warm.run())
        taken = []
        for _ in range(8):
            taken.append(await warm.take(target, secret))
            await asyncio.sleep(0.05)
        assert len({each.process for each in taken}) == 8
        other = await warm.take(dataclasses.replace(target, version=-1), secret)
        assert other.target.version == -1
        running.cancel()
    for each in [*taken, other]:
        each.close()


async def test_a_database_away_is_said_to_the_client(production: Production, tmp_path: Path) -> None:
    endpoint, secret = endpoint_for(production)
    gone = dataclasses.replace(endpoint, port=1)
    async with gate_for(tmp_path, {"orders-db": (gone, secret)}) as made:
        with pytest.raises(psycopg.OperationalError, match="production can't be reached"):
            await psycopg.AsyncConnection.connect(made.dsn())


async def test_a_killed_backend_ends_its_session_with_the_servers_words(
    gate: Gate, production: Production
) -> None:
    speaker = await Speaker.login(gate)
    room = gate.room
    process = room.door._upstream.process
    async with await psycopg.AsyncConnection.connect(production.dsn()) as connection:
        await connection.execute("SELECT pg_terminate_backend(%s)", (process,))
    last = await speaker.closed()
    assert wire.parse_error(last[0].body)["C"] == "57P01"
    await room.ended.wait()
    assert room.ending is not None
    assert room.ending.cause == "upstream"


async def test_a_server_that_never_answers_is_hung_up_on(
    production: Production, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream, "DIAL_SECONDS", 0.2)
    left = asyncio.Event()

    async def stare(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert len(await reader.read()) == 8  # the question whether there is TLS, and then the end
        left.set()
        writer.close()

    target, secret = target_for(production)
    async with await asyncio.start_server(stare, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        silent = dataclasses.replace(target, host="127.0.0.1", port=port)
        with pytest.raises(UpstreamUnavailable, match="does not answer"):
            await upstream.dial(silent, secret)
        await asyncio.wait_for(left.wait(), 5)
