"""From a raw connection to a door: first bytes, encryption, start-up packet, password."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from gateway.domain.errors import GlassgateError, PeerError
from gateway.domain.identity import DatabaseTokenEvidence
from gateway.domain.secret import Secret
from gateway.log import get_logger
from gateway.protocols.postgres import refusal, wire
from gateway.protocols.postgres.proxy import PostgresDoor
from gateway.protocols.postgres.startup import (
    CancelRequest,
    Startup,
    packet_code,
    packet_size,
    read_cancel,
    read_startup,
    split_login,
)
from gateway.transport.stream import ByteStream, accept_tls

if TYPE_CHECKING:
    from gateway.judge.postgres import SqlJudgement
    from gateway.protocols.postgres.parts import Parts
    from gateway.protocols.postgres.units import SqlUnit
    from gateway.session.door import Door
    from gateway.session.line import Line
    from gateway.transport.accept import Arrival
    from gateway.transport.tls import ServerTls

ALPN: Final = "postgresql"
MAX_PASSWORD: Final = 1024
"""Bytes of a password message; a database token has at most 64."""

_TLS_HANDSHAKE: Final = 0x16

log = get_logger("protocols.postgres")


class Reception:
    """Serves the PostgreSQL port.

    Args:
        line: the straight line that every session follows.
        parts: what all connections share.
        tls: the gateway's certificate; its ALPN names include ``postgresql``.
        login_seconds: time a client has to say who it is.
    """

    def __init__(self, line: Line, parts: Parts, tls: ServerTls, *, login_seconds: float = 20.0) -> None:
        self._line = line
        self._parts = parts
        self._tls = tls
        self._login_seconds = login_seconds

    async def run(self) -> None:
        """Keep catalogues fresh and connections ahead, and pass cancel requests on, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._parts.catalogues.run())
            group.create_task(self._parts.warm.run())
            group.create_task(self._parts.keys.run())

    async def serve(self, arrival: Arrival) -> None:
        """Serve one connection from its first byte to its last.

        Raises:
            PeerError: it broke the protocol before it could be answered.
        """
        stream: ByteStream | None = None
        door: PostgresDoor | None = None
        try:
            async with asyncio.timeout(self._login_seconds) as clock:
                stream = await self._encrypted(arrival)
                if stream is None:
                    return
                asked = await self._packet(stream)
                if isinstance(asked, CancelRequest):
                    await self._parts.keys.cancel(asked)
                    return
                if arrival.crowded:
                    stream.write(_crowded())
                    return
                only = arrival.passage.endpoint if arrival.passage is not None else ""
                name, endpoint = split_login(asked.login, only)
                if asked.negotiate is not None:
                    stream.write(wire.negotiate(asked.negotiate))
                token = await self._password(stream)
                clock.reschedule(None)
            evidence = DatabaseTokenEvidence(name, token, arrival.source)
            door = PostgresDoor(self._parts, stream, asked, arrival)
            arrival.settled()
            identity = await self._line.authenticate(evidence)
            await self._line.run(identity, endpoint, cast("Door[SqlUnit, SqlJudgement]", door))
        except GlassgateError as error:
            if stream is not None:
                stream.write(refusal.fatal(error))
            log.info("no session", peer=arrival.peer, error=error.message)
        except Exception as error:
            if isinstance(error, TimeoutError) and door is None:
                raise PeerError("the client did not log in in time") from error
            if stream is not None:
                stream.write(refusal.fatal(GlassgateError("the gateway failed; its log says why")))
            raise
        finally:
            if door is not None:
                door.close()
            elif stream is not None:
                stream.close()

    # ---- before TLS ------------------------------------------------------------------------------

    async def _encrypted(self, arrival: Arrival) -> ByteStream | None:
        """Come to TLS, or answer what came instead.

        Returns:
            None where the connection has served its purpose.
        """
        first = await arrival.peek(1)
        if not first:
            return None
        if first[0] == _TLS_HANDSHAKE:
            stream = await accept_tls(arrival, self._tls.context)
            if stream.alpn() != ALPN:
                stream.abort()
                raise PeerError("direct TLS without the ALPN name postgresql")
            return stream
        for _ in range(2):
            head = await arrival.take(8)
            size, code = packet_size(head[:4]), packet_code(head)
            if code == wire.GSSENC_REQUEST and size == 8:
                self._nothing_behind(arrival)
                await arrival.send(b"N")
            elif code == wire.SSL_REQUEST and size == 8:
                self._nothing_behind(arrival)
                await arrival.send(b"S")
                return await accept_tls(arrival, self._tls.context)
            elif code == wire.CANCEL_REQUEST:
                await self._parts.keys.cancel(read_cancel(head + await arrival.take(size - 8)))
                return None
            else:
                await arrival.take(min(size - 8, wire.MAX_STARTUP))
                await arrival.send(refusal.no_tls())
                return None
        raise PeerError("neither TLS nor a start-up packet came")

    @staticmethod
    def _nothing_behind(arrival: Arrival) -> None:
        """Bytes sent before the handshake would be taken for bytes sent inside it (CVE-2021-23214)."""
        if arrival.waiting(1):
            raise PeerError("bytes came before the TLS handshake")

    # ---- inside TLS ------------------------------------------------------------------------------

    async def _packet(self, stream: ByteStream) -> Startup | CancelRequest:
        head = await stream.take(4)
        packet = head + await stream.take(packet_size(head) - 4)
        code = packet_code(packet)
        if code == wire.CANCEL_REQUEST:
            return read_cancel(packet)
        if code in (wire.SSL_REQUEST, wire.GSSENC_REQUEST):
            raise PeerError("encryption was asked for inside encryption")
        return read_startup(packet, self._parts.catalogues.catalogue.settings)

    async def _password(self, stream: ByteStream) -> Secret:
        """Ask for the token in the clear: inside TLS, as the clouds' IAM tokens are."""
        stream.write(wire.ASK_PASSWORD)
        kind, length = wire.HEADER.unpack(await stream.take(5))
        if kind != b"p" or not 5 <= length <= MAX_PASSWORD:
            raise PeerError("expected a password")
        body = await stream.take(length - 4)
        return Secret(wire.Fields(body).string())


def _crowded() -> bytes:
    return refusal.error(
        "the gateway has too many connections", code="53300", hint="try again in a moment", severity="FATAL"
    )
