"""A call that asks for the version is put down as that alone."""

from __future__ import annotations

import pytest

from gateway.judge.shell.catalogue import load_shell
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.judge import judge

LINES = {
    "psql -c 'drop table x' -V": "'psql' '-V'",
    "mysql -e 'drop table x' --version": "'mysql' '--version'",
    "bash -x --version": "'bash' '--version'",
    "sudo -u root -V": "'sudo' '-V'",
    "sed -n --version": "'sed' '--version'",
    "xargs -a f --help": "'xargs' '--help'",
    "curl -o f -V": "'curl' '-V'",
    "awk -F: -V": "'awk' '-V'",
    "watch -n1 --version": "'watch' '--version'",
    "timeout -s KILL --version": "'timeout' '--version'",
    "tar xf a --version": "'tar' '--version'",
}


@pytest.fixture(scope="module")
def context() -> ShellContext:
    return ShellContext(catalogue=load_shell())


@pytest.mark.parametrize("line", LINES)
def test_only_the_option_that_asks_is_put_down(line: str, context: ShellContext) -> None:
    assert judge(line, context).canonical == LINES[line]
