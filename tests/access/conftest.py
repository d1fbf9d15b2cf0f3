"""Access over a real store: one installation for each test, with a few people and endpoints."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.access.authenticate import Authenticator
from gateway.access.client_certificates import ClientCertificates
from gateway.access.endpoints import Endpoints
from gateway.access.grants import Grants
from gateway.access.limits import Limits
from gateway.access.passwords import Passwords
from gateway.access.people import People
from gateway.access.policy import Policy
from gateway.access.requests import Requests
from gateway.access.ssh_authority import SshAuthority
from gateway.access.tokens import Jwts, Tokens
from gateway.domain.access import AccessRequest, Grant
from gateway.domain.endpoint import Endpoint, EndpointKind
from gateway.domain.identity import BearerEvidence, Identity, PasswordEvidence
from gateway.domain.secret import Secret
from gateway.store.endpoints import Registration
from gateway.store.keyring import Keyring
from gateway.store.pool import Store
from gateway.transport.authority import Authority

ROOT = Path(__file__).resolve().parents[2]
HOUR = timedelta(hours=1)


@dataclass
class Installation:
    store: Store
    folder: Path
    policy: Policy
    keyring: Keyring
    passwords: Passwords
    limits: Limits
    jwts: Jwts
    authenticator: Authenticator
    ssh_authority: SshAuthority
    authority: Authority
    client_certificates: ClientCertificates
    tokens: Tokens
    people: People
    endpoints: Endpoints
    requests: Requests
    grants: Grants

    async def login(self, name: str, password: str = "a password") -> Identity:
        """Prove somebody the way the API does: log in, show the bearer."""
        issued = await self.authenticator.login(PasswordEvidence(name, Secret(password), "10.0.0.1:5000"))
        return await self.authenticator.authenticate(BearerEvidence(issued.bearer, "10.0.0.1:5000"))

    async def person(self, admin: Identity, name: str, *roles: str) -> Identity:
        await self.people.add(admin, name, password=Secret("a password"), roles=roles)
        return await self.login(name)

    async def endpoint(
        self, admin: Identity, name: str, kind: EndpointKind = EndpointKind.POSTGRES, **labels: str
    ) -> Endpoint:
        registration = Registration(
            name=name,
            kind=kind,
            labels=labels,
            host="127.0.0.1",
            port=5432,
            username="reader",
        )
        return await self.endpoints.put(admin, registration, Secret("its password"))

    async def approved(
        self, who: Identity, by: Identity, endpoint: Endpoint, lasts: timedelta = HOUR
    ) -> AccessRequest:
        request = await self.requests.file(who, endpoint.name, lasts, "INC-1: looking")
        return await self.requests.approve(by, request.id)

    async def taken(self, who: Identity, by: Identity, endpoint: Endpoint) -> Grant:
        await self.approved(who, by, endpoint)
        return await self.grants.take(who, endpoint)

    async def leaves(self) -> list[str]:
        async with self.store.connection() as conn:
            rows = await conn.fetch("SELECT kind FROM ledger_leaves ORDER BY number")
        return [row["kind"] for row in rows]

    async def events(self) -> list[str]:
        async with self.store.connection() as conn:
            rows = await conn.fetch("SELECT kind FROM outbox ORDER BY id")
        return [row["kind"] for row in rows]


async def install(dsn: str, folder: Path, policies: Path) -> Installation:
    store = await Store.open(dsn)
    policy = Policy.load(policies)
    keyring = Keyring.load(folder / "master")
    passwords = Passwords(cheap=True)
    limits = Limits(store)
    jwts = Jwts(keyring, "https://gateway.test")
    ssh_authority = SshAuthority.open(folder / "ssh")
    authority = Authority.open(folder / "tls")
    endpoints = Endpoints(store, policy, keyring)
    return Installation(
        store=store,
        folder=folder,
        policy=policy,
        keyring=keyring,
        passwords=passwords,
        limits=limits,
        jwts=jwts,
        authenticator=Authenticator(
            store=store,
            policy=policy,
            passwords=passwords,
            limits=limits,
            jwts=jwts,
            ssh_authority=ssh_authority,
            authority=authority,
        ),
        ssh_authority=ssh_authority,
        authority=authority,
        client_certificates=ClientCertificates(store, policy, endpoints, authority),
        tokens=Tokens(store, policy),
        people=People(store, policy, passwords),
        endpoints=endpoints,
        requests=Requests(store, policy),
        grants=Grants(store, policy),
    )


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """The shipped policy, to be edited."""
    folder = tmp_path / "policies"
    folder.mkdir()
    for name in ("model.conf", "policy.csv", "access.toml"):
        shutil.copy(ROOT / "policies" / name, folder / name)
    return folder


@pytest.fixture
async def gate(fresh_store_dsn: str, tmp_path: Path, policies: Path) -> AsyncIterator[Installation]:
    made = await install(fresh_store_dsn, tmp_path, policies)
    yield made
    made.passwords.close()
    await made.store.close()


@pytest.fixture
async def admin(gate: Installation) -> Identity:
    """The first administrator, with a password of their own."""
    made = await gate.people.first_administrator()
    assert made is not None
    name, password = made
    issued = await gate.authenticator.login(PasswordEvidence(name, password, "127.0.0.1"))
    identity = await gate.authenticator.authenticate(BearerEvidence(issued.bearer, "127.0.0.1"))
    await gate.people.set_password(identity, name, Secret("a password"))
    return identity


@pytest.fixture
async def engineer(gate: Installation, admin: Identity) -> Identity:
    return await gate.person(admin, "engineer", "engineer")


@pytest.fixture
async def approver(gate: Installation, admin: Identity) -> Identity:
    return await gate.person(admin, "approver", "approver")


@pytest.fixture
async def orders(gate: Installation, admin: Identity) -> Endpoint:
    return await gate.endpoint(admin, "orders-db", env="prod", team="payments")
