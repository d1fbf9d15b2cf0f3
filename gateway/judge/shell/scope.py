"""What is known of variables while a line is gone through in the order in which it would run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.judge.shell.cursor import NotRead
from gateway.judge.shell.nested.variables import harmless, harmless_name

MOST_VARIABLES: Final = 100
"""How many variables a line may assign."""
MOST_VALUES: Final = 64
"""How many values of one variable are kept apart."""

_INTEGER: Final = re.compile(r"-?[0-9]{1,18}|")
_ONE_WORD: Final = re.compile(r"[^\s*?\[\\~]+")
_OURS: Final = re.compile(
    r"PATH|IFS|ENV|PS[0-9]|HOME|CDPATH|TMPDIR|TMP|TEMP|USER|LOGNAME|SHELL|PWD|OLDPWD|GLOBIGNORE|EXECIGNORE|FIGNORE"
    r"|PROMPT_COMMAND|SHELLOPTS|POSIXLY_CORRECT|FUNCNEST|INPUTRC|OPT(IND|ARG|ERR)|MAIL(PATH|CHECK)?|TIMEFORMAT|COMP_.*"
    r"|BASH.*|HIST.*|LD_.*|DYLD_.*|GCONV_PATH|LOCPATH|NLSPATH|HOSTALIASES|MALLOC_.*|GLIBC_.*|REPLY|DIRSTACK|GROUPS"
    r"|PIPESTATUS|FUNCNAME|LINENO|RANDOM|SRANDOM|SECONDS|EPOCH.*|U?E?UID|PPID|LESS.*|GIT_.*|auto_resume|histchars"
)
_FROM_ELSEWHERE: Final = re.compile(r"[A-Z][A-Z0-9_]*|[0-9]+")
_INTEGERS_OF_THE_SHELL: Final = frozenset(
    (
        "RANDOM",
        "SRANDOM",
        "SECONDS",
        "EPOCHSECONDS",
        "LINENO",
        "UID",
        "EUID",
        "PPID",
        "BASHPID",
        "COLUMNS",
        "LINES",
    )
)


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


@dataclass(slots=True)
class Scope:
    """Variables and their values at one place of a line.

    Attributes:
        held: variables that the gateway holds.
        inside: whether the line stands inside another one, whose variables aren't known here.
        values: what was assigned so far.
        folder: the working folder; empty: not known.
        home: what ``$HOME`` means; what the shell itself is given leads nowhere.
    """

    held: Mapping[str, str] = field(default_factory=dict)
    inside: bool = False
    values: dict[str, Value] = field(default_factory=dict)
    folder: str = ""
    home: str = ""

    def value(self, name: str) -> Value:
        """What a variable may hold here."""
        found = self.values.get(name)
        if found is not None:
            return found
        if name in self.held:
            return known(self.held[name])
        if name == "HOME" and self.home:
            return known(self.home)
        if name in _INTEGERS_OF_THE_SHELL:
            return INTEGER
        if self.inside or _FROM_ELSEWHERE.fullmatch(name) is not None:
            return UNKNOWN
        return INTEGER  # never assigned: empty, and 0 in arithmetic

    def assign(self, name: str, value: Value) -> None:
        """Let a variable hold something from here on.

        Raises:
            NotRead: there are too many.
        """
        if len(self.values) >= MOST_VARIABLES and name not in self.values:
            raise NotRead("variable", f"More than {MOST_VARIABLES} variables are not kept apart.")
        self.values[name] = value

    def copy(self) -> Scope:
        """A scope for what runs in a process of its own, or may not run at all."""
        return Scope(self.held, self.inside, dict(self.values), self.folder, self.home)

    def join(self, others: Iterable[Scope]) -> None:
        """Take over what holds where any of several ways was gone, each of which began here."""
        ways = list(others)
        names = {name for way in ways for name in way.values}
        joined = {}
        for name in names:
            value, *rest = [way.value(name) for way in ways]
            for each in rest:
                value = value | each
            joined[name] = value
        self.values = joined
        folders = {way.folder for way in ways}
        self.folder = folders.pop() if len(folders) == 1 else ""


def check_name(name: str, value: str | None) -> None:
    """Let a variable be assigned that means nothing to the shell, or only changes looks with that value.

    Args:
        name: of the variable.
        value: what it gets; None where that isn't known.

    Raises:
        NotRead: it means something.
    """
    if harmless_name(name):
        if value is None or not harmless(name, value):
            raise NotRead("variable", f"This value of {name} is not known to change looks alone.")
    elif _OURS.fullmatch(name) is not None:
        raise NotRead("variable", f"{name} means something to the shell, so it can't be set.")
