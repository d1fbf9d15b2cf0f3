"""A command's arguments, taken apart by its entry as the command itself would."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from gateway.judge.shell.argument import Argument
from gateway.judge.shell.commands import Denied
from gateway.judge.shell.finding import Effect
from gateway.judge.shell.nested.stop import Stop, stop
from gateway.judge.shell.options import Option, Prepared
from gateway.judge.shell.tree import Text, Word, pinned, text_of

_COUNT: Final = re.compile(r"[-+][0-9]+[A-Za-z]{0,2}")
_DASHED: Final = re.compile(r"-(?![0-9.]*\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Given:
    """One option of a command line.

    Attributes:
        option: which.
        words: as which it is put down again.
        name: as it was written, an abbreviation made whole.
        value: what it was given.
    """

    option: Option
    words: tuple[Argument, ...]
    name: str
    value: Argument | None = None


@dataclass(slots=True)
class Taken:
    """Arguments taken apart.

    Attributes:
        given: options in order.
        operands: all others, in order.
    """

    given: list[Given] = field(default_factory=list)
    operands: list[Argument] = field(default_factory=list)

    def has(self, prepared: Prepared, names: tuple[str, ...]) -> bool:
        """Whether one of these options was given, by any of its names."""
        meant = [prepared.options.get(name) for name in names]
        return any(each.option is option for each in self.given for option in meant)


def one(argument: Argument) -> Argument | None:
    """The argument as exactly one word; None where it can't be one."""
    if not argument.many:
        return argument
    if not isinstance(argument.word, Word):
        return None
    word = pinned(argument.word)
    text = text_of(word)
    if text is not None:
        return Argument(text, word=word)
    first = word.parts[0]
    return Argument(None, first.text if isinstance(first, Text) else "", many=False, word=word)


def as_option(argument: Argument) -> Argument:
    """The argument as one word where it surely begins with a dash: ``--since=$x``."""
    if argument.many and (single := one(argument)) is not None and single.known_start.startswith("-"):
        return single
    return argument


def denied(command: str, subject: str, each: Denied) -> Stop:
    """Return the end of a judgement on an option or operand that is none of a reader."""
    return stop(command, each.rule, f"{subject} {each.reason}.", each.effect)


