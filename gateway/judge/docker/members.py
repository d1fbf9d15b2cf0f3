"""The members of a JSON body, each by its exact name and of its type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.judge.http.bodies import Json, strict_json
from gateway.judge.http.reading import NotRead

MAX_BODY: Final = 262_144
"""Longest body that is judged, in bytes; a command line is at most 100 KB."""

MAX_SIZE: Final = 65_535
"""Most rows or columns of a terminal."""


class Members:
    """A body's members. What is asked for is what is known; :meth:`done` says whether there was more.

    Go takes a member by its name in any case, so that one of another case is never the unknown one that the
    engine would overlook.
    """

    def __init__(self, body: bytes | None) -> None:
        if body is not None and len(body) > MAX_BODY:
            raise NotRead("body.long", f"The body is longer than {MAX_BODY} bytes.")
        value: Json = strict_json(body) if body and body.strip() else {}
        if not isinstance(value, dict):
            raise NotRead("body.shape", "The body is no JSON object.")
        self._members: Mapping[str, Json] = value
        self._asked: set[str] = set()

    def flag(self, name: str) -> bool:
        """A truth value; false where it is left out or null."""
        value = self._take(name)
        if value is not None and not isinstance(value, bool):
            raise _wrong(name)
        return bool(value)

    def text(self, name: str) -> str:
        """A text; empty where it is left out or null."""
        value = self._take(name)
        if value is not None and not isinstance(value, str):
            raise _wrong(name)
        return value or ""

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; empty where it is left out or null."""
        value = self._take(name)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise _wrong(name)
        texts = tuple(each for each in value if isinstance(each, str))
        if len(texts) < len(value):
            raise _wrong(name)
        return texts

    def size(self, name: str) -> tuple[int, int] | None:
        """Rows and columns of a terminal; None where they are left out or null."""
        value = self._take(name)
        if value is None:
            return None
        if not isinstance(value, list) or len(value) != 2:
            raise _wrong(name)
        rows, columns = value
        return _size(name, rows), _size(name, columns)

    def done(self) -> None:
        """Check that nothing is left.

        Raises:
            NotRead: a member was not asked for.
        """
        for name in self._members:
            if name not in self._asked:
                raise NotRead("body.member", f"The member {name[:40]!r} of the body is not known.")

    def _take(self, name: str) -> Json:
        self._asked.add(name)
        return self._members.get(name)


def _size(name: str, value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_SIZE:
        raise _wrong(name)
    return value


def _wrong(name: str) -> NotRead:
    return NotRead("body.type", f"The member {name!r} of the body is not of its type.")
