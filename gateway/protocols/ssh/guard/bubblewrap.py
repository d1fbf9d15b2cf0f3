"""What puts the guard on where no interpreter is there to do it: bubblewrap, with a filter of ours.

bubblewrap shows the command the host's files read-only, in a user namespace of its own even where it is
set-user-ID: without one ``/proc/PID/root`` of a process outside would lead back to where they can be written.

It takes a filter from a descriptor only. A shell's ``printf`` writes it into a pipe; nothing else holds the
NULs that are in it. So a shell waits beside the command, and is what the host's sshd sees end.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from functools import lru_cache
from stat import S_ISUID
from typing import Final

from gateway.domain.display import display

PATHS: Final = ("/usr/bin/bwrap", "/usr/local/bin/bwrap")
"""Where it is looked for."""

EMPTY_FOLDERS: Final = (
    "/run/sshd",
    "/usr/share/empty.sshd",
    "/var/empty/sshd",
    "/var/empty",
    "/var/lib/empty",
    "/var/lib/sshd",
)
"""Where sshd shuts itself in, so nothing is ever in them: the command's private files can lie over one."""

MOST_TEMPORARY: Final = 256 << 20
"""Bytes of a command's temporary files: they lie in the host's memory."""

_SANDBOX: Final = ("--unshare-user", "--die-with-parent", "--ro-bind", "/", "/")
_ALONE: Final = ("--unshare-pid",)
_DEVICES: Final = ("null", "zero", "full", "random", "urandom", "tty")
"""Those that swallow or make up what passes through them, and the command's own terminal."""

_TRYING: Final = f'"$b" {" ".join((*_SANDBOX, *_ALONE))} /bin/sh -c :'

QUESTION: Final = (
    f"for b in {' '.join(PATHS)}; do "
    '[ -x "$b" ] || continue; '
    f"e=$({_TRYING} 2>&1) && e=; "
    'echo bwrap "$b" $(stat -Lc "%u %a" "$b") $("$b" --version); echo bwrap-says $e; '
    'case $("$b" --help 2>&1) in *--size*) '
    f"for d in {' '.join(EMPTY_FOLDERS)}; do "
    '[ -d "$d" ] && [ ! -L "$d" ] && echo temporaries "$d" && break; done;; '
    "esac; break; done 2>/dev/null"
)
"""POSIX shell; it changes nothing. Its answer is what :func:`read_bubblewrap` reads."""

TRIAL: Final = "if kill -0 $$ 2>&9; then echo open; else echo shut; fi"
"""Run under a filter that keeps signals, it says ``shut``: what a read-only file system alone does not."""

HIDES: Final = (
    "owners and groups other than the login's show as nobody",
    "programs and open files of other processes",
)
"""What the user namespace takes from a command's view."""

_OPEN: Final = (
    "named pipes that the login may write to",
    "file systems that are mounted while a command runs",
)

_WRITABLE_BY_OTHERS: Final = 0o022
_VERSION: Final = re.compile(r"bubblewrap ([0-9]{1,4}\.[0-9]{1,4})(\.[0-9]{1,4})?")
_OCTAL: Final = re.compile("[0-7]{1,4}")
_WORDS: Final = 4
_LONGEST_COMPLAINT: Final = 200

_THEMSELVES: Final = frozenset((string.ascii_letters + string.digits).encode())
_DIGITS: Final = frozenset(string.digits.encode())

_SCRIPT: Final = """\
exec 6>&1 8<&0 9<>/dev/null
wrapped() {{
printf '{code}' | exec {words} --seccomp 7 -- "$@" 7<&0 0<&8 8<&- 1>&6 6>&-
}}
if [ -t 0 ]; then
s=$(wrapped /bin/sh -c 'trap "" TSTP; trap : INT QUIT; trap "echo \\$? >&5; exec 2>&9" EXIT; set -m
"$@" 5>&-
exit' sh "$@" 5>&1)
exit "${{s:-125}}"
fi
wrapped "$@"
"""
"""With a terminal, a shell inside gives the command a process group of its own there: Ctrl-C is for what runs
(``less`` goes on after it), not for bubblewrap, with which the command would end; Ctrl-Z is for nobody. That
shell hands the status out by a pipe: as it ends, it fails to give the terminal back to a group it can't see.
"""


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """The bubblewrap of a host.

    Attributes:
        path: absolute.
        version: its first two numbers.
        temporaries: folder that the command's private files can lie over; empty where their size can't be
            bounded, or none is there.
        complaint: why it does not work for this login; empty: it does.
    """

    path: str
    version: str
    temporaries: str = ""
    complaint: str = ""

    @property
    def name(self) -> str:
        """With its version."""
        return f"bwrap-{self.version}"

    @property
    def open(self) -> tuple[str, ...]:
        """What a command under it still can, or can't."""
        return _OPEN if self.temporaries else (*_OPEN, "no temporary files")

    def argv(self, code: bytes, *, alone: bool) -> tuple[str, ...]:
        """Return the beginning of an argv that puts the guard on.

        Args:
            code: the filter.
            alone: whether the command can signal nothing but what it started.
        """
        return ("/bin/sh", "-c", _script(self, code, alone=alone), "sh")


@lru_cache(maxsize=64)
def _script(wrap: Bubblewrap, code: bytes, *, alone: bool) -> str:
    """Return what the shell that waits is given."""
    words = [wrap.path, *_SANDBOX, *(_ALONE if alone else ())]
    for device in _DEVICES:
        words += ["--dev-bind-try", f"/dev/{device}", f"/dev/{device}"]
    if wrap.temporaries:
        words += ["--size", str(MOST_TEMPORARY), "--tmpfs", wrap.temporaries]
        words += ["--setenv", "TMPDIR", wrap.temporaries]
    return _SCRIPT.format(code=printable(code), words=" ".join(words))


def read_bubblewrap(answer: str) -> Bubblewrap | None:
    """Read what :data:`QUESTION` printed; None where there is none that only root can have put there.

    Args:
        answer: its standard output, among others' lines.
    """
    said: dict[str, str] = {}
    for line in answer.splitlines():
        name, _, value = line.partition(" ")
        said.setdefault(name, value.strip())
    words = said.get("bwrap", "").split(maxsplit=_WORDS - 1)
    if len(words) != _WORDS or words[0] not in PATHS or "bwrap-says" not in said:
        return None
    path, owner, mode, told = words
    version = _VERSION.fullmatch(told)
    if version is None or not _OCTAL.fullmatch(mode):
        return None
    bits = int(mode, 8)
    if owner != "0" or bits & _WRITABLE_BY_OTHERS:
        return None
    folder = said.get("temporaries", "")
    if folder not in EMPTY_FOLDERS or bits & S_ISUID:  # set-user-ID, it bounds no file system
        folder = ""
    complaint = display(said["bwrap-says"], limit=_LONGEST_COMPLAINT)
    return Bubblewrap(path, version[1], folder, complaint)


def printable(code: bytes) -> str:
    r"""Return bytes as a format of the shell's ``printf``: those that could mean something there as ``\ooo``.

    Args:
        code: any bytes.
    """
    written: list[str] = []
    for at, byte in enumerate(code):
        if byte in _THEMSELVES:
            written.append(chr(byte))
        else:
            digit_follows = at + 1 < len(code) and code[at + 1] in _DIGITS
            written.append(f"\\{byte:03o}" if digit_follows else f"\\{byte:o}")
    return "".join(written)
