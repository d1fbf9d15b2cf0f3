"""Everything the demo starts on this machine: sample production, the gateway over it, three accounts."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.changes.founding import found_repository
from gateway.cli.client import Client
from gateway.cli.demo.production import DATABASE, READER, SERVICE, SampleProduction
from gateway.cli.profiles import Profile
from gateway.domain.errors import ConfigurationBroken, GlassgateError, StoreUnavailable, UpstreamUnavailable
from gateway.server import ADMINISTRATOR_FILE
from gateway.store import postmaster
from gateway.transport.authority import Authority
from gateway.web.shapes.endpoints import EndpointFacts, PutEndpoint, RepositoryFacts, SettingsFacts
from gateway.web.shapes.gateway import Readiness
from gateway.web.shapes.identity import NewPerson, Person

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from gateway.cli.demo.ports import Ports

ENDPOINT: Final = "orders-db"
PEOPLE: Final[Mapping[str, str]] = {
    "engineer": "Erin Engineer",
    "approver": "Abel Approver",
    "reviewer": "Rita Reviewer",
}
"""Login name, which is also the role → name shown."""

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
    """

    folder: Path
    ports: Ports
    production: SampleProduction
    gateway: subprocess.Popen[bytes]
    passwords: Mapping[str, str]
    fingerprint: str

    @property
    def repository(self) -> Path:
        """The sample service's bare repository."""
        return self.folder / "shop.git"

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
    for pid_file in folder.glob("**/data/postmaster.pid"):
        postmaster.end_orphan(pid_file.parent)


@asynccontextmanager
async def open_stage(folder: Path, ports: Ports, said: Callable[[str], None]) -> AsyncIterator[Stage]:
    """Start everything, and stop everything at the end, however it ends.

    Args:
        folder: the demo's; emptied.
        ports: to be used.
        said: told of each step.

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
            async with _sample_production(folder, ports, said) as production:
                said("waiting for the gateway")
                await _ready(gateway, folder, ports)
                said("adding the accounts and the endpoint")
                passwords = await asyncio.to_thread(_set_up, folder, ports, production)
                authority = Authority.open(folder / "gateway" / "tls")
                yield Stage(folder, ports, production, gateway, passwords, authority.fingerprint)
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

[witness]
seconds = 5
"""
    )
    # Others may pass: as root, the store's server runs under another account. What lies within is closed.
    (folder / "gateway").mkdir(mode=0o711)
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
            preexec_fn=postmaster.die_with_parent(os.getpid(), signal.SIGTERM),  # noqa: PLW1509 - as there
        )


async def stop_gateway(gateway: subprocess.Popen[bytes]) -> None:
    """Stop the gateway: in order first, hard where that takes too long."""
    if gateway.poll() is not None:
        return
    gateway.terminate()
    try:
        await asyncio.to_thread(gateway.wait, _STOP_SECONDS)
    except subprocess.TimeoutExpired:
        gateway.kill()
        await asyncio.to_thread(gateway.wait)


async def _ready(gateway: subprocess.Popen[bytes], folder: Path, ports: Ports) -> None:
    """Wait until the gateway says that sessions can be opened."""
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
        readiness = _client(folder, ports).call("GET /readyz", None, Readiness)
    except GlassgateError as error:
        return error.message
    return "" if readiness.ready else str(readiness.parts)


def _client(folder: Path, ports: Ports, token: str = "") -> Client:
    ca = folder / "gateway" / "tls" / "ca.pem"
    return Client(Profile("setup", f"https://localhost:{ports.api}", token=token, ca=str(ca)))


def _last_words(folder: Path) -> str:
    """Return the log's last line that names an error, else its last line."""
    lines = (folder / "gateway.log").read_text(errors="replace").strip().splitlines()
    errors = [
        line.lstrip(" |+-") for line in lines if re.search(r"(?:Error|Unavailable|Broken|glassgate): ", line)
    ]
    return (errors or lines or ["no output"])[-1]


def _set_up(folder: Path, ports: Ports, production: SampleProduction) -> dict[str, str]:
    """Add the three accounts and the endpoint, as the first administrator, and return the passwords."""
    passwords = {name: secrets.token_urlsafe(9) for name in PEOPLE}
    _write_terminal(folder, ports)
    token = _administrator(folder, ports)
    client = _client(folder, ports, token)
    for name, shown in PEOPLE.items():
        client.call(
            "POST /v1/people",
            NewPerson(
                name=name,
                display_name=shown,
                email=f"{name}@example.com",
                password=passwords[name],
                roles=(name,),
            ),
            Person,
        )
    client.call("PUT /v1/endpoints/{name}", _registration(folder, production), EndpointFacts)
    return passwords


def _administrator(folder: Path, ports: Ports) -> str:
    """Log in with the one-time password that the gateway has left for its operator, and return the token.

    The login stays, as the profile ``admin`` of the demo's terminals.
    """
    left = folder / "gateway" / ADMINISTRATOR_FILE
    name, password = left.read_text().split()
    fingerprint = Authority.open(folder / "gateway" / "tls").fingerprint
    done = subprocess.run(  # noqa: S603 - our own program
        [
            *(sys.executable, "-m", "gateway.cli.main", "--profile", "admin"),
            *("login", "--name", name, "--ca-fingerprint", fingerprint, "--password-stdin"),
        ],
        input=password,
        env={**own_environment(), **terminal_environment(folder, ports)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise UpstreamUnavailable(f"the first administrator can't log in: {done.stderr.strip()}")
    left.unlink()
    return str(json.loads((folder / "home" / "admin.json").read_text())["token"])


def _registration(folder: Path, production: SampleProduction) -> PutEndpoint:
    tls = production.server.tls
    return PutEndpoint(
        name=ENDPOINT,
        labels={"env": "prod", "team": "payments"},
        host="localhost",
        port=production.port,
        username=READER,
        password=production.reader_password.reveal().decode(),
        tls="verify-full" if tls else "off",
        ca=(folder / "certificates" / "ca.pem").read_text() if tls else "",
        repository=RepositoryFacts(url=str(folder / "shop.git")),
        settings=SettingsFacts(options={"database": DATABASE}),
    )


def _write_terminal(folder: Path, ports: Ports) -> None:
    """Write the programs that the printed commands use, and the file that a shell reads to find them."""
    programs = folder / "bin"
    programs.mkdir()
    (programs / "glassgate").symlink_to(Path(sys.executable).parent / "glassgate")
    if postmaster.SPEAKS_TLS:
        # The wheel's own: an older psql of the machine's would stumble over the newer server.
        for name in ("psql", "pg_dump", "pgbench"):
            (programs / name).symlink_to(postmaster.wheel_folder() / "bin" / name)
    variables = terminal_environment(folder, ports)
    lines = ["unset GLASSGATE_TOKEN GLASSGATE_CA GLASSGATE_PROFILE GLASSGATE_PASSWORD"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    lines.append(f'export PATH={shlex.quote(str(programs))}:"$PATH"')
    (folder / "env").write_text("\n".join(lines) + "\n")


def own_environment() -> dict[str, str]:
    """Return our environment without what would lead the demo's programs to some other gateway or server."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("GLASSGATE_", "PG"))}


def terminal_environment(folder: Path, ports: Ports) -> dict[str, str]:
    """Return the variables that the printed commands rely on; the person's own profiles stay apart."""
    return {
        "GLASSGATE_HOME": str(folder / "home"),
        "GLASSGATE_URL": f"https://localhost:{ports.api}",
    }
