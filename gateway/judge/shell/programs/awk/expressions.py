"""awk's expressions: tokens → tree, by precedence climbing over POSIX's table."""

from __future__ import annotations

from gateway.judge.shell.programs.awk.lexer import Kind, Lexer, Token, syntax
from gateway.judge.shell.programs.awk.tree import (
    Assign,
    Binary,
    Call,
    Chain,
    CommandGetline,
    Expression,
    Field,
    Getline,
    Group,
    In,
    Increment,
    Index,
    Name,
    Number,
    Regex,
    String,
    Target,
    Ternary,
    Unary,
)
from gateway.judge.shell.programs.awk.words import FUNCTIONS, KEYWORDS, OTHER_FUNCTIONS
from gateway.judge.shell.programs.program import MAX_DEPTH, NotARead

_ASSIGNMENTS = frozenset({"=", "+=", "-=", "*=", "/=", "%=", "^=", "**="})
_CARETS = {"**=": "^=", "**": "^"}

_TERNARY, _OR, _AND, _IN, _MATCH, _COMPARE, _PIPE, _JOIN, _SUM, _PRODUCT, _UNARY = range(11)
"""Levels of precedence, loosest first; ``^`` binds tighter than all of them."""

_LEVELS = {
    "?": _TERNARY,
    "||": _OR,
    "&&": _AND,
    "~": _MATCH,
    "!~": _MATCH,
    "<": _COMPARE,
    "<=": _COMPARE,
    "!=": _COMPARE,
    "==": _COMPARE,
    ">": _COMPARE,
    ">=": _COMPARE,
    "|": _PIPE,
    "+": _SUM,
    "-": _SUM,
    "*": _PRODUCT,
    "/": _PRODUCT,
    "%": _PRODUCT,
}


