"""Hosts by commands alone: registered, asked for, and reached by the real ssh."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from command_line import People
from sshd import Sshd

from gateway.cli.statuses import Status

if shutil.which("ssh") is None:
    pytest.skip("ssh is not installed (apt install openssh-client)", allow_module_level=True)


@pytest.fixture(scope="module")
def host(glassgate: People, sshd: Sshd) -> str:
    """A host that the engineer may look at."""
    found = glassgate("admin", *_adding(sshd))
    fingerprint = found.out.split()[-1]
    words = (*_adding(sshd), "--host-key", fingerprint, "--option", "guard=prefer")
    ended = glassgate("admin", *words, "--repository", "/srv/web.git", *_mapping())
    assert ended.status == 0, ended.err
    asked = glassgate("engineer", "request", "web-1", "--for", "1h", "--reason", "INC-7: slow", "--json")
    assert glassgate("approver", "approve", str(asked.json["id"])).status == 0
    return "web-1"


def _adding(sshd: Sshd) -> tuple[str, ...]:
    return (
        *("endpoint", "add", "web-1", "--kind", "ssh", "--host", sshd.host, "--port", str(sshd.port)),
        *("--user", sshd.account, "--key-file", str(sshd.key), "--label", "team=web"),
    )


def _mapping() -> tuple[str, ...]:
    paths = ("/etc/nginx/**=ansible/files/nginx/**", "/etc/motd=ansible/files/motd")
    return (
        *(word for path in paths for word in ("--repository-path", path)),
        "--image",
        "ansible/tasks/main.yml",
    )


def test_the_mapping_of_a_host_is_registered_and_shown(glassgate: People, host: str) -> None:
    shown = glassgate("admin", "endpoint", "show", host)
    assert "/etc/nginx/** to ansible/files/nginx/**" in shown.out
    assert "/etc/motd to ansible/files/motd" in shown.out
    where = glassgate("admin", "endpoint", "show", host, "--json").json["repository"]
    assert where["paths"] == {
        "/etc/nginx/**": "ansible/files/nginx/**",
        "/etc/motd": "ansible/files/motd",
    }
    assert where["image"] == "ansible/tasks/main.yml"


@pytest.mark.parametrize("path", ["etc/nginx=files", "/etc/nginx"])
def test_a_mapping_that_says_nothing_is_refused(glassgate: People, sshd: Sshd, path: str) -> None:
    ended = glassgate("admin", *_adding(sshd), "--host-key", "SHA256:x", "--repository-path", path)
    assert ended.status == Status.ERROR


def test_connect_runs_a_command_there_and_ends_as_it_does(glassgate: People, host: str, sshd: Sshd) -> None:
    first = glassgate("engineer", "connect", host, "--", "id", "-un")
    assert first.out.strip() == sshd.account, first.err
    assert "Registered key" in first.err
    again = glassgate("engineer", "connect", host, "--", "echo one | wc -l; exit 7")
    assert (again.status, again.out.strip(), again.err) == (7, "1", "")
    keys = glassgate("engineer", "key", "list", "--json").json["keys"]
    assert [key["label"] for key in keys] == ["glassgate connect"]
    assert glassgate("engineer", "connect", host, "--", "cat", typed="").status == 0


def test_a_removed_key_is_registered_anew_and_a_broken_one_named(glassgate: People, host: str) -> None:
    (key,) = glassgate("engineer", "key", "list", "--json").json["keys"]
    assert glassgate("engineer", "key", "remove", str(key["id"])).status == 0
    assert "Registered key" in glassgate("engineer", "connect", host, "--", "true").err
    path = glassgate.home / "engineer.engineer.id_ed25519"
    assert path.stat().st_mode & 0o077 == 0
    kept = path.read_bytes()
    path.write_bytes(b"no key")
    try:
        broken = glassgate("engineer", "connect", host, "--", "true")
        assert (broken.status, str(path) in broken.err) == (Status.CONFIGURATION, True)
    finally:
        path.write_bytes(kept)


def test_without_a_grant_connect_says_what_to_type(glassgate: People, host: str) -> None:
    ended = glassgate("approver", "connect", host, "--", "uptime")
    assert ended.status == Status.NOT_AUTHORISED


def test_config_makes_plain_ssh_work(glassgate: People, host: str, tmp_path: Path) -> None:
    printed = glassgate("engineer", "config", "ssh")
    assert printed.status == 0, printed.err
    assert printed.out == glassgate("engineer", "config", "ssh", host).out
    config = tmp_path / "config"
    # A socket's path must be short, and the person's own ~/.ssh stays apart.
    config.write_text(printed.out.replace("~/.ssh/glassgate-%C", "none"))
    done = subprocess.run(
        ["ssh", "-F", str(config), host, "echo", "$((6*7))"], capture_output=True, text=True, check=False
    )
    assert done.stdout == "42\n", done.stderr
    pinned = glassgate.home / "engineer.known_hosts"
    kept = pinned.read_text()
    other = "AAAAC3NzaC1lZDI1NTE5AAAAILKKYjrOTZEqNAcx+ZBlW4ZoSgYr8mfIeBTHZtXGBKRI"
    pinned.write_text(f"{kept.rsplit(' ', 1)[0]} {other}\n")
    done = subprocess.run(
        ["ssh", "-F", str(config), host, "true"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 255
    assert "Host key verification failed" in done.stderr


def test_a_database_is_no_host(glassgate: People, host: str) -> None:
    assert "is no host" in glassgate("engineer", "config", "ssh", "orders-db").err
    assert "is no database" in glassgate("engineer", "config", "psql", host).err
