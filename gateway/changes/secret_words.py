"""Secrets among the words of a command, found by where programs take them, and cut out.

The catalogue says which options and operands of which programs are secrets; what an option or variable is
called says it of all others.
"""

from __future__ import annotations

import functools
import itertools
import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from gateway.changes.pieces import Apart, Piece, cut, join
from gateway.changes.secrets_found import names_secret, redact, without_secrets
from gateway.domain.errors import InvalidInput
from gateway.judge.catalogue import FOLDER, load

SECRET: Final = "[secret]"  # noqa: S105 - a placeholder
"""What stands in the place of a secret."""

_EXPANSION: Final = re.compile(r"\$\w+|\$\{\w+\}|\$\([^()]*\)|`[^`]*`")
"""A value that is no secret itself: it comes from elsewhere when the command runs."""
_IDENTIFIED: Final = re.compile(
    r"(?i)(\bIDENTIFIED\s+(?:WITH\s+\S+\s+)?(?:BY|AS)\s+(?:PASSWORD\s+)?)('(?:[^'\\]|\\.|'')*'|\"[^\"]*\")"
)
_NAME: Final = re.compile(r"-{0,2}[A-Za-z_][\w.-]*")
_QUERIED: Final = re.compile(r"(?<=[?&])([\w.-]+)=([^&#\s]+)")
"""Parameters of an address."""
_SETS: Final = re.compile(r"([A-Za-z_][\w.\[\]-]*)(=)([^&;,]*)")


class Program(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab", eq=False
):
    """Where some programs take secrets; the catalogue file says what each key means."""

    names: tuple[str, ...]
    own: tuple[str, ...] = ()
    next: tuple[str, ...] = ()
    login: tuple[str, ...] = ()
    share: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    pair: tuple[str, ...] = ()
    setting: tuple[str, ...] = ()
    prefixed: tuple[str, ...] = ()
    sql: tuple[str, ...] = ()
    flags: str = ""
    behind: Mapping[str, tuple[int, ...]] = {}
    pairs: tuple[str, ...] = ()
    last_with: str = ""
    reads: tuple[str, ...] = ()


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    variables: tuple[str, ...]
    headers: tuple[str, ...]
    program: tuple[Program, ...]


_SORTS: Final = ("next", "login", "share", "header", "pair", "setting", "prefixed", "sql")


@functools.cache
def _catalogue() -> _File:
    return load(FOLDER / "secrets.toml", _File)


@functools.cache
def _programs() -> Mapping[str, tuple[Program, ...]]:
    found: dict[str, tuple[Program, ...]] = {}
    for each in _catalogue().program:
        for name in each.names:
            found[name] = (*found.get(name, ()), each)
    return found


@functools.cache
def known_programs() -> re.Pattern[str]:
    """Return a pattern that is found in every text which a program of the catalogue stands in."""
    names = sorted(_programs(), key=len, reverse=True)
    return re.compile(rf"(?<![\w.-])(?:{'|'.join(map(re.escape, names))})(?![\w-])")


def hide_words(words: Sequence[str], *, named: bool = True) -> list[str]:
    """Return the words of one simple command with :data:`SECRET` in the place of secrets.

    Args:
        words: unquoted.
        named: whether the name of an option or variable that no program of the catalogue is known by counts.
    """
    found = list(words)
    if named:
        _hide_named(words, found)
    for program, at in _standing_in(words).items():
        _Behind(program, words, found, at + 1).hide()
    return found


def reads_secret(words: Sequence[str]) -> bool:
    """Whether a command is given a secret on its standard input.

    Args:
        words: of a simple command.
    """
    return any(
        option in {"", *words[at + 1 :]}
        for program, at in _standing_in(words).items()
        for option in program.reads
    )


def _standing_in(words: Sequence[str]) -> dict[Program, int]:
    """The programs of the catalogue in a command, and where each stands first: what follows is behind it."""
    found: dict[Program, int] = {}
    for at, word in enumerate(words):
        for program in _programs().get(posixpath.basename(word), ()):
            found.setdefault(program, at)
    return found


def is_secret_name(name: str) -> bool:
    """Whether a variable or option is named for something secret, or known to hold it.

    Args:
        name: without dashes in front.
    """
    return names_secret(name.replace("-", "_")) or name.upper() in _catalogue().variables


def is_secret_header(name: str) -> bool:
    """Whether a header of HTTP is known to carry a credential.

    Args:
        name: in any case.
    """
    return name.strip().lower() in _catalogue().headers


def _hide_named(words: Sequence[str], found: list[str]) -> None:
    """Cut out what stands behind names: NAME=value, --name=value, --name value."""
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if "?" in name:
            found[at] = _QUERIED.sub(_queried, word)
        elif equals:
            name = name.removesuffix("+")
            if _NAME.fullmatch(name) and is_secret_name(name.lstrip("-")):
                found[at] = word[: len(word) - len(value)] + _cut(value)
        elif word.startswith("-") and _NAME.fullmatch(word) and is_secret_name(word):
            found[at + 1 : at + 2] = [
                given if given.startswith("-") else _cut(given) for given in words[at + 1 : at + 2]
            ]


