"""jq: filters of jq 1.5 to 1.8. The language writes nothing and runs nothing; modules are its only door.

Canonical text is the filter's own tokens in their order, comments gone and blanks narrowed to one. That is
enough: tokens are read alike by every jq, no operator does harm whatever its precedence, and only functions
that are listed here or defined in the filter are called. (Comments go because jq 1.7 lets a backslash
continue them and jq 1.6 does not.)
"""

from __future__ import annotations

import re

from gateway.judge.shell.finding import Effect
from gateway.judge.shell.programs.program import (
    MAX_DEPTH,
    NotARead,
    Program,
    a_read,
    check_text,
    no_read,
    words,
)

FUNCTIONS = words(
    """
    abs acos acosh add all any arrays ascii ascii_downcase ascii_upcase asin asinh atan atan2 atanh
    booleans bsearch builtins capture cbrt ceil combinations contains copysign cos cosh date dateadd
    datesub debug del delpaths drem empty endswith env erf erfc error exp exp10 exp2 explode expm1
    fabs false fdim finites first flatten floor fma fmax fmin fmod format frexp from_entries
    fromdate fromdateiso8601 fromjson fromstream gamma get_jq_origin get_prog_origin get_search_list
    getpath gmtime group_by gsub halt halt_error has have_decnum have_literal_numbers hypot implode
    IN in INDEX index indices infinite input input_filename input_line_number inputs inside isempty
    isfinite isinfinite isnan isnormal isvalid iterables j0 j1 jn JOIN join keys keys_unsorted last
    ldexp leaf_paths length lgamma lgamma_r limit localtime log log10 log1p log2 logb ltrim ltrimstr
    map map_values match max max_by min min_by mktime modf nan nearbyint nextafter nexttoward
    normals not now nth null nulls numbers objects path paths pick pow pow10 range recurse
    recurse_down remainder repeat reverse rindex rint round rtrim rtrimstr scalars scalars_or_empty
    scalb scalbln scan select setpath significand sin sinh skip sort sort_by split splits sqrt
    startswith stderr strflocaltime strftime strings strptime sub tan tanh test tgamma to_entries
    toarray toboolean todate todateiso8601 tojson tonumber tostream tostring transpose trim trimstr
    true trunc truncate_stream type unique unique_by until utf8bytelength values walk while
    with_entries y0 y1 yn
    """
)
"""Functions of jq 1.5 to 1.8, whatever the number of their arguments."""

_KEYWORDS = frozenset(
    {
        *("def", "if", "then", "elif", "else", "end", "as", "reduce", "foreach", "try", "catch", "label"),
        *("import", "include", "module", "and", "or", "__loc__"),
    }
)
_TOKEN = re.compile(
    r"""(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    |(?P<field>\.[A-Za-z_][A-Za-z0-9_]*)
    |(?P<variable>\$[A-Za-z_][A-Za-z0-9_]*)
    |(?P<format>@[A-Za-z0-9_]+)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>\?//|//=|!=|==|//|\|=|\+=|-=|\*=|/=|%=|<=|>=|\.\.|["?.=;,:|+\-*/%<>()\[\]{}])
    """,
    re.VERBOSE,
)
_BLANKS = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_OPERATORS = frozenset(
    {
        *("|", ",", "//", "=", "|=", "+=", "-=", "*=", "/=", "%=", "//=", "or", "and"),
        *("==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%"),
    }
)
_CHUNK = re.compile(r'(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))+')


def judge_program(text: str) -> Program:
    """Judge a jq filter, and put it down canonically.

    Args:
        text: the filter.

    Returns:
        What it does; it reads no file by itself.
    """
    try:
        check_text(text)
        return a_read("jq", read(text), sandboxed=True)
    except NotARead as failure:
        return no_read("jq", failure)
    except RecursionError:
        return no_read("jq", NotARead("too-deep", "A filter nested that deeply is not read."))


def read(text: str) -> str:
    """Read a filter strictly.

    Returns:
        Its canonical text.

    Raises:
        NotARead: it is not understood, loads a module, or calls a function that is not known.
    """
    return _Reader(text).filter()


def _syntax(what: str) -> NotARead:
    return NotARead("syntax", f"The jq filter is not understood: {what}.")


