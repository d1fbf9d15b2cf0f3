"""The embedded PostgreSQL: a real server from a wheel, in a folder of its own, living as long as we do."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import quote

import asyncpg

from gateway.domain.errors import StoreUnavailable
from gateway.domain.secret import Secret
from gateway.log import get_logger
from gateway.store import postmaster

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.store.postmaster import Account

SUPERUSER: Final = "glassgate"
_SOCKET_PORT: Final = 5432
_SOCKET_PATH_LIMIT: Final = 107 if os.uname().sysname == "Linux" else 103
"""Bytes of a unix socket's path, without its ending NUL."""
_BUILTIN_LOCALE_SINCE: Final = 17
_READY_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 30.0
_RESTART_SECONDS: Final = 1.0

log = get_logger("store")

_DEFAULTS: Final[Mapping[str, str]] = {
    "fsync": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "huge_pages": "off",
    "unix_socket_permissions": "0700",
    "log_min_messages": "warning",
}


@dataclass(slots=True)
class EmbeddedPostgres:
    """A running PostgreSQL server of ours. Made by ``start``; ends by ``stop`` or with this process.

    Attributes:
        folder: holds ``data``, ``run`` (the socket), ``password`` and ``server.log``.
        host: folder of its unix socket.
        port: TCP port on loopback, or the number in the socket's name where it has none.
        tls: whether TCP connections must use TLS.
        superuser: the cluster's first role.
    """

    folder: Path
    host: str
    port: int
    tls: bool
    superuser: str
    _binaries: Path
    _password: Secret
    _process: subprocess.Popen[bytes]
    _lock: int
    _socket_folder: Path
    _command: Sequence[str | Path]
    _account: Account
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    async def start(
        cls,
        folder: Path,
        *,
        name: str,
        port: int | None = None,
        tls: tuple[Path, Path] | None = None,
        settings: Mapping[str, str] | None = None,
        superuser: str = SUPERUSER,
        installation: Path | None = None,
    ) -> Self:
        """Make the cluster where there is none, start the server and wait until it answers.

        What a killed gateway left in the folder is stopped and cleaned first. As root, the server runs as the
        folder's owner, ``postgres`` or ``nobody``. Call it from the main thread: on Linux the server gets
        SIGINT when the thread that started it dies.

        Args:
            folder: made where missing; as root it must be passable by the server's account.
            name: shown in the server's process title.
            port: TCP port on 127.0.0.1 beside the unix socket; None: unix socket only.
            tls: PEM files of certificate chain and key; TCP then takes TLS only.
            settings: settings of postgresql.conf beside or over ours.
            superuser: name of the cluster's first role, when it is made.
            installation: folder with ``bin`` of another PostgreSQL; None: the wheel's.

        Raises:
            StoreUnavailable: the server can't be started here; says why and what to do.
        """
        folder = _made(folder)
        lock = postmaster.hold(folder / "lock")
        process: subprocess.Popen[bytes] | None = None
        try:
            account = postmaster.account_for(folder / "data")
            _open_way(folder, account)
            source = installation or postmaster.wheel_folder()
            binaries = postmaster.installation_for(account, source, folder) / "bin"
            password = await asyncio.to_thread(_make_cluster, folder, account, binaries, superuser)
            socket_folder = _socket_folder(folder, account)
            if port is not None:
                _check_port(port)
            _write_access(folder, account, tls)
            options = _options(name, port, socket_folder, settings or {}, tls=tls is not None)
            command: list[str | Path] = [binaries / "postgres", "-D", folder / "data", *options]
            process = postmaster.spawn(command, account, folder / "server.log")
            server = cls(
                folder=folder,
                host=str(socket_folder),
                port=port or _SOCKET_PORT,
                tls=tls is not None,
                superuser=superuser,
                _binaries=source / "bin",
                _password=password,
                _process=process,
                _lock=lock,
                _socket_folder=socket_folder,
                _command=command,
                _account=account,
            )
            await server._answers()
        except BaseException:
            if process is not None:
                process.send_signal(signal.SIGQUIT)
                process.wait()
            os.close(lock)
            raise
        return server

    def dsn(self, database: str = "postgres", user: str = "", password: str | None = None) -> str:
        """Return the URL of a database over the unix socket, with the password in it.

        Args:
            database: name of the database.
            user: a role made by the caller; empty: the superuser.
            password: of a role made by the caller; None: the superuser's.
        """
        shown = self._password.reveal().decode() if password is None else password
        login = f"{quote(user or self.superuser, safe='')}:{quote(shown, safe='')}"
        host = quote(self.host, safe="")
        return f"postgresql://{login}@/{quote(database, safe='')}?host={host}&port={self.port}"

    def bin(self, name: str) -> Path:
        """Return the path of one of the installation's programs, such as psql, pg_dump or pgbench.

        Raises:
            StoreUnavailable: the installation has no such program.
        """
        found = self._binaries / name
        if not found.exists():
            raise StoreUnavailable(f"this PostgreSQL has no {name} ({self._binaries})")
        return found

    @property
    def pid(self) -> int:
        """Process number of the server."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether its process runs still."""
        return self._process.poll() is None

    async def exited(self) -> int:
        """Wait until the server's process has ended, by itself or by ``stop``, and return its status."""
        return await asyncio.to_thread(self._process.wait)

    async def run(self) -> None:
        """Start the server again whenever it ends by itself, until cancelled or stopped.

        It recovers as after a crash; whoever had a connection makes a new one.
        """
        while True:
            status = await self.exited()
            if self._stopped.is_set():
                return
            log.error(
                "the embedded PostgreSQL ended; starting it again", folder=str(self.folder), status=status
            )
            await asyncio.to_thread(postmaster.end_orphan, self.folder / "data")
            if self._stopped.is_set():
                return
            self._process = postmaster.spawn(self._command, self._account, self.folder / "server.log")
            try:
                await self._answers()
            except StoreUnavailable as error:
                log.error("the embedded PostgreSQL does not start", error=error.message)  # noqa: TRY400
                await asyncio.sleep(_RESTART_SECONDS)

    async def stop(self) -> None:
        """Stop the server in order (open connections are cut), harder if it takes too long; leave no process.

        Does nothing where it is stopped already.
        """
        if self._stopped.is_set():
            return
        self._stopped.set()
        for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            self._process.send_signal(how)
            try:
                await asyncio.to_thread(self._process.wait, _STOP_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            break
        if self._socket_folder.parent != self.folder:
            shutil.rmtree(self._socket_folder, ignore_errors=True)
        os.close(self._lock)

    async def _answers(self) -> None:
        """Wait until the server takes a connection."""
        try:
            async with asyncio.timeout(_READY_SECONDS):
                while not await self._connects():
                    if self._process.poll() is not None:
                        raise StoreUnavailable(
                            f"PostgreSQL in {self.folder} did not start: {_last_words(self.folder)}",
                            hint=f"its log is {self.folder / 'server.log'}",
                        )
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise StoreUnavailable(
                f"PostgreSQL in {self.folder} does not answer after {_READY_SECONDS:.0f} s",
                hint=f"its log is {self.folder / 'server.log'}",
            ) from None

    async def _connects(self) -> bool:
        try:
            connection = await asyncpg.connect(self.dsn())
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError):
            return False
        except asyncpg.InvalidPasswordError:
            raise StoreUnavailable(
                f"the password in {self.folder / 'password'} is not this PostgreSQL's",
                hint="restore that file, or the whole folder, from a backup",
            ) from None
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await connection.close()  # it may be killed again just now: who waits for it finds that out
        return True


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def _open_way(folder: Path, account: Account) -> None:
    """Let the server's account pass our folder; parents are not ours to open."""
    if not account.switch:
        folder.chmod(0o700)
        return
    folder.chmod(0o711)
    barrier = account.barrier(folder)
    if barrier is not None:
        raise StoreUnavailable(
            f"PostgreSQL does not run as root, and the user {account.name} may not pass {barrier}",
            hint="choose a data folder that other users may pass (such as one under /var/lib), "
            "or start as an ordinary user",
        )


