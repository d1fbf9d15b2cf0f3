"""A sample host: the machine's own sshd in a private configuration, with a web server's files to look at.

Where we are root, it runs in a mount namespace of its own whose ``/etc/passwd`` has one more account, so that
nothing of the machine changes; where that can't be had, people log in there as an account that is there.
"""

from __future__ import annotations

import asyncio
import contextlib
import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from gateway.cli.demo.log_lines import write_logs
from gateway.cli.ssh import make_key
from gateway.domain.errors import UpstreamUnavailable
from gateway.domain.secret import Secret
from gateway.store import postmaster

if TYPE_CHECKING:
    from collections.abc import Sequence

SERVICE: Final = Path(__file__).parent / "web"
"""The source of the host's configuration, as it stands in its repository."""
NAME: Final = "web-1"
ACCOUNT: Final = "glassgate"
SSHD: Final = "/usr/sbin/sshd"
_PRIVILEGE_SEPARATION: Final = Path("/run/sshd")
_UIDS: Final = range(61_200, 61_400)
"""Numbers that distributions give to nobody."""
_PEOPLE: Final = range(1_000, 60_000)
_SHELLS: Final = ("/bin/sh", "/bin/bash", "/usr/bin/bash", "/bin/dash")
_READY_SECONDS: Final = 10.0
_STOP_SECONDS: Final = 5.0

_APART: Final = """mount -t overlay overlay -o "lowerdir=$1:/etc" /etc ||
  mount --bind "$1/passwd" /etc/passwd || exit
hostname "$2" || :
shift 2
exec "$@"
"""
"""What is run in the namespace. A folder laid over /etc stays there when the machine's passwd is replaced."""


