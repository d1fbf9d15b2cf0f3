"""The gateway's own keys: they seal secrets at rest and sign checkpoints and tokens.

A key ring is a small JSON document, in a file of mode 0600 or in an environment variable. Every key has an
id and a purpose; the newest of a purpose is used, older ones still open and verify.
"""

from __future__ import annotations

import base64
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.domain.errors import ConfigurationBroken, ProofBroken

MASTER = "master"
CHECKPOINTS = "checkpoints"
TOKENS = "tokens"
PURPOSES = (MASTER, CHECKPOINTS, TOKENS)

_MAGIC = b"GGS1"
_NONCE_BYTES = 12
_TAG_BYTES = 16


class _Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    purpose: str
    algorithm: Literal["aes-256-gcm", "ed25519"]
    secret: str
    """32 bytes, base64."""


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Literal[1]
    keys: tuple[_Key, ...]


@final
@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key with its id.

    Attributes:
        id: stable, unique within the ring.
        private: for signing.
    """

    id: str
    private: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> Ed25519PublicKey:
        """The half that verifies."""
        return self.private.public_key()


@final
class Keyring:
    """Seals, opens and signs with the gateway's own keys; its repr shows ids only.

    Args:
        document: the parsed key ring.
        path: the file it came from, None where it came from the environment.
    """

    __slots__ = ("_document", "_masters", "_path", "_signing")

    def __init__(self, document: _Document, path: Path | None = None) -> None:
        self._document = document
        self._path = path
        self._masters: dict[str, AESGCM] = {}
        self._signing: dict[str, list[SigningKey]] = {}
        for key in document.keys:
            raw = _secret(key)
            if key.algorithm == "aes-256-gcm":
                self._masters[key.id] = AESGCM(raw)
            else:
                signing = SigningKey(key.id, Ed25519PrivateKey.from_private_bytes(raw))
                self._signing.setdefault(key.purpose, []).append(signing)
        if not self._masters:
            raise ConfigurationBroken("the key ring holds no master key", hint="restore it from your backup")

    @classmethod
    def load(cls, source: Path | str) -> Keyring:
        """Read the key ring; a file that is not there yet is made, with new keys and mode 0600.

        Args:
            source: a path, or ``env:NAME`` for an environment variable that holds the JSON document.

        Raises:
            ConfigurationBroken: it can't be read, is malformed, or others may read the file.
        """
        if isinstance(source, str) and source.startswith("env:"):
            name = source.removeprefix("env:")
            text = os.environ.get(name)
            if text is None:
                raise ConfigurationBroken(f"the environment has no key ring in {name}", hint=f"set {name}")
            return cls(_parse(text.encode(), source))
        path = Path(source)
        if not path.exists():
            _create(path, _encode(_Document(1, tuple(_new_key(purpose) for purpose in PURPOSES))))
        return cls(_parse(_read(path), str(path)), path)

    def seal(self, plaintext: bytes, *, purpose: str) -> bytes:
        """Encrypt with the newest master key.

        Args:
            plaintext: any bytes.
            purpose: what the secret is for; the same must be said to open it.

        Returns:
            Magic, key id, nonce and AES-256-GCM ciphertext.
        """
        key_id = next(reversed(self._masters))
        nonce = secrets.token_bytes(_NONCE_BYTES)
        header = _MAGIC + bytes([len(key_id)]) + key_id.encode()
        return header + nonce + self._masters[key_id].encrypt(nonce, plaintext, header + purpose.encode())

    def open(self, sealed: bytes, *, purpose: str) -> bytes:
        """Decrypt what :meth:`seal` made.

        Args:
            sealed: its result.
            purpose: as given then.

        Raises:
            ProofBroken: it was altered, is of another purpose, or its key is not in this ring.
        """
        if not sealed.startswith(_MAGIC) or len(sealed) < len(_MAGIC) + 1 + _NONCE_BYTES + _TAG_BYTES:
            raise ProofBroken("a sealed secret is malformed")
        end = len(_MAGIC) + 1 + sealed[len(_MAGIC)]
        header, nonce, body = sealed[:end], sealed[end : end + _NONCE_BYTES], sealed[end + _NONCE_BYTES :]
        key_id = header[len(_MAGIC) + 1 :].decode(errors="replace")
        cipher = self._masters.get(key_id)
        if cipher is None:
            raise ProofBroken(
                f"a secret is sealed with master key {key_id!r}, which this key ring does not hold",
                hint="start the gateway with the key ring that belongs to this store",
            )
        try:
            return cipher.decrypt(nonce, body, header + purpose.encode())
        except (InvalidTag, ValueError) as error:
            raise ProofBroken("a sealed secret was altered, or belongs to something else") from error

    def signing(self, purpose: str) -> SigningKey:
        """Return the newest signing key of a purpose.

        Args:
            purpose: ``checkpoints`` or ``tokens``.

        Raises:
            ConfigurationBroken: the ring has none.
        """
        keys = self._signing.get(purpose)
        if not keys:
            raise ConfigurationBroken(
                f"the key ring holds no key that signs {purpose}", hint="restore it from your backup"
            )
        return keys[-1]

    def verifying(self, purpose: str) -> tuple[SigningKey, ...]:
        """Return every signing key of a purpose, oldest first, to verify what older ones signed."""
        return tuple(self._signing.get(purpose, ()))

    @property
    def ids(self) -> tuple[tuple[str, str], ...]:
        """Purpose and id of every key, oldest first; no secret."""
        return tuple((key.purpose, key.id) for key in self._document.keys)

    def rotated(self, purpose: str) -> Keyring:
        """Add a new key, which is used from now on; older ones still open and verify.

        Args:
            purpose: ``master``, ``checkpoints`` or ``tokens``.

        Returns:
            The new ring, written to the file it came from.

        Raises:
            ConfigurationBroken: the ring came from the environment, or the file can't be written.
        """
        if self._path is None:
            raise ConfigurationBroken(
                "the key ring came from the environment and can't be rotated here",
                hint="rotate it in a file and set the variable anew",
            )
        document = _Document(1, (*self._document.keys, _new_key(purpose)))
        _create(self._path, _encode(document), replace=True)
        return Keyring(document, self._path)

    def document(self) -> bytes:
        """Return the whole key ring with its secrets as JSON, for a backup that was asked to hold it."""
        return _encode(self._document)

    def __repr__(self) -> str:
        return f"Keyring({', '.join(f'{purpose}:{key_id}' for purpose, key_id in self.ids)})"

    def __reduce__(self) -> str:
        raise TypeError("a key ring is never serialised")


def _new_key(purpose: str) -> _Key:
    if purpose not in PURPOSES:
        raise ConfigurationBroken(
            f"there is no key of purpose {purpose!r}", hint=f"one of {', '.join(PURPOSES)}"
        )
    return _Key(
        id=f"{purpose[0]}{secrets.token_hex(4)}",
        purpose=purpose,
        algorithm="aes-256-gcm" if purpose == MASTER else "ed25519",
        secret=base64.b64encode(secrets.token_bytes(32)).decode(),
    )


def _secret(key: _Key) -> bytes:
    try:
        raw = base64.b64decode(key.secret, validate=True)
    except ValueError:
        raw = b""
    if len(raw) != 32 or not 0 < len(key.id.encode()) < 256:
        raise ConfigurationBroken(
            f"key {key.id!r} of the key ring is not 32 bytes in base64", hint="restore it from your backup"
        )
    return raw


def _encode(document: _Document) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _parse(text: bytes, source: str) -> _Document:
    try:
        document = msgspec.json.decode(text, type=_Document)
    except msgspec.DecodeError as error:
        raise ConfigurationBroken(
            f"the key ring in {source} is malformed: {error}", hint="restore it from your backup"
        ) from error
    if len({key.id for key in document.keys}) != len(document.keys):
        raise ConfigurationBroken(
            f"the key ring in {source} names a key twice", hint="restore it from your backup"
        )
    return document


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigurationBroken(
                f"others on this machine may read the key ring {path}", hint=f"chmod 600 {path}"
            )
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationBroken(
            f"the key ring {path} can't be read: {error.strerror}", hint="check the path and its owner"
        ) from error


def _create(path: Path, text: bytes, *, replace: bool = False) -> None:
    """Write whole or not at all, synced; where two processes start at once, the first one's file stays."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                draft.replace(path)
            else:
                os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink(missing_ok=True)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise ConfigurationBroken(
            f"the key ring {path} can't be written: {error.strerror}", hint="check the folder and its owner"
        ) from error
