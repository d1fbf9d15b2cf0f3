"""A recording's frames → what the API says of them, line by line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, assert_never

from gateway.domain.verdict import Decision, Layer
from gateway.recordings.frames import Answer, Ended, Event, Opened, Output, Probed, UnitFrame
from gateway.web.shapes.sessions import Moment

if TYPE_CHECKING:
    from gateway.recordings.frames import Record

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment_of(session: int, record: Record, text: bytes | None = None) -> Moment:
    """Return what one frame says.

    Args:
        session: the session's number.
        record: the frame in its place.
        text: of a unit that repeats an earlier one's, where it is known.
    """
    at = _EPOCH + timedelta(microseconds=record.time_ns // 1000)
    frame = record.frame
    match frame:
        case Opened():
            return Moment(at=at, kind="opened", session=session, facts=_opened(frame))
        case Probed():
            return Moment(
                at=at,
                kind="probed",
                session=session,
                text=frame.level,
                layers=Layer(frame.layers).words,
                facts=frame.findings,
            )
        case UnitFrame():
            return _unit(session, at, frame, text)
        case Answer():
            return Moment(
                at=at,
                kind="answer",
                session=session,
                number=frame.number,
                tag=frame.tag,
                rows=frame.rows,
                size=frame.bytes,
                seconds=frame.nanoseconds / 1e9,
                error_code=frame.error_code,
                error=frame.error_message,
            )
        case Output():
            return Moment(
                at=at,
                kind="output",
                session=session,
                number=frame.number,
                stream=frame.stream,
                text=readable(frame.data),
            )
        case Event():
            return Moment(at=at, kind=frame.kind, session=session, text=frame.text)
        case Ended():
            return Moment(
                at=at, kind="ended", session=session, rule=frame.cause, text=frame.message, by=frame.by
            )
    assert_never(frame)


def _opened(frame: Opened) -> dict[str, str]:
    return {
        "by": frame.identity,
        "at": frame.endpoint,
        "grant": str(frame.grant),
        "reason": frame.reason,
        "client": frame.client,
        **{f"{name} version": version for name, version in frame.versions.items()},
    }


def _unit(session: int, at: datetime, frame: UnitFrame, text: bytes | None) -> Moment:
    sent = frame.text if frame.text is not None else text
    values = frame.values
    return Moment(
        at=at,
        kind="unit",
        session=session,
        number=frame.number,
        origin=frame.origin,
        text=readable(sent) if sent is not None else f"(as unit {frame.repeats})",
        values=None if values is None else tuple(None if v is None else readable(v) for v in values),
        verdict=Decision(frame.decision).word,
        rule=frame.rule,
        reason=frame.reason,
        layers=Layer(frame.layers).words,
    )


def readable(data: bytes) -> str:
    r"""Return bytes as text; what is not UTF-8 shows as ``\xNN``.

    Args:
        data: as recorded.
    """
    return data.decode(errors="backslashreplace")
