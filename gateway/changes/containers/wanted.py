"""What a request wants of a service, in the words of a compose file (the Compose Specification)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from gateway.changes.paths import slug
from gateway.changes.secret_lines import hide_argv
from gateway.changes.secret_words import SECRET
from gateway.changes.secrets_found import holds_secret, names_secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.domain.containers import ContainerWrite
    from gateway.judge.http.bodies import Json

Wanted = dict[str, "Json"]
"""Key of a service in a compose file → its value."""

_COMPOSE: Final = "com.docker.compose."
_PARTS_OF_CPU: Final = 1_000_000_000
_SIZES: Final = (("g", 1 << 30), ("m", 1 << 20), ("k", 1 << 10))
_DEFAULT_NETWORKS: Final = frozenset({"", "default", "bridge"})
_MODES: Final = _DEFAULT_NETWORKS | {"host", "none"}


def wanted_of(write: ContainerWrite) -> Wanted:
    """Return what a request says that a compose file could say; nothing where it says nothing of that kind.

    Jsons that look secret are left to the environment at deployment: ``${NAME}``.

    Args:
        write: as the judge read it.
    """
    match write.sort, write.verb:
        case "container", "create":
            return _created(_object(write.body))
        case "container", "update":
            return _limits(_object(write.body))
        case "service", "create" | "update":
            return _swarm(_object(write.body))
        case "network", "connect":
            return {"networks": [write.name]}
        case "image", "pull":
            image = _reference(write.option("fromImage"), write.option("tag"))
            return {"image": image} if image else {}
        case _:
            return {}


def familiar(image: str) -> str:
    """Return the name of an image as people write it: without the registry that is meant anyway.

    Args:
        image: such as ``docker.io/library/nginx:1.25``.
    """
    return image.removeprefix("docker.io/").removeprefix("library/")


def repository_of(image: str) -> str:
    """Return the name of an image without tag and digest, as people write it."""
    name = familiar(image).partition("@")[0]
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


def _reference(name: str, tag: str) -> str:
    if not name:
        return ""
    return familiar(f"{name}{'@' if tag.startswith('sha256:') else ':'}{tag}" if tag else name)


def _object(body: bytes | None) -> dict[str, Any]:
    said = json.loads(body) if body else None
    return said if isinstance(said, dict) else {}


def _created(body: dict[str, Any]) -> Wanted:
    """``POST /containers/create``."""
    host = _dict(body.get("HostConfig"))
    labels = {name: each for name, each in _dict(body.get("Labels")).items() if not name.startswith(_COMPOSE)}
    if host.get("AutoRemove") is True:
        return {}  # what is run once is no service
    network = _text(host.get("NetworkMode"))
    named = network not in _MODES and not network.startswith("container:")
    wanted: Wanted = {
        "image": familiar(_text(body.get("Image"))),
        "entrypoint": _escaped(_texts(body.get("Entrypoint"))),
        "command": _escaped(_texts(body.get("Cmd")), _texts(body.get("Entrypoint"))),
        "hostname": _text(body.get("Hostname")),
        "user": _text(body.get("User")),
        "working_dir": _text(body.get("WorkingDir")),
        "environment": environment_of(_texts(body.get("Env"))),
        "ports": list(_ports(_dict(host.get("PortBindings")))),
        "volumes": [*_texts(host.get("Binds")), *_mounts(host.get("Mounts"))],
        "labels": {str(name): _label(str(name), _text(each)) for name, each in labels.items()},
        "network_mode": "" if named or network in _DEFAULT_NETWORKS else network,
        "networks": [network] if named else [],
        "privileged": host.get("Privileged") is True,
        "read_only": host.get("ReadonlyRootfs") is True,
        "init": host.get("Init") is True,
        "cap_add": _list(_texts(host.get("CapAdd"))),
        "cap_drop": _list(_texts(host.get("CapDrop"))),
        "extra_hosts": _list(_texts(host.get("ExtraHosts"))),
    }
    return {**{key: value for key, value in wanted.items() if value}, **_limits(host)}


def _limits(said: dict[str, Any]) -> Wanted:
    """``POST /containers/{id}/update``, and the same members of a new container's host configuration."""
    wanted: Wanted = {
        "restart": _restart(_dict(said.get("RestartPolicy"))),
        "mem_limit": _size(said.get("Memory")),
        "mem_reservation": _size(said.get("MemoryReservation")),
        "memswap_limit": _size(said.get("MemorySwap")),
        "cpus": _cpus(said.get("NanoCpus")),
        "cpu_shares": _positive(said.get("CpuShares")),
        "cpuset": _text(said.get("CpusetCpus")),
        "pids_limit": _positive(said.get("PidsLimit")),
    }
    return {key: value for key, value in wanted.items() if value}


