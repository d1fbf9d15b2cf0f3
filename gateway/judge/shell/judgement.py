"""What a command line comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.domain.host import HostWrite
from gateway.domain.verdict import Verdict
from gateway.judge.shell.finding import Finding


@dataclass(frozen=True, slots=True)
class ShellJudgement:
    """What a command line comes to.

    Attributes:
        verdict: the worst of everything in it.
        canonical: the text to hand to the shell; empty unless allowed.
        findings: of its commands and redirections, in order.
        argv: the rebuilt arguments where a single argv was judged; empty unless allowed.
        profile: the kernel-guard profile that lets all of its commands do their work.
        uses_sudo: whether something in it runs under sudo, outside the guard.
        bash: whether only bash understands the canonical text.
        title: what it would do, in a few words, where it is no read.
        writes: what it would do to the host, where it is a change.
        folder: where a governed shell stands after it; None: where it stood; empty: that is not known.
        variables: what a governed shell holds after it, beside what it held.
        forgotten: variables whose values after it are not known.
    """

    verdict: Verdict
    canonical: str = ""
    findings: tuple[Finding, ...] = ()
    argv: tuple[str, ...] = ()
    profile: str = "plain"
    uses_sudo: bool = False
    bash: bool = False
    title: str = ""
    writes: tuple[HostWrite, ...] = ()
    folder: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    forgotten: tuple[str, ...] = ()
