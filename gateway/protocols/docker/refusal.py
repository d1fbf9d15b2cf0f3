"""Verdicts, errors and endings as a Docker client sees them: a message in JSON, a status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from gateway.domain import errors
from gateway.domain.display import display
from gateway.transport.http.head import NotUnderstood

if TYPE_CHECKING:
    from gateway.domain.unit import Filed
    from gateway.domain.verdict import Verdict

HEADERS: Final = (("Content-Type", "application/json"),)
"""Exactly so: docker takes the message out of no other type, a charset included."""

FORBIDDEN: Final = 403
NOT_RUN: Final = 126
"""Exit status of a line that was not run, as a shell says of one that it can't execute."""
UNAVAILABLE: Final = 69
FAULT: Final = errors.GlassgateError("the gateway failed; its log says why")

_STATUSES: Final[tuple[tuple[type[errors.GlassgateError], int], ...]] = (
    (errors.TooManyAttempts, 429),
    (errors.AuthenticationFailed, 401),
    (errors.NotAuthorised, FORBIDDEN),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.InvalidInput, 400),
    (errors.UpstreamTooOpen, FORBIDDEN),
    (errors.UpstreamUnavailable, 502),
    (errors.StoreUnavailable, 503),
    (errors.RecordingLost, 503),
)


def status_of(error: errors.GlassgateError) -> int:
    """Return the status that tells of an error."""
    if isinstance(error, NotUnderstood):
        return error.status
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def body(text: str) -> bytes:
    """Return a message as the engine's own errors are written."""
    return msgspec.json.encode({"message": text})


def text(message: str, hint: str = "") -> str:
    """Return what the gateway says, in its own voice.

    Args:
        message: one sentence.
        hint: what to type or do next.
    """
    said = f"glassgate: {display(message, multiline=True).strip()}"
    if hint:
        said += f"\n  → {display(hint, multiline=True).strip()}"
    return said


def told(error: errors.GlassgateError) -> str:
    """Return an error as the client is told."""
    return text(error.message, error.hint)


def refused(verdict: Verdict, filed: Filed | None) -> str:
    """Return what a client is told of a request that was not sent: why, and how to propose it.

    Args:
        verdict: why.
        filed: the change request it became or joined.
    """
    message = f"{verdict.reason.rstrip('.')}; it was not run"
    if filed is None:
        return text(message, f"rule {verdict.rule}; to propose it as a change: glassgate change draft LAST")
    verb = "joined" if filed.joined else "drafted as"
    where = f"{verb} change request {filed.change} ({filed.title}): {filed.url}"
    detail = f"\n  {display(filed.detail, multiline=True)}" if filed.detail else ""
    return f"{text(message)}\n  {display(where)}{detail}\n  → to propose it: {display(filed.submit)}"
