"""Where a command's input comes from and its output goes."""

from __future__ import annotations

import posixpath
import re
from typing import Final

from gateway.judge.shell.argument import Argument
from gateway.judge.shell.argv import one
from gateway.judge.shell.cursor import NotRead
from gateway.judge.shell.finding import Effect, Finding, changes, refuses
from gateway.judge.shell.paths import unopened
from gateway.judge.shell.tree import Redirection, Wild, Word, word_of

_STREAMS: Final = {
    "/dev/stdout": 1, "/dev/fd/1": 1, "/proc/self/fd/1": 1,
    "/dev/stderr": 2, "/dev/fd/2": 2, "/proc/self/fd/2": 2,
}  # fmt: skip
_NOWHERE: Final = frozenset(("/dev/null", "/dev/zero", "/dev/full", "/dev/tty"))
_DEVICE: Final = re.compile(r"/dev/(?!shm/|mqueue/)")
_SOCKET: Final = re.compile(r"/dev/(tcp|udp)/.*", re.DOTALL)


def judge_redirection(
    redirection: Redirection, target: Argument, folder: str
) -> tuple[Redirection, Finding | None]:
    """Judge a redirection to or from a file.

    Args:
        redirection: as read.
        target: what its word becomes.
        folder: the working folder; empty: not known.

    Returns:
        The redirection to run, and a finding where it is no read.

    Raises:
        NotRead: the file may be several.
    """
    word = target.word if isinstance(target.word, Word) else word_of(target.text or "")
    if target.many and any(isinstance(part, Wild) for part in word.parts):
        raise NotRead("redirection", "A redirection to a pattern of files is not understood.")
    target = one(target) or target
    word = target.word if isinstance(target.word, Word) else word
    path = None if target.text is None else _normal(target.text)
    if _SOCKET.fullmatch(_normal(target.known_start)):
        return redirection, refuses(
            "shell.redirection.socket",
            f"{target.known_start} is a connection; nc -zv HOST PORT checks whether a port answers.",
            effect=Effect.REACHES_OUT,
        )
    if redirection.operator == "<":
        why = unopened(target, folder)
        if why is None:
            return Redirection(redirection.descriptor, "<", word), None
        return redirection, refuses(
            "shell.path.device",
            f"{target.text or target.prefix + '…'} {why}, so opening it is not known to be a read.",
        )
    if path in _NOWHERE:
        operator = ">" if redirection.operator == ">|" else redirection.operator
        return Redirection(redirection.descriptor, operator, word_of(path)), None
    if path in _STREAMS and redirection.operator != "<>":
        return Redirection(redirection.descriptor, ">&", _STREAMS[path]), None
    return Redirection(redirection.descriptor, redirection.operator, word), _writes(path, target)


def _normal(text: str) -> str:
    return posixpath.normpath("/" + text.lstrip("/")) if text.startswith("/") else text


def _writes(path: str | None, target: Argument) -> Finding:
    shown = path or (f"{target.prefix}…" if target.prefix else "a file")
    if path is not None and path.startswith(("/proc/", "/sys/")):
        return changes("shell.redirection.kernel", f"Writing to {shown} changes the running kernel.")
    if path is not None and _DEVICE.match(path) is not None:
        return changes("shell.redirection.device", f"Writing to {shown} writes to a device.")
    return changes("shell.redirection.write", f"The redirection writes {shown}.", effect=Effect.WRITES_FILE)