@dataclass(slots=True)
class SampleHost:
    """The running host. Made by ``start``, ended by ``stop``.

    Attributes:
        files: folder below which its ``etc/nginx`` and ``var/log/nginx`` lie.
        port: TCP port on 127.0.0.1.
        account: the gateway's login there.
        key: private key of that login.
        host_key: what the host shows, as OpenSSH writes it.
        process: its sshd.
        began: when that was started, monotonic seconds.
    """

    files: Path
    port: int
    account: str
    key: Secret
    host_key: str
    process: subprocess.Popen[bytes]
    began: float

    @classmethod
    async def start(cls, folder: Path, *, port: int) -> Self:
        """Lay the host's files out and start its sshd.

        Args:
            folder: of the demo; ``web-1`` and ``sshd`` are made in it.
            port: TCP port on 127.0.0.1.

        Raises:
            UpstreamUnavailable: this machine has no sshd, or none that can be used; says why.
        """
        made = cls._launch(folder, port)
        try:
            while not await asyncio.to_thread(_greets, port):
                made.see_that_it_starts(folder / "sshd" / "log")
                await asyncio.sleep(0.05)
        except BaseException:
            await made.stop()
            raise
        return made

    @classmethod
    def _launch(cls, folder: Path, port: int) -> Self:
        """Start it, from the thread that lives on: Linux ties the end of the one to the other."""
        if not Path(SSHD).exists():
            raise UpstreamUnavailable("there is no sshd on this machine", hint="apt install openssh-server")
        files, private = folder / NAME, folder / "sshd"
        lay_out(files)
        private.mkdir()
        account, before = _account(private)
        host_key = make_key(private / "host_ed25519")
        line = make_key(private / "login_ed25519")
        (private / "authorized_keys").write_text(f"restrict,pty {line}\n")
        (private / "sshd_config").write_text(_configuration(private, port))
        process = _spawn([*before, SSHD, "-D", "-e", "-f", str(private / "sshd_config")], private / "log")
        key = Secret((private / "login_ed25519").read_text())
        return cls(files, port, account, key, host_key, process, time.monotonic())

    @property
    def running(self) -> bool:
        """Whether it is there still."""
        return self.process.poll() is None

    async def stop(self) -> None:
        """End the server; connections that it has end with the gateway's."""
        if not self.running:
            return
        self.process.terminate()
        try:
            await asyncio.to_thread(self.process.wait, _STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            await asyncio.to_thread(self.process.wait)

    def see_that_it_starts(self, log: Path) -> None:
        """Wait no longer for a server that has ended or takes too long.

        Args:
            log: what it has said.

        Raises:
            UpstreamUnavailable: it has; names its last words.
        """
        if not self.running or time.monotonic() > self.began + _READY_SECONDS:
            said = log.read_text(errors="replace").strip().splitlines() or ["nothing"]
            raise UpstreamUnavailable(f"this machine's sshd does not start: {said[-1]}")


def lay_out(files: Path) -> None:
    """Write the sample host's files: nginx as the repository has it, and its logs.

    Args:
        files: made.
    """
    shutil.copytree(SERVICE / "ansible" / "files" / "nginx", files / "etc" / "nginx")
    write_logs(files / "var" / "log" / "nginx")


def _configuration(private: Path, port: int) -> str:
    return f"""# The sample host's sshd. Keys only, sessions only.
Port {port}
ListenAddress 127.0.0.1
HostKey {private}/host_ed25519
AuthorizedKeysFile {private}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin no
AllowTcpForwarding no
AllowAgentForwarding no
X11Forwarding no
PermitUserRC no
UseDNS no
PrintMotd no
MaxSessions 50
MaxStartups 100
Subsystem sftp internal-sftp
"""


def _account(private: Path) -> tuple[str, tuple[str, ...]]:
    """Choose the login there, and what its sshd is started by."""
    if os.geteuid() != 0:
        return _ourselves(), ()
    _PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
    before = _namespace(private)
    works = subprocess.run([*before, "id", ACCOUNT], capture_output=True, check=False)  # noqa: S603 - as above
    if works.returncode == 0:
        return ACCOUNT, before
    for entry in pwd.getpwall():
        if entry.pw_uid in _PEOPLE and entry.pw_shell in _SHELLS and Path(entry.pw_dir).is_dir():
            return entry.pw_name, ()
    raise UpstreamUnavailable(
        "root is let in nowhere, and this machine has no namespaces and no other account with a shell"
    )


def _ourselves() -> str:
    """Return our own login: all that an sshd of an ordinary user lets in."""
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise UpstreamUnavailable("sshd lets nobody in whom this machine has no name for") from None
    master, slave = os.openpty()
    owned = os.fstat(slave).st_gid
    os.close(master)
    os.close(slave)
    # sshd gives a terminal to the group tty, which an ordinary user can do only where it has it already.
    with contextlib.suppress(KeyError):
        if owned != grp.getgrnam("tty").gr_gid:
            raise UpstreamUnavailable(
                "an ordinary user's sshd can give no terminals here: /dev/pts lacks the tty group"
            )
    return name


def _namespace(private: Path) -> tuple[str, ...]:
    """Return what runs a program where there is one more account."""
    taken = {entry.pw_uid for entry in pwd.getpwall()}
    uid = next(number for number in _UIDS if number not in taken)
    etc, home = private / "etc", private / "home"
    etc.mkdir()
    home.mkdir()  # root's, so that nothing of it runs before a command
    line = f"{ACCOUNT}:x:{uid}:{uid}:The gateway's login:{home}:/bin/sh\n"
    (etc / "passwd").write_text(Path("/etc/passwd").read_text() + line)
    unshare = shutil.which("unshare") or "/usr/bin/unshare"
    apart = ("--mount", "--uts", "--propagation", "private")
    return (unshare, *apart, "/bin/sh", "-c", _APART, "sh", str(etc), NAME)


def _spawn(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - the machine's own sshd on our configuration
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=postmaster.die_with_parent(os.getpid(), signal.SIGTERM),  # noqa: PLW1509 - as there
        )


def _greets(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as probe:
            return probe.recv(4) == b"SSH-"
    except OSError:
        return False
