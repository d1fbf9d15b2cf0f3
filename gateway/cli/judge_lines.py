"""``glassgate judge --jsonl``: units one a line, answered in order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import IO, Generic, TypeVar

import msgspec

from gateway.domain.errors import GlassgateError
from gateway.domain.http import Request
from gateway.domain.verdict import Decision, Verdict

Unit = TypeVar("Unit")


@dataclass(frozen=True, slots=True)
class Asked(Generic[Unit]):
    """What one line asks.

    Attributes:
        id: whatever the caller calls it.
        unit: what is judged.
    """

    id: msgspec.Raw
    unit: Unit


class _TextLine(msgspec.Struct):
    text: str
    id: msgspec.Raw = msgspec.Raw(b"null")


class _RequestLine(msgspec.Struct):
    method: str
    path: str
    headers: dict[str, str | list[str]] | list[tuple[str, str]] | None = None
    body: msgspec.Raw = msgspec.Raw(b"null")
    id: msgspec.Raw = msgspec.Raw(b"null")


class _Answer(msgspec.Struct):
    id: msgspec.Raw
    verdict: str
    rule: str
    reason: str


def text_line(line: bytes) -> Asked[str]:
    """Read ``{"id", "text"}``.

    Args:
        line: JSON.

    Raises:
        msgspec.DecodeError: it is none, or has another shape.
    """
    read = _TEXTS.decode(line)
    return Asked(read.id, read.text)


def request_line(line: bytes) -> Asked[Request]:
    """Read ``{"id", "method", "path", "headers"?, "body"?}``.

    Headers are an object of names and values, a value a list where it stands more than once, or a list of
    pairs; the body is text, or the JSON that is sent.

    Args:
        line: JSON.

    Raises:
        msgspec.DecodeError: it is none, or has another shape.
    """
    read = _REQUESTS.decode(line)
    headers = read.headers or []
    if isinstance(headers, dict):
        headers = [
            (name, value)
            for name, values in headers.items()
            for value in (values if isinstance(values, list) else [values])
        ]
    raw = bytes(read.body)
    body = msgspec.json.decode(raw, type=str).encode() if raw.startswith(b'"') else raw
    return Asked(read.id, request_of(read.method, read.path, b"" if raw == b"null" else body, headers))


def request_of(method: str, path: str, body: bytes, headers: Iterable[tuple[str, str]] = ()) -> Request:
    """Return a request as the reader of the wire would hand it on.

    Args:
        method: as sent.
        path: with its query.
        body: empty where there is none.
        headers: names in any case.
    """
    trimmed = tuple((name.lower(), value.strip(" \t")) for name, value in headers)
    return Request(method, path, trimmed, body or None)


def answer_lines(
    lines: Iterable[bytes],
    answers: IO[bytes],
    reader: Callable[[bytes], Asked[Unit]],
    judged: Callable[[Sequence[Unit]], list[Verdict]],
    *,
    batch: int = 1,
) -> None:
    """Answer each line in order; one that can't be read gets a refusal with its id, as far as it has one.

    Args:
        lines: JSON objects.
        answers: where one JSON object a line goes.
        reader: says what a line asks.
        judged: units → their verdicts, in order.
        batch: lines that are judged in one go; with 1 each is answered before the next is read.
    """
    full = (line for line in lines if line.strip())
    while some := list(islice(full, batch)):
        read = [_read(line, reader) for line in some]
        verdicts = iter(_surely(judged, [each.unit for each in read if isinstance(each, Asked)]))
        for each in read:
            answer = _answer(each.id, next(verdicts)) if isinstance(each, Asked) else each
            answers.write(_ENCODER.encode(answer) + b"\n")
        answers.flush()


def _surely(judged: Callable[[Sequence[Unit]], list[Verdict]], units: Sequence[Unit]) -> list[Verdict]:
    """Judge; a unit that the judge fails at is not a read, and ends nothing behind it."""
    verdicts = []
    try:
        return judged(units)
    except GlassgateError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it is no read
        if len(units) == 1:
            return [Verdict(Decision.REFUSE, "judge.fault", f"The judge failed: {type(error).__name__}.")]
        for unit in units:
            verdicts += _surely(judged, [unit])
    return verdicts


def _read(line: bytes, reader: Callable[[bytes], Asked[Unit]]) -> Asked[Unit] | _Answer:
    """Return what a line asks, or what it is answered where it can't be read."""
    try:
        return reader(line)
    except (msgspec.DecodeError, RecursionError) as error:
        verdict = Verdict(Decision.REFUSE, "input.malformed", f"The line can't be read: {error}.")
        return _answer(_identity(line), verdict)


def _answer(identity: msgspec.Raw, verdict: Verdict) -> _Answer:
    return _Answer(identity, verdict.decision.word, verdict.rule, verdict.reason)


def _identity(line: bytes) -> msgspec.Raw:
    """The id of a line whose other members can't be read, null where it has none."""
    try:
        found = json.loads(line.decode("utf-8", "replace"))
        return msgspec.Raw(json.dumps(found["id"]).encode())
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return msgspec.Raw(b"null")


_TEXTS = msgspec.json.Decoder(_TextLine)
_REQUESTS = msgspec.json.Decoder(_RequestLine)
_ENCODER = msgspec.json.Encoder()
