"""A refused command on a host made ready for a change request: files read, edits applied to copies."""

from __future__ import annotations

import hashlib
import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, assert_never

from gateway.changes.host.modes import changed_mode
from gateway.changes.host.parts import FilePart, HandPart, HostPart, StanzaPart, encode_parts
from gateway.changes.host.unified import FileDiff, applied, diffs_in, stripped
from gateway.changes.secret_lines import hide_line, hide_line_of_file
from gateway.changes.secret_words import SECRET
from gateway.domain.errors import InvalidInput, UpstreamUnavailable
from gateway.domain.host import (
    ByHand,
    CopyOf,
    HostFile,
    Known,
    Linked,
    ModeSet,
    Patched,
    Printed,
    Removed,
    Stanza,
    Written,
)

if TYPE_CHECKING:
    from gateway.domain.change import HostCapture
    from gateway.domain.host import Content, HostWrite
    from gateway.domain.production import ReadHost

MAX_TEXT: Final = 100_000
MAX_FILE: Final = 4 << 20
"""Bytes of a file that a change request takes."""
MAX_WRITES: Final = 200
_EXECUTABLE: Final = 0o111
_PLAIN_MODE: Final = 0o644
_PRIVATE_KEY = re.compile(
    rb"-----BEGIN[ A-Z0-9]{0,30}PRIVATE KEY-----.{0,20000}?-----END[ A-Z0-9]{0,30}PRIVATE KEY-----", re.DOTALL
)
REPLACED_NOTE: Final = "secrets in the new lines were replaced by [secret]; the sealed recording keeps them"


@dataclass(frozen=True, slots=True)
class PreparedHost:
    """A captured command, ready to be stored.

    Attributes:
        text: as typed, without secrets.
        parts: what it would have done, as it is stored.
        touched: files of the host that it would have changed.
        fingerprint: sha256 of what it would do.
    """

    text: str
    parts: str
    touched: tuple[str, ...]
    fingerprint: bytes


async def prepare_host(capture: HostCapture, production: ReadHost) -> PreparedHost:
    """Make a refused command ready: what it would have written is read from the host, never run there.

    Args:
        capture: what the door knows of it.
        production: the session's own reads of the host.

    Raises:
        InvalidInput: it is too large for a change request.
    """
    if len(capture.text) > MAX_TEXT or len(capture.writes) > MAX_WRITES:
        raise InvalidInput(
            f"the command is too large for a change request ({len(capture.text):,} characters)",
            hint="put the content into a file of the repository",
        )
    text = as_text(hide_line(capture.text))
    gone = frozenset(word for word in capture.text.split() if word not in text)
    parts = await host_parts(text, capture.writes, capture.given, production, gone)
    return PreparedHost(
        text,
        encode_parts(parts),
        tuple(dict.fromkeys(part.path for part in parts if isinstance(part, FilePart))),
        _fingerprint(text, parts),
    )


async def host_parts(
    text: str,
    writes: tuple[HostWrite, ...],
    given: bytes | None,
    production: ReadHost,
    gone: frozenset[str] = frozenset(),
) -> tuple[HostPart, ...]:
    """Return what a refused command comes to, at least one part.

    Args:
        text: the command, without secrets.
        writes: what it would have done.
        given: what it would have read as its standard input; None: not known.
        production: the session's own reads.
        gone: words of the command that do not stand in the text any more.
    """
    copy = _Copy(production, text, given, gone)
    kept = tuple([part for write in writes for part in await copy.parts(write)])
    return kept or (HandPart(text, "what it would have changed is not known"),)


def _fingerprint(text: str, parts: tuple[HostPart, ...]) -> bytes:
    """The same for the same command with the same outcome."""
    seen = [text, *(f"{part.path}\0{part.new!r}" for part in parts if isinstance(part, FilePart))]
    return hashlib.sha256("\0\0".join(seen).encode("utf-8", "surrogateescape")).digest()


