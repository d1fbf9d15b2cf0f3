"""The demo's TCP ports: each is looked at before anything starts."""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack
from dataclasses import dataclass, fields

from gateway.domain.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Ports:
    """Ports on this machine's loopback.

    Attributes:
        api: the gateway's HTTP API.
        postgres: the gateway's door for PostgreSQL clients.
        ssh: the gateway's door for SSH clients.
        docker: the gateway's door for Docker clients.
        kubernetes: the gateway's door for Kubernetes clients.
        production: sample production.
        host: the sample host's sshd.
    """

    api: int
    postgres: int
    ssh: int
    docker: int
    kubernetes: int
    production: int
    host: int

    def check(self) -> None:
        """See that each is free.

        Raises:
            InvalidInput: one is in use, or two are the same; names it and the option that changes it.
        """
        named = {
            "--api-port": self.api,
            "--postgres-port": self.postgres,
            "--ssh-port": self.ssh,
            "--docker-port": self.docker,
            "--kubernetes-port": self.kubernetes,
            "--production-port": self.production,
            "--host-port": self.host,
        }
        for option, port in named.items():
            same = [other for other, number in named.items() if number == port and other != option]
            problem = f"is also {same[0]}" if same else _problem(port)
            if problem:
                raise InvalidInput(
                    f"port {port} {problem}",
                    hint=f'choose another: glassgate demo {option} PORT, or make demo DEMO="{option} PORT"',
                )


def free_ports() -> Ports:
    """Return ports that nobody listens on, each another one."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in fields(Ports)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return Ports(*(int(probe.getsockname()[1]) for probe in probes))


def _problem(port: int) -> str:
    with socket.socket() as probe:
        # As servers do it: connections of the last run that are still closing are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return "is in use" if error.errno == errno.EADDRINUSE else f"can't be used ({error.strerror})"
    return ""
