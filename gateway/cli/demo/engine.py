"""A sample Docker engine with one container: the demo's own, else one that runs here already.

Where we are root and dockerd is installed, it is a private one: its data folder and socket are its own, it
has no network, and the machine's engine is left alone. Elsewhere an engine whose socket we may open gets one
more container, which is taken away again.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import shutil
import signal
import subprocess
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from gateway.domain.errors import UpstreamUnavailable
from gateway.store import postmaster

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME: Final = "prod-docker"
CONTAINER: Final = "mailer"
IMAGE: Final = "mailer:1"
SERVICE: Final = Path(__file__).parent / "mailer"
"""The source of the container, as it stands in its repository."""
DOCKERD: Final = Path("/usr/sbin/dockerd")
BUSYBOX: Final = Path("/bin/busybox")
_SOCKETS: Final = (Path("/run/docker.sock"), Path("/var/run/docker.sock"))
_MARK: Final = "glassgate-demo"
_CAP_SYS_ADMIN: Final = 1 << 21
_LONGEST_FOLDER: Final = 60
"""Characters; containerd's sockets lie some 45 deeper, and a socket's path has 107 at most."""
_READY_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 15.0


@dataclass(slots=True)
class SampleEngine:
    """The engine. Made by ``start``, ended by ``stop``.

    Attributes:
        folder: of what is the demo's own.
        socket: where it is reached.
        process: the demo's own dockerd; None where somebody else's engine is used.
        filled: whether the image is the demo's.
    """

    folder: Path
    socket: Path
    process: subprocess.Popen[bytes] | None
    filled: bool = False

    @classmethod
    async def start(cls, folder: Path) -> Self:
        """Find or start an engine, and run the sample container in it.

        Args:
            folder: of the demo; ``engine`` is made in it.

        Raises:
            UpstreamUnavailable: this machine has no engine that can be used; says why.
        """
        for program, package in (("docker", "docker.io or docker-cli"), (str(BUSYBOX), "busybox")):
            if shutil.which(program) is None:
                raise UpstreamUnavailable(f"there is no {program} on this machine", hint=f"install {package}")
        made = cls._launch(folder / "engine")
        try:
            await made.see_that_it_answers()
            await asyncio.to_thread(made.fill)
        except BaseException:
            await made.stop()
            raise
        return made

    @classmethod
    def _launch(cls, folder: Path) -> Self:
        """Start dockerd, from the thread that lives on: Linux ties the end of the one to the other."""
        folder.mkdir(mode=0o711)
        (folder / "client").mkdir()
        if not _may_mount() or not DOCKERD.exists():
            return cls(folder, _reachable(), None)
        if len(str(folder)) > _LONGEST_FOLDER:
            raise UpstreamUnavailable("the demo's folder has too long a name for dockerd's sockets")
        socket = folder / "docker.sock"
        (folder / "daemon.json").write_text("{}")
        argv = [
            *(str(DOCKERD), "--host", f"unix://{socket}", "--config-file", str(folder / "daemon.json")),
            *("--data-root", str(folder / "data"), "--exec-root", str(folder / "x")),
            *("--pidfile", str(folder / "pid"), "--shutdown-timeout", "1"),
            *("--bridge=none", "--iptables=false", "--ip6tables=false"),
        ]
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - fixed words and paths of our own
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=postmaster.die_with_parent(os.getpid(), signal.SIGTERM),  # noqa: PLW1509 - as there
            )
        return cls(folder, socket, process)

    @property
    def running(self) -> bool:
        """Whether it is there still."""
        return self.process is None or self.process.poll() is None

    async def stop(self) -> None:
        """Take the sample container away, and end the engine where it is the demo's own."""
        await asyncio.to_thread(self._stop)

    async def see_that_it_answers(self) -> None:
        """Wait until it does.

        Raises:
            UpstreamUnavailable: it has ended or takes too long; names its last words.
        """
        until = time.monotonic() + _READY_SECONDS
        while (await asyncio.to_thread(self._docker, "version", check=False)).returncode:
            if not self.running or time.monotonic() > until:
                raise UpstreamUnavailable(f"this machine's dockerd does not start: {self._last_words()}")
            await asyncio.sleep(0.1)

    def _last_words(self) -> str:
        log = self.folder / "log"
        said = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
        return said[-1] if said else "it says nothing"

    def fill(self) -> None:
        """Make the image and run the container.

        Raises:
            UpstreamUnavailable: the engine does not, or has an image of that name; says why.
        """
        self._remove()
        if self._docker("image", "inspect", IMAGE, check=False).returncode == 0:
            raise UpstreamUnavailable(f"the engine here has an image {IMAGE} of its own")
        self.filled = True
        settings = ("-c", "WORKDIR /app", "-c", 'CMD ["sh", "/app/mailer.sh"]')
        self._docker("import", *settings, "-", IMAGE, stdin=_system())
        self._docker(
            *("run", "--detach", "--network", "none", "--stop-timeout", "0"),
            *("--label", _MARK, "--name", CONTAINER, IMAGE),
        )

    def _remove(self) -> None:
        """Remove what an earlier demo left, and what this one has."""
        left = self._docker("ps", "-aq", "--filter", f"label={_MARK}", check=False).stdout.decode().split()
        if left:
            self._docker("rm", "--force", "--volumes", *left, check=False)
        if left or self.filled:
            self._docker("image", "rm", IMAGE, check=False)

    def _stop(self) -> None:
        if self.running:
            self._remove()
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _docker(
        self, *words: str, stdin: bytes = b"", check: bool = True
    ) -> subprocess.CompletedProcess[bytes]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DOCKER_")}
        own = {"DOCKER_HOST": f"unix://{self.socket}", "DOCKER_CONFIG": str(self.folder / "client")}
        done = subprocess.run(  # noqa: S603
            ["docker", *words],  # noqa: S607 - whichever this machine has
            input=stdin,
            env={**kept, **own},
            capture_output=True,
            check=False,
        )
        if check and done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines() or ["it says nothing"]
            raise UpstreamUnavailable(f"docker {words[0]}: {said[-1]}")
        return done


