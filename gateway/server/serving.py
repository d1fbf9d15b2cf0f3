"""Starts the doors, drains and stops: one running gateway."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.domain.errors import ConfigurationBroken, GlassgateError
from gateway.log import get_logger
from gateway.server.building import Built, build
from gateway.server.starting import SETTLE_SECONDS, allow_descriptors, collect_seldom
from gateway.server.workers import Workers, recover_left_behind
from gateway.session.door import Opening
from gateway.transport.accept import Listener
from gateway.web.app import build_app
from gateway.web.listen import ApiListener

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from gateway.domain.endpoint import Endpoint
    from gateway.domain.identity import Identity
    from gateway.server.doors import OpenDoor
    from gateway.settings import Settings
    from gateway.transport.accept import Arrival

log = get_logger("server")


@dataclass(frozen=True, slots=True)
class Running:
    """What an operator is told once the gateway serves.

    Attributes:
        api_port: of the HTTP API.
        ports: what clients of which door are called → where they connect.
        fingerprint: of the gateway's authority, to compare at ``glassgate login``.
        interrupted: sessions of a killed gateway that were sealed and closed at this start.
        administrator: file with the first administrator's one-time password, where one was made now.
    """

    api_port: int
    ports: Mapping[str, int]
    fingerprint: str
    interrupted: int
    administrator: Path | None


async def serve(settings: Settings, told: Callable[[Running], None]) -> None:
    """Run the gateway until SIGTERM or SIGINT, then drain: no new sessions, a word to live ones, close.

    SIGTERM lets what runs go on for a while; SIGINT, or whatever comes second, cuts it.

    Args:
        settings: of ``gateway.toml``.
        told: called once everything serves.

    Raises:
        ConfigurationBroken: something can't be used; says what and how to mend it.
        StoreUnavailable: the store can't be reached at start.
    """
    allow_descriptors()
    stop, hurry = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(number: int) -> None:
        if stop.is_set() or number == signal.SIGINT:
            hurry.set()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    async with running(settings, hurry) as now:
        collect_seldom()
        told(now)
        await stop.wait()
        log.info("draining")


@asynccontextmanager
async def running(settings: Settings, hurry: asyncio.Event) -> AsyncIterator[Running]:
    """Serve for as long as the block lasts.

    Args:
        settings: of ``gateway.toml``.
        hurry: once set, sessions in which something runs are not waited for at the end.

    Raises:
        ConfigurationBroken: something can't be used; says what and how to mend it.
        StoreUnavailable: the store can't be reached at start.
    """
    async with AsyncExitStack() as stack:
        built = await build(settings, stack)
        core = built.core
        stack.push_async_callback(_settle, built)
        left_behind = await recover_left_behind(settings, core)
        listening = [(door, _listen(settings, door, stack)) for door in built.doors]
        openings = {door.kind: _opening(door, listener) for door, listener in listening}
        for door in built.doors:
            if door.reach is not None:
                door.reach(openings)
        api = await _open_api(settings, built)
        stack.push_async_callback(api.stop)
        workers = tuple(
            Workers(settings, built.store_url, listener) for door, listener in listening if door.shared
        )
        built.web.metrics.follow(
            lambda: len(core.registry.sessions()) + sum(each.sessions for each in workers)
        )
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work()) for work in built.background]
            tasks += [group.create_task(each.run()) for each in workers]
            for door, listener in listening:
                tasks += [group.create_task(work()) for work in door.background]
                tasks.append(group.create_task(listener.run(door.serve)))
            try:
                yield Running(
                    api.port,
                    {door.clients: listener.port for door, listener in listening},
                    core.authority.fingerprint,
                    core.interrupted + left_behind,
                    built.administrator,
                )
            finally:
                for _, listener in listening:
                    listener.close()
                async with asyncio.TaskGroup() as draining:
                    draining.create_task(core.registry.drain(settings.limits.drain_seconds, hurry))
                    for each in workers:
                        draining.create_task(each.drain(hurry))
                for task in tasks:
                    task.cancel()


def _listen(settings: Settings, door: OpenDoor, stack: AsyncExitStack) -> Listener:
    listener = Listener.open(settings.listen.host, door.port, connections=settings.limits.connections)
    stack.callback(listener.close)
    return listener


def _opening(door: OpenDoor, listener: Listener) -> Opening:
    """Make a door reachable for the others, counted among its listener's connections."""
    proven = door.open

    async def open_(arrival: Arrival, identity: Identity, endpoint: Endpoint) -> None:
        assert proven is not None
        await listener.serve(arrival, lambda arrived: proven(arrived, identity, endpoint))

    return Opening(
        port=listener.port,
        bring=listener.bring,
        serve=lambda arrival: listener.serve(arrival, door.serve),
        open=None if proven is None else open_,
    )


async def _open_api(settings: Settings, built: Built) -> ApiListener:
    listen = settings.listen
    try:
        return await ApiListener.start(
            build_app(built.web), host=listen.host, port=listen.api_port, tls=built.core.tls.context
        )
    except OSError as error:
        raise ConfigurationBroken(
            f"can't listen on {listen.host}:{listen.api_port}: {error.strerror or error}",
            hint="stop what uses the port, or set another api-port in gateway.toml under [listen]",
        ) from error


async def _settle(built: Built) -> None:
    """Bring what was recorded into the ledger and publish the last checkpoint, if the store answers."""
    try:
        async with asyncio.timeout(SETTLE_SECONDS):
            await built.core.recordings.close()
            await built.ledger.make_checkpoint()
    except (GlassgateError, TimeoutError) as error:
        log.warning("stopped before the last checkpoint", error=str(error))