class _Reader:
    """Recursive descent; what is read goes straight into the canonical text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self._out: list[str] = []
        self._depth = 0
        self._defined: set[str] = set()
        self._called: set[str] = set()
        self._kind = ""
        self._next = ""
        self._blank = False
        self._look()

    # -- tokens

    def _look(self) -> None:
        """Find the next token, behind blanks and comments."""
        found = _BLANKS.match(self._text, self._place)
        blanks = found.group() if found else ""
        if "\\" in blanks:
            raise _syntax("a backslash in a comment is read differently by different versions")
        self._blank = bool(blanks)
        self._place += len(blanks)
        token = _TOKEN.match(self._text, self._place)
        if token is None:
            if self._place < len(self._text):
                raise _syntax(f"{self._text[self._place]!r} has no place there")
            self._kind, self._next = "end", ""
            return
        self._kind, self._next = token.lastgroup or "", token.group()

    def _take(self) -> str:
        """Take the next token into the canonical text."""
        token = self._next
        self._out.append(f" {token}" if self._blank and self._out else token)
        self._place += len(token)
        self._look()
        return token

    def _is(self, *texts: str) -> bool:
        return self._kind in {"sign", "name"} and self._next in texts

    def _expect(self, *texts: str) -> str:
        if not self._is(*texts):
            raise _syntax(f"{texts[0]!r} is missing before {self._next!r}")
        return self._take()

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise NotARead("too-deep", f"A filter nested deeper than {MAX_DEPTH} is not read.")

    # -- filters

    def filter(self) -> str:
        """Everything."""
        if self._kind != "end":
            self._pipe(definitions_only=True)
        if self._kind != "end":
            raise _syntax(f"{self._next!r} has no place there")
        unknown = sorted(self._called - self._defined - FUNCTIONS)
        if unknown:
            raise NotARead("function", f"The function {unknown[0]} is not known.")
        return "".join(self._out)

    def _pipe(self, *, definitions_only: bool = False, comma: bool = True) -> None:
        """Operands with operators between them."""
        self._enter()
        while self._is("def"):
            self._definition()
            if definitions_only and self._kind == "end":
                self._depth -= 1
                return
        self._operand()
        while self._is(*_OPERATORS) and (comma or self._next != ","):
            self._take()
            while self._is("def"):
                self._definition()
            self._operand()
        self._depth -= 1

    def _definition(self) -> None:
        """``def name(parameters): body;``."""
        self._take()
        self._defined.add(self._identifier())
        if self._is("("):
            self._take()
            while True:
                if self._kind == "variable":
                    self._defined.add(self._take()[1:])
                else:
                    self._defined.add(self._identifier())
                if self._expect(")", ";") == ")":
                    break
        self._expect(":")
        self._pipe()
        self._expect(";")

    def _identifier(self) -> str:
        if self._kind != "name" or self._next in _KEYWORDS:
            raise _syntax(f"{self._next!r} is no name")
        return self._take()

    def _operand(self) -> None:
        while self._is("-"):
            self._take()
        if self._is("reduce", "foreach"):
            self._fold()
        elif self._is("label"):
            self._take()
            self._variable()
            if not self._is("|"):
                raise _syntax("a label stands before a pipe")
        else:
            self._term()
            if self._is("as"):
                self._take()
                self._patterns()
                if not self._is("|"):
                    raise _syntax("a binding stands before a pipe")

    def _variable(self) -> None:
        if self._kind != "variable":
            raise _syntax("a variable is missing")
        self._take()

    def _fold(self) -> None:
        """``reduce term as $x (start; update)``, and ``foreach`` with one more."""
        parts = 2 if self._take() == "reduce" else 3
        self._term()
        self._expect("as")
        self._patterns()
        self._expect("(")
        self._pipe()
        self._expect(";")
        self._pipe()
        if parts == 3 and self._is(";"):
            self._take()
            self._pipe()
        self._expect(")")

    def _patterns(self) -> None:
        self._pattern()
        while self._is("?//"):
            self._take()
            self._pattern()

    def _pattern(self) -> None:
        self._enter()
        if self._is("["):
            self._take()
            self._pattern()
            while self._expect(",", "]") == ",":
                self._pattern()
        elif self._is("{"):
            self._take()
            self._pattern_entry()
            while self._expect(",", "}") == ",":
                self._pattern_entry()
        else:
            self._variable()
        self._depth -= 1

    def _pattern_entry(self) -> None:
        bare = self._kind == "variable"
        self._key()
        if self._is(":"):
            self._take()
            self._pattern()
        elif not bare:
            raise _syntax("a key stands without a pattern")

    def _key(self) -> None:
        """A key of an object or of its pattern."""
        if self._kind in {"variable", "name"}:
            self._take()
        elif self._kind == "format":
            self._take()
            if not self._is('"'):
                raise _syntax("a format stands before a string as a key")
            self._string()
        elif self._is('"'):
            self._string()
        elif self._is("("):
            self._take()
            self._pipe()
            self._expect(")")
        else:
            raise _syntax(f"{self._next!r} is no key")

    # -- terms

    def _term(self) -> None:
        """A term with its suffixes."""
        self._enter()
        self._head()
        while True:
            if self._kind == "field" or self._is("?"):
                self._take()
            elif self._is("["):
                self._bracket()
            elif self._is("."):
                self._take()
                if self._is('"'):
                    self._string()
                elif self._is("["):
                    self._bracket()
                else:
                    raise _syntax("a key is missing behind a dot")
            else:
                break
        self._depth -= 1

    def _bracket(self) -> None:
        """``[]``, ``[e]``, ``[e:e]``, ``[e:]``, ``[:e]``."""
        self._expect("[")
        if not self._is(":", "]"):
            self._pipe()
        if self._is(":"):
            self._take()
            if not self._is("]"):
                self._pipe()
        self._expect("]")

    def _head(self) -> None:
        match self._kind, self._next:
            case (("number" | "field" | "variable"), _):
                self._take()
            case "format", _:
                self._take()
                if self._is('"'):
                    self._string()
            case "sign", '"':
                self._string()
            case "sign", ".":
                self._take()
                if self._is('"'):
                    self._string()
            case "sign", "..":
                self._take()
            case "sign", "(":
                self._take()
                self._pipe()
                self._expect(")")
            case "sign", "[":
                self._take()
                if not self._is("]"):
                    self._pipe()
                self._expect("]")
            case "sign", "{":
                self._object()
            case "name", _:
                self._named()
            case _:
                raise _syntax("an operand is missing")

    def _named(self) -> None:
        """A term that begins with a word."""
        match self._next:
            case "if":
                self._condition()
            case "try":
                self._take()
                self._tried()
                if self._is("catch"):
                    self._take()
                    self._tried()
            case "reduce" | "foreach":
                self._fold()
            case "import" | "include" | "module" | "modulemeta":
                raise NotARead("module", "A jq module is code that is not read.", Effect.RUNS_CODE)
            case "break":
                self._take()
                self._variable()
            case _:
                self._called.add(self._identifier())
                if self._is("("):
                    self._take()
                    self._pipe()
                    while self._expect(";", ")") == ";":
                        self._pipe()

    def _tried(self) -> None:
        while self._is("-"):
            self._take()
        self._term()

    def _condition(self) -> None:
        self._take()
        self._pipe()
        self._expect("then")
        self._pipe()
        while self._is("elif"):
            self._take()
            self._pipe()
            self._expect("then")
            self._pipe()
        if self._is("else"):
            self._take()
            self._pipe()
        self._expect("end")

    def _object(self) -> None:
        self._take()
        while not self._is("}"):
            named = self._kind in {"variable", "name", "format"} or self._is('"')
            self._key()
            if self._is(":"):
                self._take()
                self._pipe(comma=False)
            elif not named:
                raise _syntax("a key stands without a value")
            if not self._is("}"):
                self._expect(",")
        self._expect("}")

    def _string(self) -> None:
        """A string with what is interpolated into it."""
        self._out.append(' "' if self._blank and self._out else '"')
        self._place += 1
        while True:
            if found := _CHUNK.match(self._text, self._place):
                self._out.append(found.group())
                self._place = found.end()
            elif self._text.startswith("\\(", self._place):
                self._out.append("\\(")
                self._place += 2
                self._look()
                self._blank = False
                self._pipe()
                if not self._is(")"):
                    raise _syntax("an interpolation has no end")
                self._out.append(")")
                self._place += 1
            elif self._text.startswith('"', self._place):
                self._out.append('"')
                self._place += 1
                self._look()
                return
            else:
                raise _syntax("a string has no end, or an escape that is none")
