"""Cancel keys of our own, one a session; the server's are never shown.

Source: PostgreSQL documentation, "Canceling Requests in Progress"; protocol 3.2 lengthens the key.
"""

from __future__ import annotations

import hmac
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.protocols.postgres.startup import CancelRequest

SHORT: Final = 4
"""Bytes of a key in protocol 3.0."""
LONG: Final = 32
"""Bytes of a key in protocol 3.2."""


class Cancellable(Protocol):
    """What a cancel key belongs to: a session."""

    async def cancel_running(self) -> None:
        """Have production cancel what it runs for this session."""


class CancelKeys:
    """The cancel keys of this process."""

    def __init__(self) -> None:
        self._sessions: dict[int, tuple[bytes, Cancellable]] = {}

    @contextmanager
    def issued(self, session: Cancellable, *, minor: int) -> Iterator[tuple[int, bytes]]:
        """Give a session a number and a key for as long as the block lasts.

        Args:
            session: what they cancel.
            minor: minor protocol version: the key's length depends on it.
        """
        number = secrets.randbelow(1 << 31)
        while number in self._sessions or number == 0:
            number = secrets.randbelow(1 << 31)
        key = secrets.token_bytes(LONG if minor >= 2 else SHORT)
        self._sessions[number] = (key, session)
        try:
            yield number, key
        finally:
            del self._sessions[number]

    async def cancel(self, request: CancelRequest) -> bool:
        """Cancel what a session runs, where number and key fit; nobody is told whether they did.

        Returns:
            Whether they fitted.
        """
        key, session = self._sessions.get(request.process, (b"", None))
        if session is None or not hmac.compare_digest(key, request.key):
            return False
        await session.cancel_running()
        return True
