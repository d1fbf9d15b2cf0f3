"""Everything the demo starts on this machine: samples of production, the gateway over them, accounts."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from gateway.changes.founding import found_repository
from gateway.cli.demo.engine import SERVICE as MAILER
from gateway.cli.demo.engine import SampleEngine, wait_for_leftover
from gateway.cli.demo.host import SERVICE as CONFIGURATION
from gateway.cli.demo.host import SampleHost
from gateway.cli.demo.production import SERVICE, SampleProduction
from gateway.cli.demo.registering import ENGINE, HOST, client_of, set_up
from gateway.cli.demo.terminals import own_environment, terminal_environment
from gateway.domain.errors import ConfigurationBroken, GlassgateError, StoreUnavailable, UpstreamUnavailable
from gateway.store import postmaster
from gateway.transport.authority import Authority
from gateway.web.shapes.gateway import Readiness

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from gateway.cli.demo.ports import Ports

FOLDER_OF_ROOT: Final = Path("/var/tmp/glassgate-demo-root")  # noqa: S108 - looked at before it is used
_MARK: Final = ".glassgate-demo"
_READY_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 40.0


@dataclass(frozen=True, slots=True)
class Stage:
    """What stands while the demo runs.

    Attributes:
        folder: holds everything.
        ports: of the gateway and of production.
        production: sample production.
        gateway: the gateway's process.
        passwords: login name → password.
        fingerprint: of the gateway's authority.
        host: the sample host; None: this machine can't have one.
        without: why not.
        engine: the sample Docker engine; None: this machine can't have one.
        without_engine: why not.
    """

    folder: Path
    ports: Ports
    production: SampleProduction
    gateway: subprocess.Popen[bytes]
    passwords: Mapping[str, str]
    fingerprint: str
    host: SampleHost | None
    without: str
    engine: SampleEngine | None
    without_engine: str

    @property
    def repository(self) -> Path:
        """The sample service's bare repository."""
        return self.folder / "shop.git"

    @property
    def web_repository(self) -> Path:
        """The bare repository that the sample host is made from."""
        return self.folder / "web.git"

    @property
    def running(self) -> bool:
        """Whether production is there still."""
        samples = (self.production.server, self.host, self.engine)
        return all(each is None or each.running for each in samples)

    @property
    def environment(self) -> dict[str, str]:
        """What a terminal needs so that the commands work as printed."""
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ.get('PATH', '/usr/bin:/bin')}"
        return {**terminal_environment(self.folder, self.ports), "PATH": path}


def choose_folder() -> Path:
    """Return the demo's folder: ``GLASSGATE_DEMO_DIR``, else ``.demo`` here, else one for root in /var/tmp.

    PostgreSQL does not run as root; where its unprivileged account can't get into this folder (a clone below
    /root), the demo lives in a folder of its own that it can.
    """
    if given := os.environ.get("GLASSGATE_DEMO_DIR"):
        return Path(given).absolute()
    here = Path.cwd() / ".demo"
    account = postmaster.account_for(here / "production" / "data")
    if account.barrier(Path.cwd()) is None:
        return here
    return FOLDER_OF_ROOT


