"""Builds every part from the settings, starts the doors, drains and stops: one running gateway."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import signal
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry

from gateway import __version__
from gateway.access.authenticate import Authenticator
from gateway.access.endpoints import Endpoints
from gateway.access.grants import Grants
from gateway.access.limits import Limits
from gateway.access.outbox import Hook, Outbox, Program, Webhook
from gateway.access.passwords import Passwords
from gateway.access.people import People
from gateway.access.policy import Policy
from gateway.access.requests import Requests
from gateway.access.tokens import Jwts, Tokens
from gateway.access.upkeep import Upkeep
from gateway.changes.flow import Changes
from gateway.domain.endpoint import EndpointKind
from gateway.domain.errors import ConfigurationBroken, GlassgateError
from gateway.domain.secret import Secret
from gateway.judge.catalogue import load_postgres
from gateway.log import get_logger
from gateway.protocols.postgres.catalogue import Catalogues
from gateway.protocols.postgres.facts import PostgresFacts
from gateway.protocols.postgres.parts import Parts
from gateway.protocols.postgres.reception import ALPN, Reception
from gateway.recordings import expiry
from gateway.recordings.ledger import Ledger
from gateway.recordings.recording import Recordings
from gateway.recordings.witness import FileWitness, PortWitness, Witness
from gateway.session.lease import Leases
from gateway.session.line import Line
from gateway.session.quota import Quota
from gateway.session.registry import Registry
from gateway.settings import SHIPPED, Durability, Settings
from gateway.store.embedded import EmbeddedPostgres
from gateway.store.keyring import Keyring
from gateway.store.ledger import append_leaf
from gateway.store.migrations import migrate
from gateway.store.pool import Store
from gateway.transport.accept import Listener
from gateway.transport.authority import Authority
from gateway.transport.tls import ServerTls
from gateway.web.app import build_app
from gateway.web.listen import ApiListener
from gateway.web.metrics import WebMetrics
from gateway.web.parts import WebParts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
    from pathlib import Path

KEYRING_VARIABLE = "GLASSGATE_MASTER_KEY"
WITNESS_BRANCH = "checkpoints"
ADMINISTRATOR_FILE = "first-administrator"
SETTLE_SECONDS = 10.0
STALE_SECONDS = 600.0
CATALOGUE_SECONDS = 2.0

log = get_logger("server")


@dataclass(frozen=True, slots=True)
class Running:
    """What an operator is told once the gateway serves.

    Attributes:
        api_port: of the HTTP API.
        postgres_port: of the PostgreSQL door.
        fingerprint: of the gateway's authority, to compare at ``glassgate login``.
        interrupted: sessions of a killed gateway that were sealed and closed at this start.
        administrator: file with the first administrator's one-time password, where one was made now.
    """

    api_port: int
    postgres_port: int
    fingerprint: str
    interrupted: int
    administrator: Path | None


def event_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's loop factory; None where uvloop can't be had, which means asyncio's own."""
    try:
        import uvloop  # noqa: PLC0415 - not to be had everywhere
    except ImportError:
        return None
    return uvloop.new_event_loop


async def serve(settings: Settings, told: Callable[[Running], None]) -> None:
    """Run the gateway until SIGTERM or SIGINT, then drain: no new sessions, a word to live ones, close.

    Args:
        settings: of ``gateway.toml``.
        told: called once everything serves.

    Raises:
        ConfigurationBroken: something can't be used; says what and how to mend it.
        StoreUnavailable: the store can't be reached at start.
    """
    _allow_descriptors()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(settings) as now:
        _collect_seldom()
        told(now)
        await stop.wait()
        log.info("draining")


