"""Exit statuses of the glassgate command. The one table of them; `glassgate --help` prints it."""

from __future__ import annotations

from enum import IntEnum

from gateway.domain import errors


class Status(IntEnum):
    """How a command ended."""

    OK = 0
    ERROR = 1
    USAGE = 2
    CHANGE = 3
    REFUSE = 4
    PROOF_BROKEN = 65
    UNAVAILABLE = 69
    WAITING = 75
    NOT_AUTHORISED = 77
    CONFIGURATION = 78
    INTERRUPTED = 130


MEANING = {
    Status.OK: "done; for judge: allow",
    Status.ERROR: "an error; the message says which",
    Status.USAGE: "the command was typed wrongly",
    Status.CHANGE: "judge: change",
    Status.REFUSE: "judge: refuse",
    Status.PROOF_BROKEN: "verify: something was altered, removed or reordered, or nothing can be proven",
    Status.UNAVAILABLE: "the gateway, its store, production or the repository can't be reached",
    Status.WAITING: "the request was not decided in the time given",
    Status.NOT_AUTHORISED: "not logged in, no grant, denied, or policy forbids it",
    Status.CONFIGURATION: "a configuration or policy file is broken",
    Status.INTERRUPTED: "Ctrl-C",
}
"""What each status says. `connect` ends with the status of the command it ran."""

OF_ERROR: dict[type[errors.GlassgateError], Status] = {
    errors.AuthenticationFailed: Status.NOT_AUTHORISED,
    errors.NotAuthorised: Status.NOT_AUTHORISED,
    errors.UpstreamUnavailable: Status.UNAVAILABLE,
    errors.StoreUnavailable: Status.UNAVAILABLE,
    errors.RepositoryUnavailable: Status.UNAVAILABLE,
    errors.RecordingLost: Status.UNAVAILABLE,
    errors.ConfigurationBroken: Status.CONFIGURATION,
    errors.ProofBroken: Status.PROOF_BROKEN,
}
"""Status of each error of the tree; a subclass takes its nearest ancestor's, the rest take ``ERROR``."""


def status_of(error: errors.GlassgateError) -> Status:
    """Return the exit status that tells of an error."""
    return next((OF_ERROR[kind] for kind in type(error).__mro__ if kind in OF_ERROR), Status.ERROR)