class Expressions:
    """Reads expressions from a program; the parser of statements stands on it.

    Args:
        text: the program.
    """

    def __init__(self, text: str) -> None:
        self._lexer = Lexer(text)
        self._next = self._lexer.token(0)
        self._depth = 0
        self._closed: Expression | None = None
        """What the last parenthesis closed: no target, however it looks."""
        self._redirects = False
        """Whether ``>`` is print's, not a comparison."""

    # -- tokens

    def _advance(self) -> Token:
        token = self._next
        self._next = self._lexer.token(token.end)
        return token

    def _sign(self, *signs: str) -> bool:
        """Whether one of these signs is next."""
        return self._next.kind is Kind.SIGN and self._next.text in signs

    def _word(self, *words: str) -> bool:
        """Whether one of these words is next."""
        return self._next.kind in {Kind.NAME, Kind.CALL} and self._next.text in words

    def _expect(self, sign: str) -> None:
        if not self._sign(sign):
            raise syntax(f"{sign} is missing before {self._next.text!r}")
        self._advance()

    def _newlines(self) -> None:
        while self._next.kind is Kind.NEWLINE:
            self._advance()

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise NotARead("too-deep", f"A program nested deeper than {MAX_DEPTH} is not read.")

    def _leave(self) -> None:
        self._depth -= 1

    def _variable(self) -> str:
        """A name that is no word of awk's."""
        token = self._advance()
        if token.kind is not Kind.NAME or token.text in KEYWORDS | FUNCTIONS | OTHER_FUNCTIONS:
            raise syntax(f"{token.text!r} is no name of a variable")
        return token.text

    # -- expressions

    def _value(self, lowest: int = _TERNARY) -> Expression:
        """An expression that is no list in parentheses."""
        return self._single(self._expression(lowest))

    def _single(self, node: Expression) -> Expression:
        if isinstance(node, Group):
            raise syntax("a list in parentheses has no place there")
        return node

    def _expression(self, lowest: int = _TERNARY) -> Expression:
        """An expression of at least a precedence."""
        self._enter()
        left = self._assigned(self._unary())
        compared = False
        while (level := self._level()) is not None and level >= lowest:
            if level == _COMPARE:
                if compared:
                    raise syntax("comparisons in a row are read differently by different awks")
                compared = True
            left = self._joined(left, level)
        self._leave()
        return left

    def _assigned(self, left: Expression) -> Expression:
        """An operand, or the assignment that begins with it."""
        if self._next.kind is not Kind.SIGN or self._next.text not in _ASSIGNMENTS:
            return left
        target = self._target(left)
        if target is None:
            raise syntax("what is assigned to is no variable, element or field")
        operator = self._advance().text
        self._newlines_refused()
        return Assign(_CARETS.get(operator, operator), target, self._value())

    def _newlines_refused(self) -> None:
        if self._next.kind is Kind.NEWLINE:
            raise syntax("a line ends within an expression")

    def _target(self, node: Expression) -> Target | None:
        if isinstance(node, Name | Index | Field) and node is not self._closed:
            return node
        return None

    def _level(self) -> int | None:
        """Precedence of the operator that is next; None: the expression ends here."""
        token = self._next
        if token.kind is Kind.SIGN:
            if token.text == ">" and self._redirects:
                return None
            if token.text == "|" and not self._reads_command():
                return None
            if token.text in _LEVELS:
                return _LEVELS[token.text]
            return _JOIN if token.text in {"$", "!", "(", "++", "--"} else None
        if token.kind in {Kind.NUMBER, Kind.STRING}:
            return _JOIN
        if token.kind in {Kind.NAME, Kind.CALL}:
            if token.text == "in":
                return _IN
            return None if token.text in KEYWORDS else _JOIN
        return None

    def _reads_command(self) -> bool:
        """Whether the ``|`` that is next leads to ``getline``."""
        behind = self._lexer.token(self._next.end)
        return behind.kind in {Kind.NAME, Kind.CALL} and behind.text == "getline"

    def _joined(self, left: Expression, level: int) -> Expression:
        if level == _TERNARY:
            return self._ternary(left)
        if level == _IN:
            self._advance()
            keys = left.items if isinstance(left, Group) else (left,)
            return In(keys, self._variable())
        self._single(left)
        if level == _PIPE:
            self._advance()
            self._advance()
            return self._ended(CommandGetline(left, self._getline_target()))
        if level == _COMPARE:
            operator = self._advance().text
            return Binary(operator, left, self._value(_PIPE))
        rest = []
        while self._level() == level:
            operator = "" if level == _JOIN else self._advance().text
            if level in {_AND, _OR}:
                self._newlines()
            rest.append((operator, self._value(level + 1)))
        return Chain(left, tuple(rest))

    def _ternary(self, condition: Expression) -> Expression:
        self._single(condition)
        self._advance()
        self._newlines()
        then = self._value()
        self._newlines()
        self._expect(":")
        self._newlines()
        return Ternary(condition, then, self._value())

    def _unary(self) -> Expression:
        """An operand with the signs before it and the powers behind it."""
        if self._sign("!", "-", "+"):
            self._enter()
            operator = self._advance().text
            operand = self._single(self._unary())
            self._leave()
            return Unary(operator, operand)
        left = self._stepped()
        if self._sign("^", "**"):
            self._single(left)
            self._advance()
            self._enter()
            power = self._single(self._unary())
            self._leave()
            return Binary("^", left, power)
        return left

    def _stepped(self) -> Expression:
        """A primary with ``++`` or ``--`` before or behind it."""
        if self._sign("++", "--"):
            operator = self._advance().text
            target = self._target(self._primary())
            if target is None:
                raise syntax(f"{operator} has no variable, element or field")
            return Increment(operator, target, before=True)
        node = self._primary()
        if self._sign("++", "--"):
            target = self._target(node)
            if isinstance(target, Field) and isinstance(target.number, Field):
                raise syntax("awks differ on an increment behind a field's field")
            if target is not None:
                return Increment(self._advance().text, target, before=False)
            if node is self._closed:
                raise syntax("awks differ on an increment behind a parenthesis")
        return node

    def _primary(self) -> Expression:
        token = self._next
        if token.kind is Kind.SIGN:
            return self._signed_primary(token)
        if token.kind is Kind.NUMBER:
            return Number(self._advance().text)
        if token.kind is Kind.STRING:
            return String(self._advance().text)
        if token.kind not in {Kind.NAME, Kind.CALL}:
            raise syntax("an expression is missing")
        if token.text == "getline":
            return self._getline()
        if token.text in FUNCTIONS or token.text in OTHER_FUNCTIONS:
            return self._builtin()
        if token.text in KEYWORDS:
            raise syntax(f"{token.text} has no place there")
        if token.kind is Kind.CALL:
            self._advance()
            return Call(token.text, self._arguments())
        return self._name()

    def _signed_primary(self, token: Token) -> Expression:
        if token.text in {"/", "/="}:
            regex = self._lexer.regex(token.start)
            self._next = self._lexer.token(regex.end)
            return Regex(regex.text)
        if token.text == "$":
            self._advance()
            self._enter()
            stepped = self._sign("++", "--")
            number = self._stepped() if stepped else self._primary()
            self._leave()
            if isinstance(number, Group | Getline | Regex):
                raise syntax("$ has no number")
            return Field(number)
        if token.text == "(":
            return self._parenthesis()
        raise syntax(f"{token.text} has no place there")

    def _parenthesis(self) -> Expression:
        self._advance()
        redirects, self._redirects = self._redirects, False
        self._newlines_refused()
        items = [self._value()]
        while self._sign(","):
            self._advance()
            self._newlines()
            items.append(self._value())
        self._redirects = redirects
        self._expect(")")
        if len(items) > 1:
            return Group(tuple(items))
        self._closed = items[0]
        return items[0]

    def _name(self) -> Expression:
        name = self._variable()
        if not self._sign("["):
            return Name(name)
        return Index(name, self._keys())

    def _keys(self) -> tuple[Expression, ...]:
        self._expect("[")
        keys = self._list("]")
        if not keys:
            raise syntax("an index is missing")
        if self._sign("["):
            raise NotARead("gawk-extension", "Arrays of arrays are gawk's alone.")
        return keys

    def _arguments(self) -> tuple[Expression, ...]:
        self._expect("(")
        return self._list(")")

    def _list(self, end: str) -> tuple[Expression, ...]:
        """Expressions up to and with an end, separated by commas."""
        redirects, self._redirects = self._redirects, False
        items: list[Expression] = []
        self._newlines_refused()
        while not self._sign(end):
            if items:
                self._expect(",")
                self._newlines()
            items.append(self._value())
        self._redirects = redirects
        self._expect(end)
        return tuple(items)

    def _builtin(self) -> Expression:
        name = self._advance().text
        if self._sign("("):
            arguments = self._arguments()
            if name == "length" and not arguments:
                arguments = (Field(Number("0")),)
            return Call(name, arguments)
        if name != "length":
            raise syntax(f"{name} has no arguments")
        return Call(name, (Field(Number("0")),))

    # -- getline

    def _getline(self) -> Expression:
        self._advance()
        target = self._getline_target()
        if not self._sign("<"):
            return self._ended(Getline(target, None))
        self._advance()
        self._enter()
        source = self._single(self._primary())
        self._leave()
        return self._ended(Getline(target, source))

    def _ended(self, node: Expression) -> Expression:
        """A getline, behind which nothing follows that an awk could take for a part of it."""
        level = self._level()
        if (level is not None and level >= _PIPE) or self._sign("^", "**"):
            raise syntax("awks differ on where getline ends")
        return node

    def _getline_target(self) -> Target | None:
        if not (
            self._sign("$")
            or (
                self._next.kind is Kind.NAME and self._next.text not in KEYWORDS | FUNCTIONS | OTHER_FUNCTIONS
            )
        ):
            return None
        target = self._target(self._primary())
        if target is None or self._sign("++", "--"):
            raise syntax("awks differ on where the variable of getline ends")
        return target
