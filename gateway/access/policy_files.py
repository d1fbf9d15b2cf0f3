"""Reads ``policy.csv`` and ``access.toml``; whatever is wrong names file, line and mend."""

from __future__ import annotations

import re
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from gateway.access.durations import parse_duration
from gateway.access.selectors import Selector, parse_selector
from gateway.domain.errors import ConfigurationBroken, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

ACTIONS: Final = frozenset(
    {
        "request",
        "request-secrets",
        "connect",
        "submit",
        "approve",
        "approve-secrets",
        "review",
        "kill",
        "revoke",
        "administer",
        "observe",
    }
)
"""Everything that policy can allow."""

ROLE: Final = re.compile(r"[a-z][a-z0-9-]{0,62}")

_MOST_APPROVERS = 20
_MOST_PENDING = 1000
_LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Row:
    """One ``p`` row of policy.csv.

    Attributes:
        role: whose.
        endpoints: where.
        action: one of ``ACTIONS``, or ``*``.
        allows: False where it denies.
    """

    role: str
    endpoints: Selector
    action: str
    allows: bool


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """How requests for some endpoints are approved.

    Attributes:
        endpoints: which.
        approvers: distinct people it takes.
        approved_by: only people of these roles; empty: whoever policy lets approve.
        longest: nobody gets longer.
        unused: an approval that is not used by then lapses.
        reason: must be found in the reason; None: any reason.
        reason_hint: told where it isn't.
        approves_itself: roles whose requests need no approver.
        itself_longest: up to so long.
    """

    endpoints: Selector
    approvers: int
    approved_by: frozenset[str]
    longest: timedelta
    unused: timedelta
    reason: re.Pattern[str] | None
    reason_hint: str
    approves_itself: frozenset[str]
    itself_longest: timedelta


@dataclass(frozen=True, slots=True)
class AccessRules:
    """What access.toml says.

    Attributes:
        undecided: a request that nobody decides lapses after so long.
        most_pending: requests of one person at once.
        decide_by_token: whether a person's machine token whose scopes name ``approve`` decides as they would.
        login: life of a login.
        database: life of a database token.
        machine: longest life of a machine token.
        approvals: the first whose selector fits decides.
    """

    undecided: timedelta
    most_pending: int
    decide_by_token: bool
    login: timedelta
    database: timedelta
    machine: timedelta
    approvals: tuple[ApprovalRule, ...]


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """A table of access.toml."""


class _Requests(_Table, frozen=True, kw_only=True):
    undecided: str = "24h"
    most_pending: int = 20
    decide_by_token: bool = False


class _Tokens(_Table, frozen=True, kw_only=True):
    login: str = "12h"
    database: str = "8h"
    machine: str = "365d"


class _Approval(_Table, frozen=True, kw_only=True):
    endpoints: str
    approvers: int
    approved_by: tuple[str, ...] = ()
    longest: str
    unused: str
    reason: str = ""
    reason_hint: str = ""
    approves_itself: tuple[str, ...] = ()
    itself_longest: str = ""


class _Document(_Table, frozen=True, kw_only=True):
    requests: _Requests = msgspec.field(default_factory=_Requests)
    tokens: _Tokens = msgspec.field(default_factory=_Tokens)
    approval: tuple[_Approval, ...] = ()


