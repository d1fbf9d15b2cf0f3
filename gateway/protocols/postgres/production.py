"""The gateway's own reads of production for a change request: units like any other, on their own connection.

The client's connection stands in a failed transaction at that moment; this one is opened when it is first
needed, with the client's search_path in a start-up packet of ours, and belongs to the session alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from gateway.domain.errors import UpstreamUnavailable
from gateway.domain.unit import Admitted, Origin
from gateway.judge.postgres.touched import touched_rows
from gateway.protocols.postgres import wire
from gateway.protocols.postgres.units import SqlUnit
from gateway.protocols.postgres.upstream import Target, Upstream, dial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.domain.secret import Secret
    from gateway.judge.postgres import SqlJudgement
    from gateway.session.line import Session

_TEXT: Final = 25
_TIMEOUT: Final = "10000"
"""Milliseconds that a read of ours may take."""


class ProductionReads:
    """Reads for one session's change requests.

    Attributes:
        formats: of the values last captured: 0 text, 1 binary, one a value.
        path: search_path that holds for the client.
    """

    def __init__(self) -> None:
        self._session: Session[SqlUnit, SqlJudgement] | None = None
        self._target: Target | None = None
        self._secret: Secret | None = None
        self._upstream: Upstream | None = None
        self._upstream_path = ""
        self.formats: dict[tuple[bytes | None, ...], tuple[int, ...]] = {}
        self.path = ""

    def stand(self, session: Session[SqlUnit, SqlJudgement], target: Target, secret: Secret) -> None:
        """The session stands: from here on production can be read."""
        self._session, self._target, self._secret = session, target, secret

    async def literals(self, values: tuple[bytes | None, ...], types: tuple[int, ...]) -> tuple[str, ...]:
        """Render bind values as SQL literals, by the server itself (quote_nullable).

        Raises:
            UpstreamUnavailable: the server could not be asked, or does not know the type of a binary value.
        """
        if not values:
            return ()
        formats = self.formats.get(values, (0,) * len(values))
        oids = [*types, *([0] * (len(values) - len(types)))][: len(values)]
        if any(form and not oid for form, oid in zip(formats, oids, strict=True)):
            raise UpstreamUnavailable("a value was bound in binary without its type")
        asked = ", ".join(f"pg_catalog.quote_nullable(${at})" for at in range(1, len(values) + 1))
        unit = SqlUnit(
            f"SELECT {asked}".encode(),
            values,
            origin=Origin.GATEWAY,
            types=tuple(oid or _TEXT for oid in oids),
            formats=formats,
        )
        rows = await self._read(unit)
        return tuple("NULL" if value is None else value.decode() for value in rows[0])

    async def estimate(self, statement: str) -> int | None:
        """Return the plan's estimated rows (EXPLAIN without ANALYZE), None where it can't be had safely.

        What is explained is the read of the rows that the statement would touch: planning the write itself
        takes the right to write.
        """
        reading = touched_rows(statement)
        if reading is None:
            return None
        unit = SqlUnit(f"EXPLAIN (FORMAT JSON) {reading}".encode(), origin=Origin.GATEWAY)
        try:
            rows = await self._read(unit)
            plan = msgspec.json.decode(b"\n".join(row[0] or b"" for row in rows))[0]["Plan"]
        except (UpstreamUnavailable, msgspec.DecodeError, LookupError, TypeError):
            return None
        return int(plan.get("Plan Rows", 0))

    async def _read(self, unit: SqlUnit) -> list[tuple[bytes | None, ...]]:
        if self._session is None:
            raise UpstreamUnavailable("the session does not stand yet")
        admitted = await self._session.admit(unit)
        if not isinstance(admitted, Admitted):
            raise UpstreamUnavailable(f"the gateway may not read this itself: {admitted.verdict.reason}")
        upstream = await self._connection()
        try:
            return await self._forward(upstream, admitted)
        except UpstreamUnavailable:
            self.close()
            raise

    async def _connection(self) -> Upstream:
        if self._upstream is not None and self._upstream_path != self.path:
            self.close()
        if self._upstream is None:
            if self._target is None or self._secret is None:
                raise UpstreamUnavailable("the session does not stand yet")
            ours = {"search_path": self.path, "statement_timeout": _TIMEOUT, "client_encoding": "UTF8"}
            parameters = tuple((dict(self._target.parameters) | ours).items())
            self._upstream = await dial(_with(self._target, parameters), self._secret)
            self._upstream_path = self.path
        return self._upstream

    async def _forward(
        self, upstream: Upstream, admitted: Admitted[SqlUnit, SqlJudgement]
    ) -> list[tuple[bytes | None, ...]]:
        """Run an admitted unit by the extended protocol, one statement and no more."""
        unit = admitted.unit
        upstream.stream.write(
            wire.parse(b"", unit.text, unit.types)
            + wire.bind(b"", b"", unit.values or (), formats=unit.formats)
            + wire.execute(b"")
            + wire.SYNC
        )
        rows: list[tuple[bytes | None, ...]] = []
        failure: dict[str, str] = {}
        while (answer := await upstream.read()).kind != b"Z":
            if answer.kind == b"D":
                rows.append(wire.parse_row(answer.body))
            elif answer.kind == b"E":
                failure = wire.parse_error(answer.body)
        self._record(admitted, rows, failure)
        if failure:
            raise UpstreamUnavailable(f"production says: {failure.get('M', '')}")
        return rows

    def _record(
        self, admitted: Admitted[SqlUnit, SqlJudgement], rows: Sequence[object], failure: dict[str, str]
    ) -> None:
        if self._session is not None:
            self._session.answered(
                admitted.number,
                tag="" if failure else f"SELECT {len(rows)}",
                rows=len(rows),
                size=0,
                nanoseconds=0,
                error_code=failure.get("C", ""),
                error_message=failure.get("M", ""),
            )

    def close(self) -> None:
        """Close the connection; a later read opens another."""
        if self._upstream is not None:
            self._upstream.close()
            self._upstream = None


def _with(target: Target, parameters: tuple[tuple[str, str], ...]) -> Target:
    return Target(
        endpoint=target.endpoint,
        version=target.version,
        host=target.host,
        port=target.port,
        tls=target.tls,
        ca=target.ca,
        parameters=parameters,
    )
