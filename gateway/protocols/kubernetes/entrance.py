"""What a request says of who sends it and where to: the gateway's token, and the endpoint before its path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from gateway.domain.errors import AuthenticationFailed, NotFound
from gateway.domain.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.domain.identity import Identity
    from gateway.transport.http.head import RequestHead

PREFIX: Final = "/endpoints/"
_TARGET: Final = re.compile(r"/endpoints/(?P<name>[a-z0-9][a-z0-9.-]{0,252})(?P<rest>[/?].*)?")
_BEARER: Final = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/=-]+)")
"""RFC 6750, section 2.1; the scheme's name in any case (RFC 9110, section 11.1)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, taken apart as far as the entrance goes.

    Attributes:
        head: with the endpoint's prefix taken off its target.
        endpoint: name of the endpoint.
        token: what the client shows.
    """

    head: RequestHead
    endpoint: str
    token: Secret


def asked_of(head: RequestHead, bound: str = "") -> Asked:
    """Take a request apart.

    Args:
        head: as sent.
        bound: the endpoint that its connection leads to already: a client that was told a path of the
            cluster's own may ask for it without the prefix. Empty: none yet.

    Raises:
        AuthenticationFailed: it shows no token.
        NotFound: its path names no endpoint.
    """
    given = next((value for name, value in head.headers if name == "authorization"), "")
    bearer = _BEARER.fullmatch(given)
    if bearer is None:
        raise AuthenticationFailed(
            "the request shows no token of this gateway", hint="glassgate connect ENDPOINT -- kubectl …"
        )
    target = _TARGET.fullmatch(head.target)
    headers = tuple(each for each in head.headers if each[0] != "authorization")
    if target is None:
        if bound and not head.target.startswith(PREFIX):
            return Asked(msgspec.structs.replace(head, headers=headers), bound, Secret(bearer[1].encode()))
        raise NotFound(
            "the path names no endpoint",
            hint="a server is https://GATEWAY/endpoints/NAME; kubectl get --raw leaves that path out, "
            "so begin yours with /endpoints/NAME",
        )
    rest = target["rest"] or "/"
    stripped = rest if rest.startswith("/") else f"/{rest}"
    return Asked(
        msgspec.structs.replace(head, target=stripped, headers=headers),
        target["name"],
        Secret(bearer[1].encode()),
    )


class Bearers:
    """Whose connection it is: of whoever proved themselves in its first request, by whatever token they show.

    A token that is good for less than the first one does not go on with what that one has opened.

    Args:
        prove: tells who shows a token.
        identity: whose connection it is.
        token: that they have shown.
    """

    def __init__(
        self, prove: Callable[[Secret], Awaitable[Identity]], identity: Identity, token: Secret
    ) -> None:
        self._prove = prove
        self._identity = identity
        self._token = token

    async def check(self, token: Secret) -> None:
        """Make sure that a request is sent by whoever sent the first one.

        Raises:
            AuthenticationFailed: it is somebody else, or nobody, or a token for less.
            StoreUnavailable: the store is away.
        """
        if token == self._token:
            return
        identity = await self._prove(token)
        if identity.id != self._identity.id:
            raise AuthenticationFailed("a connection serves whoever sent its first request alone")
        first, scopes = self._identity.scopes, identity.scopes
        if scopes and not (first and first <= scopes):
            raise AuthenticationFailed(
                "this token is good for less than the one that the connection was opened with"
            )
        self._token = token
