"""Wrong logins, counted per name and per source where every replica and every restart sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from gateway.store.pool import Connection


@dataclass(frozen=True, slots=True)
class Limit:
    """How many attempts one key has before it is paused, and for how long.

    Attributes:
        key: SHA-256 of the name or source.
        free: attempts without a pause.
        longest: longest pause, in seconds; it doubles with each attempt past ``free``.
        forget: attempts so long ago, in seconds, don't count.
    """

    key: bytes
    free: int
    longest: int
    forget: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What counting an attempt found.

    Attributes:
        paused: seconds that the key was still paused for; 0: the attempt may go on. A paused attempt
            is not counted.
        failures: attempts counted, with this one.
    """

    paused: float
    failures: int


async def count_attempts(conn: Connection, limits: Sequence[Limit]) -> list[Counted]:
    """Count an attempt against each limit before it is checked, so that many at once don't slip through.

    Args:
        conn: inside a transaction of its own: attempts wait for each other.
        limits: in a fixed order of kinds, so that no two wait crosswise.

    Returns:
        One result a limit.
    """
    return [await _count(conn, limit) for limit in limits]


async def _count(conn: Connection, limit: Limit) -> Counted:
    failures = await conn.fetchval(
        """INSERT INTO login_limits AS l (key, failures) VALUES ($1, 1)
           ON CONFLICT (key) DO UPDATE SET
               failures = CASE WHEN l.last_at < clock_timestamp() - make_interval(secs => $4)
                               THEN 1 ELSE l.failures + 1 END,
               last_at = clock_timestamp(),
               paused_until = CASE
                   WHEN l.last_at < clock_timestamp() - make_interval(secs => $4) OR l.failures + 1 < $2
                   THEN '-infinity'
                   ELSE clock_timestamp()
                        + make_interval(secs => least($3, 2 ^ least(l.failures + 1 - $2, 30)))
                   END
           WHERE l.paused_until <= clock_timestamp()
           RETURNING failures""",
        limit.key,
        limit.free,
        float(limit.longest),
        float(limit.forget),
    )
    if failures is not None:
        return Counted(0.0, failures)
    row = await conn.fetchrow(
        """SELECT failures,
               greatest(1, extract(epoch FROM paused_until - clock_timestamp()))::float8 AS paused
           FROM login_limits WHERE key = $1""",
        limit.key,
    )
    return Counted(1.0, limit.free) if row is None else Counted(row["paused"], row["failures"])


async def forget_attempts(conn: Connection, key: bytes) -> None:
    """A right login: what was counted against the key before is forgotten."""
    await conn.execute("DELETE FROM login_limits WHERE key = $1", key)


async def forget_old_attempts(conn: Connection, older: timedelta) -> None:
    """Delete what no longer counts.

    Args:
        conn: any connection.
        older: longer ago than any limit looks.
    """
    await conn.execute("DELETE FROM login_limits WHERE last_at < now() - $1::interval", older)


async def give_back(conn: Connection, key: bytes) -> None:
    """A right login: the attempt counted for it doesn't stand against the key."""
    await conn.execute(
        """UPDATE login_limits SET failures = greatest(failures - 1, 0), paused_until = '-infinity'
           WHERE key = $1""",
        key,
    )
