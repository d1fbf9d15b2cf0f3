"""Verdicts, errors and endings in the client's own error frames, at the place the server would have answered.

In a refused text's place a statement goes to production that surely fails; the server's ErrorResponse is then
replaced by ours, so that transaction state, savepoints and skip-to-Sync stay the server's own.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from gateway.domain import errors
from gateway.domain.session import EndCause
from gateway.domain.verdict import Decision
from gateway.protocols.postgres import wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.domain.session import Ending
    from gateway.domain.unit import Filed
    from gateway.domain.verdict import Verdict

FAILING: Final = b"glassgate: the statement that stood here was refused and not sent"
"""Fails in the grammar itself, so before names, transaction state or permissions are looked at."""

NOWHERE: Final = f"glassgate-{secrets.token_hex(16)}".encode()
"""Name of a statement that nobody can have prepared."""

READ_ONLY_TRANSACTION: Final = "25006"
INSUFFICIENT_PRIVILEGE: Final = "42501"
PROTOCOL_VIOLATION: Final = "08P01"
ADMIN_SHUTDOWN: Final = "57P01"
TOO_LARGE: Final = "54000"
BAD_ENCODING: Final = "22021"
NO_STATEMENT: Final = "26000"
NO_PORTAL: Final = "34000"
NOT_SUPPORTED: Final = "0A000"

_STATES: Final[tuple[tuple[type[errors.GlassgateError], str], ...]] = (
    (errors.TooManyAttempts, "53300"),
    (errors.AuthenticationFailed, "28P01"),
    (errors.NotAuthorised, INSUFFICIENT_PRIVILEGE),
    (errors.NotFound, "3D000"),
    (errors.InvalidInput, "22023"),
    (errors.UpstreamUnavailable, "08001"),
    (errors.UpstreamTooOpen, "28000"),
    (errors.RecordingLost, "58030"),
    (errors.StoreUnavailable, "57P03"),
    (errors.PeerError, PROTOCOL_VIOLATION),
)

_MISTAKES: Final = {
    ".syntax": "42601",
    ".encoding": BAD_ENCODING,
    ".setting.client_encoding": BAD_ENCODING,
    ".relation.unknown": "42P01",
    ".function.unknown": "42883",
    ".operator.unknown": "42883",
    ".type.unknown": "42704",
    ".length": TOO_LARGE,
    ".depth": TOO_LARGE,
}
"""Rule → the state the server itself would answer such a mistake with; clients look for these."""

_STAYS_READ_ONLY: Final = (
    "postgres.setting.transaction_read_only",
    "postgres.setting.default_transaction_read_only",
    "postgres.transaction.read-write",
)
_OF_THE_SESSION: Final = (
    *_STAYS_READ_ONLY,
    *("session.", "postgres.session.", "postgres.transaction.", "postgres.execute.", "postgres.explain."),
    *("postgres.copy.", "postgres.statement.listen", "postgres.statement.notify", "postgres.statement.load"),
    *("postgres.function.set_config", "postgres.function.notify", "postgres.function.advisory-lock"),
    *("postgres.setting.value", "postgres.setting.form", "postgres.setting.role"),
    *("postgres.setting.standard_conforming_strings", "postgres.setting.search_path"),
    *("postgres.setting.session_", "postgres.setting.backslash_quote", "postgres.setting.client_encoding"),
)
"""Beginnings of rules: only this session would feel it, or it leaves the session; no artifact carries it."""
_MAY_READ: Final = (
    *("postgres.setting", "postgres.function.volatile", "postgres.function.extension"),
    *("postgres.function.language", "postgres.function.definer", "postgres.function.setting"),
    "postgres.relation.foreign",
)
"""Beginnings of rules that presume: an operator who knows better can open them."""


def carried(verdict: Verdict) -> bool:
    """Whether an artifact could carry what was refused, so that a change request makes sense."""
    return verdict.decision is Decision.CHANGE or not verdict.rule.startswith(_OF_THE_SESSION)


def failing_query() -> bytes:
    """Return the Query that stands in a refused one's place."""
    return wire.query(FAILING)


def failing_parse(name: bytes) -> bytes:
    """Return the Parse that stands in a refused one's place.

    It has the same name, so that the server drops the unnamed statement or keeps a named one as it would.
    """
    return wire.parse(name, FAILING)


