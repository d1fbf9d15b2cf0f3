"""Programs that tests build from published Go modules: a cluster's parts, docker compose, helm.

Each module of ours below tests/live/ names their versions in go.mod and their digests in go.sum. What is
built stays in the machine's cache, outside the tree, until one of its sources differs. By hand, with what it
does on the terminal: ``python tests/go_programs.py [PROGRAM…]``.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from releases import CACHE, Missing

MODULES = Path(__file__).parent / "live"
BUILD_SECONDS = 1500.0
"""For one program, the first time, on two busy processors; see MINUTES for an idle machine."""
GO = (1, 21)
"""The first that fetches, by itself, the newer one that a module asks for."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program that can be built.

    Attributes:
        module: folder below tests/live/ with its go.mod.
        package: that is built there.
        versioned: variable that the linker sets to the version of ``of``; empty: none.
        of: module whose version the program has.
        minutes: that it takes the first time on two idle processors.
    """

    module: str
    package: str
    versioned: str
    of: str
    minutes: float


_VERSION = "k8s.io/component-base/version.gitVersion"
_KUBERNETES = "k8s.io/kubernetes"
PROGRAMS = {
    "kube-apiserver": Program("kube", "./apiserver", _VERSION, _KUBERNETES, 4),
    "kubelet": Program("kube", "./kubelet", "", _KUBERNETES, 1),
    "kubectl": Program("kube", "./kubectl", _VERSION, _KUBERNETES, 1),
    "docker-compose": Program(
        "compose",
        "github.com/docker/compose/v2/cmd",
        "github.com/docker/compose/v2/internal.Version",
        "github.com/docker/compose/v2",
        1.5,
    ),
    "helm": Program(
        "helm", "helm.sh/helm/v3/cmd/helm", "helm.sh/helm/v3/internal/version.version", "helm.sh/helm/v3", 1
    ),
}


def program(name: str) -> Path:
    """A program of PROGRAMS, built where the cache hasn't it.

    Raises:
        Missing: it is not there and can't be built here.
    """
    wanted, built = PROGRAMS[name], place(name)
    if built.exists():
        return built
    built.parent.mkdir(parents=True, exist_ok=True)
    with (CACHE / "go.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():  # another process may have built it meanwhile
            _build(name, wanted, built)
    return built


def place(name: str) -> Path:
    """Where a program of PROGRAMS stands once it is built."""
    return CACHE / f"{name}-{_digest(PROGRAMS[name])}" / name


def _build(name: str, wanted: Program, built: Path) -> None:
    module = MODULES / wanted.module
    version = re.search(rf"\b{re.escape(wanted.of)} (v[\w.+-]+)", (module / "go.mod").read_text())
    assert version, f"{module}/go.mod names no version of {wanted.of}"
    linked = f"-s -w -X {wanted.versioned}={version[1]}" if wanted.versioned else "-s -w"
    fresh = built.with_suffix(f".{os.getpid()}")
    build = [_go(), "build", "-trimpath", "-buildvcs=false", "-ldflags", linked, "-o", str(fresh)]
    _tell(f"building {name} {version[1]}, once (some {wanted.minutes:g} minutes on two idle processors)")
    begun = time.monotonic()
    try:
        done = subprocess.run(
            ["nice", *build, wanted.package],
            cwd=module,
            capture_output=True,
            text=True,
            check=False,
            timeout=BUILD_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise Missing(f"{name} can't be built within {BUILD_SECONDS / 60:.0f} minutes") from None
    if done.returncode != 0:
        raise Missing(f"{name} can't be built: {done.stderr.strip()[-600:]}")
    fresh.rename(built)
    _tell(f"built {name} in {time.monotonic() - begun:.0f} s")


def _go() -> str:
    """A Go that can build the modules."""
    found = shutil.which("go", path=os.environ.get("PATH", "") + ":/usr/local/go/bin")
    if found is None:
        raise Missing("Go is not installed (https://go.dev/dl)")
    told = subprocess.run([found, "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"go(\d+)\.(\d+)", told)
    if version is None or (int(version[1]), int(version[2])) < GO:
        raise Missing(f"Go {GO[0]}.{GO[1]} or newer is needed, and {found} is {told.strip() or 'broken'}")
    return found


def _digest(wanted: Program) -> str:
    """What a program depends on, in twelve digits."""
    module = MODULES / wanted.module
    digest = hashlib.sha256(f"{wanted.package} {wanted.versioned}\0".encode())
    for file in (module / "go.mod", module / "go.sum", *sorted(module.glob(f"{wanted.package}/*.go"))):
        digest.update(str(file.relative_to(module)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    for each in sys.argv[1:] or PROGRAMS:
        try:
            _tell(f"{each}: {program(each)}")
        except Missing as why:
            _tell(f"{each}: {why}")
