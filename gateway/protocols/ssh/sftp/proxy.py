"""A client's SFTP channel: operations admitted one by one, reads passed on, writes refused where they end.

The path that is opened is the one that the host's own ``realpath`` gave and the path policy let pass; what
the handle then stands on is looked at again. Reads of an open handle are passed on under numbers of our own.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final

from gateway.domain.display import display
from gateway.domain.errors import GlassgateError, PeerError
from gateway.domain.unit import Admitted
from gateway.judge.sftp import SftpOperation
from gateway.judge.shell.paths import unopened_path
from gateway.protocols.ssh import refusal
from gateway.protocols.ssh.given import note_given
from gateway.protocols.ssh.sftp.production import HostSftp
from gateway.protocols.ssh.sftp.requests import ON_HANDLES, body_of, operation_of, raw, writes_of
from gateway.protocols.ssh.sftp.uploads import MOST_UPLOADS, Stock, Upload
from gateway.protocols.ssh.sftp.wire import (
    HAS_MODE,
    VERSION,
    Fields,
    Frames,
    Kind,
    OpenFlag,
    Packet,
    Status,
    is_regular,
    packet,
    plain_attributes,
    size_and_mode,
    status,
    string,
)
from gateway.protocols.ssh.units import SftpUnit
from gateway.session.life import SessionOver

if TYPE_CHECKING:
    from gateway.domain.host import HostWrite
    from gateway.domain.ids import UnitNumber
    from gateway.domain.unit import Refused
    from gateway.judge.shell.judgement import ShellJudgement
    from gateway.protocols.ssh.channel import Channel
    from gateway.protocols.ssh.units import ShellUnit
    from gateway.session.line import Session

MOST_HANDLES: Final = 256
MOST_WAITING: Final = 1024
"""Requests that a client may have open."""
MOST_ASKED: Final = 16 << 10
"""Bytes of a request by path: two of the longest paths with room to spare."""
STDOUT: Final = 1
_OURS: Final = b"glassgate-"
_READING: Final = int(OpenFlag.READ).to_bytes(4, "big") + bytes(4)
"""The flag READ alone, and no attributes."""
_EXTENSIONS: Final = b"".join(
    string(name) + string(version)
    for name, version in (
        (b"posix-rename@openssh.com", b"1"),
        (b"statvfs@openssh.com", b"2"),
        (b"hardlink@openssh.com", b"1"),
        (b"lsetstat@openssh.com", b"1"),
        (b"limits@openssh.com", b"1"),
        (b"expand-path@openssh.com", b"1"),
    )
)
"""What is answered, by the host or by a refusal; copying on the host (copy-data) is not offered."""


@dataclass(slots=True)
class _Handle:
    """What a handle of the host's stands on.

    Attributes:
        number: the unit that opened it.
        file: a file, else a folder.
        began: nanoseconds on a clock that only goes forward.
        size: bytes read so far.
    """

    number: UnitNumber
    file: bool
    began: int
    size: int = 0


class SftpProxy:
    """One SFTP channel.

    Args:
        session: admits and records.
        channel: the client's.
        stock: of bytes that uploads may hold.
        recorded: whether what is read goes into the recording.

    Attributes:
        host: the host's side, to be opened before :meth:`serve`.
    """

    def __init__(
        self,
        session: Session[ShellUnit, ShellJudgement],
        channel: Channel,
        stock: Stock,
        *,
        recorded: bool,
    ) -> None:
        self._session = session
        self._stock = stock
        self._channel = channel
        self._recorded = recorded
        self._frames = Frames()
        self._handles: dict[bytes, _Handle] = {}
        self._uploads: dict[bytes, Upload] = {}
        self._passed: dict[int, tuple[int, int, _Handle]] = {}
        self._asked: asyncio.Queue[tuple[Packet, Upload | None] | None] = asyncio.Queue()
        self._made = 0
        self._greeted = False
        self.host = HostSftp(self._answered)

    async def serve(self) -> None:
        """Serve until the client or the host leaves.

        Raises:
            UpstreamUnavailable: the host has no SFTP server.
            PeerError: the client broke the protocol.
        """
        await self.host.hello()
        self._channel.join(self)
        async with asyncio.TaskGroup() as group:
            ends = {
                group.create_task(self._work()),
                group.create_task(self.host.closed.wait()),
                group.create_task(self._channel.gone.wait()),
            }
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for each in ends:
                each.cancel()
        for handle in self._handles.values():
            self._closed(handle, "left open")
        for upload in self._uploads.values():
            upload.drop()
        await self._channel.flushed()

    # ---- what the client's channel tells ---------------------------------------------------------

    def fed(self, data: bytes) -> None:
        """The client sent requests."""
        try:
            for each in self._frames.feed(data):
                self._take(each)
        except PeerError as error:
            self._channel.say(refusal.text(error.message))
            self._asked.put_nowait(None)

    def fed_up(self) -> None:
        """The client sends nothing more."""
        self._asked.put_nowait(None)

    def hurry(self, *, hold: bool) -> None:
        """The client is slow, or reads again."""
        self.host.hold(hold=hold)

    def resized(self, size: tuple[int, int, int, int]) -> None:
        """A file transfer has no terminal."""

    def signalled(self, name: str) -> None:
        """A file transfer takes no signals."""

    def _take(self, asked: Packet) -> None:
        if not self._greeted:
            if asked.kind != Kind.INIT:
                raise PeerError("an SFTP conversation begins with INIT")
            self._greeted = True
            self._channel.write(packet(Kind.VERSION, VERSION, _EXTENSIONS))
            return
        if len(self._passed) + self._asked.qsize() > MOST_WAITING:
            raise PeerError(f"more than {MOST_WAITING} SFTP requests at once")
        if asked.kind in ON_HANDLES:
            self._on_handle(asked)
        elif len(asked.body) > MOST_ASKED:
            self._say(asked, Status.BAD_MESSAGE, "the request is too long")
        else:
            self._asked.put_nowait((asked, None))

    # ---- handles ---------------------------------------------------------------------------------

    def _on_handle(self, asked: Packet) -> None:
        """Pass on what reads from a handle; what writes goes to its upload, or nowhere."""
        fields = Fields(asked.body)
        name = fields.string()
        upload = self._uploads.get(name)
        if upload is not None:
            self._on_upload(asked, fields, name, upload)
            return
        handle = self._handles.get(name)
        if handle is None:
            self._say(asked, Status.FAILURE, "no such handle")
        elif asked.kind in (Kind.WRITE, Kind.FSETSTAT):
            self._say(asked, Status.PERMISSION_DENIED, "the handle was opened for reading")
        elif (asked.kind == Kind.READ and not handle.file) or (asked.kind == Kind.READDIR and handle.file):
            self._say(asked, Status.FAILURE, "the handle is of another kind")
        else:
            if asked.kind == Kind.CLOSE:  # the host may give its name to another file at once
                del self._handles[name]
            number = self.host.number()
            self._passed[number] = (asked.number, asked.kind, handle)
            self.host.send(asked.renumbered(number))

    def _answered(self, answer: Packet) -> None:
        """The host answered a request that was passed on."""
        number, kind, handle = self._passed.pop(answer.number, (None, 0, None))
        if number is None or handle is None:
            return
        if answer.kind in (Kind.DATA, Kind.NAME):
            handle.size += len(answer.body)
            if self._recorded and answer.kind == Kind.DATA:
                try:
                    self._session.output(handle.number, STDOUT, answer.body[4:])
                except SessionOver:
                    return  # the line is ending the session; nothing unrecorded is shown
        if kind == Kind.CLOSE:
            self._closed(handle, "closed")
        self._channel.write(answer.renumbered(number))

    def _closed(self, handle: _Handle, tag: str) -> None:
        try:
            self._session.answered(
                handle.number,
                tag=tag,
                rows=None,
                size=handle.size,
                nanoseconds=perf_counter_ns() - handle.began,
            )
        except SessionOver:
            return  # the recording is lost, which the line says by itself

    def _on_upload(self, asked: Packet, fields: Fields, name: bytes, upload: Upload) -> None:
        """Take what would have been written; it is refused where it ends."""
        if asked.kind == Kind.WRITE:
            upload.put(fields.long(), fields.string())
            self._say(asked, Status.OK)
        elif asked.kind == Kind.FSETSTAT:
            _, upload.mode = size_and_mode(fields.rest())
            self._say(asked, Status.OK)
        elif asked.kind == Kind.FSTAT:
            self._channel.write(packet(Kind.ATTRS, asked.number, plain_attributes(len(upload.content))))
        elif asked.kind == Kind.CLOSE:
            self._asked.put_nowait((asked, self._uploads.pop(name)))
        else:
            self._say(asked, Status.PERMISSION_DENIED, "the handle was opened for writing")

    # ---- operations by path ----------------------------------------------------------------------

    async def _work(self) -> None:
        """Serve the requests that are units, one after the other."""
        while True:
            next_asked = await self._asked.get()
            if next_asked is None:
                return
            asked, upload = next_asked
            try:
                await (self._serve(asked) if upload is None else self._end(asked, upload))
            except SessionOver:
                return  # the line is cutting the session and tells the client
            except GlassgateError as error:
                self._say(asked, Status.FAILURE, error.message)

    async def _serve(self, asked: Packet) -> None:
        operation = operation_of(asked)
        text = operation.text if operation is not None else f"request {asked.kind}"
        outcome = await self._session.admit(
            SftpUnit(text.encode("utf-8", "surrogateescape"), operation=operation)
        )
        if isinstance(outcome, Admitted):
            await self._forward(asked, outcome)
        elif operation is not None and operation.name == "open" and operation.flags - {"read"}:
            self._upload(asked, operation, outcome)
        else:
            await self._file(asked, outcome, writes_of(asked, operation))

    async def _forward(self, asked: Packet, admitted: Admitted[ShellUnit, ShellJudgement]) -> None:
        """Send what was admitted, rebuilt from what was judged."""
        unit = admitted.unit
        assert isinstance(unit, SftpUnit)
        assert unit.operation is not None
        began = perf_counter_ns()
        if unit.operation.name in ("open", "opendir"):
            if len(self._handles) >= MOST_HANDLES:
                self._say(asked, Status.FAILURE, f"more than {MOST_HANDLES} files are open")
                return
            opened = self._open_file if unit.operation.name == "open" else self._open_folder
            answer = await opened(asked, unit.operation.paths[0])
            if answer is not None and answer.kind == Kind.HANDLE:
                file = unit.operation.name == "open"
                self._handles[Fields(answer.body).string()] = _Handle(admitted.number, file, began)
        else:
            answer = await self.host.ask(asked.kind, body_of(asked.kind, unit.operation))
        self._answer(asked, answer, admitted.number, began)

    def _answer(self, asked: Packet, answer: Packet | None, number: UnitNumber, began: int) -> None:
        if answer is None:
            return
        self._channel.write(answer.renumbered(asked.number))
        if answer.kind == Kind.HANDLE:
            return
        failed = answer.kind == Kind.STATUS
        self._session.answered(
            number,
            tag="failed" if failed else "answered",
            rows=None,
            size=len(answer.body),
            nanoseconds=perf_counter_ns() - began,
            error_code=str(Fields(answer.body).number()) if failed else "",
        )

    async def _open_file(self, asked: Packet, path: str) -> Packet | None:
        """Open a regular file by the path that the host makes of it; None where the client was told why."""
        told = await self.host.ask(Kind.REALPATH, string(raw(path)))
        if told.kind != Kind.NAME:
            return told
        fields = Fields(told.body)
        fields.number()
        real = fields.string()
        why = unopened_path(real.decode("utf-8", "surrogateescape"))
        if why is not None:
            self._say(asked, Status.PERMISSION_DENIED, f"it {why}")
            return None
        there = await self.host.ask(Kind.STAT, string(real))
        if there.kind != Kind.ATTRS:
            return there
        if not is_regular(there):
            self._say(asked, Status.PERMISSION_DENIED, "it is no regular file")
            return None
        opened = await self.host.ask(Kind.OPEN, string(real) + _READING)
        if opened.kind != Kind.HANDLE:
            return opened
        stands_on = await self.host.ask(Kind.FSTAT, opened.body)
        if stands_on.kind != Kind.ATTRS or not is_regular(stands_on):
            await self.host.ask(Kind.CLOSE, opened.body)
            self._say(asked, Status.PERMISSION_DENIED, "it is no regular file")
            return None
        return opened

    async def _open_folder(self, asked: Packet, path: str) -> Packet:
        del asked
        return await self.host.ask(Kind.OPENDIR, string(raw(path)))

    # ---- writes ----------------------------------------------------------------------------------

    def _upload(
        self, asked: Packet, operation: SftpOperation, refused: Refused[ShellUnit, ShellJudgement]
    ) -> None:
        """Give the client a handle that takes bytes in and leads nowhere."""
        if len(self._uploads) >= MOST_UPLOADS:
            self._say(asked, Status.FAILURE, f"more than {MOST_UPLOADS} uploads at once")
            return
        fields = Fields(asked.body)
        fields.string()
        fields.number()
        attributes = fields.rest()
        flags = int.from_bytes(attributes[:4], "big")
        mode = size_and_mode(attributes)[1] if flags & HAS_MODE else None
        self._made += 1
        name = _OURS + str(self._made).encode()
        self._uploads[name] = Upload(
            refused, self._stock, operation.paths[0], "append" in operation.flags, mode
        )
        self._channel.write(packet(Kind.HANDLE, asked.number, string(name)))

    async def _end(self, asked: Packet, upload: Upload) -> None:
        """Make a change request of a whole upload."""
        try:
            await self._file(asked, upload.refused, (upload.written(),))
        finally:
            upload.drop()

    async def _file(
        self, asked: Packet, refused: Refused[ShellUnit, ShellJudgement], writes: tuple[HostWrite, ...]
    ) -> None:
        """Make a change request of what was refused; say so in the answer and on standard error."""
        assert isinstance(refused.unit, SftpUnit)
        refused.unit.writes = writes
        note_given(self._session, refused)
        filed = await self._session.file_change(refused)
        self._channel.say(refusal.refused(refused.verdict, filed))
        short = f"change request {filed.change}" if filed is not None else refused.verdict.reason
        self._say(asked, Status.PERMISSION_DENIED, short)

    def _say(self, asked: Packet, outcome: Status, message: str = "") -> None:
        self._channel.write(status(asked.number, outcome, display(message)))
