"""Ways through the SSH door to the gateway's other endpoints and nowhere else, by the real ssh and psql."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from live_ssh import LiveSsh, until
from servers import Production, free_port
from ssh_door import ssh_argv

from gateway.web.shapes.access import GrantList, ListGrants, Revoke
from gateway.web.shapes.identity import Done, PersonRole
from gateway.web.shapes.sessions import ListSessions, SessionFacts, SessionList

DB = "orders-db"


@dataclass(frozen=True)
class Ways:
    """A gateway with a host and a database, and the command lines that go through it."""

    ssh: LiveSsh

    def outer(self, *words: str, person: str = "engineer", login: str = "") -> list[str]:
        """The real ssh with these options, logged in for ways only unless told otherwise."""
        argv = ssh_argv(self.ssh.folder / person, self.ssh.gateway.ssh_port)
        return [*argv, *words, f"{login or person}@localhost"]

    def jump(self, target: str, *words: str, person: str = "engineer", jumper: str = "") -> list[str]:
        """The real ssh to ``target`` through the gateway, both logins configured in a file as people do."""
        port, folder = self.ssh.gateway.ssh_port, self.ssh.folder
        config = folder / f"config-{person}-{jumper or person}"
        config.write_text(
            f"Host *\n  UserKnownHostsFile {folder / person}/known_hosts\n  GlobalKnownHostsFile /dev/null\n"
            f"  IdentitiesOnly yes\n  BatchMode yes\n  LogLevel INFO\n  HostKeyAlias [localhost]:{port}\n"
            f"Match originalhost gw\n  HostName localhost\n  Port {port}\n  User {jumper or person}\n"
            f"  IdentityFile {folder / (jumper or person)}/id\n"
            f"Match originalhost !gw,*\n  User {person}\n  IdentityFile {folder / person}/id\n"
        )
        return ["ssh", "-F", str(config), "-J", "gw", target, *words]

    @contextlib.contextmanager
    def forward(self, where: str, *, person: str = "engineer", login: str = "") -> Iterator[int]:
        """``ssh -N -L`` to there while the block lasts; yields the port at this end."""
        port = free_port()
        argv = self.outer("-N", "-o", "ExitOnForwardFailure=yes", "-L", f"127.0.0.1:{port}:{where}")
        if login or person != "engineer":
            argv = self.outer("-N", "-L", f"127.0.0.1:{port}:{where}", person=person, login=login)
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            until(lambda: listens(port))
            yield port
        finally:
            process.terminate()
            process.communicate()

    def through(self, where: str, data: bytes = b"", *words: str, **more: str) -> tuple[bytes, bytes]:
        """What ``ssh -W`` to there reads and says."""
        done = run(self.outer(*words, "-W", where, **more), stdin=data)
        return done.stdout, done.stderr

    def sessions(self, person: str = "engineer") -> list[SessionFacts]:
        found = self.ssh.gateway.client("reviewer").call("GET /v1/sessions", ListSessions(), SessionList)
        return [each for each in found.sessions if each.identity == person]


def run(argv: list[str], *, stdin: bytes = b"", seconds: float = 30.0) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(argv, input=stdin, capture_output=True, timeout=seconds, check=False)


def listens(port: int) -> bool:
    """Whether a port is listened on, without connecting to it: that would open a way."""
    wanted = f":{port:04X} "
    return any(
        wanted in line.split(":", 1)[1] and " 0A " in line
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
    )


@pytest.fixture(scope="module")
def ways(ssh: LiveSsh, production: Production) -> Ways:
    ssh.gateway.add_endpoint(production, name=DB)
    ssh.gateway.grant(DB, minutes=120)
    return Ways(ssh)


def test_a_jump_reaches_a_host_by_its_name_and_is_recorded_there(ways: Ways) -> None:
    done = run(ways.jump("web-1", "echo", "$((6*7))"))
    assert done.stdout == b"42\n", done.stderr
    session = ways.sessions()[0]
    assert session.endpoint == "web-1"
    assert "through engineer's SSH login" in session.client
    assert "OpenSSH" in session.client


def test_a_jump_reaches_the_gateway_itself_by_a_login_with_the_endpoint(ways: Ways) -> None:
    port = ways.ssh.gateway.ssh_port
    argv = ways.jump("localhost", "echo in")
    argv[argv.index("localhost") : argv.index("localhost") + 1] = [
        "-p",
        str(port),
        "-l",
        "engineer+web-1",
        "localhost",
    ]
    assert run(argv).stdout == b"in\n"


def test_a_write_through_a_jump_is_a_change_request_as_ever(ways: Ways) -> None:
    done = run(ways.jump("web-1", "touch /tmp/glassgate-was-here"))
    assert done.returncode == 126
    assert b"drafted as change request" in done.stderr or b"not run" in done.stderr


def test_psql_goes_through_a_forwarded_port_with_verified_tls(ways: Ways) -> None:
    token = ways.ssh.gateway.database_token()
    with ways.forward(f"{DB}:5432") as port:
        for user in (f"engineer+{DB}", "engineer"):
            dsn = (
                f"host=localhost hostaddr=127.0.0.1 port={port} user={user} dbname=shop "
                f"sslmode=verify-full sslrootcert={ways.ssh.gateway.ca}"
            )
            done = subprocess.run(
                ["psql", "-XAtc", "SELECT 6 * 7", dsn], capture_output=True, check=False, timeout=30,
                env={**os.environ, "PGPASSWORD": token},
            )  # fmt: skip
            assert done.stdout == b"42\n", done.stderr
    session = ways.sessions()[0]
    assert session.endpoint == DB
    assert "through engineer's SSH login" in session.client


def test_bytes_go_through_standard_input_and_output(ways: Ways) -> None:
    out, _ = ways.through("web-1:22", b"SSH-2.0-raw\r\n")
    assert out.startswith(b"SSH-2.0-Glassgate\r\n")


@pytest.mark.parametrize(
    "where",
    [
        "127.0.0.1:22", "[::1]:22", "nowhere:22", "example.com:443", "web-1:80", "orders-db:22",
        "engineer+web-1:22", "localhost:22", "localhost:1", "0.0.0.0:5432", "[::]:5432",
    ],
)  # fmt: skip
def test_nothing_else_is_reached(ways: Ways, where: str) -> None:
    before = len(ways.sessions())
    out, said = ways.through(where)
    assert out == b""
    assert b"administratively prohibited" in said
    assert len(ways.sessions()) == before


def test_where_production_listens_is_not_reached(ways: Ways, production: Production) -> None:
    for port in (ways.ssh.sshd.port, production.port, ways.ssh.gateway.api_port):
        for host in ("127.0.0.1", "localhost"):
            out, said = ways.through(f"{host}:{port}")
            assert out == b""
            assert b"administratively prohibited" in said


def test_what_may_not_be_known_is_answered_like_what_is_not_there(ways: Ways) -> None:
    ways.ssh.add_person("outsider", grant=False)
    role = PersonRole(name="outsider", role="engineer")
    ways.ssh.gateway.client("admin").call("DELETE /v1/people/{name}/roles/{role}", role, Done)
    hidden = ways.through("web-1:22", person="outsider")[1]
    absent = ways.through("web-9:22", person="outsider")[1]
    assert b"web-1 is no endpoint that you may reach" in hidden
    assert hidden.replace(b"web-1", b"web-9") == absent


def test_a_way_to_where_one_may_ask_says_how_to_ask(ways: Ways) -> None:
    ways.ssh.add_person("asker", grant=False)
    done = run(ways.jump("web-1", "uptime", person="asker"))
    assert done.returncode == 77
    assert b"glassgate request web-1 --for" in done.stderr


def test_another_name_inside_is_refused(ways: Ways) -> None:
    ways.ssh.add_person("second")
    before = len(ways.sessions("second"))
    done = run(ways.jump("web-1", "uptime", person="second", jumper="engineer"))
    assert done.returncode == 77
    assert b"opened by another login" in done.stderr
    assert b"log in as engineer on both" in done.stderr
    assert len(ways.sessions("second")) == before
    assert run(ways.jump("web-1", "echo", "in", person="second")).stdout == b"in\n"


def test_a_strangers_key_inside_stays_out(ways: Ways) -> None:
    argv = ways.jump("web-1", "uptime")
    config = Path(argv[argv.index("-F") + 1])
    ours, theirs = (f"{ways.ssh.folder / name}/id" for name in ("engineer", "second"))
    inner = config.read_text().rpartition(ours)
    config.write_text(f"{inner[0]}{theirs}{inner[2]}")
    done = run(argv)
    assert done.returncode == 255
    assert b"Permission denied" in done.stderr


def test_both_logins_take_the_token(ways: Ways) -> None:
    argv = ways.jump("web-1", "echo", "in")
    config = Path(argv[argv.index("-F") + 1])
    config.write_text(
        config.read_text().replace("BatchMode yes", "PubkeyAuthentication no\n  NumberOfPasswordPrompts 1")
    )
    ask = ways.ssh.folder / "ask-token"
    ask.write_text(f"#!/bin/sh\necho {ways.ssh.gateway.database_token()}\n")
    ask.chmod(0o700)
    asking = {"SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0"}
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=30,
        env={**os.environ, **asking},
    )  # fmt: skip
    assert done.stdout == b"in\n", done.stderr


def test_taking_access_away_cuts_what_came_through_and_leaves_the_way_in(ways: Ways) -> None:
    ways.ssh.add_person("brief", grant=False)
    ways.ssh.gateway.grant("web-1", person="brief")
    process = subprocess.Popen(
        ways.jump("web-1", "sleep 4713", person="brief"),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    until(lambda: bool(ways.ssh.sshd.processes("sleep 4713")))
    approver = ways.ssh.gateway.client("approver")
    (grant,) = [
        each
        for each in approver.call("GET /v1/grants", ListGrants(), GrantList).grants
        if each.identity == "brief"
    ]
    approver.call("POST /v1/grants/{id}/revoke", Revoke(id=grant.id, reason="enough"), Done)
    until(lambda: not ways.ssh.sshd.processes("sleep 4713"), 3)
    _, said = process.communicate(timeout=10)
    assert process.returncode == 77
    assert b"enough" in said


def test_nothing_listens_on_the_gateway_and_no_socket_is_forwarded(ways: Ways, tmp_path: Path) -> None:
    strict = ("-N", "-o", "ExitOnForwardFailure=yes")
    assert run(ways.outer(*strict, "-R", "0:localhost:22")).returncode == 255
    assert run(ways.outer(*strict, "-R", "/tmp/glassgate-socket:localhost:22")).returncode == 255
    path = tmp_path / "docker.sock"
    process = subprocess.Popen(
        ways.outer("-N", "-L", f"{path}:/var/run/docker.sock"),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    until(path.exists)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        assert client.recv(1) == b""
    process.terminate()
    assert b"sockets are not forwarded" in process.communicate()[1]