def _swarm(spec: dict[str, Any]) -> Wanted:
    """``POST /services/create`` and its update, which says everything of a service again."""
    task = _dict(spec.get("TaskTemplate"))
    container = _dict(task.get("ContainerSpec"))
    limits = _dict(_dict(task.get("Resources")).get("Limits"))
    image = familiar(_text(container.get("Image")))
    deploy: Wanted = {}
    replicas = _dict(_dict(spec.get("Mode")).get("Replicated")).get("Replicas")
    if isinstance(replicas, int):
        deploy["replicas"] = replicas
    bounds: Wanted = {
        "cpus": str(_cpus(limits.get("NanoCPUs")) or ""),
        "memory": _size(limits.get("MemoryBytes")),
    }
    if any(bounds.values()):
        deploy["resources"] = {"limits": {key: value for key, value in bounds.items() if value}}
    wanted: Wanted = {
        "image": image.partition("@")[0] if ":" in image.partition("@")[0].rpartition("/")[2] else image,
        "entrypoint": _escaped(_texts(container.get("Command"))),
        "command": _escaped(_texts(container.get("Args")), _texts(container.get("Command"))),
        "user": _text(container.get("User")),
        "working_dir": _text(container.get("Dir")),
        "environment": environment_of(_texts(container.get("Env"))),
        "deploy": deploy,
    }
    return {key: value for key, value in wanted.items() if value}


def environment_of(entries: list[str]) -> dict[str, Json]:
    """Return ``NAME=value`` entries by name, secrets left to the environment at deployment.

    Args:
        entries: one without a value is given the one that stands in the environment then.
    """
    found: dict[str, Json] = {}
    for entry in entries:
        name, equals, value = entry.partition("=")
        if name:
            hidden = names_secret(name) or holds_secret(value) or holds_secret(entry)
            found[name] = (f"${{{name}}}" if hidden else _dollar(value)) if equals else None
    return found


def _ports(bindings: dict[str, Any]) -> list[str]:
    found = []
    for port, places in bindings.items():
        number, _, protocol = str(port).partition("/")
        suffix = f"/{protocol}" if protocol not in ("", "tcp") else ""
        for place in places if isinstance(places, list) else []:
            host = _text(_dict(place).get("HostPort"))
            address = _text(_dict(place).get("HostIp"))
            front = ":".join(each for each in (address, host) if each)
            found.append(f"{front}:{number}{suffix}" if front else f"{number}{suffix}")
    return found


def _mounts(mounts: object) -> list[str]:
    found = []
    for each in mounts if isinstance(mounts, list) else []:
        mount = _dict(each)
        source, target = _text(mount.get("Source")), _text(mount.get("Target"))
        if target and mount.get("Type") in ("bind", "volume"):
            mode = ":ro" if mount.get("ReadOnly") is True else ""
            found.append(f"{source}:{target}{mode}" if source else target)
    return found


def _restart(policy: dict[str, Any]) -> str:
    name, most = _text(policy.get("Name")), policy.get("MaximumRetryCount")
    if name in ("", "no"):
        return ""
    return f"{name}:{most}" if name == "on-failure" and isinstance(most, int) and most else name


def _size(value: object) -> str:
    count = _positive(value)
    if not count:
        return ""
    unit, size = next(((unit, size) for unit, size in _SIZES if not count % size), ("b", 1))
    return f"{count // size}{unit}"


def _cpus(value: object) -> float:
    return _positive(value) / _PARTS_OF_CPU


def _positive(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _list(texts: list[str]) -> list[Json]:
    return [*texts]


def _dollar(text: str) -> str:
    """A text that compose does not take for one of its variables."""
    return text.replace("$", "$$")


def _escaped(texts: list[str], front: Sequence[str] = ()) -> list[Json]:
    """Arguments of a command, behind the words in front of them.

    What a secret option is given is left to the environment at deployment.
    """
    found: list[Json] = []
    hidden = hide_argv([*front, *texts])[len(front) :]
    for before, text, shown in zip(["", *texts], texts, hidden, strict=False):
        name, equals, value = text.partition("=")
        if equals and (names_secret(name) or holds_secret(value)):
            found.append(f"{_dollar(name)}=${{{_variable(name)}}}")
        elif holds_secret(text) or (
            before.startswith("-") and names_secret(before) and not text.startswith("-")
        ):
            found.append(f"${{{_variable(before)}}}")
        elif shown != text:
            program = [*front, *texts][0].rpartition("/")[2]
            found.append(_dollar(shown).replace(SECRET, f"${{{_variable(f'{program} secret')}}}"))
        else:
            found.append(_dollar(text))
    return found


def _label(name: str, value: str) -> str:
    """A label's value; a secret is left to the environment at deployment."""
    return f"${{{_variable(name)}}}" if names_secret(name) or holds_secret(value) else _dollar(value)


def _variable(option: str) -> str:
    """The variable that an option's value comes from, such as ``DB_PASSWORD`` of ``--db-password``."""
    return slug(option, separator="_").upper()
