"""What else the machine does while we measure, and what we are doing."""

from __future__ import annotations

import sys
import time
from pathlib import Path


def used_by_others() -> float:
    """Share of the cores that is used while we do nothing."""
    samples = []
    for pause in (0.4, 0.0):
        fields = [int(each) for each in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        samples.append((sum(fields), fields[3] + fields[4]))
        time.sleep(pause)
    (total, idle), (total_after, idle_after) = samples
    return 1 - (idle_after - idle) / max(1, total_after - total)


def say(what: str) -> None:
    """Tell who waits."""
    print(f"· {what}", file=sys.stderr, flush=True)
