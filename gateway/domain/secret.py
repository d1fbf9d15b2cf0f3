"""A secret that cannot be printed, logged or compared in a way that leaks it."""

from __future__ import annotations

import hmac
from typing import final


@final
class Secret:
    """Holds a secret's bytes; its repr and str are ``<secret>``.

    Args:
        value: the secret, as bytes or as text (kept as UTF-8).
    """

    __slots__ = ("_value",)

    def __init__(self, value: bytes | str) -> None:
        self._value = value.encode() if isinstance(value, str) else bytes(value)

    def reveal(self) -> bytes:
        """Return the secret's bytes, for the one place that needs them."""
        return self._value

    def __repr__(self) -> str:
        return "<secret>"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]  # a secret is no key

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce__(self) -> str:
        raise TypeError("a secret is never serialised")
