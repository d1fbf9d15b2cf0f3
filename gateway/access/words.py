"""Text from people becomes a value here, at the edge: bounded, one line, nothing that hides or commands."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from gateway.domain.errors import InvalidInput

NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{0,62}")
ENDPOINT_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")
_EMAIL: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
)
_JOINERS: Final = frozenset("\u200c\u200d")
"""Invisible, and part of how some languages and emoji are written."""
_REFUSED: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

REASON_LENGTH: Final = 500

OURS: Final = frozenset({"gateway", "policy"})
"""Names in the ledger for decisions that nobody took: no person may be taken for them."""


def login_name(text: str) -> str:
    """Return a login name as it is.

    Raises:
        InvalidInput: it can't be one.
    """
    if not NAME.fullmatch(text):
        raise InvalidInput(
            "that can't be a login name",
            hint="lower-case letters, digits, dots, dashes, underscores and @; 63 at most; no +",
        )
    if text in OURS:
        raise InvalidInput(
            f"{text} is what the ledger calls the gateway's own decisions", hint="choose another name"
        )
    return text


def endpoint_name(text: str) -> str:
    """Return an endpoint's name as it is.

    Raises:
        InvalidInput: it can't be one.
    """
    if not ENDPOINT_NAME.fullmatch(text):
        raise InvalidInput(
            "that can't be an endpoint's name", hint="lower-case letters, digits, dots and dashes; 63 at most"
        )
    return text


def email(text: str) -> str:
    """Return an address of mail, or nothing.

    Raises:
        InvalidInput: it can't be one.
    """
    if text and not _EMAIL.fullmatch(text):
        raise InvalidInput("that can't be an address of mail", hint="write such as anna@example.com")
    return text


def sentence(text: str, what: str, *, longest: int = REASON_LENGTH, needed: bool = False) -> str:
    """Return text on one line, blanks and line breaks run together.

    Args:
        text: from anyone.
        what: named in the error, such as ``reason``.
        longest: characters.
        needed: whether it may not be empty.

    Raises:
        InvalidInput: too long, empty where it may not be, or with characters that control or hide.
    """
    line = " ".join(text.split())
    if len(line) > longest:
        raise InvalidInput(f"the {what} has {len(line)} characters", hint=f"at most {longest}")
    for character in line:
        if unicodedata.category(character) in _REFUSED and character not in _JOINERS:
            raise InvalidInput(
                f"the {what} holds the control character U+{ord(character):04X}",
                hint="type it anew without it",
            )
    if needed and not any(character.isalnum() for character in line):
        raise InvalidInput(f"a {what} is needed", hint="one sentence: what for?")
    return line
