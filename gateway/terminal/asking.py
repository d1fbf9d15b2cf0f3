"""Access asked for where it is missed: on the client's terminal, which waits for the answer and goes on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from gateway.access.durations import parse_duration, spell
from gateway.domain.access import RequestState
from gateway.domain.display import display
from gateway.domain.errors import Conflict, InvalidInput
from gateway.terminal.editor import Asked, History, Line, LineEditor

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from gateway.access.requests import Offer, RequestView
    from gateway.domain.access import AccessRequest
    from gateway.domain.identity import Identity
    from gateway.domain.ids import RequestId
    from gateway.terminal.shell import Client

    class Files(Protocol):
        """The access room, as the API asks it too."""

        async def file(
            self, identity: Identity, endpoint_name: str, duration: timedelta, reason: str
        ) -> AccessRequest:
            """Ask to read an endpoint."""

        async def wait(self, identity: Identity, request: RequestId, seconds: float) -> RequestView:
            """Return a request once it is decided, or as it is when the time is up."""

        async def withdraw(self, identity: Identity, request: RequestId) -> AccessRequest:
            """Take back one's own request."""


T = TypeVar("T")

ANSWER_SECONDS: Final = 600.0
"""A person has so long to say why and for how long."""
LOOK_SECONDS: Final = 60.0
FRAME_SECONDS: Final = 0.25
_FRAMES: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_OVER: Final = {
    RequestState.WITHDRAWN: "was withdrawn",
    RequestState.LAPSED: "lapsed: nobody decided it in time",
}


class Answer(Enum):
    """What came of asking."""

    APPROVED = auto()
    REFUSED = auto()
    """Denied, lapsed, or not asked to the end."""
    INTERRUPTED = auto()
    """By the person at the terminal, who withdrew the request."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A key ended the wait."""


