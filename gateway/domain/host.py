"""What a refused command would have done to a host, as far as that is known without running it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Known:
    """Bytes that are known.

    Attributes:
        content: those bytes.
    """

    content: bytes


@dataclass(frozen=True, slots=True)
class Printed:
    """Bytes that a command line prints that only reads: it is run on the host, judged like any other.

    Attributes:
        line: the shell line, such as the ``sed`` of a ``sed -i`` without its ``-i``.
    """

    line: str


@dataclass(frozen=True, slots=True)
class CopyOf:
    """The bytes of another file of the host.

    Attributes:
        path: that file's.
    """

    path: str


Content: TypeAlias = Known | Printed | CopyOf


@dataclass(frozen=True, slots=True)
class Written:
    """A file gets new bytes.

    Attributes:
        path: absolute.
        content: the new bytes; None: not known, such as what an editor would have saved.
        appended: they go behind the old ones.
        mode: new permission bits; None: as they are.
    """

    path: str
    content: Content | None
    appended: bool = False
    mode: int | None = None


@dataclass(frozen=True, slots=True)
class Removed:
    """A file goes.

    Attributes:
        path: absolute.
    """

    path: str


@dataclass(frozen=True, slots=True)
class ModeSet:
    """A file gets other permissions.

    Attributes:
        path: absolute.
        mode: as typed, such as ``0644`` or ``u+x``.
    """

    path: str
    mode: str


@dataclass(frozen=True, slots=True)
class Linked:
    """A symbolic link is made.

    Attributes:
        path: absolute.
        target: what it names, as typed.
    """

    path: str
    target: str


@dataclass(frozen=True, slots=True)
class Patched:
    """A diff is applied to files, as ``patch`` does.

    Attributes:
        diff: unified.
        folder: absolute; its names are below it.
        path: the one file that it is for, absolute; empty: those that the diff names.
        strip: leading folders that its names lose; None: all of them.
    """

    diff: Content
    folder: str
    path: str = ""
    strip: int | None = None


@dataclass(frozen=True, slots=True)
class Stanza:
    """Something beside files that the definition of the host's image would say.

    Attributes:
        sort: ``package``, ``service``, ``account``, ``schedule``, ``settings``, ``container``, ``manifest``.
        tool: the command, such as ``apt-get`` or ``systemctl``.
        action: what it would do, such as ``install`` or ``restart``.
        names: of what.
    """

    sort: str
    tool: str
    action: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ByHand:
    """Something that a person must turn into code.

    Attributes:
        text: the command line as typed.
    """

    text: str


HostWrite: TypeAlias = Written | Removed | ModeSet | Linked | Patched | Stanza | ByHand


@dataclass(frozen=True, slots=True)
class HostFile:
    """A file of a host as it is now.

    Attributes:
        content: its bytes.
        mode: permission bits.
    """

    content: bytes
    mode: int
