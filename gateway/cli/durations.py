"""Durations and times as people type and read them: 30m, 1h30m, 2d, 14:05, yesterday's date."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from gateway.domain.errors import InvalidInput

_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_SHAPE = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?", re.ASCII)
_HINT = "such as 30m, 1h30m or 2d"


def parse_duration(text: str) -> int:
    """Return the seconds of a duration.

    Args:
        text: days, hours, minutes, seconds in this order, each with its letter: ``1h30m``.

    Raises:
        InvalidInput: not of that form, or nothing at all.
    """
    match = _SHAPE.fullmatch(text.strip().lower())
    if match is None:
        raise InvalidInput(f"{text!r} is not a duration", hint=_HINT)
    seconds = sum(int(part or 0) * size for part, size in zip(match.groups(), _SECONDS.values(), strict=True))
    if seconds == 0:
        raise InvalidInput(f"{text!r} is no time at all", hint=_HINT)
    return seconds


def duration_text(seconds: float) -> str:
    """Return the shortest form of a duration: 5400 → ``1h30m``; parts below a second are dropped."""
    left = int(seconds)
    words = []
    for letter, size in _SECONDS.items():
        count, left = divmod(left, size)
        if count:
            words.append(f"{count}{letter}")
    return "".join(words) or "0s"


def parse_moment(text: str, *, now: datetime | None = None) -> datetime:
    """Return the moment that a person means by a time, a date, both, or a duration ago.

    Args:
        text: ``14:05``, ``2026-03-01``, ``2026-03-01 14:05``, ISO 8601, or ``2h`` for two hours ago.
        now: the present, for tests; None: the clock's.

    Raises:
        InvalidInput: none of these.
    """
    present = now or datetime.now(UTC)
    local = present.astimezone()
    if re.fullmatch(r"\d{1,2}:\d{2}", text):
        hour, minute = (int(part) for part in text.split(":"))
        if hour < 24 and minute < 60:
            moment = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
            return (moment if moment <= local else moment - timedelta(days=1)).astimezone(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        pass
    else:
        return (moment if moment.tzinfo else moment.replace(tzinfo=local.tzinfo)).astimezone(UTC)
    try:
        return present - timedelta(seconds=parse_duration(text))
    except (InvalidInput, OverflowError):
        hint = "such as 14:05, 2026-03-01, '2026-03-01 14:05', or 2h for two hours ago"
        raise InvalidInput(f"{text!r} is not a time", hint=hint) from None


def moment_text(moment: datetime | None, *, now: datetime | None = None) -> str:
    """Return a moment in local short form: the time today, date and time on other days; empty for None."""
    if moment is None:
        return ""
    local = moment.astimezone()
    today = (now or datetime.now(UTC)).astimezone().date()
    return local.strftime("%H:%M:%S") if local.date() == today else local.strftime("%Y-%m-%d %H:%M")
