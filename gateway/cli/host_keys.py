"""The key of an SSH host: shown, compared by somebody, pinned."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from gateway.cli.show import say
from gateway.domain.errors import InvalidInput

if TYPE_CHECKING:
    from gateway.cli.client import Client
    from gateway.web.shapes.endpoints import HostKeyFacts


def ask(client: Client, name: str, host: str, port: int, expected: str) -> str:
    """Return the key that an SSH host shows, once somebody has said that it is the right one.

    Args:
        client: logged in as somebody who administers.
        name: of the endpoint.
        host: its address.
        port: its port.
        expected: fingerprint that it must show; empty: the person is asked.

    Raises:
        InvalidInput: it shows another, or nobody has said that it is right.
    """
    from gateway.web.shapes.endpoints import HostAddress, HostKeyFacts

    found = client.call("POST /v1/host-keys", HostAddress(host=host, port=port), HostKeyFacts)
    compare(found, name, expected)
    return found.line


def compare(found: HostKeyFacts, name: str, expected: str) -> None:
    """Make sure that a host key is the one that its owner means.

    Args:
        found: what the host shows.
        name: of the endpoint.
        expected: fingerprint that it must show; empty: the person is asked.

    Raises:
        InvalidInput: it is another, or nobody has said so.
    """
    shown = f"{found.kind} {found.fingerprint}"
    if expected:
        if expected != found.fingerprint:
            raise InvalidInput(
                f"{name} shows another key: {shown}", hint="compare: ssh-keygen -lf /etc/ssh/ssh_host_*.pub"
            )
        return
    say(f"{name} shows the host key {shown}", "bold")
    if not sys.stdin.isatty():
        raise InvalidInput(
            "nobody has compared that key", hint=f"give --host-key {found.fingerprint} if it is the right one"
        )
    typer.confirm("Is that what its owner says (ssh-keygen -lf /etc/ssh/ssh_host_*.pub)?", abort=True)
