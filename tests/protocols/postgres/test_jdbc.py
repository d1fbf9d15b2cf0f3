"""The real pgJDBC, from Maven Central, on the machine's Java."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from postgres_door import TOKEN, Gate

DRIVER = "org.postgresql:postgresql:42.7.4"
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
JAR = Path(__file__).parents[3] / ".venv" / "pgjdbc" / "postgresql-42.7.4.jar"


async def run(*command: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await asyncio.wait_for(process.communicate(), 100)
    return process.returncode or 0, out.decode()


@pytest.fixture(scope="session")
async def driver() -> Path:
    """The driver's jar, fetched once."""
    if shutil.which("java") is None or (not JAR.exists() and shutil.which("mvn") is None):
        pytest.skip("neither Java nor the driver is here")
    if not JAR.exists():
        code, out = await run(
            "mvn", "-q", "-B", COPY, f"-Dartifact={DRIVER}", f"-DoutputDirectory={JAR.parent}"
        )
        if code != 0:
            pytest.skip(f"Maven Central can't be reached: {out[-200:]}")
    return JAR


async def test_pgjdbc_reads_fetches_cancels_and_is_refused(gate: Gate, driver: Path) -> None:
    url = (
        f"jdbc:postgresql://{gate.host}:{gate.port}/shop?user=engineer+orders-db"
        f"&sslmode=verify-full&sslrootcert={gate.ca}"
    )
    code, out = await run("java", "-cp", str(driver), str(Path(__file__).with_name("Reads.java")), url, TOKEN)
    assert out.splitlines() == [
        "count 600",
        "prepared",
        "fetched 600",
        "refused 25006",
        "batch refused 25006",
        "tables 6",
        "cancelled 57014",
        "valid true",
    ]
    assert code == 0
    room = gate.room
    first = next(capture for capture in room.captures if capture.values)
    assert first.values[0] == b"Graz"
    assert len({capture.batch for capture in room.captures}) == 2
