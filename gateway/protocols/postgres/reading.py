"""Reading from the client, and waiting: for the judge, for production's answers, for whoever is slower."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from gateway.protocols.postgres import wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.domain.unit import Admitted, Refused
    from gateway.judge.postgres import SqlJudgement
    from gateway.protocols.postgres.exchange import Exchange
    from gateway.protocols.postgres.units import SqlUnit

    Outcome = Admitted[SqlUnit, SqlJudgement] | Refused[SqlUnit, SqlJudgement]


class Reading:
    """What the client's side keeps while it reads. Its messages are handled in ``Statements``.

    Args:
        exchange: shared with production's side.

    Attributes:
        transport: to the client.
        server: to production.
    """

    transport: asyncio.Transport
    server: asyncio.Transport

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self._buffer = bytearray()
        self._held = False
        self._drain = False
        self._paused = 0
        self._out: list[bytes] = []
        self._unflushed = False

    def take(self, data: bytes) -> None:
        """Cut into messages and handle each; keep what is not complete or must wait."""
        raise NotImplementedError

    def pause(self) -> None:
        """Stop reading; one ``resume`` for each."""
        self._paused += 1
        if self._paused == 1 and not self.transport.is_closing():
            self.transport.pause_reading()

    def resume(self) -> None:
        """Undo one ``pause``."""
        self._paused -= 1
        if self._paused == 0 and not self.transport.is_closing():
            self.transport.resume_reading()

    def _hold(self) -> None:
        self._held = True
        self.pause()

    def _release(self) -> None:
        self._held = False
        self.resume()
        data = bytes(self._buffer)
        self._buffer.clear()
        self.take(data)

    def _give_way(self) -> None:
        """Let other sessions have their turn before the rest of what was read is handled."""
        self._hold()
        asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        if self.exchange.ending is not None:
            return
        try:
            self._release()
        except Exception as error:  # noqa: BLE001 - a callback's error ends the session's task, with its reason
            self.exchange.failed(error)

    def drained(self) -> None:
        """Production has answered everything: what waited for that goes on."""
        if self._drain:
            self._drain = False
            self._release()

    def _wait_for_answers(self) -> None:
        """Wait until everything sent is answered, so that names mean what the server says they mean."""
        if self._unflushed:
            self._out.append(wire.FLUSH)
        self._drain = True
        self._hold()

    def _admit(self, unit: SqlUnit, then: Callable[[Outcome], None]) -> bool:
        """Have a unit judged and recorded, now or, where something must wait, later.

        Returns:
            Whether it is done; False: reading goes on by itself when it is.
        """
        outcome = self.exchange.session.admit_now(unit)
        if outcome is not None:
            then(outcome)
            return True
        self._hold()
        self.exchange.later(partial(self._admit_slowly, unit, then))
        return False

    async def _admit_slowly(self, unit: SqlUnit, then: Callable[[Outcome], None]) -> None:
        await self.exchange.following.prepare(unit)
        then(await self.exchange.session.admit(unit))
        self._release()

    def _forward(self) -> None:
        out = self._out
        self.server.write(out[0] if len(out) == 1 else b"".join(out))
        out.clear()
