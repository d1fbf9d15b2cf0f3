"""Errors as the API answers them: a status code and ``{"error": {"code", "message", "hint"}}``."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from gateway.domain import errors

STATUS: Final[dict[type[errors.GlassgateError], int]] = {
    errors.AuthenticationFailed: 401,
    errors.TooManyAttempts: 429,
    errors.NotAuthorised: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.InvalidInput: 400,
    errors.ConfigurationBroken: 422,
    errors.UpstreamUnavailable: 502,
    errors.UpstreamTooOpen: 409,
    errors.RecordingLost: 503,
    errors.StoreUnavailable: 503,
    errors.RepositoryUnavailable: 502,
    errors.PeerError: 400,
    errors.ProofBroken: 409,
}
"""Status code of each error of the tree; a subclass takes its nearest ancestor's."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong.

    Attributes:
        code: stable name, such as ``not-authorised``.
        message: one sentence for a person.
        hint: what to do next; empty where there is nothing.
    """

    code: str
    message: str
    hint: str = ""


class ProblemAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every answer that isn't a success.

    Attributes:
        error: what went wrong.
    """

    error: Problem


def code_of(kind: type[BaseException]) -> str:
    """Return the stable name of an error's class: ``NotAuthorised`` → ``not-authorised``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind.__name__).lower()


def answer_to(error: errors.GlassgateError) -> tuple[int, ProblemAnswer]:
    """Return status and body that tell a client of an error."""
    kind = next((known for known in type(error).__mro__ if known in STATUS), None)
    if kind is None:
        return 500, ProblemAnswer(error=Problem(code="fault", message=error.message, hint=error.hint))
    problem = Problem(code=code_of(kind), message=error.message, hint=error.hint)
    return STATUS[kind], ProblemAnswer(error=problem)
