"""What all PostgreSQL connections of a gateway share."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Final

from gateway.judge.postgres import VerdictCache
from gateway.protocols.postgres.cancel import CancelKeys
from gateway.protocols.postgres.catalogue import Catalogues
from gateway.protocols.postgres.probe import probe
from gateway.protocols.postgres.warm import WarmConnections

if TYPE_CHECKING:
    from gateway.domain.session import Level
    from gateway.protocols.postgres.upstream import Upstream

LEVEL_SECONDS: Final = 60.0
"""A role that was probed is not probed again for this long."""


class Levels:
    """What roles may do in production, as probed lately."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, str], tuple[float, Level]] = {}

    async def level(self, upstream: Upstream) -> Level:
        """Return what production enforces for this connection's role, probing it where it was not of late.

        Raises:
            UpstreamUnavailable: production can't be asked.
        """
        target = upstream.target
        key = (target.endpoint, target.version, target.database)
        known = self._known.get(key)
        if known is not None and monotonic() - known[0] < LEVEL_SECONDS:
            return known[1]
        level = await probe(upstream)
        self._known[key] = (monotonic(), level)
        return level

    def forget(self, upstream: Upstream) -> None:
        """Probe again at the next connection: an operator may be mending the role."""
        target = upstream.target
        self._known.pop((target.endpoint, target.version, target.database), None)


@dataclass(frozen=True, slots=True)
class Parts:
    """What all connections share.

    Attributes:
        catalogues: of the endpoints.
        most_bytes: largest statement that is read.
        verdicts: kept by text.
        keys: cancel keys.
        levels: of the endpoints' roles.
        warm: connections to production opened ahead.
    """

    catalogues: Catalogues
    most_bytes: int
    verdicts: VerdictCache = field(default_factory=VerdictCache)
    keys: CancelKeys = field(default_factory=CancelKeys)
    levels: Levels = field(default_factory=Levels)
    warm: WarmConnections = field(default_factory=WarmConnections)
