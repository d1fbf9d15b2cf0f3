"""A client's terminal between two commands: what is typed goes to the governed shell."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from gateway.transport.once import Once, first

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

MOST_KEYS: Final = 1 << 20
"""Bytes that may be typed ahead of the shell."""
MOST_AT_ONCE: Final = 512
"""Bytes of keys that are taken before others have their turn."""
USUAL_COLUMNS: Final = 80
INTERRUPT: Final = b"\x03"


class Screen(Protocol):
    """Where a shell is shown."""

    def write(self, data: bytes) -> None:
        """Show something."""

    async def drain(self) -> None:
        """Wait until the client has taken most of what was shown."""

    @property
    def columns(self) -> int:
        """The terminal's width in cells; 0: not known."""

    @property
    def plain(self) -> bool:
        """Whether the terminal knows no colour."""


class Desk:
    """What a governed shell has for its client.

    Args:
        screen: the client's.
    """

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._typed: asyncio.Queue[bytes] = asyncio.Queue()
        self._piece = b""
        self._ahead = 0

    def fed(self, data: bytes) -> None:
        """Keys were typed; what is typed too far ahead is dropped, as a terminal's own line does."""
        if data and self._ahead + len(data) <= MOST_KEYS:
            self._ahead += len(data)
            self._typed.put_nowait(data)

    def fed_up(self) -> None:
        """Nothing more will be typed."""
        self._typed.put_nowait(b"")

    def back(self, data: bytes) -> None:
        """Take back what was read and not used: it comes first."""
        self._piece = data + self._piece
        self._ahead += len(data)

    def interrupted(self) -> bool:
        """Drop what was typed before the last Ctrl-C, with it, as a terminal does; whether there is one."""
        typed = [self._piece]
        while not self._typed.empty():
            typed.append(self._typed.get_nowait())
        last = max((at for at, each in enumerate(typed) if INTERRUPT in each), default=-1)
        if last >= 0:
            typed[: last + 1] = [typed[last].rpartition(INTERRUPT)[2]]
        self._piece = typed[0]
        for each in typed[1:]:
            self._typed.put_nowait(each)
        self._ahead = sum(map(len, typed))
        return last >= 0

    def forget(self) -> None:
        """Drop what was typed and not read."""
        self.fed(INTERRUPT)
        self.interrupted()

    def write(self, data: bytes) -> None:
        """Show something."""
        self._screen.write(data)

    async def read(self) -> bytes:
        """Return what was typed, few keys at once; empty once the client has gone."""
        await asyncio.sleep(0)
        await self._screen.drain()
        typed = self._piece or await self._typed.get()
        data, self._piece = typed[:MOST_AT_ONCE], typed[MOST_AT_ONCE:]
        self._ahead -= len(data)
        return data

    def width(self) -> int:
        """Return the terminal's width in cells."""
        return self._screen.columns or USUAL_COLUMNS

    def plain(self) -> bool:
        """Whether the terminal knows no colour."""
        return self._screen.plain


async def until_gone(work: Coroutine[Any, Any, T], gone: Once) -> T | None:
    """Return what some work comes to, None where the client leaves first."""
    try:
        async with asyncio.TaskGroup() as group:
            done = Once()
            working = group.create_task(work)
            working.add_done_callback(lambda _: done.set())
            await first(done, gone)
            if not working.done():
                working.cancel()
                return None
    except ExceptionGroup as broken:
        raise broken.exceptions[0] from None  # what the work failed by is what the caller knows
    return working.result()
