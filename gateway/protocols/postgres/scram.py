"""SCRAM-SHA-256 and -PLUS, the client's side, sans-I/O (RFC 5802, 7677, 5929 tls-server-end-point)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import stringprep
import unicodedata
from functools import lru_cache
from typing import Final

from gateway.domain.errors import UpstreamUnavailable
from gateway.domain.secret import Secret

PLAIN: Final = "SCRAM-SHA-256"
PLUS: Final = "SCRAM-SHA-256-PLUS"
MOST_ITERATIONS: Final = 1_000_000
"""More would let a false server hold up the gateway; PostgreSQL's default is 4096."""


class ScramClient:
    """One exchange: ``first()`` → server's answer → ``final(…)`` → server's answer → ``verify(…)``.

    Args:
        password: the gateway's credential.
        binding: hash of the server's certificate where the connection has TLS and the server offers -PLUS.
        offered: whether we could have bound the channel had the server offered it.
        nonce: for tests only.
    """

    def __init__(
        self, password: Secret, *, binding: bytes | None = None, offered: bool = False, nonce: str = ""
    ) -> None:
        self._password = password
        self._nonce = nonce or base64.b64encode(secrets.token_bytes(18)).decode()
        # "y": we could bind and believe that the server can't; a server that can then knows of a man between.
        flag = "p=tls-server-end-point,," if binding is not None else ("y,," if offered else "n,,")
        self._header = flag.encode()
        self._binding = binding or b""
        self._server_signature = b""

    @property
    def mechanism(self) -> str:
        """The name of the mechanism to ask for."""
        return PLUS if self._header.startswith(b"p") else PLAIN

    def first(self) -> bytes:
        """Return the client-first-message; the name is left to the start-up packet, as PostgreSQL has it."""
        return self._header + self._first_bare()

    def _first_bare(self) -> bytes:
        return f"n=,r={self._nonce}".encode()

    def final(self, server_first: bytes) -> bytes:
        """Return the client-final-message.

        Raises:
            UpstreamUnavailable: the server's message makes no sense.
        """
        fields = _attributes(server_first)
        nonce, salt, count = fields.get("r", ""), _decoded(fields.get("s", "")), fields.get("i", "")
        if not nonce.startswith(self._nonce) or nonce == self._nonce or not salt:
            raise UpstreamUnavailable("production's SCRAM answer is not for us")
        if not count.isdecimal() or not 1 <= int(count) <= MOST_ITERATIONS:
            raise UpstreamUnavailable("production's SCRAM answer has no usable iteration count")
        client_key, server_key = _keys(_prepared(self._password.reveal()), salt, int(count))
        channel = base64.b64encode(self._header + self._binding)
        without_proof = b"c=" + channel + b",r=" + nonce.encode()
        signed = self._first_bare() + b"," + server_first + b"," + without_proof
        signature = hmac.digest(hashlib.sha256(client_key).digest(), signed, "sha256")
        proof = bytes(left ^ right for left, right in zip(client_key, signature, strict=True))
        self._server_signature = hmac.digest(server_key, signed, "sha256")
        return without_proof + b",p=" + base64.b64encode(proof)

    def verify(self, server_final: bytes) -> None:
        """Make sure that the server knows the password too.

        Raises:
            UpstreamUnavailable: it doesn't.
        """
        given = _decoded(_attributes(server_final).get("v", ""))
        if not self._server_signature or not hmac.compare_digest(given, self._server_signature):
            raise UpstreamUnavailable(
                "production could not prove that it knows the gateway's password",
                hint="is the endpoint's address right?",
            )


@lru_cache(maxsize=64)
def _keys(password: bytes, salt: bytes, iterations: int) -> tuple[bytes, bytes]:
    """Stretch the password: milliseconds of work, the same for every connection to one endpoint."""
    salted = hashlib.pbkdf2_hmac("sha256", password, salt, iterations)
    return hmac.digest(salted, b"Client Key", "sha256"), hmac.digest(salted, b"Server Key", "sha256")


def _attributes(data: bytes) -> dict[str, str]:
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        raise UpstreamUnavailable("production's SCRAM answer is not text") from None
    return {part[:1]: part[2:] for part in text.split(",") if part[1:2] == "="}


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _prepared(password: bytes) -> bytes:
    """SASLprep (RFC 4013); what it forbids is used as it is, as PostgreSQL does."""
    try:
        text = password.decode("utf-8")
    except UnicodeDecodeError:
        return password
    if text.isascii():
        return password
    mapped = "".join(
        " " if stringprep.in_table_c12(sign) else sign for sign in text if not stringprep.in_table_b1(sign)
    )
    normal = unicodedata.normalize("NFKC", mapped)
    forbidden = (
        stringprep.in_table_a1,
        stringprep.in_table_c12,
        stringprep.in_table_c21_c22,
        stringprep.in_table_c3,
        stringprep.in_table_c4,
        stringprep.in_table_c5,
        stringprep.in_table_c6,
        stringprep.in_table_c7,
        stringprep.in_table_c8,
        stringprep.in_table_c9,
    )
    if not normal or any(table(sign) for sign in normal for table in forbidden):
        return password
    if any(map(stringprep.in_table_d1, normal)) and (
        any(map(stringprep.in_table_d2, normal))
        or not (stringprep.in_table_d1(normal[0]) and stringprep.in_table_d1(normal[-1]))
    ):
        return password
    return normal.encode()
