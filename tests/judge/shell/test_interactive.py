"""Which arguments ask for nothing but a shell to type into."""

from __future__ import annotations

import pytest

from gateway.judge.shell.interactive import asks_shell

DASHBOARD = (
    "TERM=xterm-256color; export TERM; [ -x /bin/bash ] && "
    '([ -x /usr/bin/script ] && /usr/bin/script -q -c "/bin/bash" /dev/null || exec /bin/bash) '
    "|| exec /bin/sh"
)


@pytest.mark.parametrize(
    "argv",
    [
        ("sh",),
        ("/bin/bash",),
        ("bash", "-l"),
        ("bash", "-il"),
        ("/bin/dash", "-i"),
        ("sh", "-c", "clear; (bash || ash || sh)"),
        ("sh", "-c", "command -v bash >/dev/null && exec bash || exec sh"),
        ("/bin/sh", "-c", "[ -x /bin/bash ] && exec /bin/bash || exec /bin/sh"),
        ("/bin/sh", "-c", "if command -v bash; then exec bash -l; else exec sh; fi"),
        ("sh", "-c", "TERM=xterm-256color; export TERM; exec bash"),
        ("sh", "-c", "zsh || bash || sh"),
    ],
)
def test_a_shell_to_type_into(argv: tuple[str, ...]) -> None:
    assert asks_shell(argv)


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("",),
        ("ls",),
        ("busybox",),
        ("busybox", "sh"),
        ("/bin/zsh", "-i"),
        ("fish",),
        ("./sh",),
        ("/tmp/sh",),
        ("/tmp/bash", "-c", "exec sh"),
        ("busybox", "ls"),
        ("bash", "-c", "ls"),
        ("bash", "-x"),
        ("bash", "script.sh"),
        ("bash", "--rcfile", "/tmp/x"),
        ("sh", "-c", "clear"),
        ("sh", "-c", ""),
        ("sh", "-c", "rm -rf /; bash"),
        ("sh", "-c", "bash script.sh"),
        ("sh", "-c", "while true; do sh; done"),
        ("sh", "-c", "$(reboot); bash"),
        ("sh", "-c", "exec"),
        ("sh", "-c", "bash", "x"),
        ("sh", "-c", "bash |"),
        ("sh", "-c", DASHBOARD),
    ],
)
def test_anything_else(argv: tuple[str, ...]) -> None:
    assert not asks_shell(argv)
