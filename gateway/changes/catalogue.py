"""The other way out of a refusal: what the catalogue would have to say for it to pass as a read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.changes.diff import unified
from gateway.changes.pieces import cut, loud
from gateway.changes.shown import one_line
from gateway.domain.change import FilePatch
from gateway.domain.errors import InvalidInput
from gateway.judge.postgres.builtin import builtin
from gateway.judge.postgres.tokens import TokenKind

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.domain.identity import Identity
    from gateway.store.changes import StoredChange

CATALOGUE = "policies/catalogue/postgres.toml"
_FUNCTION_RULES, _VOLATILE, _FUNCTIONS = "postgres.function.", "postgres.function.volatile", "safe = ["
_SETTING_RULES, _SETTINGS = "postgres.setting.", "any = ["
"""Rules that a line of the catalogue can open, and where the list begins that the line goes into."""


@dataclass(frozen=True, slots=True)
class ReadProposal:
    """A change to the catalogue, for review.

    Attributes:
        said: what would have to change, for a person.
        diff: of the catalogue, as unified diff text; empty where no line of it would help.
    """

    said: str
    diff: str

    def __str__(self) -> str:
        """Both, one after the other."""
        return f"{self.said}\n\n{self.diff}" if self.diff else self.said


def propose_read(change: StoredChange, identity: Identity, catalogue: Path | None) -> ReadProposal:
    """Return the catalogue change that would let the statements of a draft pass.

    Args:
        change: the draft.
        identity: who says that it was a read.
        catalogue: the file in force, None: the proposal is shown without its surroundings.
    """
    opened, endpoint, closed = _wanted(change)
    said = []
    if opened:
        said.append(f"Proposed for review: the catalogue calls {', '.join(opened)} harmless.")
    if endpoint:
        name = one_line(change.request.endpoint_name, 100)
        said.append(
            f"Made by users: where an operator vouches for them, the endpoint {name} lists them: "
            f"functions = {', '.join(endpoint)}."
        )
    if closed:
        said.append(
            f"No line of the catalogue opens {', '.join(closed)}: if it only reads, the judge is wrong; "
            "report it with what `glassgate judge postgres` says."
        )
    note = f"  # change request {change.request.id}, {one_line(identity.name, 60)}: was a read"
    return ReadProposal(" ".join(said), _diff(catalogue, opened, note))


def _wanted(change: StoredChange) -> tuple[dict[str, str], list[str], list[str]]:
    """Return names and their list of the catalogue, names for the endpoint's list, rules that stay closed."""
    opened: dict[str, str] = {}
    endpoint: dict[str, None] = {}
    closed: dict[str, None] = {}
    volatile = {each.name: each.volatility == "v" for each in builtin().functions_by_oid.values()}
    for unit in change.units:
        rule = unit.captured.rule
        before = len(opened) + len(endpoint)
        if rule.startswith(_SETTING_RULES):
            opened |= dict.fromkeys(_names(unit.captured.text, calls=False), _SETTINGS)
        elif rule.startswith(_FUNCTION_RULES):
            for name in _names(unit.captured.text, calls=True):
                bare = name.removeprefix("pg_catalog.")
                if bare not in volatile:
                    endpoint[name if "." in name else f"public.{name}"] = None
                elif volatile[bare] and rule == _VOLATILE:
                    opened[bare] = _FUNCTIONS
        if len(opened) + len(endpoint) == before:
            closed[rule or "the rule that refused it"] = None
    return opened, list(endpoint), list(closed)


def _names(text: str, *, calls: bool) -> list[str]:
    """Return the functions that a statement calls, or the settings that it sets."""
    try:
        seen = loud(cut(text))
    except InvalidInput:
        return []
    found: dict[str, None] = {}
    for at, piece in enumerate(seen):
        follower = seen[at + 1].text if at + 1 < len(seen) else ""
        if piece.kind not in (TokenKind.WORD, TokenKind.QUOTED):
            continue
        if calls and follower == "(" and piece.word not in _NO_CALLS:
            schema = f"{seen[at - 2].text}." if at > 1 and seen[at - 1].text == "." else ""
            found[(schema + piece.text).lower().replace('"', "")] = None
        if not calls and (follower == "=" or follower.upper() == "TO"):
            found[piece.text.lower()] = None
    return list(found)


_NO_CALLS = frozenset(
    {
        *("ALL", "AND", "ANY", "AS", "BY", "CASE", "EXISTS", "FROM", "IN", "INTO", "JOIN", "NOT", "ON"),
        *("OR", "OVER", "SELECT", "SOME", "USING", "VALUES", "WHERE"),
    }
)


def _diff(catalogue: Path | None, opened: dict[str, str], note: str) -> str:
    """Return the catalogue's change as a unified diff."""
    if not opened:
        return ""
    old = catalogue.read_text() if catalogue is not None else ""
    new = old
    for heading in dict.fromkeys(opened.values()):
        names = [name for name, where in opened.items() if where == heading]
        lines = "".join(f'\n  "{name}",{note}' for name in names if f'"{name}"' not in old)
        new = new.replace(heading, heading + lines, 1) if heading in new else f"{new}{heading}{lines}\n]\n"
    return unified((FilePatch(CATALOGUE, old.encode() or None, new.encode()),))
