"""What a session's verdicts depend on, followed from admission to the server's answer.

No proxy knows for certain which ``search_path`` holds (rollbacks, savepoints, pipelines): the set of those
that could is kept. It grows when a statement that sets one is admitted and shrinks once the server has
answered everything and no transaction is open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from gateway.domain.verdict import Decision
from gateway.judge.postgres.context import SqlContext
from gateway.judge.postgres.session import (
    Begin,
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
    from gateway.protocols.postgres.names import Names
    from gateway.protocols.postgres.units import SqlUnit

_IDLE: Final = ord("I")
_UNKNOWN: Final = ".unknown"
"""Rules end so where the snapshot doesn't know a name that the server may know."""
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
        self._prepared = PreparedTexts(names)
        self._role = role
        self._start_path = path
        self._base: frozenset[SearchPath] = frozenset({path})
        self._paths = self._base
        self._set: list[SearchPath] = []
        self._doubtful = False
        self._moved = False
        self._clean_begin = False
        self._rolled_back = False
        self._start_encoding = encoding
        self.codec = codec_of(encoding)
        self.in_flight = False
        self.last_path = path
        self._context = self._make_context()

    # ---- judging ---------------------------------------------------------------------------------

    @property
    def context(self) -> SqlContext:
        """What the next text is judged under."""
        if self._context.snapshot is not self._feed.snapshot or self._context.search_paths != self._paths:
            self._context = self._make_context()
        return self._context

    def _make_context(self) -> SqlContext:
        return SqlContext(
            snapshot=self._feed.snapshot,
            catalogue=self._feed.catalogue,
            search_paths=self._paths,
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
        text = unit.text if self.codec == "utf-8" else self._utf8(unit)
        context = self.context
        found = self._cache.lookup(text, context)
        if found is None:
            if self._cache.heavy(text):
                return False
            found = self._cache.judge(text, context)
        unit.judged = found
        return found.verdict.decision is Decision.ALLOW or not self._behind(found, text)

    def _behind(self, judged: SqlJudgement, text: bytes) -> bool:
        return judged.verdict.rule.endswith(_UNKNOWN) and self._feed.may_be_behind(text)

    def _utf8(self, unit: SqlUnit) -> bytes:
        """What the server's lexer will see of a text in a single-byte encoding."""
        return unit.text.decode(self.codec, "replace").encode()

    def judge(self, unit: SqlUnit) -> SqlJudgement:
        """Judge a unit under the state of the session; what was looked up already is not judged twice."""
        if unit.judged is None:
            text = unit.text if self.codec == "utf-8" else self._utf8(unit)
            unit.judged = self._cache.judge(text, self.context)
        return unit.judged

    async def prepare(self, unit: SqlUnit) -> None:
        """Read the catalogue again where the server may know a name that the snapshot doesn't."""
        if unit.judged is not None:
            text = unit.text if self.codec == "utf-8" else self._utf8(unit)
            if self._behind(unit.judged, text):
                await self._feed.catch_up(text)
            unit.judged = None

    def must_settle(self, text: bytes) -> bool:
        """Whether what a text means hangs on messages that are not answered yet."""
        if b"EXECUTE" in text.upper():
            return True
        return self.in_flight and not text.isascii()

    # ---- following -------------------------------------------------------------------------------

    def admitted(self, judged: SqlJudgement) -> None:
        """A unit goes to the server: what it would change may hold from here on."""
        for effect in judged.session_effects:
            self._may_hold(effect)

    def _may_hold(self, effect: SessionEffect) -> None:
        match effect:
            case SetSetting(name="search_path", values=values, certain=certain):
                self._grow(tuple(values))
                self._doubtful |= not certain
            case ResetSetting(name="search_path") | ResetAll() | DiscardAll():
                self._grow(self._start_path)
            case RollbackTo():
                self._doubtful = True
            case Begin():
                self._clean_begin = not self._moved
            case _:
                pass
        naming = isinstance(effect, _NAMING)
        encoding = isinstance(effect, SetSetting | ResetSetting) and effect.name == "client_encoding"
        self.in_flight |= naming or encoding or isinstance(effect, ResetAll)

    def _grow(self, path: SearchPath) -> None:
        self._moved = True
        if path not in self._paths:
            self._paths |= {path}

    def completed(self, effect: SessionEffect, *, failed_commit: bool) -> None:
        """The server has run a statement."""
        match effect:
            case SetSetting(name="search_path", values=values, local=False):
                self._set.append(tuple(values))
            case ResetSetting(name="search_path", local=False) | ResetAll() | DiscardAll():
                self._set.append(self._start_path)
            case Rollback():
                self._rolled_back = True
            case Commit():
                self._rolled_back |= failed_commit
            case _:
                pass

    def failed(self) -> None:
        """A statement failed: what it would have set may or may not hold."""
        if self._moved:
            self._doubtful = True

    def settle(self, status: int) -> None:
        """The server has answered everything."""
        self.in_flight = False
        if status != _IDLE or not self._moved:
            return
        if self._rolled_back:
            if self._clean_begin:
                self._paths = self._base
        elif not self._doubtful:
            self._paths = frozenset({self._set[-1]}) if self._set else self._base
        self._base = self._paths
        if len(self._paths) == 1:
            (self.last_path,) = self._paths
        self._set.clear()
        self._doubtful = self._moved = self._rolled_back = self._clean_begin = False

    def encoding(self, name: str) -> None:
        """The server has said which client_encoding holds.

        Raises:
            InvalidInput: one in whose characters ASCII bytes can hide.
        """
        self.codec = codec_of(name)


class PreparedTexts(Mapping[str, str]):
    """The prepared statements of a session as the judge sees them: name → text, live.

    Args:
        names: of statements and portals.
    """

    __slots__ = ("_names",)

    def __init__(self, names: Names) -> None:
        self._names = names

    def __getitem__(self, name: str) -> str:
        text = self._names.statements[name.encode()].text
        if text is None:
            raise KeyError(name)
        return text.decode("utf-8", "surrogateescape")

    def __iter__(self) -> Iterator[str]:
        return (
            name.decode("utf-8", "replace")
            for name, prepared in self._names.statements.items()
            if prepared.text is not None
        )

    def __len__(self) -> int:
        return sum(1 for _ in self)
