"""One client's connection as the line's door: dial, judge, serve, warn, cut, capture."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from gateway.domain.change import ChangeKind, SqlCapture
from gateway.domain.endpoint import EndpointKind
from gateway.domain.errors import GlassgateError, UpstreamTooOpen, UpstreamUnavailable
from gateway.domain.session import EndCause, Ending
from gateway.domain.verdict import Decision
from gateway.judge.postgres.settings import split_path
from gateway.log import get_logger
from gateway.protocols.postgres import probe, refusal, upstream, wire
from gateway.protocols.postgres.ceiling import Ceiling
from gateway.protocols.postgres.client import ClientSide
from gateway.protocols.postgres.exchange import CLIENT_GONE, Exchange
from gateway.protocols.postgres.following import Following
from gateway.protocols.postgres.names import Names
from gateway.protocols.postgres.production import ProductionReads
from gateway.protocols.postgres.server import ServerSide
from gateway.protocols.postgres.startup import (
    PINNED,
    catalogue_parameters,
    codec_of,
    production_parameters,
)

if TYPE_CHECKING:
    from gateway.domain.endpoint import Endpoint
    from gateway.domain.secret import Secret
    from gateway.domain.session import Level
    from gateway.domain.unit import Refused
    from gateway.judge.postgres import SqlJudgement
    from gateway.protocols.postgres.catalogue import CatalogueFeed
    from gateway.protocols.postgres.parts import Parts
    from gateway.protocols.postgres.startup import Startup
    from gateway.protocols.postgres.units import SqlUnit
    from gateway.protocols.postgres.upstream import Upstream
    from gateway.session.door import DialContext
    from gateway.session.line import Session
    from gateway.transport.accept import Arrival
    from gateway.transport.stream import ByteStream

CONFIRM_SECONDS: Final = 1.5
"""Production has so long to confirm that a cut session's query has stopped."""

_READ_BACK: Final = (
    "SET LOCAL statement_timeout = 0; "  # the client's own may be shorter than a login takes
    "SELECT pg_catalog.current_setting('search_path'), current_user, "
    "pg_catalog.current_setting('transaction_read_only'), pg_catalog.current_setting('backslash_quote')"
)

log = get_logger("protocols.postgres")


