"""How a session begins, is described, and ends."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from gateway.domain.verdict import Layer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.domain.identity import Identity


class EndCause(StrEnum):
    """Why a session ended; each is a recorded event."""

    CLIENT = "client"
    UPSTREAM = "upstream"
    EXPIRED = "expired"
    REVOKED = "revoked"
    KILLED = "killed"
    IDLE = "idle"
    RECORDING_LOST = "recording-lost"
    RECORDING_FULL = "recording-full"
    LEASE_LOST = "lease-lost"
    DRAINED = "drained"
    PROTOCOL = "protocol"
    FAULT = "fault"
    INTERRUPTED = "interrupted"
    """The gateway was killed; found at restart."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a session ends, with the sentence the client is shown.

    Attributes:
        cause: the recorded cause.
        message: for the client.
        by: login name of who ended it, where a person did.
    """

    cause: EndCause
    message: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """What production enforces by itself, as probed at connect; recorded with the session.

    Attributes:
        name: ``role``, ``default``, ``standby``, or a guard's level.
        layers: layers in force for the units of this session.
        findings: what the probe saw, such as ``superuser`` → ``no``.
    """

    name: str
    layers: Layer
    findings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Passage:
    """How a connection came in through another door, and what it is bound to by that.

    Attributes:
        identity: proven at that door: the connection serves nobody else.
        endpoint: name of the only endpoint that it may reach; empty: any.
        door: what that door is called, for the record.
    """

    identity: Identity
    endpoint: str
    door: str
