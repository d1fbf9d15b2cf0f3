"""A client's requests → operations for the judge; what was judged → requests for the host."""

from __future__ import annotations

from typing import Final

from gateway.domain.host import ByHand, CopyOf, HostWrite, ModeSet, Removed, Written
from gateway.judge.sftp import SftpOperation
from gateway.protocols.ssh.sftp.wire import HAS_MODE, Fields, Kind, OpenFlag, Packet, size_and_mode, string

BY_PATH: Final = {
    Kind.LSTAT: "lstat",
    Kind.STAT: "stat",
    Kind.OPENDIR: "opendir",
    Kind.REALPATH: "realpath",
    Kind.READLINK: "readlink",
    Kind.REMOVE: "remove",
    Kind.RMDIR: "rmdir",
    Kind.MKDIR: "mkdir",
    Kind.SETSTAT: "setstat",
}
BY_TWO_PATHS: Final = {Kind.RENAME: "rename", Kind.SYMLINK: "symlink"}
EXTENDED: Final = {
    b"statvfs@openssh.com": ("statvfs", 1),
    b"expand-path@openssh.com": ("expand-path", 1),
    b"limits@openssh.com": ("limits", 0),
    b"posix-rename@openssh.com": ("posix-rename", 2),
    b"hardlink@openssh.com": ("hardlink", 2),
    b"lsetstat@openssh.com": ("lsetstat", 1),
}
ON_HANDLES: Final = frozenset({Kind.CLOSE, Kind.READ, Kind.WRITE, Kind.FSTAT, Kind.FSETSTAT, Kind.READDIR})


def operation_of(packet: Packet) -> SftpOperation | None:
    """Return what a request by path asks for, None where it is none that is known.

    Raises:
        PeerError: the packet ends before its fields do.
    """
    fields = Fields(packet.body)
    if packet.kind == Kind.OPEN:
        path = _path(fields)
        flags = fields.number()
        if flags & ~sum(OpenFlag):
            return None
        return SftpOperation(
            "open", (path,), frozenset(str(each.name).lower() for each in OpenFlag if flags & each)
        )
    if packet.kind in BY_PATH:
        return SftpOperation(BY_PATH[Kind(packet.kind)], (_path(fields),))
    if packet.kind in BY_TWO_PATHS:
        return SftpOperation(BY_TWO_PATHS[Kind(packet.kind)], (_path(fields), _path(fields)))
    if packet.kind == Kind.EXTENDED:
        name, paths = EXTENDED.get(fields.string(), ("", 0))
        return SftpOperation(name, tuple(_path(fields) for _ in range(paths))) if name else None
    return None


def _path(fields: Fields) -> str:
    return fields.string().decode("utf-8", "surrogateescape")


def writes_of(asked: Packet, operation: SftpOperation | None) -> tuple[HostWrite, ...]:
    """Return what an operation by path would have done to the host."""
    if operation is None:
        return ()
    paths = operation.paths
    if operation.name == "remove":
        return (Removed(paths[0]),)
    if operation.name in ("rename", "posix-rename"):
        return (Written(paths[1], CopyOf(paths[0])), Removed(paths[0]))
    if operation.name == "setstat":
        fields = Fields(asked.body)
        fields.string()
        attributes = fields.rest()
        if int.from_bytes(attributes[:4], "big") & HAS_MODE:
            return (ModeSet(paths[0], f"{size_and_mode(attributes)[1]:04o}"),)
    return (ByHand(f"sftp: {operation.text}"),)


def body_of(kind: int, operation: SftpOperation) -> bytes:
    """Return the body of a request by path, rebuilt from what was judged."""
    paths = b"".join(string(raw(path)) for path in operation.paths)
    if kind != Kind.EXTENDED:
        return paths
    name = next(name for name, (known, _) in EXTENDED.items() if known == operation.name)
    return string(name) + paths


def raw(path: str) -> bytes:
    """Return a path's bytes as the client sent them."""
    return path.encode("utf-8", "surrogateescape")
