"""What both sides of the door negotiate: modern algorithms only, AES-GCM first, no compression.

chacha20-poly1305 is left out where AES-GCM is there: it is the slower one, and the one that a prefix
truncation (CVE-2023-48795) needs without strict key exchange. CBC, SHA-1 and RSA signatures over it are out.
"""

from __future__ import annotations

from typing import Final

from asyncssh.kex import get_kex_algs

_KEX: Final = (
    "mlkem768x25519-sha256",
    "sntrup761x25519-sha512",
    "sntrup761x25519-sha512@openssh.com",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
)
_KNOWN: Final = frozenset(name.decode() for name in get_kex_algs())

KEX: Final = tuple(name for name in _KEX if name in _KNOWN)
"""The post-quantum ones only where a library for them is there."""

KEX_OF_PRODUCTION: Final = (*KEX, "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521")
"""Hosts in FIPS mode offer nothing else."""

ENCRYPTION: Final = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes256-ctr",
    "aes128-ctr",
)
MACS: Final = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com")
"""Of the ciphers that are not authenticated by themselves."""

SIGNATURES: Final = (
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
"""By which people and hosts may prove their keys."""

HOST_KEYS: Final = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
"""Which key of a host is pinned, best first."""

OF_KIND: Final = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}
"""Kind of a key → the signatures it makes, where they are not called like it."""


def signatures_of(kind: str) -> tuple[str, ...]:
    """Return by which algorithms a host proves a key of this kind."""
    return OF_KIND.get(kind, (kind,))