class Inquiry:
    """Asks one person at a terminal.

    Args:
        client: whose terminal it is.
        requests: files what is asked for.
        identity: who asks.
        offer: what they may ask for.
    """

    def __init__(self, client: Client, requests: Files, identity: Identity, offer: Offer) -> None:
        self._client = client
        self._requests = requests
        self._identity = identity
        self._offer = offer
        self._editor = LineEditor(client.width(), History())

    async def run(self) -> Answer:
        """Ask why and for how long, file the request, wait until it is decided.

        A request that waits already is waited for; only one that was filed here is withdrawn by Ctrl-C.

        Raises:
            GlassgateError: it could not be filed, or the store is away.
        """
        asked = self._offer.pending
        if asked is not None:
            self._say(f"glassgate: your request {asked.id} for {asked.endpoint_name} still waits\n")
            return await self._wait(asked, ours=False)
        self._say(f"glassgate: you hold no access to {self._offer.endpoint} yet; ask for it here\n")
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                asked = await self._filed()
        except TimeoutError:
            self._say("\nglassgate: no answer in ten minutes; nothing was asked for\n")
            return Answer.REFUSED
        if asked is None:
            self._say("glassgate: nothing was asked for\n")
            return Answer.INTERRUPTED
        if asked.state is not RequestState.PENDING:
            return self._told(asked)
        people = "one approval" if asked.needed == 1 else f"{asked.needed} approvals"
        self._say(f"glassgate: request {asked.id} takes {people}: glassgate approve {asked.id}\n")
        return await self._wait(asked, ours=True)

    # ---- questions -------------------------------------------------------------------------------

    async def _filed(self) -> AccessRequest | None:
        """Return the request that was filed, None where the person left."""
        while True:
            reason = await self._line("  Why do you need to look? ")
            if reason is None:
                return None
            if not reason.strip():
                continue
            length = await self._duration()
            if length is None:
                return None
            try:
                return await self._requests.file(self._identity, self._offer.endpoint, length, reason)
            except InvalidInput as error:
                self._complain(error)

    async def _duration(self) -> timedelta | None:
        usual, longest = self._offer.usual, spell(self._offer.longest)
        while True:
            typed = await self._line(f"  For how long? [{spell(usual)}, at most {longest}] ")
            if typed is None or not typed.strip():
                return None if typed is None else usual
            try:
                return parse_duration(typed)
            except InvalidInput as error:
                self._complain(error)

    async def _line(self, prompt: str) -> str | None:
        """Return a line as typed, None where the person leaves."""
        self._client.write(self._editor.begin(prompt))
        shown, events = self._editor.go_on()
        while True:
            self._client.write(shown)
            for event in events:
                if isinstance(event, Line):
                    self._client.back(self._editor.behind())
                    return event.text
                if event in (Asked.INTERRUPT, Asked.END_OF_INPUT):
                    return None
                if isinstance(event, Asked):
                    self._client.write(self._editor.begin(prompt))
                else:
                    self._client.write(self._editor.complete(0, ()))
            if events and self._editor.type_ahead():
                shown, events = self._editor.go_on()
                continue
            data = await self._client.read()
            if not data:
                return None
            shown, events = self._editor.feed(data)

    # ---- waiting ---------------------------------------------------------------------------------

    async def _wait(self, asked: AccessRequest, *, ours: bool) -> Answer:
        key = "Ctrl-C withdraws it" if ours else "Ctrl-C leaves, the request stays"
        decided = await self._spinning(self._decided(asked), f"waiting for its approval ({key})")
        if not isinstance(decided, Interrupted):
            return self._told(decided)
        if ours:
            try:
                await self._requests.withdraw(self._identity, asked.id)
            except Conflict as error:
                self._complain(error)
            else:
                self._say(f"glassgate: request {asked.id} is withdrawn\n")
        return Answer.INTERRUPTED

    async def _decided(self, asked: AccessRequest) -> AccessRequest:
        while asked.state is RequestState.PENDING:
            asked = (await self._requests.wait(self._identity, asked.id, LOOK_SECONDS)).request
        return asked

    async def _spinning(self, work: Coroutine[Any, Any, T], words: str) -> T | Interrupted:
        """Show that something is waited for until it has come, or Ctrl-C is typed."""
        try:
            async with asyncio.TaskGroup() as group:
                working = group.create_task(work)
                typing = group.create_task(self._interrupted())
                turning = group.create_task(self._turn(words))
                await asyncio.wait({working, typing}, return_when=asyncio.FIRST_COMPLETED)
                for task in (typing, turning):
                    task.cancel()
                if not working.done():
                    working.cancel()
        except ExceptionGroup as broken:
            raise broken.exceptions[0] from None  # what the work failed by is what the caller knows
        finally:
            self._client.write(b"\r\n" if self._client.plain() else b"\r\x1b[K")
        return Interrupted() if working.cancelled() else working.result()

    async def _interrupted(self) -> None:
        while data := await self._client.read():
            if b"\x03" in data:
                return
        await asyncio.Event().wait()  # nothing more can be typed; the answer may come all the same

    async def _turn(self, words: str) -> None:
        """Turn a spinner; a terminal that can't go back in a line is shown the words once."""
        if self._client.plain():
            self._say(f"glassgate: {words} ...")
            return
        at = 0
        while True:
            frame = _FRAMES[at % len(_FRAMES)]
            room = max(10, self._client.width() - 3)
            self._client.write(f"\r\x1b[36m{frame}\x1b[0m {words[:room]}\x1b[K".encode())
            at += 1
            await asyncio.sleep(FRAME_SECONDS)

    # ---- words -----------------------------------------------------------------------------------

    def _told(self, asked: AccessRequest) -> Answer:
        """Say how a request was decided."""
        if asked.state is RequestState.APPROVED:
            by = f" by {', '.join(asked.approvals)}" if asked.approvals else ""
            self._say(f"glassgate: request {asked.id} is approved{by}, for {spell(asked.duration)}\n")
            return Answer.APPROVED
        said = _OVER.get(asked.state, f"was denied: {asked.decision}" if asked.decision else "was denied")
        self._say(f"glassgate: request {asked.id} {said}\n")
        return Answer.REFUSED

    def _complain(self, error: InvalidInput | Conflict) -> None:
        hint = f"  → {error.hint}\n" if error.hint else ""
        self._say(f"glassgate: {error.message}\n{hint}")

    def _say(self, text: str) -> None:
        self._client.write(display(text, multiline=True).replace("\n", "\r\n").encode())
