"""The node of a test cluster: what its kubelet (live/kube/kubelet) and the API server are told of pods."""

from __future__ import annotations

import io
import json
import os
import stat
import tarfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from engine import archive

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAME = "node-1"
DEVICES = {"null": (1, 3), "zero": (1, 5), "urandom": (1, 9), "tty": (5, 0)}


@dataclass(frozen=True, slots=True)
class Container:
    """A container of a pod.

    Attributes:
        argv: its program.
        files: of its root, as ``engine.archive`` takes them.
        environment: of its programs, beside PATH and HOME.
        previous: log of an earlier run, as container runtimes write it; empty: there was none.
    """

    argv: Sequence[str]
    files: Mapping[str, bytes | str | None]
    environment: Mapping[str, str] = field(default_factory=dict)
    previous: str = ""


def pod(
    name: str,
    containers: Mapping[str, Container],
    labels: Mapping[str, str],
    owner: Mapping[str, object] | None,
) -> dict[str, object]:
    """A pod on the node, as the API server takes it.

    Args:
        name: of the pod.
        containers: by name.
        labels: of the pod.
        owner: its owner reference.
    """
    described = [
        {"name": each, "image": f"registry.example.com/{each}:1", "command": list(container.argv)}
        for each, container in containers.items()
    ]
    metadata = {"name": name, "labels": dict(labels), "ownerReferences": [dict(owner)] if owner else []}
    spec = {"nodeName": NAME, "containers": described, "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def running(containers: Mapping[str, Container], place: str) -> dict[str, object]:
    """The status of a pod that runs.

    Args:
        containers: by name.
        place: namespace and name of the pod.
    """
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    statuses = [
        {
            "name": each,
            "image": f"registry.example.com/{each}:1",
            "imageID": "",
            "containerID": f"stub://{place}/{each}",
            "ready": True,
            "started": True,
            "restartCount": 1 if container.previous else 0,
            "state": {"running": {"startedAt": now}},
        }
        for each, container in containers.items()
    ]
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": now}
        for kind in ("Initialized", "Ready", "ContainersReady", "PodScheduled")
    ]
    facts = {"phase": "Running", "startTime": now, "hostIP": "127.0.0.1", "podIP": "10.1.0.1"}
    return {**facts, "conditions": conditions, "containerStatuses": statuses}


def start(place: Path, container: Container) -> None:
    """Lay a container out where the kubelet finds and starts it."""
    root = place / "rootfs"
    root.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(archive(container.files))) as tar:
        tar.extraction_filter = getattr(tarfile, "fully_trusted_filter", None)
        tar.extractall(root)
    for folder in ("dev", "proc", "tmp"):
        (root / folder).mkdir(exist_ok=True)
    for name, (major, minor) in DEVICES.items():
        os.mknod(root / "dev" / name, stat.S_IFCHR | 0o666, os.makedev(major, minor))
        (root / "dev" / name).chmod(0o666)
    (place / "env").write_text(json.dumps(dict(container.environment)))
    if container.previous:
        (place / "previous").write_text(container.previous)
    (place / "argv.new").write_text(json.dumps(list(container.argv)))
    (place / "argv.new").rename(place / "argv")


def runs(place: Path) -> bool:
    """Whether a program of the container that was laid out there runs."""
    root = place / "rootfs"
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "root").readlink() == root and (process / "exe").readlink().name != "unshare":
                return True
    return False