class PostgresDoor:
    """One client connection. Made once its start-up packet and password were read.

    Args:
        parts: what all connections share.
        stream: to the client, over TLS.
        startup: what it asked for.
        arrival: how it came.

    Attributes:
        kind: PostgreSQL.
        client: peer address and application, for the record.
        source: peer address.
        passage: what binds a client that came in through another door.
        production: the gateway's own reads, for change requests.
    """

    kind = EndpointKind.POSTGRES

    def __init__(self, parts: Parts, stream: ByteStream, startup: Startup, arrival: Arrival) -> None:
        self._parts = parts
        self._stream = stream
        self._startup = startup
        self._upstream: Upstream | None = None
        self._feed: CatalogueFeed | None = None
        self._secret: Secret | None = None
        self._exchange: Exchange | None = None
        self._following: Following | None = None
        self._names = Names()
        self._path: tuple[str, ...] = ()
        self._role = ""
        application = startup.parameters.get("application_name", "")
        self.client = f"{arrival.peer} {application}".strip()
        self.source = arrival.source
        self.passage = arrival.passage
        self.production = ProductionReads()

    # ---- dialling --------------------------------------------------------------------------------

    async def dial(self, endpoint: Endpoint, secret: Secret, context: DialContext) -> Level:
        """Open production read-only and probe what it enforces by itself.

        Raises:
            UpstreamUnavailable: production can't be reached, refuses the credential or overrides settings.
            UpstreamTooOpen: the endpoint requires a read-only role and the probe found more.
        """
        del context
        parameters = production_parameters(self._startup, endpoint)
        target = upstream.target_of(endpoint, parameters)
        self._upstream = dialled = await self._parts.warm.take(target, secret)
        try:
            await self._read_back(dialled)
            level = await self._parts.levels.level(dialled)
            self._require(endpoint, level, dialled)
            ours = upstream.target_of(endpoint, catalogue_parameters(endpoint, target.database))
            self._feed = self._parts.catalogues.feed(ours, secret, endpoint.settings.lists)
            await self._feed.first()
        except BaseException:
            dialled.close()
            raise
        self._secret = secret
        return level

    def _require(self, endpoint: Endpoint, level: Level, dialled: Upstream) -> None:
        try:
            probe.check_requirement(endpoint, level)
        except UpstreamTooOpen:
            self._parts.levels.forget(dialled)
            raise

    async def _read_back(self, dialled: Upstream) -> None:
        """Make sure that the server's own settings left ours alone; learn where names resolve."""
        ((path, role, read_only, quote),) = await dialled.ask(_READ_BACK)
        if read_only != b"on" or quote != PINNED["backslash_quote"].encode():
            raise UpstreamUnavailable("production overrides the gateway's read-only settings")
        codec = codec_of(dialled.parameters.get("client_encoding", "UTF8"))
        schemas = split_path((path or b"").decode(codec, "replace"))
        if schemas is None:
            raise UpstreamUnavailable("production's search_path can't be read")
        self._path = schemas
        self._role = (role or b"").decode(codec, "replace")

    # ---- the judge -------------------------------------------------------------------------------

    def judge(self, unit: SqlUnit) -> SqlJudgement:
        """Judge one unit under what the session's state is by now."""
        assert self._following is not None
        return self._following.judge(unit)

    def heavy(self, unit: SqlUnit) -> bool:
        """Whether a unit must be judged in a thread, or the catalogue be read again first."""
        assert self._following is not None
        return not self._following.known(unit)

    # ---- serving ---------------------------------------------------------------------------------

    async def serve(self, session: Session[SqlUnit, SqlJudgement]) -> Ending:
        """Carry units in and answers out until the client or production ends it."""
        assert self._upstream is not None
        assert self._feed is not None
        assert self._secret is not None
        self._following = Following(
            feed=self._feed,
            cache=self._parts.verdicts,
            names=self._names,
            role=self._role,
            path=self._path,
            encoding=self._upstream.parameters.get("client_encoding", "UTF8"),
        )
        self.production.stand(session, self._upstream.target, self._secret)
        exchange = self._exchange = Exchange(session, self._following, self._names)
        try:
            with (
                self._feed.used(),
                self._parts.keys.issued(self, minor=self._startup.minor) as (number, key),
            ):
                self._greet(number, key)
                self._join(exchange, session.endpoint)
                ceiling = session.endpoint.settings.statement_timeout_ms / 1000
                with Ceiling(exchange, ceiling, self._cancel_quietly):
                    ending = await exchange.run()
            if ending is CLIENT_GONE:
                await self._stopped(exchange, self._upstream)
            elif ending.cause is EndCause.UPSTREAM:
                await self.cut(ending)
            return ending
        finally:
            self.production.close()

    def _greet(self, number: int, key: bytes) -> None:
        """Tell the client that it is in, with production's parameters and a cancel key of ours."""
        assert self._upstream is not None
        told = [wire.parameter_status(*pair) for pair in self._upstream.parameters.items()]
        greeting = [wire.AUTHENTICATION_OK, *told, wire.backend_key(number, key), wire.ready(b"I")]
        self._stream.write(b"".join(greeting))

    def _join(self, exchange: Exchange, endpoint: Endpoint) -> None:
        """Let the two sides' hot loops have the connections."""
        assert self._upstream is not None
        client = exchange.client = ClientSide(
            exchange, most_bytes=self._parts.most_bytes, swift_way=not endpoint.settings.record_results
        )
        server = exchange.server = ServerSide(
            exchange, keep_results=endpoint.settings.record_results, on_parameter=self._on_parameter
        )
        server_rest = self._upstream.stream.hand_over(server)
        client_rest = self._stream.hand_over(client)
        client.server, server.client = server.transport, client.transport
        if self._stream.closed:
            client.connection_lost(None)
        if server_rest:
            server.data_received(server_rest)
        if client_rest:
            client.data_received(client_rest)

    def _on_parameter(self, name: str, value: str) -> None:
        """Watch what decides how texts are read and run; a change of it ends the session.

        Raises:
            UpstreamUnavailable: it is no longer as we set it.
        """
        assert self._upstream is not None
        assert self._following is not None
        if PINNED.get(name, value) != value:
            raise UpstreamUnavailable(f"{name} changed to {value} in mid-session: the session was ended")
        if name == "session_authorization" and value != self._upstream.parameters.get(name, value):
            raise UpstreamUnavailable("the session's role changed: the session was ended")
        if name == "client_encoding":
            self._following.encoding(value)
        if name == "in_hot_standby" and self._exchange is not None:
            self._exchange.session.event("level", f"production says in_hot_standby = {value}")

    def close(self) -> None:
        """Close both sides, once the line is through with the connection."""
        self.production.close()
        self._stream.close()
        if self._upstream is not None:
            self._upstream.close()

    # ---- ending ----------------------------------------------------------------------------------

    def busy(self) -> bool:
        """Whether production works on an answer."""
        return self._exchange is not None and bool(self._exchange.awaited)

    async def warn(self, message: str) -> None:
        """Show a notice, between two messages."""
        if self._exchange is not None:
            self._exchange.server.say(refusal.notice(message))

    async def cancel_running(self) -> None:
        """Have production cancel what it runs for this session; the client asked with its key."""
        exchange, dialled = self._exchange, self._upstream
        if exchange is None or dialled is None or not exchange.awaited:
            return
        exchange.session.event("cancel", "the client asked to cancel its running query")
        await self._cancel_quietly()

    async def _cancel_quietly(self) -> None:
        """Ask production to cancel; where it can't be asked, the query goes on and the log says so."""
        assert self._upstream is not None
        try:
            await upstream.cancel(self._upstream.target, self._upstream.process, self._upstream.key)
        except GlassgateError as error:
            log.warning("not cancelled", error=error.message)

    async def cut(self, ending: Ending) -> bool:
        """Tell the client why, cancel what runs in production, close both sides.

        Returns:
            Whether production confirmed that nothing of this session runs there any more.
        """
        exchange, dialled = self._exchange, self._upstream
        if exchange is None or dialled is None:
            self._stream.close()
            return True
        exchange.end(ending)
        if exchange.server.hush():
            if not exchange.server.said_fatal:
                self._stream.write(refusal.ended(ending))
            self._stream.close()
        else:
            self._stream.abort()  # half a row stands on the wire: nothing can be said any more
        confirmed = await self._stopped(exchange, dialled)
        dialled.close()
        return confirmed

    async def _stopped(self, exchange: Exchange, dialled: Upstream) -> bool:
        """Cancel what runs and wait until production has come to rest."""
        if not exchange.awaited:
            return True
        exchange.server.unblock()
        try:
            async with asyncio.timeout(CONFIRM_SECONDS):
                await upstream.cancel(dialled.target, dialled.process, dialled.key)
                await exchange.server.quiet.wait()
        except (GlassgateError, TimeoutError) as error:
            log.warning("cancel not confirmed", session=exchange.session.id, error=str(error))
            return False
        return True

    # ---- change requests -------------------------------------------------------------------------

    def capture(self, refused: Refused[SqlUnit, SqlJudgement]) -> SqlCapture | None:
        """Return what a change request needs of a refused unit, None where no artifact could carry it."""
        exchange, dialled = self._exchange, self._upstream
        unit, judged = refused.unit, refused.judged
        writing = [each for each in judged.statements if each.verdict.decision is not Decision.ALLOW]
        if exchange is None or dialled is None or not any(refusal.carried(each.verdict) for each in writing):
            return None
        path = ", ".join(_quoted(name) for name in exchange.following.last_path)
        self.production.path = path
        values = unit.values
        formats = _each(unit.formats, len(values or ()))
        if values is not None:
            self.production.formats = {values: formats}
        return SqlCapture(
            text=unit.text.decode(exchange.following.codec, "replace"),
            values=values,
            types=unit.types,
            formats=formats,
            database=dialled.target.database,
            context=f"search_path = {path}",
            title="; ".join(dict.fromkeys(each.title for each in writing))[:200],
            tables=tuple(dict.fromkeys(table for each in writing for table in each.tables)),
            kind=ChangeKind.DATA,
            batch=exchange.batch,
            explainable=len(judged.statements) == 1 and writing[0].explainable,
        )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _each(formats: tuple[int, ...], count: int) -> tuple[int, ...]:
    """One format a value: none given means text, one given means that for all."""
    if len(formats) == count:
        return formats
    return (formats[0] if formats else 0,) * count
