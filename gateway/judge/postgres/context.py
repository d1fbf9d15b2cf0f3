"""Everything a verdict depends on, beside the text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from gateway.judge.catalogue import PostgresCatalogue
from gateway.judge.postgres.snapshot import Snapshot

SearchPath = tuple[str, ...]
"""Schemas in order, unquoted; ``$user`` stands for the role's own."""
DEFAULT_PATH: Final[SearchPath] = ("$user", "public")

_MAX_TOKENS: Final = 4096
_tokens: dict[object, int] = {}
_numbers = count(1)


@dataclass(frozen=True, slots=True, eq=False)
class SqlContext:
    """What a text is judged under.

    Attributes:
        snapshot: the endpoint's catalogue.
        catalogue: what is known to read.
        search_paths: every search_path that could hold when the text runs; names must be reads along all of
            them.
        role: the server role that the session runs as.
        lists: the endpoint's own allowlists: ``functions`` and ``foreign_tables`` (``schema.name``),
            ``extensions``, ``settings`` (names).
        start_path: what RESET gives search_path back.
        prepared: name → text of what PREPARE and Parse left, for EXECUTE.
        token: equal for contexts under which every text has the same verdict, as far as it doesn't EXECUTE.
    """

    snapshot: Snapshot
    catalogue: PostgresCatalogue
    search_paths: frozenset[SearchPath] = frozenset({DEFAULT_PATH})
    start_path: SearchPath = DEFAULT_PATH
    role: str = ""
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    prepared: Mapping[str, str] = field(default_factory=dict)
    token: int = field(init=False)

    def __post_init__(self) -> None:
        key = (
            self.snapshot.number,
            self.catalogue.fingerprint,
            self.search_paths,
            self.start_path,
            self.role,
            tuple(sorted((name, tuple(items)) for name, items in self.lists.items())),
        )
        if len(_tokens) >= _MAX_TOKENS:
            _tokens.clear()
        object.__setattr__(self, "token", _tokens.setdefault(key, next(_numbers)))
