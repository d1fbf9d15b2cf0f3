"""Bytes both ways behind a request: a command's terminal or streams, a container's output."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from gateway.protocols.docker.frames import STDERR, frame
from gateway.session.life import SessionOver
from gateway.transport.http.carrying import two_way

if TYPE_CHECKING:
    from gateway.protocols.docker.tape import Governed, Tape
    from gateway.terminal.programs import KeyLock
    from gateway.transport.http.connection import Connection
    from gateway.transport.http.exchange import UpstreamSide

INTERRUPT: Final = b"\x03"
_LEAVING: Final = (INTERRUPT, b"\x10\x11")
"""Ctrl-C, and docker's own keys to detach: an output that is only shown is left by both."""


class Stream:
    """One that runs.

    Args:
        session: records.
        number: of its unit.
        client: one side.
        upstream: the other, behind the head by which the protocol changed.
        tape: keeps the output, and knows whether it is a terminal's.
        spoken: whether something of the gateway's own can stand in it; frames of another protocol hold none.
    """

    def __init__(
        self,
        session: Governed,
        number: int,
        client: Connection,
        upstream: UpstreamSide,
        *,
        tape: Tape,
        spoken: bool,
    ) -> None:
        self._session = session
        self._number = number
        self._client = client
        self._upstream = upstream
        self._tape = tape
        self._spoken = spoken
        self._taken = False

    async def run(self, early: bytes, *, taken: bool, lock: KeyLock | None = None) -> None:
        """Carry until production or the client ends it.

        Args:
            early: what the client sent behind its request.
            taken: whether what the client sends goes to production.
            lock: of the keys that it may send.
        """
        self._taken = taken

        def up(data: bytes) -> bytes:
            if not taken:
                if self._tape.raw and any(keys in data for keys in _LEAVING):
                    self.leave()
                return b""
            return data if lock is None else lock.pass_on(data)

        def down(data: bytes) -> bytes:
            self._tape.seen(data)
            return data

        if early:
            self._upstream.connection.write(up(early))
        typed = taken and bool(self._tape.raw)  # a terminal that sends no more has gone
        await two_way(self._client, self._upstream, down=down, up=up, half=not typed, left=self.leave)

    def resized(self, columns: int, rows: int) -> None:
        """The client's terminal has another size."""
        # It is told on another connection, whose session has nothing to do with how this one ends.
        with contextlib.suppress(SessionOver):
            self._session.event("window", f"unit {self._number}: {columns}x{rows}")

    def leave(self) -> None:
        """End it from here: what reads for ever at a terminal ends by its Ctrl-C."""
        if self._taken and self._tape.raw:
            interrupt(self._upstream.connection)
        else:
            self._upstream.connection.abort()

    def say(self, text: str) -> None:
        """Say something in the gateway's own voice: on standard error, or on the terminal."""
        if self._spoken:
            self._client.write(spoken(text, raw=bool(self._tape.raw)))


def interrupt(connection: Connection) -> None:
    """Type Ctrl-C to a command whose client is gone, for an engine ends none by itself."""
    connection.write(INTERRUPT)
    connection.close()


def spoken(text: str, *, raw: bool) -> bytes:
    """Return what the gateway says as it stands in a stream of output.

    Args:
        text: lines without the last one's end.
        raw: whether the stream is a terminal's, without frames.
    """
    if raw:
        return f"\r\n{text}\n".replace("\r\n", "\n").replace("\n", "\r\n").encode()
    return frame(STDERR, f"{text}\n".encode())