def _make_cluster(folder: Path, account: Account, binaries: Path, superuser: str) -> Secret:
    """Return the superuser's password, running initdb first where the folder has no cluster yet."""
    data, kept = folder / "data", folder / "password"
    if (data / "PG_VERSION").exists():
        postmaster.end_orphan(data)
        try:
            return Secret(kept.read_text().strip())
        except OSError:
            raise StoreUnavailable(
                f"{kept} is missing: the PostgreSQL in this folder can't be entered without it",
                hint="restore that file, or the whole folder, from a backup",
            ) from None
    fresh, given = folder / "data.new", folder / "password.new"
    shutil.rmtree(fresh, ignore_errors=True)
    _private_folder(fresh, account)
    password = Secret(secrets.token_urlsafe(24))
    _private_file(kept, password.reveal())
    _private_file(given, password.reveal(), account)
    try:
        done = postmaster.run(_initdb(binaries, fresh, given, account, superuser), account)
    finally:
        given.unlink(missing_ok=True)
    if done.returncode != 0:
        raise StoreUnavailable(f"initdb failed in {folder}: {done.stdout.strip()[-500:]}")
    fresh.rename(data)
    return password


def _initdb(binaries: Path, data: Path, password: Path, account: Account, superuser: str) -> list[str | Path]:
    version = postmaster.run([binaries / "postgres", "--version"], account).stdout.split()
    major = int(version[2].split(".")[0]) if len(version) > 2 else 0
    builtin = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return [
        binaries / "initdb",
        f"--pgdata={data}",
        f"--username={superuser}",
        f"--pwfile={password}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--no-instructions",
        *(builtin if major >= _BUILTIN_LOCALE_SINCE else ["--locale=C.UTF-8"]),
    ]


