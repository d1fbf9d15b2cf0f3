"""What a session's verdicts depend on, followed from admission to the server's answer.

No proxy knows for certain which ``search_path`` holds (rollbacks, savepoints, pipelines): the set of those
that could is kept. It grows when a statement that sets one is admitted and shrinks once the server has
answered everything and no transaction is open, to what its answers, followed in their order, have left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.domain.verdict import Decision, Verdict
from gateway.judge.postgres.context import SqlContext
from gateway.judge.postgres.judge import not_utf8
from gateway.judge.postgres.parameters import judge_parameter_types
from gateway.judge.postgres.session import (
    CloseCursor,
    Commit,
    Deallocate,
    DeclareCursor,
    DiscardAll,
    PrepareStatement,
    ResetAll,
    ResetSetting,
    Rollback,
    RollbackTo,
    SetSetting,
)
from gateway.protocols.postgres.startup import codec_of

if TYPE_CHECKING:
    from gateway.judge.postgres.analysis import SqlJudgement
    from gateway.judge.postgres.cache import VerdictCache
    from gateway.judge.postgres.context import SearchPath
    from gateway.judge.postgres.session import SessionEffect
    from gateway.protocols.postgres.catalogue import CatalogueFeed
    from gateway.protocols.postgres.names import Names, Portal, Prepared
    from gateway.protocols.postgres.units import SqlUnit

_ALLOW: Final = Decision.ALLOW
"""Looked up once: an enum's member costs as much as the rest of a check."""
_IDLE: Final = ord("I")
_UNKNOWN: Final = ".unknown"
"""Rules end so where the snapshot doesn't know a name that the server may know."""
_CURSOR_MOVED: Final = Verdict(
    Decision.REFUSE,
    "postgres.session.cursor-path",
    "A cursor or portal that is open would not be a read under that search_path; close it first.",
)
_MOST_REJUDGED: Final = 50
"""Open cursors and portals that are judged again for a new search_path: it happens at once, in the loop."""
_NAMING: Final = (PrepareStatement, Deallocate, DiscardAll, DeclareCursor, CloseCursor)


