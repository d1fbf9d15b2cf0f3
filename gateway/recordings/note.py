"""Signed notes (C2SP signed-note): a text, a blank line, and signature lines that anyone can check.

Only Ed25519 signatures (type 0x01) are made and understood; lines of other keys are passed over, as the
specification asks.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.domain.errors import ProofBroken

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_ED25519 = b"\x01"
_KEY_BYTES = 32
_MAX_SIGNATURES = 100
_DASH = "— "


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key as the verifiers of notes share it: ``NAME+ID+KEY``.

    Attributes:
        name: the signer's name, without spaces and plus signs.
        public: its key.
    """

    name: str
    public: Ed25519PublicKey = field(repr=False)

    @property
    def _raw(self) -> bytes:
        return _ED25519 + self.public.public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def key_id(self) -> bytes:
        """Four bytes that name the key: of SHA-256 over name, newline, type and key."""
        return hashlib.sha256(self.name.encode() + b"\n" + self._raw).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self._raw).decode()}"

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """Return the key that a text writes down.

        Raises:
            ProofBroken: it is malformed, of another type, or its id is not the key's.
        """
        parts = text.strip().split("+", 2)
        try:
            name, key_id, encoded = parts
            raw = base64.b64decode(encoded, validate=True)
            if raw[:1] != _ED25519 or len(raw) != 1 + _KEY_BYTES or not _is_name(name):
                raise ProofBroken(f"{text!r} is not an Ed25519 key of a signed note")
            found = cls(name, Ed25519PublicKey.from_public_bytes(raw[1:]))
        except ValueError as error:
            raise ProofBroken(f"{text!r} is not a key of a signed note") from error
        if found.key_id.hex() != key_id:
            raise ProofBroken(f"the id in {text!r} is not the key's")
        return found


@dataclass(frozen=True, slots=True)
class Signed:
    """A note whose signature was checked.

    Attributes:
        text: what was signed, with its final newline.
        by: the keys whose signatures were found good.
    """

    text: str
    by: tuple[Verifier, ...]


def sign(text: str, name: str, keys: Sequence[Ed25519PrivateKey]) -> str:
    """Return a text with signatures.

    Args:
        text: ends with a newline; no other controls.
        name: the signer's.
        keys: one signature line each.

    Raises:
        ValueError: text or name can't stand in a note.
    """
    if not _is_text(text) or not _is_name(name):
        raise ValueError("such a text or name can't be signed as a note")
    lines = []
    for key in keys:
        verifier = Verifier(name, key.public_key())
        signature = base64.b64encode(verifier.key_id + key.sign(text.encode())).decode()
        lines.append(f"{_DASH}{name} {signature}\n")
    return f"{text}\n{''.join(lines)}"


def open_note(note: str, verifiers: Iterable[Verifier]) -> Signed:
    """Check a note's signatures.

    Args:
        note: text, blank line, signature lines.
        verifiers: keys that are trusted.

    Raises:
        ProofBroken: the note is malformed, a trusted key's signature is wrong, or none is of a trusted key.
    """
    text, signatures = _split(note)
    trusted = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    good: dict[tuple[str, bytes], Verifier] = {}
    for name, key_id, signature in signatures:
        verifier = trusted.get((name, key_id))
        if verifier is None:
            continue
        try:
            verifier.public.verify(signature, text.encode())
        except InvalidSignature as error:
            raise ProofBroken(f"the signature of {name}+{key_id.hex()} is wrong") from error
        good[name, key_id] = verifier
    if not good:
        names = ", ".join(f"{name}+{key_id.hex()}" for name, key_id, _ in signatures)
        raise ProofBroken(f"no signature is of a trusted key (signed by {names})")
    return Signed(text, tuple(good.values()))


def text_of(note: str) -> str:
    """Return a note's text, its signatures unchecked.

    Raises:
        ProofBroken: the note is malformed.
    """
    return _split(note)[0]


def split_notes(text: str) -> list[str]:
    """Return the notes that stand one behind the other in a text, as a file witness keeps them."""
    notes: list[str] = []
    lines: list[str] = []
    signed = False
    for line in text.splitlines(keepends=True):
        if signed and not line.startswith(_DASH):
            notes.append("".join(lines))
            lines, signed = [], False
        if not lines and not line.strip():
            continue
        lines.append(line if line.endswith("\n") else line + "\n")
        signed = line.startswith(_DASH)
    if lines:
        notes.append("".join(lines))
    return notes


def _split(note: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    body, blank, tail = note.rpartition("\n\n")
    text = body + "\n"
    if not blank or not tail.endswith("\n") or not _is_text(text):
        raise ProofBroken("this is not a signed note")
    lines = tail[:-1].split("\n")
    if len(lines) > _MAX_SIGNATURES:
        raise ProofBroken("a signed note has too many signatures")
    signatures = []
    for line in lines:
        name, _, encoded = line.removeprefix(_DASH).partition(" ")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise ProofBroken("a signature line is malformed") from error
        if not line.startswith(_DASH) or not _is_name(name) or len(raw) < 5:
            raise ProofBroken("a signature line is malformed")
        signatures.append((name, raw[:4], raw[4:]))
    return text, signatures


def _is_name(name: str) -> bool:
    return bool(name) and not any(character.isspace() or character == "+" for character in name)


def _is_text(text: str) -> bool:
    return text.endswith("\n") and not any(character < " " and character != "\n" for character in text)
