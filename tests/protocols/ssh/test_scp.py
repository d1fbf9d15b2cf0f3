"""The receiving side of scp's old protocol, cut at every byte."""

from __future__ import annotations

import pytest

from gateway.domain.host import Known, Written
from gateway.protocols.ssh.production import MOST_FILE
from gateway.protocols.ssh.scp import LONGEST_LINE, MOST_FILES, Sink, Target

INTO = Target("/srv", folder=True)


def fed(sink: Sink, data: bytes, step: int = 1) -> bytes:
    return b"".join(sink.feed(data[at : at + step]) for at in range(0, len(data), step))


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_a_tree_comes_whole_however_it_is_cut(step: int) -> None:
    sent = (
        b"T1 0 1 0\nD0755 0 site\nC0644 5 a.conf\nhello\0"
        b"D0700 0 in\nC0755 0 empty\n\0E\nC0600 3 b\n\nx\n\0E\n"
    )
    sink = Sink(INTO)
    answers = fed(sink, sent, step)
    assert set(answers) == {0}
    assert len(answers) == 11
    assert sink.files == [
        Written("/srv/site/a.conf", Known(b"hello"), mode=0o644),
        Written("/srv/site/in/empty", Known(b""), mode=0o755),
        Written("/srv/site/b", Known(b"\nx\n"), mode=0o600),
    ]


def test_a_file_takes_the_targets_name_where_that_is_no_folder() -> None:
    sink = Sink(Target("/srv/new.conf", folder=False))
    fed(sink, b"C0644 1 old.conf\nx\0")
    assert sink.files == [Written("/srv/new.conf", Known(b"x"), mode=0o644)]


def test_what_the_client_could_not_read_is_left_out() -> None:
    sink = Sink(INTO)
    assert fed(sink, b"\1scp: no such file\nC0644 2 a\nx\0\1read error\nC0644 1 b\ny\0").count(b"\0") == 4
    assert [each.path for each in sink.files] == ["/srv/b"]


def test_bounds_leave_files_out_and_say_so() -> None:
    sink = Sink(INTO)
    answer = sink.feed(b"C0644 %d large\n" % (MOST_FILE + 1))
    assert answer.startswith(b"\1")
    assert b"4 MB" in answer
    assert sink.files == [Written("/srv/large", None, mode=0o644)]
    for number in range(MOST_FILES - 1):
        assert sink.feed(b"C0644 1 f%d\nx\0" % number) == b"\0\0"
    assert sink.feed(b"C0644 1 more\n").startswith(b"\1")
    assert len(sink.files) == MOST_FILES


@pytest.mark.parametrize(
    "sent",
    [
        b"C0644 1 ..\n",
        b"C0644 1 .\n",
        b"C0644 1 a/b\n",
        b"C0644 1 a\0b\n",
        b"C0644 1 \xff\n",
        b"C644 1 a\n",
        b"C0644 -1 a\n",
        b"D0755 0 ../x\n",
        b"E\n",
        b"X\n",
        b"\n",
        b"C" * LONGEST_LINE,
        b"D0755 0 d\n" * 65,
    ],
)
def test_what_it_can_t_mean_ends_it(sent: bytes) -> None:
    sink = Sink(INTO)
    assert b"\2glassgate" in fed(sink, sent, 100)
    assert sink.over()
    assert sink.feed(b"C0644 1 a\nx\0") == b""
    assert sink.files == []
