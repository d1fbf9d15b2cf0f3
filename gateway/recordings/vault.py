"""Where sealed blocks lie. The one seam behind which an object store can stand in place of a folder."""

from __future__ import annotations

import os
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from gateway.domain.errors import ConfigurationBroken, ProofBroken, RecordingLost
from gateway.domain.ids import SessionId
from gateway.recordings import block
from gateway.recordings.disk import sync_folder
from gateway.recordings.pen import keep

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MARKER = ".glassgate-recordings"
_SESSIONS_PER_FOLDER = 1000
_OPEN_FILES = 256
CHECK_SECONDS = 0.25
"""A block goes to a file that is open already if the folder was seen to be there so lately."""


class Vault(Protocol):
    """Keeps the sealed blocks of every session, in order. Its methods block: call them in a thread."""

    def check(self) -> None:
        """Look whether the vault is there and may be written.

        Raises:
            RecordingLost: it is not.
        """

    def append(self, sealed: block.Block) -> None:
        """Keep one more block of its session; it is on disk when this returns.

        Raises:
            OSError: it could not be kept; nothing of it stays behind.
        """

    def close(self) -> None:
        """Let go of what is kept open; a later block opens it again."""

    def blocks(self, session: SessionId, start: int = 0) -> Iterator[block.Block]:
        """Yield a session's blocks in order; none where there is no such recording.

        Args:
            session: whose.
            start: the first block wanted, by its place.

        Raises:
            ProofBroken: what lies there is not a block, or a block is cut short.
            OSError: it can't be read.
        """

    def repair(self, session: SessionId) -> int:
        """Cut a half-written last block away, as a killed gateway leaves it.

        Returns:
            How many bytes were cut.
        """

    def exists(self, session: SessionId) -> bool:
        """Whether anything of the session is kept."""

    def remove(self, session: SessionId) -> None:
        """Drop all blocks of a session whose key was destroyed."""

    def sessions(self) -> Iterator[SessionId]:
        """Yield the sessions of which anything is kept, in no order."""


@dataclass(slots=True)
class _File:
    """One session's blocks, open for the next one.

    Attributes:
        handle: file descriptor.
        size: bytes of whole blocks.
        folder: where its name stands.
        place: of the folder of recordings that it was opened in.
    """

    handle: int
    size: int
    folder: Path
    place: tuple[int, int]


