"""One word of a command line, as the judges of commands see it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Argument:
    """One word of a command line, as far as it is known before it runs.

    Attributes:
        text: its value where it is literal; None where it expands.
        prefix: the literal beginning of an expanding word, such as ``/var/log/`` of ``/var/log/*.gz``: every
            word that it becomes begins so; empty where that is not known (``/var/$x``, unquoted, splits).
        many: whether it may become any number of words, none included (an unquoted glob, ``$x``, ``$(…)``,
            what xargs adds); else it is exactly one.
        word: the tree's word that it stands for, kept for emission; opaque here.
        texts: every value that it may have, of a word that expands to one of them; None where not known.
    """

    text: str | None
    prefix: str = ""
    many: bool = False
    word: object | None = None
    texts: frozenset[str] | None = None

    @property
    def known_start(self) -> str:
        """What it surely begins with: all of it where it is literal."""
        return self.prefix if self.text is None else self.text


def literal(text: str) -> Argument:
    """An argument whose value is known, and that stands for no word of the line."""
    return Argument(text)


def literals(*texts: str) -> tuple[Argument, ...]:
    """Arguments whose values are known."""
    return tuple(Argument(text) for text in texts)


def known_texts(arguments: tuple[Argument, ...]) -> tuple[str, ...] | None:
    """The values of all arguments; None where one of them expands."""
    texts = tuple(argument.text for argument in arguments if argument.text is not None)
    return texts if len(texts) == len(arguments) else None