def _private_folder(path: Path, account: Account) -> None:
    path.mkdir(mode=0o700, exist_ok=True)
    if account.switch:
        os.chown(path, account.uid, account.gid)


def _private_file(path: Path, content: bytes, account: Account | None = None) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        if account is not None and account.switch:
            os.fchown(descriptor, account.uid, account.gid)
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _socket_folder(folder: Path, account: Account) -> Path:
    """Return an emptied folder for the socket: ours, or a new one in /tmp where ours is too long."""
    inside, note = folder / "run", folder / "socket"
    if note.exists():
        shutil.rmtree(note.read_text(), ignore_errors=True)
        note.unlink()
    if len(os.fsencode(inside / f".s.PGSQL.{65535}")) > _SOCKET_PATH_LIMIT:
        outside = Path(tempfile.mkdtemp(prefix="glassgate-", dir="/tmp"))
        if account.switch:
            os.chown(outside, account.uid, account.gid)
        note.write_text(str(outside))
        return outside
    shutil.rmtree(inside, ignore_errors=True)
    _private_folder(inside, account)
    return inside


def _check_port(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"can't be used ({error.strerror})"
            raise StoreUnavailable(f"port {port} {reason}", hint="choose another port") from None


def _write_access(folder: Path, account: Account, tls: tuple[Path, Path] | None) -> None:
    """Write who may connect (SCRAM always, TCP by TLS where there is a certificate), and the key."""
    data = folder / "data"
    kind = "hostssl" if tls else "host"
    rules = f"local all all scram-sha-256\n{kind} all all all scram-sha-256\n"
    _private_file(data / "pg_hba.conf", rules.encode(), account)
    if tls:
        _private_file(data / "server.crt", tls[0].read_bytes(), account)
        _private_file(data / "server.key", tls[1].read_bytes(), account)


def _options(
    name: str, port: int | None, socket_folder: Path, settings: Mapping[str, str], *, tls: bool
) -> list[str]:
    chosen = dict(_DEFAULTS)
    chosen["cluster_name"] = name
    chosen["listen_addresses"] = "" if port is None else "127.0.0.1"
    chosen["port"] = str(port or _SOCKET_PORT)
    chosen["unix_socket_directories"] = str(socket_folder)
    if tls:
        chosen |= {"ssl": "on", "ssl_cert_file": "server.crt", "ssl_key_file": "server.key"}
    chosen |= settings
    return [part for key, value in chosen.items() for part in ("-c", f"{key}={value}")]


def _last_words(folder: Path) -> str:
    lines = (folder / "server.log").read_text(errors="replace").strip().splitlines()
    fatal = [line for line in lines[-20:] if "FATAL" in line]
    return (fatal or lines or ["no output"])[-1]
