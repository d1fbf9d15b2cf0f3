"""What an SFTP operation would do, and whether that is a read.

Sources: draft-ietf-secsh-filexfer-02, OpenSSH's PROTOCOL. OPEN passes with the flag READ alone: with TRUNC
beside it a server empties the file (tried), with CREAT it makes one. Whether a path leads where its name says
is looked at again on the open handle, by the door.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from gateway.domain.verdict import Decision, Verdict
from gateway.judge.shell.paths import unopened_path

READS: Final = frozenset(
    {"opendir", "stat", "lstat", "realpath", "readlink", "statvfs", "expand-path", "limits"}
)
"""Operations that only look, with any path."""

CHANGES: Final = {
    "remove": "removes a file",
    "rmdir": "removes a folder",
    "mkdir": "makes a folder",
    "setstat": "changes permissions, owner, times or size",
    "lsetstat": "changes permissions, owner or times",
    "rename": "renames a file",
    "posix-rename": "renames a file, over another where there is one",
    "symlink": "makes a symbolic link",
    "link": "makes a hard link",
    "hardlink": "makes a hard link",
    "copy-data": "writes into a file",
}
"""Operations that an artifact carries instead, with what they do."""

TWO_PATHS: Final = frozenset({"rename", "posix-rename", "symlink", "link", "hardlink"})
FLAGS: Final = ("read", "write", "append", "creat", "trunc", "excl")
"""Of OPEN, in the order of their bits (section 6.3)."""

MAX_PATH: Final = 4096
"""Bytes; PATH_MAX of Linux."""

_TEXT = re.compile(
    r'(?P<name>[a-z-]+)(?P<paths>(?: "(?:[^"\\]|\\.)*"){0,2})(?: (?P<flags>[a-z,]+))?', re.DOTALL
)
_PATH = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|([0-3][0-7]{2})|(.))", re.DOTALL)
_LETTERS: Final = {
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    **{each: each for each in (b"\\", b'"', b"'", b" ")},
}


@dataclass(frozen=True, slots=True)
class SftpOperation:
    """One request of a client.

    Attributes:
        name: ``open``, ``stat`` and so on, as in the sets of this module.
        paths: one or two, as sent; bytes that are no UTF-8 as surrogates.
        flags: of OPEN, as in :data:`FLAGS`.
    """

    name: str
    paths: tuple[str, ...] = ()
    flags: frozenset[str] = frozenset()

    @property
    def text(self) -> str:
        """The operation as a line, such as ``open "/etc/hosts" read``."""
        words = [self.name, *(f'"{_escaped(path)}"' for path in self.paths)]
        flags = ",".join(flag for flag in FLAGS if flag in self.flags)
        return " ".join([*words, flags]) if flags else " ".join(words)

    @property
    def title(self) -> str:
        """What it would do, in a few words: ``upload nginx.conf``, ``rename a b``."""
        name = "upload" if self.name == "open" else self.name
        return " ".join([name, *(_escaped(path.rstrip("/").rpartition("/")[2]) for path in self.paths)])


def read_operation(text: str) -> SftpOperation | None:
    r"""Read an operation from a line as :attr:`SftpOperation.text` writes it; None where it is none.

    Args:
        text: such as ``rename "/a" "/b"``; in a path a backslash begins an escape: ``\"``, ``\n``, ``\x00``.
    """
    found = _TEXT.fullmatch(text.strip(" \n"))
    if found is None:
        return None
    paths = []
    for each in _PATH.finditer(found["paths"]):
        path = _unescaped(each[1])
        if path is None:
            return None
        paths.append(path)
    flags = found["flags"].split(",") if found["flags"] else []
    if not set(flags) <= set(FLAGS) or len(set(flags)) < len(flags):
        return None
    return SftpOperation(found["name"], tuple(paths), frozenset(flags))


def judge(operation: SftpOperation | None) -> Verdict:
    """Judge one operation.

    Args:
        operation: None where a text could not be read as one.
    """
    if operation is None:
        return _refuse("syntax", "This is no SFTP operation that the gateway knows.")
    wrong = _malformed(operation)
    if wrong:
        return _refuse("malformed", wrong)
    if operation.name == "open":
        return _opened(operation)
    if operation.name in READS:
        return Verdict(Decision.ALLOW, f"sftp.{operation.name}", f"{operation.name} only looks.")
    if operation.name in CHANGES:
        what = CHANGES[operation.name]
        return Verdict(Decision.CHANGE, f"sftp.{operation.name}", f"{operation.name} {what}.")
    return _refuse("unknown", f"{operation.name!r} is not known, so it is no read.")


def _opened(operation: SftpOperation) -> Verdict:
    acts = unopened_path(operation.paths[0])
    if acts is not None:
        return _refuse("open.acts", f"{_escaped(operation.paths[0])} {acts}: opening it is no plain read.")
    if operation.flags == {"read"}:
        return Verdict(Decision.ALLOW, "sftp.open.read", "The file is opened for reading only.")
    said = ",".join(flag for flag in FLAGS if flag in operation.flags)
    return Verdict(
        Decision.CHANGE,
        "sftp.open.write",
        f"The file is opened with {said}: it could be made, emptied or written.",
    )


def _malformed(operation: SftpOperation) -> str:
    """Say what is wrong with an operation's shape, empty where nothing is."""
    wanted = 0 if operation.name == "limits" else 2 if operation.name in TWO_PATHS else 1
    known = operation.name == "open" or operation.name in READS or operation.name in CHANGES
    if known and len(operation.paths) != wanted:
        return (
            f"{operation.name} takes {wanted} path{'' if wanted == 1 else 's'}, not {len(operation.paths)}."
        )
    if bool(operation.flags) is not (operation.name == "open"):
        return "Flags belong to open, and open needs at least one."
    for path in operation.paths:
        if "\0" in path:
            return "A path holds a NUL character."
        if not path and operation.name not in ("realpath", "stat", "lstat", "opendir"):
            return "A path is empty."
        if len(_raw(path)) > MAX_PATH:
            return f"A path is longer than {MAX_PATH} bytes."
    return ""


def _refuse(rule: str, reason: str) -> Verdict:
    return Verdict(Decision.REFUSE, f"sftp.{rule}", reason)


def _unescaped(quoted: str) -> str | None:
    """Return the path that a quoted one stands for, None where an escape is unknown."""
    raw = _raw(quoted)
    if any(found[3] and found[3] not in _LETTERS for found in _ESCAPE.finditer(raw)):
        return None
    return _ESCAPE.sub(_meant, raw).decode("utf-8", "surrogateescape")


def _meant(escape: re.Match[bytes]) -> bytes:
    if escape[3]:
        return _LETTERS[escape[3]]
    return bytes([int(escape[1], 16) if escape[1] else int(escape[2], 8)])


def _escaped(path: str) -> str:
    """Return a path as it stands between quotes: one line, whatever it holds."""
    return "".join(map(_shown, path))


def _shown(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in _raw(character))


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
