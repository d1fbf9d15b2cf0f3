"""What was measured of ssh, as Markdown: ratios to ProxyJump and direct, medians over the rounds."""

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

BEGIN = "<!-- ssh figures: written by `make bench BENCH=--write` -->"
END = "<!-- ssh figures end -->"
WAYS = ("direct", "proxyjump", "glassgate", "bare")


@dataclass(slots=True)
class SshReport:
    """Collects one run.

    Attributes:
        rounds: of each measurement.
        version: of OpenSSH.
        guard: level of the guarded endpoint's sessions.
        figures: (case, way) → one a round.
        cpu: (case, way) → CPU of what stands between, µs each, one a round.
        idle: way → bytes of an idle session.
        downloads: asked for, came whole, bytes of each; None: not tried.
        others: shares of the cores that other processes used, sampled between the rounds.
    """

    rounds: int
    version: str = ""
    guard: str = ""
    figures: defaultdict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    cpu: defaultdict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    idle: dict[str, float] = field(default_factory=dict)
    downloads: tuple[int, int, int] | None = None
    others: list[float] = field(default_factory=list)

    def add(self, case: str, way: str, measured: Measured) -> None:
        """Note one measurement."""
        self.figures[case, way].append(measured.rate)
        if measured.cpu is not None:
            self.cpu[case, way].append(measured.cpu)

    @property
    def whole(self) -> bool:
        """Whether every download came as it should."""
        return self.downloads is None or self.downloads[0] == self.downloads[1]

    def markdown(self) -> str:
        """Return everything as Markdown."""
        parts = [self._heading()]
        if self.figures:
            parts.append("\n".join(self._speed()))
        if self.idle or self.downloads:
            parts.append("\n".join(self._sessions()))
        return "\n\n".join(parts) + "\n"

    def _heading(self) -> str:
        used = statistics.median(self.others) if self.others else 0.0
        return (
            f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.system()}, "
            f"{platform.python_implementation()} {platform.python_version()}, {self.version}, {self.guard}, "
            f"{self.rounds} interleaved round{'s' if self.rounds > 1 else ''}, medians; "
            f"other processes used {used:.0%} of the cores between the rounds (median)."
        )

    def _speed(self) -> Iterable[str]:
        yield (
            "| | direct | ProxyJump | Glassgate | without guard | Glassgate ÷ ProxyJump | ÷ direct "
            "| CPU µs each: ProxyJump | Glassgate |"
        )
        yield "|---|--:|--:|--:|--:|--:|--:|--:|--:|"
        for case in dict.fromkeys(case for case, _ in self.figures):
            figures = [_shown(median(self.figures[case, way])) for way in WAYS]
            spent = [number(median(self.cpu[case, way])) for way in ("proxyjump", "glassgate")]
            yield (
                f"| {case} | {' | '.join(figures)} | **{self._ratio(case, 'proxyjump')}** "
                f"| {self._ratio(case, 'direct')} | {' | '.join(spent)} |"
            )

    def _ratio(self, case: str, other: str) -> str:
        """Median of the rounds' own ratios: what ran in one round saw the same machine."""
        pairs = zip(self.figures[case, "glassgate"], self.figures[case, other], strict=False)
        ratios = [ours / theirs for ours, theirs in pairs]
        return f"{statistics.median(ratios):.2f}" if ratios else "-"

    def _sessions(self) -> Iterable[str]:
        yield "| sessions | |"
        yield "|---|---|"
        for way, size in self.idle.items():
            yield f"| memory of an idle terminal, {way} | {size / 1024:.0f} KiB |"
        if self.downloads is not None:
            asked, whole, size = self.downloads
            yield f"| downloads of {size / 1e6:.0f} MB random bytes | {whole} of {asked} whole, identical |"


def _shown(value: float | None) -> str:
    return f"{value:.2f}" if value is not None and value < 10 else number(value)
