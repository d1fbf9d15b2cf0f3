from __future__ import annotations

import pytest
import zstandard
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st
from recordings.place import OPENED, answer, one_of_each

from gateway.domain.errors import ProofBroken
from gateway.domain.ids import SessionId
from gateway.recordings import block, frames, tail
from gateway.recordings.frames import Ended, Output, UnitFrame

KEY = bytes(range(32))
TIMES = [1_800_000_000_000_000_000 + number for number in range(12)]


def stream() -> tuple[bytes, list[object]]:
    told = [OPENED, *one_of_each(), answer(3), Ended("client", "bye", "approver")]
    return b"".join(frames.encode(frame, time) for frame, time in zip(told, TIMES, strict=False)), told


def sealed(plain: bytes, count: int, **more: object) -> block.Block:
    facts = {
        "key": KEY,
        "session": SessionId(7),
        "sequence": 3,
        "first_frame": 40,
        "previous": bytes(32),
        "final": True,
    } | more
    return block.seal(plain, TIMES[:count], **facts)


def test_frames_come_back_as_they_went_with_their_times() -> None:
    data, told = stream()
    found = list(frames.decode(data, 5))
    assert [record.frame for record in found] == told
    assert [record.number for record in found] == list(range(5, 5 + len(told)))
    assert [record.time_ns for record in found] == TIMES[: len(told)]
    assert frames.intact(data) == (len(data), TIMES[: len(told)])


def test_a_stream_cut_at_any_byte_ends_after_its_last_whole_frame() -> None:
    data, told = stream()
    ends, end = [], 0
    for frame, time in zip(told, TIMES, strict=False):
        end += len(frames.encode(frame, time))
        ends.append(end)
    for cut in range(len(data) + 1):
        whole = max([end for end in ends if end <= cut], default=0)
        assert frames.intact(data[:cut])[0] == whole
        if whole != cut:
            with pytest.raises(ProofBroken):
                list(frames.decode(data[:cut], 0))


def test_any_flipped_bit_stops_the_stream_before_it() -> None:
    data, _ = stream()
    for place in range(len(data)):
        altered = data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]
        assert frames.intact(altered)[0] <= place
        with pytest.raises(ProofBroken):
            list(frames.decode(altered, 0))


def test_zeros_behind_the_last_frame_are_no_frame() -> None:
    data, _ = stream()
    assert frames.intact(data + bytes(4096))[0] == len(data)


@given(
    st.builds(
        UnitFrame,
        number=st.integers(0, 2**63 - 1),
        origin=st.sampled_from(["client", "gateway"]),
        text=st.none() | st.binary(),
        repeats=st.none() | st.integers(1, 9),
        values=st.none() | st.lists(st.none() | st.binary(), max_size=5).map(tuple),
        decision=st.integers(0, 2),
        rule=st.text(st.characters(exclude_categories=["Cs"])),
        reason=st.text(st.characters(exclude_categories=["Cs"])),
        layers=st.integers(0, 255),
        context=st.text(st.characters(exclude_categories=["Cs"])),
    )
    | st.builds(Output, number=st.integers(0, 9), stream=st.integers(1, 2), data=st.binary())
)
def test_any_unit_and_output_survives(frame: UnitFrame | Output) -> None:
    assert [record.frame for record in frames.decode(frames.encode(frame, 1), 0)] == [frame]


def test_a_block_gives_back_its_frames() -> None:
    data, told = stream()
    made = sealed(data, len(told))
    assert block.parse(made.data) == made
    assert block.unseal(made, KEY) == data
    assert [record.frame for record in block.records(made, KEY)] == told
    assert made.header.records == f"session 7, block 3 (frames 40 to {39 + len(told)})"
    assert b"customers" not in made.data


def test_a_block_altered_anywhere_or_opened_with_another_key_is_refused() -> None:
    data, told = stream()
    made = sealed(data, len(told))
    for place in range(len(made.data)):
        altered = made.data[:place] + bytes([made.data[place] ^ 1]) + made.data[place + 1 :]
        with pytest.raises(ProofBroken):
            block.unseal(block.parse(altered), KEY)
    with pytest.raises(ProofBroken, match="key is wrong"):
        block.unseal(made, bytes(32))
    for cut in range(len(made.data)):
        with pytest.raises(ProofBroken):
            block.parse(made.data[:cut])


def test_a_block_that_lies_about_its_frames_is_refused() -> None:
    data, told = stream()
    with pytest.raises(ProofBroken, match="holds 11 frames"):
        block.records(sealed(data, len(told) - 1), KEY)


def test_a_bomb_of_a_block_does_not_unfold_past_what_its_header_says() -> None:
    small = sealed(b"x", 0).header
    packed = zstandard.ZstdCompressor().compress(bytes(50_000_000))
    header = block.BlockHeader(
        **{name: getattr(small, name) for name in small.__slots__} | {"body_bytes": len(packed) + 16}
    )
    head = header.pack()
    data = head + AESGCM(KEY).encrypt(header.nonce, packed, head)
    with pytest.raises(ProofBroken):
        block.unseal(block.parse(data), KEY)


def test_a_tail_says_what_it_takes_to_seal_it(tmp_path) -> None:
    header = tail.TailHeader(7, 2, 40, b"wrapped")
    made = tail.Tail.create(tmp_path, header)
    made.close()
    path = tmp_path / "7.2.tail"
    assert tail.parse(path.read_bytes() + b"rest") == (header, b"rest")
    assert tail.session_of(path) == 7
    data = path.read_bytes()
    for cut in range(len(data)):
        with pytest.raises(ProofBroken):
            tail.parse(data[:cut])
    with pytest.raises(FileExistsError):
        tail.Tail.create(tmp_path, header)


def test_tails_are_found_in_order_and_nothing_else_is(tmp_path) -> None:
    for name in ("10.0.tail", "9.10.tail", "9.2.tail", "lock", "x.1.tail", "9.tail.old"):
        (tmp_path / name).touch()
    assert [path.name for path in tail.found(tmp_path)] == ["9.2.tail", "9.10.tail", "10.0.tail"]
