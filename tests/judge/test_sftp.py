"""Verdicts on SFTP operations, and the text that they are judged from on the command line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.verdict import Decision
from gateway.judge.sftp import CHANGES, FLAGS, READS, TWO_PATHS, SftpOperation, judge, read_operation


@pytest.mark.parametrize(
    ("text", "decision"),
    [
        ('open "/etc/hosts" read', Decision.ALLOW),
        ('open "/etc/hosts" read,write', Decision.CHANGE),
        ('open "/etc/hosts" read,trunc', Decision.CHANGE),
        ('open "/etc/hosts" read,creat', Decision.CHANGE),
        ('open "/etc/hosts" read,excl', Decision.CHANGE),
        ('open "/etc/hosts" append', Decision.CHANGE),
        ('open "/etc/hosts" write,creat,trunc', Decision.CHANGE),
        ('open "/etc/hosts"', Decision.REFUSE),
        ('open "/etc/hosts" exec', Decision.REFUSE),
        ('open "/etc/hosts" read,read', Decision.REFUSE),
        ('open "/etc/hosts" "/b" read', Decision.REFUSE),
        ('open "/a\\x00b" read', Decision.REFUSE),
        ('open "/a\\qb" read', Decision.REFUSE),
        ('open "" read', Decision.REFUSE),
        (f'open "/{"a" * 5000}" read', Decision.REFUSE),
        ('OPEN "/etc/hosts" read', Decision.REFUSE),
        ('open "/dev/watchdog" read', Decision.REFUSE),
        ('open "/../dev//sda" read', Decision.REFUSE),
        ('open "../../../proc/1/mem" read', Decision.REFUSE),
        ('open "/proc/meminfo" read', Decision.ALLOW),
        ('opendir "/"', Decision.ALLOW),
        ('stat "relative/../path"', Decision.ALLOW),
        ('lstat "/a b"', Decision.ALLOW),
        ('realpath "."', Decision.ALLOW),
        ('readlink "/etc/localtime"', Decision.ALLOW),
        ('stat "/a" read', Decision.REFUSE),
        ('stat "/a" "/b"', Decision.REFUSE),
        ('remove "/a"', Decision.CHANGE),
        ('rmdir "/a"', Decision.CHANGE),
        ('mkdir "/a"', Decision.CHANGE),
        ('setstat "/a"', Decision.CHANGE),
        ('rename "/a" "/b"', Decision.CHANGE),
        ('symlink "/a" "/b"', Decision.CHANGE),
        ('link "/a" "/b"', Decision.CHANGE),
        ('rename "/a"', Decision.REFUSE),
        ('stat "/a" trailing words', Decision.REFUSE),
        ('stat "/a"\nremove "/b"', Decision.REFUSE),
        ("", Decision.REFUSE),
        ("launch-missiles", Decision.REFUSE),
    ],
)
def test_verdicts(text: str, decision: Decision) -> None:
    verdict = judge(read_operation(text))
    assert verdict.decision is decision, verdict
    assert verdict.rule.startswith("sftp.")


PATHS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=40)


@given(
    st.sampled_from(sorted(READS | CHANGES.keys() | {"open"})), PATHS, PATHS, st.sets(st.sampled_from(FLAGS))
)
def test_an_operation_is_read_from_its_own_text(name: str, one: str, two: str, flags: set[str]) -> None:
    paths = (one, two) if name in TWO_PATHS else (one,)
    operation = SftpOperation(name, paths, frozenset(flags))
    assert read_operation(operation.text) == operation
    assert "\n" not in operation.text


@given(st.text(max_size=80))
def test_any_text_has_a_verdict_and_only_known_reads_pass(text: str) -> None:
    operation = read_operation(text)
    if judge(operation).decision is Decision.ALLOW:
        assert operation is not None
        assert operation.name in READS or operation.flags == {"read"}


def test_a_path_that_is_no_utf8_keeps_its_bytes() -> None:
    operation = read_operation('stat "/a\\xff\\377"')
    assert operation is not None
    assert operation.paths[0].encode("utf-8", "surrogateescape") == b"/a\xff\xff"


@pytest.mark.parametrize(
    ("operation", "title"),
    [
        (SftpOperation("open", ("/etc/nginx/new.conf",), frozenset({"write", "creat"})), "upload new.conf"),
        (SftpOperation("rename", ("/a/b", "/c/d/")), "rename b d"),
        (SftpOperation("remove", ("/a/b\nc",)), "remove b\\x0ac"),
    ],
)
def test_a_title_names_files_without_their_folders(operation: SftpOperation, title: str) -> None:
    assert operation.title == title
