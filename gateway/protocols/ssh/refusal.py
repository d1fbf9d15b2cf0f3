"""Verdicts, errors and endings as an SSH client sees them: lines on standard error, an exit status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.domain import errors
from gateway.domain.display import display
from gateway.domain.session import EndCause
from gateway.protocols.ssh.patch import patch

if TYPE_CHECKING:
    from gateway.domain.session import Ending
    from gateway.domain.unit import Filed
    from gateway.domain.verdict import Verdict
    from gateway.protocols.ssh.units import Terminal

REFUSED: Final = 126
"""Of a command line that was not run, as a shell says of one that it can't execute."""
NO_ACCESS: Final = 77
UNAVAILABLE: Final = 69
FAULT: Final = 70

_STATUSES: Final[tuple[tuple[type[errors.GlassgateError], int], ...]] = (
    (errors.AuthenticationFailed, NO_ACCESS),
    (errors.NotAuthorised, NO_ACCESS),
    (errors.NotFound, NO_ACCESS),
    (errors.UpstreamTooOpen, UNAVAILABLE),
    (errors.UpstreamUnavailable, UNAVAILABLE),
    (errors.StoreUnavailable, UNAVAILABLE),
    (errors.RecordingLost, UNAVAILABLE),
)

_ENDINGS: Final = {
    EndCause.EXPIRED: NO_ACCESS,
    EndCause.REVOKED: NO_ACCESS,
    EndCause.KILLED: NO_ACCESS,
}

SUBSYSTEM: Final = ("this gateway has no such subsystem", "give the command behind the host's name")
FORWARDING: Final = "{} is no endpoint that you may reach; nothing else is reached through this gateway"
CLOSED: Final = "the connection is over"
MANY_WAYS: Final = "too many connections through one connection"
WAY_IN_A_WAY: Final = "this connection came through the gateway itself; open the next one beside it"
LISTENING: Final = "nothing listens on the gateway for a client"
SOCKETS: Final = "sockets are not forwarded: what runs through them can't be judged"
TUNNELS: Final = "there are no network tunnels through the gateway"
VARIABLES: Final = "commands get an environment of the gateway's own: a variable could change what they do"
DISPLAY: Final = "X11 is not forwarded: what a program does on a display can't be judged"
AGENT: Final = "agents are not forwarded: a host that you look at could log in elsewhere as you"
CROWDED: Final = "too many commands at once on one connection"


def status_of(error: errors.GlassgateError) -> int:
    """Return the exit status that tells of an error."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), FAULT)


def status_of_ending(ending: Ending) -> int:
    """Return the exit status of a command whose session was ended."""
    return _ENDINGS.get(ending.cause, UNAVAILABLE)


def text(message: str, hint: str = "") -> str:
    """Return what the gateway says, in its own voice.

    Args:
        message: one sentence.
        hint: what to type or do next.
    """
    said = f"glassgate: {display(message, multiline=True).strip()}\n"
    if hint:
        said += f"  → {display(hint, multiline=True).strip()}\n"
    return said


def told(error: errors.GlassgateError) -> str:
    """Return an error as the client is told."""
    return text(error.message, error.hint)


def refused(
    verdict: Verdict, filed: Filed | None, terminal: Terminal | None = None, instead: str = ""
) -> str:
    """Return what a client is told of a command line that was not run: why, the patch, how to propose it.

    Args:
        verdict: why.
        filed: the change request it became or joined.
        terminal: the client's; None: it has none.
        instead: what to do in its place; empty: nothing is known.
    """
    message = f"{verdict.reason.rstrip('.')}; it was not run"
    if filed is None and instead:
        return text(message, instead)
    if filed is None:
        return text(message, f"rule {verdict.rule}; to propose it as a change: glassgate change draft LAST")
    verb = "joined" if filed.joined else "drafted as"
    shown = patch(filed, terminal)
    where = f"{verb} change request {filed.change} ({filed.title}): {filed.url}"
    if not shown:
        where += f"\n{filed.detail}"
    told = text(where, f"to propose it: {filed.submit}").replace("glassgate: ", "  ", 1)
    return text(message) + shown + told
