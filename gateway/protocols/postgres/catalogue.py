"""An endpoint's own catalogue, read as the session's role and kept fresh, as the judge's snapshot.

A cheap fingerprint of the catalogue's rows is looked at on a timer, and at once when a statement names
something that the snapshot doesn't know; only where it changed is everything read again.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import contextmanager
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING, Final

from gateway.domain.errors import GlassgateError, UpstreamUnavailable
from gateway.judge.postgres import introspect
from gateway.log import get_logger
from gateway.protocols.postgres.upstream import Target, Upstream, dial

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gateway.domain.secret import Secret
    from gateway.judge.catalogue import PostgresCatalogue
    from gateway.judge.postgres.snapshot import Snapshot

LOOK_SECONDS: Final = 15.0
"""A changed catalogue is noticed within this."""
KEEP_SECONDS: Final = 600.0
"""A snapshot that no session uses is kept this long for the next one."""
ASK_AGAIN_SECONDS: Final = 30.0
"""The same text with an unknown name makes us look again only after this."""
MOST_ASKED: Final = 1000

_WATCHED: Final = (
    "pg_proc",
    "pg_class",
    "pg_type",
    "pg_operator",
    "pg_cast",
    "pg_namespace",
    "pg_rewrite",
    "pg_policy",
    "pg_attrdef",
    "pg_constraint",
    "pg_index",
    "pg_inherits",
    "pg_aggregate",
    "pg_range",
    "pg_extension",
    "pg_foreign_table",
    "pg_language",
    "pg_opclass",
    "pg_amop",
    "pg_amproc",
    "pg_partitioned_table",
    "pg_statistic_ext",
    "pg_depend WHERE deptype = 'e'",  # what belongs to extensions
)
_XMINS: Final = "(SELECT pg_catalog.concat(count(*), '/', sum(xmin::text::int8)) FROM pg_catalog.{})"
_FINGERPRINT: Final = f"SELECT pg_catalog.concat_ws(' ', {', '.join(map(_XMINS.format, _WATCHED))})"
"""Each change of a row gives it a new xmin."""

_epochs = count(1)

log = get_logger("protocols.postgres")


class CatalogueFeed:
    """The catalogue of one database, as one role sees it.

    Args:
        target: how to log in there.
        secret: the gateway's credential.
        catalogue: what is known to read.
        lists: the endpoint's own allowlists.
    """

    def __init__(
        self,
        target: Target,
        secret: Secret,
        *,
        catalogue: PostgresCatalogue,
        lists: Mapping[str, tuple[str, ...]],
    ) -> None:
        self._target = target
        self._secret = secret
        self._lock = asyncio.Lock()
        self._snapshot: Snapshot | None = None
        self._fingerprint: bytes | None = None
        self._asked: OrderedDict[int, float] = OrderedDict()
        self.catalogue = catalogue
        self.lists = lists
        self.users = 0
        self.unused_since = monotonic()

    @property
    def snapshot(self) -> Snapshot:
        """The newest snapshot.

        Raises:
            UpstreamUnavailable: none was read yet.
        """
        if self._snapshot is None:
            raise UpstreamUnavailable("the endpoint's catalogue has not been read")
        return self._snapshot

    @contextmanager
    def used(self) -> Iterator[None]:
        """Keep it fresh for as long as the block lasts."""
        self.users += 1
        try:
            yield
        finally:
            self.users -= 1
            self.unused_since = monotonic()

    async def first(self) -> Snapshot:
        """Return the snapshot, reading it where there is none.

        Raises:
            UpstreamUnavailable: production can't be asked.
        """
        async with self._lock:
            if self._snapshot is None:
                upstream = await dial(self._target, self._secret)
                try:
                    await self._read(upstream)
                finally:
                    upstream.close()
        return self.snapshot

    def may_be_behind(self, text: bytes) -> bool:
        """Whether the server may know a name in this text that the snapshot doesn't: not asked lately."""
        asked = self._asked.get(hash(text))
        return asked is None or monotonic() - asked > ASK_AGAIN_SECONDS

    async def catch_up(self, text: bytes) -> None:
        """Look whether the catalogue changed, for a text with a name that the snapshot doesn't know."""
        self._asked[hash(text)] = monotonic()
        if len(self._asked) > MOST_ASKED:
            self._asked.popitem(last=False)
        await self.refresh()

    async def refresh(self) -> None:
        """Read the catalogue again where it changed; where production can't be asked the old one stands."""
        async with self._lock:
            try:
                upstream = await dial(self._target, self._secret)
                try:
                    ((fingerprint,),) = await upstream.ask(_FINGERPRINT)
                    if fingerprint != self._fingerprint:
                        await self._read(upstream)
                finally:
                    upstream.close()
            except GlassgateError as error:
                log.warning("catalogue not read", endpoint=self._target.endpoint, error=error.message)

    async def _read(self, upstream: Upstream) -> None:
        """Read everything in one read-only transaction; decode it in a thread."""
        for statement in introspect.PREPARATION:
            await upstream.ask(statement)
        ((fingerprint,),) = await upstream.ask(_FINGERPRINT)
        answers: dict[str, list[bytes]] = {}
        for name, query in introspect.QUERIES.items():
            answers[name] = [row[0] or b"" for row in await upstream.ask(query)]
        await upstream.ask("COMMIT")
        version = upstream.server_version
        self._snapshot = await asyncio.to_thread(introspect.snapshot, version, answers, epoch=next(_epochs))
        self._fingerprint = fingerprint
        self._asked.clear()
        log.info("catalogue read", endpoint=self._target.endpoint, database=self._target.database)


class Catalogues:
    """The catalogues of every database that sessions look at.

    Args:
        catalogue: what is known to read (``policies/catalogue/postgres.toml``).
    """

    def __init__(self, catalogue: PostgresCatalogue) -> None:
        self._catalogue = catalogue
        self._feeds: dict[tuple[str, int, str], CatalogueFeed] = {}

    @property
    def catalogue(self) -> PostgresCatalogue:
        """What is known to read."""
        return self._catalogue

    def replace(self, catalogue: PostgresCatalogue) -> None:
        """Judge by another catalogue file from here on, in live sessions too."""
        self._catalogue = catalogue
        for feed in self._feeds.values():
            feed.catalogue = catalogue

    def feed(self, target: Target, secret: Secret, lists: Mapping[str, tuple[str, ...]]) -> CatalogueFeed:
        """Return the feed of a database; made where there is none, to be read with ``first``."""
        key = (target.endpoint, target.version, target.database)
        feed = self._feeds.get(key)
        if feed is None:
            feed = CatalogueFeed(target, secret, catalogue=self._catalogue, lists=lists)
            self._feeds[key] = feed
        return feed

    def snapshot(self, endpoint: str) -> Snapshot | None:
        """Return a snapshot that was read from this endpoint, None where none was."""
        for (name, _, _), feed in self._feeds.items():
            if name == endpoint and feed.users:
                return feed.snapshot
        return None

    async def run(self) -> None:
        """Keep what is used fresh, forget what isn't, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for key, feed in list(self._feeds.items()):
                if feed.users:
                    await feed.refresh()
                elif monotonic() - feed.unused_since > KEEP_SECONDS:
                    del self._feeds[key]
