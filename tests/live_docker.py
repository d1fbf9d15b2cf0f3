"""An engine behind a real gateway, and the real docker client that reaches it through there."""

from __future__ import annotations

import json
import shlex
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from live_ssh import LiveSsh
from ssh_door import ssh_argv

from gateway.web.shapes.endpoints import EndpointFacts, PutEndpoint, RepositoryFacts, SettingsFacts
from gateway.web.shapes.identity import DockerCertificate, NewDockerCertificate
from gateway.web.shapes.sessions import ListSessions, SessionFacts, SessionList

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from engine import Engine
    from live_gateway import LiveGateway


@dataclass
class LiveDocker:
    """A gateway with one engine behind it.

    Attributes:
        gateway: the process.
        engine: production.
        folder: certificates and keys of the people.
        endpoint: the engine's name.
    """

    gateway: LiveGateway
    engine: Engine
    folder: Path
    endpoint: str = "prod-docker"

    def register(
        self,
        *,
        name: str = "",
        tls: bool = False,
        settings: SettingsFacts | None = None,
        repository: Path | None = None,
    ) -> None:
        """Register the engine, by its socket or by TLS with a client certificate."""
        pair = {"certificate": self.engine.certificate.read_text(), "key": self.engine.key.read_text()}
        question = PutEndpoint(
            name=name or self.endpoint,
            kind="docker",
            labels={"team": "shop"},
            host="localhost" if tls else str(self.engine.socket),
            port=self.engine.port if tls else 0,
            password=json.dumps(pair) if tls else "",
            tls="verify-full" if tls else "off",
            ca=self.engine.ca.read_text() if tls else "",
            repository=RepositoryFacts(url=str(repository)) if repository else None,
            settings=settings or SettingsFacts(),
        )
        self.gateway.client("admin").call("PUT /v1/endpoints/{name}", question, EndpointFacts)

    def certificate(self, person: str = "engineer", endpoint: str = "") -> Path:
        """Have a certificate signed; the folder that docker takes it from."""
        name = endpoint or self.endpoint
        folder = self.folder / f"{person}+{name}"
        if folder.exists():
            return folder
        folder.mkdir()
        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        question = NewDockerCertificate(endpoint=name, public_key=public.decode())
        signed = self.gateway.client(person).call("POST /v1/docker/certificates", question, DockerCertificate)
        (folder / "ca.pem").write_text(self.gateway.ca.read_text())
        (folder / "cert.pem").write_text(signed.certificate)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (folder / "key.pem").write_bytes(private)
        return folder

    def by_tls(self, person: str = "engineer", endpoint: str = "") -> dict[str, str]:
        """The whole environment of a docker client that comes with its certificate."""
        return {
            **self.engine.client_environment(f"tcp://localhost:{self.gateway.docker_port}"),
            "DOCKER_TLS_VERIFY": "1",
            "DOCKER_CERT_PATH": str(self.certificate(person, endpoint)),
        }

    def by_ssh(self, person: str = "engineer") -> dict[str, str]:
        """The whole environment of a docker client that comes over SSH; its ssh knows where keys lie."""
        keys = LiveSsh(self.gateway, None, self.folder)  # type: ignore[arg-type]
        programs = self.folder / f"{person}-programs"
        if not programs.exists():
            keys.add_key(person)
            programs.mkdir()
            words = " ".join(map(shlex.quote, ssh_argv(self.folder / person, self.gateway.ssh_port)))
            (programs / "ssh").write_text(f'#!/bin/sh\nPATH=/usr/bin:/bin exec {words} "$@"\n')
            (programs / "ssh").chmod(0o755)
        found = self.engine.client_environment(
            f"ssh://{person}+{self.endpoint}@localhost:{self.gateway.ssh_port}"
        )
        return {**found, "PATH": f"{programs}:{found['PATH']}"}

    def docker(
        self,
        *argv: str,
        environment: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        seconds: float = 60.0,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the docker client through the gateway, to its end."""
        return subprocess.run(
            ["docker", *argv],
            env=environment or self.by_tls(),
            input=stdin,
            capture_output=True,
            timeout=seconds,
            check=False,
        )

    def text(self, *argv: str, environment: Mapping[str, str] | None = None) -> str:
        """Run the docker client through the gateway and return what it prints."""
        done = self.docker(*argv, environment=environment)
        assert done.returncode == 0, (argv, done.stdout, done.stderr)
        return done.stdout.decode()

    @contextmanager
    def running(
        self, *argv: str, environment: Mapping[str, str] | None = None
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Docker through the gateway, while it runs."""
        process = subprocess.Popen(
            ["docker", *argv],
            env=environment or self.by_tls(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()

    def command(self, *argv: str, environment: Mapping[str, str] | None = None) -> str:
        """A shell's command line that runs docker through the gateway."""
        told = environment or self.by_tls()
        kept = {name: value for name, value in told.items() if name.startswith("DOCKER_") or name == "PATH"}
        return shlex.join(["env", *(f"{name}={value}" for name, value in kept.items()), "docker", *argv])

    def sessions(self, person: str = "engineer", *, state: str = "") -> list[SessionFacts]:
        question = ListSessions(state=state, endpoint=self.endpoint, by=person)
        return list(self.gateway.client("reviewer").call("GET /v1/sessions", question, SessionList).sessions)
