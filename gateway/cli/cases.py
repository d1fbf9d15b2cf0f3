"""Verdicts that an operator expects, held against the judge: policies/cases.toml."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Literal

import msgspec

from gateway.domain.errors import ConfigurationBroken
from gateway.judge.catalogue import load_postgres
from gateway.judge.postgres import SqlContext, VerdictCache
from gateway.judge.postgres.builtin import builtin

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text and the verdict that is expected.

    Attributes:
        kind: of the language's judge.
        text: as a session's first unit.
        verdict: expected.
        why: for whoever reads it.
    """

    kind: Literal["postgres"]
    text: str
    verdict: Literal["allow", "change", "refuse"]
    why: str = ""


class Cases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file.

    Attributes:
        case: in order.
    """

    case: tuple[Case, ...] = ()


class Result(msgspec.Struct, frozen=True):
    """What became of a case.

    Attributes:
        text: as judged.
        expected: verdict.
        verdict: as judged.
        rule: that decided.
        reason: one sentence.
        good: whether both are the same.
    """

    text: str
    expected: str
    verdict: str
    rule: str
    reason: str
    good: bool


def read_cases(path: Path) -> tuple[Case, ...]:
    """Read ``cases.toml``; a missing file holds none.

    Raises:
        ConfigurationBroken: it can't be used; says what and where.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationBroken(f"{path}: {error}") from error
    try:
        return msgspec.convert(tomllib.loads(text), Cases).case
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        hint = "each [[case]] has kind, text and verdict"
        raise ConfigurationBroken(f"{path}: {error}", hint=hint) from error


def judged(cases: Sequence[Case], catalogue: Path) -> list[Result]:
    """Judge each case as a session's first unit.

    Args:
        cases: in order.
        catalogue: folder of the catalogue.
    """
    context = SqlContext(builtin(), load_postgres(catalogue))
    cache = VerdictCache()
    results = []
    for case in cases:
        verdict = cache.judge(case.text.encode(), context).verdict
        word = verdict.decision.word
        results.append(
            Result(case.text, case.verdict, word, verdict.rule, verdict.reason, word == case.verdict)
        )
    return results