@dataclass(slots=True)
class _Copy:
    """The host's files as the command would have left them, one edit after the other.

    Attributes:
        production: the session's own reads.
        text: the command, without secrets.
        given: what the command would have read as its standard input; None: not known.
        gone: words of the command that are secrets, or held one.
        files: those looked at; None: none there.
    """

    production: ReadHost
    text: str
    given: bytes | None
    gone: frozenset[str]
    files: dict[str, HostFile | None] = field(default_factory=dict)

    async def parts(self, write: HostWrite) -> tuple[HostPart, ...]:
        """Return what one write comes to; what can't be read is left to a person, never guessed."""
        if any(as_text(path) != path for path in _paths(write)):
            return (HandPart(self.text, "a name in it is no text"),)
        try:
            match write:
                case Written():
                    return (await self._written(write),)
                case Removed():
                    removed = await self._removed(write)
                    return () if removed is None else (removed,)
                case ModeSet():
                    return (await self._mode_set(write),)
                case Linked():
                    return (await self._linked(write),)
                case Patched():
                    return await self._patched(write)
                case Stanza(sort, tool, action, names):
                    kept = tuple(SECRET if each in self.gone else each for each in names)
                    return (StanzaPart(sort, tool, action, kept),)
                case ByHand(text):
                    return (HandPart(as_text(hide_line(text)), "a person must turn it into code"),)
                case _:
                    assert_never(write)
        except UpstreamUnavailable as error:
            return (HandPart(self.text, error.message),)

    async def _written(self, write: Written) -> HostPart:
        old = await self._file(write.path)
        if write.content is None:
            return HandPart(self.text, f"what {write.path} would have held is not known")
        content = await self._content(write.content)
        if content is None:
            return HandPart(self.text, f"what {write.path} would have held could not be read")
        before = old.content if old else b""
        new = before + content if write.appended else content
        if len(new) > MAX_FILE:
            return HandPart(self.text, f"{write.path} would have had more than {MAX_FILE >> 20} MB")
        mode = write.mode if write.mode is not None else old.mode if old else _PLAIN_MODE
        self.files[write.path] = HostFile(new, mode)
        return _file_part(write.path, old, HostFile(new, mode))

    async def _removed(self, write: Removed) -> HostPart | None:
        old = await self._file(write.path)
        self.files[write.path] = None
        return None if old is None else _file_part(write.path, old, None)

    async def _mode_set(self, write: ModeSet) -> HostPart:
        old = await self._file(write.path)
        mode = changed_mode(old.mode, write.mode) if old else None
        if old is None or mode is None:
            return HandPart(self.text, f"{write.path} is no file whose mode could be changed so")
        self.files[write.path] = HostFile(old.content, mode)
        note = f"the mode of {write.path} would have been {mode:04o} instead of {old.mode:04o}"
        return _file_part(write.path, old, HostFile(old.content, mode), note)

    async def _linked(self, write: Linked) -> HostPart:
        if await self._file(write.path) is not None:
            return HandPart(self.text, f"{write.path} is there already")
        return FilePart(write.path, None, write.target.encode(), link=True)

    async def _patched(self, write: Patched) -> tuple[HostPart, ...]:
        """Apply a diff to all of its files; to none of them where one does not fit."""
        content = await self._content(write.diff)
        diffs = diffs_in(content) if content is not None and len(content) <= MAX_FILE else None
        if content is None or diffs is None:
            return (HandPart(self.text, "the diff that it would have applied is not known"),)
        before = dict(self.files)
        found: list[HostPart] = []
        for diff in diffs:
            part = await self._one_patched(write, diff)
            if part is None:
                self.files = before
                shown = as_text(_redacted(content).decode("utf-8", "surrogateescape"))
                why = "this diff does not fit the host's files as they are"
                return (HandPart(f"{self.text}\n\n{shown}"[:MAX_TEXT], why),)
            found.append(part)
        return tuple(found)

    async def _one_patched(self, write: Patched, diff: FileDiff) -> HostPart | None:
        path, old = await self._meant(write, diff)
        if not path or as_text(path) != path or (old is None) != (not diff.old):
            return None
        content = applied(diff.hunks, old.content if old else b"")
        if content is None or len(content) > MAX_FILE or (not diff.new and content):
            return None
        new = HostFile(content, old.mode if old else _PLAIN_MODE) if diff.new else None
        self.files[path] = new
        return _file_part(path, old, new)

    async def _meant(self, write: Patched, diff: FileDiff) -> tuple[str, HostFile | None]:
        """Which file a diff is for, and what it is: of its two names, the one that is there."""
        if write.path:
            return write.path, await self._file(write.path)
        path = ""
        for each in filter(None, (diff.old, diff.new)):
            name = stripped(each, write.strip)
            if not name or name.startswith("/") or ".." in name.split("/"):
                continue
            path = posixpath.join(write.folder, name)
            if (there := await self._file(path)) is not None:
                return path, there
        return path, None

    async def _file(self, path: str) -> HostFile | None:
        if path not in self.files:
            self.files[path] = await self.production.file(path)
        return self.files[path]

    async def _content(self, content: Content) -> bytes | None:
        match content:
            case Known(known):
                return known
            case Printed(line):
                return await self.production.printed(line, self.given)
            case CopyOf(path):
                file = await self._file(path)
                return file.content if file else None
            case _:
                assert_never(content)


def _paths(write: HostWrite) -> tuple[str, ...]:
    match write:
        case Written(path, CopyOf(source)):
            return path, source
        case Written(path) | Removed(path) | ModeSet(path):
            return (path,)
        case Linked(path, target):
            return path, target
        case Patched(CopyOf(source), folder, path):
            return source, folder, path
        case Patched(_, folder, path):
            return folder, path
        case _:
            return ()


def as_text(text: str) -> str:
    """Return text with what neither UTF-8 nor the store can hold made visible: bytes that were none, NULs.

    Args:
        text: with surrogates in the place of bytes that were no UTF-8.
    """
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\u2400")


def _file_part(path: str, old: HostFile | None, new: HostFile | None, *notes: str) -> FilePart:
    before = old.content if old else None
    was = bool(old and old.mode & _EXECUTABLE)
    if new is None:
        return FilePart(path, before, None, False, was, notes)
    content = without_new_secrets(before or b"", new.content)
    if content != new.content:
        notes = (*notes, REPLACED_NOTE)
    return FilePart(path, before, content, bool(new.mode & _EXECUTABLE), was, notes)


def without_new_secrets(old: bytes, new: bytes) -> bytes:
    """Return the new bytes, secrets replaced in lines that the old ones don't have.

    Args:
        old: what is known where the new bytes go.
        new: what goes there.
    """
    known = set(old.splitlines())
    whole = _PRIVATE_KEY.sub(lambda found: found[0] if found[0] in old else b"[secret]", new)
    lines = whole.splitlines(keepends=True)
    return b"".join(line if line.rstrip(b"\r\n") in known else _redacted(line) for line in lines)


def _redacted(line: bytes) -> bytes:
    text = line.decode("utf-8", "surrogateescape")
    return hide_line_of_file(text).encode("utf-8", "surrogateescape")
