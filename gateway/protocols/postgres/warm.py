"""Connections to production opened ahead for clients that connect alike; each serves one session alone."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Final

from gateway.domain.errors import GlassgateError, UpstreamUnavailable
from gateway.log import get_logger
from gateway.protocols.postgres.upstream import Target, Upstream, dial

if TYPE_CHECKING:
    from gateway.domain.secret import Secret

MOST_AHEAD: Final = 4
"""Connections kept ready for one way of connecting."""
BUSY_SECONDS: Final = 2.0
"""Two clients that connect alike within this make it worth having one ready."""
KEEP_SECONDS: Final = 15.0
"""A connection nobody came for is closed after this."""
MOST_TARGETS: Final = 64

log = get_logger("protocols.postgres")


@dataclass(slots=True)
class _Shelf:
    secret: Secret
    ready: deque[tuple[float, Upstream]] = field(default_factory=deque)
    wanted: int = 0
    taken_at: float = 0.0


class WarmConnections:
    """Opens connections ahead where clients keep coming. Never hands one out twice."""

    def __init__(self) -> None:
        self._shelves: dict[Target, _Shelf] = {}
        self._wake = asyncio.Event()

    async def take(self, target: Target, secret: Secret) -> Upstream:
        """Return a connection that nobody has used: one that stands ready, else a new one.

        Raises:
            UpstreamUnavailable: production can't be reached or refuses.
        """
        shelf = self._shelf(target, secret)
        while shelf.ready:
            _, upstream = shelf.ready.popleft()
            if not upstream.stream.closed:
                return upstream
        try:
            return await dial(target, secret)
        except UpstreamUnavailable:
            if not self._give_back(target.endpoint):
                raise
        return await dial(target, secret)

    def _give_back(self, endpoint: str) -> bool:
        """Close what stands ready at an endpoint: production may have no connection left because of it."""
        shelves = [
            shelf for target, shelf in self._shelves.items() if target.endpoint == endpoint and shelf.ready
        ]
        for shelf in shelves:
            shelf.wanted = 0
            _close_all(shelf)
        return bool(shelves)

    def _shelf(self, target: Target, secret: Secret) -> _Shelf:
        """Note that someone connects this way."""
        shelf = self._shelves.get(target)
        if shelf is None or shelf.secret != secret:
            if shelf is not None:
                _close_all(shelf)
            if len(self._shelves) >= MOST_TARGETS:
                self._forget()
            shelf = self._shelves[target] = _Shelf(secret)
        now = monotonic()
        shelf.wanted = MOST_AHEAD if now - shelf.taken_at < BUSY_SECONDS else 0
        shelf.taken_at = now
        if shelf.wanted:
            self._wake.set()
        return shelf

    def _forget(self) -> None:
        """Drop the shelf that was not used for longest."""
        target = min(self._shelves, key=lambda each: self._shelves[each].taken_at)
        _close_all(self._shelves.pop(target))

    async def run(self) -> None:
        """Open connections ahead and close those that nobody came for, until cancelled."""
        try:
            while True:
                try:
                    async with asyncio.timeout(KEEP_SECONDS / 3):
                        await self._wake.wait()
                except TimeoutError:
                    self._tidy()
                self._wake.clear()
                for target, shelf in list(self._shelves.items()):
                    await self._fill(target, shelf)
        finally:
            for shelf in self._shelves.values():
                _close_all(shelf)

    async def _fill(self, target: Target, shelf: _Shelf) -> None:
        while len(shelf.ready) < shelf.wanted and monotonic() - shelf.taken_at < BUSY_SECONDS:
            try:
                upstream = await dial(target, shelf.secret)
            except GlassgateError as error:
                log.info("no connection opened ahead", endpoint=target.endpoint, error=error.message)
                shelf.wanted = 0
                return
            if self._shelves.get(target) is not shelf:
                upstream.close()
                return
            shelf.ready.append((monotonic(), upstream))

    def _tidy(self) -> None:
        now = monotonic()
        for target, shelf in list(self._shelves.items()):
            while shelf.ready and (now - shelf.ready[0][0] > KEEP_SECONDS or shelf.ready[0][1].stream.closed):
                shelf.ready.popleft()[1].close()
            if not shelf.ready and now - shelf.taken_at > KEEP_SECONDS:
                del self._shelves[target]


def _close_all(shelf: _Shelf) -> None:
    while shelf.ready:
        shelf.ready.popleft()[1].close()
