"""Access asked for on a terminal, with an access room and a keyboard of the test's own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.access.requests import Offer, RequestView
from gateway.domain.access import AccessRequest, RequestState
from gateway.domain.errors import InvalidInput
from gateway.domain.identity import Identity, IdentityKind
from gateway.domain.ids import EndpointId, IdentityId, RequestId
from gateway.terminal.asking import Answer, Inquiry

HOUR = timedelta(hours=1)
ANA = Identity(IdentityId(1), "ana", IdentityKind.PERSON, "", "", frozenset(), frozenset(), None)
REQUEST = AccessRequest(
    id=RequestId(7),
    identity=ANA.id,
    identity_name="ana",
    endpoint=EndpointId(2),
    endpoint_name="web-1",
    reason="",
    duration=HOUR,
    secrets=False,
    secrets_left_out=False,
    state=RequestState.PENDING,
    needed=1,
    approvals=(),
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    decided_at=None,
    decision="",
    grant=None,
)


@dataclass
class Room:
    """Decides as it is told, once a request was filed."""

    becomes: AccessRequest | None = None
    filed: list[tuple[str, timedelta, str]] = field(default_factory=list)
    withdrawn: bool = False
    demanding: bool = False

    async def file(self, identity: Identity, endpoint_name: str, duration: timedelta, reason: str) -> Any:
        assert identity is ANA
        if self.demanding and "INC" not in reason:
            raise InvalidInput("the reason is not what policy wants to see here", hint="name an incident")
        self.filed.append((endpoint_name, duration, reason))
        return replace(REQUEST, duration=duration, reason=reason)

    async def wait(self, identity: Identity, request: RequestId, seconds: float) -> RequestView:
        assert (identity, request) == (ANA, REQUEST.id)
        if self.becomes is None:
            await asyncio.sleep(seconds)
        return RequestView(self.becomes or REQUEST, (), (), may_approve=False)

    async def withdraw(self, identity: Identity, request: RequestId) -> Any:
        assert (identity, request) == (ANA, REQUEST.id)
        self.withdrawn = True
        return REQUEST


class Keyboard:
    """Types a piece at each question; keeps what is shown."""

    def __init__(self, *typed: bytes, plain: bool = True) -> None:
        self._typed = list(typed)
        self._plain = plain
        self.shown = b""

    def write(self, data: bytes) -> None:
        self.shown += data

    async def read(self) -> bytes:
        if not self._typed:
            await asyncio.Event().wait()
        return self._typed.pop(0)

    def back(self, data: bytes) -> None:
        if data:
            self._typed.insert(0, data)

    def width(self) -> int:
        return 80

    def plain(self) -> bool:
        return self._plain


async def asked(keyboard: Keyboard, room: Room, pending: AccessRequest | None = None) -> Answer:
    async with asyncio.timeout(5):
        return await Inquiry(keyboard, room, ANA, Offer("web-1", HOUR, 8 * HOUR, pending)).run()


async def test_what_is_typed_is_filed_and_an_approval_ends_the_wait() -> None:
    room = Room(replace(REQUEST, state=RequestState.APPROVED, approvals=("bo",)))
    keyboard = Keyboard(b"INC-1: slow\r", b"30m\r")
    assert await asked(keyboard, room) is Answer.APPROVED
    assert room.filed == [("web-1", timedelta(minutes=30), "INC-1: slow")]
    assert b"is approved by bo" in keyboard.shown
    assert b"\x1b[3" not in keyboard.shown


async def test_all_typed_at_once_serves_too_and_no_duration_is_the_usual_one() -> None:
    room = Room(replace(REQUEST, state=RequestState.APPROVED))
    assert await asked(Keyboard(b"INC-1: slow\r\r"), room) is Answer.APPROVED
    assert room.filed == [("web-1", HOUR, "INC-1: slow")]


async def test_what_policy_does_not_take_is_asked_again() -> None:
    room = Room(replace(REQUEST, state=RequestState.APPROVED), demanding=True)
    keyboard = Keyboard(b"\r", b"because\r", b"later\r", b"1h\r", b"INC-2\r", b"\r")
    assert await asked(keyboard, room) is Answer.APPROVED
    assert [reason for _, _, reason in room.filed] == ["INC-2"]
    assert b"name an incident" in keyboard.shown
    assert b"is no duration" in keyboard.shown


async def test_a_denial_is_told_and_nothing_in_it_is_obeyed() -> None:
    room = Room(replace(REQUEST, state=RequestState.DENIED, decision="no \x1b]0;x\x07"))
    keyboard = Keyboard(b"why\r\r")
    assert await asked(keyboard, room) is Answer.REFUSED
    assert b"was denied: no" in keyboard.shown
    assert b"\x1b]0;" not in keyboard.shown


async def test_control_c_withdraws_while_it_waits_and_files_nothing_before() -> None:
    room = Room()
    assert await asked(Keyboard(b"why\r", b"\r", b"x\x03", plain=False), room) is Answer.INTERRUPTED
    assert room.withdrawn
    room = Room()
    assert await asked(Keyboard(b"wh\x03"), room) is Answer.INTERRUPTED
    assert room.filed == []
    assert not room.withdrawn


async def test_a_request_from_before_is_waited_for_and_never_withdrawn() -> None:
    room = Room()
    keyboard = Keyboard(b"\x03")
    assert await asked(keyboard, room, pending=REQUEST) is Answer.INTERRUPTED
    assert not room.withdrawn
    assert b"your request 7 for web-1 still waits" in keyboard.shown


async def test_the_end_of_input_does_not_end_the_wait() -> None:
    room = Room(replace(REQUEST, state=RequestState.LAPSED))
    keyboard = Keyboard(b"why\r\r", b"")
    assert await asked(keyboard, room) is Answer.REFUSED
    assert b"lapsed" in keyboard.shown
