"""A lease ends and warns what it governs, also what comes to it late."""

from __future__ import annotations

import asyncio
import re

import pytest

from gateway.domain.ids import GrantId
from gateway.domain.session import EndCause, Ending
from gateway.session.lease import LATE_WARN_SECONDS, LEASE_SECONDS, Lease

REVOKED = Ending(EndCause.REVOKED, "your access was taken away", "approver")


class Governed:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.warned: list[str] = []
        self.ended: list[Ending] = []

    def warn(self, message: str) -> None:
        self.warned.append(message)

    def end(self, ending: Ending) -> None:
        self.ended.append(ending)


async def test_a_grant_revoked_while_production_is_dialled_ends_the_session_at_its_start() -> None:
    lease = Lease(GrantId(1), 3600)
    lease.end(REVOKED)
    late = Governed()
    with lease.governs(late):
        assert late.ended == [REVOKED]
    assert lease.until == 0
    lease.release()


async def test_what_a_lease_no_longer_governs_it_no_longer_ends() -> None:
    lease = Lease(GrantId(1), 3600)
    gone, there = Governed(), Governed()
    with lease.governs(there):
        with lease.governs(gone):
            pass
        lease.end(REVOKED)
    assert (gone.ended, there.ended) == ([], [REVOKED])
    lease.release()


async def test_a_session_that_begins_close_to_the_end_is_warned_as_well() -> None:
    close, far = Lease(GrantId(1), 130), Lease(GrantId(2), 3600)
    near, there, gone = Governed(), Governed(), Governed()
    with close.governs(near), far.governs(there):
        with close.governs(gone):
            pass
        await asyncio.sleep(LATE_WARN_SECONDS + 0.1)
    (warned,) = near.warned
    assert re.fullmatch(
        r"your access ends in 2 minutes, at \d\d:\d\d UTC; ask for more with `glassgate request`", warned
    )
    assert there.warned == gone.warned == []
    close.release()
    far.release()


async def test_a_lease_never_outlasts_its_grant() -> None:
    short, long = Lease(GrantId(1), 2), Lease(GrantId(2), 3600)
    assert short.until == short.ends_at
    assert long.ends_at - long.until == pytest.approx(3600 - LEASE_SECONDS)
    short.release()
    long.release()


async def test_a_revoked_token_ends_what_was_opened_with_it() -> None:
    lease = Lease(GrantId(1), 3600)
    stolen, other, by_key = Governed(), Governed(), Governed()
    with lease.governs(stolen, 7), lease.governs(other, 8), lease.governs(by_key):
        assert lease.credentials == {7, 8}
        lease.withdraw(frozenset({7}))
    assert [each.cause for each in stolen.ended] == [EndCause.REVOKED]
    assert other.ended == by_key.ended == []
    lease.release()
