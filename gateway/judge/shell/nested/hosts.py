"""Which hosts a command may speak to: this one, and those that the endpoint lists."""

from __future__ import annotations

import re
from typing import Final

from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Effect
from gateway.judge.shell.nested.stop import stop

_LOOPBACK: Final = re.compile(
    r"localhost|localhost\.localdomain|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|0\.0\.0\.0|\[?::1\]?", re.IGNORECASE
)


def is_here(host: str) -> bool:
    """Whether a host's name or address means this host, over the loopback interface."""
    return _LOOPBACK.fullmatch(host) is not None


def let_be_asked(command: str, host: str, port: str, context: ShellContext) -> None:
    """Let a host be asked.

    Args:
        command: which asks it.
        host: its name or address, without port.
        port: a number; empty: the protocol's own.
        context: knows the endpoint's list, of ``host`` and ``host:port``.

    Raises:
        Stop: it is another host, and not listed.
    """
    listed = context.lists.get("hosts", ())
    if is_here(host) or host in listed or f"{host}:{port}" in listed:
        return
    reason = f"{command} would speak to {host}, which this endpoint does not list."
    raise stop(command, "host", reason, Effect.REACHES_OUT)
