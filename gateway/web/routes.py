"""What a route is: method, path, who may, what it takes, what it answers, and the handler. Data, no HTTP.

A route states the actions of policy that open it, or that it is public; without either it can't be made.
Whoever holds none of the actions is refused before the handler runs.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar

from gateway.web.shapes.shape import Question

if TYPE_CHECKING:
    from gateway.access.policy import Permissions
    from gateway.domain.identity import Identity
    from gateway.web.parts import WebParts

BODY_BYTES: Final = 64 << 10
"""Largest body of a request, where the route says nothing else."""


class Action(StrEnum):
    """The actions that policy speaks of."""

    REQUEST = "request"
    REQUEST_SECRETS = "request-secrets"
    APPROVE = "approve"
    APPROVE_SECRETS = "approve-secrets"
    CONNECT = "connect"
    REVIEW = "review"
    KILL = "kill"
    REVOKE = "revoke"
    SUBMIT = "submit"
    ADMINISTER = "administer"
    OBSERVE = "observe"


ANY_ACTION: Final = frozenset(Action)
"""Open to whoever policy gives anything at all."""


class Public(StrEnum):
    """Marks the few routes that need no identity, and says why."""

    LOGIN = "proves the identity by itself"
    TRUST = "what a client needs before it can trust anything"
    HEALTH = "asked by load balancers and supervisors"
    DESCRIPTION = "describes the API, holds nothing of the installation"


@dataclass(frozen=True, slots=True)
class Call:
    """One authorised call, as a handler gets it.

    Attributes:
        parts: the services behind the API.
        identity: who calls; proven.
        permissions: what policy gives them.
        source: the peer's address.
    """

    parts: WebParts
    identity: Identity
    permissions: Permissions
    source: str


@dataclass(frozen=True, slots=True)
class PublicCall:
    """One call of a public route.

    Attributes:
        parts: the services behind the API.
        source: the peer's address.
    """

    parts: WebParts
    source: str


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer that isn't JSON.

    Attributes:
        media_type: its content type.
        chunks: its bytes, as they come.
        filename: offered to a browser; empty: shown in place.
    """

    media_type: str
    chunks: AsyncIterator[bytes]
    filename: str = ""


class Answer(StrEnum):
    """How a route answers."""

    JSON = "json"
    LINES = "lines"
    """One JSON object a line, as it happens."""
    RAW = "raw"


R = TypeVar("R", bound=Question)
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Route:
    """A row of the route table; made by ``route``, ``lines``, ``raw`` and ``public``.

    Attributes:
        method: HTTP method.
        path: template; ``{name}`` takes the request type's member of that name.
        actions: whoever holds one of them may call.
        public: why no identity is needed, None where one is.
        summary: one sentence for the description.
        request: type of the request: path, then query (GET, DELETE) or body members.
        response: type of the answer, or of one line of it; media types where the answer is raw.
        answer: how it answers.
        handler: does it.
        body_bytes: largest body.
    """

    method: str
    path: str
    actions: frozenset[Action]
    public: Public | None
    summary: str
    request: type[Question]
    response: Any
    answer: Answer
    handler: Callable[[Any, Any], Awaitable[Any]]
    body_bytes: int = BODY_BYTES

    def __post_init__(self) -> None:
        if bool(self.actions) == (self.public is not None) or not self.actions <= ANY_ACTION:
            raise TypeError(f"{self.method} {self.path} must state its actions, or why it is public")
        unknown = set(self.path_members) - set(self.request.__struct_fields__)
        if unknown:
            raise TypeError(f"{self.method} {self.path}: {self.request.__name__} has no {sorted(unknown)}")

    @property
    def path_members(self) -> tuple[str, ...]:
        """Members of the request that stand in the path."""
        return tuple(re.findall(r"\{(\w+)\}", self.path))

    @property
    def has_body(self) -> bool:
        """Whether members outside the path come in a JSON body; else they come in the query."""
        return self.method in {"POST", "PUT", "PATCH"}


def _summary(handler: Callable[..., object]) -> str:
    text = (handler.__doc__ or "").strip()
    if not text:
        raise TypeError(f"{handler.__name__} has no docstring to describe its route")
    return text.splitlines()[0]


def _actions(actions: Action | frozenset[Action]) -> frozenset[Action]:
    return frozenset({actions}) if isinstance(actions, Action) else actions


def route(
    spot: str,
    actions: Action | frozenset[Action],
    handler: Callable[[Call, R], Awaitable[S]],
    *,
    takes: type[R],
    gives: type[S],
    body_bytes: int = BODY_BYTES,
) -> Route:
    """Make a route that answers with one JSON value.

    Args:
        spot: method and path, such as ``POST /v1/requests``.
        actions: whoever holds one of them may call.
        handler: does it; its docstring's first line describes the route.
        takes: type of the request.
        gives: type of the answer.
        body_bytes: largest body.
    """
    method, path = spot.split(" ")
    return Route(
        method,
        path,
        _actions(actions),
        None,
        _summary(handler),
        takes,
        gives,
        Answer.JSON,
        handler,
        body_bytes,
    )


def lines(
    spot: str,
    actions: Action | frozenset[Action],
    handler: Callable[[Call, R], Awaitable[AsyncGenerator[S, None]]],
    *,
    takes: type[R],
    gives: type[S] | Any,
) -> Route:
    """Make a route that answers with one JSON object a line, as they come."""
    method, path = spot.split(" ")
    return Route(
        method, path, _actions(actions), None, _summary(handler), takes, gives, Answer.LINES, handler
    )


def raw(
    spot: str,
    actions: Action | frozenset[Action],
    handler: Callable[[Call, R], Awaitable[Raw]],
    *,
    takes: type[R],
    media_types: tuple[str, ...],
) -> Route:
    """Make a route that answers with bytes of one of the media types."""
    method, path = spot.split(" ")
    return Route(
        method, path, _actions(actions), None, _summary(handler), takes, media_types, Answer.RAW, handler
    )


def public(
    spot: str,
    why: Public,
    handler: Callable[[PublicCall, R], Awaitable[S]],
    *,
    takes: type[R],
    gives: type[S] | tuple[str, ...],
) -> Route:
    """Make a route that needs no identity, saying why.

    Args:
        spot: method and path.
        why: it needs none.
        handler: does it.
        takes: type of the request.
        gives: type of the answer, or the media types of a raw one.
    """
    method, path = spot.split(" ")
    answer = Answer.RAW if isinstance(gives, tuple) else Answer.JSON
    return Route(method, path, frozenset(), why, _summary(handler), takes, gives, answer, handler)
