"""A command's entry, taken apart once: its options by name, its operands in order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from gateway.judge.shell.commands import Denied, Form
from gateway.judge.shell.kinds import TEXT, Kind, Slot, kind, slot

Takes = Literal["nothing", "value", "maybe", "perhaps"]

_BLANK: Final = re.compile(r"(?<!\\) +")
_TAKES: Final[Mapping[str, Takes]] = {"=": "value", ":": "value", "=?": "maybe", "=??": "perhaps"}
_OPTION: Final = re.compile(r"([^=\s]+)(?:(=\?\?|=\?|=)(.*))?", re.DOTALL)
_KEYWORD: Final = re.compile(r"([^=\s:]+)(?:(=\?\?|=\?|=|:)(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Option:
    """One option, under all its names.

    Attributes:
        names: with their dashes.
        takes: whether a value follows: never; always; ``maybe``: attached at most; ``perhaps``: attached,
            or the next word where that one fits.
        kind: what the value must be.
        reads: whether the command stays a reader with it, given such a value.
        denied: what it is otherwise; None: not known.
        apart: whether the value is the next word even in style ``keyword``.
    """

    names: tuple[str, ...]
    takes: Takes = "nothing"
    kind: Kind = TEXT
    reads: bool = True
    denied: Denied | None = None
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """A form, taken apart.

    Attributes:
        form: what the catalogue says.
        options: by name.
        longs: names with two dashes, for abbreviations.
        slots: for operands, in order.
        subcommands: by name.
        elsewhere: whether it stands at paths of its own only.
    """

    form: Form
    options: Mapping[str, Option]
    longs: tuple[str, ...]
    slots: tuple[Slot, ...]
    subcommands: Mapping[str, Prepared]
    elsewhere: bool = False

    def named(self, name: str) -> Option | None:
        """The option of that name, whole or as an abbreviation that no other option has; None: none."""
        found = self.options.get(name)
        if found is not None or self.form.style != "gnu" or not name.startswith("--") or len(name) < 3:
            return found
        meant = [self.options[long] for long in self.longs if long.startswith(name)]
        return meant[0] if meant and all(each is meant[0] for each in meant) else None


def prepare(
    form: Form, *, elsewhere: bool = False, inherited: Mapping[str, Option] | None = None
) -> Prepared:
    """Take a form apart.

    Args:
        form: of the catalogue.
        elsewhere: whether it stands at paths of its own only.
        inherited: options of the form above, where they hold here too.

    Raises:
        ValueError: an option or operand in it can't be read.
    """
    options = dict(inherited or {})
    for text in form.read:
        option = _option(text, None, form.style)
        options.update(dict.fromkeys(option.names, option))
    for denied in form.denied:
        for text in denied.options:
            refused = _option(text, denied, form.style)
            for name in refused.names:
                options[name] = _both(options.get(name) if name not in (inherited or {}) else None, refused)
    for name in (*form.needs_option, *(name for each in form.clashes for name in each.split())):
        if name not in options:
            raise ValueError(f"it speaks of {name}, which is no option of it")
    below = options if form.inherits else {}
    subcommands = {
        name: prepare(_written_like(form, each), inherited=below)
        for names, each in form.subcommands.items()
        for name in names.split()
    }
    longs = tuple(name for name in options if name.startswith("--"))
    slots = tuple(slot(text) for text in form.operands)
    return Prepared(form, options, longs, slots, subcommands, elsewhere)


def _written_like(form: Form, below: Form) -> Form:
    """A subcommand's form, whose options are written as its command's where it says nothing of them."""
    style = form.style if below.style == "gnu" else below.style
    return msgspec.structs.replace(below, style=style, ends=form.ends and below.ends)


def _both(reading: Option | None, refused: Option) -> Option:
    """An option that reads with values of one kind, and is denied with others."""
    if reading is None or not reading.reads:
        return refused
    return Option(
        reading.names, reading.takes, reading.kind, reads=True, denied=refused.denied, apart=reading.apart
    )


def _option(text: str, denied: Denied | None, style: str) -> Option:
    notation = _KEYWORD if style == "keyword" else _OPTION
    matches = [notation.fullmatch(word) for word in _BLANK.split(text)]
    if not matches:
        raise ValueError("an option has no name")
    names, kinds = [], []
    takes: Takes = "nothing"
    apart = False
    for match in matches:
        if match is None:
            raise ValueError(f"{text!r} is no option")
        name, sign, value = match.groups()
        names.append(name)
        if sign is not None:
            takes = _TAKES[sign]
            apart = sign == ":"
            kinds += [value] if value else []
    if len(set(kinds)) > 1:
        raise ValueError(f"{text!r} has values of two kinds")
    return Option(tuple(names), takes, kind(kinds[0]) if kinds else TEXT, denied is None, denied, apart)
