"""An awk tree → canonical text: every operation in parentheses, so that every awk reads the same tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from gateway.judge.shell.programs.awk.tree import (
    Assign,
    Binary,
    Block,
    Call,
    Chain,
    CommandGetline,
    Delete,
    Evaluate,
    Expression,
    Field,
    For,
    ForIn,
    Function,
    Getline,
    Group,
    If,
    In,
    Increment,
    Index,
    Name,
    Number,
    Plain,
    Print,
    Regex,
    Rule,
    Source,
    Statement,
    String,
    Switch,
    Ternary,
    Unary,
    While,
)


def emit(source: Source, commands: Mapping[str, str] | None = None) -> str:
    """Put a program down on one line.

    Args:
        source: the tree.
        commands: string constants (what stands between the quotes) that name a command to run, and what
            they are replaced by.

    Returns:
        Text that reads as the same tree, in every awk.
    """
    return _Emitter(commands or {}).source(source)


class _Emitter:
    def __init__(self, commands: Mapping[str, str]) -> None:
        self._commands = commands

    def source(self, source: Source) -> str:
        return " ".join(self._item(item) for item in source.items)

    def _item(self, item: Rule | Function) -> str:
        body = self._body(item.body)
        if isinstance(item, Function):
            return f"function {item.name}({', '.join(item.parameters)}) {body}"
        if item.special:
            return f"{item.special} {body}"
        patterns = ", ".join(self._closed(pattern) for pattern in item.patterns)
        return f"{patterns} {body}" if patterns else body

    def _body(self, statements: tuple[Statement, ...]) -> str:
        return "{ " + "".join(f"{self._statement(each)} " for each in statements) + "}"

    def _statement(self, statement: Statement) -> str:
        match statement:
            case Evaluate(expression):
                return f"{self._expression(expression)};"
            case Print(keyword, arguments, operator, destination):
                listed = f"({self._listed(arguments)})" if arguments else ""
                to = "" if destination is None else f" {operator} {self._to(operator, destination)}"
                return f"{keyword}{listed}{to};"
            case Plain(keyword, value):
                return f"{keyword};" if value is None else f"{keyword} {self._expression(value)};"
            case Delete(array, keys):
                return f"delete {array}{self._keys(keys)};"
            case If(condition, then, otherwise):
                text = f"if ({self._expression(condition)}) {self._body(then)}"
                return text if otherwise is None else f"{text} else {self._body(otherwise)}"
            case While(condition, body, after):
                head = f"while ({self._expression(condition)})"
                return f"do {self._body(body)} {head};" if after else f"{head} {self._body(body)}"
            case For(start, condition, step, body):
                parts = ("" if part is None else self._expression(part) for part in (start, condition, step))
                return f"for ({'; '.join(parts)}) {self._body(body)}"
            case ForIn(name, array, body):
                return f"for ({name} in {array}) {self._body(body)}"
            case Switch(subject, cases):
                text = "".join(
                    f"{'default' if case.label is None else f'case {self._label(case.label)}'}: "
                    + "".join(f"{self._statement(each)} " for each in case.body)
                    for case in cases
                )
                return f"switch ({self._expression(subject)}) {{ {text}}}"
            case Block(body):
                return self._body(body)
            case _ as never:
                assert_never(never)

    def _label(self, label: Expression) -> str:
        if isinstance(label, Unary):
            return f"{label.operator}{self._expression(label.operand)}"
        return self._direct(label)

    def _to(self, operator: str, destination: Expression) -> str:
        return self._command(destination) if operator == "|" else self._expression(destination)

    def _command(self, node: Expression) -> str:
        """A command's text, in the form in which it is run."""
        if isinstance(node, String) and node.raw in self._commands:
            return f'"{self._commands[node.raw]}"'
        return self._expression(node)

    def _listed(self, nodes: tuple[Expression, ...]) -> str:
        return ", ".join(self._expression(node) for node in nodes)

    def _keys(self, keys: tuple[Expression, ...]) -> str:
        return f"[{self._listed(keys)}]" if keys else ""

    def _closed(self, node: Expression) -> str:
        """An expression in parentheses of its own."""
        text = self._expression(node)
        return text if text.startswith("(") else f"({text})"

    def _direct(self, node: Expression) -> str:
        """An operand where a regular expression stands for itself, not for a match with ``$0``."""
        return f"/{node.raw}/" if isinstance(node, Regex) else self._expression(node)

    def _expression(self, node: Expression) -> str:
        """Text that is whole in itself: a word, a constant, a call, or something in parentheses."""
        match node:
            case Number(text) | Name(text):
                return text
            case String(raw):
                return f'"{raw}"'
            case Regex(raw):
                return f"(/{raw}/)"
            case Index(array, keys):
                return f"{array}{self._keys(keys)}"
            case Field(number):
                return f"$({self._expression(number)})"
            case Call(function, arguments):
                form = self._command if function in {"system", "close", "fflush"} else self._direct
                return f"{function}({', '.join(form(argument) for argument in arguments)})"
            case Unary(operator, operand):
                return f"({operator} {self._expression(operand)})"
            case Chain(first, rest):
                return self._chain(first, rest)
            case Binary(operator, left, right):
                return f"({self._expression(left)} {operator} {self._expression(right)})"
            case Ternary(condition, then, otherwise):
                parts = (self._expression(part) for part in (condition, then, otherwise))
                return "({} ? {} : {})".format(*parts)
            case In(keys, array):
                listed = self._listed(keys)
                return f"(({listed}) in {array})" if len(keys) > 1 else f"({listed} in {array})"
            case Assign(operator, target, value):
                return f"({self._expression(target)} {operator} {self._expression(value)})"
            case Increment(operator, target, before):
                text = self._expression(target)
                return f"({operator}{text})" if before else f"({text}{operator})"
            case Getline(target, source):
                variable = "" if target is None else f" {self._expression(target)}"
                redirection = "" if source is None else f" < {self._expression(source)}"
                return f"(getline{variable}{redirection})"
            case CommandGetline(command, target):
                variable = "" if target is None else f" {self._expression(target)}"
                return f"({self._command(command)} | getline{variable})"
            case Group(items):
                return f"({self._listed(items)})"
            case _ as never:
                assert_never(never)

    def _chain(self, first: Expression, rest: tuple[tuple[str, Expression], ...]) -> str:
        out = self._closed(first) if rest[0][0] == "" else self._expression(first)
        for operator, operand in rest:
            match operator:
                case "":
                    out += f" {self._closed(operand)}"
                case "~" | "!~":
                    out += f" {operator} {self._direct(operand)}"
                case _:
                    out += f" {operator} {self._expression(operand)}"
        return f"({out})"
