"""What a host's login shell is handed: the judged text and nothing else, whatever stands in it."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ssh_door import endpoint_for, trusting
from sshd import Sshd

from gateway.domain.endpoint import Endpoint, EndpointSettings
from gateway.domain.errors import ConfigurationBroken
from gateway.domain.session import Level
from gateway.domain.verdict import Decision, Layer, Verdict
from gateway.judge.shell.catalogue import load_shell
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.judgement import ShellJudgement
from gateway.protocols.ssh.guard.guard import Guard
from gateway.protocols.ssh.guard.offers import Offers
from gateway.protocols.ssh.judging import Judging
from gateway.protocols.ssh.options import GuardWanted, Sudo, options_of
from gateway.protocols.ssh.probe import HostFacts, Probed
from gateway.protocols.ssh.quoting import command, quoted
from gateway.protocols.ssh.units import ShellUnit
from gateway.protocols.ssh.upstream import LONGEST_COMMAND, command_line

WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)


@pytest.mark.parametrize("shell", ["sh", "bash", "dash"])
@settings(max_examples=60, deadline=None)
@given(words=st.lists(WORDS, max_size=5))
def test_quoted_words_are_exactly_those_words(shell: str, words: list[str]) -> None:
    line = "printf '%s\\0' x " + command(words)
    said = subprocess.run([shell, "-c", line], capture_output=True, check=True).stdout
    assert said.decode("utf-8", "surrogateescape").split("\0")[:-1] == ["x", *words]


def test_a_nul_is_no_word() -> None:
    with pytest.raises(ValueError, match="NUL"):
        quoted("a\0b")


@pytest.mark.parametrize("shell", ["sh", "bash", "dash"])
def test_the_environment_is_the_gateways_own(shell: str) -> None:
    line = command_line({"TERM": "xterm"}, ("/bin/sh", "-c", "tr '\\0' '\\n' < /proc/self/environ; echo $0"))
    said = subprocess.run(
        [f"/bin/{shell}", "-c", line],
        capture_output=True,
        text=True,
        check=True,
        env={"LD_PRELOAD": "", "FOO": "bar", "PATH": "/nowhere", "ENV": "/nowhere"},
    ).stdout.splitlines()
    assert "TERM=xterm" in said
    assert not [line for line in said if line.startswith(("FOO", "LD_", "ENV"))]


def probed(*, root: bool = False, bash: str = "/bin/bash", guarded: bool = True) -> Probed:
    offers = Offers("x86_64", "6.1", 3, "/usr/bin/perl", root)
    facts = HostFacts("reader", "/home/reader", "/bin/sh", bash, ("/usr/bin",), (), (), Guard(offers), "")
    return Probed(facts, Level("guard", Layer.KERNEL_GUARD if guarded else Layer(0), {}))


def endpoint(sshd_like: Endpoint, **options: str) -> Endpoint:
    return replace(sshd_like, settings=EndpointSettings(options=options))


@pytest.fixture(scope="module")
def registered(sshd: Sshd) -> Endpoint:
    return endpoint_for(sshd)[0]


def judging(
    registered: Endpoint, found: Probed, verdict: ShellJudgement | None = None, **options: str
) -> Judging:
    def judge(text: bytes, context: ShellContext) -> ShellJudgement:
        return verdict or trusting(text, context)

    return Judging(judge, load_shell(), endpoint(registered, **options), found)


def line(asked: Judging, judged: ShellJudgement) -> str:
    return asked.line(ShellUnit(b"ls"), judged, "t")


ALLOWED = ShellJudgement(Verdict(Decision.ALLOW, "test", "tests"), "'ls'")


def test_a_guarded_line_runs_under_the_guard_and_sudo_does_not(registered: Endpoint) -> None:
    asked = judging(registered, probed())
    assert "/usr/bin/perl" in line(asked, ALLOWED)
    assert "/usr/bin/perl" not in line(asked, replace(ALLOWED, uses_sudo=True))
    assert "/usr/bin/perl" not in line(judging(registered, probed(guarded=False)), ALLOWED)
    assert "'PATH=/usr/bin'" in line(asked, ALLOWED)


def test_bash_runs_what_only_bash_understands_and_reads_no_file_first(registered: Endpoint) -> None:
    asked = judging(registered, probed())
    assert "'/bin/bash' '--noprofile' '--norc' '-c'" in line(asked, replace(ALLOWED, bash=True))
    assert "'/bin/sh' '-c'" in line(asked, ALLOWED)


def test_sudo_is_refused_where_a_guard_is_required(registered: Endpoint) -> None:
    verdict = replace(ALLOWED, uses_sudo=True)
    refused = judging(registered, probed(), verdict, guard="require").judge(ShellUnit(b"sudo -n ls"))
    assert refused.verdict.decision is Decision.REFUSE
    assert refused.canonical == ""
    asked = judging(registered, probed(), verdict, guard="prefer", sudo="judged")
    assert asked.judge(ShellUnit(b"sudo -n ls")).verdict.decision is Decision.ALLOW


def test_the_record_never_claims_a_guard_that_sudo_went_around(registered: Endpoint) -> None:
    asked = judging(registered, probed(), guard="prefer", sudo="judged")
    assert Layer.KERNEL_GUARD not in asked.level(probed().level).layers
    assert asked.remark(replace(ALLOWED, uses_sudo=True)) == "outside of the kernel guard: sudo"
    assert asked.remark(ALLOWED) == "under the kernel guard"
    for options in ({"guard": "prefer"}, {"guard": "require", "sudo": "judged"}):
        asked = judging(registered, probed(), **options)
        assert Layer.KERNEL_GUARD in asked.level(probed().level).layers
        assert asked.remark(ALLOWED) == ""


def test_a_line_that_no_kernel_passes_on_is_refused(registered: Endpoint) -> None:
    asked = judging(registered, probed())
    assert asked.judge(ShellUnit(b"echo " + b"x" * 100_000)).verdict.decision is Decision.ALLOW
    refused = asked.judge(ShellUnit(b"echo " + b"'" * (LONGEST_COMMAND // 4)))
    assert refused.verdict.rule == "shell.length"


def test_options_are_read_and_wrong_ones_named(registered: Endpoint) -> None:
    found = options_of(endpoint(registered))
    assert (found.guard, found.sudo) == (GuardWanted.PREFER, Sudo.OFF)
    prod = replace(endpoint(registered), labels={"env": "prod"})
    assert options_of(prod).guard is GuardWanted.REQUIRE
    assert (
        options_of(replace(prod, settings=EndpointSettings(options={"guard": "off"}))).guard
        is GuardWanted.OFF
    )
    with pytest.raises(ConfigurationBroken, match="sudo"):
        options_of(endpoint(registered, sudo="always"))
