"""What is known of variables while a line is gone through in the order in which it would run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.judge.shell.arrays import EMPTY, READABLE, Array, Arrays, Filled, index_of
from gateway.judge.shell.cursor import NotRead
from gateway.judge.shell.nested.variables import harmless, harmless_name
from gateway.judge.shell.tree import Subscript
from gateway.judge.shell.values import INTEGER, UNKNOWN, UNSET, Value, known

MOST_VARIABLES: Final = 100
"""How many variables a line may assign."""

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


@dataclass(slots=True)
class Scope:
    """Variables and their values at one place of a line.

    Attributes:
        held: variables that the gateway holds.
        inside: whether the line stands inside another one, whose variables aren't known here.
        values: what was assigned so far.
        folder: the working folder; empty: not known.
        home: what ``$HOME`` means; what the shell itself is given leads nowhere.
        arrays: what was assigned to arrays so far.
        before: the folder that ``cd -`` leads to; empty: not known.
        log: whatever was set, in order; one for all copies.
    """

    held: Mapping[str, str] = field(default_factory=dict)
    inside: bool = False
    values: dict[str, Value] = field(default_factory=dict)
    folder: str = ""
    home: str = ""
    arrays: Arrays = field(default_factory=Arrays)
    before: str = ""
    log: list[tuple[str, Value | Array | None]] = field(default_factory=list)

    def enter(self, folder: str) -> None:
        """Let the line stand in another folder from here on; ``cd -`` leads back.

        Args:
            folder: which; empty: not known.
        """
        self.log.append(("", None))
        self.before, self.folder = self.folder, folder

    def value(self, name: str) -> Value:
        """What a variable may hold here."""
        if name == "_":
            return UNKNOWN  # bash leaves the last word of each command there
        array = self.arrays.found.get(name)
        if array is not None:
            return array.first
        if self.arrays.sorts.get(name) == "keyed":
            return UNKNOWN
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
        self.arrays.means(name, "plain")
        self._set(name, value)

    def _set(self, name: str, value: Value) -> None:
        if len(self.values) >= MOST_VARIABLES and name not in self.values:
            raise NotRead("variable", f"More than {MOST_VARIABLES} variables are not kept apart.")
        self.values[name] = value
        self.log.append((name, value))

    def element(self, name: str, subscript: Subscript | None = None) -> Value:
        """What an element of an array may hold; without a subscript, or with one for all: any of them."""
        if name in READABLE:
            return READABLE[name]
        array = self.arrays.found.get(name)
        if array is None:
            return self.value(name) | UNSET
        return array.element if subscript in (None, "@", "*") else array.at(index_of(subscript))

    def all(self, name: str) -> tuple[str, ...] | None:
        """Every element of an array, in order, where all are known; None else."""
        array = self.arrays.found.get(name)
        return None if array is None or array.items is None else tuple(array.items.values())

    def begin(self, name: str, *, anew: bool) -> Filled:
        """Begin to fill an indexed array.

        Args:
            name: of the array.
            anew: whether it holds nothing at first.

        Raises:
            NotRead: the name stands for something else.
        """
        self.arrays.means(name, "indexed")
        if anew:
            return Filled({}, UNSET)
        array = self.arrays.found.get(name)
        if array is not None:
            return Filled(None if array.items is None else dict(array.items), array.element)
        if name in self.held:
            raise NotRead("array", f"{name} holds a plain value; empty it first, with {name}=().")
        if self._is_unset(name):
            return Filled({}, UNSET)
        return Filled(None, self.value(name))

    def _is_unset(self, name: str) -> bool:
        if name in self.values:
            return self.values[name] == UNSET
        return not self.inside and _FROM_ELSEWHERE.fullmatch(name) is None

    def fill(self, name: str, array: Array) -> None:
        """Let an array hold something from here on.

        Raises:
            NotRead: there are too many variables.
        """
        self._set(name, array.first)
        self.arrays.found[name] = array
        self.log.append((name, array))

    def declare(self, name: str, *, keyed: bool) -> None:
        """Let a name be an array from here on, with the elements that it has.

        Raises:
            NotRead: it stands for something else.
        """
        if not keyed:
            self.fill(name, self.begin(name, anew=False).array())
            return
        if self.arrays.sorts.get(name) != "keyed":
            raise NotRead("array", f"{name} must be declared by declare -A, written out.")
        if name in self.held:
            raise NotRead("array", f"{name} holds a plain value; take another name.")
        self._set(name, UNKNOWN)
        self.arrays.found.setdefault(name, Array(None, UNKNOWN, keyed=True))

    def forget(self, name: str) -> None:
        """Let a variable or an array be unset."""
        self._set(name, UNSET)
        sort = self.arrays.sorts.get(name)
        if sort == "keyed":
            self.log.append((name, Array()))
        self.arrays.found.pop(name, None)
        if sort == "indexed":
            self.arrays.found[name] = EMPTY

    def widen(self, name: str, value: Value) -> None:
        """Let a variable hold what it may hold in any round of a loop that assigns it."""
        array = self.arrays.found.pop(name, None)
        if array is not None and not array.keyed:
            self.arrays.found[name] = Array(None, array.element | value)
        else:
            self._set(name, self.value(name) | value)

    def widen_array(self, name: str, value: Value) -> None:
        """Let an array hold what it may hold in any round of a loop that fills it."""
        array = self.arrays.found.get(name)
        if array is not None:
            self.arrays.found[name] = Array(None, array.element | value, array.keyed)
        else:
            self._set(name, self.value(name) | value | UNKNOWN)

    def left(self) -> dict[str, str]:
        """Every plain variable whose value is known, with that value."""
        texts = {name: value.only for name, value in self.values.items()}
        arrays = self.arrays.found
        return {name: text for name, text in texts.items() if text is not None and name not in arrays}

    def copy(self) -> Scope:
        """A scope for what runs in a process of its own, or may not run at all."""
        return Scope(
            self.held,
            self.inside,
            dict(self.values),
            self.folder,
            self.home,
            self.arrays.copy(),
            self.before,
            self.log,
        )

    def check_since(self, mark: int) -> None:
        """Let a loop's body pass that sets nothing but what this scope, where rounds begin, allows for.

        Args:
            mark: length of the log when the body began.

        Raises:
            NotRead: a command sets what could not be seen before it was judged, such as ``read $name``.
        """
        for name, held in self.log[mark:]:
            if not self._allows_for(name, held):
                raise NotRead(
                    "variable", f"A loop changes {name or 'its folder'} by a name that is not written out."
                )

    def _allows_for(self, name: str, held: Value | Array | None) -> bool:
        if held is None:
            return not self.folder and not self.before
        array = self.arrays.found.get(name)
        if isinstance(held, Value):
            # Of an array, what fills it is noted as one behind this.
            return array is not None or self.value(name) | held == self.value(name)
        if array is None:
            return not held.keyed and self.element(name) | held.element == self.element(name)
        return array | held == array

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
        self.arrays.found = self._joined_arrays(ways)
        self.values = joined
        folders, befores = {way.folder for way in ways}, {way.before for way in ways}
        self.folder = folders.pop() if len(folders) == 1 else ""
        self.before = befores.pop() if len(befores) == 1 else ""

    def _joined_arrays(self, ways: list[Scope]) -> dict[str, Array]:
        found: dict[str, Array] = {}
        for name in {name for way in ways for name in way.arrays.found}:
            arrays = [way.arrays.found.get(name) or Array(None, way.value(name) | UNSET) for way in ways]
            if self.arrays.sorts.get(name) == "keyed" and not all(each.keyed for each in arrays):
                continue
            joined, *rest = arrays
            for each in rest:
                joined = joined | each
            found[name] = joined
        return found


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


def check_readable(name: str) -> None:
    """Let an array be read that a line has filled, or one of bash's own that is known.

    Raises:
        NotRead: it is another of bash's own.
    """
    if _OURS.fullmatch(name) is not None and name not in READABLE:
        raise NotRead("array", f"The array {name} of the shell's own is not understood.")
