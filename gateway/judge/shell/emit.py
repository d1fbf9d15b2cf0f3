"""The tree → its one text: every word in single quotes, nothing left to aliases or chance.

POSIX throughout, but for forms that have no like there: they are noted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import assert_never

from gateway.judge.shell.cursor import NotRead
from gateway.judge.shell.dialect import bash_sets, needs_bash, prefers_bash
from gateway.judge.shell.tree import (
    CASE_OPERATORS,
    SAFE,
    TRIM_OPERATORS,
    AndOr,
    Arithmetic,
    Assigned,
    Assignment,
    Binary,
    Case,
    Choice,
    Command,
    Digits,
    Document,
    Expression,
    For,
    Group,
    Home,
    If,
    Inserted,
    Length,
    Name,
    Number,
    Parameter,
    Part,
    Pipeline,
    Process,
    Redirected,
    Replace,
    Script,
    Simple,
    Slice,
    Subscript,
    Subshell,
    Substitution,
    Text,
    Unary,
    Variable,
    While,
    Wild,
    Word,
    text_of,
)
from gateway.judge.shell.tree_arrays import ArrayAssignment, Element, ElementAssignment, Entry, Key, Keys


@dataclass(frozen=True, slots=True)
class Emitted:
    """A canonical text.

    Attributes:
        text: what to hand to the shell.
        bash: whether only bash understands it.
        better: whether bash does what people mean by it, where another shell does something else.
        names: of the commands in it, in the order in which they were written.
        intricate: whether its simplified form differs.
    """

    text: str
    bash: bool
    better: bool
    names: tuple[str, ...] = ()
    intricate: bool = False


def emit(script: Script, *, simplified: bool = False) -> Emitted:
    """Return the canonical text of a script.

    Args:
        script: to be run.
        simplified: without ``time``, and with here-documents as ``<<<``: for grammars that misread those.

    Raises:
        NotRead: it holds here-documents inside each other, for which there is no one text.
    """
    writer = _Writer(simplified=simplified)
    writer.script(script)
    return Emitted(writer.text(), writer.bash, writer.better, tuple(writer.names), writer.intricate)


class _Writer:
    """Writes text; what here-documents hold follows at the next newline."""

    __slots__ = ("_awaited", "_pieces", "_simplified", "bash", "better", "documents", "intricate", "names")

    def __init__(self, *, simplified: bool = False) -> None:
        self._simplified = simplified
        self._pieces: list[str] = []
        self._awaited: list[str] = []
        self.documents = 0
        self.bash = False
        self.better = False
        self.intricate = False
        self.names: list[str] = []

    def text(self) -> str:
        if self._awaited:
            self._end("")
        return "".join(self._pieces).rstrip("\n") if not self.documents else "".join(self._pieces)

    def _put(self, text: str) -> None:
        self._pieces.append(text)

    def _end(self, separator: str) -> None:
        """Go on behind a separator, or behind a newline and the documents that wait for it."""
        if self._awaited:
            self._put("\n" + "".join(self._awaited))
            self._awaited.clear()
        else:
            self._put(separator)

    def script(self, script: Script) -> None:
        for index, list_ in enumerate(script.lists):
            if index:
                self._end("; ")
            self._and_or(list_)

    def _and_or(self, list_: AndOr) -> None:
        self._pipeline(list_.first)
        for operator, pipeline in list_.rest:
            self._put(f" {operator}")
            self._end(" ")
            self._pipeline(pipeline)

    def _pipeline(self, pipeline: Pipeline) -> None:
        self._put("! " if pipeline.negated else "")
        self.intricate = self.intricate or bool(pipeline.timed)
        if pipeline.timed and not self._simplified:
            self.bash = True
            self._put(pipeline.timed + " ")
        for index, command in enumerate(pipeline.commands):
            if index:
                self._put(" |")
                self._end(" ")
            self._command(command)

    def _command(self, command: Command) -> None:
        match command:
            case Simple():
                self._simple(command)
                return
            case Group(body):
                self._block("{ ", body, "}")
            case Subshell(body):
                self._put("( ")
                self.script(body)
                self._end(" ")
                self._put(")")
            case For(name, words, body):
                self._put(f"for {name} in")
                for word in words:
                    self._put(" ")
                    self._word(word)
                self._end("; ")
                self._block("do ", body, "done")
            case While(condition, body, until):
                self._block("until " if until else "while ", condition, "do ")
                self._block("", body, "done")
            case If():
                self._if(command)
            case Case():
                self._case(command)
            case _:
                assert_never(command)
        self._redirections(command.redirections)

    def _block(self, begin: str, body: Script, end: str) -> None:
        self._put(begin)
        self.script(body)
        self._end("; ")
        self._put(end)

    def _if(self, command: If) -> None:
        for index, (condition, body) in enumerate(command.branches):
            self._block("elif " if index else "if ", condition, "then ")
            self._block("", body, "")
        if command.otherwise is not None:
            self._block("else ", command.otherwise, "")
        self._put("fi")

    def _case(self, command: Case) -> None:
        self._put("case ")
        self._word(command.word)
        self._put(" in ")
        for patterns, body in command.arms:
            for index, pattern in enumerate(patterns):
                self._put("|" if index else "(")
                self._word(pattern)
            self._put(") ")
            self.script(body)
            self._end(" ")
            self._put(";; ")
        self._put("esac")

    def _simple(self, command: Simple) -> None:
        between = ""
        for assignment in command.assignments:
            self._put(between)
            self._assigned(assignment)
            between = " "
        for word in command.words:
            self._put(between)
            self._word(word)
            between = " "
        self._redirections(command.redirections, bare=not between)
        if command.words:
            self.names.append(text_of(command.words[0]) or "")
            self.better = self.better or prefers_bash(command)
            self.bash = self.bash or needs_bash(command)

    def _assigned(self, assignment: Assigned) -> None:
        match assignment:
            case Assignment(name, word):
                self._put(f"{name}=")
            case ElementAssignment(name, subscript, word):
                self._put(f"{self._subscripted(name, subscript)}=")
            case ArrayAssignment(name, items, appends):
                self.bash = True
                self._put(f"{name}{'+' if appends else ''}=(")
                for index, item in enumerate(items):
                    self._put(" " if index else "")
                    if item.subscript is not None:
                        self._put(f"{self._subscripted('', item.subscript)}=")
                    self._word(item.word)
                self._put(")")
                return
        if word.parts:
            self._word(word)

    def _subscripted(self, name: str, subscript: Subscript) -> str:
        """The name of an array with a subscript, as it stands in assignments and expansions."""
        inner = _Writer(simplified=self._simplified)
        inner.subscript(subscript)
        if inner.documents:
            raise NotRead("document", "A here-document in a subscript is not understood.")
        self.bash = True
        self.better = self.better or inner.better
        self.intricate = self.intricate or inner.intricate
        self.names += inner.names
        return f"{name}[{inner.text()}]"

    def subscript(self, subscript: Subscript) -> None:
        match subscript:
            case "@" | "*":
                self._put(subscript)
            case Number(value):
                self._put(str(value))
            case Key(word):
                self._put('"')
                for part in word.parts:
                    if isinstance(part, Text):
                        self._put(_unquoted(part.text))
                    else:
                        self._part_inside_quotes(part)
                self._put('"')
            case _:
                self._put("$((")
                self._expression(subscript, outermost=True)
                self._put("))")

    def _redirections(self, redirections: tuple[Redirected, ...], *, bare: bool = False) -> None:
        for each in redirections:
            self._put("" if bare else " ")
            bare = False
            if isinstance(each, Document):
                self._document(each)
                continue
            default = 0 if each.operator[0] == "<" else 1
            self._put(f"{'' if each.descriptor == default else each.descriptor}{each.operator}")
            if isinstance(each.target, Word):
                self._put(" " if each.target.parts and isinstance(each.target.parts[0], Process) else "")
                self._word(each.target)
            else:
                self._put("-" if each.target is None else str(each.target))

    def _document(self, document: Document) -> None:
        self.intricate = True
        if self._simplified:
            self._put(f"{document.descriptor or ''}<<<")
            self._word(document.body)
            return
        verbatim = all(isinstance(part, Text) for part in document.body.parts)
        inner = _Writer(simplified=self._simplified)
        for part in document.body.parts:
            if isinstance(part, Text):
                inner._put(part.text if verbatim else re.sub(r"[\\$`]", r"\\\g<0>", part.text))
            else:
                inner._part_inside_quotes(part)
        body = "".join(inner._pieces)
        self.bash = self.bash or inner.bash
        self.better = self.better or inner.better
        self.intricate = self.intricate or inner.intricate
        self.names += inner.names
        if inner.documents:
            raise NotRead("document", "A here-document inside another is not understood.")
        lines = body.split("\n")
        if lines.pop():
            raise NotRead("document", "A here-document must end in a newline.")
        number = 0
        while (end := f"END{number or ''}") in lines:
            number += 1
        self.documents += 1
        self._put(f"{document.descriptor or ''}<<{repr(end) if verbatim else end}")
        self._awaited.append(f"{body}{end}\n")

    def _word(self, word: Word) -> None:
        if not word.parts:
            self._put("''")
        skip = False
        for index, part in enumerate(word.parts):
            if skip:
                skip = False
                continue
            if isinstance(part, Home):
                if index:
                    raise NotRead("tilde", "A tilde inside a word is not understood.")
                self._put(f"~{part.user}")
                behind = word.parts[index + 1] if index + 1 < len(word.parts) else None
                if isinstance(behind, Text) and behind.text.startswith("/"):
                    self._put("/" + (_quoted(behind.text[1:]) if len(behind.text) > 1 else ""))
                    skip = True
            elif isinstance(part, Text):
                self._put(_quoted(part.text))
            elif getattr(part, "quoted", False):
                self._put('"')
                self._part_inside_quotes(part)
                self._put('"')
            else:
                self._part(part)

    def _part(self, part: Part) -> None:
        """An unquoted part but text."""
        match part:
            case Wild(text):
                self.bash = self.bash or text.startswith("[^")
                self._put(text)
            case Parameter(name, operator, word):
                self.bash = self.bash or operator in CASE_OPERATORS
                self._put(f"${{{name}{operator}")
                if operator in TRIM_OPERATORS:
                    self._pattern(word)
                else:
                    self._word(Word(word)) if word else None
                self._put("}")
            case Element(of, subscript):
                self._part(replace(of, name=self._subscripted(of.name, subscript)))
            case Process(body):
                self.bash = True
                self._put("<(")
                self._nested(body)
                self._put(")")
            case _:
                self._part_inside_quotes(part)

    def _part_inside_quotes(self, part: Part) -> None:
        match part:
            case Variable(name):
                self.better = self.better or bash_sets(name)
                self._put(f"${{{name}}}")
            case Length(name):
                self._put(f"${{#{name}}}")
            case Slice(name, start, length):
                self.bash = True
                self._put(f"${{{name}: {start}{'' if length is None else f':{length}'}}}")
            case Replace(name, operator, pattern, text):
                self.bash = True
                self._put(f"${{{name}{operator}")
                self._pattern(pattern)
                self._put("/" + text.replace("/", "\\/") + "}")
            case Parameter(name, operator, word):
                self.bash = self.bash or operator in CASE_OPERATORS
                self._put(f"${{{name}{operator}")
                if operator in TRIM_OPERATORS:
                    self._pattern(word)
                else:
                    for each in word:
                        if isinstance(each, Text):
                            self._put(_unquoted(each.text))
                        else:
                            self._part_inside_quotes(each)
                self._put("}")
            case Element(of, subscript):
                self._part_inside_quotes(replace(of, name=self._subscripted(of.name, subscript)))
            case Keys(name, subscript):
                self.bash = True
                self._put(f"${{!{name}[{subscript}]}}")
            case Substitution(body):
                self._put("$(")
                self._nested(body)
                self._put(")")
            case Arithmetic(expression):
                self._put("$((")
                self._expression(expression, outermost=True)
                self._put("))")
            case Text() | Wild() | Home() | Process():
                raise NotRead("error", "A pattern or tilde stands where it has no meaning.")
            case _:
                assert_never(part)

    def _pattern(self, parts: tuple[Part, ...]) -> None:
        for part in parts:
            match part:
                case Text(text):
                    if not text.isascii() or "\n" in text:
                        raise NotRead("parameter", "A pattern in ${…} holds what is not understood there.")
                    self._put(re.sub(r"[^A-Za-z0-9_]", r"\\\g<0>", text))
                case Wild(text):
                    self.bash = self.bash or text.startswith("[^")
                    self._put(text)
                case Variable(name, quoted):
                    self._put(f'"${{{name}}}"' if quoted else f"${{{name}}}")
                case _:
                    raise NotRead("parameter", "Only a variable may stand in the pattern of ${…}.")

    def _nested(self, body: Script) -> None:
        inner = _Writer(simplified=self._simplified)
        inner.script(body)
        text = inner.text()
        if inner.documents and self._awaited:
            raise NotRead("document", "Here-documents inside each other are not understood.")
        self.documents += inner.documents
        self.bash = self.bash or inner.bash
        self.better = self.better or inner.better
        self.intricate = self.intricate or inner.intricate
        self.names += inner.names
        self._put(" " if text.startswith("(") else "")
        self._put(text)

    def _expression(self, expression: Expression, *, outermost: bool = False) -> None:
        match expression:
            case Number(value):
                self._put(str(value) if value >= 0 or outermost else f"({value})")
            case Name(name):
                self._put(name)
            case Digits(name):
                self._put(f"(${{{name}%%[!0-9-]*}})")
            case Entry(name, subscript):
                self._put(f"(${{{self._subscripted(name, subscript)}%%[!0-9-]*}} + 0)")
            case Element(of, subscript):
                self._part_inside_quotes(Element(of, subscript))
            case Length(name):
                self._put(f"${{#{name}}}")
            case Variable(name):
                self._put(f"${name}")
            case Inserted(body):
                self._put("$(")
                self._nested(body)
                self._put(")")
            case Unary(operator, of):
                self._put(("" if outermost else "(") + operator)
                self._expression(of)
                self._put("" if outermost else ")")
            case Binary(operator, left, right):
                self._put("" if outermost else "(")
                self._expression(left)
                self._put(f" {operator} ")
                self._expression(right)
                self._put("" if outermost else ")")
            case Choice(condition, one, other):
                self._put("" if outermost else "(")
                self._expression(condition)
                self._put(" ? ")
                self._expression(one)
                self._put(" : ")
                self._expression(other)
                self._put("" if outermost else ")")
            case _:
                assert_never(expression)


def _unquoted(text: str) -> str:
    """Text that means the same in any quotes.

    Raises:
        NotRead: it holds other characters.
    """
    if SAFE.fullmatch(text) is None:
        raise NotRead("parameter", "A text in ${…} holds characters that are not understood there.")
    return text


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
