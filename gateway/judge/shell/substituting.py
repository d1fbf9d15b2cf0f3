"""What words become: the arguments that a command gets, with what is known of variables put in."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, assert_never, cast

from gateway.judge.shell.argument import Argument, literal
from gateway.judge.shell.arithmetic import check_pure
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.cursor import NotRead
from gateway.judge.shell.scope import Scope, check_name, check_readable
from gateway.judge.shell.tree import (
    DEFAULT_OPERATORS,
    SAFE,
    AndOr,
    Arithmetic,
    Binary,
    Choice,
    Digits,
    Expression,
    Home,
    Inserted,
    Length,
    Name,
    Number,
    Parameter,
    Part,
    Pipeline,
    Process,
    Replace,
    Script,
    Simple,
    Slice,
    Substitution,
    Text,
    Unary,
    Variable,
    Wild,
    Word,
    in_one_piece,
    joined,
    pinned,
    spreads,
    text_of,
    word_of,
)
from gateway.judge.shell.tree_arrays import Element, Entry, Key, Keys
from gateway.judge.shell.values import INTEGER, UNKNOWN, Value, known

_SPLIT: Final = re.compile(r"[A-Za-z0-9_@%+=:,./-]+(?:[ \t\n]+[A-Za-z0-9_@%+=:,./-]+)+")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")
_COUNTS: Final = frozenset("?#$")
_DIGITS_ONLY: Final = Simple((word_of("tr"), word_of("-c"), word_of("-d"), word_of("0-9-")))


@dataclass(slots=True)
class Words:
    """Puts into words what is known.

    Attributes:
        context: says where home is.
        script: judges what stands in a substitution, and returns the script to run.
        used: variables that the gateway holds and that the line must be given.
    """

    context: ShellContext
    script: Callable[[Script, Scope], Script]
    used: set[str] = field(default_factory=set)

    def arguments(self, word: Word, scope: Scope) -> list[Argument]:
        """Return what a word becomes: one argument mostly, several or none where a known value is split.

        Args:
            word: as read.
            scope: what is known of variables.

        Raises:
            NotRead: something in it is not understood.
        """
        match word.parts:
            case (Text(text),):
                return [Argument(text, word=word)]
            case (Variable(name, quoted=False),) if (only := self._only(name, scope)) is not None:
                if not only:
                    return []
                if _SPLIT.fullmatch(only):
                    return [Argument(each, word=word_of(each)) for each in only.split()]
            case (Element(Variable(name, quoted), "@" | "*" as every),) if (
                items := scope.all(name)
            ) is not None:
                if quoted and every == "*":
                    return [literal(" ".join(items))]
                if quoted or all(map(_PLAIN.fullmatch, items)):
                    return [Argument(each, word=word_of(each)) for each in items]
        return [self._argument(self._rewritten(word, scope), scope)]

    def one(self, word: Word, scope: Scope) -> Word:
        """Return what a word becomes where nothing in it is split or matched against files."""
        return self._rewritten(pinned(word), scope)

    def pattern(self, word: Word, scope: Scope) -> Word:
        """Return what a pattern of ``case`` becomes."""
        return self._rewritten(word, scope)

    def value(self, word: Word, scope: Scope) -> Value:
        """What a variable holds that is assigned a rewritten word."""
        text = text_of(word)
        if text is not None:
            return known(text)
        match word.parts:
            case (Arithmetic() | Length(),):
                return INTEGER
            case (Variable(name),):
                return INTEGER if name in _COUNTS else scope.value(name)
            case (Element(Length()),):
                return INTEGER
            case (Element(Variable(name), subscript),) if subscript not in ("@", "*"):
                return scope.element(name, subscript)
        found = {""}
        for part in word.parts:
            values = scope.value(part.name).texts if isinstance(part, Variable) else None
            texts = {part.text} if isinstance(part, Text) else values
            if texts is None or len(found) * len(texts) > 64:
                return UNKNOWN
            found = {before + text for before in found for text in texts}
        return known(*found)

    def each(self, argument: Argument, scope: Scope) -> Value:
        """What an argument may be, or each word that it becomes."""
        if argument.text is not None:
            return known(argument.text)
        if argument.texts is not None:
            return known(*argument.texts)
        if not isinstance(argument.word, Word):
            return UNKNOWN
        match argument.word.parts:
            case (Element(Variable(name, quoted), "@" | "*" as every),) if every == "@" or not quoted:
                value = scope.element(name)
                return value if quoted or value.one_word or value.integer else UNKNOWN
            case (Keys(name, "@"),) if scope.arrays.sorts.get(name) != "keyed" and not scope.inside:
                return INTEGER
            case _:
                return UNKNOWN if argument.many else self.value(argument.word, scope)

    def subscript(self, name: str, subscript: Expression | Key, scope: Scope) -> Expression | Key:
        """Return a subscript in which nothing but integers can be evaluated.

        Args:
            name: of the array.
            subscript: as read.
            scope: what is known of variables; changes with what the subscript assigns.

        Raises:
            NotRead: the array may be of another sort.
        """
        check_readable(name)
        self._use(name, scope)
        scope.arrays.check(name, subscript)
        if isinstance(subscript, Key):
            return Key(Word(self._kept(subscript.word.parts, scope)))
        return self.expression(subscript, scope)

    def _only(self, name: str, scope: Scope) -> str | None:
        return None if name in _COUNTS or name in "@*" else scope.value(name).only

    def _argument(self, word: Word, scope: Scope) -> Argument:
        text = text_of(word)
        if text is not None:
            return Argument(text, word=word)
        parts = [self._whole(part, scope) for part in word.parts]
        whole = Word(joined(parts))
        if any(map(_splits, parts)):
            # What it begins with says nothing of the second word that it may become.
            return Argument(None, "", many=True, word=whole)
        many = any(isinstance(part, Wild) for part in parts)
        texts = None if many else self.value(whole, scope).texts
        return Argument(None, self._prefix(parts, scope), many=many, word=whole, texts=texts)

    def _whole(self, part: Part, scope: Scope) -> Part:
        """A part in quotes where it is one word without them too."""
        match part:
            case Arithmetic() | Length():
                return in_one_piece(part)
            case Element(Length()):
                return in_one_piece(part)
            case Element(Variable(name), subscript) if not part.every and (
                scope.element(name, subscript).one_word or name == "PIPESTATUS"
            ):
                return in_one_piece(part)
            case Variable(name) if name in _COUNTS or scope.value(name).one_word:
                return in_one_piece(part)
            case _:
                return part

    def _prefix(self, parts: list[Part], scope: Scope) -> str:
        prefix = ""
        for part in parts:
            match part:
                case Text(text):
                    prefix += text
                case Variable(name) if (texts := self._texts(name, scope)) is not None:
                    return prefix + _common(texts)
                case Arithmetic() | Length() if not prefix:
                    return ""
                case _:
                    return prefix
        return prefix

    @staticmethod
    def _texts(name: str, scope: Scope) -> frozenset[str] | None:
        return None if name in _COUNTS or name in "@*" else scope.value(name).texts

    def _rewritten(self, word: Word, scope: Scope) -> Word:
        found: list[Part] = []
        for part in word.parts:
            found += self._part(part, scope)
        return Word(joined(found))

    def _part(self, part: Part, scope: Scope) -> list[Part]:
        match part:
            case Wild(text) if self.context.shell == "sh" and text.startswith("[^"):
                return [Wild(f"[!{text[2:]}")]
            case Text() | Wild():
                return [part]
            case Home(user):
                if user:
                    return [part]
                if not self.context.home:
                    raise NotRead("tilde", "Where ~ is, is not known; write the folder out.")
                return [Text(self.context.home)]
            case Variable(name, quoted):
                return [self._variable(name, scope, quoted=quoted)]
            case Length(name) | Slice(name):
                self._use(name, scope)
                return [part]
            case Parameter(name, operator, inner):
                self._use(name, scope)
                word = self._rewritten(Word(inner), scope).parts
                if operator in DEFAULT_OPERATORS and not all(map(_is_safe, word)):
                    word = self._kept(inner, scope)
                return [replace(part, word=word)]
            case Replace(name, _, pattern):
                self._use(name, scope)
                return [replace(part, pattern=self._rewritten(Word(pattern), scope).parts)]
            case Element():
                return [self._element(part, scope)]
            case Keys(name):
                check_readable(name)
                self._use(name, scope)
                return [part]
            case Substitution(body, quoted):
                return [Substitution(self.script(body, scope.copy()), quoted)]
            case Process(body):
                return [Process(self.script(body, scope.copy()))]
            case Arithmetic(expression, quoted):
                return [Arithmetic(self.expression(expression, scope), quoted)]
            case _:
                assert_never(part)

    def _kept(self, parts: tuple[Part, ...], scope: Scope) -> tuple[Part, ...]:
        """Parts with their variables as they stand."""
        found: list[Part] = []
        for part in parts:
            if isinstance(part, Variable):
                self._use(part.name, scope)
                found.append(part)
            else:
                found += self._part(part, scope)
        return joined(found)

    def _variable(self, name: str, scope: Scope, *, quoted: bool) -> Part:
        only = self._only(name, scope)
        if only is not None and (quoted or (only and scope.value(name).one_word)):
            return Text(only)
        self._use(name, scope)
        return Variable(name, quoted)

    def _element(self, part: Element, scope: Scope) -> Text | Element:
        of, subscript = part.of, part.subscript
        check_readable(of.name)
        self._use(of.name, scope)
        if not isinstance(of, Variable):
            check_pure(subscript)
            (rewritten,) = self._part(of, scope)
            of = cast("Length | Parameter | Slice | Replace", rewritten)
        if isinstance(subscript, str):
            return Element(of, subscript)
        subscript = self.subscript(of.name, subscript, scope)
        value = scope.element(of.name, subscript) if isinstance(of, Variable) else UNKNOWN
        if value.only is not None and (of.quoted or (value.only and value.one_word)):
            return Text(value.only)
        return Element(of, subscript)

    def _use(self, name: str, scope: Scope) -> None:
        if name in scope.held:
            self.used.add(name)

    def expression(self, expression: Expression, scope: Scope) -> Expression:
        """Return arithmetic in which nothing but integers can stand.

        Args:
            expression: as read.
            scope: what is known of variables; changes with what the expression assigns.

        Raises:
            NotRead: it assigns to a variable that means something to the shell.
        """
        match expression:
            case Number() | Variable():
                return expression
            case Length(name):
                self._use(name, scope)
                return expression
            case Name(name) | Digits(name):
                self._use(name, scope)
                return Name(name) if scope.value(name).integer and not name.isdigit() else Digits(name)
            case Inserted(body):
                return Inserted(self._digits_of(self.script(body, scope.copy())))
            case Element(of, subscript):
                if not isinstance(of, Length):
                    raise NotRead("arithmetic", "What stands in arithmetic is not understood.")
                return cast("Element", self._element(expression, scope))
            case Entry(name, subscript):
                check_pure(subscript)
                return Entry(name, self.subscript(name, subscript, scope))
            case Unary(operator, of):
                return Unary(operator, self.expression(of, scope))
            case Binary("=", Entry()):
                raise NotRead("array", "An array's element is set in ((…)) alone, or by name[…]=….")
            case Binary("=", Name(name) as left, right):
                value = self.expression(right, scope)
                check_name(name, None)
                scope.assign(name, INTEGER)
                return Binary("=", left, value)
            case Binary(operator, left, right):
                return Binary(operator, self.expression(left, scope), self.expression(right, scope))
            case Choice(condition, one, other):
                judged = self.expression(condition, scope)
                return Choice(judged, self.expression(one, scope), self.expression(other, scope))
            case _:
                assert_never(expression)

    def _digits_of(self, body: Script) -> Script:
        """A script of whose output only digits and minus signs get through."""
        match body.lists:
            case (AndOr(Pipeline(commands, negated=False, timed=""), ()),):
                ended = commands if commands[-1] == _DIGITS_ONLY else (*commands, _DIGITS_ONLY)
                return Script((AndOr(Pipeline(ended)),))
            case _:
                raise NotRead("arithmetic", "Only one pipeline may stand in $(…) inside arithmetic.")


def _splits(part: Part) -> bool:
    """Whether a part may become several words."""
    return part == Variable("@", quoted=True) or spreads(part) or getattr(part, "quoted", True) is False


def _is_safe(part: Part) -> bool:
    return not isinstance(part, Text) or SAFE.fullmatch(part.text) is not None


def _common(texts: frozenset[str]) -> str:
    """What all of them begin with."""
    first, last = min(texts), max(texts)
    same = next((place for place, each in enumerate(first) if last[place : place + 1] != each), len(first))
    return first[:same]
