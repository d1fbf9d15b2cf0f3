"""A request that can be read in more than one way is not read at all."""

from __future__ import annotations


class NotRead(Exception):
    """A target, header or body is not understood, or could mean something else to the server.

    Attributes:
        what: last part of the rule, such as ``path`` or ``repeated-key``.
        reason: one sentence.
    """

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(reason)
        self.what = what
        self.reason = reason
