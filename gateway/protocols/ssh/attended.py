"""A line of the governed shell on its host: keys come once it takes them, those it leaves come back.

A host gives each line a terminal of its own, and what nobody read there is gone with it; in bash it is the
next line's. So a shell of the gateway's own waits there beside the command. Three marks in the output say how
things are: *up*, from the command's own shell, so that no key's signal meets a process which keeps it for
itself; *over*, with the status; *bare*, once the terminal passes on everything as it is. Then the gateway
sends the mark itself, and the host all that is still to be read up to it: nothing is lost, whenever it was
typed. What comes back is taken only where it was typed here, in that order: a program that knows the mark can
leave keys out, and put none in.

What is typed where echo is off must not show on a line. OpenSSH's sshd says when that was so: it answers such
keys by an SSH_MSG_IGNORE, to look on the wire like one that echoes (channels.c). Of another server's terminal
nothing is taken back.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.protocols.ssh.running import MOST_INPUT, Running
from gateway.terminal.desk import INTERRUPT, MOST_KEYS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway.domain.ids import UnitNumber
    from gateway.judge.shell.judgement import ShellJudgement
    from gateway.protocols.ssh.shell import OnStage
    from gateway.protocols.ssh.units import ShellUnit
    from gateway.session.line import Session

BACK_SECONDS: Final = 2.0
"""A host has so long to send back what was not read."""
UP, OVER, BARE = "+", "-", "="

_BEGINS: Final = b"\x1b_"
_ENDS: Final = b"\x1b\\"
_LONGEST_SAID: Final = 8
_SCRIPT: Final = """\
{jobs}trap : INT QUIT
n=$1
shift
"$@"
s=$?
trap '' INT QUIT TSTP TTIN TTOU
printf '\\033_%s-%s\\033\\134' "$n" "$s"
case $(stty -a) in *[!a-z]-echo[!a-z]*) exit "$s";; esac
stty raw -echo && printf '\\033_%s=\\033\\134' "$n" && sed "/^$n\\$/q"
exit "$s"
"""
_JOBS: Final = "trap '' TSTP\nset -m\n"
"""bubblewrap's own shell takes the terminal into a group that it can't give it back from."""


class Mark(NamedTuple):
    """What the shell around a line says.

    Attributes:
        kind: one of ``UP``, ``OVER``, ``BARE``.
        said: with it.
    """

    kind: str
    said: bytes


def around(mark: str, *, jobs: bool) -> tuple[str, ...]:
    """Return the beginning of an argv that has a shell wait beside the command.

    Args:
        mark: nobody else's; letters and digits.
        jobs: whether the command gets a process group of its own.
    """
    return ("/bin/sh", "-c", _SCRIPT.format(jobs=_JOBS if jobs else ""), "sh", mark)


def first_of(mark: str) -> str:
    """Return the first line of a script that says by it that keys may come."""
    return f"printf '\\033_{mark}{UP}\\033\\134'\n"


class Marks:
    """Finds in output what the shell around a line says.

    Args:
        mark: its own.
    """

    def __init__(self, mark: str) -> None:
        self._begins = _BEGINS + mark.encode()
        said = b"[%b]([0-9]{0,%d})" % (re.escape(f"{UP}{OVER}{BARE}".encode()), _LONGEST_SAID)
        self._whole = re.compile(re.escape(self._begins) + b"(?P<kind>" + said + b")" + re.escape(_ENDS))
        self._part = re.compile(re.escape(self._begins) + b"(%b%b?)?" % (said, re.escape(_ENDS[:1])))
        self._longest = len(self._begins) + 1 + _LONGEST_SAID + len(_ENDS)
        self._held = b""

    def feed(self, data: bytes) -> Iterator[bytes | Mark]:
        """Yield output and marks in order; what may be the beginning of a mark is kept for now."""
        data, self._held = self._held + data, b""
        at = 0
        for found in self._whole.finditer(data):
            if found.start() > at:
                yield data[at : found.start()]
            yield Mark(chr(found["kind"][0]), found["kind"][1:])
            at = found.end()
        held = self._unsure(data, at)
        if held > at:
            yield data[at:held]
        self._held = data[held:]

    def _unsure(self, data: bytes, at: int) -> int:
        """Return the place from which output may be the beginning of a mark; its end where none is."""
        start = data.find(_BEGINS[:1], max(at, len(data) - self._longest + 1))
        while start >= 0:
            tail = data[start:]
            if self._begins.startswith(tail) or self._part.fullmatch(tail):
                return start
            start = data.find(_BEGINS[:1], start + 1)
        return len(data)

    def rest(self) -> bytes:
        """Return what was kept and is no mark, since nothing follows it."""
        held, self._held = self._held, b""
        return held


class Attended(Running):
    """Between a governed shell's stage and a line that runs on its host.

    Args:
        session: records.
        number: of the unit.
        channel: where it runs.
        token: stands in the environment of all that the unit starts.
        recorded: whether output is kept.
        mark: of the shell around the line.
        hushed: how many keys were typed on this connection where echo was off; None: its host does not say.

    Attributes:
        interrupted: set by each Ctrl-C.
    """

    def __init__(
        self,
        session: Session[ShellUnit, ShellJudgement],
        number: UnitNumber,
        channel: OnStage,
        *,
        token: str,
        recorded: bool,
        mark: str,
        hushed: Callable[[], int | None],
    ) -> None:
        super().__init__(session, number, channel, token=token, recorded=recorded)
        self.interrupted = asyncio.Event()
        self._stage = channel
        self._marks = Marks(mark)
        self._sync = f"\n{mark}\n".encode()
        self._hushed = hushed
        self._hushed_before = hushed()
        self._up = False
        self._settled = False
        self._back: bytearray | None = None
        self._early = bytearray()
        self._sent = bytearray()
        self._late = bytearray()
        self._timer: asyncio.TimerHandle | None = None

    # ---- what the host sends -----------------------------------------------------------------------

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """The command wrote something, or the shell around it said something."""
        for piece in self._marks.feed(data):
            if self._settled:
                return
            if isinstance(piece, Mark):
                self._heard(piece)
            elif self._back is not None:
                self._comes_back(piece)
            else:
                super().data_received(piece, datatype)

    def _heard(self, mark: Mark) -> None:
        if mark.kind == UP and not self._up:
            self._up = True
            early, self._early = bytes(self._early), bytearray()
            self._channel.hold(hold=False)
            if early:
                self._send(early)
        elif mark.kind == OVER and not self.ended and mark.said:
            self.exit_status_received(int(mark.said))
            if not self._sent:
                self._settle(b"")
                return
            self._timer = asyncio.get_running_loop().call_later(BACK_SECONDS, self._settle, b"")
        elif mark.kind == BARE and self.ended and self._chan is not None and not self._chan.is_closing():
            self._back = bytearray()
            self._chan.write(self._sync)

    def _comes_back(self, data: bytes) -> None:
        """What was not read, and at last the mark."""
        assert self._back is not None
        self._back += data
        if self._back.endswith(self._sync):
            self._settle(bytes(self._back[: -len(self._sync)]))
        elif len(self._back) > MOST_KEYS + len(self._sync):
            self._settle(b"")

    def exit_status_received(self, status: int) -> None:
        """The command has ended; how the shell around it ends is nobody's business."""
        if not self.ended:
            super().exit_status_received(status)

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:  # noqa: FBT001
        """A signal has ended the command, with the shell around it."""
        if not self.ended:
            super().exit_signal_received(signal, core_dumped, msg, lang)

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is closed, all output delivered."""
        if not self._settled and self._back is None and (rest := self._marks.rest()):
            super().data_received(rest, None)
        self._settle(b"")
        super().connection_lost(exc)

    # ---- what the client's channel tells -----------------------------------------------------------

    def fed(self, data: bytes) -> None:
        """Send on what was typed once the command takes it, and keep what is typed behind its end."""
        if self._settled:
            self._channel.left(data)
        elif self.ended:
            self._late += data[: MOST_KEYS - len(self._late)]
        else:
            if INTERRUPT in data:
                self._stage.forget()
            self._send(data)

    def _send(self, data: bytes) -> None:
        if not self._up:
            self._early += data
            if len(self._early) > MOST_INPUT:
                self._channel.hold(hold=True)
            return
        if INTERRUPT in data:
            self.interrupted.set()
        self._sent += data
        del self._sent[:-MOST_KEYS]
        super().fed(data)

    def fed_up(self) -> None:
        """Nothing more will be typed, which a terminal has no way to say: the shell will hear it."""

    # ---- its end -----------------------------------------------------------------------------------

    def drop(self) -> None:
        """Take nothing more of what the command writes."""
        self._settle(b"")
        super().drop()

    def _settle(self, back: bytes) -> None:
        """Give back what was not read, and what was typed since; the command is over for its shell."""
        if self._settled:
            return
        self._settled = True
        if self._timer is not None:
            self._timer.cancel()
        hushed = self._hushed()
        if back and hushed is not None and hushed == self._hushed_before and typed(back, bytes(self._sent)):
            self._channel.left(back)
        for kept in (self._early, self._late):
            if kept:
                self._channel.left(bytes(kept))
        self._channel.hold(hold=False)
        if self.ended:
            self.closed.set()
            super().drop()


def typed(back: bytes, sent: bytes) -> bool:
    """Whether what came back is nothing but what was sent, in its order, less what was rubbed out.

    Args:
        back: by a terminal that makes a line's end of Enter, and NUL of Ctrl-D.
        sent: before.
    """
    left = iter(sent.replace(b"\r", b"\n").replace(b"\x04", b"\0"))
    return all(key in left for key in back.replace(b"\r", b"\n").replace(b"\x04", b"\0"))
