"""Hosts behind a real gateway, and the real ssh that reaches them through it."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ssh_door import ssh_argv

from gateway.web.shapes.endpoints import EndpointFacts, PutEndpoint, RepositoryFacts, SettingsFacts
from gateway.web.shapes.identity import NewSshKey, SshKeyFacts
from gateway.web.shapes.sessions import ListSessions, SessionFacts, SessionList

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from live_gateway import LiveGateway
    from sshd import Sshd


@dataclass
class LiveSsh:
    """A gateway with one SSH host behind it.

    Attributes:
        gateway: the process.
        sshd: the host.
        folder: identities of the people, known_hosts.
        endpoint: the host's name.
    """

    gateway: LiveGateway
    sshd: Sshd
    folder: Path
    endpoint: str = "web-1"

    def register(
        self,
        *,
        name: str = "",
        options: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        password: str | None = None,
        host_key: str = "",
        repository: Path | None = None,
        where: RepositoryFacts | None = None,
        record_results: bool | None = None,
    ) -> None:
        """Register the host; the gateway logs in with its key unless a password is given."""
        question = PutEndpoint(
            name=name or self.endpoint,
            kind="ssh",
            labels=dict(labels or {"team": "web"}),
            host=self.sshd.host,
            port=self.sshd.port,
            username=self.sshd.account,
            password=self.sshd.key.read_text() if password is None else password,
            ca=host_key or self.sshd.host_key,
            repository=RepositoryFacts(url=str(repository)) if repository else where,
            settings=SettingsFacts(options=dict(options or {}), record_results=record_results),
        )
        self.gateway.client("admin").call("PUT /v1/endpoints/{name}", question, EndpointFacts)

    def add_person(self, name: str, *, grant: bool = True) -> None:
        """Add an engineer with a key of their own, and access to the host."""
        self.gateway.add_person(name, "engineer")
        self.add_key(name)
        if grant:
            self.gateway.grant(self.endpoint, person=name)

    def add_key(self, person: str, *, kind: str = "ed25519") -> SshKeyFacts:
        """Make a key pair for somebody and register its public half."""
        (self.folder / person).mkdir(exist_ok=True)
        path = self.folder / person / "id"
        for each in (path, path.with_suffix(".pub")):
            each.unlink(missing_ok=True)
        subprocess.run(
            ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", f"{person}'s", "-f", str(path)], check=True
        )
        known = (self.gateway.data / "ssh" / "host_ed25519.pub").read_text()
        (self.folder / person / "known_hosts").write_text(f"[localhost]:{self.gateway.ssh_port} {known}")
        line = path.with_suffix(".pub").read_text()
        return self.gateway.client(person).call("POST /v1/ssh-keys", NewSshKey(line=line), SshKeyFacts)

    def argv(
        self, *words: str, person: str = "engineer", endpoint: str = "", options: tuple[str, ...] = ()
    ) -> list[str]:
        login = f"{person}+{endpoint or self.endpoint}@localhost"
        return [*ssh_argv(self.folder / person, self.gateway.ssh_port), *options, login, *words]

    def ssh(
        self,
        *words: str,
        person: str = "engineer",
        endpoint: str = "",
        options: tuple[str, ...] = (),
        stdin: bytes = b"",
        seconds: float = 30.0,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the real ssh to its end."""
        argv = self.argv(*words, person=person, endpoint=endpoint, options=options)
        return subprocess.run(argv, input=stdin, capture_output=True, timeout=seconds, check=False)

    def by_token(
        self, token: str, *words: str, person: str = "engineer"
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the real ssh with the gateway's token as its password."""
        ask = self.folder / "askpass"
        ask.write_text(f"#!/bin/sh\necho {shlex.quote(token)}\n")
        ask.chmod(0o700)
        options = ("BatchMode=no", "PubkeyAuthentication=no", "NumberOfPasswordPrompts=1")
        ssh, *rest = self.argv(*words, person=person)
        return subprocess.run(
            [ssh, *(word for option in options for word in ("-o", option)), *rest],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=30,
            check=False,
            env={**os.environ, "SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0"},
        )

    @contextlib.contextmanager
    def running(
        self, command: str, *, person: str = "engineer", options: tuple[str, ...] = ()
    ) -> Iterator[subprocess.Popen[bytes]]:
        """The real ssh while its command runs on the host."""
        process = subprocess.Popen(
            self.argv(command, person=person, options=options),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            named = re.split(r"[|;]", command)[0].strip()
            until(lambda: bool(self.sshd.processes(named)))
            yield process
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()

    def sessions(self, person: str, *, state: str = "") -> list[SessionFacts]:
        question = ListSessions(state=state) if state else ListSessions()
        found = self.gateway.client("reviewer").call("GET /v1/sessions", question, SessionList).sessions
        return [each for each in found if each.identity == person]


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass in time"
        time.sleep(0.02)
