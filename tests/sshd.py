"""A real sshd in a private configuration, as a host of production; for tests that others may start too."""

from __future__ import annotations

import contextlib
import getpass
import os
import pwd
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from servers import free_port

from gateway.store import postmaster

SSHD = Path("/usr/sbin/sshd")
READY_SECONDS = 10.0


@dataclass(slots=True)
class Sshd:
    """A running sshd; made by ``start``, ended by ``stop``.

    Attributes:
        folder: keys and configuration.
        host: its address.
        port: its port.
        account: the login there.
        home: of that login.
        password: of that login; empty where the tests are not root, and so can't set one.
        process: the server.
        without: programs that are not on this host: covered in a mount namespace, where the tests are root.
    """

    folder: Path
    host: str
    port: int
    account: str
    home: Path
    password: str
    process: subprocess.Popen[bytes] | None = None
    made: bool = False
    without: tuple[str, ...] = ()

    @classmethod
    def start(
        cls,
        folder: Path,
        *,
        more: str = "",
        shell: str = "/bin/bash",
        home: Path | None = None,
        without: tuple[str, ...] = (),
    ) -> Sshd:
        """Start a server for one unprivileged account: one of its own where the tests run as root.

        Args:
            folder: empty, short, passable for everybody.
            more: lines of sshd_config, which win over ours.
            shell: of the account, where it is made.
            home: of the account, where it is made; None: in the folder.
            without: programs that are not on this host.
        """
        root = os.getuid() == 0
        if root:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
            account, home, password = _make_account(home or folder / "home", shell)
        else:
            account, home, password = getpass.getuser(), Path.home(), ""
        made = cls(folder, "127.0.0.1", free_port(), account, home, password, made=root, without=without)
        made.new_host_key()
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "glassgate", "-f", str(made.key)],
            check=True,
        )
        shutil.copy(f"{made.key}.pub", folder / "authorized_keys")
        (folder / "authorized_keys").chmod(0o644)
        (folder / "sshd_config").write_text(
            f"{more}\nPort {made.port}\nListenAddress {made.host}\n"
            f"HostKey {folder}/host_ed25519\nPidFile none\n"
            f"AuthorizedKeysFile {folder}/authorized_keys\nUsePAM no\nStrictModes no\nPermitRootLogin no\n"
            f"PasswordAuthentication yes\nMaxStartups 200\nUseDNS no\nPrintMotd no\nLogLevel VERBOSE\n"
            f"Subsystem sftp internal-sftp\n"
        )
        made.launch()
        return made

    @property
    def key(self) -> Path:
        """The private key that logs in."""
        return self.folder / "id_ed25519"

    @property
    def host_key(self) -> str:
        """The server's public key, as a line."""
        return (self.folder / "host_ed25519.pub").read_text().strip()

    def new_host_key(self) -> None:
        """Give the server another host key, in force from its next start."""
        for name in ("host_ed25519", "host_ed25519.pub"):
            (self.folder / name).unlink(missing_ok=True)
        subprocess.run(
            [
                "ssh-keygen",
                "-q",
                "-t",
                "ed25519",
                "-N",
                "",
                "-C",
                "",
                "-f",
                str(self.folder / "host_ed25519"),
            ],
            check=True,
        )

    def launch(self) -> None:
        """Start the server and wait until it answers."""
        with (self.folder / "sshd.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self._away(), str(SSHD), "-D", "-e", "-f", str(self.folder / "sshd_config")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=postmaster.die_with_parent(os.getpid(), signal.SIGTERM),  # noqa: PLW1509 - as there
            )
        until = time.monotonic() + READY_SECONDS
        while True:
            try:
                with socket.create_connection((self.host, self.port), 1) as probe:
                    if probe.recv(4) == b"SSH-":
                        return
            except OSError:
                pass
            assert self.process.poll() is None, (self.folder / "sshd.log").read_text()
            assert time.monotonic() < until, "sshd did not start"
            time.sleep(0.02)

    def _away(self) -> tuple[str, ...]:
        """Return what goes before a command that shall not find some programs."""
        if not self.without:
            return ()
        covered = "; ".join(f"mount --bind /dev/null {shlex.quote(path)}" for path in self.without)
        return ("unshare", "--mount", "/bin/sh", "-c", f'set -e; {covered}; exec "$@"', "sh")

    def halt(self) -> None:
        """End the server; connections that it has go on."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def vanish(self) -> None:
        """End the server with the connections that it has."""
        assert self.process is not None
        serving = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        self.halt()
        for pid in serving:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGTERM)

    def stop(self) -> None:
        """End the server and everything of its account, and take the account away."""
        self.halt()
        if not self.made:
            return
        for _ in range(100):  # what nobody reaps is found for ever
            if subprocess.run(["pkill", "-KILL", "-U", self.account], check=False).returncode:
                break
            time.sleep(0.05)
        _locked("userdel", "--force", self.account)

    def processes(self, named: str = "") -> list[str]:
        """Command lines that run as the account (sshd's own aside), those that contain ``named``."""
        found = subprocess.run(
            ["ps", "-o", "args=", "-U", self.account], capture_output=True, text=True, check=False
        ).stdout.splitlines()
        return [line for line in found if named in line and not line.startswith("sshd:")]


def _make_account(home: Path, shell: str) -> tuple[str, Path, str]:
    name = f"gg-{secrets.token_hex(4)}"
    home.mkdir(parents=True, exist_ok=True)
    _locked("useradd", "--no-create-home", "--home-dir", str(home), "--shell", shell, "--user-group", name)
    entry = pwd.getpwnam(name)
    os.chown(home, entry.pw_uid, entry.pw_gid)
    password = secrets.token_urlsafe(12)
    subprocess.run(["chpasswd"], input=f"{name}:{password}\n", text=True, check=True)
    return name, home, password


def _locked(*argv: str) -> None:
    """Run one of the programs that lock /etc/passwd, again while another holds the lock."""
    for _ in range(100):
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        if "lock" not in done.stderr:
            break
        time.sleep(0.1)
    raise AssertionError(f"{argv}: {done.stderr}")
