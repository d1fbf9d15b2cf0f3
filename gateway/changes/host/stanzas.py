"""Packages, services and accounts as the definition of a host's image says them."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gateway.changes.host.parts import StanzaPart

_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._:=~@/-]{0,200}")
_ANSIBLE_PACKAGES: Final = {"install": "present", "remove": "absent", "purge": "absent", "upgrade": "latest"}
_ANSIBLE_SERVICES: Final = {
    "start": "started",
    "stop": "stopped",
    "restart": "restarted",
    "reload": "reloaded",
}
_APT: Final = frozenset({"apt", "apt-get", "aptitude"})
_YUM: Final = frozenset({"yum", "dnf", "microdnf"})


def in_image(part: StanzaPart, image: str, path: str) -> str | None:
    """Return an image's definition with one stanza more, None where it has no words for it.

    Args:
        part: what to say.
        image: the definition as it is; empty: there is none yet.
        path: its name, which tells its kind: ``Dockerfile`` or Ansible tasks in YAML.
    """
    if not part.names or not all(_PLAIN.fullmatch(name) for name in part.names):
        return None
    name = path.rsplit("/", 1)[-1].lower()
    if name.startswith(("dockerfile", "containerfile")) or name.endswith((".dockerfile", ".containerfile")):
        said = _dockerfile(part)
    elif name.endswith((".yml", ".yaml")) and not image.startswith("#cloud-config"):
        said = _ansible(part)
    else:
        return None
    if said is None:
        return None
    separator = "" if not image or image.endswith("\n") else "\n"
    return f"{image}{separator}{said}"


def _dockerfile(part: StanzaPart) -> str | None:
    names = " ".join(shlex.quote(name) for name in part.names)
    if part.sort != "package":
        return None
    if part.tool in _APT and part.action == "install":
        return (
            f"RUN apt-get update && apt-get install -y --no-install-recommends {names} \\\n"
            "    && rm -rf /var/lib/apt/lists/*\n"
        )
    if part.tool in _APT and part.action in ("remove", "purge"):
        return f"RUN apt-get {part.action} -y {names}\n"
    if part.tool in _YUM and part.action in ("install", "remove"):
        return f"RUN {part.tool} {part.action} -y {names} && {part.tool} clean all\n"
    if part.tool == "apk" and part.action in ("add", "del"):
        return f"RUN apk {part.action}{' --no-cache' if part.action == 'add' else ''} {names}\n"
    return None


def _ansible(part: StanzaPart) -> str | None:
    names = ", ".join(part.names)
    if part.sort == "package" and part.action in _ANSIBLE_PACKAGES:
        state = _ANSIBLE_PACKAGES[part.action]
        return _task(
            f"{part.action} {names}", "ansible.builtin.package", {"name": [*part.names], "state": state}
        )
    if part.sort == "service" and part.action in ("enable", "disable", "mask", "unmask"):
        key = "enabled" if part.action in ("enable", "disable") else "masked"
        wanted = part.action in ("enable", "mask")
        return "".join(
            _task(f"{part.action} {name}", "ansible.builtin.systemd_service", {"name": name, key: wanted})
            for name in part.names
        )
    if part.sort == "service" and part.action in _ANSIBLE_SERVICES and part.action in ("start", "stop"):
        state = _ANSIBLE_SERVICES[part.action]
        return "".join(
            _task(f"{part.action} {name}", "ansible.builtin.service", {"name": name, "state": state})
            for name in part.names
        )
    if part.sort == "account" and part.tool in ("useradd", "adduser", "userdel", "deluser"):
        state = "present" if part.tool in ("useradd", "adduser") else "absent"
        return "".join(
            _task(f"account {name}", "ansible.builtin.user", {"name": name, "state": state})
            for name in part.names
        )
    return None


def _task(title: str, module: str, values: dict[str, object]) -> str:
    """Return one Ansible task; values are written as JSON, which YAML reads as it is."""
    lines = [f"- name: {json.dumps(title)}", f"  {module}:"]
    lines += [f"    {key}: {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"