class Following:
    """The state of one session, as far as verdicts depend on it.

    Args:
        feed: the endpoint's catalogue.
        cache: of verdicts, shared by all sessions.
        names: of statements and portals.
        role: the server role that the session runs as.
        path: ``search_path`` as the server said after the start-up packet.
        encoding: ``client_encoding`` as the server said.

    Attributes:
        in_flight: whether an unanswered message changes what names or bytes mean.
    """

    def __init__(
        self,
        *,
        feed: CatalogueFeed,
        cache: VerdictCache,
        names: Names,
        role: str,
        path: SearchPath,
        encoding: str,
    ) -> None:
        self._feed = feed
        self._cache = cache
        self._names = names
        self._prepared = PreparedTexts(names)
        self._role = role
        self._start_path = path
        self._paths: frozenset[SearchPath] = frozenset({path})
        self._before = self._after = self._seen = self._paths
        self._moved = False
        self._recoding = False
        self._declaring = False
        self.codec = self._prepared.codec = codec_of(encoding)
        self.in_flight = False
        self.last_path = path
        self._context = self._make_context()

    @property
    def paths(self) -> frozenset[SearchPath]:
        """Every search_path that could hold by now."""
        return self._paths

    # ---- judging ---------------------------------------------------------------------------------

    @property
    def context(self) -> SqlContext:
        """What the next text is judged under."""
        return self._current()

    def _current(self) -> SqlContext:
        held = self._context
        if (
            held.snapshot is not self._feed.snapshot
            or held.catalogue is not self._feed.catalogue
            or held.search_paths is not self._paths
        ):
            self._context = self._make_context()
        return self._context

    def _make_context(self) -> SqlContext:
        return SqlContext(
            snapshot=self._feed.snapshot,
            catalogue=self._feed.catalogue,
            search_paths=self._paths,
            start_path=self._start_path,
            role=self._role,
            lists=self._feed.lists,
            prepared=self._prepared,
        )

    def known(self, unit: SqlUnit) -> bool:
        """Look the verdict up, judging a small text at once.

        Returns:
            Whether the unit carries its judgement; False: it is to be judged in a thread, or the catalogue
            may have to be read again first.
        """
        text = self._utf8(unit.text)
        context = self._current()
        found = self._cache.lookup(text, context)
        if found is None:
            if self._cache.heavy(text):
                return False
            found = self._cache.judge(text, context)
        unit.judged = found = self._in_session(found, unit, text)
        return found.verdict.decision is _ALLOW or not self._behind(found, text)

    def _behind(self, judged: SqlJudgement, text: bytes) -> bool:
        return judged.verdict.rule.endswith(_UNKNOWN) and self._feed.may_be_behind(text)

    def _utf8(self, text: bytes) -> bytes:
        """What the server's lexer will see of a text that may be in a single-byte encoding."""
        return text if self.codec == "utf-8" else text.decode(self.codec, "replace").encode()

    def judge(self, unit: SqlUnit) -> SqlJudgement:
        """Judge a unit under the state of the session; what was looked up already is not judged twice."""
        if unit.judged is None:
            text = self._utf8(unit.text)
            unit.judged = self._in_session(self._cache.judge(text, self.context), unit, text)
        return unit.judged

    def _in_session(self, found: SqlJudgement, unit: SqlUnit, text: bytes) -> SqlJudgement:
        """Judge what the text alone does not tell: its values' types, its encoding, the session's cursors."""
        if found.verdict.decision is not _ALLOW:
            return found
        if self._recoding and not unit.text.isascii():
            return not_utf8()
        if unit.types:
            verdict = judge_parameter_types(unit.types, self.context)
            if verdict is not None:
                return replace(found, verdict=verdict)
        return self._over_cursors(found, text) if found.session_effects else found

    def _over_cursors(self, found: SqlJudgement, text: bytes) -> SqlJudgement:
        """What portals and cursors run is looked up when they run: another search_path must suit them too."""
        moved = frozenset(path for path in map(self._path_of, found.session_effects) if path is not None)
        if moved <= self._paths:
            return found
        wider = replace(self.context, search_paths=self._paths | moved)
        open_ones = [portal.text for portal in self._names.portals.values() if portal.text]
        texts = {self._utf8(each) for each in open_ones}
        if any(isinstance(effect, DeclareCursor) for effect in found.session_effects):
            texts.add(text)
        if len(texts) > _MOST_REJUDGED:
            return replace(found, verdict=_CURSOR_MOVED)
        for each in texts:
            if self._cache.judge(each, wider).verdict.decision is not _ALLOW:
                return replace(found, verdict=_CURSOR_MOVED)
        return found

    def bound(self, portal: Portal, text: bytes | None) -> None:
        """A portal or cursor was made of an admitted text: what that was judged under is kept with it."""
        portal.text = text
        portal.paths = self._paths
        portal.executes = text is not None and b"EXECUTE" in text.upper()
        portal.changes = self._names.changes

    def may_run(self, portal: Portal) -> bool:
        """Whether what a portal was judged to be still holds, as it is about to run."""
        renamed = portal.executes and portal.changes != self._names.changes
        if renamed or not self._paths <= portal.paths:
            return False
        judged = portal.judged
        if judged is None or not judged.session_effects:
            return True
        return self._over_cursors(judged, portal.text or b"").verdict.decision is _ALLOW

    async def prepare(self, unit: SqlUnit) -> None:
        """Read the catalogue again where the server may know a name that the snapshot doesn't."""
        if unit.judged is not None:
            text = self._utf8(unit.text)
            if self._behind(unit.judged, text):
                await self._feed.catch_up(text)
            unit.judged = None

    def must_settle(self, text: bytes) -> bool:
        """Whether what a text means hangs on messages that are not answered yet."""
        if self._declaring or b"EXECUTE" in text.upper():
            return True
        return self.in_flight and not text.isascii()

    # ---- following -------------------------------------------------------------------------------

    def admitted(self, judged: SqlJudgement) -> None:
        """A unit goes to the server: what it would change may hold from here on."""
        for effect in judged.session_effects:
            self._may_hold(effect)

    def _may_hold(self, effect: SessionEffect) -> None:
        path = self._path_of(effect)
        if path is not None:
            self._moved = True
            if path not in self._paths:
                self._paths |= {path}
        naming = isinstance(effect, _NAMING)
        encoding = isinstance(effect, ResetAll) or (
            isinstance(effect, SetSetting | ResetSetting) and effect.name == "client_encoding"
        )
        self._recoding |= encoding
        self._declaring |= isinstance(effect, DeclareCursor)
        self.in_flight |= naming or encoding

    def _path_of(self, effect: SessionEffect) -> SearchPath | None:
        """The search_path that an effect brings; None: it brings none."""
        match effect:
            case SetSetting(name="search_path", values=values):
                return tuple(values)
            case ResetSetting(name="search_path") | ResetAll() | DiscardAll():
                return self._start_path
            case _:
                return None

    def completed(self, effect: SessionEffect, *, failed_commit: bool) -> None:
        """The server has run a statement. Called in the order of its answers.

        ``_before`` holds what the transaction began with, ``_after`` what its commit would leave and
        ``_seen`` all that could have held in it.
        """
        path = self._path_of(effect)
        match effect:
            case SetSetting() | ResetSetting() if path is not None and effect.local:
                pass
            case SetSetting(certain=False) if path is not None:
                self._after |= {path}
            case _ if path is not None:
                self._after = frozenset({path})
            case RollbackTo():
                self._after = self._seen
            case Rollback():
                self._after = self._seen = self._before
            case Commit():
                self._after = self._before if failed_commit else self._after
                self._before = self._seen = self._after
            case _:
                pass
        self._seen |= self._after

    def failed(self) -> None:
        """A statement failed: what the transaction has set may or may not hold."""
        self._after = self._seen

    def rested(self) -> None:
        """No transaction is open any more: what it left holds."""
        self._before = self._seen = self._after

    def settle(self, status: int) -> None:
        """The server has answered everything."""
        self.in_flight = self._recoding = self._declaring = False
        if status != _IDLE or not self._moved:
            return
        self._moved = False
        self._paths = self._after
        if len(self._paths) == 1:
            (self.last_path,) = self._paths

    def encoding(self, name: str) -> None:
        """The server has said which client_encoding holds.

        Raises:
            InvalidInput: one in whose characters ASCII bytes can hide.
        """
        codec = codec_of(name)
        if codec != self.codec:
            self._prepared.recoded()
        self.codec = self._prepared.codec = codec


class PreparedTexts(Mapping[str, str]):
    """The prepared statements of a session as the judge sees them: name → text, live.

    Args:
        names: of statements and portals.

    Attributes:
        codec: of the texts.
    """

    __slots__ = ("_names", "codec")

    def __init__(self, names: Names) -> None:
        self._names = names
        self.codec = "utf-8"

    def recoded(self) -> None:
        """Another encoding holds: what was prepared under the old one would be read as something else."""
        names = self._names
        every: list[Prepared | Portal] = [*names.statements.values(), *names.portals.values()]
        for each in every:
            if each.text is not None and not each.text.isascii():
                each.text = None

    def __getitem__(self, name: str) -> str:
        text = self._names.statements[name.encode()].text
        if text is None:
            raise KeyError(name)
        return text.decode(self.codec, "surrogateescape")

    def __iter__(self) -> Iterator[str]:
        return (
            name.decode("utf-8", "replace")
            for name, prepared in self._names.statements.items()
            if prepared.text is not None
        )

    def __len__(self) -> int:
        return sum(1 for _ in self)
