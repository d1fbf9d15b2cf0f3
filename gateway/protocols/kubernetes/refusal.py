"""Verdicts, errors and endings as Kubernetes' clients see them: a Status object, and a warning beside it.

403 with the reason Forbidden is the one that clients show in full and never try again: 409 and 5xx are
retried, 422 hides the message (tried with kubectl).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import msgspec

from gateway.domain import errors
from gateway.domain.display import display
from gateway.domain.session import EndCause
from gateway.transport.http.head import NotUnderstood

if TYPE_CHECKING:
    from gateway.domain.session import Ending
    from gateway.domain.unit import Filed
    from gateway.domain.verdict import Verdict

JSON: Final = "application/json"
REFUSED: Final = 126
"""Exit status of a command that was not run, as a shell says of one that it can't execute."""
FAILED: Final = 70
"""Exit status of a command that the gateway could not see to its end."""

FORBIDDEN: Final = (403, "Forbidden")
UNAUTHORIZED: Final = (401, "Unauthorized")
NOT_FOUND: Final = (404, "NotFound")
BAD_REQUEST: Final = (400, "BadRequest")
NOT_ACCEPTABLE: Final = (406, "NotAcceptable")
TOO_LARGE: Final = (413, "RequestEntityTooLarge")
UNAVAILABLE: Final = (503, "ServiceUnavailable")
INTERNAL: Final = (500, "InternalError")

_REASONS: Final[tuple[tuple[type[errors.GlassgateError], tuple[int, str]], ...]] = (
    (errors.AuthenticationFailed, UNAUTHORIZED),
    (errors.NotAuthorised, FORBIDDEN),
    (errors.NotFound, NOT_FOUND),
    (errors.UpstreamTooOpen, FORBIDDEN),
    (errors.InvalidInput, BAD_REQUEST),
    (errors.PeerError, BAD_REQUEST),
    (errors.UpstreamUnavailable, UNAVAILABLE),
    (errors.StoreUnavailable, UNAVAILABLE),
    (errors.RecordingLost, UNAVAILABLE),
)
_ACCESS_ENDED: Final = frozenset({EndCause.EXPIRED, EndCause.REVOKED, EndCause.KILLED})
_LONGEST_WARNING: Final = 1000


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the gateway's own.

    Attributes:
        code: HTTP status.
        body: a Status object.
        headers: beside what its length and type say.
    """

    code: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


def status(reason: tuple[int, str], message: str, **details: object) -> dict[str, Any]:
    """Return a Status object of a failure (meta/v1).

    Args:
        reason: its code and machine-readable word.
        message: for a person.
        details: more members.
    """
    code, word = reason
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": word,
        **details,
        "code": code,
    }


def answer(reason: tuple[int, str], message: str, hint: str = "") -> Answer:
    """Return what the gateway says in a server's place.

    Args:
        reason: code and word.
        message: one sentence.
        hint: what to type or do next.
    """
    headers = (("www-authenticate", 'Bearer realm="glassgate"'),) if reason is UNAUTHORIZED else ()
    body = msgspec.json.encode(status(reason, text(message, hint)))
    return Answer(reason[0], body, headers)


def of_error(error: errors.GlassgateError) -> Answer:
    """Return an error as the client is told; in a warning too, since discovery shows no error's message."""
    said = answer(reason_of(error), error.message, error.hint)
    remark = f"{error.message}: {error.hint}" if error.hint else error.message
    return replace(said, headers=(*said.headers, ("warning", warning(remark))))


def reason_of(error: errors.GlassgateError) -> tuple[int, str]:
    """Return the code and word that tell of an error."""
    if isinstance(error, NotUnderstood):
        return error.status, BAD_REQUEST[1]
    return next((reason for kind, reason in _REASONS if isinstance(error, kind)), INTERNAL)


def reason_of_ending(ending: Ending) -> tuple[int, str]:
    """Return the code and word that tell of a session's end."""
    return FORBIDDEN if ending.cause in _ACCESS_ENDED else UNAVAILABLE


def refused(verdict: Verdict, filed: Filed | None) -> Answer:
    """Return what a client is told of a request that was not sent on.

    Args:
        verdict: why.
        filed: the change request it became or joined.
    """
    message, remark = _told(verdict, filed)
    body = msgspec.json.encode(status(FORBIDDEN, message))
    return Answer(FORBIDDEN[0], body, (("warning", warning(remark)),))


def refused_text(verdict: Verdict, filed: Filed | None) -> str:
    """Return the same for a terminal, or a command's standard error."""
    return "{}\n  → {}\n".format(*_told(verdict, filed))


def _told(verdict: Verdict, filed: Filed | None) -> tuple[str, str]:
    """Return why nothing was run and what became of it, and what to do next: nothing is said twice."""
    message = f"glassgate: {display(verdict.reason, multiline=True).strip().rstrip('.')}; it was not run"
    if filed is None:
        return message, f"rule {verdict.rule}; to propose it as a change: glassgate change draft LAST"
    verb = "joined" if filed.joined else "drafted as"
    title, detail = display(filed.title), display(filed.detail, multiline=True).strip()
    message += f"\n  {verb} change request {filed.change} ({title}): {filed.url}"
    if detail:
        message += f"\n  {detail}"
    return message, f"to propose change request {filed.change}: {filed.submit}"


def text(message: str, hint: str = "") -> str:
    """Return what the gateway says, in its own voice."""
    said = f"glassgate: {display(message, multiline=True).strip()}"
    return f"{said}\n  → {display(hint, multiline=True).strip()}" if hint else said


def warning(remark: str) -> str:
    """Return the value of a Warning header (RFC 7234, section 5.5), which kubectl prints once.

    Args:
        remark: one line; what is not ASCII is written as ``?``.
    """
    line = " ".join(f"glassgate: {display(remark)}".split())[:_LONGEST_WARNING]
    line = line.replace("…", "...").encode("ascii", "replace").decode()
    return '299 - "{}"'.format(line.replace("\\", "\\\\").replace('"', '\\"'))


# ---- answers that go on ------------------------------------------------------------------------------


def watch_error(reason: tuple[int, str], message: str) -> bytes:
    """Return the event that ends a watch: clients show it, or begin anew, which is answered by itself."""
    event = {"type": "ERROR", "object": status(reason, text(message))}
    return msgspec.json.encode(event) + b"\n"


def exit_status(code: int, message: str) -> bytes:
    """Return what the error stream of an exec carries where the command came to an end of its own.

    Args:
        code: exit status.
        message: for clients that show no code.
    """
    if code == 0:
        return msgspec.json.encode({"metadata": {}, "status": "Success"})
    causes = [{"reason": "ExitCode", "message": str(code)}]
    told = status((500, "NonZeroExitCode"), message, details={"causes": causes})
    return msgspec.json.encode(told)


def stream_error(reason: tuple[int, str], message: str) -> bytes:
    """Return what the error stream of an exec carries where the gateway ended it."""
    return msgspec.json.encode(status(reason, text(message)))
