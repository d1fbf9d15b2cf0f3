"""The judge as a session asks it: by what its host is; and the line that its answer becomes there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.domain.verdict import Decision, Layer, Verdict
from gateway.judge.shell.context import ShellContext
from gateway.protocols.ssh import upstream
from gateway.protocols.ssh.ending import VARIABLE
from gateway.protocols.ssh.guard.guard import Profile
from gateway.protocols.ssh.options import GuardWanted, Stateful, Sudo, options_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.domain.endpoint import Endpoint
    from gateway.judge.shell.catalogue import ShellCatalogue
    from gateway.judge.shell.judgement import ShellJudgement
    from gateway.protocols.ssh.probe import Probed
    from gateway.protocols.ssh.units import Terminal

SHELL = ("/bin/sh", "-c")
BASH_OPTIONS = ("--noprofile", "--norc", "-c")
"""bash reads no file of anybody's first, not even where it takes its input for a network connection."""


def context_of(
    endpoint: Endpoint, catalogue: ShellCatalogue, probed: Probed, *, terminal: bool
) -> ShellContext:
    """Return what the verdict on a line depends on.

    Args:
        endpoint: whose options and lists hold.
        catalogue: of commands.
        probed: what the host is.
        terminal: whether the line runs with one.
    """
    options = options_of(endpoint)
    return ShellContext(
        catalogue=catalogue,
        shell="bash" if probed.facts.bash else "sh",
        guarded=Layer.KERNEL_GUARD in probed.level.layers,
        sudo=options.sudo is Sudo.JUDGED,
        stateful=options.stateful is Stateful.ALLOW,
        terminal=terminal,
        home=probed.facts.home,
        lists=endpoint.settings.lists,
    )


class Judging:
    """Judges the lines of one session, and makes of each what the host's login shell is handed.

    Args:
        judge: of command lines.
        catalogue: of commands, in force when the session began.
        endpoint: whose options and lists hold.
        probed: what the host is.
    """

    def __init__(
        self,
        judge: Callable[[bytes, ShellContext], ShellJudgement],
        catalogue: ShellCatalogue,
        endpoint: Endpoint,
        probed: Probed,
    ) -> None:
        self._judge = judge
        self._facts = probed.facts
        self._guarded = Layer.KERNEL_GUARD in probed.level.layers
        self._required = options_of(endpoint).guard is GuardWanted.REQUIRE
        self._plain = context_of(endpoint, catalogue, probed, terminal=False)
        self._with_terminal = replace(self._plain, terminal=True)

    def judge(self, text: bytes, terminal: Terminal | None) -> ShellJudgement:
        """Judge a line; refuse besides what its verdict alone can't answer for."""
        judged = self._judge(text, self._plain if terminal is None else self._with_terminal)
        if judged.verdict.decision is not Decision.ALLOW:
            return judged
        if judged.uses_sudo and self._required:
            reason = "sudo can't run under the kernel guard, which is required here"
            return _refusing(judged, "shell.guard.sudo", reason)
        if len(self.line(judged, terminal, "").encode()) > upstream.LONGEST_COMMAND:
            return _refusing(judged, "shell.length", "the line is too long for the host's shell once quoted")
        return judged

    def line(self, judged: ShellJudgement, terminal: Terminal | None, token: str) -> str:
        """Return what the host's login shell is handed: the canonical text, guarded, in our environment.

        Args:
            judged: an allowed line.
            terminal: it runs with.
            token: stands in the environment of all that it starts.
        """
        shell = (self._facts.bash, *BASH_OPTIONS) if judged.bash else SHELL
        guard: tuple[str, ...] = ()
        if self._guarded and not judged.uses_sudo:
            guard = self._facts.guard.argv(Profile(judged.profile))
        variables = {VARIABLE: token}
        if terminal is not None:
            variables["TERM"] = terminal.kind
        return upstream.command_line(variables, (*guard, *shell, judged.canonical), path=self._facts.path)


def _refusing(judged: ShellJudgement, rule: str, reason: str) -> ShellJudgement:
    return replace(judged, verdict=Verdict(Decision.REFUSE, rule, reason), canonical="")
