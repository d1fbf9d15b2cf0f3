"""Checkpoints (C2SP tlog-checkpoint): the ledger's root at one size, as a signed note."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.domain.errors import ProofBroken
from gateway.domain.merkle import HASH_BYTES
from gateway.recordings import note
from gateway.store.keyring import CHECKPOINTS, Keyring

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class TreeHead:
    """What a checkpoint says.

    Attributes:
        origin: which ledger.
        size: leaves.
        root: root hash, 32 bytes.
    """

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> TreeHead:
        """Return what a checkpoint's text says; extension lines are passed over.

        Raises:
            ProofBroken: it is no checkpoint.
        """
        lines = text.split("\n")
        if len(lines) < 4 or not lines[0]:
            raise ProofBroken("this is not a checkpoint")
        origin, size, encoded = lines[:3]
        try:
            root = base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise ProofBroken("a checkpoint's root is malformed") from error
        if not size.isdecimal() or not size.isascii() or size != str(int(size)) or len(root) != HASH_BYTES:
            raise ProofBroken("a checkpoint's size or root is malformed")
        return cls(origin, int(size), root)


def verifiers(keyring: Keyring, origin: str) -> tuple[note.Verifier, ...]:
    """Return every key that may have signed this ledger's checkpoints, oldest first."""
    return tuple(note.Verifier(origin, key.public) for key in keyring.verifying(CHECKPOINTS))


def sign(head: TreeHead, keyring: Keyring) -> str:
    """Return a checkpoint, signed with the newest key and with the one before it.

    Who trusts only the older key can still check it after a rotation, and learns the newer one from the
    ledger.
    """
    keys = keyring.verifying(CHECKPOINTS)[-2:]
    return note.sign(head.text, head.origin, [key.private for key in reversed(keys)])


def open_checkpoint(text: str, trusted: Iterable[note.Verifier]) -> TreeHead:
    """Check a checkpoint's signature and return what it says.

    Raises:
        ProofBroken: it is malformed or not signed by a trusted key.
    """
    return TreeHead.parse(note.open_note(text, trusted).text)


def read_unsigned(text: str) -> TreeHead:
    """Return what a checkpoint says without checking its signature: its source is what is trusted.

    Raises:
        ProofBroken: it is malformed.
    """
    return TreeHead.parse(note.text_of(text))
