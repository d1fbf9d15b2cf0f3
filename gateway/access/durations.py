"""Durations as people write them."""

from __future__ import annotations

import re
from datetime import timedelta

from gateway.domain.errors import InvalidInput

_FORM = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s)?", re.ASCII)


def parse_duration(text: str) -> timedelta:
    """Parse ``30m``, ``8h``, ``7d``, ``1h30m``.

    Raises:
        InvalidInput: it is none, or nothing long.
    """
    match = _FORM.fullmatch(text.strip())
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0, 0)
    duration = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not duration:
        raise InvalidInput(f"{text!r} is no duration", hint="write such as 30m, 8h, 7d or 1h30m")
    return duration


def spell(duration: timedelta) -> str:
    """Write a duration the way it is typed, such as ``1h30m``."""
    rest = max(0, int(duration.total_seconds()))
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
