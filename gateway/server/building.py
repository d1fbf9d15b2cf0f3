"""Builds the first process of a gateway: the core, every door, the API, and what there is but once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry

from gateway import __version__
from gateway.access.client_certificates import ClientCertificates
from gateway.access.outbox import Outbox
from gateway.access.people import People
from gateway.access.ssh_certificates import SshCertificates
from gateway.access.ssh_keys import SshKeys
from gateway.access.tokens import Tokens
from gateway.access.upkeep import Upkeep
from gateway.log import get_logger
from gateway.protocols.ssh.facts import KeyScan
from gateway.recordings import expiry
from gateway.recordings.ledger import Ledger
from gateway.server.chores import drop_stale, hook, readiness, witnesses
from gateway.server.core import Core, build_core
from gateway.server.doors import OpenDoor, open_doors
from gateway.settings import SHIPPED, Settings
from gateway.store.embedded import EmbeddedPostgres
from gateway.store.migrations import migrate
from gateway.store.pool import Store
from gateway.transport.tls import ServerTls
from gateway.web.metrics import WebMetrics
from gateway.web.parts import WebParts

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextlib import AsyncExitStack
    from pathlib import Path

ADMINISTRATOR_FILE = "first-administrator"

log = get_logger("server")


@dataclass(frozen=True, slots=True)
class Built:
    """Every part that the start and the end of a gateway touch.

    Attributes:
        core: what other processes of this gateway have too.
        store_url: where the store is, for them.
        doors: that it opens.
        ledger: the proof over all that is recorded.
        web: the services behind the API.
        administrator: file with the first administrator's one-time password, where one was made now.
        background: what runs as long as the gateway does.
    """

    core: Core
    store_url: str
    doors: tuple[OpenDoor, ...]
    ledger: Ledger
    web: WebParts
    administrator: Path | None
    background: tuple[Callable[[], Coroutine[Any, Any, None]], ...]


async def build(settings: Settings, stack: AsyncExitStack) -> Built:
    """Make every part, floor by floor; what must be closed hangs on the stack."""
    settings.data_folder.mkdir(parents=True, exist_ok=True)
    opened = _OpenStore(settings, stack)
    core = await build_core(settings, opened.open, stack)
    store, policy, changes, recordings = core.store, core.policy, core.changes, core.recordings
    ledger = Ledger(store, core.keyring, witnesses(settings, changes))
    docker_tls = ServerTls(core.certificate, clients=core.authority.pem)
    doors = open_doors(settings, core.line, core.tls, docker_tls, store)
    people = People(store, policy, core.passwords)
    tokens = Tokens(store, policy)
    upkeep = Upkeep(store=store, policy=policy, tokens=tokens, limits=core.limits)
    return Built(
        core=core,
        store_url=opened.url,
        doors=doors,
        ledger=ledger,
        web=WebParts(
            version=__version__,
            authority=core.authority.pem,
            store=store,
            authenticator=core.authenticator,
            policy=policy,
            upkeep=upkeep,
            people=people,
            tokens=tokens,
            endpoints=core.endpoints,
            requests=core.requests,
            grants=core.grants,
            changes=changes,
            recordings=recordings,
            ledger=ledger,
            registry=core.registry,
            doors={door.kind: door.facts for door in doors},
            ssh_keys=SshKeys(store, policy),
            ssh_certificates=SshCertificates(store, policy, core.ssh_authority),
            client_certificates=ClientCertificates(store, policy, core.endpoints, core.authority),
            host_keys=KeyScan(),
            metrics=WebMetrics(CollectorRegistry()),
            readiness=lambda: readiness(store, recordings),
        ),
        administrator=await _first_administrator(settings, people),
        background=(
            *opened.keep,
            *core.background,
            upkeep.run,
            Outbox(store, hook(settings)).run,
            lambda: ledger.run(settings.witness.seconds),
            lambda: drop_stale(changes),
            lambda: expiry.run(recordings),
        ),
    )


class _OpenStore:
    """Opens the operator's PostgreSQL, or starts our own in the data folder, and migrates it.

    Args:
        settings: say where it is.
        stack: closes it.

    Attributes:
        url: where it is, once it is open.
        keep: what runs as long as our own does.
    """

    def __init__(self, settings: Settings, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._stack = stack
        self.url = settings.database.url
        self.keep: tuple[Callable[[], Coroutine[Any, Any, None]], ...] = ()

    async def open(self) -> Store:
        """Return the store, which says the same as this version's migrations."""
        if not self.url:
            folder = self._settings.data_folder / "store"
            embedded = await EmbeddedPostgres.start(folder, name="glassgate store")
            self._stack.push_async_callback(embedded.stop)
            self.url, self.keep = embedded.dsn(), (embedded.run,)
        store = await Store.open(self.url, max_size=self._settings.database.pool)
        self._stack.push_async_callback(store.close)
        for name in await migrate(store, SHIPPED / "migrations"):
            log.info("migrated", migration=name)
        return store


async def _first_administrator(settings: Settings, people: People) -> Path | None:
    """Put the first administrator's one-time password into a file for the operator's eyes only."""
    made = await people.first_administrator()
    if made is None:
        return None
    name, password = made
    path = settings.data_folder / ADMINISTRATOR_FILE
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(name.encode() + b" " + password.reveal() + b"\n")
    return path
