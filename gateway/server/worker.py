"""One more process for the doors that several can serve: ``python -m gateway.server.worker DESCRIPTOR``.

The first process starts it, tells it its settings in the first line of standard input and lends it
connections by the socket of that number; standard output counts them (``gateway.transport.share``). It has a
core of its own, under a name of its own among the replicas; all that there is but once stays with the first.
SIGTERM lets what runs go on for a while, as for the first process; the end of standard input is the end of
that process, or its word that there is no time: what is live is cut.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import msgspec

from gateway import log as logs
from gateway.access.upkeep import LOOK_SECONDS
from gateway.domain.errors import ConfigurationBroken, GlassgateError
from gateway.log import get_logger
from gateway.server.core import build_core
from gateway.server.doors import postgres_door
from gateway.server.starting import SETTLE_SECONDS, allow_descriptors, collect_seldom, event_loop
from gateway.settings import Settings
from gateway.store.pool import Store
from gateway.transport.share import READY, Borrower

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.access.policy import Policy
    from gateway.session.lease import Leases


log = get_logger("server")


async def work(
    settings: Settings,
    channel: socket.socket,
    tell: Callable[[bytes], None],
    stop: asyncio.Event,
    hurry: asyncio.Event,
) -> None:
    """Serve what is lent until it is told to stop, then drain.

    Args:
        settings: of this process.
        channel: brings connections.
        tell: counts them to the lender.
        stop: set when it is time.
        hurry: set when what runs is to be cut.

    Raises:
        ConfigurationBroken: something can't be used.
        StoreUnavailable: the store can't be reached at the start.
    """
    async with AsyncExitStack() as stack:

        async def open_store() -> Store:
            store = await Store.open(settings.database.url, max_size=settings.database.pool)
            stack.push_async_callback(store.close)
            return store

        core = await build_core(settings, open_store, stack)
        door = postgres_door(settings, core.line, core.tls, core.store, by=None)
        borrower = Borrower(channel, tell)
        stack.callback(borrower.close)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each()) for each in (*core.background, *door.background)]
            tasks.append(group.create_task(_follow_policy(core.policy, core.leases)))
            tasks.append(group.create_task(borrower.run(door.serve)))
            collect_seldom()
            tell(READY)
            log.info("process ready", replica=settings.replica, interrupted=core.interrupted)
            await stop.wait()
            await core.registry.drain(settings.limits.drain_seconds, hurry)
            for task in tasks:
                task.cancel()
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                await core.recordings.close()
        except (GlassgateError, TimeoutError) as error:
            log.warning("stopped before all was sealed", replica=settings.replica, error=str(error))


async def _follow_policy(policy: Policy, leases: Leases) -> None:
    """Take edited policy files into force, until cancelled; the first process says so, and what is wrong."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            if await policy.reload():
                await leases.renew()
        except ConfigurationBroken:
            continue


async def _serve(settings: Settings, channel: socket.socket) -> None:
    allow_descriptors()
    loop = asyncio.get_running_loop()
    stop, hurry = asyncio.Event(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    counts, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, sys.stdout)

    async def outlive_none() -> None:
        await reader.read()
        hurry.set()
        stop.set()

    watching = loop.create_task(outlive_none())
    await work(settings, channel, counts.write, stop, hurry)
    watching.cancel()


def main() -> int:
    """Run until the first process ends, or says so.

    Returns:
        An exit status.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the first process
    with open(0, "rb", buffering=0, closefd=False) as stdin:
        settings = msgspec.json.decode(stdin.readline(), type=Settings)
    logs.configure(level=settings.log_level)
    try:
        with asyncio.Runner(loop_factory=event_loop()) as runner:
            runner.run(_serve(settings, socket.socket(fileno=int(sys.argv[1]))))
    except GlassgateError as error:
        log.warning("process not started", replica=settings.replica, error=error.message, hint=error.hint)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
