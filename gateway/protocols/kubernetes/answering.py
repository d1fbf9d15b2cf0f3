"""Production's answer on its way to the client: as it comes, or masked first; recorded as policy says."""

from __future__ import annotations

import asyncio
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final

import msgspec

from gateway.domain.errors import UpstreamUnavailable
from gateway.judge.http.reading import NotRead
from gateway.judge.kubernetes.judgement import KubernetesAction
from gateway.judge.kubernetes.masking import MaskedWatch, mask, weighs
from gateway.protocols.kubernetes import refusal
from gateway.session.life import SessionOver
from gateway.transport.http.carrying import OneWay, pump
from gateway.transport.http.exchange import ClientLeft
from gateway.transport.http.head import forwarded

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.domain.http import Request
    from gateway.domain.session import Ending
    from gateway.domain.unit import Admitted
    from gateway.judge.kubernetes.judgement import KubernetesJudgement
    from gateway.protocols.kubernetes.running import Governed
    from gateway.protocols.kubernetes.units import KubernetesUnit
    from gateway.protocols.kubernetes.upstream import Upstream
    from gateway.transport.http.exchange import ClientSide, UpstreamSide
    from gateway.transport.http.head import Headers, ResponseHead

MOST_MASKED: Final = 64 << 20
"""Bytes of one answer with Secrets, which is masked whole; clients ask for 500 objects at once."""
HEAVY_BYTES: Final = 128 << 10
"""What weighs more is masked in a thread."""
STDOUT: Final = 1
KEPT: Final = frozenset(
    (
        "allow",
        "audit-id",
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-type",
        "date",
        "deprecation",
        "etag",
        "expires",
        "last-modified",
        "location",
        "retry-after",
        "vary",
        "warning",
        "x-content-type-options",
        "x-kubernetes-pf-flowschema-uid",
        "x-kubernetes-pf-prioritylevel-uid",
    )
)
"""Headers of an answer that go on to the client."""


