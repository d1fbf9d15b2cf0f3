"""Delivers events to the operator's hook, a program or a signed webhook: at least once, retried."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol, final
from urllib.parse import urlsplit

import aiohttp
import msgspec

from gateway.domain.display import display
from gateway.domain.errors import ConfigurationBroken, GlassgateError
from gateway.log import get_logger
from gateway.store import outbox
from gateway.store.notify import OUTBOX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.domain.secret import Secret
    from gateway.store.outbox import Waiting
    from gateway.store.pool import Store

DELIVERY_SECONDS: Final = 20.0
_LEASE: Final = timedelta(seconds=3 * DELIVERY_SECONDS)
_BATCH: Final = 1
"""Claimed one by one, so that a slow hook holds back nothing of another replica's."""
GIVE_UP: Final = timedelta(days=1)
KEEP: Final = timedelta(days=7)
_FIRST_PAUSE: Final = 2.0
_LONGEST_PAUSE: Final = 900.0
_LOOK: Final = 30.0
_TIDY: Final = 3600.0
_OURS: Final = "GLASSGATE_"
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

log = get_logger("access")


class NotDelivered(GlassgateError):
    """The hook did not take an event; it is tried again."""


class Hook(Protocol):
    """Takes events."""

    async def deliver(self, event: bytes) -> None:
        """Take one event, a JSON object.

        Raises:
            NotDelivered: it was not taken.
        """


@final
@dataclass(frozen=True, slots=True)
class Program:
    """A program that gets an event on standard input, and takes it by ending with 0.

    It inherits none of the gateway's own variables: they may hold keys.

    Attributes:
        argv: program and arguments; no shell.
    """

    argv: Sequence[str]

    async def deliver(self, event: bytes) -> None:
        """Run it; kill it where it takes too long."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self.argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
                env={name: value for name, value in os.environ.items() if not name.startswith(_OURS)},
            )
        except OSError as error:
            raise NotDelivered(f"{self.argv[0]}: {error.strerror or error}") from error
        try:
            async with asyncio.timeout(DELIVERY_SECONDS):
                await process.communicate(event + b"\n")
        except TimeoutError as error:
            raise NotDelivered(f"{self.argv[0]} took longer than {DELIVERY_SECONDS:.0f} s") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise NotDelivered(f"{self.argv[0]} ended with status {process.returncode}")


@final
@dataclass(frozen=True, slots=True)
class Webhook:
    """A URL that events are posted to, signed; it takes one by answering 2xx.

    The header ``Glassgate-Signature`` is ``t=SECONDS,v1=HEX``: the HMAC-SHA256 of ``SECONDS.BODY``.

    Attributes:
        url: https, or http on loopback.
        secret: key of the signature.
    """

    url: str
    secret: Secret

    def __post_init__(self) -> None:
        """Refuse what would carry events in clear over a network.

        Raises:
            ConfigurationBroken: the URL is none, or plain http to another machine.
        """
        parts = urlsplit(self.url)
        if parts.scheme != "https" and (parts.scheme != "http" or parts.hostname not in _LOOPBACK):
            raise ConfigurationBroken(
                "the webhook's URL must begin with https://", hint="plain http serves on this machine alone"
            )

    async def deliver(self, event: bytes) -> None:
        """Post it; redirects are not followed."""
        headers = {
            "Content-Type": "application/json",
            "Glassgate-Signature": self.signature(event, time.time()),
        }
        try:
            timeout = aiohttp.ClientTimeout(total=DELIVERY_SECONDS)
            async with (
                aiohttp.ClientSession(timeout=timeout) as client,
                client.post(self.url, data=event, headers=headers, allow_redirects=False) as answer,
            ):
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise NotDelivered(f"the webhook can't be reached: {error or type(error).__name__}") from error
        if not 200 <= status < 300:
            raise NotDelivered(f"the webhook answered {status}")

    def signature(self, event: bytes, at: float) -> str:
        """Return the header's value for a body sent at a time (seconds since 1970)."""
        stamp = str(int(at))
        key = self.secret.reveal()
        return f"t={stamp},v1={hmac.new(key, stamp.encode() + b'.' + event, hashlib.sha256).hexdigest()}"


@final
class Outbox:
    """Delivers what waits, as long as it runs.

    Args:
        store: where events wait.
        hook: takes them; None: nobody does, and they are forgotten after a week.
    """

    def __init__(self, store: Store, hook: Hook | None) -> None:
        self._store = store
        self._hook = hook
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tidy())
            if self._hook is not None:
                group.create_task(self._on_notice())
                group.create_task(self._deliver(self._hook))

    async def _on_notice(self) -> None:
        async for _ in self._store.listen(OUTBOX):
            self._news.set()

    async def _deliver(self, hook: Hook) -> None:
        while True:
            self._news.clear()
            pause = _LOOK
            try:
                while await self.deliver_due(hook):
                    pass
                async with self._store.connection() as conn:
                    due = await outbox.seconds_to_next(conn)
                pause = min(_LOOK, _LOOK if due is None else due + 0.05)
            except GlassgateError as error:
                log.warning("events not delivered", error=error.message)
            try:
                async with asyncio.timeout(pause):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def deliver_due(self, hook: Hook) -> int:
        """Deliver what is due now to a hook; returns how many were tried.

        Raises:
            StoreUnavailable: the store is away; what was under way comes again.
        """
        async with self._store.connection() as conn:
            events = await outbox.claim_events(conn, _BATCH, _LEASE)
        for event in events:
            problem, again = "", None
            try:
                await hook.deliver(_told(event))
            except NotDelivered as error:
                problem, again = error.message, _again(event)
                log.warning("event not delivered", outbox_id=event.id, attempts=event.attempts, error=problem)
            async with self._store.connection() as conn:
                if problem:
                    await outbox.event_failed(conn, event.id, display(problem, limit=500), again)
                else:
                    await outbox.event_delivered(conn, event.id)
        return len(events)

    async def _tidy(self) -> None:
        while True:
            try:
                async with self._store.connection() as conn:
                    await outbox.forget_events(conn, KEEP)
            except GlassgateError as error:
                log.warning("old events not forgotten", error=error.message)
            await asyncio.sleep(_TIDY)


def _told(event: Waiting) -> bytes:
    """Return what the hook gets: the event with its number and time."""
    body = msgspec.json.decode(event.body, type=dict[str, msgspec.Raw])
    return msgspec.json.encode({"id": event.id, "at": event.created_at, **body})


def _again(event: Waiting) -> timedelta | None:
    """Return how long to wait before the next try, doubling; None after a day of tries."""
    pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(event.attempts - 1, 12))
    tried = sum(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(n, 12)) for n in range(event.attempts))
    return None if tried > GIVE_UP.total_seconds() else timedelta(seconds=pause)
