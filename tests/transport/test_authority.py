"""The gateway's own CA: made once, its certificates verify, are replaced in time and without a restart."""

from __future__ import annotations

import contextlib
import ssl
import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.domain.errors import AuthenticationFailed, ConfigurationBroken
from gateway.transport import authority as room
from gateway.transport.authority import Authority, CertificateFiles, ClientNames, client_endpoint
from gateway.transport.tls import ServerTls, client_context

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ["localhost", "gw.example.com", "127.0.0.1", "::1"]


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def handshake(tls: ServerTls, ca: str, name: str) -> x509.Certificate:
    """Shake hands in memory; return what the server showed."""
    client_in, client_out, server_in, server_out = (ssl.MemoryBIO() for _ in range(4))
    client = client_context(verify=True, ca=ca).wrap_bio(client_in, client_out, server_hostname=name)
    server = tls.context.wrap_bio(server_in, server_out, server_side=True)
    for _ in range(4):
        for side, out, other in ((client, client_out, server_in), (server, server_out, client_in)):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
            other.write(out.read())
    return x509.load_der_x509_certificate(client.getpeercert(binary_form=True) or b"")


def test_the_authority_is_made_once_and_its_key_is_private(tmp_path: Path) -> None:
    first = Authority.open(tmp_path / "tls")
    again = Authority.open(tmp_path / "tls")
    assert first.fingerprint == again.fingerprint
    assert first.fingerprint.startswith("SHA256:")
    assert len(first.fingerprint) == len("SHA256:") + 32 * 3 - 1
    assert stat.S_IMODE((tmp_path / "tls" / "ca.key").stat().st_mode) == 0o600
    assert Authority.open(tmp_path / "other").fingerprint != first.fingerprint


def test_a_server_certificate_verifies_for_its_names_alone(tmp_path: Path) -> None:
    made = Authority.open(tmp_path)
    tls = ServerTls(made.server_certificate(NAMES))
    for name in NAMES:
        handshake(tls, made.pem, name)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tls, made.pem, "elsewhere.example.com")


def test_a_certificate_is_kept_while_it_fits_and_issued_anew_when_it_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Authority.open(tmp_path)
    serial = read(made.server_certificate(NAMES).chain).serial_number
    assert read(made.server_certificate(NAMES[:2]).chain).serial_number == serial
    other = read(made.server_certificate([*NAMES, "new.example.com"]).chain).serial_number
    assert other != serial
    monkeypatch.setattr(room, "SERVER_DAYS", 10)
    made.server_certificate([*NAMES, "short.example.com"])
    monkeypatch.undo()
    renewed = read(made.server_certificate([*NAMES, "short.example.com"]).chain)
    assert renewed.not_valid_after_utc - datetime.now(UTC) > timedelta(days=80)


def test_an_operators_own_certificate_is_left_alone(tmp_path: Path) -> None:
    made = Authority.open(tmp_path)
    files = made.server_certificate(NAMES)
    own = trustme.CA().issue_cert("gw.example.com")
    files.chain.write_bytes(own.cert_chain_pems[0].bytes())
    files.key.write_bytes(own.private_key_pem.bytes())
    before = files.chain.read_bytes()
    assert made.server_certificate(NAMES).chain.read_bytes() == before


def test_a_replaced_certificate_is_shown_without_a_restart(tmp_path: Path) -> None:
    made = Authority.open(tmp_path)
    files = made.server_certificate(NAMES)
    tls = ServerTls(files)
    before = handshake(tls, made.pem, "localhost").serial_number
    assert tls.reload() is False
    files.chain.unlink()
    made.server_certificate(NAMES)
    assert tls.reload() is True
    after = handshake(tls, made.pem, "localhost").serial_number
    assert after != before
    files.chain.write_text("not a certificate")
    assert tls.reload() is False
    assert handshake(tls, made.pem, "localhost").serial_number == after


@pytest.mark.parametrize("name", ["ca.pem", "ca.key"])
def test_a_broken_file_is_named(tmp_path: Path, name: str) -> None:
    Authority.open(tmp_path)
    (tmp_path / name).write_text("broken")
    with pytest.raises(ConfigurationBroken, match=name):
        Authority.open(tmp_path)


def test_a_name_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationBroken, match="neither a host name"):
        Authority.open(tmp_path).server_certificate(["a..b"])