class Answering:
    """One answer under way.

    Args:
        session: records.
        client: where it goes.
        prefix: the endpoint's, which paths of the cluster's own get on their way to the client.
        notices: Warning headers of the gateway's own.
    """

    def __init__(
        self,
        session: Governed,
        client: ClientSide,
        *,
        prefix: str,
        notices: Headers,
    ) -> None:
        self._session = session
        self._client = client
        self._prefix = prefix
        self._notices = notices
        self._begun = self._whole_line = self._chunked = False
        self._action = KubernetesAction.NONE
        self._size = 0
        self._mime = ""

    async def run(self, upstream: Upstream, admitted: Admitted[KubernetesUnit, KubernetesJudgement]) -> bool:
        """Send what was admitted, and hand its answer on.

        Args:
            upstream: whose identity the request is sent under.
            admitted: no exec.

        Returns:
            Whether the connection can be used any further.

        Raises:
            ClientLeft: the client closed it first.
            SessionOver: the recording is lost.
        """
        judged = admitted.judged
        assert judged.request is not None
        self._action = judged.action
        began, tag, error = perf_counter_ns(), "lost", ""
        connection = self._client.connection
        try:
            side, head = await upstream.ask(self._plain(judged.request), client=connection)
            try:
                tag = str(head.status)
                with OneWay(connection, side.connection):
                    await self._hand_on(side, head, admitted)
            finally:
                upstream.done(side)
        except ClientLeft:
            error = "the client left"
            raise
        except UpstreamUnavailable as broken:
            error = broken.message
            if self._session.over() is None and not self._begun:
                said = refusal.of_error(broken)
                self._client.answer(said.code, _answered(said), said.body, close=True)
            return False
        finally:
            self._answered(admitted, tag, error, perf_counter_ns() - began)
        return True

    def _plain(self, request: Request) -> Request:
        """Return a request whose answer comes uncompressed where it is recorded, or a line at a time."""
        if self._action is KubernetesAction.ANSWER:
            return request
        headers = tuple(each for each in request.headers if each[0] != "accept-encoding")
        return msgspec.structs.replace(request, headers=headers)

    # ---- handing on ------------------------------------------------------------------------------

    async def _hand_on(
        self, side: UpstreamSide, head: ResponseHead, admitted: Admitted[KubernetesUnit, KubernetesJudgement]
    ) -> None:
        judged = admitted.judged
        headers = self._headers(head)
        self._mime = head.first("content-type").partition(";")[0].strip().lower()
        # Of answers about objects the recording says which, and how much came; of logs what they said.
        recorded = judged.action is KubernetesAction.LOG and self._session.endpoint.settings.record_results
        number = admitted.number

        def seen(data: bytes) -> None:
            self._size += len(data)
            self._whole_line = data.endswith(b"\n")
            if recorded:
                self._session.output(number, STDOUT, data)

        if judged.masks and head.status == 200:
            await self._masked(side, head, headers, judged, seen)
            return
        self._begin(head, headers, head.length)
        self._size = 0
        await pump(side, self._client, seen)

    async def _masked(
        self,
        side: UpstreamSide,
        head: ResponseHead,
        headers: Headers,
        judged: KubernetesJudgement,
        seen: Callable[[bytes], None],
    ) -> None:
        """Mask an answer's Secrets before anything of it is seen; what can't be masked is not handed on."""
        if self._mime != refusal.JSON or head.first("content-encoding"):
            raise UpstreamUnavailable("the cluster answered with Secrets in a form that can't be masked")
        try:
            if judged.watch:
                await self._masked_watch(side, head, headers, seen)
                return
            body = await side.body(MOST_MASKED)
            body = await asyncio.to_thread(mask, body) if weighs(body) > HEAVY_BYTES else mask(body)
        except NotRead as error:
            raise UpstreamUnavailable(error.reason) from error
        seen(body)
        self._begin(head, headers, len(body))
        self._client.piece(body)
        self._client.finish()

    async def _masked_watch(
        self, side: UpstreamSide, head: ResponseHead, headers: Headers, seen: Callable[[bytes], None]
    ) -> None:
        self._begin(head, headers, None)
        events = MaskedWatch()
        while data := await side.data():
            heavy = weighs(data) > HEAVY_BYTES
            masked = await asyncio.to_thread(events.feed, data) if heavy else events.feed(data)
            seen(masked)
            self._client.piece(masked)
            await self._client.connection.drain()
        self._client.piece(events.end())
        self._client.finish()

    def _begin(self, head: ResponseHead, headers: Headers, length: int | None) -> None:
        self._begun, self._chunked = True, length is None
        self._client.begin(head.status, headers, reason=head.reason, length=length)

    def _headers(self, head: ResponseHead) -> Headers:
        kept = [each for each in forwarded(head.headers) if each[0] in KEPT]
        # A redirect within the cluster leads through the gateway; one elsewhere would lead around it.
        moved = [
            (name, f"{self._prefix}{value}" if name == "location" else value)
            for name, value in kept
            if name != "location" or (value.startswith("/") and not value.startswith("//"))
        ]
        return (*moved, *self._notices)

    def _answered(
        self,
        admitted: Admitted[KubernetesUnit, KubernetesJudgement],
        tag: str,
        error: str,
        nanoseconds: int,
    ) -> None:
        try:
            self._session.answered(
                admitted.number,
                tag=tag,
                rows=None,
                size=self._size,
                nanoseconds=nanoseconds,
                error_code=tag if error else "",
                error_message=error,
            )
        except SessionOver:
            return  # the recording is lost, which the line says by itself

    # ---- an end before its end -------------------------------------------------------------------

    def cut(self, ending: Ending) -> None:
        """End the answer in the way that its client understands."""
        reason = refusal.reason_of_ending(ending)
        if not self._begun:
            said = refusal.answer(reason, ending.message)
            self._client.answer(said.code, _answered(said), said.body, close=True)
            return
        clean = self._whole_line or not self._size
        if self._action is KubernetesAction.WATCH and self._mime == refusal.JSON and clean:
            self._client.piece(refusal.watch_error(reason, ending.message))
            self._client.finish()
        elif self._action is KubernetesAction.LOG and self._chunked:
            told = f"{refusal.text(ending.message)}\n".encode()
            self._client.piece(told if clean else b"\n" + told)
            self._client.finish()
        # Of anything else a part is not the whole: the client sees that it broke off.


def _answered(said: refusal.Answer) -> Headers:
    return (("content-type", refusal.JSON), *said.headers)
