"""The error tree. Each error carries a sentence a person can act on; the edge turns it into its protocol.

A library's exceptions become one of these at the door of the room that owns the library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.domain.endpoint import Endpoint


class GlassgateError(Exception):
    """What went wrong, in one sentence for a person, and what to do next.

    Args:
        message: one sentence, without secrets, shown to the client.
        hint: what the person can type or change next; empty where there is nothing to do.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class AuthenticationFailed(GlassgateError):
    """The evidence does not prove the identity. Says nothing of which part was wrong."""


class TooManyAttempts(AuthenticationFailed):
    """Logins for this name or from this address are paused for a while."""


class NotAuthorised(GlassgateError):
    """The identity is known, and policy or the lack of a live grant forbids what it asked."""


class NotFound(GlassgateError):
    """No such thing, or none that this identity may know of: both answer alike."""


class AnotherKind(NotFound):
    """There is such an endpoint, and another door serves it.

    Args:
        endpoint: which the identity may know of.
        asked: the kind that was asked for.
    """

    def __init__(self, endpoint: Endpoint, asked: str) -> None:
        super().__init__(f"{endpoint.name} is not a {asked} endpoint", hint="glassgate endpoints")
        self.endpoint = endpoint


class Conflict(GlassgateError):
    """The thing is not in a state that allows this step (already decided, already ended, …)."""


class InvalidInput(GlassgateError):
    """A request, reason, name, file or setting is malformed; the message names the place and the mend."""


class ConfigurationBroken(InvalidInput):
    """A configuration or policy file can't be used; the message names file, line and mend."""


class UpstreamUnavailable(GlassgateError):
    """Production can't be reached, refused the gateway's credential, or broke off."""


class UpstreamTooOpen(GlassgateError):
    """The endpoint requires a read-only role and the probe found more."""


class RecordingLost(GlassgateError):
    """The recording can't be written: nothing further is run in that session."""


class StoreUnavailable(GlassgateError):
    """The store is away; nothing new is admitted past the lease until it is back."""


class RepositoryUnavailable(GlassgateError):
    """The service's repository can't be read or refuses the push."""


class PeerError(GlassgateError):
    """The client broke its protocol; the connection ends."""


class ProofBroken(GlassgateError):
    """A recording, leaf or checkpoint does not fit; the message names the first that doesn't."""