def test_a_ca_of_an_endpoint_must_be_pem() -> None:
    with pytest.raises(ConfigurationBroken, match="no usable PEM"):
        client_context(verify=True, ca="nonsense")


# ---- certificates of clients ---------------------------------------------------------------------


class Proof:
    """A client's certificate and key, as files that TLS takes."""

    def __init__(self, made: Authority, folder: Path, *, hours: float = 1.0) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        names = ClientNames("ann@example.com", "prod-docker", x509.random_serial_number())
        self.names = names
        self.pem = made.client_certificate(
            key.public_key(), names, datetime.now(UTC) + timedelta(hours=hours)
        )
        self.der = x509.load_pem_x509_certificate(self.pem.encode()).public_bytes(serialization.Encoding.DER)
        self.files = CertificateFiles(folder / "cert.pem", folder / "key.pem")
        self.files.chain.write_text(self.pem)
        self.files.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )


def shown(tls: ServerTls, ca: str, files: CertificateFiles | None, version: ssl.TLSVersion) -> bytes | None:
    """Shake hands as a client that shows a certificate; return what the server then holds as proven."""
    client_in, client_out, server_in, server_out = (ssl.MemoryBIO() for _ in range(4))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=ca)
    context.maximum_version = version
    if files is not None:
        context.load_cert_chain(files.chain, files.key)
    client = context.wrap_bio(client_in, client_out, server_hostname="localhost")
    server = tls.context.wrap_bio(server_in, server_out, server_side=True)
    for _ in range(4):
        for side, out, other in ((client, client_out, server_in), (server, server_out, client_in)):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
            other.write(out.read())
    return server.getpeercert(binary_form=True)


VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


@VERSIONS
def test_a_client_proves_itself_by_a_certificate_of_this_authority(
    tmp_path: Path, version: ssl.TLSVersion
) -> None:
    made = Authority.open(tmp_path / "tls")
    tls = ServerTls(made.server_certificate(NAMES), clients=made.pem)
    proof = Proof(made, tmp_path)
    proven = shown(tls, made.pem, proof.files, version)
    assert proven == proof.der
    assert made.check_client(proven) == proof.names
    assert client_endpoint(proven) == "prod-docker"
    assert shown(tls, made.pem, None, version) is None


@VERSIONS
def test_certificates_of_servers_and_of_other_authorities_end_the_handshake(
    tmp_path: Path, version: ssl.TLSVersion
) -> None:
    made = Authority.open(tmp_path / "tls")
    files = made.server_certificate(NAMES)
    tls = ServerTls(files, clients=made.pem)
    other = Proof(Authority.open(tmp_path / "other"), tmp_path)
    over = tmp_path / "over"
    over.mkdir()
    for bad in (files, other.files, Proof(made, over, hours=-0.5).files):
        with pytest.raises(ssl.SSLCertVerificationError):
            shown(tls, made.pem, bad, version)


def test_a_clients_certificate_is_no_servers(tmp_path: Path) -> None:
    made = Authority.open(tmp_path / "tls")
    proof = Proof(made, tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError, match="unsuitable certificate purpose"):
        handshake(ServerTls(proof.files), made.pem, "localhost")


def test_what_else_the_authority_signed_is_no_clients_proof(tmp_path: Path) -> None:
    made = Authority.open(tmp_path / "tls")
    server = read(made.server_certificate(NAMES).chain).public_bytes(serialization.Encoding.DER)
    own = read(made.certificate_file).public_bytes(serialization.Encoding.DER)
    elsewhere = Proof(Authority.open(tmp_path / "other"), tmp_path).der
    over = Proof(made, tmp_path, hours=-0.5).der
    altered = bytearray(Proof(made, tmp_path).der)
    altered[-1] ^= 1
    for bad in (server, own, elsewhere, over, bytes(altered), b"", b"nonsense"):
        with pytest.raises(AuthenticationFailed):
            made.check_client(bad)
    for bad in (server, own, b"nonsense"):
        with pytest.raises(AuthenticationFailed):
            client_endpoint(bad)


def test_a_clients_certificate_says_no_more_than_it_must(tmp_path: Path) -> None:
    made = Authority.open(tmp_path / "tls")
    extensions = x509.load_der_x509_certificate(Proof(made, tmp_path).der).extensions
    purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    (name,) = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert name.value == "glassgate:ann@example.com+prod-docker"
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
