"""Submissions of change requests: the claim, the numbers taken, what is pushed, the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.store.changes import CLAIM_SECONDS, encode_repository

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from gateway.domain.change import FilePatch
    from gateway.domain.endpoint import Repository
    from gateway.domain.ids import ChangeId, IdentityId
    from gateway.store.pool import Connection


@dataclass(frozen=True, slots=True)
class Claim:
    """A submission under way, held by one replica.

    Attributes:
        token: proves who holds it.
        at: the database's clock when it was taken.
        pushed: commit that an earlier try may have pushed, empty where none got so far.
        branch: to which branch.
    """

    token: UUID
    at: datetime
    pushed: str
    branch: str


async def claim(conn: Connection, change: ChangeId, author: IdentityId) -> Claim | None:
    """Take the right to submit a draft, None where it is no draft of the author's or another holds it.

    What an earlier try left stays until it is overwritten: it may have reached the repository.
    """
    row = await conn.fetchrow(
        """UPDATE changes SET claim = gen_random_uuid(), claimed_at = now()
           WHERE id = $1 AND author_id = $2 AND state = 'draft'
             AND (claim IS NULL OR claimed_at < now() - make_interval(secs => $3))
           RETURNING claim, claimed_at, commit, branch""",
        change,
        author,
        CLAIM_SECONDS,
    )
    return None if row is None else Claim(row["claim"], row["claimed_at"], row["commit"], row["branch"])


async def lock_numbers(conn: Connection, url: str, *, but: ChangeId) -> tuple[str, ...]:
    """Let one transaction at a time take numbers in a repository; return the paths that others hold."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 4))", f"numbers {url}")
    return await reserved_paths(conn, url, but=but)


async def reserved_paths(conn: Connection, url: str, *, but: ChangeId) -> tuple[str, ...]:
    """Return the paths of numbered files that the other open change requests of a repository hold."""
    rows = await conn.fetch(
        """SELECT id, unnest(reserved) AS path FROM changes
           WHERE id <> $3 AND repository ->> 'url' = $1
             AND (state NOT IN ('draft', 'withdrawn', 'dropped', 'rejected')
                  OR (state = 'draft' AND claim IS NOT NULL
                      AND claimed_at >= now() - make_interval(secs => $2)))""",
        url,
        CLAIM_SECONDS,
        but,
    )
    return tuple(row["path"] for row in rows)


async def reserve(
    conn: Connection,
    change: ChangeId,
    token: UUID,
    *,
    repository: Repository,
    base: str,
    paths: Sequence[str],
) -> bool:
    """Write down what a submission takes; return whether the claim still holds."""
    done = await conn.fetchval(
        """UPDATE changes SET repository = $3, base = $4, reserved = $5
           WHERE id = $1 AND claim = $2 RETURNING id""",
        change,
        token,
        encode_repository(repository),
        base,
        list(paths),
    )
    return done is not None


async def pushing(conn: Connection, change: ChangeId, token: UUID, *, branch: str, commit: str) -> bool:
    """Write down what is about to be pushed, for a try that dies; return whether the claim holds."""
    done = await conn.fetchval(
        """UPDATE changes SET branch = $3, commit = $4, claimed_at = now()
           WHERE id = $1 AND claim = $2 RETURNING id""",
        change,
        token,
        branch,
        commit,
    )
    return done is not None


async def submitted(
    conn: Connection, change: ChangeId, token: UUID, *, reason: str, no_way_back: str
) -> bool:
    """Finish a submission; return whether the claim still held."""
    done = await conn.fetchval(
        """UPDATE changes
           SET state = 'submitted', reason = $3, no_way_back = $4, claim = NULL, updated_at = now()
           WHERE id = $1 AND claim = $2 AND state = 'draft' RETURNING id""",
        change,
        token,
        reason,
        no_way_back,
    )
    return done is not None


async def release(conn: Connection, change: ChangeId, token: UUID) -> None:
    """Give a claim back: the draft stays."""
    await conn.execute("UPDATE changes SET claim = NULL WHERE id = $1 AND claim = $2", change, token)


async def put_files(conn: Connection, change: ChangeId, files: Sequence[FilePatch], *, edited: bool) -> None:
    """Keep the files as edited or committed, in the place of what was kept before."""
    await conn.execute("DELETE FROM change_files WHERE change_id = $1", change)
    await conn.executemany(
        "INSERT INTO change_files (change_id, path, content, mode) VALUES ($1, $2, $3, $4)",
        [(change, each.path, each.new, each.mode) for each in files],
    )
    await conn.execute("UPDATE changes SET edited = $2, updated_at = now() WHERE id = $1", change, edited)
