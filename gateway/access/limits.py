"""Wrong logins make the next ones wait: per name and per source, in the store, so for every replica."""

from __future__ import annotations

import hashlib
import ipaddress
from datetime import timedelta
from typing import TYPE_CHECKING, Final, final

from gateway.domain.errors import TooManyAttempts
from gateway.log import get_logger
from gateway.store import login_limits
from gateway.store.login_limits import Limit

if TYPE_CHECKING:
    from gateway.store.pool import Store

NAME_FREE: Final = 5
"""Wrong passwords for one name before a pause."""
SOURCE_FREE: Final = 20
"""Wrong logins from one address before a pause: several people may share it."""
LONGEST_PAUSE: Final = 300
FORGET: Final = 3600

log = get_logger("access")


@final
class Limits:
    """Counts logins before they are checked.

    Args:
        store: where they are counted.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def attempt(self, name: str, source: str) -> bool:
        """Count a login by password that is about to be checked.

        Args:
            name: as typed.
            source: the peer's address.

        Returns:
            Whether the name is paused from now on, if this one is wrong, too.

        Raises:
            TooManyAttempts: the name or the source is paused; this attempt is not checked.
        """
        _, failures = await self._count([_of_source(source), _of_name(name)])
        return failures == NAME_FREE

    async def failed(self, source: str) -> None:
        """Count a wrong token; right ones are never made to wait, for they can't be guessed.

        Raises:
            TooManyAttempts: the source is paused.
        """
        await self._count([_of_source(source)])

    async def succeeded(self, name: str, source: str) -> None:
        """A right login: the name starts anew, and the source gets this attempt back."""
        async with self._store.transaction() as conn:
            # In the order in which attempts are counted: two logins at once must not wait crosswise.
            await login_limits.give_back(conn, _of_source(source).key)
            await login_limits.forget_attempts(conn, _of_name(name).key)

    async def tidy(self) -> None:
        """Delete what no longer counts."""
        async with self._store.connection() as conn:
            await login_limits.forget_old_attempts(conn, timedelta(seconds=4 * FORGET))

    async def _count(self, limits: list[Limit]) -> list[int]:
        async with self._store.transaction() as conn:
            counted = await login_limits.count_attempts(conn, limits)
        paused = max(each.paused for each in counted)
        if paused > 0:
            log.warning("logins paused", seconds=round(paused))
            raise TooManyAttempts(
                "too many wrong logins: they are paused for a while",
                hint=f"try again in {max(1, round(paused))} s",
            )
        return [each.failures for each in counted]


def _of_name(name: str) -> Limit:
    return Limit(hashlib.sha256(b"name:" + name.encode()).digest(), NAME_FREE, LONGEST_PAUSE, FORGET)


def _of_source(source: str) -> Limit:
    key = hashlib.sha256(b"source:" + network_of(source).encode()).digest()
    return Limit(key, SOURCE_FREE, LONGEST_PAUSE, FORGET)


def network_of(source: str) -> str:
    """Return what counts as one source: an IPv4 address, an IPv6 /64, else the text as it is.

    Args:
        source: an address, with or without a port.
    """
    host = source.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