class FolderVault:
    """A vault in a local or shared folder: one append-only file a session.

    Args:
        folder: made where it is missing at this moment; a folder that vanishes later is not made again, since
            the bare mount point of a lost disk must not take recordings.

    Raises:
        ConfigurationBroken: the folder can't be made or written, or holds something else.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._marker = folder / _MARKER
        self._files: OrderedDict[SessionId, _File] = OrderedDict()
        self._filing = threading.Lock()
        self._checking = threading.Lock()  # two that take a new folder over would each say it is another
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._marker.exists():
                self._adopt()
            self._id = self._marker.read_bytes()
            self._place = self._stands()
            self._device = self._place[0]
            self._checked = monotonic()
        except OSError as error:
            raise ConfigurationBroken(
                f"the recordings folder {folder} can't be used: {error.strerror}",
                hint="set recording.folder to one that the gateway may write",
            ) from error

    def _adopt(self) -> None:
        if any(self.folder.iterdir()):
            raise ConfigurationBroken(
                f"{self.folder} holds files, but none of them says that they are recordings",
                hint="set recording.folder to an empty folder, or bring the right one back",
            )
        draft = self._marker.with_name(f"{_MARKER}.{secrets.token_hex(4)}")
        draft.write_text(secrets.token_hex(16) + "\n", encoding="ascii")
        draft.rename(self._marker)
        sync_folder(self.folder)

    def _stands(self) -> tuple[int, int]:
        """Return what tells the folder from another of its name: one moved or mounted there, or a copy."""
        status = self.folder.stat()
        return status.st_dev, status.st_ino

    def check(self) -> None:
        """See :class:`Vault`. An empty folder in a vanished one's place, on the same disk, is taken over."""
        with self._checking:
            self._check()

    def _check(self) -> None:
        try:
            if self._marker.read_bytes() == self._id:
                self._place = self._stands()
                self._checked = monotonic()
                return
        except FileNotFoundError:
            self._take_over()
            return
        except OSError as error:
            raise self._gone(error.strerror or str(error)) from error
        raise self._gone("another folder of recordings stands in its place")

    def _take_over(self) -> None:
        try:
            if self.folder.stat().st_dev != self._device:
                raise self._gone("another disk, or none, is mounted there")
            self._adopt()
            self._id = self._marker.read_bytes()
            self._place = self._stands()
            self.close()
        except FileNotFoundError as error:
            raise self._gone("it is not there") from error
        except (OSError, ConfigurationBroken) as error:
            raise self._gone(str(error)) from error

    def _gone(self, why: str) -> RecordingLost:
        return RecordingLost(
            f"the recordings folder can't be used: {why}",
            hint=f"bring {self.folder} back; new sessions work again by themselves then",
        )

    def path(self, session: SessionId) -> Path:
        """Return the file of a session's blocks."""
        return self.folder / "sealed" / f"{session // _SESSIONS_PER_FOLDER:06d}" / f"{session}.rec"

    def append(self, sealed: block.Block) -> None:
        """See :class:`Vault`."""
        if monotonic() - self._checked > CHECK_SECONDS:
            self.check()
        session = sealed.header.session
        with self._filing:
            file = self._files.pop(session, None)
        if file is not None and file.place != self._place:  # it is not what stands under that name now
            os.close(file.handle)
            file = None
        file = file or self._opened(session)
        try:
            self._add(file, sealed.data)
        except BaseException:
            os.close(file.handle)
            raise
        if sealed.header.final:
            os.close(file.handle)
        else:
            self._keep(session, file)

    def _opened(self, session: SessionId) -> _File:
        self.check()
        place = self._place  # before it is opened: of one that is replaced just then, no block more is taken
        path = self.path(session)
        if not path.parent.is_dir():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_folder(path.parent.parent)
            sync_folder(self.folder)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return _File(handle, os.fstat(handle).st_size, path.parent, place)

    def _add(self, file: _File, data: bytes) -> None:
        try:
            keep(file.handle, data)
            if not file.size:
                sync_folder(file.folder)
        except OSError:
            os.ftruncate(file.handle, file.size)
            raise
        file.size += len(data)

    def _keep(self, session: SessionId, file: _File) -> None:
        """Keep a file open for its next block; the one that has waited for longest makes room."""
        with self._filing:
            self._files[session] = file
            oldest = self._files.popitem(last=False)[1] if len(self._files) > _OPEN_FILES else None
        if oldest is not None:
            os.close(oldest.handle)

    def close(self) -> None:
        """See :class:`Vault`."""
        with self._filing:
            files, self._files = self._files, OrderedDict()
        for file in files.values():
            os.close(file.handle)

    def blocks(self, session: SessionId, start: int = 0) -> Iterator[block.Block]:
        """See :class:`Vault`."""
        try:
            file = self.path(session).open("rb")
        except FileNotFoundError:
            return
        with file:
            sequence = 0
            while head := file.read(block.HEADER_BYTES):
                try:
                    length = block.parse_header(head).body_bytes
                    found = None
                    if sequence < start:
                        file.seek(length, os.SEEK_CUR)
                    else:
                        found = block.parse(head + file.read(length))
                except ProofBroken as error:
                    raise ProofBroken(f"session {session}, block {sequence}: {error.message}") from error
                if found is not None:
                    yield found
                sequence += 1

    def repair(self, session: SessionId) -> int:
        """See :class:`Vault`. Only what runs past the file's end counts as half written."""
        path = self.path(session)
        if not path.exists():
            return 0
        with path.open("r+b") as file:
            size, whole = os.fstat(file.fileno()).st_size, 0
            while head := file.read(block.HEADER_BYTES):
                if len(head) < block.HEADER_BYTES:
                    break
                end = whole + block.HEADER_BYTES + block.parse_header(head).body_bytes
                if end > size:
                    break
                file.seek(end)
                whole = end
            if whole < size:
                file.truncate(whole)
                os.fsync(file.fileno())
            return size - whole

    def exists(self, session: SessionId) -> bool:
        """See :class:`Vault`."""
        return self.path(session).exists()

    def remove(self, session: SessionId) -> None:
        """See :class:`Vault`."""
        path = self.path(session)
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            sync_folder(path.parent)

    def sessions(self) -> Iterator[SessionId]:
        """See :class:`Vault`."""
        for path in (self.folder / "sealed").glob("*/*.rec"):
            if path.stem.isdecimal():
                yield SessionId(int(path.stem))
