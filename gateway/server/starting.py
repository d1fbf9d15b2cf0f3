"""What every process of a gateway does at its start, and how long its end may take."""

from __future__ import annotations

import gc
import resource
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


SETTLE_SECONDS: Final = 10.0
"""What was recorded has so long to be sealed once every session has ended."""


def event_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's loop factory; None where uvloop can't be had, which means asyncio's own."""
    try:
        import uvloop  # noqa: PLC0415 - not to be had everywhere
    except ImportError:
        return None
    return uvloop.new_event_loop


def collect_seldom() -> None:
    """Look for cyclic garbage seldom, and never among what was there from the start.

    A large statement's tree is a million objects: with Python's own thresholds, looking through them again
    and again holds every session up for a second and more; with these for a fifth of that.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    gc.enable()


def allow_descriptors() -> None:
    """Take as many file descriptors as the system gives: a session holds three."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
