"""What a protocol room gives to the line, and the facts it is given to dial production."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from gateway.domain.unit import Unit
from gateway.domain.verdict import Judged

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from socket import socket

    from gateway.domain.change import Capture
    from gateway.domain.endpoint import Endpoint, EndpointKind
    from gateway.domain.identity import Identity
    from gateway.domain.ids import SessionId
    from gateway.domain.production import ReadProduction
    from gateway.domain.secret import Secret
    from gateway.domain.session import Ending, Level, Passage
    from gateway.domain.unit import Refused
    from gateway.session.line import Session
    from gateway.transport.accept import Arrival

U = TypeVar("U", bound=Unit)
J = TypeVar("J", bound=Judged)


@dataclass(frozen=True, slots=True)
class DialContext:
    """Facts of the session that production may be told or that choose a connection.

    Attributes:
        session: the session's number.
        identity: login name of who is connecting.
    """

    session: SessionId
    identity: str


class Door(Protocol[U, J]):
    """One client connection, as its protocol room hands it to the line.

    Attributes:
        kind: the protocol it speaks.
        client: peer address and application, for the record.
        source: peer address alone.
        passage: the arrival's own: what binds a client that came in through another door.
        production: the gateway's own reads of production, through ``Session.admit`` like any unit.
    """

    kind: EndpointKind
    client: str
    source: str
    passage: Passage | None
    production: ReadProduction

    async def dial(self, endpoint: Endpoint, secret: Secret, context: DialContext) -> Level:
        """Open production read-only and probe what it enforces by itself.

        Raises:
            UpstreamUnavailable: production can't be reached or refuses the gateway's credential.
            UpstreamTooOpen: the endpoint requires a read-only role and the probe found more.
        """

    def judge(self, unit: U) -> J:
        """Judge one unit: pure, cached, no I/O."""

    def heavy(self, unit: U) -> bool:
        """Whether judging would hold up the loop: such a unit is judged in a thread first."""

    async def serve(self, session: Session[U, J]) -> Ending:
        """Carry units in and answers out until the client or production ends it."""

    def busy(self) -> bool:
        """Whether production works on an answer: such a session is not idle."""

    async def warn(self, message: str) -> None:
        """Show a notice in the client's own protocol."""

    async def cut(self, ending: Ending) -> bool:
        """Cancel what runs in production, tell the client why, close both sides.

        Returns:
            Whether production confirmed that nothing of this session runs there any more.
        """

    def capture(self, refused: Refused[U, J]) -> Capture | None:
        """Return what a change request needs of a refused unit, None where no artifact could carry it."""


class Bring(Protocol):
    """Opens a way into a door for a client of another one."""

    def __call__(self, outer: Arrival, passage: Passage) -> tuple[socket, Arrival]:
        """Return the other door's end of a socket pair, and the arrival to be served at its far end.

        Raises:
            PeerError: there is no socket left for it.
        """


@dataclass(frozen=True, slots=True)
class Opening:
    """A door, as other doors reach it without importing it.

    Both ways of serving return when the connection is over, and an error in them has ended it alone.

    Attributes:
        port: where the door listens itself.
        bring: makes the connection.
        serve: takes a client that proves itself there as at the door's own port: forwarding.
        open: takes one that has proven itself already, to an endpoint of the door's kind: a byte stream in
            the clear, without a login of its own. None: the door has no such way in.
    """

    port: int
    bring: Bring
    serve: Callable[[Arrival], Coroutine[Any, Any, None]]
    open: Callable[[Arrival, Identity, Endpoint], Coroutine[Any, Any, None]] | None


Openings = Mapping["EndpointKind", Opening]
"""The table that the server hands to each door: kind of endpoint → its door."""
