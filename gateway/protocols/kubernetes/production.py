"""The gateway's own reads of a cluster, for change requests: units like any other, shown to nobody."""

from __future__ import annotations

import asyncio
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final

import msgspec

from gateway.domain.errors import UpstreamUnavailable
from gateway.domain.unit import Admitted, Origin
from gateway.judge.kubernetes.asking import read_of, trial_of
from gateway.protocols.kubernetes.units import KubernetesUnit, text_of

if TYPE_CHECKING:
    from gateway.domain.cluster import ObjectWrite
    from gateway.domain.host import HostFile
    from gateway.domain.http import Request
    from gateway.protocols.kubernetes.running import Governed
    from gateway.protocols.kubernetes.upstream import Upstream

SECONDS: Final = 10.0
"""A read of ours may take so long; a dry-run asks the cluster's admission webhooks too."""
MOST_OBJECT: Final = 4 << 20
"""Bytes of an object."""
_FORBIDDEN: Final = 403
_MISSING: Final = 404


class _Status(msgspec.Struct):
    message: str = ""


class ClusterReads:
    """Reads for one session. A container's files come from its image: none is read out of a running one."""

    def __init__(self) -> None:
        self._session: Governed | None = None
        self._reader: Upstream | None = None
        self._writer: Upstream | None = None

    def stand(self, session: Governed, reader: Upstream, writer: Upstream | None) -> None:
        """The session stands: from here on the cluster can be read.

        Args:
            session: records.
            reader: for everything but dry-runs.
            writer: for these alone; None: there is none.
        """
        self._session, self._reader, self._writer = session, reader, writer

    async def object(self, write: ObjectWrite) -> bytes | None:
        """Return the object that a write speaks of as it is now, as JSON; None where there is none.

        Raises:
            UpstreamUnavailable: it could not be read.
        """
        told = await self._asked(read_of(write), self._reader)
        if told is None:
            raise UpstreamUnavailable(f"the gateway does not read {write.what} itself")
        status, answer = told
        if status == _MISSING:
            return None
        if status != 200:
            raise UpstreamUnavailable(f"{write.what} can't be read: {_said(answer) or status}")
        return answer

    async def dry_run(self, write: ObjectWrite) -> bytes | None:
        """Return the object that a write would leave, as JSON; None where it can't be tried.

        Raises:
            UpstreamUnavailable: the server would refuse the write, or could not be asked.
        """
        request = trial_of(write)
        if request is None or self._writer is None:
            return None
        told = await self._asked(request, self._writer)
        if told is None or told[0] == _FORBIDDEN:
            return None
        status, answer = told
        if status not in (200, 201):
            raise UpstreamUnavailable(f"the cluster would refuse it: {_said(answer) or status}")
        return answer

    async def file(self, path: str) -> HostFile | None:
        """Return no file.

        Raises:
            UpstreamUnavailable: always.
        """
        raise UpstreamUnavailable(f"{path} is the image's, and is not read out of a container")

    async def printed(self, line: str, given: bytes | None) -> bytes:
        """Run nothing.

        Raises:
            UpstreamUnavailable: always.
        """
        del given
        raise UpstreamUnavailable(f"{line!r} is not run in a container for a change request")

    async def _asked(self, request: Request, upstream: Upstream | None) -> tuple[int, bytes] | None:
        """Ask something; None where the judge does not allow it."""
        session = self._session
        if session is None or upstream is None:
            raise UpstreamUnavailable("the cluster can't be read yet")
        unit = KubernetesUnit(text_of(request), request=request, origin=Origin.GATEWAY)
        admitted = await session.admit(unit)
        if not isinstance(admitted, Admitted) or admitted.judged.request is None:
            return None
        began, tag, size = perf_counter_ns(), "lost", 0
        try:
            async with asyncio.timeout(SECONDS):
                head, answer = await upstream.asked(admitted.judged.request, most=MOST_OBJECT)
            tag, size = str(head.status), len(answer)
        except TimeoutError as error:
            raise UpstreamUnavailable("the cluster did not answer in time") from error
        finally:
            session.answered(
                admitted.number, tag=tag, rows=None, size=size, nanoseconds=perf_counter_ns() - began
            )
        return head.status, answer


def _said(answer: bytes) -> str:
    try:
        return msgspec.json.decode(answer, type=_Status).message
    except msgspec.DecodeError:
        return ""
