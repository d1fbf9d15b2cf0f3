"""The ports through which the change flow reads production: judged and recorded units like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from gateway.domain.cluster import ObjectWrite
    from gateway.domain.containers import Container
    from gateway.domain.host import HostFile


@runtime_checkable
class ReadDatabase(Protocol):
    """The session's own reads of a database, of origin ``gateway``: same judge, same recording."""

    async def literals(self, values: tuple[bytes | None, ...], types: tuple[int, ...]) -> tuple[str, ...]:
        """Render bind values as SQL literals, by the server itself (quote_nullable).

        Args:
            values: as bound, in the text format or in the binary one, as the unit says.
            types: type oids, 0 where the client left them open.

        Raises:
            UpstreamUnavailable: the server could not be asked.
        """

    async def estimate(self, statement: str) -> int | None:
        """Return the plan's estimated rows (EXPLAIN without ANALYZE), None where it can't be had safely."""


@runtime_checkable
class ReadHost(Protocol):
    """The session's own reads of a host, of origin ``gateway``: same judge, same recording."""

    async def file(self, path: str) -> HostFile | None:
        """Return a regular file as it is now, None where there is none.

        Args:
            path: absolute.

        Raises:
            UpstreamUnavailable: it could not be read, is no regular file, or is too large.
        """

    async def printed(self, line: str, given: bytes | None) -> bytes:
        """Return what a command line prints.

        Args:
            line: shell, judged like any unit: what is no read is not run.
            given: its standard input; None: not known, so that a line that reads it can't end.

        Raises:
            UpstreamUnavailable: it was not run, failed, or printed more than a change request takes.
        """


@runtime_checkable
class ReadEngine(Protocol):
    """The session's own reads of a container engine, of origin ``gateway``: same judge, same recording."""

    def inside(self, container: str) -> ReadHost:
        """Return the way to read files in a container.

        Args:
            container: as the client named it.
        """

    async def described(self, container: str) -> Container | None:
        """Return what the engine says of a container, None where it knows none of that name.

        Args:
            container: as the client named it.

        Raises:
            UpstreamUnavailable: it could not be asked.
        """


@runtime_checkable
class ReadCluster(Protocol):
    """The session's own reads of a cluster, of origin ``gateway``: same judge, same recording."""

    async def object(self, write: ObjectWrite) -> bytes | None:
        """Return the object that a write speaks of as it is now, as JSON; None where there is none.

        Args:
            write: of it, or of something that hangs below it.

        Raises:
            UpstreamUnavailable: it could not be read.
        """

    async def dry_run(self, write: ObjectWrite) -> bytes | None:
        """Return the object that a write would leave, as JSON, tried by the server and not stored.

        Args:
            write: of an object itself, none of a Secret.

        Returns:
            None where the gateway has no identity that can do dry-runs and nothing else.

        Raises:
            UpstreamUnavailable: the server would refuse the write, or could not be asked.
        """


ReadProduction: TypeAlias = ReadDatabase | ReadHost | ReadEngine | ReadCluster