def _queried(found: re.Match[str]) -> str:
    return f"{found[1]}={_cut(found[2])}" if is_secret_name(found[1]) else found[0]


def _cut(value: str) -> str:
    """A value cut out; what is empty, comes from elsewhere or is standard input stays."""
    return value if value in ("", "-") or _EXPANSION.fullmatch(value) else SECRET


class _Behind:
    """Cuts out what one program takes, of the words behind it.

    Args:
        program: the catalogue's entry.
        words: of the simple command.
        found: the same with secrets cut out, so far.
        start: where the program's words begin.
    """

    def __init__(self, program: Program, words: Sequence[str], found: list[str], start: int) -> None:
        self._program = program
        self._words = words
        self._found = found
        self._start = start

    def hide(self) -> None:
        """Cut them out."""
        program = self._program
        for at in range(self._start, len(self._words)):
            word = self._words[at]
            for option in program.own:
                if word.startswith(option) and len(word) > len(option):
                    self._found[at] = option + _cut(word[len(option) :])
            if word.startswith("-"):
                for sort in _SORTS:
                    for option in getattr(program, sort):
                        self._option(at, option, sort)
            if word.lower() in program.behind:
                self._operands(at, program.behind[word.lower()])
        first = next(
            (at for at in range(self._start, len(self._words)) if self._words[at] in program.pairs), None
        )
        if first is not None:
            self._pairs(first + 1)
        options = [each for each in self._words[self._start :] if each.startswith("-")]
        if program.last_with and any(
            each.startswith("-") and not each.startswith("--") and program.last_with in each
            for each in options
        ):
            self._found[-1] = _cut(self._words[-1])

    def _option(self, at: int, option: str, sort: str) -> None:
        """Cut out what an option is given, in its own word or in the next."""
        word = self._words[at]
        if word == option or self._bundled(word, option):
            if at + 1 < len(self._words):
                self._found[at + 1] = _told(sort, self._words[at + 1])
            return
        short = len(option) == len("-x") and not option.startswith("--")
        if short:
            place = self._place(word, option)
            if place:
                self._found[at] = word[:place] + _told(sort, word[place:])
        elif word.startswith(f"{option}="):
            begins = len(option) + 1
            self._found[at] = word[:begins] + _told(sort, word[begins:])

    def _bundled(self, word: str, option: str) -> bool:
        """Whether an option is the last of several in one word, such as ``-su``."""
        return bool(self._place(word, option)) and word.endswith(option[1:]) and len(option) == len("-x")

    def _place(self, word: str, option: str) -> int:
        """Where the value of a short option begins in its word; 0 where it is not in there."""
        if not word.startswith("-") or word.startswith("--") or len(option) != len("-x"):
            return 0
        for place, letter in enumerate(word[1:], 1):
            if letter == option[1]:
                return place + 1
            if letter not in self._program.flags:
                return 0
        return 0

    def _operands(self, at: int, which: tuple[int, ...]) -> None:
        """Cut out some of the operands behind a word."""
        behind = (place for place in range(at + 1, len(self._words)) if self._words[place][:1] != "-")
        for number, place in enumerate(itertools.islice(behind, max(which)), 1):
            if number in which:
                self._found[place] = _cut(self._words[place])

    def _pairs(self, start: int) -> None:
        for at in range(start, len(self._words)):
            self._found[at] = _told("pair", self._words[at])


def _told(sort: str, value: str) -> str:
    """What an option is given, its secret cut out."""
    match sort:
        case "login" | "share":
            mark = ":" if sort == "login" else "%"
            name, colon, secret = value.partition(mark)
            return f"{name}{colon}{_cut(secret)}"
        case "pair":
            name, equals, secret = value.partition("=")
            return f"{name}={_cut(secret)}" if equals else value
        case "setting":
            return _SETS.sub(_setting, value)
        case "header":
            name, colon, secret = value.partition(":")
            known = is_secret_header(name) or is_secret_name(name.strip())
            space = " " if secret.startswith(" ") else ""
            return f"{name}:{space}{_cut(secret.strip())}" if colon and known else value
        case "prefixed":
            name, colon, secret = value.partition(":")
            return f"{name}:{_cut(secret)}" if colon and name == "pass" else value
        case "sql":
            return hide_statement(value)
        case _:
            return _cut(value)


def _setting(found: re.Match[str]) -> str:
    if found[1].lower().startswith("http.") and found[1].lower().endswith("extraheader"):
        return f"{found[1]}={_told('header', found[3])}"
    return f"{found[1]}={_cut(found[3])}" if is_secret_name(found[1]) else found[0]


def hide_statement(text: str) -> str:
    """Return a statement of SQL with literals cut out that stand where a secret belongs.

    Args:
        text: in any server's SQL.
    """
    text = _IDENTIFIED.sub(rf"\1'{SECRET}'", text)
    try:
        pieces = redact(cut(text), stem="").pieces
    except InvalidInput:
        return without_secrets(text)
    return join(
        tuple(
            Piece(each.kind, f"'{SECRET}'", each.value) if each.kind is Apart.PLACEHOLDER else each
            for each in pieces
        )
    )
