"""pgJDBC from Maven Central on the machine's Java: what administration tools ask through it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import releases
from live_clients import Live, run

DRIVER = "org.postgresql:postgresql:42.7.4"
DIGEST = "188976721ead8e8627eb6d8389d500dccc0c9bebd885268a3047180274a6031e"
PROGRAM = Path(__file__).parent / "jdbc" / "Browse.java"

MODE = """\
described 9
prepared 20
fetched 600
scrolled 300
refused 25006
after savepoint 1
""".splitlines()
REST = """\
catalogs some
schemas some
tables some
every table some
table types some
columns some
every column some
primary keys some
indexes some
imported keys some
exported keys some
cross reference some
functions some
function columns some
types some
table privileges some
column privileges some
best row some
version columns some
client info some
keywords true
product PostgreSQL
longest name 63
max connections true
functions of numbers true
batch 25006
keys 25006
called 119
called writer 25006
copied 600
copy in 25006
read-only 1
writable yes
schema true
timeout 57014
valid true
""".splitlines()


@pytest.fixture(scope="module")
def driver() -> Path:
    """The driver's jar, fetched once into the machine's cache."""
    if shutil.which("java") is None:
        pytest.skip("Java is not installed (apt install default-jre-headless)")
    try:
        return releases.maven_jar(DRIVER, DIGEST)
    except releases.Missing as missing:
        pytest.skip(str(missing))


def test_what_tools_ask_of_pgjdbc(live: Live, endpoint: str, driver: Path) -> None:
    url = (
        f"jdbc:postgresql://localhost:{live.gateway.postgres_port}/shop?user=engineer+{endpoint}"
        f"&sslmode=verify-full&sslrootcert={live.gateway.ca}"
    )
    environment = {"HOME": os.environ.get("HOME", "/tmp")}
    ended = run("java", "-cp", str(driver), str(PROGRAM), url, live.token(), environment=environment)
    assert ended.status == 0, ended.out + ended.err
    parts = ended.out.split("-- ")
    said = {part.split("\n", 1)[0]: part.split("\n")[1:-1] for part in parts if part}
    for mode in ("extended", "extendedForPrepared", "extendedCacheEverything"):
        assert [line for line in said[mode] if not line.startswith("parameters")] == MODE
    assert "prepared 20" in said["simple"]
    assert "refused 25006" in said["simple"]
    assert "fetched 600" in said["simple"]
    assert [line for line in said["rest"] if not line.startswith("user")] == REST
