"""What one variable may hold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MOST_VALUES: Final = 64
"""How many values of one variable are kept apart."""

_INTEGER: Final = re.compile(r"-?[0-9]{1,18}|")
_ONE_WORD: Final = re.compile(r"[^\s*?\[\\~]+")


@dataclass(frozen=True, slots=True)
class Value:
    """What a variable may hold.

    Attributes:
        texts: every value that it may have; None where that is not known.
        integer: whether it surely is an integer, or empty.
    """

    texts: frozenset[str] | None = None
    integer: bool = False

    @property
    def only(self) -> str | None:
        """Its value where it can be but one."""
        return next(iter(self.texts)) if self.texts is not None and len(self.texts) == 1 else None

    @property
    def one_word(self) -> bool:
        """Whether it surely is one word, also where it stands without quotes."""
        return self.texts is not None and all(_ONE_WORD.fullmatch(text) for text in self.texts)

    def __or__(self, other: Value) -> Value:
        """What it may hold where either may have been assigned."""
        integer = self.integer and other.integer
        if self.texts is None or other.texts is None or len(self.texts | other.texts) > MOST_VALUES:
            return Value(None, integer)
        return Value(self.texts | other.texts, integer)


UNKNOWN: Final = Value()
INTEGER: Final = Value(None, integer=True)


def known(*texts: str) -> Value:
    """A value that is one of these."""
    return Value(frozenset(texts), all(_INTEGER.fullmatch(text) for text in texts))


UNSET: Final = known("")
