"""The glassgate command as people run it, against a live gateway."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.cli.trust import fingerprint_of

if TYPE_CHECKING:
    from live_gateway import LiveGateway


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended.

    Attributes:
        status: exit status.
        out: standard output.
        err: standard error.
    """

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class People:
    """Runs the command as one of the gateway's people; each has a profile of their own.

    Attributes:
        gateway: where.
        home: folder of the profiles.
    """

    gateway: LiveGateway
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GLASSGATE_")}
        url = f"https://localhost:{self.gateway.api_port}"
        return {**kept, "GLASSGATE_HOME": str(self.home), "GLASSGATE_URL": url, "NO_COLOR": "1"}

    def argv(self, profile: str, *words: str) -> list[str]:
        return [sys.executable, "-m", "gateway.cli.main", "--profile", profile, *words]

    def __call__(self, profile: str, *words: str, typed: str = "", **variables: str) -> Ran:
        ended = subprocess.run(
            self.argv(profile, *words),
            input=typed,
            capture_output=True,
            text=True,
            env={**self.environment, **variables},
            check=False,
            timeout=60,
        )
        return Ran(ended.returncode, ended.stdout, ended.stderr)

    def login(self, name: str) -> Ran:
        return self(
            name,
            *("login", "--name", name, "--password-stdin", "--ca-fingerprint", self.fingerprint),
            typed=self.gateway.passwords[name] + "\n",
        )

    @property
    def fingerprint(self) -> str:
        return fingerprint_of(self.gateway.ca.read_text())
