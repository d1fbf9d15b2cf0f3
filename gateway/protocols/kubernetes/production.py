"""The gateway's own reads of a cluster, for change requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.domain.errors import UpstreamUnavailable

if TYPE_CHECKING:
    from gateway.domain.host import HostFile


class ClusterReads:
    """Reads for one session. A container's files come from its image: none is read out of a running one."""

    async def file(self, path: str) -> HostFile | None:
        """Return no file.

        Raises:
            UpstreamUnavailable: always.
        """
        raise UpstreamUnavailable(f"{path} is the image's, and is not read out of a container")

    async def printed(self, line: str, given: bytes | None) -> bytes:
        """Run nothing.

        Raises:
            UpstreamUnavailable: always.
        """
        del given
        raise UpstreamUnavailable(f"{line!r} is not run in a container for a change request")
