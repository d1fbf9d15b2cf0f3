"""Something that happens once, and waiting for the first of several: what a session is made of by the dozen.

An ``asyncio.Event`` costs 0.75 KiB before anybody has waited for it, and waiting for the first of two takes a
task for each, 1.2 KiB. An idle SSH terminal had eleven such events and five such tasks; these take a tenth.
"""

from __future__ import annotations

import asyncio


class Once:
    """An event that is set once and never cleared.

    Attributes:
        waiting: those who wait for it now.
    """

    __slots__ = ("_set", "waiting")

    def __init__(self) -> None:
        self._set = False
        self.waiting: tuple[asyncio.Future[None], ...] = ()

    def is_set(self) -> bool:
        """Whether it has happened."""
        return self._set

    def set(self) -> None:
        """It has happened: whoever waits goes on."""
        self._set = True
        waiting, self.waiting = self.waiting, ()
        for each in waiting:
            if not each.done():
                each.set_result(None)

    async def wait(self) -> bool:
        """Return True once it has happened, at once where it has already."""
        await first(self)
        return True


async def first(*events: Once) -> None:
    """Return once one of them has happened."""
    if any(each.is_set() for each in events):
        return
    future = asyncio.get_running_loop().create_future()
    for each in events:
        each.waiting = (*each.waiting, future)
    try:
        await future
    finally:
        for each in events:
            each.waiting = tuple(other for other in each.waiting if other is not future)
