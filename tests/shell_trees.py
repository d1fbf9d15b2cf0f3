"""Trees of command lines, drawn at random."""

from __future__ import annotations

from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from gateway.judge.shell.read import _with_documents_apart
from gateway.judge.shell.tree import (
    DEFAULT_OPERATORS,
    TRIM_OPERATORS,
    AndOr,
    Arithmetic,
    Assignment,
    Binary,
    Case,
    Choice,
    Digits,
    Document,
    For,
    Group,
    If,
    Length,
    Name,
    Number,
    Parameter,
    Part,
    Pipeline,
    Redirection,
    Script,
    Simple,
    Slice,
    Subshell,
    Substitution,
    Text,
    Unary,
    Variable,
    While,
    Wild,
    Word,
    joined,
    pinned,
    spreads,
)
from gateway.judge.shell.tree_arrays import ArrayAssignment, Element, ElementAssignment, Entry, Item, Keys

NAMES = st.sampled_from(["x", "y", "_z", "LONG_1"])
EVERY = st.sampled_from(["@", "*"])
TEXTS = st.text(
    st.sampled_from("abc -'\"\\$`*?[]{}()<>|&;#~=!,.:/%^@+\n\t é…\U0001f600"),
    min_size=1,
    max_size=6,
)
SAFE_TEXTS = st.text(st.sampled_from(list("ab ./:,@%+=-")), min_size=1, max_size=4)
WILDS = st.sampled_from(["*", "?", "[a-z]", "[!0-9]", "[[:alpha:]_]"]).map(Wild)


def _expressions() -> st.SearchStrategy[Any]:
    leaves = (
        st.integers(-9, 99).map(Number)
        | NAMES.map(Name)
        | NAMES.map(Digits)
        | NAMES.map(Length)
        | st.builds(Element, NAMES.map(Length), EVERY | st.integers(-9, 99).map(Number))
        | st.builds(Entry, NAMES, st.integers(-9, 99).map(Number) | NAMES.map(Name) | NAMES.map(Digits))
    )

    def larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        operators = st.sampled_from(["+", "-", "*", "%", "<<", "<=", "==", "&&", "||", "|", "^"])
        return (
            st.builds(Binary, operators, inner, inner)
            | st.builds(Binary, st.just("="), NAMES.map(Name), inner)
            | st.builds(Unary, st.sampled_from(["!", "~", "+"]), inner)
            | st.builds(Choice, inner, inner, inner)
        )

    return st.recursive(leaves, larger, max_leaves=5).filter(_normal)


def _normal(expression: Any) -> bool:
    """Whether no element stands before ``+ 0``, which is read as the element alone."""
    match expression:
        case Binary("+", Entry(), Number(0)):
            return False
        case Binary(_, left, right):
            return _normal(left) and _normal(right)
        case Unary(_, of):
            return _normal(of)
        case Choice(condition, one, other):
            return all(map(_normal, (condition, one, other)))
        case _:
            return True


def _pure(expression: Any) -> bool:
    return "operator='='" not in repr(expression)


def _word(parts: list[Part]) -> Word:
    return Word(joined(parts))


@st.composite
def words(draw: st.DrawFn, scripts: st.SearchStrategy[Script], *, quoted: bool | None = None) -> Word:
    """A word; with ``quoted`` one in which everything that expands is, and no pattern stands."""
    booleans = st.booleans() if quoted is None else st.just(quoted)
    inner = st.lists(SAFE_TEXTS.map(Text), max_size=1).map(lambda parts: joined(list(parts)))
    patterns = st.lists(SAFE_TEXTS.map(Text) | WILDS, max_size=3).map(lambda parts: joined(list(parts)))
    choices: list[st.SearchStrategy[Part]] = [
        TEXTS.map(Text),
        st.builds(Variable, NAMES, booleans),
        st.builds(Length, NAMES, booleans),
        st.builds(Parameter, NAMES, st.sampled_from(DEFAULT_OPERATORS), inner, booleans),
        st.builds(Parameter, NAMES, st.sampled_from(TRIM_OPERATORS), patterns, booleans),
        st.builds(Slice, NAMES, st.integers(-3, 3), st.none() | st.integers(-3, 3), booleans),
        st.builds(Arithmetic, _expressions(), booleans),
        st.builds(Substitution, scripts, booleans),
        st.builds(Keys, NAMES, EVERY, booleans),
    ]
    of = st.one_of(choices[1:6])
    choices.append(st.builds(Element, of, EVERY | _expressions().filter(_pure)))
    if quoted is None:
        choices.append(WILDS)
    parts = draw(st.lists(st.one_of(choices), max_size=3))
    others = sum(not isinstance(part, Text | Wild) for part in parts)
    texts = any(isinstance(part, Text) for part in parts)
    assume(others < 2 or texts or not any(map(spreads, parts)))
    return _word(parts)


