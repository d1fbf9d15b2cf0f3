"""Frames of two streams in one: taken apart wherever they are cut; what is none is raw."""

from __future__ import annotations

from gateway.protocols.docker.frames import STDERR, STDOUT, Unframed, frame

OUTPUT = frame(STDOUT, b"one\n") + frame(STDERR, b"two\n") + frame(STDOUT, b"") + frame(STDOUT, b"three\n")


def whole(pieces: list[bytes]) -> tuple[bytes, bytes]:
    frames, streams = Unframed(), {STDOUT: b"", STDERR: b""}
    for piece in pieces:
        for stream, data in frames.feed(piece):
            streams[stream] += data
    return streams[STDOUT], streams[STDERR]


def test_frames_are_taken_apart_wherever_they_are_cut() -> None:
    for at in range(len(OUTPUT) + 1):
        assert whole([OUTPUT[:at], OUTPUT[at:]]) == (b"one\nthree\n", b"two\n")
    assert whole([OUTPUT[at : at + 1] for at in range(len(OUTPUT))]) == (b"one\nthree\n", b"two\n")


def test_what_is_no_frame_is_raw_output() -> None:
    assert whole([b"tot", b"al 16\n"]) == (b"total 16\n", b"")
    frames = Unframed()
    assert frames.raw is None
    frames.feed(b"total 16\n")
    assert frames.raw is True


def test_output_that_stops_being_framed_is_kept_all_the_same() -> None:
    assert whole([frame(STDOUT, b"a"), b"\x09broken"]) == (b"a\x09broken", b"")


def test_other_streams_count_as_the_two() -> None:
    assert whole([frame(0, b"typed"), frame(3, b"broken")]) == (b"typed", b"broken")
