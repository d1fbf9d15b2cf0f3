"""The endpoint's ceiling on how long a statement may run, whatever statement_timeout the client sets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.protocols.postgres.exchange import Exchange
    from gateway.protocols.postgres.units import Awaited

SOONEST_SECONDS: Final = 0.05
LATEST_SECONDS: Final = 1.0


class Ceiling:
    """Looks from time to time whether one statement has run for too long; inside a ``with`` block.

    Args:
        exchange: whose statements.
        seconds: how long each may run; 0: as long as it likes.
        cancel: what has production cancel it.
    """

    def __init__(self, exchange: Exchange, seconds: float, cancel: Callable[[], Awaitable[None]]) -> None:
        self._exchange = exchange
        self._seconds = seconds
        self._cancel = cancel
        self._loop = asyncio.get_running_loop()
        self._every = min(max(seconds / 8, SOONEST_SECONDS), LATEST_SECONDS)
        self._seen: Awaited | None = None
        self._since = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        if self._seconds:
            self._timer = self._loop.call_later(self._every, self._look)

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        awaited = self._exchange.awaited
        first = awaited[0] if awaited else None
        now = self._loop.time()
        if first is not self._seen:
            self._seen, self._since = first, now
        elif first is not None and first.number and now - self._since >= self._seconds:
            self._since = now
            self._exchange.session.event("ceiling", f"a statement ran for more than {self._seconds:g} s")
            self._exchange.later(self._cancel)
        self._timer = self._loop.call_later(self._every, self._look)
