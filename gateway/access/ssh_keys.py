"""The public keys of people: registered by themselves, each with a ledger leaf."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.access import words
from gateway.access.decisions import Decision, write_down
from gateway.access.presence import require_login
from gateway.access.tokens import digest
from gateway.domain.errors import Conflict, InvalidInput, NotAuthorised, NotFound
from gateway.domain.identity import IdentityKind
from gateway.store import people, ssh_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.access.policy import Policy
    from gateway.domain.identity import Identity
    from gateway.domain.ids import IdentityId
    from gateway.store.pool import Connection, Store
    from gateway.store.ssh_keys import SshKey

TYPES: Final = (
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-rsa",
)
"""Kinds of keys that may be registered; RSA keys sign with SHA-2 only."""
LEAST_RSA_BITS: Final = 2048
LONGEST_LINE: Final = 8192
_HINT: Final = "give the file that ends in .pub, such as ~/.ssh/id_ed25519.pub"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key as its owner gave it.

    Attributes:
        kind: one of ``TYPES``.
        blob: in its wire form.
        comment: what stood behind it.
    """

    kind: str
    blob: bytes
    comment: str


def fingerprint_text(fingerprint: bytes) -> str:
    """Return a SHA-256 as OpenSSH shows it: ``SHA256:…``."""
    return "SHA256:" + base64.b64encode(fingerprint).decode().rstrip("=")


def kind_of(blob: bytes) -> str:
    """Return the kind of a key that was read by ``read_public_key``."""
    return blob[4 : 4 + int.from_bytes(blob[:4], "big")].decode()


def read_public_key(line: str) -> PublicKey:
    """Read a line as a ``.pub`` file holds it.

    Raises:
        InvalidInput: it is none, of a kind that is not taken, or too weak.
    """
    kind, _, rest = line.strip().partition(" ")
    encoded, _, comment = rest.strip().partition(" ")
    if "PRIVATE KEY" in line:
        raise InvalidInput("that is a private key, which belongs to nobody but you", hint=_HINT)
    if len(line) > LONGEST_LINE or "\n" in line.strip() or not encoded:
        raise InvalidInput("that is no public key", hint=_HINT)
    if kind not in TYPES:
        raise InvalidInput(f"keys of the kind {kind[:40]!r} are not taken", hint="ssh-keygen -t ed25519")
    try:
        blob = base64.b64decode(encoded, validate=True)
        key = serialization.load_ssh_public_key(f"{kind} {encoded}".encode())
    except (binascii.Error, ValueError, UnsupportedAlgorithm) as error:
        raise InvalidInput("that is no public key", hint=_HINT) from error
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < LEAST_RSA_BITS:
        raise InvalidInput(f"an RSA key of {key.key_size} bits is too weak", hint="ssh-keygen -t ed25519")
    return PublicKey(kind, blob, comment.strip())


@final
class SshKeys:
    """Registers, lists and removes keys.

    Args:
        store: where they are kept.
        policy: who may.
    """

    def __init__(self, store: Store, policy: Policy) -> None:
        self._store = store
        self._policy = policy

    async def add(self, identity: Identity, line: str, *, label: str = "", name: str = "") -> SshKey:
        """Register a key.

        Args:
            identity: who asks, with a login of their own.
            line: as a ``.pub`` file holds it.
            label: what it is called; empty: the key's own comment.
            name: whose it is to be; empty: the caller's own. A service's, agent's or pipeline's takes
                ``administer``; another person's nobody registers.

        Raises:
            InvalidInput: that is no key, or one too weak.
            Conflict: it is registered already.
            NotAuthorised: policy, or the credential shown, does not allow it.
            NotFound: nobody of that name.
        """
        key = read_public_key(line)
        label = words.sentence(label or key.comment, "label", longest=100)
        await self._policy.require(identity, "connect")
        async with self._store.transaction() as conn:
            await require_login(conn, identity, "keys are registered")
            owner = identity.id
            if name and name != identity.name:
                owner = await self._other(conn, identity, name)
            added = await ssh_keys.add_key(conn, owner, digest(key.blob), key.blob, label)
            if added is None:
                raise Conflict("that key is registered already", hint="glassgate key list")
            await write_down(conn, _decided("added", identity, added))
        return added

    async def _other(self, conn: Connection, identity: Identity, name: str) -> IdentityId:
        await self._policy.require(identity, "administer")
        person = await people.person_by_name(conn, name) if words.NAME.fullmatch(name) else None
        if person is None:
            raise NotFound("nobody of that name", hint="glassgate person list")
        if person.kind is IdentityKind.PERSON:
            raise NotAuthorised(
                "nobody registers another person's key", hint=f"{name} does it with their own login"
            )
        return person.id

    async def list(self, identity: Identity) -> Sequence[SshKey]:
        """Return registered keys: one's own, everybody's for who may administer."""
        permissions = await self._policy.permissions(identity)
        async with self._store.connection() as conn:
            return await ssh_keys.list_keys(conn, None if permissions.allows("administer") else identity.id)

    async def remove(self, identity: Identity, number: int) -> SshKey:
        """Remove a key at once; another's takes ``administer``. Its sessions end with their grants.

        Returns:
            What it was.

        Raises:
            NotFound: no such key, or another's.
        """
        permissions = await self._policy.permissions(identity)
        async with self._store.transaction() as conn:
            key = await ssh_keys.key_by_id(conn, number)
            if key is None or (key.person != identity.id and not permissions.allows("administer")):
                raise NotFound(f"no key {number}", hint="glassgate key list")
            await ssh_keys.remove_key(conn, number)
            await write_down(conn, _decided("removed", identity, key))
        return key


def _decided(step: str, identity: Identity, key: SshKey) -> Decision:
    shown = fingerprint_text(key.fingerprint)
    return Decision(
        f"access.ssh-key-{step}",
        identity.name,
        f"{identity.name} {step} the SSH key {shown} of {key.person_name}",
        {
            "key": key.id,
            "person": key.person_name,
            "kind": kind_of(key.public_key),
            "fingerprint": shown,
            "label": key.label,
        },
        pages=step == "added",
    )
