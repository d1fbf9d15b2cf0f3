"""The ways to a host that are compared: direct, through a jump host, through Glassgate; real ssh in all."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from live_gateway import LiveGateway
from live_ssh import LiveSsh
from sshd import Sshd
from ways import PAGE, TICKS

if TYPE_CHECKING:
    from collections.abc import Iterator

GUARDED, BARE = "web-1", "web-2"
"""The same host twice: its commands under the kernel guard, as by default, and without."""
ALGORITHMS = {"KexAlgorithms": "curve25519-sha256", "Ciphers": "aes128-gcm@openssh.com"}
"""The same for every way, so that what stands between is compared and not key exchanges."""


LOOKING_SECONDS, SETTLING_SECONDS = 0.5, 120.0
QUIET = 0.1
"""Of a core, below which what stands between is taken to have nothing left to do."""


@dataclass(frozen=True, slots=True)
class SshWay:
    """One way to the host.

    Attributes:
        name: direct, proxyjump, glassgate or bare.
        config: of ssh.
        pid: of what stands between; 0: nothing does.
    """

    name: str
    config: Path
    pid: int = 0

    def argv(self, *words: str, options: tuple[str, ...] = ()) -> list[str]:
        """Return ssh's command line."""
        return ["ssh", "-F", str(self.config), *options, self.name, *words]

    def cpu(self) -> float:
        """CPU seconds of what stands between, of its ended children too."""
        if not self.pid:
            return 0.0
        return sum(_ticks(pid) for pid in _tree(self.pid)) / TICKS

    def settle(self) -> None:
        """Wait until what stands between has done what it was left with, such as blocks to seal."""
        until, before = time.monotonic() + SETTLING_SECONDS, self.cpu()
        while self.pid and time.monotonic() < until:
            time.sleep(LOOKING_SECONDS)
            after = self.cpu()
            if after - before < QUIET * LOOKING_SECONDS:
                break
            before = after

    def resident(self) -> int:
        """Bytes of memory that what stands between holds; what its processes share is counted once."""
        if self.name != "proxyjump":
            return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * PAGE
        return sum(_proportional(pid) for pid in _tree(self.pid))


def _ticks(pid: int) -> int:
    """User and kernel time of a process and of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0  # it ended this moment
    return sum(int(field) for field in fields[11:15])


def _tree(pid: int) -> Iterator[int]:
    yield pid
    try:
        children = [(task / "children").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    except FileNotFoundError:
        return
    for child in " ".join(children).split():
        yield from _tree(int(child))


def _proportional(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


@dataclass(frozen=True, slots=True)
class SshWays:
    """All that runs while ssh is measured.

    Attributes:
        direct: nothing between.
        proxyjump: OpenSSH's own sshd between.
        glassgate: judging, guarding and recording on.
        bare: the same without the kernel guard.
        gateway: its process, for the API.
        host: behind all of them.
        files: on the host: ``zeros`` and ``random``.
        size: bytes of each.
    """

    direct: SshWay
    proxyjump: SshWay
    glassgate: SshWay
    bare: SshWay
    gateway: LiveGateway
    host: Sshd
    files: Path
    size: int

    @property
    def all(self) -> list[SshWay]:
        return [self.direct, self.proxyjump, self.glassgate, self.bare]


@contextmanager
def open_ssh_ways(folder: Path, *, size: int) -> Iterator[SshWays]:
    """Start the host, the jump host and a gateway; stop them when done.

    Args:
        folder: empty, short, passable by other users.
        size: bytes of the files that are downloaded.
    """
    parts = {name: folder / name for name in ("host", "jump", "gateway", "people", "files", "control")}
    for part in parts.values():
        part.mkdir(mode=0o755)
    _fill(parts["files"], size)
    limits = "MaxSessions 100\nMaxStartups 1000\nLogLevel ERROR\n"
    host = Sshd.start(parts["host"], more=limits)
    try:
        jump = Sshd.start(parts["jump"], more=limits)
        try:
            gateway = LiveGateway.start(parts["gateway"])
            try:
                yield _ways(folder, host, jump, gateway, size)
            finally:
                gateway.stop()
        finally:
            jump.stop()
    finally:
        host.stop()


def _fill(folder: Path, size: int) -> None:
    with (folder / "zeros").open("wb") as zeros:
        zeros.truncate(size)
    with (folder / "random").open("wb") as random:
        for _ in range(size >> 20):
            random.write(os.urandom(1 << 20))


def _ways(folder: Path, host: Sshd, jump: Sshd, gateway: LiveGateway, size: int) -> SshWays:
    people = LiveSsh(gateway, host, folder / "people")
    people.register(name=GUARDED)
    people.register(name=BARE, options={"guard": "off"})
    people.add_key("engineer")
    for endpoint in (GUARDED, BARE):
        gateway.grant(endpoint, minutes=120)
    known = folder / "known_hosts"
    known.write_text(
        f"[127.0.0.1]:{host.port} {host.host_key}\n[127.0.0.1]:{jump.port} {jump.host_key}\n"
        + (folder / "people" / "engineer" / "known_hosts").read_text()
    )
    config = folder / "ssh_config"
    theirs = folder / "people" / "engineer" / "id"
    sections = {
        "direct": _login(host.account, "127.0.0.1", host.port, host.key),
        "jump": _login(jump.account, "127.0.0.1", jump.port, jump.key),
        "proxyjump": {**_login(host.account, "127.0.0.1", host.port, host.key), "ProxyJump": "jump"},
        "glassgate": _login(f"engineer+{GUARDED}", "localhost", gateway.ssh_port, theirs),
        "bare": _login(f"engineer+{BARE}", "localhost", gateway.ssh_port, theirs),
    }
    common = {
        **ALGORITHMS,
        "UserKnownHostsFile": str(known),
        "GlobalKnownHostsFile": "none",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "BatchMode": "yes",
        "LogLevel": "ERROR",
        "ControlPath": f"{folder}/control/%n",
    }
    shared = "IgnoreUnknown ObscureKeystrokeTiming\nObscureKeystrokeTiming no\n"
    config.write_text(
        shared + "".join(_section(name, {**options, **common}) for name, options in sections.items())
    )
    assert gateway.process is not None
    assert jump.process is not None
    pid = gateway.process.pid
    return SshWays(
        direct=SshWay("direct", config),
        proxyjump=SshWay("proxyjump", config, jump.process.pid),
        glassgate=SshWay("glassgate", config, pid),
        bare=SshWay("bare", config, pid),
        gateway=gateway,
        host=host,
        files=folder / "files",
        size=size,
    )


def _login(user: str, host: str, port: int, key: Path) -> dict[str, str]:
    return {"HostName": host, "Port": str(port), "User": user, "IdentityFile": str(key)}


def _section(name: str, options: dict[str, str]) -> str:
    return f"Host {name}\n" + "".join(f"    {key} {value}\n" for key, value in options.items())


def check(ways: SshWays) -> None:
    """See that every way leads to the host before anything is measured."""
    for way in ways.all:
        done = subprocess.run(
            way.argv("id", "-un"), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.stdout.strip() != ways.host.account:
            raise SystemExit(f"ssh {way.name}: {done.stderr}{done.stdout}")