def _collect_seldom() -> None:
    """Look for cyclic garbage seldom, and never among what was there from the start.

    A large statement's tree is a million objects: with Python's own thresholds, looking through them again
    and again holds every session up for a second and more; with these for a fifth of that.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


def _allow_descriptors() -> None:
    """Take as many file descriptors as the system gives: a session holds three."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Running]:
    """Serve for as long as the block lasts.

    Raises:
        ConfigurationBroken: something can't be used; says what and how to mend it.
        StoreUnavailable: the store can't be reached at start.
    """
    async with AsyncExitStack() as stack:
        built = await _build(settings, stack)
        stack.push_async_callback(_settle, built)
        listener = Listener.open(
            settings.listen.host, settings.listen.postgres_port, connections=settings.limits.connections
        )
        stack.callback(listener.close)
        api = await _open_api(settings, built)
        stack.push_async_callback(api.stop)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work()) for work in built.background]
            tasks.append(group.create_task(listener.run(built.reception.serve)))
            try:
                yield Running(
                    api.port,
                    listener.port,
                    built.authority.fingerprint,
                    built.interrupted,
                    built.administrator,
                )
            finally:
                listener.close()
                await built.registry.drain(settings.limits.drain_seconds)
                for task in tasks:
                    task.cancel()


@dataclass(frozen=True, slots=True)
class _Built:
    """Every part that the start and the end of a gateway touch."""

    authority: Authority
    tls: ServerTls
    reception: Reception
    registry: Registry
    recordings: Recordings
    ledger: Ledger
    web: WebParts
    interrupted: int
    administrator: Path | None
    background: tuple[Callable[[], Coroutine[Any, Any, None]], ...]


