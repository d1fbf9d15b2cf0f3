"""The port through which the change flow reads production: judged and recorded units like any other."""

from __future__ import annotations

from typing import Protocol


class ReadProduction(Protocol):
    """The session's own reads of production, of origin ``gateway``: same judge, same recording."""

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
