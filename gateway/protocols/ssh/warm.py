"""One connection a host opened ahead where people came of late; each serves one session alone."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from gateway.domain.errors import GlassgateError
from gateway.log import get_logger
from gateway.protocols.ssh.upstream import Dialler

if TYPE_CHECKING:
    from gateway.domain.secret import Secret
    from gateway.protocols.ssh.upstream import Target, Upstream

KEEP_SECONDS: Final = 60.0
"""A connection nobody came for is closed after this."""
MOST_HOSTS: Final = 64

log = get_logger("protocols.ssh")


@dataclass(slots=True)
class _Shelf:
    """What stands ready for one endpoint.

    Attributes:
        dialler: of its registration when someone last came.
        came_at: when that was, by the monotonic clock.
        ready: logged in, used by nobody.
        wanted: whether one is to be opened.
    """

    dialler: Dialler
    came_at: float = 0.0
    ready: Upstream | None = None
    wanted: bool = False

    def close(self) -> None:
        """Hang up what stands ready."""
        ready, self.ready = self.ready, None
        if ready is not None:
            ready.close()


class WarmHosts:
    """Opens connections ahead. Never hands one out twice, nor one of an earlier registration.

    Args:
        keep_seconds: see ``KEEP_SECONDS``.
    """

    def __init__(self, keep_seconds: float = KEEP_SECONDS) -> None:
        self._keep_seconds = keep_seconds
        self._shelves: dict[str, _Shelf] = {}
        self._diallers: WeakValueDictionary[str, Dialler] = WeakValueDictionary()
        self._wake = asyncio.Event()

    async def take(self, target: Target, secret: Secret) -> Upstream:
        """Return a connection that nobody has used: the one that stands ready, else a new one.

        Args:
            target: where to.
            secret: as for ``dial``.

        Raises:
            UpstreamUnavailable: the host can't be reached, is another than was registered, or refuses.
        """
        shelf = self._shelf(target, secret)
        ready, shelf.ready = shelf.ready, None
        if ready is not None and not ready.lost.is_set():
            self._want(shelf)
            return ready
        upstream = await shelf.dialler.dial()
        self._want(shelf)
        return upstream

    def _dialler(self, target: Target, secret: Secret) -> Dialler:
        """Return one for all sessions of a registration that stand at once, 5 KiB less for each."""
        dialler = self._diallers.get(target.endpoint)
        if dialler is None or dialler.target != target or dialler.secret != secret:
            self._diallers[target.endpoint] = dialler = Dialler(target, secret)
        return dialler

    def _shelf(self, target: Target, secret: Secret) -> _Shelf:
        dialler = self._dialler(target, secret)
        shelf = self._shelves.pop(target.endpoint, None)
        if shelf is None or shelf.dialler is not dialler:
            if shelf is not None:
                shelf.close()
            if len(self._shelves) >= MOST_HOSTS:
                self._shelves.pop(next(iter(self._shelves))).close()
            shelf = _Shelf(dialler)
        self._shelves[target.endpoint] = shelf  # the last of them was used last
        return shelf

    def _want(self, shelf: _Shelf) -> None:
        """Have one opened: someone has just come in."""
        shelf.came_at, shelf.wanted = monotonic(), True
        self._wake.set()

    async def run(self) -> None:
        """Open connections ahead and close those that nobody came for, until cancelled."""
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._keep_seconds / 6):
                        await self._wake.wait()
                self._wake.clear()
                self._tidy()
                async with asyncio.TaskGroup() as group:
                    for shelf in list(self._shelves.values()):
                        if shelf.wanted and shelf.ready is None:
                            group.create_task(self._fill(shelf))
        finally:
            for shelf in self._shelves.values():
                shelf.close()

    async def _fill(self, shelf: _Shelf) -> None:
        shelf.wanted = False
        endpoint = shelf.dialler.target.endpoint
        try:
            upstream = await shelf.dialler.dial()
        except GlassgateError as error:
            log.info("no connection opened ahead", endpoint=endpoint, error=error.message)
            return
        if self._shelves.get(endpoint) is not shelf:
            upstream.close()  # registered anew meanwhile
            return
        shelf.ready = upstream

    def _tidy(self) -> None:
        now = monotonic()
        for endpoint, shelf in list(self._shelves.items()):
            if now - shelf.came_at > self._keep_seconds:
                shelf.close()
                del self._shelves[endpoint]