def failing_bind() -> bytes:
    """Return the Bind that stands in a refused Bind's or Execute's place: no statement has that name."""
    return wire.bind(b"", NOWHERE)


def error(
    message: str, *, code: str, detail: str = "", hint: str = "", severity: str = "ERROR", position: int = 0
) -> bytes:
    """Return an ErrorResponse.

    Args:
        message: one sentence.
        code: SQLSTATE.
        detail: what else there is to know.
        hint: what to do next.
        severity: ERROR, or FATAL where the connection ends.
        position: the statement's character that it is about, counted from 1; 0 where it is none.
    """
    fields = {"S": severity, "V": severity, "C": code, "M": message, "D": detail, "H": hint}
    if position > 0:
        fields["P"] = str(position)
    return wire.fields_message(b"E", fields)


def fatal(failure: errors.GlassgateError) -> bytes:
    """Return the FATAL that tells why no session stands."""
    code = next((state for kind, state in _STATES if isinstance(failure, kind)), "XX000")
    return error(failure.message, code=code, hint=failure.hint, severity="FATAL")


def no_tls() -> bytes:
    """Return the FATAL for a client that would log in without TLS."""
    return error(
        "connections to the gateway are encrypted",
        code="28000",
        hint="connect with sslmode=verify-full sslrootcert=FILE; `glassgate config psql` prints it all",
        severity="FATAL",
    )


def refused(verdict: Verdict, filed: Filed | None, position: int = 0) -> bytes:
    """Return the ErrorResponse for a refused unit.

    Args:
        verdict: why.
        filed: the change request it became or joined.
        position: the statement's character that is wrong, counted from 1; 0 where it is none.
    """
    if filed is not None:
        verb = "joined change request" if filed.joined else "drafted as change request"
        detail = f"{verb} {filed.change} ({filed.title}): {filed.url}"
        return error(
            f"{verdict.reason.rstrip('.')}; it was not run",
            code=READ_ONLY_TRANSACTION,
            detail=f"{detail[0].upper()}{detail[1:]}\n{filed.detail}".strip(),
            hint=f"To propose it: {filed.submit}{_unless_it_reads(verdict, filed)}",
        )
    known = next((code for end, code in _MISTAKES.items() if verdict.rule.endswith(end)), None)
    if known is not None:
        return error(verdict.reason, code=known, position=position)
    code = READ_ONLY_TRANSACTION if verdict.decision is Decision.CHANGE else INSUFFICIENT_PRIVILEGE
    return error(
        f"{verdict.reason.rstrip('.')}; it was not run",
        code=code,
        detail=f"Rule: {verdict.rule}",
        hint=_way_on(verdict),
    )


def _unless_it_reads(verdict: Verdict, filed: Filed) -> str:
    if not verdict.rule.startswith(_MAY_READ):
        return ""
    return f"\nIf it only reads: glassgate change was-a-read {filed.change}"


def _way_on(verdict: Verdict) -> str:
    """What to do about a refusal that became no change request, where there is something."""
    if verdict.rule.startswith(_STAYS_READ_ONLY):
        return "The session stays read-only: type the write itself, and it becomes a change request"
    if not carried(verdict):
        return ""
    if verdict.rule.startswith(_MAY_READ):
        return "To propose it as a change, or as a read: glassgate change draft LAST"
    return "To propose it as a change: glassgate change draft LAST"


def ended(ending: Ending) -> bytes:
    """Return the FATAL that tells why the session ends."""
    code = PROTOCOL_VIOLATION if ending.cause is EndCause.PROTOCOL else ADMIN_SHUTDOWN
    return error(ending.message, code=code, severity="FATAL")


def rolled_back(drafted: Mapping[int, bool]) -> bytes:
    """Return the notice that tells what a client's ROLLBACK takes back.

    Args:
        drafted: change requests of its transaction → whether they were there before it.
    """
    new = ", ".join(str(number) for number, before in drafted.items() if not before)
    old = ", ".join(str(number) for number, before in drafted.items() if before)
    said = [
        f"drops the draft of change request {new}" if new else "",
        f"takes its statements out of change request {old}, which stays" if old else "",
    ]
    return notice(f"your ROLLBACK {' and '.join(each for each in said if each)}")


def notice(message: str) -> bytes:
    """Return a NoticeResponse of severity WARNING, which clients show by default."""
    fields = {"S": "WARNING", "V": "WARNING", "C": "01000", "M": message}
    return wire.fields_message(b"N", fields)