def wait_for_leftover(folder: Path, seconds: float) -> None:
    """Wait for what a killed demo's engine left: it stops by itself, takes its containers along and unmounts.

    Args:
        folder: of the demo.
        seconds: no longer than these.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            os.kill(int((folder / "engine" / "pid").read_text()), 0)
        except (OSError, ValueError):
            return
        time.sleep(0.1)


def _may_mount() -> bool:
    """Whether this process is a root that a dockerd can run as."""
    status = Path("/proc/self/status")
    if not status.exists():
        return False
    found = re.search(r"^CapEff:\s*(\w+)", status.read_text(), re.MULTILINE)
    return found is not None and bool(int(found[1], 16) & _CAP_SYS_ADMIN)


def _reachable() -> Path:
    """Return the socket of an engine that runs here and may be opened.

    Raises:
        UpstreamUnavailable: there is none.
    """
    given = os.environ.get("DOCKER_HOST", "")
    own = [Path(given.removeprefix("unix://"))] if given.startswith("unix:///") else []
    for socket in (*own, *_SOCKETS):
        if socket.is_socket() and os.access(socket, os.R_OK | os.W_OK):
            return socket
    raise UpstreamUnavailable(
        "there is no Docker engine that may be used here", hint="be in the group docker, or root with dockerd"
    )


def _system() -> bytes:
    """Return a small system as a tar archive: busybox, and the mailer's files."""
    names = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True)  # noqa: S603
    files: dict[str, bytes | str] = {f"bin/{name}": "busybox" for name in names.stdout.split()}
    files["bin/busybox"] = BUSYBOX.read_bytes()
    files |= _libraries()
    files["etc/passwd"] = b"root:x:0:0:root:/root:/bin/sh\n"
    app = SERVICE / "app"
    files |= {f"app/{path.name}": path.read_bytes() for path in sorted(app.iterdir())}
    return _archive(files)


def _libraries() -> dict[str, bytes | str]:
    """Return what busybox needs beside itself where it is not linked statically."""
    found = subprocess.run(["ldd", BUSYBOX], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return {path.lstrip("/"): Path(path).read_bytes() for path in re.findall(r"/lib\S+", found.stdout)}


def _archive(files: Mapping[str, bytes | str]) -> bytes:
    """Write files, and links where there is a text, into a tar archive."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for folder in ("tmp", "proc", "sys", "dev", "root", "app"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(entry)
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.mtime = 1_788_255_000  # 2026-09-01 09:30 UTC, as the repositories' first commits
            if isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
                tar.addfile(entry)
                continue
            entry.size, entry.mode = len(content), 0o644 if path.startswith(("app/", "etc/")) else 0o755
            tar.addfile(entry, io.BytesIO(content))
    return made.getvalue()