def make_folder(folder: Path) -> int:
    """Empty the demo's folder, make it where it is missing, and hold it until the descriptor is closed.

    Raises:
        ConfigurationBroken: the folder is not a demo's.
        StoreUnavailable: another demo runs in it.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARK).is_file():
        raise ConfigurationBroken(
            f"{folder} is not empty and not a demo's",
            hint="choose another folder: GLASSGATE_DEMO_DIR=/path/to/folder make demo",
        )
    folder.mkdir(parents=True, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise ConfigurationBroken(
            f"{folder} belongs to another user",
            hint="choose another folder: GLASSGATE_DEMO_DIR=/path/to/folder make demo",
        )
    folder.chmod(0o755)
    (folder / _MARK).touch()
    try:
        held = postmaster.hold(folder / "lock")
    except StoreUnavailable:
        raise StoreUnavailable(
            f"a demo is running in {folder}",
            hint="end it with Ctrl-C, or choose another folder: GLASSGATE_DEMO_DIR=/path/to/folder make demo",
        ) from None
    _end_leftovers(folder)
    for part in folder.iterdir():
        if part.name in {_MARK, "lock"}:
            continue
        if part.is_dir() and not part.is_symlink():
            shutil.rmtree(part)
        else:
            part.unlink()
    return held


def _end_leftovers(folder: Path) -> None:
    """Wait for what a killed demo left: its gateway and servers stop by themselves once it is gone."""
    until = time.monotonic() + _STOP_SECONDS
    for lock in folder.glob("**/lock"):
        while lock != folder / "lock":
            try:
                os.close(postmaster.hold(lock))
            except StoreUnavailable:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
            else:
                break
    wait_for_leftover(folder, _STOP_SECONDS)
    for pid_file in folder.glob("**/data/postmaster.pid"):
        postmaster.end_orphan(pid_file.parent)


@asynccontextmanager
async def open_stage(
    folder: Path, ports: Ports, said: Callable[[str], None], *, engine: bool = True
) -> AsyncIterator[Stage]:
    """Start everything, and stop everything at the end, however it ends.

    Args:
        folder: the demo's; emptied.
        ports: to be used.
        said: told of each step.
        engine: whether a sample Docker engine is wanted.

    Raises:
        InvalidInput: a port is in use.
        ConfigurationBroken: the folder can't be used.
        StoreUnavailable, UpstreamUnavailable: something does not start.
    """
    ports.check()
    held = await asyncio.to_thread(make_folder, folder)
    try:
        said("starting the gateway, and PostgreSQL for its store")
        gateway = start_gateway(folder, ports)
        try:
            async with (
                _sample_production(folder, ports, said) as production,
                _sample_host(folder, ports, said) as (host, without),
                _sample_engine(folder, said) if engine else nullcontext((None, "")) as (docker, why),
            ):
                said("waiting for the gateway")
                await ready(gateway, folder, ports)
                said("adding the accounts and the endpoints")
                made = await asyncio.to_thread(set_up, folder, ports, production, host, docker)
                unseen, undocked = made.problems.get(HOST, ""), made.problems.get(ENGINE, "")
                yield Stage(
                    folder,
                    ports,
                    production,
                    gateway,
                    made.passwords,
                    made.fingerprint,
                    host=None if unseen else host,
                    without=without or unseen,
                    engine=None if undocked else docker,
                    without_engine=why or undocked,
                )
        finally:
            await stop_gateway(gateway)
    finally:
        os.close(held)


@asynccontextmanager
async def _sample_production(
    folder: Path, ports: Ports, said: Callable[[str], None]
) -> AsyncIterator[SampleProduction]:
    said("starting sample production")
    authority = Authority.open(folder / "certificates", name="Sample production")
    files = authority.server_certificate(["localhost", "127.0.0.1"])
    found_repository(
        folder / "shop.git",
        SERVICE,
        author="Shop Team <shop@example.com>",
        message="Import the shop service",
        at=datetime(2026, 9, 1, 9, 30, tzinfo=UTC),
    )
    production = await SampleProduction.start(
        folder / "production",
        port=ports.production,
        tls=(files.chain, files.key) if postmaster.SPEAKS_TLS else None,
        said=said,
    )
    try:
        yield production
    finally:
        await production.server.stop()


def _sample_host(
    folder: Path, ports: Ports, said: Callable[[str], None]
) -> AbstractAsyncContextManager[tuple[SampleHost | None, str]]:
    """Return what starts the sample host, where this machine can have one; else says why not."""
    said("starting a sample host")
    found_repository(
        folder / "web.git",
        CONFIGURATION,
        author="Web Team <web@example.com>",
        message="Import the web servers",
        at=datetime(2026, 9, 1, 9, 30, tzinfo=UTC),
    )
    return _started(SampleHost.start(folder, port=ports.host))


def _sample_engine(
    folder: Path, said: Callable[[str], None]
) -> AbstractAsyncContextManager[tuple[SampleEngine | None, str]]:
    """Return what starts the sample engine, where this machine can have one; else says why not."""
    said("starting a sample container")
    found_repository(
        folder / "mailer.git",
        MAILER,
        author="Mail Team <mail@example.com>",
        message="Import the mailer",
        at=datetime(2026, 9, 1, 9, 30, tzinfo=UTC),
    )
    return _started(SampleEngine.start(folder))


S = TypeVar("S", SampleHost, SampleEngine)


@asynccontextmanager
async def _started(starting: Awaitable[S]) -> AsyncIterator[tuple[S | None, str]]:
    """Have a sample for as long as the block lasts, or the reason why this machine can't have it."""
    try:
        sample = await starting
    except UpstreamUnavailable as error:
        yield None, error.message + (f" ({error.hint})" if error.hint else "")
        return
    try:
        yield sample, ""
    finally:
        await sample.stop()


