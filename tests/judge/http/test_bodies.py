"""Bodies that two servers could read in two ways are not read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.judge.http.bodies import rebuilt_json, strict_json
from gateway.judge.http.reading import NotRead


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b'{"Cmd":["ls"],"cmd":["touch"]}', "repeated-key"),
        (b'{"Cmd":["ls"],"Cmd":["ls"]}', "repeated-key"),
        (b'{"cmd":1,"cmd":1}', "repeated-key"),
        ('{"dryRuns":1,"dryRun\u017f":1}'.encode(), "repeated-key"),
        ('{"kind":1,"\u212aind":1}'.encode(), "repeated-key"),
        (b'{"a":{"b":[{"x":1,"X":2}]}}', "repeated-key"),
        (b'{"a":1,"\\u0061":2}', "repeated-key"),
        (b'{"a":NaN}', "number"),
        (b'{"a":-Infinity}', "number"),
        (b"1e999", "number"),
        (b"9" * 5000, "number"),
        (b'"\\ud800"', "encoding"),
        (b'{"\\udc00":1}', "encoding"),
        (b'"\xff"', "encoding"),
        ('{"a":1}'.encode("utf-16"), "encoding"),
        (b'\xef\xbb\xbf{"a":1}', "json"),
        (b"", "json"),
        (b"{}{}", "json"),
        (b"{'a':1}", "json"),
        (b'{"a":1,}', "json"),
        (b'{"a":01}', "json"),
        (b'"a\nb"', "json"),
        (b"{}\x00", "json"),
        (b"[" * 100_000, "depth"),
    ],
)
def test_what_could_be_read_in_two_ways_is_not_read(body: bytes, what: str) -> None:
    with pytest.raises(NotRead) as error:
        strict_json(body)
    assert error.value.what == what


def test_names_in_another_case_are_other_names_where_the_server_says_so() -> None:
    assert strict_json(b'{"README":1,"readme":2}', folds=False) == {"README": 1, "readme": 2}
    with pytest.raises(NotRead):
        strict_json(b'{"readme":1,"readme":2}', folds=False)


def test_pairs_of_surrogates_are_one_character() -> None:
    assert strict_json(b'"\\ud83d\\ude00"') == "\U0001f600"


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(codec="utf-8"), max_size=5).map(str.casefold), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(VALUES)
def test_a_rebuilt_body_says_what_was_read(value: object) -> None:
    try:
        read = strict_json(json.dumps(value).encode())
    except NotRead as error:
        assert error.what == "repeated-key"  # noqa: PT017 - names that fold twice
        return
    assert read == value
    assert strict_json(rebuilt_json(read)) == value


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_not_read(body: bytes) -> None:
    try:
        read = strict_json(body)
    except NotRead:
        return
    assert strict_json(rebuilt_json(read)) == read
