"""A command's kernel guard: which layers a host offers, and the argv that puts them on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from gateway.protocols.ssh.guard import landlock
from gateway.protocols.ssh.guard.bpf import assemble
from gateway.protocols.ssh.guard.offers import Offers
from gateway.protocols.ssh.guard.script import run_by
from gateway.protocols.ssh.guard.syscalls import (
    ALWAYS,
    EMPTYING,
    FILES,
    MACHINES,
    PRCTL,
    SIGNALS,
    UNPAIRED,
    Action,
    AllowValues,
)

_UNIX, _INET, _INET6, _NETLINK = 1, 2, 10, 16


class Profile(StrEnum):
    """What a command must be able to do besides reading files; the catalogue names one for each."""

    PLAIN = "plain"
    """No sockets but netlink queries."""
    PROCS = "procs"
    """Looks at other processes: no Landlock domain, which would hide them; nothing is opened for writing."""
    BUS = "bus"
    """Asks a service through a unix socket: systemctl status, loginctl."""
    ENGINE = "engine"
    """Asks a container engine: unix sockets and TCP."""
    NET = "net"
    """Asks the network."""


_SOCKETS: Final[Mapping[Profile, tuple[int, ...]]] = {
    Profile.PLAIN: (_NETLINK,),
    Profile.PROCS: (_NETLINK,),
    Profile.BUS: (_NETLINK, _UNIX),
    Profile.ENGINE: (_NETLINK, _UNIX, _INET, _INET6),
    Profile.NET: (_NETLINK, _INET, _INET6),
}


@dataclass(frozen=True, slots=True)
class Guard:
    """The guard of one host.

    Attributes:
        offers: what it stands on.
    """

    offers: Offers

    @property
    def works(self) -> bool:
        """Whether there is one."""
        offers = self.offers
        return bool(offers.interpreter) and offers.machine in MACHINES and not offers.root

    def argv(self, profile: Profile) -> tuple[str, ...]:
        """Return what goes before a command's argv, absolute path first; empty where there is no guard."""
        if not self.works:
            return ()
        offers = self.offers
        abi = 0 if profile is Profile.PROCS else offers.landlock
        attributes = landlock.ruleset(abi).hex() if abi else ""
        rights = str(landlock.writable_rights(abi)) if abi else "0"
        prctl = str(PRCTL[offers.machine])
        code = _filter(offers.machine, profile, abi)
        return (*run_by(offers.interpreter), prctl, attributes, rights, code)

    @property
    def name(self) -> str:
        """The level's name, such as ``guard:landlock-7+seccomp``."""
        if not self.works:
            return "judge-only"
        kept = f"landlock-{self.offers.landlock}+" if self.offers.landlock else ""
        return f"guard:{kept}seccomp"

    def findings(self) -> Mapping[str, str]:
        """Return what the recording says of the guard, and what stays open in it."""
        found = {"kernel": f"{self.offers.kernel} {self.offers.machine}", "guard": self.name}
        if self.works:
            found["guard open"] = "; ".join(self._open())
        else:
            found["guard missing"] = self._missing()
        return found

    def _open(self) -> tuple[str, ...]:
        said = [
            "netlink messages (unprivileged login)",
            "unix sockets for profile bus",
            "TCP for engine and net",
        ]
        if self.offers.landlock and self.offers.landlock < landlock.KEEPS_SIGNALS:
            said.append("no signals inside: timeout can't stop its command")
        if not self.offers.landlock:
            said.append("no temporary files")
            said.append("files of unix sockets for bus, engine and net")
        return tuple(said)

    def _missing(self) -> str:
        if self.offers.root:
            return "the login is root"
        if self.offers.machine not in MACHINES:
            return f"the filter is not made for {self.offers.machine}"
        return "neither perl nor python3 is there to set it up"


@lru_cache(maxsize=64)
def _filter(machine: str, profile: Profile, abi: int) -> str:
    """Return the filter of a profile in hexadecimal."""
    actions: dict[str, Action] = dict(ALWAYS)
    actions["socket"] = AllowValues(0, _SOCKETS[profile])
    if abi < landlock.KEEPS_SIGNALS:
        actions |= SIGNALS
    if not abi:
        actions |= FILES
        if profile in (Profile.PLAIN, Profile.PROCS):
            actions |= UNPAIRED
    elif abi < landlock.SEES_TRUNCATION:
        actions |= EMPTYING
    return assemble(MACHINES[machine], actions).hex()
