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

from gateway.domain.errors import ConfigurationBroken
from gateway.transport import authority as room
from gateway.transport.authority import Authority
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
