"""An operator's kubeconfig is read as kubectl reads it, or not at all."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from ruamel.yaml import YAML

from gateway.cli.credentials import bundled
from gateway.cli.kubeconfig import read_kubeconfig
from gateway.domain.errors import InvalidInput

AUTHORITY = trustme.CA()
CA = AUTHORITY.cert_pem.bytes().decode()
ISSUED = AUTHORITY.issue_cert("reader")
CERTIFICATE, KEY = ISSUED.cert_chain_pems[0].bytes().decode(), ISSUED.private_key_pem.bytes().decode()


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@dataclass
class Kubeconfig:
    """One context of a kubeconfig, as kubectl writes it."""

    cluster: str = f"server: https://k8s.internal:6443, certificate-authority-data: {encoded(CA)}"
    user: str = "token: abc.def"
    current: str = "prod"

    def write(self, folder: Path) -> Path:
        path = folder / "config"
        path.write_text(
            f"apiVersion: v1\nkind: Config\npreferences: {{}}\ncurrent-context: {self.current}\n"
            f"clusters:\n- name: c\n  cluster: {{{self.cluster}}}\n"
            f"users:\n- name: u\n  user: {{{self.user}}}\n"
            "contexts:\n- name: prod\n  context: {cluster: c, user: u, namespace: shop}\n"
            "- name: lost\n  context: {cluster: c, user: gone}\n"
        )
        return path


def secret(folder: Path, made: Kubeconfig, context: str = "") -> dict[str, str]:
    return json.loads(bundled(read_kubeconfig(made.write(folder), context).credential))


def test_server_authority_and_token_are_read(tmp_path: Path) -> None:
    found = read_kubeconfig(Kubeconfig().write(tmp_path))
    assert (found.server, found.authority) == ("https://k8s.internal:6443", CA)
    assert secret(tmp_path, Kubeconfig(current="other"), "prod") == {"token": "abc.def"}


def test_files_are_taken_from_beside_the_kubeconfig(tmp_path: Path) -> None:
    for name, text in (("ca.crt", CA), ("reader.crt", CERTIFICATE), ("reader.key", KEY), ("token", "t0\n")):
        (tmp_path / name).write_text(text)
    server = "server: https://k8s.internal:6443, certificate-authority: ca.crt"
    pair = Kubeconfig(server, "client-certificate: reader.crt, client-key: reader.key")
    assert read_kubeconfig(pair.write(tmp_path)).authority == CA
    assert secret(tmp_path, pair) == {"certificate": CERTIFICATE, "key": KEY}
    assert secret(tmp_path, Kubeconfig(user="token: older, tokenFile: token")) == {"token": "t0"}


def test_certificates_within_it_are_read(tmp_path: Path) -> None:
    user = f"client-certificate-data: {encoded(CERTIFICATE)}, client-key-data: {encoded(KEY)}"
    assert secret(tmp_path, Kubeconfig(user=user)) == {"certificate": CERTIFICATE, "key": KEY}


def test_one_written_as_json_is_read(tmp_path: Path) -> None:
    loaded = YAML(typ="safe", pure=True).load(Kubeconfig().write(tmp_path))
    path = tmp_path / "json"
    path.write_text(json.dumps(loaded))
    assert read_kubeconfig(path).server == "https://k8s.internal:6443"


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (Kubeconfig(current="none"), "no context none"),
        (Kubeconfig(current="lost"), "not there"),
        (Kubeconfig(cluster="server: https://x, insecure-skip-tls-verify: true"), "does not verify"),
        (Kubeconfig(cluster="server: https://x, tls-server-name: y"), "another name"),
        (Kubeconfig(cluster="server: https://x, proxy-url: http://p"), "a proxy"),
        (Kubeconfig(user="exec: {command: aws}"), "runs a program"),
        (Kubeconfig(user="auth-provider: {name: gcp}"), "another service"),
        (Kubeconfig(user="username: admin, password: x"), "a password"),
        (Kubeconfig(user="token: t, as: system:admin"), "somebody else"),
        (Kubeconfig(user=""), "neither a token nor"),
        (Kubeconfig(user="token: [1]"), "no kubeconfig"),
        (Kubeconfig(user="token: a b"), "no bearer token"),
        (Kubeconfig(user="client-certificate-data: '%', client-key-data: eA=="), "PEM in base64"),
        (Kubeconfig(user="tokenFile: missing"), "missing"),
        (
            Kubeconfig(user=f"client-certificate-data: {encoded(CA)}, client-key-data: {encoded(KEY)}"),
            "that key",
        ),
        (Kubeconfig(user="client-certificate-data: eA==, client-key-data: eA=="), "no client certificate"),
    ],
)
def test_what_can_not_be_used_is_named(tmp_path: Path, made: Kubeconfig, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        read_kubeconfig(made.write(tmp_path))


@pytest.mark.parametrize("text", ["", "a: [", "- 1", "a: &a [*a, *b]", "\x00", "!!python/object:os.system x"])
def test_what_is_no_kubeconfig_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(InvalidInput):
        read_kubeconfig(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="missing"):
        read_kubeconfig(tmp_path / "missing")
