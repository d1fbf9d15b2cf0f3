"""Answers of an engine without the values that hand out access."""

from __future__ import annotations

from typing import Final

from gateway.judge.http.bodies import Json, rebuilt_json, strict_json
from gateway.judge.http.reading import NotRead

SHOWN: Final = "(hidden by the gateway)"
"""Stands where a value is not shown."""


def masked(answer: bytes, members: tuple[str, ...]) -> bytes:
    """Return an answer whose members of these names show nothing.

    Args:
        answer: JSON, all of it.
        members: of the answer's top object.

    Raises:
        NotRead: it is no JSON, so that nothing of it can be shown.
    """
    value = strict_json(answer, folds=False)
    if isinstance(value, dict):
        try:
            value = {name: _hidden(each) if name in members else each for name, each in value.items()}
        except RecursionError:
            raise NotRead("depth", "The answer is nested too deep.") from None
    return rebuilt_json(value)


def _hidden(value: Json) -> Json:
    """A value of the same shape, so that clients can still read it."""
    if isinstance(value, dict):
        return {name: _hidden(each) for name, each in value.items()}
    return SHOWN if value else value
