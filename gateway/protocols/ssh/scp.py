"""The receiving side of scp's old protocol (``scp -O``): what is sent becomes a change request, no file.

Source: OpenSSH's scp.c (sink); its comments are all the description that there is.
"""

from __future__ import annotations

import asyncio
import posixpath
import re
import shlex
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from gateway.domain.errors import GlassgateError
from gateway.domain.host import Known, Written
from gateway.protocols.ssh.production import MOST_FILE
from gateway.protocols.ssh.quoting import quoted
from gateway.terminal.desk import until_gone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.protocols.ssh.channel import Channel
    from gateway.protocols.ssh.production import HostReads

MOST_FILES: Final = 16
MOST_FOLDERS: Final = 64
"""Folders inside each other."""
LONGEST_LINE: Final = 4096
SECONDS: Final = 300.0
"""A client has so long to send what it has."""
GOOD: Final = b"\0"

_CALL: Final = re.compile(
    r"\s*(?:/usr/bin/)?scp(?P<options>(?:\s+-[a-z]+)+)(?:\s+--)?\s+(?P<target>\S.*?)\s*"
)
_EXPANDS: Final = frozenset("*?[{$`;&|<>()\n")
_FILE: Final = re.compile(rb"C([0-7]{4}) ([0-9]{1,15}) ([^/\0]+)")
_FOLDER: Final = re.compile(rb"D[0-7]{4} [0-9]+ ([^/\0]+)")
_TIMES: Final = re.compile(rb"T[0-9]+ [0-9]+ [0-9]+ [0-9]+")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a client wants its files.

    Attributes:
        path: absolute.
        folder: whether the files go into it.
    """

    path: str
    folder: bool


async def target_of(line: str, reads: HostReads, home: str) -> Target | None:
    """Return where ``scp -t`` would write, None where the line does not say it alone.

    Args:
        line: as sent.
        reads: looks whether there is a folder of that name.
        home: the login's.
    """
    call = _CALL.fullmatch(line)
    if call is None or (_EXPANDS & set(call["target"]) and not call["target"].startswith("'")):
        return None
    try:
        words = shlex.split(call["target"])
    except ValueError:
        return None
    if len(words) != 1:
        return None
    path = words[0]
    if path == "~" or path.startswith("~/"):
        path = home + path[1:]
    path = posixpath.normpath(posixpath.join(home or "/", path))
    if "d" in call["options"] or words[0].endswith(("/", "/.")):
        return Target(path, folder=True)
    try:
        return Target(path, folder=(await reads.ran(f"test -d {quoted(path)}")).status == 0)
    except (GlassgateError, ValueError):
        return None


class _State(Enum):
    """What comes next."""

    LINE = auto()
    CONTENT = auto()
    AFTER_CONTENT = auto()
    """A byte of nought, or a line that says what went wrong at the client's."""
    OVER = auto()


