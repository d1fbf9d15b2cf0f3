"""The codec, sans-I/O: every cut gives the same messages, any noise gives messages or one error."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import PeerError
from gateway.protocols.postgres import wire

names = st.binary(max_size=20).filter(lambda value: b"\0" not in value)
values = st.lists(st.none() | st.binary(max_size=30), max_size=8)
STREAM = (
    wire.parse(b"s", b"SELECT $1", [23])
    + wire.bind(b"p", b"s", [b"1", None], formats=[1], results=[0, 1])
    + wire.describe(b"P", b"p")
    + wire.execute(b"p", 7)
    + wire.close(b"S", b"s")
    + wire.SYNC
    + wire.query(b"SELECT 1")
)


def test_every_cut_gives_the_same_messages() -> None:
    whole = wire.Framer().feed(STREAM)
    assert b"".join(each.raw for each in whole) == STREAM
    for cut in range(len(STREAM) + 1):
        framer = wire.Framer()
        assert framer.feed(STREAM[:cut]) + framer.feed(STREAM[cut:]) == whole
    framer = wire.Framer()
    assert [each for at in range(len(STREAM)) for each in framer.feed(STREAM[at : at + 1])] == whole


@given(names, names, values)
def test_bind_is_read_as_it_was_written(portal: bytes, statement: bytes, bound: list[bytes | None]) -> None:
    data = wire.bind(portal, statement, bound, formats=[0] * len(bound), results=[1])
    read = wire.parse_bind(data, 5, len(data))
    assert (read.portal, read.statement, read.values) == (portal, statement, tuple(bound))


@given(names, names, st.lists(st.integers(0, 2**32 - 1), max_size=5))
def test_parse_is_read_as_it_was_written(name: bytes, text: bytes, types: list[int]) -> None:
    assert wire.parse_parse(wire.parse(name, text, types)[5:]) == wire.Parse(name, text, tuple(types))


@given(st.binary(max_size=200))
def test_noise_gives_values_or_one_error(noise: bytes) -> None:
    readers = (
        wire.parse_parse, wire.parse_named, wire.parse_execute, wire.parse_error, wire.parse_row,
        wire.parse_parameter_status, lambda data: wire.parse_bind(data, 0, len(data)),
        wire.Framer(limit=1000).feed,
    )  # fmt: skip
    for read in readers:
        with contextlib.suppress(PeerError):
            assert read(noise) is not None


@given(st.binary(max_size=60), st.integers(0, 40))
def test_a_bind_never_reads_past_its_own_end(noise: bytes, cut: int) -> None:
    data = wire.bind(b"", b"s", [noise])
    with pytest.raises(PeerError):
        wire.parse_bind(data + b"\0" * 50, 5, max(5, len(data) - 1 - min(cut, len(data) - 6)))


def test_impossible_lengths_are_an_error() -> None:
    for size in (-1, 0, 3, 1 << 30):
        with pytest.raises(PeerError, match="a length of"):
            wire.Framer().feed(b"Q" + wire.INT32.pack(size) + b"x")


@pytest.mark.parametrize(
    ("tag", "rows"),
    [
        (b"SELECT 5", 5),
        (b"FETCH 0", 0),
        (b"COPY 12", 12),
        (b"INSERT 0 3", 3),
        (b"SET", None),
        (b"CREATE TABLE", None),
    ],
)
def test_rows_of_a_tag(tag: bytes, rows: int | None) -> None:
    assert wire.rows_of(tag) == rows


def test_error_fields_lose_nuls_and_empties() -> None:
    data = wire.fields_message(b"E", {"S": "ERROR", "M": "a\0b", "H": ""})
    assert wire.parse_error(data[5:]) == {"S": "ERROR", "M": "ab"}
