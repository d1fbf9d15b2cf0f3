"""Change requests as they stand now: with their endpoint's repository, against its base."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gateway.changes.proposal import UNKNOWN, Base
from gateway.changes.proposals import proposes
from gateway.domain.change import ChangeState
from gateway.domain.errors import GlassgateError, InvalidInput, NotFound
from gateway.store import changes as rows
from gateway.store.endpoints import endpoint_by_id
from gateway.store.submissions import reserved_paths

if TYPE_CHECKING:
    from gateway.changes.repository import Repositories
    from gateway.domain.change import FilePatch
    from gateway.domain.endpoint import Repository
    from gateway.domain.ids import ChangeId
    from gateway.store.changes import StoredChange
    from gateway.store.pool import Connection, Store

_GLANCE_SECONDS = 2.0
_NOWHERE = Base("", (), ())


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads change requests and what they would become.

    Attributes:
        store: where they stand.
        repositories: that this gateway works with.
    """

    store: Store
    repositories: Repositories

    async def stored(self, conn: Connection, change: ChangeId) -> StoredChange:
        """Return a change request; a draft with the repository that its endpoint names now.

        Raises:
            NotFound: there is none of that number.
        """
        stored = await rows.change_by_id(conn, change)
        if stored is None:
            raise NotFound(f"there is no change request {change}", hint="glassgate changes")
        if stored.request.state is not ChangeState.DRAFT:
            return stored
        endpoint = await endpoint_by_id(conn, stored.request.endpoint)
        return stored if endpoint is None else replace(stored, repository=endpoint.repository)

    async def proposed(self, stored: StoredChange) -> tuple[str, tuple[FilePatch, ...], tuple[str, ...]]:
        """Return a change request's base, its files against it, and what must be said beside them."""
        request, repository, proposal = stored.request, stored.repository, proposes(stored)
        if request.state is not ChangeState.DRAFT and request.files:
            return request.base, request.files, ()
        if repository is None:
            note = f"the endpoint {request.endpoint_name} names no repository; a plain one would get this"
            files, _ = await asyncio.to_thread(proposal.render, stored, UNKNOWN, _NOWHERE)
            return "", files, (note,)
        try:
            base = await self._base(stored, repository)
            files, notes = await asyncio.to_thread(proposal.render, stored, repository, base)
        except GlassgateError as error:
            note = f"{error.message}; the number is given at submission"
        else:
            return base.commit, files, notes
        try:
            files, _ = await asyncio.to_thread(proposal.render, stored, repository, _NOWHERE)
        except InvalidInput as error:
            return "", (), (note, error.message)
        return "", files, (note,)

    async def at_a_glance(self, stored: StoredChange, repository: Repository) -> tuple[FilePatch, ...] | None:
        """Return the proposed files if the repository is at hand, else None: a client waits for this."""
        try:
            if self.repositories.at(repository.url).path is None:
                return None
            async with asyncio.timeout(_GLANCE_SECONDS):
                base = await self._base(stored, repository)
                return (await asyncio.to_thread(proposes(stored).render, stored, repository, base))[0]
        except (GlassgateError, TimeoutError):
            return None

    async def unseen(self, stored: StoredChange) -> tuple[FilePatch, ...]:
        """Return the proposed files against what production has; none where that can't be told."""
        try:
            return await asyncio.to_thread(proposes(stored).unseen, stored)
        except InvalidInput:
            return ()

    async def _base(self, stored: StoredChange, repository: Repository) -> Base:
        """Read what the proposal stands on."""
        source = self.repositories.at(repository.url)
        commit = await source.base(repository.branch)
        base = await proposes(stored).look(source, commit, stored, repository)
        async with self.store.connection() as conn:
            taken = await reserved_paths(conn, repository.url, but=stored.request.id)
        return replace(base, reserved=taken)
