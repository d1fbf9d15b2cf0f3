"""What a program inside a command line comes to."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.verdict import Decision, Verdict
from gateway.judge.shell.finding import Effect

MAX_LENGTH = 100_000
"""Longest program that is read, in characters."""
MAX_DEPTH = 100
"""Deepest nesting that is read."""


@dataclass(frozen=True, slots=True)
class Program:
    """A judged program.

    Attributes:
        verdict: its rule is named ``shell.<language>.<what>``.
        effect: what it would do.
        text: the program in canonical form, to be run in the original's place; empty unless allowed.
        reads: files that it names and opens for reading, as it writes them, in order.
        sandboxed: whether the language's own sandbox (``sed --sandbox``, ``gawk --sandbox``), where there
            is one, would run it too.
    """

    verdict: Verdict
    effect: Effect
    text: str = ""
    reads: tuple[str, ...] = ()
    sandboxed: bool = False

    @property
    def allowed(self) -> bool:
        """Whether it only reads."""
        return self.verdict.decision is Decision.ALLOW


class NotARead(Exception):
    """Ends the reading of a program that is not a read, or not understood.

    Attributes:
        effect: what it would do.
        what: last part of the rule.
        reason: one sentence.
    """

    def __init__(self, what: str, reason: str, effect: Effect = Effect.UNKNOWN) -> None:
        super().__init__(reason)
        self.what = what
        self.reason = reason
        self.effect = effect


def words(text: str) -> frozenset[str]:
    """The words of a table that is written as running text."""
    return frozenset(text.split())


def no_read(language: str, failure: NotARead) -> Program:
    """The program for a failure: its effect says whether it is a change or refused."""
    verdict = Verdict(failure.effect.decision, f"shell.{language}.{failure.what}", failure.reason)
    return Program(verdict, failure.effect)


def a_read(language: str, text: str, files: tuple[str, ...] = (), *, sandboxed: bool = False) -> Program:
    """A program that only reads."""
    verdict = Verdict(Decision.ALLOW, f"shell.{language}.read", f"The {language} program only reads.")
    return Program(verdict, Effect.READS, text, files, sandboxed)


def check_text(text: str) -> None:
    """Let only text of a bounded length, without control characters but tab and newline, be read on.

    Raises:
        NotARead: it is longer than :data:`MAX_LENGTH` or holds another control character or half a pair.
    """
    if len(text) > MAX_LENGTH:
        raise NotARead("too-long", f"A program of more than {MAX_LENGTH} characters is not read.")
    for character in text:
        if (
            (character < " " and character not in "\t\n")
            or character == "\x7f"
            or "\ud800" <= character <= "\udfff"
        ):
            raise NotARead("control-character", "A control character in a program is not understood.")
