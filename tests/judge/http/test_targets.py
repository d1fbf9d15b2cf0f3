"""Targets that a server could route elsewhere are not read; the others are rebuilt in one form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.judge.http.reading import NotRead
from gateway.judge.http.targets import Target, rebuilt_path, rebuilt_query, split_target


@pytest.mark.parametrize(
    ("target", "read"),
    [
        ("/", Target(())),
        ("/version", Target(("version",))),
        ("/version/", Target(("version",), slash=True)),
        ("/api/v1/pods?watch=1&limit=500", Target(("api", "v1", "pods"), (("watch", "1"), ("limit", "500")))),
        ("/a?b", Target(("a",), (("b", ""),))),
        ("/a?", Target(("a",))),
        ("/a?&b=1&&c=&", Target(("a",), (("b", "1"), ("c", "")))),
        ("/a?b=x+y%20z", Target(("a",), (("b", "x y z"),))),
        ("/a?b=1&b=2", Target(("a",), (("b", "1"), ("b", "2")))),
        ("/a?b=c=d", Target(("a",), (("b", "c=d"),))),
        ("/a?f=%7B%22x%22%3A1%7D", Target(("a",), (("f", '{"x":1}'),))),
        ('/a?f={"x":1}', Target(("a",), (("f", '{"x":1}'),))),
        ("/roles/system:node", Target(("roles", "system:node"))),
    ],
)
def test_what_is_read(target: str, read: Target) -> None:
    assert split_target(target) == read


@pytest.mark.parametrize(
    "target",
    [
        "",
        "*",
        "version",
        "http://engine/version",
        "engine:443",
        "//version",
        "/a//b",
        "/a//",
        "/.",
        "/a/../b",
        "/a/..",
        "/a/./b",
        "/a%2fb",
        "/a%2Fb",
        "/%61",
        "/a%",
        "/a%2",
        "/a%zz",
        "/a%00",
        "/a\\b",
        "/a b",
        "/a\tb",
        "/a\x00",
        "/a#b",
        "/a?b#c",
        "/é",
        "/a?b=é",
        "/a?b;c",
        "/a?b=1;c=2",
        "/a?b=%",
        "/a?b=%f",
        "/a?b=%zz",
        "/a?b=%ff",
        "/a?b=%00",
        "/a?=b",
        "/a?b=c d",
        "/a?b=\r\nX: y",
        "/" + "a" * 40_000,
    ],
)
def test_what_is_not_read(target: str) -> None:
    with pytest.raises(NotRead):
        split_target(target, escaped=":@ ")


def test_escapes_that_clients_need_are_read_and_rebuilt_in_one_way() -> None:
    read = split_target("/roles/system%3anode%20x", escaped=": ")
    assert read.segments == ("roles", "system:node x")
    assert rebuilt_path(read.segments) == "/roles/system:node%20x"


@pytest.mark.parametrize("escape", ["%2e%2e", "%2E%2E", ".%2e"])
def test_escaped_dots_are_dots(escape: str) -> None:
    with pytest.raises(NotRead):
        split_target(f"/a/{escape}/b", escaped=".")


PAIRS = st.lists(
    st.tuples(
        st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=6),
        st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=12),
    ),
    max_size=4,
)


@given(PAIRS)
def test_a_rebuilt_query_says_what_was_read(pairs: list[tuple[str, str]]) -> None:
    assert split_target("/a" + rebuilt_query(pairs)).pairs == tuple(pairs)


@given(st.text(max_size=40))
def test_any_text_is_rebuilt_to_what_was_read_or_not_read(text: str) -> None:
    try:
        read = split_target("/" + text, escaped=":@ ")
    except NotRead:
        return
    again = split_target(rebuilt_path(read.segments) + rebuilt_query(read.pairs), escaped=" ,;!'()*")
    assert (again.segments, again.pairs) == (read.segments, read.pairs)