def read_rows(path: Path, text: str) -> tuple[list[Row], list[tuple[str, str]]]:
    """Read policy.csv.

    Args:
        path: named in errors.
        text: its content.

    Returns:
        The ``p`` rows, and the ``g`` rows as pairs: whoever has the first has the second's rows too.

    Raises:
        ConfigurationBroken: a line is malformed.
    """
    rows: list[Row] = []
    links: list[tuple[str, str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            parsed = _line([field.strip() for field in line.split(",")])
        except InvalidInput as error:
            raise ConfigurationBroken(f"{path}:{number}: {error.message}", hint=error.hint) from error
        if isinstance(parsed, Row):
            rows.append(parsed)
        else:
            links.append(parsed)
    return rows, links


def _line(fields: list[str]) -> Row | tuple[str, str]:
    match fields:
        case ["p", role, endpoints, action, effect]:
            return _row(role, endpoints, action, effect)
        case ["g", role, other]:
            return _role(role), _role(other)
        case _:
            raise InvalidInput(
                "neither a p nor a g row", hint="write p, ROLE, ENDPOINTS, ACTION, allow or g, ROLE, OTHER"
            )


def _row(role: str, endpoints: str, action: str, effect: str) -> Row:
    if action not in ACTIONS and action != "*":
        raise InvalidInput(f"no action {action!r}", hint=f"one of {', '.join(sorted(ACTIONS))}, or *")
    if effect not in {"allow", "deny"}:
        raise InvalidInput(f"no effect {effect!r}", hint="write allow or deny")
    return Row(_role(role), parse_selector(endpoints), action, effect == "allow")


def _role(name: str) -> str:
    if not ROLE.fullmatch(name):
        raise InvalidInput(f"{name!r} is no role", hint="lower-case letters, digits and dashes")
    return name


def read_rules(path: Path, text: str) -> AccessRules:
    """Read access.toml.

    Args:
        path: named in errors.
        text: its content.

    Raises:
        ConfigurationBroken: it is malformed, has an unknown key or a value that can't be.
    """
    document = _document(path, text)
    spot = _Spot(path, text)
    times = {}
    for table, key, value in (
        ("requests", "undecided", document.requests.undecided),
        ("tokens", "login", document.tokens.login),
        ("tokens", "database", document.tokens.database),
        ("tokens", "machine", document.tokens.machine),
    ):
        with spot.of(table, 0, key):
            times[key] = _bounded(value)
    with spot.of("requests", 0, "most-pending"):
        if not 1 <= document.requests.most_pending <= _MOST_PENDING:
            raise InvalidInput("that many can't be", hint=f"1 to {_MOST_PENDING}")
    return AccessRules(
        **times,
        most_pending=document.requests.most_pending,
        decide_by_token=document.requests.decide_by_token,
        approvals=tuple(_approval(spot, number, each) for number, each in enumerate(document.approval)),
    )


def _document(path: Path, text: str) -> _Document:
    try:
        return msgspec.convert(tomllib.loads(text), _Document)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line (\d+)", str(error))
        line = place.group(1) if place else len(text.splitlines())
        raise ConfigurationBroken(f"{path}:{line}: {error}", hint="mend the TOML at that place") from error
    except msgspec.ValidationError as error:
        raise ConfigurationBroken(
            f"{path}:{line_of(text, *_place(str(error)))}: {error}",
            hint="the shipped access.toml shows every key with its meaning",
        ) from error


@dataclass(frozen=True, slots=True)
class _Spot:
    """Names the place of what is wrong in a file."""

    path: Path
    text: str

    @contextmanager
    def of(self, table: str, number: int, key: str) -> Iterator[None]:
        """Let what is wrong in the block name file, line and key."""
        try:
            yield
        except InvalidInput as error:
            line = line_of(self.text, table, number, key)
            raise ConfigurationBroken(
                f"{self.path}:{line}: {key}: {error.message}", hint=error.hint
            ) from error
        except re.error as error:
            line = line_of(self.text, table, number, key)
            raise ConfigurationBroken(
                f"{self.path}:{line}: {key}: no regular expression: {error}",
                hint="write it as Python's re takes it",
            ) from error


def _approval(spot: _Spot, number: int, approval: _Approval) -> ApprovalRule:
    def at(key: str) -> AbstractContextManager[None]:
        return spot.of("approval", number, key)

    with at("endpoints"):
        endpoints = parse_selector(approval.endpoints)
    with at("approvers"):
        if not 1 <= approval.approvers <= _MOST_APPROVERS:
            raise InvalidInput(
                f"it takes 1 to {_MOST_APPROVERS} people", hint="use approves-itself where nobody is needed"
            )
    with at("longest"):
        longest = _bounded(approval.longest)
    with at("unused"):
        unused = _bounded(approval.unused)
    with at("reason"):
        reason = re.compile(approval.reason) if approval.reason else None
    with at("approved-by"):
        approved_by = frozenset(_role(role) for role in approval.approved_by)
    with at("approves-itself"):
        itself = frozenset(_role(role) for role in approval.approves_itself)
    with at("itself-longest"):
        itself_longest = _bounded(approval.itself_longest) if approval.itself_longest else longest
    return ApprovalRule(
        endpoints=endpoints,
        approvers=approval.approvers,
        approved_by=approved_by,
        longest=longest,
        unused=unused,
        reason=reason,
        reason_hint=approval.reason_hint,
        approves_itself=itself,
        itself_longest=min(itself_longest, longest),
    )


def _bounded(text: str) -> timedelta:
    duration = parse_duration(text)
    if duration > _LONGEST:
        raise InvalidInput(f"{text} is too long", hint="a year at most")
    return duration


def _place(message: str) -> tuple[str, int, str]:
    """Read table, number and key out of a validation message such as ``… - at `$.approval[1].longest```."""
    path = re.search(r"`\$\.?(\w*)(?:\[(\d+)\])?(?:\.([\w-]+))?", message)
    table, number, key = (
        (path.group(1), int(path.group(2) or 0), path.group(3) or "") if path else ("", 0, "")
    )
    unknown = re.search(r"unknown field `([^`]+)`", message) or re.search(
        r"missing required field `([^`]+)`", message
    )
    if unknown and not key:
        key = unknown.group(1)
    return table, number, key


def line_of(text: str, table: str, number: int, key: str) -> int:
    """Find the line of a key in a TOML file; of its table where the key isn't there.

    Args:
        text: the file.
        table: its name; empty: the top.
        number: which of several ``[[table]]``, from 0.
        key: its name.
    """
    here, seen, found = table == "", -1, 1
    for line_number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[\[?\s*([\w-]+)\s*\]\]?", line)
        if header:
            seen += header.group(1) == table
            here = header.group(1) == table and seen == number
            if here or (table == "" and header.group(1) == key):
                found = line_number
        elif here and re.match(rf"\s*{re.escape(key)}\s*=", line):
            return line_number
    return found
