"""sed: scripts of POSIX sed with GNU's additions, and what they do beside editing the stream.

Canonical text has one command a line, which is where every sed ends labels, texts and names of files.
Where seds differ on the end of a regular expression, it is delimited anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.judge.shell.finding import Effect
from gateway.judge.shell.programs.program import MAX_DEPTH, NotARead, Program, a_read, check_text, no_read
from gateway.judge.shell.programs.sed_delimiters import plain_end, redelimited, regex_end

_PLAIN = frozenset("=dDgGhHnNpPxzF")
"""Commands without arguments."""
_OUTPUTS = frozenset({"/dev/stdout", "/dev/stderr", "/dev/null"})
_BLANKS = re.compile(r"[ \t]*")
_SEPARATORS = re.compile(r"(?:[ \t\n;]|#[^\n]*)*")
_NUMBER = re.compile(r"[0-9]+")
_LABEL = re.compile(r"[A-Za-z0-9_.-]+")
_VERSION = re.compile(r"[0-9.]*")
_PATH = re.compile(r"[^\s;{}\\#'\"-][^\s;{}\\'\"]*")
_TEXT = re.compile(r"(?:[^\\\n]|\\[^\n]|\\\n)*")
_FLAGS = re.compile(r"[gpiImM0-9]*")


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a script.

    Attributes:
        addresses: none, one or two, in canonical text.
        negated: whether ``!`` stands behind them.
        name: its letter; ``}`` ends a block.
        argument: what follows the letter, in canonical text.
        path: the file that it reads or writes; empty: none.
    """

    addresses: tuple[str, ...]
    negated: bool
    name: str
    argument: str = ""
    path: str = ""

    @property
    def text(self) -> str:
        """The command on its own line or lines."""
        return f"{','.join(self.addresses)}{'!' if self.negated else ''}{self.name}{self.argument}"


@dataclass(frozen=True, slots=True)
class Script:
    """A whole script.

    Attributes:
        quiet: whether it begins with ``#n``, which is ``-n``.
        commands: in order, blocks flat.
    """

    quiet: bool
    commands: tuple[Command, ...]

    @property
    def text(self) -> str:
        """Canonical text."""
        return "\n".join([*(["#n"] if self.quiet else []), *(command.text for command in self.commands)])


def judge_program(text: str) -> Program:
    """Judge a sed script, and put it down canonically.

    Args:
        text: the script; of several ``-e``, all of them joined by newlines, as sed does.

    Returns:
        What it does; ``reads`` are the files of ``r`` and ``R``; ``sandboxed`` says whether
        ``sed --sandbox`` would run it too.
    """
    try:
        check_text(text)
        script = read(text)
        files = _check(script)
    except NotARead as failure:
        return no_read("sed", failure)
    return a_read("sed", script.text, files, sandboxed=not any(command.path for command in script.commands))


def read(text: str) -> Script:
    """Read a script.

    Raises:
        NotARead: it is not understood.
    """
    return _Reader(text).script()


def _check(script: Script) -> tuple[str, ...]:
    """Which files it reads.

    Raises:
        NotARead: it writes one.
    """
    files = []
    for command in script.commands:
        if command.name in "rR":
            files.append(command.path)
        elif command.path and command.path not in _OUTPUTS:
            raise NotARead("write", f"The sed script writes {command.path}.", Effect.WRITES_FILE)
    return tuple(files)


