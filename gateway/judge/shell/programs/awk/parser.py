"""awk's programs: items and statements, over its expressions."""

from __future__ import annotations

from typing import Literal, cast

from gateway.judge.shell.finding import Effect
from gateway.judge.shell.programs.awk.expressions import Expressions
from gateway.judge.shell.programs.awk.lexer import Kind, syntax
from gateway.judge.shell.programs.awk.tree import (
    Block,
    Case,
    Delete,
    Evaluate,
    Expression,
    For,
    ForIn,
    Function,
    Group,
    If,
    Number,
    Plain,
    Print,
    Regex,
    Rule,
    Source,
    Statement,
    String,
    Switch,
    Unary,
    While,
)
from gateway.judge.shell.programs.awk.words import KEYWORDS
from gateway.judge.shell.programs.program import NotARead

_SPECIAL = ("BEGIN", "END", "BEGINFILE", "ENDFILE")


def read(text: str) -> Source:
    """Read a program.

    Args:
        text: POSIX awk with gawk's additions; its length and characters are checked already.

    Returns:
        Its tree.

    Raises:
        NotARead: it is not understood, or holds what can only be dangerous.
    """
    return _Parser(text).source()


class _Parser(Expressions):
    """Reads items and statements."""

    def source(self) -> Source:
        """Everything."""
        items: list[Rule | Function] = []
        while True:
            while self._next.kind is Kind.NEWLINE or self._sign(";"):
                self._advance()
            if self._next.kind is Kind.END:
                return Source(tuple(items))
            items.append(self._item())

    def _item(self) -> Rule | Function:
        if self._word("function", "func"):
            return self._function()
        if self._word(*_SPECIAL):
            special = cast("Literal['BEGIN', 'END', 'BEGINFILE', 'ENDFILE']", self._advance().text)
            if not self._sign("{"):
                raise syntax(f"{special} has no body")
            return Rule(special, (), self._block())
        if self._sign("{"):
            return Rule("", (), self._block())
        patterns = [self._value()]
        if self._sign(","):
            self._advance()
            self._newlines()
            patterns.append(self._value())
        if self._sign("{"):
            return Rule("", tuple(patterns), self._block())
        if not (self._next.kind in {Kind.NEWLINE, Kind.END} or self._sign(";")):
            raise syntax(f"{self._next.text!r} has no place behind a pattern")
        return Rule("", tuple(patterns), (Print("print"),))

    def _function(self) -> Function:
        self._advance()
        name = self._advance()
        if name.kind not in {Kind.NAME, Kind.CALL} or name.text in KEYWORDS:
            raise syntax("a function has no name")
        self._expect("(")
        parameters: list[str] = []
        while not self._sign(")"):
            if parameters:
                self._expect(",")
                self._newlines()
            parameters.append(self._variable())
        self._advance()
        self._newlines()
        return Function(name.text, tuple(parameters), self._block())

    def _block(self) -> tuple[Statement, ...]:
        self._enter()
        self._expect("{")
        body: list[Statement] = []
        while not self._sign("}"):
            if self._next.kind is Kind.NEWLINE or self._sign(";"):
                self._advance()
                continue
            if self._next.kind is Kind.END:
                raise syntax("a block has no end")
            body.append(self._statement())
        self._advance()
        self._leave()
        return tuple(body)

    def _statement(self) -> Statement:
        """A statement with what ends it."""
        if self._sign("{"):
            return Block(self._block())
        if self._word("if"):
            return self._if()
        if self._word("while"):
            self._advance()
            condition = self._condition()
            return While(condition, self._body(), after=False)
        if self._word("for"):
            return self._for()
        if self._word("switch"):
            return self._switch()
        statement = self._do() if self._word("do") else self._simple()
        if self._next.kind is Kind.NEWLINE or self._sign(";"):
            self._advance()
        elif not self._sign("}"):
            raise syntax(f"{self._next.text!r} has no place behind a statement")
        return statement

    def _condition(self) -> Expression:
        self._expect("(")
        condition = self._value()
        self._expect(")")
        return condition

    def _body(self) -> tuple[Statement, ...]:
        """What a loop or a condition holds: a block, one statement, or nothing."""
        self._newlines()
        if self._sign(";"):
            self._advance()
            return ()
        if self._sign("{"):
            return self._block()
        self._enter()
        statement = self._statement()
        self._leave()
        return (statement,)

    def _if(self) -> Statement:
        self._advance()
        condition = self._condition()
        then = self._body()
        if self._else_behind():
            self._newlines()
        if not self._word("else"):
            return If(condition, then, None)
        self._advance()
        return If(condition, then, self._body())

    def _else_behind(self) -> bool:
        """Whether, newlines aside, ``else`` is next."""
        token = self._next
        while token.kind is Kind.NEWLINE:
            token = self._lexer.token(token.end)
        return token.kind is Kind.NAME and token.text == "else"

    def _do(self) -> Statement:
        self._advance()
        body = self._body()
        self._newlines()
        if not self._word("while"):
            raise syntax("do has no while")
        self._advance()
        return While(self._condition(), body, after=True)

    def _for(self) -> Statement:
        self._advance()
        self._expect("(")
        if (pair := self._in_header()) is not None:
            return ForIn(pair[0], pair[1], self._body())
        start = None if self._sign(";") else self._value()
        self._expect(";")
        self._newlines()
        condition = None if self._sign(";") else self._value()
        self._expect(";")
        self._newlines()
        step = None if self._sign(")") else self._value()
        self._expect(")")
        return For(start, condition, step, self._body())

    def _in_header(self) -> tuple[str, str] | None:
        """``name in array )``, taken if that is next."""
        tokens = [self._next]
        while len(tokens) < 4:
            if tokens[-1].kind is Kind.END or (tokens[-1].kind is Kind.SIGN and tokens[-1].text != ")"):
                return None
            tokens.append(self._lexer.token(tokens[-1].end))
        names = tokens[0].kind is Kind.NAME and tokens[2].kind is Kind.NAME
        if not (names and tokens[1].text == "in" and tokens[1].kind is Kind.NAME and tokens[3].text == ")"):
            return None
        name = self._variable()
        self._advance()
        array = self._variable()
        self._advance()
        return name, array

    def _switch(self) -> Statement:
        self._advance()
        subject = self._condition()
        self._newlines()
        self._expect("{")
        self._enter()
        cases: list[Case] = []
        self._newlines()
        while not self._sign("}"):
            label = self._label()
            self._expect(":")
            body: list[Statement] = []
            while not (self._sign("}") or self._word("case", "default")):
                if self._next.kind is Kind.NEWLINE or self._sign(";"):
                    self._advance()
                elif self._next.kind is Kind.END:
                    raise syntax("a switch has no end")
                else:
                    body.append(self._statement())
            cases.append(Case(label, tuple(body)))
        self._advance()
        self._leave()
        return Switch(subject, tuple(cases))

    def _label(self) -> Expression | None:
        if self._word("default"):
            self._advance()
            return None
        if not self._word("case"):
            raise syntax("a switch holds cases only")
        self._advance()
        label = self._unary()
        number = label.operand if isinstance(label, Unary) and label.operator in {"-", "+"} else label
        if not isinstance(number, Number | String | Regex) or (
            number is not label and not isinstance(number, Number)
        ):
            raise syntax("a case has a constant")
        return label

    def _simple(self) -> Statement:
        if self._word("print", "printf"):
            return self._print()
        if self._word("next", "nextfile", "break", "continue"):
            return Plain(self._advance().text)
        if self._word("exit", "return"):
            keyword = self._advance().text
            ends = self._next.kind in {Kind.NEWLINE, Kind.END} or self._sign(";", "}")
            return Plain(keyword, None if ends else self._value())
        if self._word("delete"):
            self._advance()
            array = self._variable()
            return Delete(array, self._keys() if self._sign("[") else ())
        return Evaluate(self._value())

    def _print(self) -> Statement:
        keyword = self._advance().text
        self._redirects = True
        arguments = self._printed()
        self._redirects = False
        if keyword == "printf" and not arguments:
            raise syntax("printf has no format")
        if self._sign("|&"):
            raise NotARead("coprocess", "|& starts a program beside awk.", Effect.RUNS_CODE)
        if not self._sign(">", ">>", "|"):
            return Print(keyword, arguments)
        operator = self._advance().text
        return Print(keyword, arguments, operator, self._value())

    def _printed(self) -> tuple[Expression, ...]:
        if self._next.kind in {Kind.NEWLINE, Kind.END} or self._sign(";", "}", ">", ">>", "|", "|&"):
            return ()
        first = self._expression()
        if isinstance(first, Group):
            if self._sign(","):
                raise syntax("a list in parentheses has no place there")
            return first.items
        arguments: list[Expression] = [first]
        while self._sign(","):
            self._advance()
            self._newlines()
            arguments.append(self._value())
        return tuple(arguments)
