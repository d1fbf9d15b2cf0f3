"""What migrations of every convention have in common: header, statements, the rollback section."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from gateway.changes.pieces import cut
from gateway.changes.shown import one_line
from gateway.domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

ROLLBACK = "-- == Rollback =="
_ROLLBACK_LINE = re.compile(r"^[ \t]*--[ \t]*==[ \t]*rollback[ \t]*==[ \t]*$", re.IGNORECASE | re.MULTILINE)
_MAX_FIELD = 300
_STAMP = "%Y%m%d%H%M%S"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a migration.

    Attributes:
        text: as typed, values in place, markers broken, without the semicolon; or comment lines alone.
        origin: where it was captured, such as ``session 12, unit 3``.
        alone: why it can't run inside a transaction; empty where it can.
        runnable: False where the text is comment lines for a person to turn into SQL.
    """

    text: str
    origin: str
    alone: str
    runnable: bool = True


@dataclass(frozen=True, slots=True)
class Migration:
    """A proposed migration, before it is laid out.

    Attributes:
        heading: one line.
        fields: name and value of each header line, in order; values are data.
        notes: sentences of ours for the reviewer.
        statements: in order.
        rollback: lines of SQL that undo them, where that is certain.
        guidance: lines that help to write them, where it is not.
    """

    heading: str
    fields: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    statements: tuple[Statement, ...]
    rollback: tuple[str, ...]
    guidance: tuple[str, ...]

    @property
    def alone(self) -> str:
        """Why the file can't run inside a transaction; empty where it can."""
        return "; ".join(dict.fromkeys(each.alone for each in self.statements if each.alone))


class Convention(Protocol):
    """How one migration tool names and lays out its files."""

    def name(self, existing: Sequence[str], slug: str, drafted_at: datetime) -> str:
        """Return the next file's name behind the existing ones."""

    def number(self, name: str) -> str:
        """Return the number or version that a file name carries, empty where it carries none."""

    def lay_out(self, migration: Migration) -> str:
        """Return the file's text."""

    def lacks_rollback(self, text: str) -> bool:
        """Whether the rollback section is missing or still to be filled in."""

    def without_way_back(self, text: str, why: str) -> str:
        """Return the text with its rollback section saying why there is none."""

    def settle(self, text: str) -> str:
        """Return an edited text in the form in which it is committed."""


def header(migration: Migration) -> str:
    """Return the header's comment lines; every value is data and stays on its line."""
    width = max((len(name) for name, _ in migration.fields), default=0) + 1
    lines = [f"-- {field(migration.heading)}"]
    lines += [f"-- {name + ':':<{width}} {field(value)}" for name, value in migration.fields]
    lines += [f"-- Note: {field(note)}" for note in migration.notes]
    return "\n".join(lines)


def field(value: str) -> str:
    """Return data as it may stand in a comment: one line, no controls, no placeholder, bounded."""
    return one_line(value, _MAX_FIELD).replace("${", "$ {")


def body(migration: Migration) -> str:
    """Return the statements, in order, each closed."""
    blocks: list[str] = []
    count = len(migration.statements)
    for number, statement in enumerate(migration.statements, 1):
        title = f"-- Statement {number} of {count} ({field(statement.origin)})\n" if count > 1 else ""
        blocks.append(title + (closed(statement.text) if statement.runnable else statement.text))
    return "\n\n".join(blocks)


def closed(text: str) -> str:
    """Return a statement with its semicolon, on a line of its own where a comment ends the text."""
    text = text.strip("\n\r\t ")
    last = cut(text)[-1:]
    return f"{text}\n;" if last and last[0].text.startswith("--") else f"{text};"


def guidance_lines(migration: Migration) -> list[str]:
    """Return the guidance as comment lines that count as nothing."""
    if migration.rollback:
        return ["-- # This undoes the statements above exactly, as far as their own words go."]
    return [
        "-- # TO BE FILLED IN: the statements that undo the above.",
        *(f"-- # {field(line)}" for line in migration.guidance),
    ]


def comment_rollback(migration: Migration) -> str:
    """Return the rollback section of tools that know none of their own: comments throughout."""
    lines = [ROLLBACK, *guidance_lines(migration)]
    undone = [line for each in migration.rollback for line in each.splitlines()]
    lines += [line if line.startswith("--") else f"-- {line}" for line in undone]
    return "\n".join(lines)


def comment_section(text: str) -> tuple[str, list[str]] | None:
    """Split at the rollback section: what stands before, and its lines; None where there is none."""
    found = None
    for found in _ROLLBACK_LINE.finditer(text):  # noqa: B007 - the last one is the section
        pass
    if found is None:
        return None
    return text[: found.start()], text[found.end() :].strip("\n").split("\n")


def comment_section_lacks(text: str) -> bool:
    """Whether the commented rollback section is missing or says nothing yet."""
    section = comment_section(text)
    return section is None or not any(_said(line) for line in section[1])


def _said(line: str) -> str:
    """Return what a line of the rollback section says, empty for guidance."""
    content = line.strip().lstrip("-").strip()
    return "" if content.startswith("#") else content


def comment_without_way_back(text: str, why: str) -> str:
    """Return the text with a rollback section that says why there is no way back."""
    section = comment_section(text)
    before = text.rstrip("\n") + "\n\n" if section is None else section[0]
    return f"{before}{ROLLBACK}\n-- # No way back: {field(why)}\n"


def settle_comments(text: str) -> str:
    """Return the text with its rollback section commented throughout: it never runs with the rest."""
    section = comment_section(text)
    if section is None:
        return text.rstrip("\n") + "\n"
    lines = [
        line if not line.strip() or line.lstrip().startswith("--") else f"-- {line}" for line in section[1]
    ]
    return f"{section[0]}{ROLLBACK}\n" + "\n".join(lines).rstrip("\n") + "\n"


def stamp(drafted_at: datetime, highest: str) -> str:
    """Return a 14-digit time stamp behind the highest one."""
    wanted = drafted_at.strftime(_STAMP)
    if wanted > highest[:14]:
        return wanted
    try:
        last = datetime.strptime(f"{highest[:14]}+0000", "%Y%m%d%H%M%S%z")
        return (last + timedelta(seconds=1)).strftime(_STAMP)
    except (ValueError, OverflowError):
        raise InvalidInput(f"the repository's highest migration {field(highest)} is no time stamp") from None


def is_stamp(digits: str) -> bool:
    """Whether digits are a time stamp rather than a count."""
    return len(digits) == len("YYYYMMDDhhmmss") and digits[:2] in ("19", "20", "21")
