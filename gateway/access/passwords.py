"""Passwords: argon2 in a small pool of threads, as slow for a name that nobody has."""

from __future__ import annotations

import asyncio
import secrets
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar, final

import argon2

from gateway.domain.errors import InvalidInput, TooManyAttempts

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.domain.secret import Secret

R = TypeVar("R")

SHORTEST: Final = 8
LONGEST_BYTES: Final = 1024


@final
class Passwords:
    """Hashes and checks passwords.

    Args:
        threads: at most so many at once.
        waiting: so many more may wait; past it logins are refused for now.
        cheap: a hash that costs next to nothing, for tests of everything else.
    """

    def __init__(self, *, threads: int = 2, waiting: int = 64, cheap: bool = False) -> None:
        self._hasher = (
            argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
            if cheap
            else argon2.PasswordHasher(time_cost=3, memory_cost=65536, parallelism=1)
        )
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._most = threads + waiting
        self._busy = 0
        self._nobody = _of_nobody(self._hasher)

    async def hash(self, password: Secret) -> str:
        """Return the hash of a new password.

        Raises:
            InvalidInput: it is too short or too long.
        """
        text = password.reveal()
        if len(text.decode(errors="replace")) < SHORTEST or len(text) > LONGEST_BYTES:
            raise InvalidInput(
                "that password can't be used",
                hint=f"{SHORTEST} characters at least, {LONGEST_BYTES} bytes at most",
            )
        return await self._run(self._hash, text)

    async def verify(self, password: Secret, hashed: str) -> bool:
        """Whether the password is the one of a hash; takes as long where there is no hash.

        Args:
            password: as typed.
            hashed: argon2; empty: nobody's, which no password fits.

        Raises:
            TooManyAttempts: too many logins at once.
        """
        text = password.reveal()[: LONGEST_BYTES + 1]
        fits = await self._run(self._fits, text, hashed or self._nobody)
        return fits and bool(hashed)

    async def _run(self, function: Callable[..., R], *args: object) -> R:
        if self._busy >= self._most:
            raise TooManyAttempts("too many logins at once", hint="try again in a moment")
        self._busy += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, function, *args)
        finally:
            self._busy -= 1

    def _hash(self, text: bytes) -> str:
        return self._hasher.hash(text)

    def _fits(self, text: bytes, hashed: str) -> bool:
        try:
            return self._hasher.verify(hashed, text)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _of_nobody(hasher: argon2.PasswordHasher) -> str:
    """Return a hash as the hasher makes them, of no password: made up, so that no start waits for it."""
    salt, drawn = (
        b64encode(secrets.token_bytes(length)).decode().rstrip("=")
        for length in (hasher.salt_len, hasher.hash_len)
    )
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v={argon2.low_level.ARGON2_VERSION}${cost}${salt}${drawn}"
