"""Whether somebody is there in person: a login was shown, no token made with one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.domain.errors import NotAuthorised
from gateway.store import tokens
from gateway.store.tokens import TokenKind

if TYPE_CHECKING:
    from gateway.domain.identity import Identity
    from gateway.store.pool import Connection


async def shows_login(conn: Connection, identity: Identity) -> bool:
    """Whether an identity was proven by a login of its own.

    Args:
        conn: any connection.
        identity: as proven.
    """
    shown = None if identity.credential is None else await tokens.token_by_id(conn, identity.credential)
    return shown is not None and shown.kind is TokenKind.LOGIN


async def require_login(conn: Connection, identity: Identity, what: str, *, hint: str = "") -> None:
    """Make sure that a login was shown, so that no token can prolong or widen itself.

    Args:
        conn: any connection.
        identity: as proven.
        what: takes a login, as a passive clause such as ``keys are registered``.
        hint: what to do; empty: log in.

    Raises:
        NotAuthorised: a token was shown.
    """
    if not await shows_login(conn, identity):
        raise NotAuthorised(f"{what} with a login of one's own", hint=hint or "glassgate login")
