"""What every process of a gateway is made of: the store, access, recordings, and the line of a session."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.access.authenticate import Authenticator
from gateway.access.endpoints import Endpoints
from gateway.access.grants import Grants
from gateway.access.limits import Limits
from gateway.access.passwords import Passwords
from gateway.access.policy import Policy
from gateway.access.requests import Requests
from gateway.access.ssh_authority import SshAuthority
from gateway.access.tokens import Jwts
from gateway.changes.flow import Changes
from gateway.recordings.recording import Recordings
from gateway.server.doors import PROTOCOLS
from gateway.session.lease import Leases
from gateway.session.line import Line
from gateway.session.quota import Quota
from gateway.session.registry import Registry
from gateway.settings import Durability, Settings
from gateway.store.keyring import Keyring
from gateway.transport.authority import Authority
from gateway.transport.tls import ServerTls

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from contextlib import AsyncExitStack
    from typing import Any

    from gateway.store.pool import Store
    from gateway.transport.authority import CertificateFiles

KEYRING_VARIABLE = "GLASSGATE_MASTER_KEY"


@dataclass(frozen=True, slots=True)
class Core:
    """The parts that each process has for itself; what they say to each other goes through the store."""

    keyring: Keyring
    authority: Authority
    ssh_authority: SshAuthority
    certificate: CertificateFiles
    tls: ServerTls
    store: Store
    policy: Policy
    limits: Limits
    jwts: Jwts
    passwords: Passwords
    authenticator: Authenticator
    endpoints: Endpoints
    grants: Grants
    requests: Requests
    changes: Changes
    recordings: Recordings
    interrupted: int
    registry: Registry
    leases: Leases
    line: Line
    background: tuple[Callable[[], Coroutine[Any, Any, None]], ...]


async def build_core(
    settings: Settings, open_store: Callable[[], Awaitable[Store]], stack: AsyncExitStack
) -> Core:
    """Make the parts, floor by floor; what must be closed hangs on the stack.

    Args:
        settings: of this process.
        open_store: opens it, migrated; what an operator wrote wrongly is said before that.
        stack: outlives the parts.

    Raises:
        ConfigurationBroken: something can't be used; says what and how to mend it.
    """
    keyring = _keyring(settings)
    authority = Authority.open(settings.data_folder / "tls")
    certificate = authority.server_certificate([settings.public_host, *settings.extra_names])
    tls = ServerTls(certificate, protocols=PROTOCOLS)
    ssh_authority = SshAuthority.open(settings.data_folder / "ssh")
    policy = Policy.load(settings.policies_folder)
    store = await open_store()
    limits = Limits(store)
    jwts = Jwts(keyring, settings.public_url)
    passwords = Passwords()
    stack.callback(passwords.close)
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
    return Core(
        keyring=keyring,
        authority=authority,
        ssh_authority=ssh_authority,
        certificate=certificate,
        tls=tls,
        store=store,
        policy=policy,
        limits=limits,
        jwts=jwts,
        passwords=passwords,
        authenticator=authenticator,
        endpoints=endpoints,
        grants=grants,
        requests=requests,
        changes=changes,
        recordings=recordings,
        interrupted=len(interrupted),
        registry=registry,
        leases=leases,
        line=line,
        background=(recordings.run, leases.run, quota.run, registry.run, tls.run),
    )


def _keyring(settings: Settings) -> Keyring:
    if os.environ.get(KEYRING_VARIABLE):
        return Keyring.load(f"env:{KEYRING_VARIABLE}")
    return Keyring.load(settings.master_key_file)
