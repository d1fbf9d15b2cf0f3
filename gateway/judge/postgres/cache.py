"""Verdicts kept by text, so that the same statement is parsed once."""

from __future__ import annotations

import re
from typing import Final

from gateway.domain.verdict import Decision
from gateway.judge.postgres.analysis import SqlJudgement
from gateway.judge.postgres.context import SqlContext
from gateway.judge.postgres.judge import judge, not_utf8

MAX_TEXT: Final = 16384
"""Longer texts are not kept."""
HEAVY_TEXT: Final = 16384
"""A text longer than this takes long enough to judge that it must not hold up the loop."""

_UNMASKABLE: Final = re.compile(rb"['\"$\\\x80-\xff]|--|/\*")
_INTEGER: Final = re.compile(rb"(?<![\w.])\d+(?![\w.])")

Key = tuple[bytes, int]


class VerdictCache:
    """Judgements by exact text and context; for a plain read also by its text with integers masked.

    Integers are masked only where the text has no quote, ``$``, backslash, comment or byte beyond ASCII, and only
    free-standing ones; and only the judgement of a sole SELECT that changes nothing in its session is kept so, on
    which no integer bears.

    Args:
        entries: how many judgements are kept, in all.
        size: how many bytes of text are kept, in all.
    """

    def __init__(self, *, entries: int = 20_000, size: int = 16 << 20) -> None:
        self._entries = entries
        self._size = size
        self._held = 0
        self._judgements: dict[Key, SqlJudgement] = {}

    def lookup(self, text: bytes, context: SqlContext) -> SqlJudgement | None:
        """Return the judgement of a text where it is known: a plain call that costs a microsecond or two.

        Args:
            text: UTF-8.
            context: what it is judged under.
        """
        token = context.token
        known = self._judgements.get((text, token))
        if known is None and len(text) <= MAX_TEXT and _UNMASKABLE.search(text) is None:
            known = self._judgements.get((_INTEGER.sub(b"?", text), token))
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
        if judgement.lasting and len(text) <= MAX_TEXT:
            self._keep(self._key(text, judgement), context.token, judgement)
        return judgement

    @staticmethod
    def heavy(text: bytes) -> bool:
        """Whether judging a text that isn't known must be left to a thread."""
        return len(text) > HEAVY_TEXT

    @staticmethod
    def _key(text: bytes, judgement: SqlJudgement) -> bytes:
        sole = len(judgement.statements) == 1 and judgement.statements[0].kind == "SelectStmt"
        plain = sole and judgement.verdict.decision is Decision.ALLOW and not judgement.session_effects
        whole = sole and judgement.statements[0].start == 0 and judgement.statements[0].end is None
        if plain and whole and _UNMASKABLE.search(text) is None:
            return _INTEGER.sub(b"?", text)
        return text

    def _keep(self, text: bytes, token: int, judgement: SqlJudgement) -> None:
        if len(self._judgements) >= self._entries or self._held + len(text) > self._size:
            self._judgements.clear()
            self._held = 0
        self._judgements[text, token] = judgement
        self._held += len(text)
