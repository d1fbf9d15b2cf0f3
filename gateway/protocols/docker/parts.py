"""What all Docker connections of a gateway share."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Final

from gateway.judge.docker.context import DockerContext
from gateway.judge.shell.context import ShellContext
from gateway.protocols.docker.execs import ExecTable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.domain.endpoint import Endpoint
    from gateway.judge.docker.catalogue import DockerCatalogue
    from gateway.judge.docker.context import Exec
    from gateway.judge.shell.catalogue import ShellCatalogue
    from gateway.protocols.docker.upstream import Engine, Probed

PROBE_SECONDS: Final = 60.0
"""An engine that was probed is not probed again for this long."""


class Engines:
    """What engines are, as probed lately."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], tuple[float, Probed]] = {}

    async def probed(self, engine: Engine) -> Probed:
        """Return what an engine is, probing it where it was not of late.

        Raises:
            UpstreamUnavailable: it can't be asked, or is no engine.
        """
        key = (engine.target.endpoint, engine.target.version)
        known = self._known.get(key)
        if known is not None and monotonic() - known[0] < PROBE_SECONDS:
            return known[1]
        found = await engine.probe()
        self._known[key] = (monotonic(), found)
        return found

    def forget(self, engine: Engine) -> None:
        """Probe again at the next connection: an operator may be mending the engine."""
        self._known.pop((engine.target.endpoint, engine.target.version), None)


@dataclass(slots=True)
class Parts:
    """What all connections share.

    Attributes:
        catalogue: of routes, as in force now.
        shells: gives the catalogue of commands, as in force now.
        engines: as probed.
        execs: what people have put into containers.
    """

    catalogue: DockerCatalogue
    shells: Callable[[], ShellCatalogue]
    engines: Engines = field(default_factory=Engines)
    execs: ExecTable = field(default_factory=ExecTable)

    def replace(self, catalogue: DockerCatalogue) -> None:
        """Take another catalogue into force for sessions that begin from now on."""
        self.catalogue = catalogue

    def context(self, endpoint: Endpoint, probed: Probed, execs: Mapping[str, Exec]) -> DockerContext:
        """Return what the verdict on a request depends on.

        Args:
            endpoint: whose lists hold.
            probed: what the engine is.
            execs: what the session's identity has put into its containers.
        """
        shell = ShellContext(  # noqa: S604 - names the shell that judged lines are written for
            catalogue=self.shells(),
            shell="sh",
            guarded=False,
            sudo=False,
            lists=endpoint.settings.lists,
        )
        return DockerContext(
            catalogue=self.catalogue,
            shell=shell,
            newest=probed.newest,
            oldest=probed.oldest,
            execs=execs,
        )
