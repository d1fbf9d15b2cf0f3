"""What was measured of engines and clusters, as Markdown: ratios to nginx and direct, medians of rounds."""

from __future__ import annotations

import os
import platform
import statistics
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from report import median, number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from load import Measured

BEGIN = "<!-- container figures: written by `make bench BENCH=--write` -->"
END = "<!-- container figures end -->"
WAYS = ("direct", "nginx", "glassgate")


@dataclass(slots=True)
class ContainersReport:
    """Collects one run.

    Attributes:
        rounds: of each measurement.
        versions: of engine, API server and nginx.
        figures: (case, way) → one a round.
        cpu: (case, way) → CPU of what stands between, µs each, one a round.
        idle: (what, way) → bytes of a connection that idles, or of a watch.
        others: shares of the cores that other processes used, sampled between the rounds.
    """

    rounds: int
    versions: str = ""
    figures: defaultdict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    cpu: defaultdict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    idle: dict[tuple[str, str], float] = field(default_factory=dict)
    others: list[float] = field(default_factory=list)

    def add(self, case: str, way: str, measured: Measured) -> None:
        """Note one measurement."""
        self.figures[case, way].append(measured.rate)
        if measured.cpu is not None:
            self.cpu[case, way].append(measured.cpu)

    def markdown(self) -> str:
        """Return everything as Markdown."""
        parts = [self._heading(), "\n".join(self._speed())]
        if self.idle:
            parts.append("\n".join(self._sessions()))
        return "\n\n".join(parts) + "\n"

    def _heading(self) -> str:
        used = statistics.median(self.others) if self.others else 0.0
        return (
            f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.system()}, "
            f"{platform.python_implementation()} {platform.python_version()}, {self.versions}, "
            f"{self.rounds} interleaved round{'s' if self.rounds > 1 else ''}, medians; "
            f"other processes used {used:.0%} of the cores between the rounds (median)."
        )

    def _speed(self) -> Iterable[str]:
        yield "| | direct | nginx | Glassgate | ÷ nginx | ÷ direct | CPU µs each: nginx | Glassgate |"
        yield "|---|--:|--:|--:|--:|--:|--:|--:|"
        for case in dict.fromkeys(case for case, _ in self.figures):
            figures = [number(median(self.figures[case, way])) for way in WAYS]
            spent = [number(median(self.cpu[case, way])) for way in WAYS[1:]]
            yield (
                f"| {case} | {' | '.join(figures)} | **{self._ratio(case, 'nginx')}** "
                f"| {self._ratio(case, 'direct')} | {' | '.join(spent)} |"
            )

    def _ratio(self, case: str, other: str) -> str:
        """Median of the rounds' own ratios: what ran in one round saw the same machine."""
        pairs = zip(self.figures[case, "glassgate"], self.figures[case, other], strict=False)
        ratios = [ours / theirs for ours, theirs in pairs]
        return f"{statistics.median(ratios):.2f}" if ratios else "-"

    def _sessions(self) -> Iterable[str]:
        yield "| memory | |"
        yield "|---|---|"
        for (what, way), size in self.idle.items():
            yield f"| {what}, {way} | {size / 1024:.0f} KiB |"
