"""What an operator decides about one SSH endpoint: its registration's options as typed values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from gateway.domain.endpoint import Require
from gateway.domain.errors import ConfigurationBroken

if TYPE_CHECKING:
    from gateway.domain.endpoint import Endpoint


class GuardWanted(StrEnum):
    """Whether commands run under a kernel guard."""

    REQUIRE = "require"
    """No guard, no session."""
    PREFER = "prefer"
    """Under the strongest that the host offers, under none where it offers none."""
    OFF = "off"


class Sudo(StrEnum):
    """Whether ``sudo -n`` is judged as what it runs, or refused."""

    OFF = "off"
    JUDGED = "judged"


class Stateful(StrEnum):
    """Whether reads that leave small traces in the system's state are allowed."""

    ALLOW = "allow"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class SshOptions:
    """Options of an SSH endpoint.

    Attributes:
        guard: ``guard``; where it is not given, ``require`` where the endpoint requires that its server
            enforces reading by itself (``env=prod``), else ``prefer``.
        sudo: ``sudo``.
        stateful: ``stateful-reads``.
    """

    guard: GuardWanted
    sudo: Sudo
    stateful: Stateful


S = TypeVar("S", bound=StrEnum)


def options_of(endpoint: Endpoint) -> SshOptions:
    """Read an endpoint's options.

    Raises:
        ConfigurationBroken: one can't be so.
    """
    usual = GuardWanted.REQUIRE if endpoint.require is Require.ROLE else GuardWanted.PREFER
    return SshOptions(
        guard=_one(endpoint, "guard", usual),
        sudo=_one(endpoint, "sudo", Sudo.OFF),
        stateful=_one(endpoint, "stateful-reads", Stateful.ALLOW),
    )


def _one(endpoint: Endpoint, name: str, usual: S) -> S:
    told = endpoint.settings.options.get(name, "")
    if not told:
        return usual
    kind = type(usual)
    try:
        return kind(told)
    except ValueError:
        known = ", ".join(each.value for each in kind)
        raise ConfigurationBroken(
            f"the option {name} of {endpoint.name} can't be {told[:40]!r}", hint=f"one of {known}"
        ) from None
