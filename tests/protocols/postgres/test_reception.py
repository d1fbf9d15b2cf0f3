"""The door itself: what is answered before, during and after TLS, and to whom."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import psycopg
import pytest
from postgres_door import Gate, Speaker, endpoint_for, gate_for

from gateway.domain.endpoint import Require
from gateway.protocols.postgres import wire

if TYPE_CHECKING:
    from pathlib import Path

    from servers import Production


async def raw(gate: Gate, data: bytes, *, seconds: float = 3.0) -> bytes:
    """Send bytes in the clear and return all that comes back."""
    reader, writer = await asyncio.open_connection(gate.host, gate.port)
    writer.write(data)
    try:
        async with asyncio.timeout(seconds):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def test_a_login_in_the_clear_is_told_of_tls(gate: Gate) -> None:
    answer = await raw(gate, wire.startup({"user": "engineer+orders-db"}))
    (message,) = wire.Framer().feed(answer)
    fields = wire.parse_error(message.body)
    assert (fields["S"], fields["C"]) == ("FATAL", "28000")
    assert "sslmode=verify-full" in fields["H"]


async def test_libpq_without_tls_shows_the_way(gate: Gate) -> None:
    with pytest.raises(psycopg.OperationalError, match="sslmode=verify-full"):
        await psycopg.AsyncConnection.connect(gate.dsn(sslmode="disable", sslrootcert=""))


async def test_gss_encryption_is_declined_and_tls_may_follow(gate: Gate) -> None:
    reader, writer = await asyncio.open_connection(gate.host, gate.port)
    writer.write(wire.special(wire.GSSENC_REQUEST))
    assert await reader.readexactly(1) == b"N"
    writer.write(wire.special(wire.SSL_REQUEST))
    assert await reader.readexactly(1) == b"S"
    writer.close()


async def test_bytes_before_the_handshake_end_the_connection(gate: Gate) -> None:
    answer = await raw(gate, wire.special(wire.SSL_REQUEST) + wire.startup({"user": "engineer+orders-db"}))
    assert answer == b""


@pytest.mark.parametrize(
    "noise", [b"GET / HTTP/1.1\r\n\r\n", b"\0" * 64, b"\xff" * 64, b"\0\0\0\x08\0\0\0\0"]
)
async def test_noise_is_not_answered_with_secrets_and_ends(gate: Gate, noise: bytes) -> None:
    answer = await raw(gate, noise)
    assert answer == b"" or answer.startswith(b"E")


async def test_direct_tls_needs_its_alpn_name(gate: Gate) -> None:
    context = ssl.create_default_context(cafile=str(gate.ca))
    reader, writer = await asyncio.open_connection(gate.host, gate.port, ssl=context)
    writer.write(wire.startup({"user": "engineer+orders-db"}))
    try:
        async with asyncio.timeout(3):
            assert await reader.read() == b""
    except OSError:
        pass
    writer.close()


async def test_libpq_with_direct_tls(gate: Gate) -> None:
    async with await psycopg.AsyncConnection.connect(gate.dsn(sslnegotiation="direct")) as connection:
        assert await (await connection.execute("SELECT 1")).fetchone() == (1,)


async def test_libpq_with_the_newest_protocol(gate: Gate) -> None:
    dsn = gate.dsn(min_protocol_version="3.2", max_protocol_version="latest")
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        assert await (await connection.execute("SELECT 1")).fetchone() == (1,)


async def test_an_endpoint_that_requires_a_reading_role_refuses_a_writing_one(
    production: Production, tmp_path: Path
) -> None:
    writer = endpoint_for(
        production, user=production.writer, password=production.writer_password, require=Require.ROLE
    )
    async with gate_for(tmp_path, {"orders-db": writer}) as made:
        with pytest.raises(psycopg.OperationalError, match="may do more than read") as caught:
            await psycopg.AsyncConnection.connect(made.dsn())
        assert "glassgate endpoint harden orders-db" in str(caught.value)


async def test_protocol_3_2_has_a_long_cancel_key_and_3_0_a_short_one(gate: Gate) -> None:
    for version, size in ((wire.PROTOCOL_3_0, 4), (wire.PROTOCOL_3_2, 32)):
        speaker = await Speaker.login(gate, version=version)
        assert len(speaker.key) == size
        await speaker.close()


async def test_a_newer_minor_version_and_unknown_options_are_negotiated(gate: Gate) -> None:
    speaker = await Speaker.connect(gate)
    asked = {"user": "engineer+orders-db", "database": "shop", "_pq_.new_thing": "on"}
    speaker.send(wire.startup(asked, version=(3 << 16) | 9999))
    first, *_ = await speaker.until(b"R")
    assert first.kind == b"v"
    assert first.body == wire.negotiate(["_pq_.new_thing"])[5:]
    await speaker.close()


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"password": "wrong"}, "wrong name or token"),
        ({"user": "engineer"}, r"NAME\+ENDPOINT"),
        ({"user": "engineer+nowhere"}, "no endpoint nowhere"),
        ({"replication": "database"}, "replication"),
        ({"options": "-c default_transaction_read_only=off"}, "can.t be made at connect"),
        ({"options": "-c ROLE=postgres"}, "can.t be made at connect"),
        ({"options": "-d 5"}, "is not possible"),
        ({"client_encoding": "SJIS"}, "use UTF8"),
        ({"dbname": "nosuch"}, "does not exist"),
    ],
)
async def test_what_a_login_is_refused_for_is_said(gate: Gate, change: dict[str, str], part: str) -> None:
    with pytest.raises(psycopg.OperationalError, match=part):
        await psycopg.AsyncConnection.connect(gate.dsn(**change))


async def test_allowed_settings_pass_by_parameter_and_by_options(gate: Gate) -> None:
    options = "-c search_path=pg_catalog,public --statement-timeout=5000 -c DateStyle=German"
    async with await psycopg.AsyncConnection.connect(
        gate.dsn(options=options, application_name="x")
    ) as connection:
        shown = await connection.execute(
            "SELECT current_setting('search_path'), current_setting('statement_timeout'),"
            " current_setting('application_name'), current_setting('default_transaction_read_only')"
        )
        assert await shown.fetchone() == ("pg_catalog,public", "5s", "x", "on")


async def test_a_space_serves_as_separator(gate: Gate) -> None:
    async with await psycopg.AsyncConnection.connect(gate.dsn(user="engineer orders-db")) as connection:
        assert await (await connection.execute("SELECT 1")).fetchone() == (1,)


async def test_a_client_that_says_nothing_is_let_go(gate: Gate) -> None:
    reader, writer = await asyncio.open_connection(gate.host, gate.port)
    async with asyncio.timeout(8):
        assert await reader.read() == b""
    writer.close()


async def test_malformed_messages_end_their_session_alone(gate: Gate, speaker: Speaker) -> None:
    for noise in (
        b"Q\0\0\0\1",
        b"\x01\0\0\0\x08abcd",
        b"C\xff\xff\xff\xff",
        wire.message(b"D", b"X"),
        wire.message(b"p"),
    ):
        broken = await Speaker.login(gate)
        broken.send(noise)
        last = (await broken.closed())[-1]
        assert (last.kind, wire.parse_error(last.body)["C"]) == (b"E", "08P01")
        await broken.close()
    assert await speaker.ask(wire.query(b"SELECT 1")) == "TDCZI"


async def test_a_half_message_and_a_vanished_client_leave_nothing(gate: Gate) -> None:
    speaker = await Speaker.login(gate)
    room = gate.room
    speaker.send(wire.query(b"SELECT 1")[:-4])
    await speaker.writer.drain()
    await speaker.close()
    async with asyncio.timeout(3):
        await room.ended.wait()
    assert room.texts == []