class Taker:
    """Takes arguments apart by the options of one form.

    Args:
        command: its name, for rules and reasons.
        prepared: its form.
    """

    __slots__ = ("_command", "_prepared", "_rest", "taken")

    def __init__(self, command: str, prepared: Prepared) -> None:
        self._command = command
        self._prepared = prepared
        self._rest: list[Argument] = []
        self.taken = Taken()

    def take(self, arguments: tuple[Argument, ...]) -> Taken:
        """Take arguments apart.

        Args:
            arguments: without the command's name.

        Raises:
            Stop: an option that is not known, not a read, or not surely what it looks like.
        """
        form = self._prepared.form
        first = form.first or bool(self._prepared.subcommands)
        if form.style == "none":
            self.taken.operands += arguments
            return self.taken
        self._rest = list(reversed(arguments))
        while self._rest:
            word = self._rest.pop()
            if word.text == "--" and form.ends:
                self.taken.operands += reversed(self._rest)
                break
            if form.style == "keyword" and self._keyword(word):
                continue
            if self._counted(word):
                continue
            if word.known_start.startswith("-") and word.text != "-":
                self.taken.given += self._option(word)
                continue
            if self._dashless(word):
                continue
            self.taken.operands.append(word)
            if first:
                self.taken.operands += reversed(self._rest)
                break
        return self.taken

    def _counted(self, word: Argument) -> bool:
        if not self._prepared.form.counts or word.text is None or _COUNT.fullmatch(word.text) is None:
            return False
        self.taken.given.append(Given(Option((word.text,)), (word,), word.text))
        return True

    def _keyword(self, word: Argument) -> bool:
        name, separator, value = word.known_start.partition("=")
        option = self._prepared.options.get(name)
        if option is None or (separator and (option.takes == "nothing" or option.apart)):
            return False
        if word.text is None and not separator:
            return False
        if separator:
            self._add(option, name, (word,), Argument(word.text and value, value, many=False, word=word.word))
        elif option.takes == "value" and option.apart:
            after = self._value(name)
            self._add(option, name, (Argument(name), after), after)
        elif option.takes == "value":
            return False
        else:
            self._add(option, name, (word,), None)
        return True

    def _add(self, option: Option, name: str, words: tuple[Argument, ...], value: Argument | None) -> None:
        self._check(option, name)
        self.taken.given.append(Given(option, words, name, value))

    def _dashless(self, word: Argument) -> bool:
        form = self._prepared.form
        if not form.dashless or not word.text or (form.dashless == "first" and self.taken.operands):
            return False
        options = [self._prepared.options.get(f"-{letter}") for letter in word.text]
        if any(option is None for option in options) or not word.text.isalpha():
            return False
        for letter in word.text:
            option = self._prepared.options[f"-{letter}"]
            self._check(option, f"-{letter}")
            value = self._value(f"-{letter}") if option.takes == "value" else None
            words = (Argument(f"-{letter}"), *(() if value is None else (value,)))
            self.taken.given.append(Given(option, words, f"-{letter}", value))
        return True

    def _option(self, word: Argument) -> Iterator[Given]:
        style = self._prepared.form.style
        if style in ("single", "keyword") or (word.known_start.startswith("--") and style != "posix"):
            yield self._long(word)
        else:
            yield from self._short(word)

    def _long(self, word: Argument) -> Given:
        name, separator, attached = word.known_start.partition("=")
        if word.text is None and not separator:
            raise stop(self._command, "open-option", f"{self._command}: which option is meant is not known.")
        option = self._prepared.named(name)
        if option is None and self._prepared.form.style == "single":
            name = "-" + name.lstrip("-")
            option = self._prepared.named(name)
        if option is None:
            raise self._unknown(name)
        name = self._whole(option, name)
        self._check(option, name)
        if not separator:
            if option.takes != "value" and not self._follows(option):
                return Given(option, (Argument(name),), name)
            value = self._value(name)
            return Given(option, self._apart(f"{name}=", name, value), name, value)
        if option.takes == "nothing":
            raise stop(self._command, "option-value", f"{self._command}: {name} takes no value.")
        if word.text is None:
            return Given(option, (word,), name, Argument(None, attached, many=False, word=word.word))
        return Given(option, (Argument(f"{name}={attached}"),), name, Argument(attached))

    def _whole(self, option: Option, name: str) -> str:
        if name in option.names:
            return name
        return next((each for each in option.names if each.startswith(name)), option.names[0])

    def _short(self, word: Argument) -> Iterator[Given]:
        letters = word.known_start[1:]
        for place, letter in enumerate(letters):
            name = f"-{letter}"
            option = self._prepared.named(name)
            if option is None:
                raise self._unknown(name)
            self._check(option, name)
            attached = letters[place + 1 :]
            if option.takes == "nothing":
                yield Given(option, (Argument(name),), name)
                continue
            if word.text is None:
                if place:
                    break
                yield Given(option, (word,), name, Argument(None, attached, many=False, word=word.word))
                return
            yield self._valued(option, name, attached)
            if self._prepared.form.style != "apart":
                return
            if attached.isdigit():
                return
        if word.text is None:
            raise stop(
                self._command, "open-option", f"{self._command}: which options are meant is not known."
            )

    def _valued(self, option: Option, name: str, attached: str) -> Given:
        """A short option with its value: attached, or the next word."""
        if self._prepared.form.style == "apart" and not attached.isdigit():
            attached = ""
        if attached:
            return Given(option, (Argument(name + attached),), name, Argument(attached))
        if option.takes != "value" and not self._follows(option):
            return Given(option, (Argument(name),), name)
        value = self._value(name)
        return Given(option, self._apart(name, name, value), name, value)

    def _apart(self, attached: str, name: str, value: Argument) -> tuple[Argument, ...]:
        """An option and the next word as its value, so that the word is never taken for another option.

        Another version of the command may know the option without a value.
        """
        if value.text is None or _DASHED.match(value.text) is None:
            return Argument(name), value
        if self._prepared.form.style not in ("gnu", "exact", "posix"):
            raise stop(
                self._command,
                "option-value",
                f"{self._command}: the value of {name} could be taken for an option.",
            )
        return (Argument(attached + value.text),)

    def _follows(self, option: Option) -> bool:
        """Whether the next word is the value of an option that may have one."""
        if option.takes != "perhaps" or not self._rest:
            return False
        text = self._rest[-1].text
        return text is not None and option.kind.holds(text)

    def _value(self, name: str) -> Argument:
        if not self._rest:
            raise stop(self._command, "option-value", f"{self._command}: {name} needs a value.")
        value = one(self._rest.pop())
        if value is None:
            reason = f"{self._command}: the value of {name} may become several words; quote it."
            raise stop(self._command, "open-option", reason)
        return value

    def _check(self, option: Option, name: str) -> None:
        """Let an option pass that reads, at least with some values."""
        if (
            not option.reads
            and option.denied is not None
            and option.denied.effect is not Effect.STATEFUL_READ
        ):
            raise denied(self._command, f"{self._command} {name}", option.denied)

    def _unknown(self, name: str) -> Stop:
        return stop(self._command, "unknown-option", f"{self._command}: the option {name} is not known.")
