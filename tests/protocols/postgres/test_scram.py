"""SCRAM against the example of RFC 7677 and against a server that lies."""

from __future__ import annotations

import pytest

from gateway.domain.errors import UpstreamUnavailable
from gateway.domain.secret import Secret
from gateway.protocols.postgres.scram import PLAIN, PLUS, ScramClient, _prepared

NONCE = "rOprNGfwEbeRWgbNEkqO"
FIRST = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"


def test_the_rfcs_numbers_of_salt_and_iterations_give_a_proof_that_the_server_accepts() -> None:
    # RFC 7677 section 3 names the user in the first message; PostgreSQL leaves the name empty there.
    client = ScramClient(Secret("pencil"), nonce=NONCE)
    client._first_bare = f"n=user,r={NONCE}".encode  # type: ignore[method-assign]
    final = client.final(FIRST)
    assert final.endswith(b",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    client.verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


def test_a_server_that_does_not_know_the_password_is_found_out() -> None:
    client = ScramClient(Secret("pencil"), nonce=NONCE)
    client.final(FIRST)
    with pytest.raises(UpstreamUnavailable, match="could not prove"):
        client.verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    with pytest.raises(UpstreamUnavailable):
        ScramClient(Secret("pencil")).verify(b"v=")


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        FIRST.replace(b"i=4096", b"i=0"),
        FIRST.replace(b"i=4096", b"i=99999999"),
        FIRST.replace(b"W22Z", b"!!!!"),
        b"\xff",
        f"r={NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096".encode(),
    ],
)
def test_nonsense_is_refused(first: bytes) -> None:
    with pytest.raises(UpstreamUnavailable):
        ScramClient(Secret("pencil"), nonce=NONCE).final(first)


def test_the_channel_is_bound_where_it_can_be() -> None:
    assert ScramClient(Secret("x"), binding=b"hash").mechanism == PLUS
    assert ScramClient(Secret("x"), binding=b"hash").first().startswith(b"p=tls-server-end-point,,")
    assert ScramClient(Secret("x"), offered=True).first().startswith(b"y,,")
    assert ScramClient(Secret("x")).mechanism == PLAIN


@pytest.mark.parametrize(
    ("given", "prepared"),
    [
        ("pencil", "pencil"),
        ("I\u00adX", "IX"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
        ("\u0627\u0031", "\u0627\u0031"),
    ],
)
def test_passwords_are_prepared(given: str, prepared: str) -> None:
    assert _prepared(given.encode()) == prepared.encode()
