"""A command's kernel guard: which layers a host offers, and the argv that puts them on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from gateway.protocols.ssh.guard import bubblewrap, landlock
from gateway.protocols.ssh.guard.bpf import assemble
from gateway.protocols.ssh.guard.bubblewrap import Bubblewrap
from gateway.protocols.ssh.guard.offers import TRIAL, Offers
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
        able = bool(self.offers.interpreter) or self.wrap is not None
        return able and self.offers.machine in MACHINES and not self.offers.root

    @property
    def wrap(self) -> Bubblewrap | None:
        """The bubblewrap that sets it up: where no interpreter can.

        Even without Landlock an interpreter's filter keeps more, since nothing at all is opened for writing,
        and hides nothing.
        """
        found = self.offers.bubblewrap
        if self.offers.interpreter or found is None or found.complaint:
            return None
        return found

    def argv(self, profile: Profile) -> tuple[str, ...]:
        """Return what goes before a command's argv, absolute path first; empty where there is no guard."""
        if not self.works:
            return ()
        offers = self.offers
        if self.wrap is not None:
            return self.wrap.argv(
                _filter(offers.machine, profile, 0, wrapped=True), alone=profile is not Profile.PROCS
            )
        abi = 0 if profile is Profile.PROCS else offers.landlock
        attributes = landlock.ruleset(abi).hex() if abi else ""
        rights = str(landlock.writable_rights(abi)) if abi else "0"
        prctl = str(PRCTL[offers.machine])
        code = _filter(offers.machine, profile, abi, wrapped=False).hex()
        return (*run_by(offers.interpreter), prctl, attributes, rights, code)

    def trials(self) -> tuple[tuple[Profile, str], ...]:
        """Return shell lines that say :data:`SHUT` under it, and not without, each with its profile."""
        if self.wrap is None:
            return ((Profile.PLAIN, TRIAL),)
        return ((Profile.PLAIN, TRIAL), (Profile.PROCS, bubblewrap.TRIAL))

    @property
    def name(self) -> str:
        """The level's name, such as ``guard:landlock-7+seccomp``."""
        if not self.works:
            return "judge-only"
        if self.wrap is not None:
            return f"guard:{self.wrap.name}+seccomp"
        kept = f"landlock-{self.offers.landlock}+" if self.offers.landlock else ""
        return f"guard:{kept}seccomp"

    @property
    def hides(self) -> tuple[str, ...]:
        """What commands can't see under it, and could without."""
        return bubblewrap.HIDES if self.works and self.wrap is not None else ()

    def findings(self) -> Mapping[str, str]:
        """Return what the recording says of the guard, and what stays open in it."""
        found = {"kernel": f"{self.offers.kernel} {self.offers.machine}", "guard": self.name}
        if self.works:
            found["guard open"] = "; ".join(self._open())
        else:
            found["guard missing"] = self._missing()
        if self.hides:
            found["guard hides"] = "; ".join(self.hides)
        return found

    def _open(self) -> tuple[str, ...]:
        said = [
            "netlink messages (unprivileged login)",
            "unix sockets for profile bus",
            "TCP for engine and net",
        ]
        if self.wrap is not None:
            return (*said, *self.wrap.open)
        said.append("no /dev/null for what looks at processes: lsof fails")
        if self.offers.landlock and self.offers.landlock < landlock.KEEPS_SIGNALS:
            said.append("no signals inside: timeout can't stop its command")
        if not self.offers.landlock:
            said.append("no temporary files, nor /dev/null opened by a program: git and zgrep fail")
            said.append("files of unix sockets for bus, engine and net")
        return tuple(said)

    def _missing(self) -> str:
        if self.offers.root:
            return "the login is root"
        if self.offers.machine not in MACHINES:
            return f"the filter is not made for {self.offers.machine}"
        found = self.offers.bubblewrap
        if found is None:
            return "neither perl, python3 nor bubblewrap is there to set it up"
        return (
            "neither perl nor python3 is there to set it up, and bubblewrap can't for this login:"
            f" {found.complaint}"
        )


@lru_cache(maxsize=64)
def _filter(machine: str, profile: Profile, abi: int, *, wrapped: bool) -> bytes:
    """Return the filter of a profile, for a Landlock of that ABI or read-only file systems beside it."""
    actions: dict[str, Action] = dict(ALWAYS)
    actions["socket"] = AllowValues(0, _SOCKETS[profile])
    if profile is Profile.PROCS or (abi < landlock.KEEPS_SIGNALS and not wrapped):
        actions |= SIGNALS
    if wrapped:
        return assemble(MACHINES[machine], actions)
    if not abi:
        actions |= FILES
        if profile in (Profile.PLAIN, Profile.PROCS):
            actions |= UNPAIRED
    elif abi < landlock.SEES_TRUNCATION:
        actions |= EMPTYING
    return assemble(MACHINES[machine], actions)
