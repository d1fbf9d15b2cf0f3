"""Where endpoints are: sockets, URLs, credentials; and which options say nothing of a kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import trustme

from gateway.cli.places import Place, Told, place_of
from gateway.domain.errors import InvalidInput

ISSUED = trustme.CA().issue_cert("reader")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    ISSUED.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    ISSUED.private_key_pem.write_to_path(tmp_path / "key.pem")
    (tmp_path / "token").write_text("reader-token\n")
    (tmp_path / "tries").write_text("tries-token\n")
    (tmp_path / "ca.pem").write_text("an authority")
    return tmp_path


@pytest.mark.parametrize("host", ["/run/docker.sock", "unix:///run/docker.sock"])
def test_an_engines_socket_is_a_path_without_port_or_tls(host: str) -> None:
    assert place_of("docker", Told(host=host)) == Place("/run/docker.sock", 0, "off", "", "")


@pytest.mark.parametrize(
    ("told", "host", "port"),
    [
        (Told(host="tcp://docker.internal:2377"), "docker.internal", 2377),
        (Told(host="tcp://docker.internal"), "docker.internal", 2376),
        (Told(host="docker.internal", port=4243), "docker.internal", 4243),
        (Told(host="tcp://[2001:db8::1]:2376"), "2001:db8::1", 2376),
    ],
)
def test_an_engine_is_named_as_docker_names_it(told: Told, host: str, port: int) -> None:
    place = place_of("docker", told)
    assert (place.host, place.port, place.tls, place.secret) == (host, port, "verify-full", None)


def test_an_engine_is_shown_a_certificate(files: Path) -> None:
    place = place_of(
        "docker",
        Told(
            host="tcp://docker.internal",
            ca_file=files / "ca.pem",
            client_certificate=files / "cert.pem",
            client_key=files / "key.pem",
        ),
    )
    assert place.ca == "an authority"
    assert json.loads(place.secret or "") == {
        "certificate": (files / "cert.pem").read_text(),
        "key": (files / "key.pem").read_text(),
    }
    assert "KEY" not in repr(place)


def test_a_cluster_is_read_with_one_token_and_tried_with_another(files: Path) -> None:
    told = Told(
        server="https://k8s.internal:6443", token_file=files / "token", dry_run_token_file=files / "tries"
    )
    place = place_of("kubernetes", told)
    assert (place.host, place.port, place.tls) == ("k8s.internal", 6443, "verify-full")
    assert json.loads(place.secret or "") == {"token": "reader-token", "dry_runs": {"token": "tries-token"}}


def test_a_cluster_without_a_port_is_at_https_own() -> None:
    assert place_of("kubernetes", Told(server="https://k8s.internal")).port == 443


def test_the_gateways_own_cluster_needs_no_address() -> None:
    place = place_of("kubernetes", Told(in_cluster=True))
    assert (place.host, place.port) == ("kubernetes.default.svc", 443)
    assert json.loads(place.secret or "") == {"in_cluster": True}


@pytest.mark.parametrize("kind", ["postgres", "ssh"])
def test_other_kinds_stay_as_they_were(kind: str) -> None:
    place = place_of(kind, Told(host="db.internal"))
    assert place == Place("db.internal", {"postgres": 5432, "ssh": 22}[kind], "verify-full", "", None)


FILE = Path("/no/such/file")


@pytest.mark.parametrize(
    ("kind", "told", "words"),
    [
        ("postgres", Told(), "--host is missing"),
        ("postgres", Told(host="x", server="https://y"), "--server says nothing"),
        ("ssh", Told(host="x", client_key=FILE), "--client-key says nothing"),
        ("docker", Told(), "--host is missing"),
        ("docker", Told(host="x", token_file=FILE), "--token-file says nothing"),
        ("docker", Told(host="x", client_key=FILE), "goes with its key"),
        ("docker", Told(host="/run/docker.sock", port=1), "neither port nor TLS"),
        ("docker", Told(host="/run/docker.sock", tls="verify-full"), "neither port nor TLS"),
        ("docker", Told(host="ssh://host"), "no tcp URL"),
        ("docker", Told(host="tcp://host:1/path"), "says more"),
        ("docker", Told(host="tcp://me@host:1"), "says more"),
        ("docker", Told(host="tcp://host:99999"), "--host"),
        ("kubernetes", Told(), "--server is missing"),
        ("kubernetes", Told(host="x"), "--host says nothing"),
        ("kubernetes", Told(server="http://x"), "no https URL"),
        ("kubernetes", Told(server="https://x/k8s/clusters/1"), "says more"),
        ("kubernetes", Told(server="https://x", context="prod"), "one of a kubeconfig"),
        ("kubernetes", Told(server="https://x", kubeconfig=FILE), "a kubeconfig says"),
        ("kubernetes", Told(server="https://x", token_file=FILE), "/no/such/file"),
        ("kubernetes", Told(server="https://x", dry_run_token_file=FILE), "give both"),
    ],
)
def test_what_can_not_be_is_named(kind: str, told: Told, words: str) -> None:
    with pytest.raises(InvalidInput) as found:
        place_of(kind, told)
    assert words in f"{found.value.message} {found.value.hint}"


def test_two_credentials_are_one_too_many(files: Path) -> None:
    with pytest.raises(InvalidInput, match="one credential"):
        place_of("kubernetes", Told(server="https://x", token_file=files / "token", in_cluster=True))
