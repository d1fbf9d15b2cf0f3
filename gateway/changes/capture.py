"""A refused unit made ready for a change request: values in place, secrets out, cut into statements."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from gateway.changes import inverse, markers, secrets_found, traits
from gateway.changes.pieces import Apart, Pieces, cut, join, statements
from gateway.changes.values import put_values
from gateway.domain.errors import InvalidInput, UpstreamUnavailable

if TYPE_CHECKING:
    from gateway.domain.change import SqlCapture
    from gateway.domain.ids import SessionId, UnitNumber
    from gateway.domain.production import ReadDatabase

MAX_TEXT = 1 << 18
"""Characters of a statement that a change request takes; a larger one is data and belongs into a file."""
MAX_STATEMENTS = 1000
_IN_A_THREAD = 1 << 14
_MAX_ROWS = (1 << 63) - 1


class Part(msgspec.Struct, frozen=True, array_like=True):
    """One statement as it goes into a migration, and the way back as far as it is known.

    Attributes:
        text: values in place, secrets out, markers broken; comment lines where it isn't runnable.
        alone: why it can't run inside a transaction; empty where it can.
        runnable: False where a person must turn it into SQL first.
        inverse: the statement that undoes it exactly; empty where none is certain.
        guidance: lines that help to write one.
        notes: sentences for the reviewer.
    """

    text: str
    alone: str
    runnable: bool
    inverse: str
    guidance: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A captured unit, ready to be stored.

    Attributes:
        text: as sent, without secrets.
        literals: its bind values as literals, without secrets; None where there are none.
        parts: its statements.
        secrets: names of the placeholders in it.
        rows: the plan's estimate; None: not estimated.
        fingerprint: sha256 of what it would do: the same for the same text and values.
    """

    text: str
    literals: tuple[str, ...] | None
    parts: tuple[Part, ...]
    secrets: tuple[str, ...]
    rows: int | None
    fingerprint: bytes


async def prepare(
    capture: SqlCapture, session: SessionId, number: UnitNumber, production: ReadDatabase
) -> Prepared:
    """Make a refused unit ready: the server renders its values and estimates its rows.

    Args:
        capture: what the door knows of it.
        session: where it was typed.
        number: its place there.
        production: the session's own reads of production.

    Raises:
        InvalidInput: it is too large for a change request.
    """
    if len(capture.text) > MAX_TEXT:
        raise InvalidInput(
            f"the statement has {len(capture.text):,} characters; a change request takes {MAX_TEXT:,}",
            hint="put the data into a file of the repository",
        )
    literals, missing = await _literals(capture, production)
    work = _Work(capture, literals, missing, f"secret_s{session}u{number}_")
    prepared = await asyncio.to_thread(work.prepare) if len(capture.text) > _IN_A_THREAD else work.prepare()
    if not capture.explainable or work.runnable is None:
        return prepared
    return replace(prepared, rows=await _rows(work.runnable, production))


async def _rows(statement: str, production: ReadDatabase) -> int | None:
    """Ask for the plan's estimate; what can't be had is said, never guessed."""
    try:
        rows = await production.estimate(statement)
    except UpstreamUnavailable:
        return None
    return None if rows is None else min(rows, _MAX_ROWS)


async def _literals(capture: SqlCapture, production: ReadDatabase) -> tuple[tuple[str, ...], bool]:
    """Let the server render the bind values; return them and whether they could not be had."""
    if not capture.values:
        return (), False
    try:
        return await production.literals(capture.values, capture.types), False
    except UpstreamUnavailable:
        return (), True


@dataclass(slots=True)
class _Work:
    """The pure part of preparing one unit.

    Attributes:
        capture: what the door knows.
        literals: its values.
        missing: the values could not be rendered.
        stem: of the names of its secrets.
        runnable: the statement with its values, secrets and all, for the planner alone.
    """

    capture: SqlCapture
    literals: tuple[str, ...]
    missing: bool
    stem: str
    runnable: str | None = None

    def prepare(self) -> Prepared:
        """Return the unit without its estimate."""
        try:
            typed = cut(self.capture.text)
            whole = typed if self.missing else put_values(typed, self.literals, self.capture.types)
            found = secrets_found.redact(whole, stem=self.stem)
            parts = self._parts(found.pieces)
        except InvalidInput as error:
            return self._unreadable(error)
        self.runnable = join(whole)
        hidden = frozenset(piece.value for piece in found.pieces if piece.kind is Apart.PLACEHOLDER)
        return Prepared(
            join(found.pieces if typed == whole else secrets_found.redact(typed, stem=self.stem).pieces),
            self._shown_literals(hidden),
            parts,
            found.names,
            None,
            _fingerprint(found.pieces),
        )

    def _parts(self, redacted: Pieces) -> tuple[Part, ...]:
        """Cut into statements; leave the transaction's own out."""
        found = statements(markers.break_markers(redacted))
        if len(found) > MAX_STATEMENTS:
            raise InvalidInput(
                f"{len(found):,} statements in one text; a change request takes {MAX_STATEMENTS:,}"
            )
        return tuple(_part(each) for each in found if not traits.is_control(each))

    def _shown_literals(self, hidden: frozenset[int]) -> tuple[str, ...] | None:
        """Return the values without those that were found to be secret."""
        if self.capture.values is None:
            return None
        return tuple(
            "[secret]" if number in hidden or secrets_found.holds_secret(text) else text
            for number, text in enumerate(self.literals, 1)
        )

    def _unreadable(self, error: InvalidInput) -> Prepared:
        """Return the unit as comment lines, for a person to turn into SQL: its work is not lost either."""
        text = secrets_found.without_secrets(self.capture.text)
        literals = tuple(secrets_found.without_secrets(each) for each in self.literals)
        note = f"this could not be turned into a migration by itself ({error.message}); write the SQL by hand"
        values = "\n".join(f"${number} = {each}" for number, each in enumerate(literals, 1))
        shown = markers.commented("\n".join(each for each in (text, values) if each))
        part = Part(shown, "", False, "", (), (note,))
        seen = hashlib.sha256("\0".join((text, *literals)).encode()).digest()
        return Prepared(text, literals if self.capture.values is not None else None, (part,), (), None, seen)


def _fingerprint(redacted: Pieces) -> bytes:
    """Return the same for units that would become the same statement, whatever their secrets."""
    seen = ("?" if piece.kind is Apart.PLACEHOLDER else piece.text for piece in redacted)
    return hashlib.sha256("".join(seen).strip().encode()).digest()


def _part(statement: Pieces) -> Part:
    """Return one statement with all that its migration needs."""
    trimmed = _trimmed(statement)
    back = inverse.inverse(trimmed) or ""
    caution = traits.caution(trimmed)
    return Part(
        join(trimmed),
        traits.alone(trimmed),
        True,
        back,
        () if back else inverse.guidance(trimmed),
        (caution,) if caution else (),
    )


def _trimmed(statement: Pieces) -> Pieces:
    """Return the statement without the white space around it."""
    start, end = 0, len(statement)
    while start < end and statement[start].kind is Apart.SPACE:
        start += 1
    while end > start and statement[end - 1].kind is Apart.SPACE:
        end -= 1
    return statement[start:end]
