"""One submission: claim the draft, take a number, commit, push, and only then call it submitted.

The claim keeps other replicas and a second terminal out, and holds no transaction open over the push. What is
pushed is written down before, so that a try that died between push and store is finished by the next one.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gateway.changes import journal
from gateway.changes.message import author, branch_name, commit_message, committer
from gateway.changes.objects import NewCommit
from gateway.changes.proposal import Base
from gateway.changes.proposals import proposes
from gateway.domain.change import ChangeState
from gateway.domain.errors import Conflict, GlassgateError, RepositoryUnavailable
from gateway.store import submissions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.changes.repository import GitRepository, Repositories
    from gateway.domain.change import FilePatch
    from gateway.domain.endpoint import Repository
    from gateway.domain.identity import Identity
    from gateway.store.changes import StoredChange
    from gateway.store.pool import Store
    from gateway.store.submissions import Claim


@dataclass(frozen=True, slots=True)
class Submission:
    """A draft on its way into the repository.

    Attributes:
        store: where change requests stand.
        repositories: that this gateway works with.
        public_url: how people reach the gateway.
        change: the draft.
        identity: its author.
        reason: why it is needed.
        no_way_back: why it can't be undone; empty where it can.
    """

    store: Store
    repositories: Repositories
    public_url: str
    change: StoredChange
    identity: Identity
    reason: str
    no_way_back: str

    async def run(self, edited: Mapping[str, bytes] | None) -> None:
        """Submit the draft.

        Args:
            edited: new bytes by path, None: as proposed.

        Raises:
            GlassgateError: as ``Changes.submit`` says; the draft stays, edits too.
        """
        number = self.change.request.id
        if self.change.request.state is not ChangeState.DRAFT:
            raise self._conflict()
        repository = self.change.repository
        if repository is None:
            raise RepositoryUnavailable(
                f"the endpoint {self.change.request.endpoint_name} names no repository",
                hint="an administrator sets it: glassgate endpoint set NAME --repository URL",
            )
        files = self._files(repository, edited)
        async with self.store.transaction() as conn:
            claim = await submissions.claim(conn, number, self.identity.id)
            if claim is not None and edited is not None:
                await submissions.put_files(conn, number, files, edited=True)
        if claim is None:
            raise self._conflict()
        try:
            await self._submit(repository, files, claim, kept=edited is not None or self.change.edited)
        finally:
            with contextlib.suppress(GlassgateError):
                async with self.store.transaction() as conn:
                    await submissions.release(conn, number, claim.token)

    def _files(self, repository: Repository, edited: Mapping[str, bytes] | None) -> tuple[FilePatch, ...]:
        """Return the files without their number yet: what a person must mend is said before git is asked."""
        proposal = proposes(self.change)
        if edited is not None:
            files = proposal.edited(self.change, repository, edited)
        else:
            files, _ = proposal.render(self.change, repository, Base("", (), ()))
        proposal.check_way_back(self.change, repository, files, self.no_way_back)
        return files

    async def _submit(
        self, repository: Repository, files: tuple[FilePatch, ...], claim: Claim, *, kept: bool
    ) -> None:
        """Do the work under the claim; the files are kept before the push, for a try that dies there."""
        number = self.change.request.id
        source = self.repositories.at(repository.url)
        if await self._arrived_before(source, claim):
            await self._finish(claim, claim.branch, claim.pushed)
            return
        base = await source.base(repository.branch)
        files = await self._numbered(source, repository, base, files, claim, kept=kept)
        branch = branch_name(self.change)
        text = commit_message(self.change, self.identity, self.reason, self.no_way_back)
        people = author(self.identity, self.public_url), committer(self.public_url)
        commit = await source.commit(base, NewCommit(files, text, *people, int(claim.at.timestamp())))
        async with self.store.transaction() as conn:
            held = await submissions.pushing(conn, number, claim.token, branch=branch, commit=commit)
            await submissions.put_files(conn, number, files, edited=kept)
        if not held:
            raise self._conflict()
        await source.push(commit, branch, expected=None)
        await self._finish(claim, branch, commit)

    async def _arrived_before(self, source: GitRepository, claim: Claim) -> bool:
        """Whether an earlier try died after its push had arrived."""
        return bool(claim.pushed) and (await source.heads()).get(claim.branch) == claim.pushed

    async def _numbered(
        self,
        source: GitRepository,
        repository: Repository,
        base: str,
        files: tuple[FilePatch, ...],
        claim: Claim,
        *,
        kept: bool,
    ) -> tuple[FilePatch, ...]:
        """Take the next free number against the fresh base; return the files under it."""
        proposal = proposes(self.change)
        seen = await proposal.look(source, base, self.change, repository)
        number = self.change.request.id
        async with self.store.transaction() as conn:
            taken = await submissions.lock_numbers(conn, repository.url, but=number)
            seen = replace(seen, reserved=taken)
            if kept:
                files = proposal.renumber(self.change, repository, files, seen)
            else:
                files, _ = proposal.render(self.change, repository, seen)
            paths = proposal.numbered(repository, files)
            if not await submissions.reserve(
                conn, number, claim.token, repository=repository, base=base, paths=paths
            ):
                raise self._conflict()
        return proposal.check_way_back(self.change, repository, files, self.no_way_back)

    async def _finish(self, claim: Claim, branch: str, commit: str) -> None:
        """Call it submitted."""
        number = self.change.request.id
        async with self.store.transaction() as conn:
            done = await submissions.submitted(
                conn, number, claim.token, reason=self.reason, no_way_back=self.no_way_back
            )
            if not done:
                raise self._conflict()
            await journal.tell(
                conn,
                number,
                ChangeState.SUBMITTED,
                by=self.identity.name,
                why=self.reason,
                facts={"commit": commit, "branch": branch},
            )

    def _conflict(self) -> Conflict:
        return Conflict(
            f"change request {self.change.request.id} is no draft any more, or is being submitted right now",
            hint=f"glassgate change show {self.change.request.id}",
        )