def start_gateway(folder: Path, ports: Ports) -> subprocess.Popen[bytes]:
    """Start the gateway as ``glassgate serve`` on the demo's settings; it ends with us."""
    configuration = folder / "gateway.toml"
    configuration.write_text(
        f"""# The demo's gateway. docs/configuration.md tells of every key.
data = "gateway"

[listen]
api-port = {ports.api}
postgres-port = {ports.postgres}
ssh-port = {ports.ssh}
docker-port = {ports.docker}
kubernetes-port = {ports.kubernetes}

[witness]
seconds = 5
"""
    )
    # Others may pass: as root, the store's server runs under another account. What lies within is closed.
    (folder / "gateway").mkdir(mode=0o711, exist_ok=True)
    arguments = [sys.executable, "-m", "gateway.cli.main", "serve", "-c", str(configuration)]
    with (folder / "gateway.log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own program
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=own_environment(),
            cwd=folder,
            start_new_session=True,
            # SIGINT: nobody waits for what runs in a demo.
            preexec_fn=postmaster.die_with_parent(os.getpid(), signal.SIGINT),  # noqa: PLW1509 - as there
        )


async def stop_gateway(gateway: subprocess.Popen[bytes]) -> None:
    """Stop the gateway: in order first, hard where that takes too long."""
    if gateway.poll() is not None:
        return
    gateway.send_signal(signal.SIGINT)
    try:
        await asyncio.to_thread(gateway.wait, _STOP_SECONDS)
    except subprocess.TimeoutExpired:
        gateway.kill()
        await asyncio.to_thread(gateway.wait)


async def ready(gateway: subprocess.Popen[bytes], folder: Path, ports: Ports) -> None:
    """Wait until the gateway says that sessions can be opened.

    Raises:
        UpstreamUnavailable: it has ended, or takes too long; says why.
    """
    until = time.monotonic() + _READY_SECONDS
    while problem := await asyncio.to_thread(_problem, folder, ports):
        if gateway.poll() is not None:
            raise UpstreamUnavailable(
                f"the gateway ended with status {gateway.returncode}: {_last_words(folder)}",
                hint=f"its log is {folder / 'gateway.log'}",
            )
        if time.monotonic() > until:
            raise UpstreamUnavailable(
                f"the gateway is not ready after {_READY_SECONDS:.0f} s: {problem}; {_last_words(folder)}",
                hint=f"its log is {folder / 'gateway.log'}",
            )
        await asyncio.sleep(0.1)


def _problem(folder: Path, ports: Ports) -> str:
    """Say why sessions can't be opened yet; empty where they can."""
    if not (folder / "gateway" / "tls" / "ca.pem").exists():
        return "it has no authority yet"
    try:
        readiness = client_of(folder, ports).call("GET /readyz", None, Readiness)
    except GlassgateError as error:
        return error.message
    return "" if readiness.ready else str(readiness.parts)


def _last_words(folder: Path) -> str:
    """Return the log's last line that names an error, else its last line."""
    lines = (folder / "gateway.log").read_text(errors="replace").strip().splitlines()
    errors = [
        line.lstrip(" |+-") for line in lines if re.search(r"(?:Error|Unavailable|Broken|glassgate): ", line)
    ]
    return (errors or lines or ["no output"])[-1]
