"""What all requests and answers are made of."""

from __future__ import annotations

import msgspec


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What goes over the wire. A reader passes over members it doesn't know, as a newer gateway may send."""


class Question(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a caller sends: an unknown member is refused, so that a typo is never taken for a default."""


class Nothing(Question, frozen=True, kw_only=True):
    """A request without members."""