@dataclass(slots=True)
class Sink:
    """Files as they come in. No I/O.

    Attributes:
        target: where they are to go.
        files: that came whole; those too large or too many have no content.
    """

    target: Target
    files: list[Written] = field(default_factory=list)
    _inside: list[str] = field(default_factory=list)
    _state: _State = _State.LINE
    _kept: bytearray = field(default_factory=bytearray)
    _size: int = 0
    _mode: int = 0
    _path: str = ""
    _taken: int = 0

    def over(self) -> bool:
        """Whether nothing further is taken."""
        return self._state is _State.OVER

    def feed(self, data: bytes) -> bytes:
        """Take what the client sent; return what it is answered."""
        self._kept += data
        return b"".join(self._steps())

    def _steps(self) -> Iterator[bytes]:
        while self._kept and self._state is not _State.OVER:
            match self._state:
                case _State.CONTENT:
                    if len(self._kept) < self._size:
                        return
                    self._content()
                case _State.AFTER_CONTENT if self._kept[0] == 0:
                    del self._kept[:1]
                    self._state = _State.LINE
                    yield GOOD
                case _:
                    end = self._kept.find(b"\n", 0, LONGEST_LINE)
                    if end < 0:
                        if len(self._kept) >= LONGEST_LINE:
                            yield self._broken("a line is too long")
                        return
                    line = bytes(self._kept[:end])
                    del self._kept[: end + 1]
                    yield self._line(line)

    def _line(self, line: bytes) -> bytes:
        if self._state is _State.AFTER_CONTENT:  # the client could not read its file to the end
            self._state = _State.LINE
            del self.files[-1:]
            return GOOD
        if line[:1] == b"\1":
            return b""
        if line[:1] == b"\2":
            self._state = _State.OVER
            return b""
        if found := _FILE.fullmatch(line):
            return self._file(int(found[1], 8), int(found[2]), found[3])
        if found := _FOLDER.fullmatch(line):
            return self._folder(found[1])
        if line == b"E" and self._inside:
            self._inside.pop()
            return GOOD
        return GOOD if _TIMES.fullmatch(line) else self._broken("a line is not understood")

    def _file(self, mode: int, size: int, name: bytes) -> bytes:
        path = self._place(name)
        if path is None:
            return self._broken("a name can't be")
        if len(self.files) >= MOST_FILES:
            return _left_out(path, f"more than {MOST_FILES} files at once")
        if self._taken + size > MOST_FILE:
            self.files.append(Written(path, None, mode=mode & 0o777))
            return _left_out(path, f"larger than the {MOST_FILE >> 20} MB that a change request takes")
        self._taken += size
        self._mode, self._size, self._path = mode & 0o777, size, path
        self._state = _State.CONTENT
        if not size:
            self._content()
        return GOOD

    def _folder(self, name: bytes) -> bytes:
        path = self._place(name)
        if path is None or len(self._inside) >= MOST_FOLDERS:
            return self._broken("a folder can't be")
        self._inside.append(path)
        return GOOD

    def _content(self) -> None:
        content = bytes(self._kept[: self._size])
        del self._kept[: self._size]
        self.files.append(Written(self._path, Known(content), mode=self._mode))
        self._state = _State.AFTER_CONTENT

    def _place(self, name: bytes) -> str | None:
        """Return where a file or folder of a name would be made, None where it can't be so called."""
        try:
            text = name.decode()
        except UnicodeDecodeError:
            return None
        if text in (".", ".."):
            return None
        if self._inside:
            return posixpath.join(self._inside[-1], text)
        return posixpath.join(self.target.path, text) if self.target.folder else self.target.path

    def _broken(self, why: str) -> bytes:
        self._state = _State.OVER
        return f"\2glassgate: scp: {why}\n".encode()


def _left_out(path: str, why: str) -> bytes:
    """Return the answer by which a client leaves a file out and goes on."""
    return f"\1glassgate: {posixpath.basename(path)}: {why}\n".encode(errors="replace")


class Receiving:
    """A client's channel while it sends.

    Args:
        channel: the client's.
        sink: takes the files.

    Attributes:
        ended: set once all has come.
    """

    def __init__(self, channel: Channel, sink: Sink) -> None:
        self._channel = channel
        self._sink = sink
        self.ended = asyncio.Event()

    def fed(self, data: bytes) -> None:
        """A piece came."""
        if self._sink.over():
            return
        self._channel.write(self._sink.feed(data))
        if self._sink.over():
            self.ended.set()

    def fed_up(self) -> None:
        """That was all."""
        self.ended.set()

    def hurry(self, *, hold: bool) -> None:
        """Answers are of a byte."""

    def resized(self, size: tuple[int, int, int, int]) -> None:
        """Nothing is shown."""

    def signalled(self, name: str) -> None:
        """A signal ends the copy."""
        del name
        self.ended.set()


async def received(channel: Channel, target: Target) -> tuple[Written, ...]:
    """Take the files that a client sends to ``scp -t``, which are told good and are written nowhere."""
    sink = Sink(target)
    receiving = Receiving(channel, sink)
    channel.write(GOOD)
    channel.join(receiving)
    try:
        async with asyncio.timeout(SECONDS):
            await until_gone(receiving.ended.wait(), channel.gone)
    except TimeoutError:
        return tuple(sink.files)
    return tuple(sink.files)
