"""What these tests are made of: repositories by the real git, an endpoint, production's port."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path

from gateway.domain.change import ChangeKind, SqlCapture
from gateway.domain.endpoint import Endpoint, EndpointKind, EndpointSettings, Repository
from gateway.domain.errors import UpstreamUnavailable
from gateway.domain.ids import EndpointId, UnitNumber

MIGRATIONS = Path(__file__).parents[2] / "migrations"
URL = "https://gw.example:8443"


def git(*arguments: str | Path, cwd: Path, check: bool = True) -> str:
    """Run the real git as an independent witness of what was written."""
    ran = subprocess.run(
        ["git", "-c", "user.name=Test", "-c", "user.email=test@example.org", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    if check and ran.returncode:
        raise AssertionError(f"git {arguments}: {ran.stderr}")
    return ran.stdout


_made: dict[object, Path] = {}
"""Files on a branch → a bare repository that holds them, to be copied."""


def bare_repository(path: Path, files: dict[str, str], branch: str = "main") -> Path:
    """Make a bare repository whose branch holds these files, with the real git the first time."""
    holds = (branch, *files.items())
    if holds not in _made:
        first = path.with_name(f"{path.name}-first")
        git("init", "--quiet", "--bare", f"--initial-branch={branch}", first, cwd=path.parent)
        if files:
            push_files(first, files, branch)
        _made[holds] = first
    shutil.copytree(_made[holds], path)
    return path


def push_files(path: Path, files: dict[str, str], branch: str = "main") -> None:
    """Put files onto a branch, as a colleague would."""
    work = path.parent / f"{path.name}-work-{len(list(path.parent.iterdir()))}"
    git("clone", "--quiet", path, work, cwd=path.parent)
    git("checkout", "--quiet", "-B", branch, cwd=work)
    for name, text in files.items():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text(text)
    git("add", "--all", cwd=work)
    git("commit", "--quiet", "--message", "Work of a colleague", cwd=work)
    git("push", "--quiet", "origin", branch, cwd=work)


@dataclass
class ProductionPort:
    """A door's port to production; quotes as quote_nullable does, keeps what is asked."""

    rows: int | None = 12
    away: bool = False
    asked: list[str] = field(default_factory=list)

    async def literals(self, values: tuple[bytes | None, ...], types: tuple[int, ...]) -> tuple[str, ...]:
        if self.away:
            raise UpstreamUnavailable("production is away")
        return tuple(
            "NULL" if value is None else "'" + value.decode().replace("'", "''") + "'" for value in values
        )

    async def estimate(self, statement: str) -> int | None:
        self.asked.append(statement)
        if self.away:
            raise UpstreamUnavailable("production is away")
        return self.rows


def orders_db(url: str, **repository: str) -> Endpoint:
    """An endpoint whose changes go to a repository."""
    return Endpoint(
        id=EndpointId(7),
        name="orders-db",
        kind=EndpointKind.POSTGRES,
        labels={"env": "prod"},
        host="db",
        port=5432,
        username="glassgate",
        tls="verify-full",
        ca="",
        repository=Repository(url=url, **repository) if url else None,
        settings=EndpointSettings(),
        version=1,
    )


_batches = itertools.count(1000)


def capture(text: str, **changed: object) -> SqlCapture:
    """A refused statement as a door hands it over, of a transaction of its own."""
    made = SqlCapture(
        text=text,
        values=None,
        types=(),
        formats=(),
        database="shop",
        context='search_path: "$user", public',
        title=" ".join(text.split()[:2]),
        tables=("public.customers",),
        kind=ChangeKind.DATA,
        batch=next(_batches),
        explainable=True,
    )
    return replace(made, **changed)


def unit(number: int) -> UnitNumber:
    return UnitNumber(number)
