"""How long something took of its own doing, on a machine that others keep busy too."""

from __future__ import annotations

import resource
import time
from pathlib import Path

PRESSURE = Path("/proc/pressure/cpu")


def unhurried() -> float:
    """Seconds on the wall, less those in which some program here waited for a processor; for differences.

    On an idle machine that is the time on the wall; where the system does not count such waits, it always is.
    """
    try:
        some = PRESSURE.read_text().splitlines()[0]
    except OSError:
        return time.monotonic()
    return time.monotonic() - int(some.rpartition("total=")[2]) / 1e6


def worked() -> float:
    """Processor seconds that the programs started here took, those that have ended; for differences."""
    taken = resource.getrusage(resource.RUSAGE_CHILDREN)
    return taken.ru_utime + taken.ru_stime
