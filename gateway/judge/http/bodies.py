"""Bodies as JSON (RFC 8259), so strictly that every server reads the same out of what is rebuilt from them.

Go's decoder takes a member by its name in any case, folds the long s and the Kelvin sign besides, and lets
the last of several win: tried on a Docker engine, ``{"Cmd":["ls"],"cmd":["touch",…]}`` runs touch.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec

from gateway.judge.http.reading import NotRead

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""A JSON value."""

MAX_DIGITS: Final = 400
"""Longest number that is read."""


def strict_json(body: bytes, *, folds: bool = True) -> Json:
    """Return what a JSON text says.

    Args:
        body: all of it.
        folds: whether the server takes members by their names in any case, as Go's own decoder does; that of
            Kubernetes doesn't.

    Raises:
        NotRead: it is no JSON in UTF-8, is nested too deep, has two members of one object whose names are the
            same to the server, half a surrogate pair, or a number that is none.
    """
    try:
        text = body.decode()
        value: Json = (_FOLDING if folds else _EXACT).decode(text)
        # Escapes such as \ud800 alone mean one thing to one decoder and another to the next.
        if "\\u" in text:
            rebuilt_json(value)
    except UnicodeError:
        raise NotRead("encoding", "The body is not text in UTF-8.") from None
    except RecursionError:
        raise NotRead("depth", "The body is nested too deep.") from None
    except ValueError:
        raise NotRead("json", "The body is no JSON.") from None
    return value


def rebuilt_json(value: Json) -> bytes:
    """Return a value as JSON text.

    Args:
        value: as :func:`strict_json` returned it, or a part of it.

    Raises:
        UnicodeEncodeError: a text in it holds half a surrogate pair.
    """
    return msgspec.json.encode(value)


def _exact(members: list[tuple[str, Json]]) -> Json:
    return _object(members, len({name for name, _ in members}))


def _folding(members: list[tuple[str, Json]]) -> Json:
    return _object(members, len({name.casefold() for name, _ in members}))


def _object(members: list[tuple[str, Json]], names: int) -> Json:
    if names < len(members):
        raise NotRead("repeated-key", "An object of the body has the same member twice.")
    return dict(members)


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise NotRead("number", f"A number of the body has more than {MAX_DIGITS} digits.")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits) if len(digits) <= MAX_DIGITS else math.inf
    if math.isinf(value):
        raise NotRead("number", "A number of the body is too large.")
    return value


def _constant(name: str) -> Json:
    raise NotRead("number", f"{name} is no number of JSON.")


def _decoder(of_members: Callable[[list[tuple[str, Json]]], Json]) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=of_members, parse_int=_integer, parse_float=_float, parse_constant=_constant
    )


_EXACT: Final = _decoder(_exact)
_FOLDING: Final = _decoder(_folding)
