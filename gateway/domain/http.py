"""A request of an HTTP API as its client sent it: what the judges of Docker and Kubernetes are given."""

from __future__ import annotations

import msgspec


class Request(msgspec.Struct, frozen=True, gc=False):
    """One request, cut into its parts by the wire's grammar (RFC 9112) and interpreted no further.

    Attributes:
        method: as sent.
        target: the request target as sent, with its query; not decoded.
        headers: names in lower case, values without the space around them, in the order sent, repeats kept.
        body: all of it; None where there is none, or where it is too large to be judged or taken as it comes.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None

    def every(self, name: str) -> tuple[str, ...]:
        """Return the values of each header of that name.

        Args:
            name: in lower case.
        """
        return tuple(value for each, value in self.headers if each == name)
