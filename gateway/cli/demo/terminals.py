"""What a terminal needs so that the demo's commands work there as printed."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.store import postmaster

if TYPE_CHECKING:
    from gateway.cli.demo.ports import Ports


def write_terminal(folder: Path, ports: Ports) -> None:
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
