"""A lease ends and warns what it governs, also what comes to it late."""

from __future__ import annotations

from gateway.domain.ids import GrantId
from gateway.domain.session import EndCause, Ending
from gateway.session.lease import LEASE_SECONDS, Lease

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


async def test_a_lease_never_outlasts_its_grant() -> None:
    short, long = Lease(GrantId(1), 2), Lease(GrantId(2), 3600)
    assert short.until == short.ends_at
    assert long.until <= long.ends_at - 3600 + LEASE_SECONDS
    short.release()
    long.release()
