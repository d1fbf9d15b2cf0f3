"""What was measured, as Markdown: ratios to direct and pgbouncer, medians over the rounds."""

from __future__ import annotations

import os
import platform
import statistics
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from crowd import BurstResult
    from load import Measured

BEGIN = "<!-- figures: written by `make bench BENCH=--write` -->"
END = "<!-- figures end -->"


@dataclass(frozen=True, slots=True)
class Judged:
    """What a verdict on one text costs.

    Attributes:
        what: the text.
        size: bytes of it.
        anew: µs to judge it.
        cached: µs to find its verdict; None: it is not kept.
    """

    what: str
    size: int
    anew: float
    cached: float | None


@dataclass(slots=True)
class Report:
    """Collects one run.

    Attributes:
        rounds: of each measurement.
        server: PostgreSQL's version.
        rates: (case, way) → one rate a round.
        cpu: (case, way) → the proxy's CPU, µs each, one a round.
        idle: way → bytes of an idle session.
        busy: queries a second of the busy sessions, and how many idle ones answered afterwards.
        burst: the burst, or None.
        judged: costs of verdicts.
        others: shares of the cores that other processes used, sampled between the runs.
    """

    rounds: int
    server: str = ""
    rates: defaultdict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    cpu: defaultdict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    idle: dict[str, float] = field(default_factory=dict)
    busy: tuple[int, int, float, int] | None = None
    burst: BurstResult | None = None
    judged: list[Judged] = field(default_factory=list)
    others: list[float] = field(default_factory=list)

    def add(self, case: str, way: str, measured: Measured) -> None:
        """Note one measurement."""
        self.rates[case, way].append(measured.rate)
        if measured.cpu is not None:
            self.cpu[case, way].append(measured.cpu)

    def markdown(self) -> str:
        """Return everything as Markdown."""
        parts = [self._heading()]
        if self.rates:
            parts.append("\n".join(self._speed()))
        if self.idle or self.busy or self.burst:
            parts.append("\n".join(self._crowd()))
        if self.judged:
            parts.append("\n".join(self._judge()))
        return "\n\n".join(parts) + "\n"

    def _heading(self) -> str:
        cores = os.cpu_count()
        load = (
            f"; other processes used {statistics.mean(self.others):.0%} of the cores" if self.others else ""
        )
        return (
            f"{datetime.now(UTC):%Y-%m-%d}, {cores} cores, {platform.system()}, "
            f"{platform.python_implementation()} {platform.python_version()}, PostgreSQL {self.server}, "
            f"{self.rounds} interleaved round{'s' if self.rounds > 1 else ''}, medians{load}."
        )

    def _speed(self) -> Iterable[str]:
        yield (
            "| | direct | pgbouncer | Glassgate | ÷ pgbouncer | ÷ direct "
            "| CPU µs each: pgbouncer | Glassgate |"
        )
        yield "|---|--:|--:|--:|--:|--:|--:|--:|"
        for case in dict.fromkeys(case for case, _ in self.rates):
            rates = {way: median(self.rates[case, way]) for way in ("direct", "pgbouncer", "glassgate")}
            spent = [median(self.cpu[case, way]) for way in ("pgbouncer", "glassgate")]
            yield (
                f"| {case} | {' | '.join(number(rate) for rate in rates.values())} "
                f"| **{self._ratio(case, 'pgbouncer')}** | {self._ratio(case, 'direct')} "
                f"| {' | '.join(number(each) for each in spent)} |"
            )

    def _ratio(self, case: str, other: str) -> str:
        """Median of the rounds' own ratios: what ran in one round saw the same machine."""
        pairs = zip(self.rates[case, "glassgate"], self.rates[case, other], strict=False)
        ratios = [ours / theirs for ours, theirs in pairs]
        return f"{statistics.median(ratios):.2f}" if ratios else "-"

    def _crowd(self) -> Iterable[str]:
        yield "| sessions | |"
        yield "|---|---|"
        for way, size in self.idle.items():
            yield f"| memory of an idle session, {way} | {size / 1024:.0f} KiB |"
        if self.busy is not None:
            busy, idle, rate, answered = self.busy
            yield (
                f"| {busy} busy beside {idle:,} idle | {rate:,.0f} queries/s, no error; "
                f"{answered:,} of the idle answered afterwards |"
            )
        if self.burst is not None:
            burst = self.burst
            yield (
                f"| burst of {burst.sent:,} bound queries | answered in {burst.seconds:.2f} s; recorded "
                f"with their values {burst.recorded:,}, with their row counts {burst.counted:,} |"
            )

    def _judge(self) -> Iterable[str]:
        yield "| a verdict | bytes | judged anew, µs | a second | cached, µs | a second |"
        yield "|---|--:|--:|--:|--:|--:|"
        for each in self.judged:
            cached = (
                f"{each.cached:.2f} | {1e6 / each.cached:,.0f}" if each.cached is not None else "not kept | -"
            )
            yield f"| {each.what} | {each.size:,} | {each.anew:,.1f} | {1e6 / each.anew:,.0f} | {cached} |"


def write_into(path: Path, markdown: str, marks: tuple[str, str] = (BEGIN, END)) -> None:
    """Put the figures into the page, between its marks."""
    page = path.read_text()
    before, mark, rest = page.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not mark or not end:
        raise SystemExit(f"{path} has no place for figures: {marks[0]} … {marks[1]}")
    path.write_text(f"{before}{mark}\n\n{markdown}\n{end}{after}")


def median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None


def number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
