"""Certificates of docker clients: one person, one engine, as long as the login; and clusters' tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa

from gateway.domain.endpoint import EndpointKind
from gateway.domain.errors import AuthenticationFailed, InvalidInput, NotAuthorised, NotFound
from gateway.domain.identity import (
    BearerEvidence,
    ClientCertificateEvidence,
    ClusterTokenEvidence,
    DatabaseTokenEvidence,
)
from gateway.domain.secret import Secret
from gateway.transport.authority import ClientNames

HERE = "192.0.2.7"
KEY = ec.generate_private_key(ec.SECP256R1())


def pem(key) -> str:
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def evidence(certificate: str, endpoint: str = "prod-docker") -> ClientCertificateEvidence:
    der = x509.load_pem_x509_certificate(certificate.encode()).public_bytes(serialization.Encoding.DER)
    return ClientCertificateEvidence(der, endpoint, HERE)


@pytest.fixture
async def docker(gate, admin):
    return await gate.endpoint(admin, "prod-docker", EndpointKind.DOCKER, env="prod")


async def test_a_certificate_proves_its_person_at_its_endpoint(gate, engineer, docker) -> None:
    made = await gate.client_certificates.issue(engineer, "prod-docker", pem(KEY.public_key()))
    proven = await gate.authenticator.authenticate(evidence(made.pem))
    assert (proven.name, proven.scopes, proven.credential) == ("engineer", {"connect", "request"}, made.token)
    assert made.expires_at - datetime.now(UTC) <= timedelta(hours=12)
    found = x509.load_pem_x509_certificate(made.pem.encode())
    assert found.not_valid_after_utc == made.expires_at.replace(microsecond=0)
    assert found.public_key() == KEY.public_key()
    assert "access.client-certificate-issued" in await gate.leaves()
    with pytest.raises(AuthenticationFailed):
        await gate.authenticator.authenticate(evidence(made.pem, "other-docker"))


async def test_a_certificate_ends_with_its_login_its_number_its_person_or_a_new_password(
    gate, admin, engineer, docker
) -> None:
    async def made():
        issued = await gate.client_certificates.issue(engineer, "prod-docker", pem(KEY.public_key()))
        await gate.authenticator.authenticate(evidence(issued.pem))
        return issued

    async def over(issued) -> None:
        with pytest.raises(AuthenticationFailed, match="your certificate is over"):
            await gate.authenticator.authenticate(evidence(issued.pem))

    one = await made()
    await gate.tokens.revoke(admin, one.token)
    await over(one)
    two = await made()
    await gate.people.set_password(admin, "engineer", Secret("another password"))
    await over(two)
    engineer = await gate.login("engineer", "another password")
    three = await made()
    await gate.tokens.logout(engineer)
    await over(three)
    engineer = await gate.login("engineer", "another password")
    four = await made()
    await gate.people.remove(admin, "engineer")
    await over(four)


async def test_what_the_authority_would_sign_otherwise_proves_nobody(
    gate, engineer, approver, docker
) -> None:
    """With the authority's own key in hand."""
    made = await gate.client_certificates.issue(engineer, "prod-docker", pem(KEY.public_key()))
    serial = x509.load_pem_x509_certificate(made.pem.encode()).serial_number
    for names in (
        ClientNames("engineer", "prod-docker", serial + 1),
        ClientNames("approver", "prod-docker", serial),
    ):
        signed = gate.authority.client_certificate(
            KEY.public_key(), names, datetime.now(UTC) + timedelta(hours=1)
        )
        with pytest.raises(AuthenticationFailed):
            await gate.authenticator.authenticate(evidence(signed))


async def test_only_engines_that_one_may_know_of_are_certified_for(
    gate, admin, engineer, orders, docker
) -> None:
    with pytest.raises(NotFound):
        await gate.client_certificates.issue(engineer, "unknown", pem(KEY.public_key()))
    with pytest.raises(InvalidInput, match="no Docker engine"):
        await gate.client_certificates.issue(engineer, "orders-db", pem(KEY.public_key()))
    nobody = await gate.person(admin, "nobody")
    with pytest.raises(NotAuthorised):
        await gate.client_certificates.issue(nobody, "prod-docker", pem(KEY.public_key()))


@pytest.mark.parametrize(
    "key",
    [
        ed25519.Ed25519PrivateKey.generate(),
        ec.generate_private_key(ec.SECP384R1()),
        rsa.generate_private_key(65537, 2048),
    ],
    ids=["ed25519", "p384", "rsa"],
)
async def test_other_kinds_of_keys_are_signed_too(gate, engineer, docker, key) -> None:
    made = await gate.client_certificates.issue(engineer, "prod-docker", pem(key.public_key()))
    assert (await gate.authenticator.authenticate(evidence(made.pem))).name == "engineer"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        pem(rsa.generate_private_key(65537, 1024).public_key()),
        pem(ec.generate_private_key(ec.SECP192R1()).public_key()),
        pem(dsa.generate_private_key(2048).public_key()),
        "-----BEGIN PRIVATE KEY-----",
    ],
)
async def test_weak_keys_and_what_is_none_are_refused(gate, engineer, docker, text) -> None:
    with pytest.raises(InvalidInput):
        await gate.client_certificates.issue(engineer, "prod-docker", text)


@pytest.mark.parametrize("lives", [timedelta(0), timedelta(hours=13), timedelta(days=-1)])
async def test_a_life_beyond_half_a_day_is_none(gate, engineer, docker, lives) -> None:
    with pytest.raises(InvalidInput, match="no life"):
        await gate.client_certificates.issue(engineer, "prod-docker", pem(KEY.public_key()), lives)


async def test_a_short_life_is_kept(gate, engineer, docker) -> None:
    made = await gate.client_certificates.issue(
        engineer, "prod-docker", pem(KEY.public_key()), timedelta(hours=1)
    )
    assert made.expires_at - datetime.now(UTC) <= timedelta(hours=1)


async def test_a_clusters_token_serves_at_its_door_alone(gate, engineer) -> None:
    made = await gate.tokens.cluster(engineer)
    assert made.expires_at - datetime.now(UTC) <= timedelta(hours=1)
    assert len(made.secret.reveal()) <= 64
    proven = await gate.authenticator.authenticate(ClusterTokenEvidence(made.secret, HERE))
    assert (proven.name, proven.scopes) == ("engineer", {"connect", "request", "request-secrets"})
    for elsewhere in (
        BearerEvidence(made.secret, HERE),
        DatabaseTokenEvidence("engineer", made.secret, HERE),
    ):
        with pytest.raises(AuthenticationFailed):
            await gate.authenticator.authenticate(elsewhere)
    await gate.tokens.logout(engineer)
    with pytest.raises(AuthenticationFailed):
        await gate.authenticator.authenticate(ClusterTokenEvidence(made.secret, HERE))


async def test_a_cluster_takes_a_machines_token_and_no_other(gate, engineer) -> None:
    machine = await gate.tokens.machine(engineer, label="ci", lives=timedelta(days=1), scopes=["connect"])
    proven = await gate.authenticator.authenticate(ClusterTokenEvidence(machine.secret, HERE))
    assert proven.scopes == {"connect"}
    database = await gate.tokens.database(engineer)
    with pytest.raises(AuthenticationFailed):
        await gate.authenticator.authenticate(ClusterTokenEvidence(database.secret, HERE))
