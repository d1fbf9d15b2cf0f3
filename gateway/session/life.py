"""A session's life: one group that owns all it does, one ending that cuts it everywhere."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from gateway.domain.errors import GlassgateError, RecordingLost
from gateway.domain.session import EndCause, Ending
from gateway.log import get_logger
from gateway.recordings.frames import Event
from gateway.recordings.recording import RecordingFull
from gateway.transport.once import Once

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from gateway.domain.ids import SessionId
    from gateway.recordings.live import Recording
    from gateway.session.admission import Admission
    from gateway.session.door import Door

CUT_SECONDS = 2.0
"""Production and client have so long to be told; then the session's task is cancelled all the same."""

log = get_logger("session")


class SessionOver(GlassgateError):
    """The session has ended; nothing further is admitted.

    Attributes:
        ending: why.
    """

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.message)
        self.ending = ending


class Life:
    """What ends, warns and cuts a session.

    Args:
        door: its client's protocol.
        recording: where each of these stands.
        admission: knows when the last unit came, and admits none once there is an ending.
        idle_seconds: without a unit for so long it ends.

    Attributes:
        id: the session's number.
        recording: everything that happens.
    """

    __slots__ = ("_admission", "_door_side", "_ended", "_group", "_idle", "_loop", "id", "recording")

    def __init__(
        self, door: Door[Any, Any], recording: Recording, admission: Admission, *, idle_seconds: float
    ) -> None:
        self.id: SessionId = recording.session
        self.recording = recording
        self._door_side = door
        self._loop = asyncio.get_running_loop()
        self._admission = admission
        self._idle = idle_seconds
        self._ended = Once()
        self._group: asyncio.TaskGroup | None = None

    def over(self) -> Ending | None:
        """Return why the session has ended, None while it lives."""
        return self._admission.ending

    def busy(self) -> bool:
        """Whether something of it runs: an answer is on its way, or a command has not ended."""
        return self._door_side.busy()

    def end(self, ending: Ending) -> None:
        """End the session now: nothing further is admitted, what runs is cancelled in production."""
        if self._admission.ending is None:
            self._admission.ending = ending
            self._ended.set()

    def warn(self, message: str) -> None:
        """Show a notice to the client, in its own protocol and its own time."""
        if self._group is not None and self._admission.ending is None:
            self._group.create_task(self._warn(message))

    async def run(self, serve: Coroutine[Any, Any, Ending]) -> Ending:
        """Serve until someone ends it; everything the session owns hangs in one group under it.

        Args:
            serve: the door's own serving; cancelled at the end.
        """
        self.recording.on_lost = self._on_lost
        idle = self._loop.call_later(self._idle, self._look_idle)
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                serving = group.create_task(self._serve(serve))
                serving.add_done_callback(lambda _: self._ended.set())
                await self._ended.wait()
                if self._admission.ending is not None and not serving.done():
                    await self._cut(self._admission.ending)
                serving.cancel()
        finally:
            self._group = None
            idle.cancel()
        return self._admission.ending or Ending(EndCause.FAULT, "the session ended without a cause")

    async def _serve(self, serve: Coroutine[Any, Any, Ending]) -> None:
        try:
            ending = await serve
        except SessionOver as over:
            ending = over.ending
        except GlassgateError as error:
            ending = Ending(EndCause.PROTOCOL, error.message)
        except Exception:
            log.exception("session failed", session=self.id)
            ending = Ending(EndCause.FAULT, "the gateway failed; the session was ended")
        if self._admission.ending is None:
            self.end(ending)
            if ending.cause not in {EndCause.CLIENT, EndCause.UPSTREAM}:
                await self._cut(ending)
        else:
            await self._cut(self._admission.ending)

    async def _cut(self, ending: Ending) -> None:
        """Cancel what runs in production and tell the client; the recording says whether it was confirmed."""
        confirmed = False
        try:
            async with asyncio.timeout(CUT_SECONDS):
                confirmed = await self._door_side.cut(ending)
        except TimeoutError:
            log.warning("cut not confirmed in time", session=self.id)
        except Exception:
            log.exception("cut failed", session=self.id)
        try:
            self.recording.write(Event("cut", "confirmed" if confirmed else "not confirmed"))
        except RecordingLost:
            log.warning("cut not recorded", session=self.id, confirmed=confirmed)

    async def _warn(self, message: str) -> None:
        try:
            await self._door_side.warn(message)
            self.recording.write(Event("warned", message))
        except RecordingLost as error:
            self._recording_lost(error)
        except GlassgateError as error:
            log.warning("client not warned", session=self.id, error=error.message)

    def _on_lost(self, error: RecordingLost) -> None:
        self._recording_lost(error)

    def _look_idle(self) -> None:
        if self._admission.ending is not None:
            return
        if self._door_side.busy():
            self._admission.touched = self._loop.time()
        rest = self._admission.touched + self._idle - self._loop.time()
        if rest <= 0:
            message = f"idle for {self._idle:.0f} s; connect again, the grant still stands"
            self.end(Ending(EndCause.IDLE, message))
        else:
            self._loop.call_later(rest, self._look_idle)

    def _recording_lost(self, error: RecordingLost) -> SessionOver:
        cause = EndCause.RECORDING_FULL if isinstance(error, RecordingFull) else EndCause.RECORDING_LOST
        ending = Ending(cause, error.message)
        self.end(ending)
        return SessionOver(self._admission.ending or ending)
