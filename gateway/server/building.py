"""Builds every part from the settings, floor by floor."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry

from gateway import __version__
from gateway.access.authenticate import Authenticator
from gateway.access.client_certificates import ClientCertificates
from gateway.access.endpoints import Endpoints
from gateway.access.grants import Grants
from gateway.access.limits import Limits
from gateway.access.outbox import Outbox
from gateway.access.passwords import Passwords
from gateway.access.people import People
from gateway.access.policy import Policy
from gateway.access.requests import Requests
from gateway.access.ssh_authority import SshAuthority
from gateway.access.ssh_certificates import SshCertificates
from gateway.access.ssh_keys import SshKeys
from gateway.access.tokens import Jwts, Tokens
from gateway.access.upkeep import Upkeep
from gateway.changes.flow import Changes
from gateway.log import get_logger
from gateway.protocols.ssh.facts import KeyScan
from gateway.recordings import expiry
from gateway.recordings.ledger import Ledger
from gateway.recordings.recording import Recordings
from gateway.server.chores import drop_stale, hook, readiness, witnesses
from gateway.server.doors import PROTOCOLS, OpenDoor, open_doors
from gateway.session.lease import Leases
from gateway.session.line import Line
from gateway.session.quota import Quota
from gateway.session.registry import Registry
from gateway.settings import SHIPPED, Durability, Settings
from gateway.store.embedded import EmbeddedPostgres
from gateway.store.keyring import Keyring
from gateway.store.migrations import migrate
from gateway.store.pool import Store
from gateway.transport.authority import Authority
from gateway.transport.tls import ServerTls
from gateway.web.metrics import WebMetrics
from gateway.web.parts import WebParts

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextlib import AsyncExitStack
    from pathlib import Path

KEYRING_VARIABLE = "GLASSGATE_MASTER_KEY"
ADMINISTRATOR_FILE = "first-administrator"

log = get_logger("server")


@dataclass(frozen=True, slots=True)
class Built:
    """Every part that the start and the end of a gateway touch."""

    authority: Authority
    tls: ServerTls
    doors: tuple[OpenDoor, ...]
    registry: Registry
    recordings: Recordings
    ledger: Ledger
    web: WebParts
    interrupted: int
    administrator: Path | None
    background: tuple[Callable[[], Coroutine[Any, Any, None]], ...]


async def build(settings: Settings, stack: AsyncExitStack) -> Built:
    """Make every part, floor by floor; what must be closed hangs on the stack."""
    settings.data_folder.mkdir(parents=True, exist_ok=True)
    keyring = _keyring(settings)
    authority = Authority.open(settings.data_folder / "tls")
    certificate = authority.server_certificate([settings.public_host, *settings.extra_names])
    tls = ServerTls(certificate, protocols=PROTOCOLS)
    policy = Policy.load(settings.policies_folder)
    store, keep_store = await _open_store(settings, stack)
    limits = Limits(store)
    jwts = Jwts(keyring, settings.public_url)
    passwords = Passwords()
    stack.callback(passwords.close)
    ssh_authority = SshAuthority.open(settings.data_folder / "ssh")
    authenticator = Authenticator(
        store=store,
        policy=policy,
        passwords=passwords,
        limits=limits,
        jwts=jwts,
        ssh_authority=ssh_authority,
        authority=authority,
    )
    endpoints = Endpoints(store, policy, keyring)
    grants = Grants(store, policy)
    changes = Changes(
        store,
        public_url=settings.public_url,
        folder=settings.data_folder / "repositories",
        catalogue=settings.policies_folder / "catalogue" / "postgres.toml",
    )
    ledger = Ledger(store, keyring, witnesses(settings, changes))
    recordings = await Recordings.start(
        store=store, keyring=keyring, folder=settings.recordings_folder, replica=settings.replica
    )
    interrupted = await recordings.recover()
    registry = Registry(store)
    leases = Leases(grants, store)
    quota = Quota(store, registry, mib=settings.recording.person_mib)
    requests = Requests(store, policy)
    line = Line(
        authenticator=authenticator,
        endpoints=endpoints,
        grants=grants,
        leases=leases,
        quota=quota,
        recordings=recordings,
        changes=changes,
        registry=registry,
        requests=requests,
        synced=settings.recording.durability is Durability.SYNCED,
    )
    doors = open_doors(settings, line, tls, ServerTls(certificate, clients=authority.pem), store)
    people = People(store, policy, passwords)
    tokens = Tokens(store, policy)
    upkeep = Upkeep(store=store, policy=policy, tokens=tokens, limits=limits)
    return Built(
        authority=authority,
        tls=tls,
        doors=doors,
        registry=registry,
        recordings=recordings,
        ledger=ledger,
        web=WebParts(
            version=__version__,
            authority=authority.pem,
            store=store,
            authenticator=authenticator,
            policy=policy,
            upkeep=upkeep,
            people=people,
            tokens=tokens,
            endpoints=endpoints,
            requests=requests,
            grants=grants,
            changes=changes,
            recordings=recordings,
            ledger=ledger,
            registry=registry,
            doors={door.kind: door.facts for door in doors},
            ssh_keys=SshKeys(store, policy),
            ssh_certificates=SshCertificates(store, policy, ssh_authority),
            client_certificates=ClientCertificates(store, policy, endpoints, authority),
            host_keys=KeyScan(),
            metrics=WebMetrics(CollectorRegistry()),
            readiness=lambda: readiness(store, recordings),
        ),
        interrupted=len(interrupted),
        administrator=await _first_administrator(settings, people),
        background=(
            *keep_store,
            recordings.run,
            leases.run,
            quota.run,
            registry.run,
            tls.run,
            upkeep.run,
            Outbox(store, hook(settings)).run,
            lambda: ledger.run(settings.witness.seconds),
            lambda: drop_stale(changes),
            lambda: expiry.run(recordings),
        ),
    )


def _keyring(settings: Settings) -> Keyring:
    if os.environ.get(KEYRING_VARIABLE):
        return Keyring.load(f"env:{KEYRING_VARIABLE}")
    return Keyring.load(settings.master_key_file)


async def _open_store(
    settings: Settings, stack: AsyncExitStack
) -> tuple[Store, tuple[Callable[[], Coroutine[Any, Any, None]], ...]]:
    """Open the operator's PostgreSQL, or start our own in the data folder, and migrate it."""
    url = settings.database.url
    keep: tuple[Callable[[], Coroutine[Any, Any, None]], ...] = ()
    if not url:
        embedded = await EmbeddedPostgres.start(settings.data_folder / "store", name="glassgate store")
        stack.push_async_callback(embedded.stop)
        url, keep = embedded.dsn(), (embedded.run,)
    store = await Store.open(url, max_size=settings.database.pool)
    stack.push_async_callback(store.close)
    for name in await migrate(store, SHIPPED / "migrations"):
        log.info("migrated", migration=name)
    return store, keep


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
