"""Verdicts kept by text, so that the same statement is parsed once."""

from __future__ import annotations

import re
from typing import Final

from gateway.judge.postgres.analysis import Keep, SqlJudgement
from gateway.judge.postgres.context import SqlContext
from gateway.judge.postgres.judge import judge, not_utf8
from gateway.judge.postgres.mask import MASK, masked

MAX_TEXT: Final = 16384
"""Longer texts are not kept."""
HEAVY_TEXT: Final = 8192
"""A text longer than this takes long enough to judge that it must not hold up the loop."""

_UNMASKABLE: Final = re.compile(rb"['\"$\\\x80-\xff]|--|/\*")

Key = tuple[bytes, int]


class VerdictCache:
    """Judgements by text and context; where no integer bears on them, by text with integers masked.

    Integers are masked only where the text has no quote, ``$``, backslash, comment or byte beyond ASCII, and
    only free-standing ones.

    Args:
        entries: how many judgements are kept, in all.
        size: how many bytes of text are kept, in all.
    """

    def __init__(self, *, entries: int = 20_000, size: int = 16 << 20) -> None:
        self._entries = entries
        self._size = size
        self._held = 0
        self._exact: dict[Key, SqlJudgement] = {}
        self._masked: dict[Key, SqlJudgement] = {}

    def lookup(self, text: bytes, context: SqlContext) -> SqlJudgement | None:
        """Return the judgement of a text where it is known: a plain call that costs a microsecond or two.

        Args:
            text: UTF-8.
            context: what it is judged under.
        """
        token = context.token
        known = self._exact.get((text, token))
        if known is None and len(text) <= MAX_TEXT and MASK not in text:
            # Masking leaves all but digits as it is: a text that may not be masked equals no key.
            known = self._masked.get((masked(text), token))
        return known

    def judge(self, text: bytes, context: SqlContext) -> SqlJudgement:
        """Return the judgement of a text, judging it where it isn't known.

        Args:
            text: UTF-8, strictly.
            context: what it is judged under.
        """
        known = self.lookup(text, context)
        if known is not None:
            return known
        try:
            judgement = judge(text.decode(), context)
        except UnicodeDecodeError:
            return not_utf8()
        if len(text) <= MAX_TEXT:
            self._keep(text, context.token, judgement)
        return judgement

    @staticmethod
    def heavy(text: bytes) -> bool:
        """Whether judging a text that isn't known must be left to a thread."""
        return len(text) > HEAVY_TEXT

    def _keep(self, text: bytes, token: int, judgement: SqlJudgement) -> None:
        if judgement.keep is Keep.NEVER:
            return
        if len(self._exact) + len(self._masked) >= self._entries or self._held + len(text) > self._size:
            self._exact.clear()
            self._masked.clear()
            self._held = 0
        if judgement.keep is Keep.MASKED and _UNMASKABLE.search(text) is None:
            self._masked[masked(text), token] = judgement
        else:
            self._exact[text, token] = judgement
        self._held += len(text)
