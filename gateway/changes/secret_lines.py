"""Secrets in command lines, requests and words as they are shown: found by the catalogue, and cut out.

A line is read far more leniently than the judge does: whatever it is, nothing is run here, and where a shell
would see something else, at worst a word too many is cut out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from gateway.changes.secret_words import (
    SECRET,
    hide_words,
    is_secret_name,
    known_programs,
    reads_secret,
)
from gateway.changes.secrets_found import without_secrets
from gateway.judge.http.bodies import Json

_TOKEN: Final = re.compile(
    r"""(?P<space>[ \t\r]+|\\\n)
      | (?P<here><<<)
      | (?P<redirect>[0-9]*(?:<<-?|>>|>\||<>|[<>]&?|&>>?))
      | (?P<pipe>\|&?(?!\|))
      | (?P<end>\n|;;?|&&?|\|\||[()])
      | (?P<word>(?:\\.|\$'(?:[^'\\]|\\.)*'|'[^']*'|"(?:[^"\\]|\\.)*"|\$\([^()]*\)|\$\{[^{}]*\}|`[^`]*`
          |[^\s;&|()<>'"\\]|['"\\])+)""",
    re.VERBOSE | re.DOTALL,
)
_PART: Final = re.compile(r"\\(.)|\$?'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|(.)", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\([$`\"\\\n])")
_QUOTED_DOLLAR: Final = "\ue000"
"""A dollar sign that the shell would not expand."""
_NEEDS_QUOTES: Final = re.compile(r"[\s'\"`;&|<>()*?#!\\]|\$(?![\w{(])")
_NO_DOUBLE: Final = re.compile(r"[\"`$\\!\ue000]")
_PRINTS: Final = frozenset({"echo", "printf"})
_DEEPEST: Final = 3
_METHODS: Final = re.compile(r"(?:GET|HEAD|POST|PUT|PATCH|DELETE) /")
_JSON: Final = frozenset("{[")
_SUBSTITUTED: Final = re.compile(r"(\$\(|`)([^()`]*)([)`])")
_HERE_DOCUMENT: Final = re.compile(r"(?<!<)<<-?[ \t]*['\"\\]?([\w.-]+)")


@dataclass(slots=True)
class _Word:
    start: int
    end: int
    value: str
    fed: bool = False
    """Whether it is what stands behind ``<<<``."""


def hide_line(text: str) -> str:
    """Return a command line, or several, with what a program is given in secret cut out.

    Args:
        text: as typed.
    """
    return without_secrets(_hidden(_fed_documents(text), _DEEPEST, named=True))


def hide_line_of_file(text: str) -> str:
    """Return a line of a file likewise; only what a program of the catalogue is given counts beside shapes.

    Args:
        text: of a script, a table of jobs, or anything else.
    """
    known = _hidden(text, 1, named=False) if known_programs().search(text) else text
    return without_secrets(known)


def hide_argv(words: Sequence[str]) -> list[str]:
    """Return the words of a command with secrets cut out, those in lines that it hands to a shell, too.

    Args:
        words: unquoted.
    """
    found = hide_words(words)
    for at, word in enumerate(found):
        if word == words[at]:
            within = _hidden(word, _DEEPEST - 1, named=True) if re.search(r"\s", word) else word
            found[at] = without_secrets(within)
    return found


def hide_request(line: str) -> str:
    """Return the first line of a request with secrets in its query cut out.

    Args:
        line: method and target.
    """
    path, mark, query = line.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    argv = iter(hide_argv([value for name, value in pairs if name == "command"]))
    shown = [(name, next(argv) if name == "command" else _parameter(name, value)) for name, value in pairs]
    if shown == pairs:
        return without_secrets(line)
    return without_secrets(path + mark + "&".join(f"{name}={value}" for name, value in shown))


def hide_unit(text: str) -> str:
    """Return a unit of an API as one line of a title: a request's line, else a command's.

    Args:
        text: such as ``docker exec db mysql``.
    """
    return hide_request(text) if _METHODS.match(text) else hide_line(text)


def _parameter(name: str, value: str) -> str:
    if is_secret_name(name) and value:
        return SECRET
    return without_secrets(_of_json(value))


def _of_json(value: str) -> str:
    """A word that is JSON with secrets cut out by their names; any other as it is."""
    if value[:1] not in _JSON:
        return value
    try:
        said: Json = msgspec.json.decode(value)
        shown = _members(said)
    except (msgspec.DecodeError, RecursionError):
        return value
    return value if shown == said else msgspec.json.encode(shown).decode()


def _members(said: Json, *, secret: bool = False) -> Json:
    """A value with secrets cut out by the names of members, variables and paths that they go by."""
    if isinstance(said, list):
        return [_members(each, secret=secret) for each in said]
    if not isinstance(said, dict):
        return SECRET if secret and not isinstance(said, bool) and said not in (None, "") else said
    called = said.get("name", said.get("path"))
    called = called.rpartition("/")[2] if isinstance(called, str) else ""
    found: dict[str, Json] = {}
    for name, each in said.items():
        known = called if name == "value" and called else name
        found[name] = _members(each, secret=secret or _is_secret_member(known, each))
    return found


def _is_secret_member(name: str, held: Json) -> bool:
    """Whether what a member holds is secret: a Secret's texts, or what is named so and is no object."""
    return name == "stringData" or (is_secret_name(name) and not isinstance(held, dict))


def _fed_documents(text: str) -> str:
    """A text with here-documents cut out that are fed to what reads a secret from its input."""
    if "<<" not in text:
        return text
    shown: list[str] = []
    ends, cuts = "", False
    for line in text.split("\n"):
        if ends:
            ends = "" if line.strip() == ends else ends
            if not ends or not cuts:
                shown.append(line)
            elif shown[-1] != SECRET:
                shown.append(SECRET)
            continue
        found = _HERE_DOCUMENT.search(line)
        ends = found[1] if found else ""
        cuts = bool(ends) and any(
            reads_secret([each.value for each in words]) for _, words in _commands(line)
        )
        shown.append(line)
    return "\n".join(shown)


def _hidden(text: str, depth: int, *, named: bool) -> str:
    """A text with the secrets of each of its simple commands cut out, those that are run for a word first."""
    if depth > 1:
        text = _SUBSTITUTED.sub(lambda one: one[1] + _hidden(one[2], depth - 1, named=named) + one[3], text)
    edits: dict[tuple[int, int], str] = {}
    before: list[_Word] = []
    for piped, words in _commands(text):
        values = [each.value for each in words if not each.fed]
        told = iter(hide_words(values, named=named))
        feeds = reads_secret(values)
        for word in words:
            becomes = next(told) if not word.fed else SECRET if feeds else word.value
            if becomes == word.value and depth > 1 and re.search(r"\s", word.value):
                becomes = _hidden(word.value, depth - 1, named=named)
            if becomes == word.value:
                becomes = _of_json(becomes)
            if becomes != word.value:
                edits[word.start, word.end] = _quoted(becomes)
        if feeds and piped and before:
            prints = before[0].value.rpartition("/")[2] in _PRINTS
            edits |= {
                (each.start, each.end): SECRET
                for each in before[1:]
                if each.fed or (prints and each.value[:1] != "-")
            }
        before = words
    shown: list[str] = []
    at = 0
    for (start, end), becomes in sorted(edits.items()):
        shown += (text[at:start], becomes)
        at = end
    return "".join((*shown, text[at:]))


def _commands(text: str) -> list[tuple[bool, list[_Word]]]:
    """The simple commands of a text: whether each is fed by the one before, and its words."""
    found: list[tuple[bool, list[_Word]]] = [(False, [])]
    fed = False
    for token in _TOKEN.finditer(text):
        match token.lastgroup:
            case "pipe" | "end":
                found.append((token.lastgroup == "pipe", []))
            case "here":
                fed = True
            case "word":
                found[-1][1].append(_Word(token.start(), token.end(), _value(token[0]), fed))
                fed = False
            case _:
                pass
    return [each for each in found if each[1]]


def _value(raw: str) -> str:
    """What a word says once the shell has taken its quotes away; what it would expand stays as it stands."""
    said = []
    for escaped, single, double, plain in _PART.findall(raw):
        if plain:
            said.append(plain)
        elif escaped or single:
            said.append((escaped or single).replace("$", _QUOTED_DOLLAR))
        else:
            said.append(_ESCAPED.sub(lambda one: _QUOTED_DOLLAR if one[1] == "$" else one[1], double))
    return "".join(said)


def _quoted(value: str) -> str:
    """A word as it would be typed."""
    plain = value.replace(_QUOTED_DOLLAR, "$")
    if "'" in value and not _NO_DOUBLE.search(value):
        return f'"{value}"'
    if _QUOTED_DOLLAR in value or _NEEDS_QUOTES.search(value):
        return "'" + plain.replace("'", "'\\''") + "'"
    return plain
