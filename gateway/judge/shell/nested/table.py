"""A command's options as a table, and arguments taken apart by it, as getopt_long, pflag or OpenSSL do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from gateway.judge.shell.argument import Argument
from gateway.judge.shell.argv import one
from gateway.judge.shell.finding import Effect
from gateway.judge.shell.nested.stop import stop

Style = Literal["gnu", "exact", "joined", "apart", "pflag", "single"]
"""``gnu``: getopt_long, with abbreviations. ``exact``: without them. ``joined``: the same, and the values of
long options are surely theirs only behind ``=`` (git). ``apart``: they are the next word (curl).
``pflag``: Go's: ``-o=x`` and ``--flag=false`` too.
``single``: words with one dash or two, never bundled."""

_KIND: Final = re.compile(r"\??(text|path|literal|number|host|word\(.*\))?")
_NAMED: Final = re.compile(r"-[^-=\s]|--?[A-Za-z0-9][^=\s]*")
_NUMBER: Final = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)[a-zA-Z%]{0,5}")
_BOOLEANS: Final = frozenset(
    ["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"]
)


@dataclass(frozen=True, slots=True)
class Option:
    """One option.

    Attributes:
        names: how it is called, with dashes.
        takes: whether a value follows: never, always, or attached at most.
        kind: what the value must be: ``text`` or ``path`` anything; ``literal``, ``number``, ``word(a|b)``.
        effect: what the command does with it.
        what: last part of the rule where that is no read.
        reason: one clause, to go behind the option's name.
    """

    names: tuple[str, ...]
    takes: Literal["nothing", "value", "maybe"] = "nothing"
    kind: str = "text"
    effect: Effect = Effect.READS
    what: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class No:
    """Options with which a command is no reader.

    Attributes:
        options: in the notation of :func:`options`, separated by two spaces or newlines.
        what: last part of the rule.
        reason: one clause, to go behind the option's name.
        effect: what the command does then.
    """

    options: str
    what: str
    reason: str
    effect: Effect = Effect.RUNS_CODE


@dataclass(frozen=True, slots=True)
class Given:
    """One option of a command line.

    Attributes:
        option: which.
        name: as it was written, an abbreviation made whole.
        value: what it was given.
        raw: the word itself, where it expands and must be kept in one piece.
    """

    option: Option
    name: str
    value: Argument | None = None
    raw: Argument | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """Arguments taken apart.

    Attributes:
        given: options in order.
        operands: all others in order.
        before: how many of them stood before ``--``; None where there was none.
        order: options and operands before ``--`` as they were mixed.
    """

    given: tuple[Given, ...]
    operands: tuple[Argument, ...]
    before: int | None = None
    order: tuple[Given | Argument, ...] = ()

    def has(self, name: str) -> bool:
        """Whether an option was given, by any of its names."""
        return any(name in each.option.names for each in self.given)

    def values(self, name: str) -> tuple[Argument, ...]:
        """What an option was given, in order."""
        return tuple(
            each.value for each in self.given if name in each.option.names and each.value is not None
        )

    def without(self, *names: str) -> tuple[Given, ...]:
        """The options but those of these names."""
        return tuple(each for each in self.given if not set(names) & set(each.option.names))


@dataclass(frozen=True, slots=True)
class Table:
    """The options of a command.

    Attributes:
        by_name: options by every name.
        style: how they are written.
        first: whether options end at the first operand.
    """

    by_name: Mapping[str, Option]
    style: Style = "gnu"
    first: bool = False
    longs: tuple[str, ...] = field(default=(), compare=False)

    def __add__(self, other: Table) -> Table:
        """Both; of a name in both, the right one's. Style and end are the right one's."""
        return _table({**self.by_name, **other.by_name}, other.style, first=other.first)

    def split(self, command: str, arguments: tuple[Argument, ...]) -> Split:
        """Take arguments apart.

        Args:
            command: for rules and reasons.
            arguments: without the command's name.

        Raises:
            Stop: an option that is not known, not a read, or not surely what it looks like.
        """
        order: list[Given | Argument] = []
        rest = list(reversed(arguments))
        while rest:
            word = rest.pop()
            if word.text == "--":
                return _split(order, tuple(reversed(rest)), ended=True)
            if word.text == "-" or not word.known_start.startswith("-"):
                order.append(word)
                if self.first:
                    return _split(order, tuple(reversed(rest)))
                continue
            if word.many or (word.text is None and word.known_start in ("-", "--")):
                raise stop(command, "open-option", f"{command}: which options are meant is not known.")
            if self.style == "single" or word.known_start.startswith("--"):
                order.append(self._long(command, word, rest))
            else:
                order += self._short(command, word, rest)
        return _split(order)

    def _long(self, command: str, word: Argument, rest: list[Argument]) -> Given:
        name, separator, attached = word.known_start.partition("=")
        if self.style == "single":
            name = "-" + name.lstrip("-")
        if word.text is None and not separator:
            raise stop(command, "open-option", f"{command}: which option is meant is not known.")
        option, name = self._named(command, name, exact=word.text is None)
        if separator and self.style == "apart":
            raise stop(command, "unknown-option", f"{command}: a value of {name} is the next word.")
        _check(command, option, name)
        if not separator:
            value = _next(command, name, rest) if option.takes == "value" else None
            if self.style == "joined" and value is not None and value.text is None:
                raise stop(command, "open-option", f"{command}: write the value of {name} behind a =.")
            return _valued(command, Given(option, name, value))
        if option.takes == "nothing":
            if self.style == "pflag" and attached in _BOOLEANS and word.text is not None:
                return Given(option, name, Argument(attached))
            raise stop(command, "option-value", f"{command}: {name} takes no value.")
        if word.text is None:
            return _valued(command, Given(option, name, _tail(word, attached), word))
        return _valued(command, Given(option, name, Argument(attached)))

    def _named(self, command: str, name: str, *, exact: bool) -> tuple[Option, str]:
        if name in self.by_name:
            return self.by_name[name], name
        if self.style == "gnu" and not exact:
            meant = [long for long in self.longs if long.startswith(name)]
            if meant and all(self.by_name[long] is self.by_name[meant[0]] for long in meant):
                return self.by_name[meant[0]], meant[0]
        raise stop(command, "unknown-option", f"{command}: the option {name} is not known.")

    def _short(self, command: str, word: Argument, rest: list[Argument]) -> Iterable[Given]:
        letters = word.known_start[1:]
        for place, letter in enumerate(letters):
            option, name = self._named(command, f"-{letter}", exact=True)
            _check(command, option, name)
            attached = letters[place + 1 :]
            if self.style == "pflag" and len(attached) > 1 and attached[0] == "=":
                if option.takes == "nothing" and word.text is not None and attached[1:] in _BOOLEANS:
                    yield Given(option, name, Argument(attached[1:]))
                    return
                attached = attached[1:]
            if option.takes == "nothing":
                yield Given(option, name)
                continue
            if word.text is None:
                if place or not attached:
                    raise stop(command, "open-option", f"{command}: the value of {name} is not known.")
                yield _valued(command, Given(option, name, _tail(word, attached), word))
                return
            if attached or option.takes == "maybe":
                yield _valued(command, Given(option, name, Argument(attached) if attached else None))
            else:
                yield _valued(command, Given(option, name, _next(command, name, rest)))
            return
        if word.text is None:
            raise stop(command, "open-option", f"{command}: which options are meant is not known.")

    def emit(self, given: Iterable[Given]) -> tuple[Argument, ...]:
        """Return options as arguments, each in one fixed way of writing."""
        return tuple(word for each in given for word in self._words(each))

    def _words(self, each: Given) -> tuple[Argument, ...]:
        if each.raw is not None:
            return (each.raw,)
        if each.value is None:
            return (Argument(each.name),)
        text = each.value.text
        if self.style in ("single", "apart") or (
            each.option.takes == "value" and not each.name.startswith("--")
        ):
            return (Argument(each.name), each.value)
        if text is None:
            return (Argument(each.name), each.value)
        if each.name.startswith("--") or (self.style == "pflag" and each.option.takes == "nothing"):
            return (Argument(f"{each.name}={text}"),)
        return (Argument(each.name + text),)


def table(*reads: str, no: tuple[No, ...] = (), style: Style = "gnu", first: bool = False) -> Table:
    """Return a table.

    Args:
        reads: options with which the command stays a reader, in the notation of :func:`options`.
        no: options with which it doesn't.
        style: how they are written.
        first: whether options end at the first operand.
    """
    found = {name: option for text in reads for option in options(text) for name in option.names}
    for each in no:
        for option in options(each.options, each):
            found.update(dict.fromkeys(option.names, option))
    if style == "pflag" and any(option.takes == "maybe" for option in found.values()):
        raise ValueError("letters behind a short flag are flags of their own here, never its value")
    return _table(found, style, first=first)


def options(text: str, no: No | None = None) -> tuple[Option, ...]:
    """Read options from text: synonyms apart by one space, options by two or by a line's end.

    ``-n= --lines=number``: a value that must be a number; ``--color=?``: one that may be attached; kinds as
    in :class:`Option`.
    """
    found = []
    for piece in re.split(r"\s*\n\s*|\s{2,}", text.strip()):
        pairs = [word.partition("=") for word in piece.split()]
        kinds = [kind for _, separator, kind in pairs if separator]
        kind = next((each for each in kinds if each not in ("", "?")), "text")
        takes: Literal["nothing", "value", "maybe"] = "value" if kinds else "nothing"
        if any(each.startswith("?") for each in kinds):
            takes = "maybe"
        names = tuple(name for name, _, _ in pairs)
        if not _KIND.fullmatch(kind) or not all(_NAMED.fullmatch(name) for name in names):
            raise ValueError(f"{piece!r} is no option")
        if no is None:
            found.append(Option(names, takes, kind.lstrip("?") or "text"))
        else:
            found.append(Option(names, takes, "text", no.effect, no.what, no.reason))
    return tuple(found)


def _table(by_name: Mapping[str, Option], style: Style, *, first: bool) -> Table:
    return Table(by_name, style, first, tuple(name for name in by_name if name.startswith("--")))


def _split(order: list[Given | Argument], rest: tuple[Argument, ...] = (), *, ended: bool = False) -> Split:
    operands = tuple(each for each in order if isinstance(each, Argument))
    given = tuple(each for each in order if isinstance(each, Given))
    return Split(given, (*operands, *rest), len(operands) if ended else None, tuple(order))


def _check(command: str, option: Option, name: str) -> None:
    if option.what:
        raise stop(command, option.what, f"{command} {name} {option.reason}.", option.effect)


def _next(command: str, name: str, rest: list[Argument]) -> Argument:
    if not rest:
        raise stop(command, "option-value", f"{command}: {name} needs a value.")
    return single(command, rest.pop())


def _tail(word: Argument, known: str) -> Argument:
    return Argument(None, known, many=False, word=word.word)


def _valued(command: str, given: Given) -> Given:
    value, kind = given.value, given.option.kind
    if value is None or kind in ("text", "path", "host"):
        return given
    if value.text is not None and _is(kind, value.text):
        return given
    raise stop(
        command, "option-value", f"{command}: the value of {given.name} is not one that is known to read."
    )


def _is(kind: str, text: str) -> bool:
    if kind == "number":
        return _NUMBER.fullmatch(text) is not None
    if kind.startswith("word("):
        return text in kind[5:-1].split("|")
    return kind == "literal"


def single(command: str, argument: Argument) -> Argument:
    """Return an argument as exactly one word: one that expands is put down in quotes.

    Raises:
        Stop: it can't be.
    """
    word = one(argument)
    if word is None:
        reason = f"{command}: {argument.known_start or 'a word'} may become several words; quote it."
        raise stop(command, "open-word", reason)
    return word


def sure(command: str, argument: Argument, what: str) -> str:
    """Return the text of an argument that must be known.

    Args:
        command: for rule and reason.
        argument: which.
        what: what it is, for the reason: ``the user``.

    Raises:
        Stop: it expands.
    """
    if argument.text is None:
        raise stop(command, "open-word", f"{command}: {what} must be written out.")
    return argument.text
