"""What all SSH connections of a gateway share."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Final

from gateway.protocols.ssh.probe import Probed, probe
from gateway.protocols.ssh.warm import WarmHosts

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.judge.shell.catalogue import ShellCatalogue
    from gateway.judge.shell.context import ShellContext
    from gateway.judge.shell.judgement import ShellJudgement
    from gateway.protocols.ssh.options import SshOptions
    from gateway.protocols.ssh.upstream import Upstream

PROBE_SECONDS: Final = 60.0
"""A host that was probed is not probed again for this long."""


class Hosts:
    """What hosts are, as probed lately."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], tuple[float, Probed]] = {}

    async def probed(self, upstream: Upstream, options: SshOptions) -> Probed:
        """Return what a host is, probing it where it was not of late.

        Raises:
            UpstreamUnavailable: it can't be asked, or can't be used.
        """
        key = (upstream.target.endpoint, upstream.target.version)
        known = self._known.get(key)
        if known is not None and monotonic() - known[0] < PROBE_SECONDS:
            return known[1]
        found = await probe(upstream, options)
        self._known[key] = (monotonic(), found)
        return found

    def forget(self, upstream: Upstream) -> None:
        """Probe again at the next connection: an operator may be mending the host."""
        self._known.pop((upstream.target.endpoint, upstream.target.version), None)


@dataclass(slots=True)
class Parts:
    """What all connections share.

    Attributes:
        catalogue: of commands, as in force now.
        judge: of command lines.
        hosts: as probed.
        warm: connections to hosts opened ahead.
    """

    catalogue: ShellCatalogue
    judge: Callable[[bytes, ShellContext], ShellJudgement]
    hosts: Hosts = field(default_factory=Hosts)
    warm: WarmHosts = field(default_factory=WarmHosts)

    def replace(self, catalogue: ShellCatalogue) -> None:
        """Take another catalogue into force for sessions that begin from now on."""
        self.catalogue = catalogue