async def _build(settings: Settings, stack: AsyncExitStack) -> _Built:
    """Make every part, floor by floor; what must be closed hangs on the stack."""
    settings.data_folder.mkdir(parents=True, exist_ok=True)
    keyring = _keyring(settings)
    authority = Authority.open(settings.data_folder / "tls")
    tls = ServerTls(
        authority.server_certificate([settings.public_host, *settings.extra_names]), protocols=(ALPN,)
    )
    policy = Policy.load(settings.policies_folder)
    catalogues = Catalogues(load_postgres(settings.policies_folder / "catalogue"))
    store, keep_store = await _open_store(settings, stack)
    limits = Limits(store)
    jwts = Jwts(keyring, settings.public_url)
    passwords = Passwords()
    stack.callback(passwords.close)
    authenticator = Authenticator(store=store, policy=policy, passwords=passwords, limits=limits, jwts=jwts)
    endpoints = Endpoints(store, policy, keyring)
    grants = Grants(store, policy)
    changes = Changes(
        store,
        public_url=settings.public_url,
        folder=settings.data_folder / "repositories",
        catalogue=settings.policies_folder / "catalogue" / "postgres.toml",
    )
    ledger = Ledger(store, keyring, _witnesses(settings, changes))
    recordings = await Recordings.start(
        store=store, keyring=keyring, folder=settings.recordings_folder, replica=settings.replica
    )
    interrupted = await recordings.recover()
    registry = Registry(store)
    leases = Leases(grants, store)
    quota = Quota(store, registry, mib=settings.recording.person_mib)
    line = Line(
        authenticator=authenticator,
        endpoints=endpoints,
        grants=grants,
        leases=leases,
        quota=quota,
        recordings=recordings,
        changes=changes,
        registry=registry,
        synced=settings.recording.durability is Durability.SYNCED,
    )
    parts = Parts(catalogues, settings.limits.statement_bytes)
    reception = Reception(line, parts, tls, login_seconds=settings.limits.login_seconds)
    people = People(store, policy, passwords)
    tokens = Tokens(store, policy)
    upkeep = Upkeep(store=store, policy=policy, tokens=tokens, limits=limits)
    return _Built(
        authority=authority,
        tls=tls,
        reception=reception,
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
            requests=Requests(store, policy),
            grants=grants,
            changes=changes,
            recordings=recordings,
            ledger=ledger,
            registry=registry,
            doors={
                EndpointKind.POSTGRES: PostgresFacts(
                    settings.public_host, settings.listen.postgres_port, parts
                ),
            },
            metrics=WebMetrics(CollectorRegistry()),
            readiness=lambda: _readiness(store, recordings),
        ),
        interrupted=len(interrupted),
        administrator=await _first_administrator(settings, people),
        background=(
            *keep_store,
            recordings.run,
            leases.run,
            quota.run,
            registry.run,
            reception.run,
            tls.run,
            upkeep.run,
            Outbox(store, _hook(settings)).run,
            lambda: ledger.run(settings.witness.seconds),
            lambda: _drop_stale(changes),
            lambda: _follow_catalogue(settings.policies_folder / "catalogue", catalogues, store),
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


def _witnesses(settings: Settings, changes: Changes) -> list[Witness]:
    witnesses: list[Witness] = [FileWitness(settings.witness_file)]
    if settings.witness.git:

        async def publish(checkpoint: bytes) -> None:
            await changes.repositories.publish_file(
                settings.witness.git, WITNESS_BRANCH, "checkpoint", checkpoint, "Publish a checkpoint"
            )

        witnesses.append(PortWitness(f"git {settings.witness.git}", publish))
    return witnesses


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


def _hook(settings: Settings) -> Hook | None:
    hook = settings.hook
    if hook.program:
        return Program(hook.program)
    if not hook.webhook:
        return None
    secret = os.environ.get(hook.webhook_secret, "")
    if not secret:
        raise ConfigurationBroken(
            f"the webhook has no signing secret: {hook.webhook_secret} is not set",
            hint=f"set the environment variable {hook.webhook_secret}",
        )
    return Webhook(hook.webhook, Secret(secret))


async def _readiness(store: Store, recordings: Recordings) -> Mapping[str, str]:
    """Say for each part whether sessions can be opened: ``ok`` or what is wrong."""

    async def recordings_answer() -> None:
        await asyncio.to_thread(recordings.vault.check)

    found = {}
    for part, look in (("store", store.ping), ("recordings", recordings_answer)):
        try:
            await look()
            found[part] = "ok"
        except GlassgateError as error:
            found[part] = error.message
    return found


async def _drop_stale(changes: Changes) -> None:
    """Drop the drafts that nobody acted on, until cancelled."""
    while True:
        try:
            await changes.drop_stale()
        except GlassgateError as error:
            log.warning("stale drafts stay for now", error=error.message)
        await asyncio.sleep(STALE_SECONDS)


async def _follow_catalogue(folder: Path, catalogues: Catalogues, store: Store) -> None:
    """Judge by the catalogue as it is edited, until cancelled; a broken one leaves the old in force."""
    tried, said = catalogues.catalogue.fingerprint, ""
    while True:
        await asyncio.sleep(CATALOGUE_SECONDS)
        try:
            found = await asyncio.to_thread(load_postgres, folder)
            if found.fingerprint == tried:
                continue
            async with store.transaction() as connection:
                words = f"{catalogues.catalogue.fingerprint} -> {found.fingerprint}"
                await append_leaf(connection, "policy.catalogue-changed", words.encode())
            catalogues.replace(found)
            tried = found.fingerprint
            log.info("catalogue changed", fingerprint=found.fingerprint)
        except GlassgateError as error:
            if error.message != said:
                log.warning("catalogue not changed", error=error.message, hint=error.hint)
            said = error.message


async def _open_api(settings: Settings, built: _Built) -> ApiListener:
    listen = settings.listen
    try:
        return await ApiListener.start(
            build_app(built.web), host=listen.host, port=listen.api_port, tls=built.tls.context
        )
    except OSError as error:
        raise ConfigurationBroken(
            f"can't listen on {listen.host}:{listen.api_port}: {error.strerror or error}",
            hint="stop what uses the port, or set another api-port in gateway.toml under [listen]",
        ) from error


async def _settle(built: _Built) -> None:
    """Bring what was recorded into the ledger and publish the last checkpoint, if the store answers."""
    try:
        async with asyncio.timeout(SETTLE_SECONDS):
            await built.recordings.close()
            await built.ledger.make_checkpoint()
    except (GlassgateError, TimeoutError) as error:
        log.warning("stopped before the last checkpoint", error=str(error))
