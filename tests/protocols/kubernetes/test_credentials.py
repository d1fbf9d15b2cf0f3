"""An endpoint's secret: which shapes it has, and that a wrong one is told without its content."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import trustme

from gateway.domain.errors import ConfigurationBroken, UpstreamUnavailable
from gateway.domain.secret import Secret
from gateway.protocols.kubernetes import credentials
from gateway.protocols.kubernetes.credentials import Credential, credentials_of
from gateway.transport.client_certificate import identified_context

if TYPE_CHECKING:
    from pathlib import Path


def pair() -> tuple[str, str]:
    made = trustme.CA().issue_cert("gateway@example.com")
    return made.cert_chain_pems[0].bytes().decode(), made.private_key_pem.bytes().decode()


def token(credential: Credential) -> bytes:
    assert credential.token is not None
    return credential.token().reveal()


def test_a_bearer_token_alone() -> None:
    found = credentials_of(Secret("eyJhbGciOi.J9-_~+/=\n"))
    assert token(found.reader) == b"eyJhbGciOi.J9-_~+/="
    assert found.dry_runs is None


def test_a_certificate_with_its_key_as_pem() -> None:
    chain, key = pair()
    found = credentials_of(Secret(chain + key)).reader
    assert found.key is not None
    identified_context(found.certificate, found.key, verify=True)


def test_a_second_identity_for_dry_runs() -> None:
    chain, key = pair()
    secret = Secret(json.dumps({"certificate": chain, "key": key, "dry_runs": {"token": "abc"}}))
    found = credentials_of(secret)
    assert found.reader.key == Secret(key)
    assert found.dry_runs is not None
    assert token(found.dry_runs) == b"abc"


def test_a_pod_s_own_account_is_read_anew_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "ACCOUNT", tmp_path)
    (tmp_path / "ca.crt").write_text("-----BEGIN CERTIFICATE-----")
    found = credentials_of(Secret('{"in_cluster": true}')).reader
    assert found.authority == "-----BEGIN CERTIFICATE-----"
    with pytest.raises(UpstreamUnavailable):
        token(found)
    for value in (b"first", b"second"):
        (tmp_path / "token").write_bytes(value + b"\n")
        assert token(found) == value


@pytest.mark.parametrize(
    "secret",
    ["", "two words", "{}", '{"token": ""}', '{"token": "a", "in_cluster": true}', '{"token": "a\\r\\nX: y"}',
     '{"certificate": "x", "key": "y"}', '{"token": "hush", "more": 1}', '{"token": "hush", "dry_runs": {}}',
     "-----BEGIN CERTIFICATE-----", "\x00hush", "{hush"],
)  # fmt: skip
def test_anything_else_is_refused_without_being_shown(secret: str) -> None:
    with pytest.raises(UpstreamUnavailable) as refused:
        credentials_of(Secret(secret))
    assert "hush" not in refused.value.message + refused.value.hint


def test_a_key_of_another_certificate_is_told() -> None:
    (chain, _), (_, key) = pair(), pair()
    with pytest.raises(ConfigurationBroken):
        identified_context(chain, Secret(key), verify=True)
