"""What happened in a session, as it is printed: sizes people read, lines that end."""

from __future__ import annotations

import msgspec
import pytest

from gateway.cli.moments import LONGEST_LINE, cut, print_moments, size_text
from gateway.web.shapes.sessions import Moment


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (5 << 20, "5.0 MiB"),
        (3 << 30, "3.0 GiB"),
        (5 << 40, "5120.0 GiB"),
    ],
)
def test_sizes_are_told_as_people_read_them(size: int, text: str) -> None:
    assert size_text(size) == text


def test_only_long_lines_end_early() -> None:
    long = "x" * (LONGEST_LINE + 1)
    assert cut(f"short\n{long}\n") == f"short\n{long[:-1]} … and 1 character more\n"
    assert cut("y" * LONGEST_LINE) == "y" * LONGEST_LINE


def test_an_answer_is_told_by_rows_or_by_size(capsys: pytest.CaptureFixture[str]) -> None:
    at = "2026-01-01T00:00:00Z"
    plain = {"at": at, "session": 1, "number": 2, "kind": "answer", "seconds": 0.001}
    said = [{"tag": "SELECT 3", "rows": 3, "size": 90}, {"tag": "200 OK", "size": 2048}, {"tag": "204"}]
    lines = [msgspec.json.encode({**plain, **one}) for one in said]
    assert msgspec.json.decode(lines[0], type=Moment).rows == 3
    print_moments(lines, json=False)
    rows, sized, empty = capsys.readouterr().out.splitlines()
    assert rows.endswith("2  SELECT 3  3 rows  1.0 ms")
    assert sized.endswith("2  200 OK  2.0 KiB  1.0 ms")
    assert empty.endswith("2  204  1.0 ms")
