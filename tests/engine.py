"""A real Docker engine in a folder of its own, as an endpoint of production; for tests that talk to one.

It has a data root, a socket and a containerd of its own, touches no network, and what it runs is made on the
spot from Debian's busybox. Two images:

- ``shop:1``: a small system with busybox's programs and some files under /app.
- ``bare:1``: one program, /sleep, and no shell.

and three containers: ``ticker`` (of shop:1) logs a line a second, ``shop`` and ``bare`` only live.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import tarfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from servers import free_port

from gateway.store import postmaster

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from servers import Certificates

DOCKERD = Path("/usr/sbin/dockerd")
BUSYBOX = Path("/bin/busybox")
READY_SECONDS = 30.0
STOP_SECONDS = 15.0
CAP_SYS_ADMIN = 1 << 21

SHOP = "shop:1"
BARE = "bare:1"
SECRET = "hunter2-of-the-shop"  # a value that only the container's environment holds
SETTINGS = '[orders]\nminimum = 10\ncurrency = "EUR"\n'
LOG = "".join(f"2026-09-0{day} order {day}00 shipped\n" for day in range(1, 8))
_TICKING = 'n=0; while :; do n=$((n+1)); echo "tick $n"; echo "behind $n" >&2; sleep 1; done'
FOREVER = str(10**8)


def why_missing() -> str:
    """Why no engine can run here; empty where one can."""
    for program in (DOCKERD, BUSYBOX):
        if not program.exists():
            return f"{program.name} is not installed (apt install docker.io busybox)"
    if shutil.which("docker") is None:
        return "the docker client is not installed (apt install docker.io)"
    if not capabilities() & CAP_SYS_ADMIN:
        return "dockerd needs a root that may mount"
    return ""


def capabilities() -> int:
    """What this process may do, as a set of bits (capabilities(7))."""
    found = re.search(r"^CapEff:\s*(\w+)", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(found[1], 16) if found else 0


@dataclass(slots=True)
class Engine:
    """A running engine; made by ``start``, ended by ``stop``.

    Attributes:
        folder: of everything it has.
        port: TCP port where it speaks TLS and asks for a client's certificate; 0 where it has none.
        ca: PEM file of the authority of that port's certificate and of its clients' ones.
        certificate: PEM file of a client's certificate that it takes.
        key: PEM file of that certificate's key.
        process: the engine.
    """

    folder: Path
    port: int = 0
    ca: Path = field(default_factory=Path)
    certificate: Path = field(default_factory=Path)
    key: Path = field(default_factory=Path)
    process: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(cls, folder: Path, certificates: Certificates | None = None) -> Engine:
        """Start an engine with its images and containers.

        Args:
            folder: empty, short (sockets stand in it).
            certificates: where it shall also listen on TCP: its own certificate and its clients' authority.
        """
        made = cls(folder)
        if certificates is not None:
            made.port = free_port()
            made.ca, made.certificate, made.key = certificates.ca, folder / "cert.pem", folder / "key.pem"
            client = certificates.authority.issue_cert("client.example.com")
            made.certificate.write_bytes(b"".join(blob.bytes() for blob in client.cert_chain_pems))
            client.private_key_pem.write_to_path(str(made.key))
            made.key.chmod(0o600)
        (folder / "docker").mkdir()
        (folder / "daemon.json").write_text("{}")
        try:
            made.launch(certificates)
            made.import_image(SHOP, _shop_files(), environment={"SHOP_PASSWORD": SECRET})
            made.import_image(BARE, bare_files())
            made.run("ticker", SHOP, "sh", "-c", _TICKING)
            made.run("shop", SHOP, "sleep", FOREVER)
            made.run("bare", BARE, "/sleep", FOREVER)
        except BaseException:
            made.stop()
            raise
        return made

    @property
    def socket(self) -> Path:
        """Its unix socket."""
        return self.folder / "docker.sock"

    @property
    def url(self) -> str:
        """What DOCKER_HOST names it."""
        return f"unix://{self.socket}"

    @property
    def client_folder(self) -> Path:
        """What DOCKER_CONFIG names: our client's own configuration and plugins."""
        return self.folder / "docker"

    def launch(self, certificates: Certificates | None = None) -> None:
        """Start the engine's process and wait until it answers."""
        command = [str(DOCKERD), "--host", self.url, "--config-file", str(self.folder / "daemon.json")]
        command += ["--data-root", str(self.folder / "data"), "--exec-root", str(self.folder / "exec")]
        command += ["--pidfile", str(self.folder / "pid"), "--shutdown-timeout", "1"]
        command += ["--bridge=none", "--iptables=false", "--ip6tables=false"]
        if certificates is not None:
            command += ["--host", f"tcp://127.0.0.1:{self.port}", "--tlsverify"]
            command += ["--tlscacert", str(certificates.ca)]
            command += ["--tlscert", str(certificates.chain), "--tlskey", str(certificates.key)]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=postmaster.die_with_parent(os.getpid(), signal.SIGTERM),  # noqa: PLW1509 - as there
            )
        until = time.monotonic() + READY_SECONDS
        while self.docker("version", check=False).returncode:
            assert self.process.poll() is None, self._log.read_text()[-3000:]
            assert time.monotonic() < until, "dockerd did not start: " + self._log.read_text()[-3000:]
            time.sleep(0.05)

    def docker(
        self,
        *argv: str,
        host: str | None = None,
        environment: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        check: bool = True,
        timeout: float = 60.0,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the docker client, which knows nothing of this machine's own configuration.

        Args:
            argv: what follows ``docker``.
            host: DOCKER_HOST; None: this engine's socket.
            environment: variables beside those that ``client_environment`` gives.
            stdin: its input.
            check: assert that it succeeds.
            timeout: in seconds.
        """
        done = subprocess.run(
            ["docker", *argv],
            env={**self.client_environment(host), **(environment or {})},
            input=b"" if stdin is None else stdin,
            capture_output=True,
            check=False,
            timeout=timeout,
        )
        assert not check or done.returncode == 0, (argv, done.stdout, done.stderr)
        return done

    def client_environment(self, host: str | None = None) -> dict[str, str]:
        """Give the whole environment of a docker client.

        Args:
            host: DOCKER_HOST; None: this engine's socket.
        """
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DOCKER_")}
        return {**kept, "DOCKER_HOST": host or self.url, "DOCKER_CONFIG": str(self.client_folder)}

    def text(self, *argv: str) -> str:
        """Run the docker client straight against this engine and return what it prints, without its ends."""
        return self.docker(*argv).stdout.decode().strip()

    def import_image(
        self, name: str, files: Mapping[str, bytes | str | None], environment: Mapping[str, str] | None = None
    ) -> None:
        """Make an image.

        Args:
            name: with its tag.
            files: path → content; a text beginning with ``->`` is a symlink's target, None a folder.
            environment: of its containers.
        """
        changes = [part for pair in (environment or {}).items() for part in ("-c", "ENV {}={}".format(*pair))]
        self.docker("import", *changes, "-", name, stdin=archive(files))

    def run(self, name: str, image: str, *argv: str, options: tuple[str, ...] = ()) -> str:
        """Start a container without a network and return its id.

        Args:
            name: of the container.
            image: that it is made of.
            argv: its program.
            options: of ``docker run``, beside those.
        """
        # Nothing here heeds SIGTERM as process 1, so that ``docker stop`` would wait for nothing.
        kept = ("--detach", "--network", "none", "--stop-timeout", "0", "--name", name)
        return self.text("run", *kept, *options, image, *argv)

    def state(self) -> object:
        """Everything that a write would change: containers, images, volumes, networks, files in containers.

        Two equal values mean that the engine was left as it was.
        """
        containers = sorted(self.text("ps", "-aq", "--no-trunc").split())
        described = json.loads(self.text("inspect", *containers)) if containers else []
        images = "{{.ID}} {{.Repository}}:{{.Tag}}"
        for each in described:
            each.pop("ExecIDs", None)
        return (
            described,
            sorted(self.text("images", "-a", "--no-trunc", "--format", images).splitlines()),
            sorted(self.text("volume", "ls", "-q").split()),
            sorted(self.text("network", "ls", "-q", "--no-trunc").split()),
            {each: self.text("diff", each) for each in containers},
        )

    def stop(self) -> None:
        """End the containers, the engine and its containerd, and leave no mount and no file of theirs."""
        if self.process is not None:
            containers = self.docker("ps", "-aq", check=False).stdout.decode().split()
            if containers:
                self.docker("rm", "--force", "--volumes", *containers, check=False)
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        for pid in _processes_of(self.folder):
            os.kill(pid, signal.SIGKILL)
        for mount in reversed(list(mounts_under(self.folder))):
            subprocess.run(["umount", "--lazy", mount], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _log(self) -> Path:
        return self.folder / "dockerd.log"


def mounts_under(folder: Path) -> Iterator[str]:
    """Where something is mounted below a folder, outer ones first."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        place = line.split()[4].encode().decode("unicode_escape")
        if Path(place).is_relative_to(folder):
            yield place


def _processes_of(folder: Path) -> Iterator[int]:
    """Containerd and its shims of an engine that was killed: only those have its folder in their argv."""
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            argv = line.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"containerd" in argv[0] and any(os.fsencode(f"{folder}/exec") in part for part in argv):
            yield int(line.parent.name)


def archive(files: Mapping[str, bytes | str | None]) -> bytes:
    """A tar archive of a small system, everything root's.

    Args:
        files: path → content; a text beginning with ``->`` is a symlink's target, None a folder.
    """
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.mtime = 1756684800
            entry.mode = 0o755 if content is None or path.startswith(("bin/", "lib", "sleep")) else 0o644
            data = b""
            if content is None:
                entry.type = tarfile.DIRTYPE
                entry.mode = 0o1777 if path == "tmp" else 0o755
            elif isinstance(content, str) and content.startswith("->"):
                entry.type, entry.linkname = tarfile.SYMTYPE, content[2:]
            else:
                data = content.encode() if isinstance(content, str) else content
                entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return made.getvalue()


def busybox_libraries() -> dict[str, bytes]:
    """What busybox needs beside itself where it is not linked statically: path → content."""
    found = subprocess.run(["ldd", BUSYBOX], capture_output=True, text=True, check=False).stdout
    return {path.lstrip("/"): Path(path).read_bytes() for path in re.findall(r"/lib\S+", found)}


def shop_system() -> dict[str, bytes | str | None]:
    """Busybox with all of its programs, as ``files`` of ``archive``; no shop in it yet."""
    names = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout.split()
    links = {f"bin/{name}": "->busybox" for name in names if name != "busybox"}
    folders = dict.fromkeys(("dev", "proc", "sys", "tmp", "root", "var", "var/log"))
    return {
        **folders,
        "bin/busybox": BUSYBOX.read_bytes(),
        **links,
        **busybox_libraries(),
        "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nshop:x:1000:1000:shop:/app:/bin/sh\n",
        "etc/group": "root:x:0:\nshop:x:1000:\n",
    }


def _shop_files() -> dict[str, bytes | str | None]:
    return {**shop_system(), "app": None, "app/settings.toml": SETTINGS, "app/shop.log": LOG}


def bare_files() -> dict[str, bytes | str | None]:
    """One program, and no shell, as ``files`` of ``archive``."""
    # Under the name of one of its programs busybox is that one only.
    return {**busybox_libraries(), "sleep": BUSYBOX.read_bytes()}
