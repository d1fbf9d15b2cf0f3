"""The sample host's nginx logs: a morning of a shop whose checkout times out. The same in every demo."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINES: Final = 4_000
_BEGAN: Final = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
_SLOW_FROM: Final = 2_600
"""Line from which on the checkout waits for something behind it."""
_PAGES: Final = (
    ("GET", "/", 40),
    ("GET", "/products", 25),
    ("GET", "/products/{number}", 20),
    ("POST", "/cart", 8),
    ("POST", "/checkout", 5),
    ("GET", "/health", 2),
)
"""Method, path, share of 100."""
_AGENTS: Final = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36",
)


def write_logs(folder: Path) -> None:
    """Write ``access.log`` and ``error.log``.

    Args:
        folder: made.
    """
    folder.mkdir(parents=True)
    access, errors = [], []
    for line, error in _requests():
        access.append(line)
        errors += [error] if error else []
    (folder / "access.log").write_text("".join(access))
    (folder / "error.log").write_text("".join(errors))


def _requests() -> Iterator[tuple[str, str]]:
    """Yield lines of the access log, each with what the error log says of it."""
    chance = random.Random(42)  # noqa: S311 - sample data, the same each time
    at = _BEGAN
    for number in range(LINES):
        at += timedelta(seconds=chance.randint(0, 6))
        method, path, _ = chance.choices(_PAGES, [share for *_, share in _PAGES])[0]
        path = path.format(number=chance.randint(1, 400))
        client = f"203.0.113.{chance.randint(1, 254)}"
        slow = path == "/checkout" and number > _SLOW_FROM and chance.random() < 0.7
        status = 504 if slow else chance.choices((200, 304, 404), (90, 8, 2))[0]
        size = 167 if slow else chance.randint(300, 20_000)
        access = (
            f'{client} - - [{at:%d/%b/%Y:%H:%M:%S +0000}] "{method} {path} HTTP/1.1" {status} {size} '
            f'"-" "{chance.choice(_AGENTS)}"\n'
        )
        error = (
            f"{at:%Y/%m/%d %H:%M:%S} [error] 871#871: *{number} upstream timed out "
            f"(110: Connection timed out) while reading response header from upstream, client: {client}, "
            f'server: shop.example.com, request: "{method} {path} HTTP/1.1", upstream: "http://10.0.2.12:8080{path}"\n'
        )
        yield access, error if slow else ""