def _syntax(what: str) -> NotARead:
    return NotARead("syntax", f"The sed script is not understood: {what}.")


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0

    def _peek(self) -> str:
        """The next character; empty at the end."""
        return self._text[self._place : self._place + 1]

    def _take(self, pattern: re.Pattern[str]) -> str:
        """What matches here, taken; empty where nothing does."""
        found = pattern.match(self._text, self._place)
        if found is None:
            return ""
        self._place = found.end()
        return found.group()

    def script(self) -> Script:
        """Everything."""
        quiet = self._text.startswith("#n")
        if quiet and self._text[2:3] not in {"", "\n"}:
            raise _syntax("seds differ on a comment that begins with n at the very start")
        commands: list[Command] = []
        depth = 0
        while True:
            self._take(_SEPARATORS)
            if not self._peek():
                break
            command = self._command()
            depth += {"{": 1, "}": -1}.get(command.name, 0)
            if depth < 0:
                raise _syntax("} without {")
            if depth > MAX_DEPTH:
                raise NotARead("too-deep", f"A script nested deeper than {MAX_DEPTH} is not read.")
            commands.append(command)
        if depth:
            raise _syntax("{ without }")
        return Script(quiet, tuple(commands))

    def _command(self) -> Command:
        addresses = self._addresses()
        self._take(_BLANKS)
        negated = self._peek() == "!"
        if negated:
            self._place += 1
            self._take(_BLANKS)
        name = self._peek()
        self._place += 1
        if name in {":", "}"} and (addresses or negated):
            raise _syntax(f"{name} takes no address")
        argument, path = self._argument(name)
        return Command(addresses, negated, name, argument, path)

    def _argument(self, name: str) -> tuple[str, str]:
        """What follows a command's letter, up to its end, which is taken too; and the file in it."""
        argument, path = "", ""
        match name:
            case "{":
                return "", ""
            case "}":
                pass
            case "a" | "i" | "c":
                return self._written(), ""
            case "r" | "R" | "w" | "W":
                path = self._path()
                return f" {path}", path
            case "s":
                argument, path = self._substitution()
                if path:
                    return argument, path
            case "y":
                argument = self._transliteration()
            case ":" | "b" | "t" | "T":
                argument = self._label(needed=name == ":")
            case "q" | "Q" | "l" | "L":
                self._take(_BLANKS)
                number = self._take(_NUMBER)
                argument = f" {number}" if number else ""
            case "v":
                self._take(_BLANKS)
                version = self._take(_VERSION)
                argument = f" {version}" if version else ""
            case "e":
                raise NotARead("command", "The sed script runs a command.", Effect.RUNS_CODE)
            case _ if name not in _PLAIN or not name:
                raise _syntax(f"no command is called {name!r}")
            case _:
                pass
        self._end()
        return argument, path

    def _end(self) -> None:
        """The end of a command."""
        self._take(_BLANKS)
        if self._peek() in {"\n", ";"}:
            self._place += 1
        elif self._peek() not in {"", "}", "#"}:
            raise _syntax(f"{self._peek()!r} behind a command")

    # -- addresses

    def _addresses(self) -> tuple[str, ...]:
        first = self._address()
        if first is None:
            return ()
        self._take(_BLANKS)
        if self._peek() != ",":
            if first == "0":
                raise _syntax("line 0 stands before a regular expression only")
            return (first,)
        self._place += 1
        self._take(_BLANKS)
        if self._peek() in {"+", "~"}:
            sign = self._peek()
            self._place += 1
            number = self._take(_NUMBER)
            if not number:
                raise _syntax(f"{sign} without a number")
            return (first, sign + number)
        second = self._address()
        if second is None or "~" in second[:2] or (first == "0" and second[0] not in "/\\"):
            raise _syntax("the second address is missing")
        return (first, second)

    def _address(self) -> str | None:
        character = self._peek()
        if character == "$":
            self._place += 1
            return "$"
        if number := self._take(_NUMBER):
            if self._peek() != "~":
                return number
            self._place += 1
            step = self._take(_NUMBER)
            if not step:
                raise _syntax("~ without a number")
            return f"{number}~{step}"
        if character not in {"/", "\\"}:
            return None
        if character == "\\":
            self._place += 1
        (regex,), delimiter = self._delimited(1)
        flags = self._take(re.compile(r"[IM]*"))
        if len(set(flags)) < len(flags):
            raise _syntax("a flag stands twice")
        return f"{'' if delimiter == '/' else chr(92)}{delimiter}{regex}{delimiter}{flags}"

    def _delimited(self, parts: int) -> tuple[tuple[str, ...], str]:
        """A regular expression, and a replacement behind it where two parts are asked for."""
        delimiter = self._delimiter()
        start = self._place
        end, alike = regex_end(self._text, start, delimiter)
        if end is None:
            raise _syntax("a regular expression has no end")
        found = [self._text[start:end]]
        if parts == 2:
            second = plain_end(self._text, end + 1, delimiter)
            if second is None:
                raise _syntax("a replacement has no end")
            found.append(self._text[end + 1 : second])
            end = second
        self._place = end + 1
        if "\n" in found[0]:
            raise _syntax("a line ends within a regular expression")
        if alike:
            return tuple(found), delimiter
        again = redelimited(found, delimiter)
        if again is None:
            raise _syntax("seds differ on where a regular expression ends")
        return again

    def _delimiter(self) -> str:
        delimiter = self._peek()
        if (
            not delimiter.isascii()
            or not delimiter.isprintable()
            or delimiter.isalnum()
            or delimiter in "\\ "
        ):
            raise _syntax("that character delimits nothing")
        self._place += 1
        return delimiter

    # -- arguments

    def _substitution(self) -> tuple[str, str]:
        (regex, replacement), delimiter = self._delimited(2)
        text = f"{delimiter}{regex}{delimiter}{replacement}{delimiter}"
        flags = self._take(_FLAGS)
        words = re.findall(r"[0-9]+|[a-zA-Z]", flags.replace("i", "I").replace("m", "M"))
        if len(set(words)) < len(words) or sum(word.isdigit() for word in words) > 1:
            raise _syntax("a flag stands twice")
        if any(word.isdigit() and int(word) == 0 for word in words):
            raise _syntax("the number of a match is not 0")
        canonical = "".join(words)
        if self._peek() == "e":
            raise NotARead("command", "The sed script runs what it makes as a command.", Effect.RUNS_CODE)
        if self._peek() != "w":
            return text + canonical, ""
        self._place += 1
        path = self._path()
        return f"{text}{canonical}w {path}", path

    def _transliteration(self) -> str:
        delimiter = self._delimiter()
        start = self._place
        end = plain_end(self._text, start, delimiter)
        second = None if end is None else plain_end(self._text, end + 1, delimiter)
        if end is None or second is None:
            raise _syntax("y has no end")
        from_, alike = regex_end(self._text, start, delimiter)
        if not alike or from_ != end:
            raise _syntax("seds differ on where the first half of y ends")
        self._place = second + 1
        if "\n" in self._text[start:second]:
            raise _syntax("a line ends within y")
        return self._text[start - 1 : second + 1]

    def _label(self, *, needed: bool) -> str:
        self._take(_BLANKS)
        label = self._take(_LABEL)
        if needed and (not label or self._peek() == "}"):
            raise _syntax("a label is missing")
        return f" {label}" if label else ""

    def _path(self) -> str:
        """A file's name, which goes on to the end of the line."""
        self._take(_BLANKS)
        path = self._take(_PATH)
        if not path or self._peek() not in {"", "\n"}:
            raise _syntax("a file's name goes on to the end of its line, and that one is hardly meant")
        return path

    def _written(self) -> str:
        """The text of ``a``, ``i`` or ``c``: canonically on the lines behind it."""
        self._take(_BLANKS)
        if self._peek() == "\\":
            self._place += 1
            if not self._peek():
                return "\\"
            blanks = self._take(_BLANKS)
            if self._peek() == "\n" and not blanks:
                self._place += 1
            else:
                self._place -= len(blanks)
                if self._peek() == "\\":
                    raise _syntax("two backslashes before a text")
        text = self._take(_TEXT)
        if self._peek() == "\\":
            raise _syntax("a text ends with a backslash")
        if not text or text.endswith("\\\n") or any(_ends_in_two(line) for line in text.split("\n")):
            raise _syntax("seds differ on where a text ends")
        kept = "\\" if text[0] in " \t" else ""
        return f"\\\n{kept}{text}"


def _ends_in_two(line: str) -> bool:
    """Whether a line ends in two backslashes: some seds take the second for a continuation."""
    return line.endswith("\\\\")