def _simple(scripts: st.SearchStrategy[Script]) -> st.SearchStrategy[Simple]:
    targets = words(scripts, quoted=True).filter(lambda word: bool(word.parts))
    redirections = (
        st.builds(Redirection, st.integers(0, 9), st.sampled_from([">", ">>", "<", "<>", ">|"]), targets)
        | st.builds(
            Redirection, st.integers(0, 9), st.sampled_from([">&", "<&"]), st.none() | st.integers(0, 9)
        )
        | st.builds(Document, st.integers(0, 3), words(scripts, quoted=True).map(_ended))
    )
    values = words(scripts, quoted=True).map(pinned)
    assignments = st.builds(Assignment, NAMES, values)
    items = st.builds(Item, words(scripts).filter(_no_bracket)) | st.builds(Item, values, _expressions())
    filled = (
        assignments
        | st.builds(ElementAssignment, NAMES, _expressions(), values)
        | st.builds(ArrayAssignment, NAMES, st.lists(items, max_size=3).map(tuple), st.booleans())
    )
    redirected = st.lists(redirections, max_size=2).map(tuple)
    return st.builds(
        Simple,
        st.lists(words(scripts), min_size=1, max_size=3).map(tuple),
        st.lists(assignments, max_size=1).map(tuple),
        redirected,
    ) | st.builds(Simple, st.just(()), st.lists(filled, min_size=1, max_size=2).map(tuple), redirected)


def _no_bracket(word: Word) -> bool:
    first = word.parts[:1]
    return not (first and isinstance(first[0], Wild) and first[0].text[0] == "[")


def _ended(word: Word) -> Word:
    return _word([*word.parts, Text("\n")])


def _compounds(scripts: st.SearchStrategy[Script]) -> st.SearchStrategy[Any]:
    word = words(scripts)
    arms = st.tuples(st.lists(word, min_size=1, max_size=2).map(tuple), scripts)
    return (
        st.builds(Group, scripts)
        | st.builds(Subshell, scripts)
        | st.builds(For, NAMES, st.lists(word, max_size=2).map(tuple), scripts)
        | st.builds(While, scripts, scripts, st.booleans())
        | st.builds(
            If, st.lists(st.tuples(scripts, scripts), min_size=1, max_size=2).map(tuple), st.none() | scripts
        )
        | st.builds(Case, words(scripts, quoted=True).map(pinned), st.lists(arms, max_size=2).map(tuple))
    )


def _scripts_of(commands: st.SearchStrategy[Any]) -> st.SearchStrategy[Script]:
    pipelines = st.builds(Pipeline, st.lists(commands, min_size=1, max_size=2).map(tuple), st.booleans())
    rest = st.lists(st.tuples(st.sampled_from(["&&", "||"]), pipelines), max_size=1).map(tuple)
    lists = st.builds(AndOr, pipelines, rest).map(_with_documents_apart)
    return st.lists(lists, min_size=1, max_size=2).map(lambda found: Script(tuple(found)))


_PLAIN = _scripts_of(st.just(Simple((Word((Text("ls"),)),))))


def scripts() -> st.SearchStrategy[Script]:
    """Scripts of bounded depth."""
    return st.recursive(_PLAIN, lambda inner: _scripts_of(_simple(inner) | _compounds(inner)), max_leaves=3)
