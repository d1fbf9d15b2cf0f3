"""What a refused line would have done to the host, as the change flow takes it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.host import (
    ByHand,
    CopyOf,
    HostWrite,
    Known,
    Linked,
    ModeSet,
    Patched,
    Printed,
    Removed,
    Stanza,
    Written,
)
from gateway.domain.verdict import Decision
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.judge import judge, judge_argv


@pytest.mark.parametrize(
    ("line", "title", "writes"),
    [
        (
            "sed -i 's/a/b/' /etc/nginx/nginx.conf",
            "sed -i s/a/b/ nginx.conf",
            [Written("/etc/nginx/nginx.conf", Printed("'sed' 's/a/b/' '/etc/nginx/nginx.conf'"))],
        ),
        (
            "sudo sed -i.bak -E -e s/a/b/ -e s/c/d/ /etc/f",
            "sed -i.bak -E -e s/a/b/ -e s/c/d/ f",
            [
                Written("/etc/f.bak", CopyOf("/etc/f")),
                Written("/etc/f", Printed("'sed' '-E' '-e' 's/a/b/' '-e' 's/c/d/' '/etc/f'")),
            ],
        ),
        ("sed -ni p /etc/f", "sed -ni p f", [Written("/etc/f", Printed("'sed' '-n' 'p' '/etc/f'"))]),
        ("echo hi > /etc/motd", "write motd", [Written("/etc/motd", Known(b"hi\n"))]),
        ("echo -n hi >> /etc/motd", "write motd", [Written("/etc/motd", Known(b"hi"), appended=True)]),
        ("printf '%s\\n' a b > /etc/f", "write f", [Written("/etc/f", Known(b"a\nb\n"))]),
        ("> /var/log/big.log", "write big.log", [Written("/var/log/big.log", Known(b""))]),
        ("sort /etc/a > /etc/b", "write b", [Written("/etc/b", Printed("'sort' '/etc/a'"))]),
        ("cat a | sort > /b", "write b", [Written("/b", Printed("'cat' 'a' | 'sort'"))]),
        ("cat > /etc/motd <<E\na\nb\nE", "write motd", [Written("/etc/motd", Known(b"a\nb\n"))]),
        (
            "echo x | sudo tee -a /etc/hosts",
            "tee -a hosts",
            [Written("/etc/hosts", Known(b"x\n"), appended=True)],
        ),
        ("date | tee /a /b", "tee a b", [Written("/a", Printed("'date'")), Written("/b", Printed("'date'"))]),
        ("tee /a <<< x", "tee a", [Written("/a", Known(b"x\n"))]),
        ("tee /a", "tee a", [Written("/a", Printed("'cat'"))]),
        ("sudo tee -a /a >/dev/null", "tee -a a", [Written("/a", Printed("'cat'"), appended=True)]),
        ("echo x | sudo tee /a > /dev/null", "tee a", [Written("/a", Known(b"x\n"))]),
        ("cat | tee /a >/dev/null 2>&1", "tee a", [Written("/a", Printed("'cat'"))]),
        ("echo x > /a 2>/dev/null", "write a", [Written("/a", Known(b"x\n"))]),
        ("sort /a 2>/dev/null > /b", "write b", [Written("/b", Printed("'sort' '/a'"))]),
        ("rm -f /a 2> /dev/null", "rm -f a", [Removed("/a")]),
        ("echo x > /dev/null > /a", "write a", [ByHand("echo x > /dev/null > /a")]),
        ("f=/etc/x; echo a > $f", "write x", [Written("/etc/x", Known(b"a\n"))]),
        ("cd /etc && rm a b", "rm a b", [Removed("/etc/a"), Removed("/etc/b")]),
        ("cp /a /b/", "cp a ", [Written("/b/a", CopyOf("/a"))]),
        ("mv /a /b", "mv a b", [Written("/b", CopyOf("/a")), Removed("/a")]),
        ("install -m 640 /a /b", "install -m 640 a b", [Written("/b", CopyOf("/a"), mode=0o640)]),
        ("chmod u+x,g-w /a", "chmod u+x,g-w a", [ModeSet("/a", "u+x,g-w")]),
        ("ln -s /etc/a /etc/b", "ln -s a b", [Linked("/etc/b", "/etc/a")]),
        ("cd /etc && ln -sv ../x b/", "ln -sv ../x b/", [Linked("/etc/b/x", "../x")]),
        ("ln -sf /a /b", "ln -sf a b", [ByHand("ln -sf /a /b")]),
        ("ln /a /b", "ln a b", [ByHand("ln /a /b")]),
        ("patch /a < /d", "patch a", [Patched(CopyOf("/d"), "/home/engineer", "/a")]),
        ("cd /srv && patch -p1 -i d", "patch -p1 -i d", [Patched(CopyOf("/srv/d"), "/srv", "", 1)]),
        ("cat /d | patch -d /srv -p0", "patch -d srv -p0", [Patched(Printed("'cat' '/d'"), "/srv", "", 0)]),
        ("patch /a", "patch a", [Patched(Printed("'cat'"), "/home/engineer", "/a")]),
        ("patch -R /a", "patch -R a", [ByHand("patch -R /a")]),
        ("truncate -s 0 /a", "truncate -s 0 a", [Written("/a", Known(b""))]),
        ("touch a", "touch a", [Written("/home/engineer/a", Known(b""), appended=True)]),
        (
            "systemctl restart nginx",
            "systemctl restart nginx",
            [Stanza("service", "systemctl", "restart", ("nginx",))],
        ),
        ("service nginx stop", "service nginx stop", [Stanza("service", "service", "stop", ("nginx",))]),
        (
            "sudo apt-get install -y a b",
            "apt-get install -y a b",
            [Stanza("package", "apt-get", "install", ("a", "b"))],
        ),
        ("useradd -m bob", "useradd -m bob", [Stanza("account", "useradd", "useradd", ("bob",))]),
        ("sysctl -w a=1", "sysctl -w a=1", [Stanza("settings", "sysctl", "sysctl", ("a=1",))]),
        ("docker restart web", "docker restart web", [Stanza("container", "docker", "restart", ("web",))]),
        (
            "kubectl scale deploy web",
            "kubectl scale deploy web",
            [Stanza("manifest", "kubectl", "scale", ("deploy", "web"))],
        ),
    ],
)
def test_a_change_is_taken_apart(
    line: str, title: str, writes: list[HostWrite], context: ShellContext
) -> None:
    judged = judge(line, context)
    assert judged.verdict.decision is Decision.CHANGE
    assert list(judged.writes) == writes
    assert judged.title.strip() == title.strip()


@pytest.mark.parametrize(
    "line",
    [
        "rm -rf /x",
        "for i in 1 2; do rm $i; done",
        "sed -i s/a/b/ $(ls)",
        "cp -r a b",
        "chmod -R 755 a",
        "echo a > $(date)",
        "patch -p1 -R < x",
        "ls > /dev/sda",
        "echo 1 > /proc/sys/vm/x",
        "if true; then rm a; fi",
        "mkdir d",
        "dd of=f",
        "ls 2> err > out",
        "rm *",
        "cat f | xargs rm",
        "echo a > f; rm -r b",
    ],
)
def test_what_is_not_understood_is_left_to_a_person(line: str, context: ShellContext) -> None:
    judged = judge(line, context)
    assert judged.verdict.decision is Decision.CHANGE
    assert judged.writes == (ByHand(line),)


def test_a_relative_path_is_only_taken_where_its_folder_is_known(context: ShellContext) -> None:
    assert judge("rm a", replace(context, folder="/srv")).writes == (Removed("/srv/a"),)
    assert judge("rm a", replace(context, home="")).writes == (ByHand("rm a"),)


def test_an_editor_says_which_file_was_meant(context: ShellContext) -> None:
    judged = judge("sudo vim +10 /etc/hosts", context)
    assert judged.verdict.decision is Decision.REFUSE
    assert judged.writes == (Written("/etc/hosts", None),)


def test_other_refusals_write_nothing(context: ShellContext) -> None:
    assert judge("frobnicate > f", context).writes == ()


def test_a_change_in_a_container_is_named_by_its_arguments(context: ShellContext) -> None:
    judged = judge_argv(("rm", "/etc/a b"), context)
    assert judged.writes == (Removed("/etc/a b"),)
    assert judged.title == "rm a b"
