"""Watching the watchers: who looked at what, and why, is a leaf of the ledger before anything is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gateway.store.ledger import append_leaf

if TYPE_CHECKING:
    from gateway.domain.ids import SessionId
    from gateway.web.routes import Call


class Look(msgspec.Struct, frozen=True):
    """Content of the leaf, as JSON.

    Attributes:
        identity: login name of who looked.
        source: from where.
        session: at whose recording; None for all.
        why: in their words.
        query: what was searched for; empty where nothing was.
    """

    identity: str
    source: str
    session: int | None
    why: str
    query: str


async def looked(
    call: Call, action: str, *, session: SessionId | None = None, why: str = "", query: str = ""
) -> None:
    """Add the leaf; call it before anything is shown.

    Args:
        call: of whoever looks.
        action: ``watch``, ``replay``, ``search``, ``export`` or ``verify``.
        session: at whose recording; None for all.
        why: in their words.
        query: what is searched for.

    Raises:
        StoreUnavailable: the store is away; then nothing is shown.
    """
    look = Look(call.identity.name, call.source, session, why, query)
    async with call.parts.store.transaction() as connection:
        await append_leaf(connection, f"view.{action}", msgspec.json.encode(look))
