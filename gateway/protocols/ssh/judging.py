"""The judge as a session asks it: by what its host is; and the line that its answer becomes there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.domain.session import Level
from gateway.domain.verdict import Decision, Layer, Verdict
from gateway.judge.shell.context import ShellContext
from gateway.protocols.ssh import upstream
from gateway.protocols.ssh.attended import around, first_of
from gateway.protocols.ssh.ending import VARIABLE
from gateway.protocols.ssh.guard.guard import Profile
from gateway.protocols.ssh.options import GuardWanted, Stateful, Sudo, options_of
from gateway.protocols.ssh.quoting import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.domain.endpoint import Endpoint
    from gateway.judge.shell.catalogue import ShellCatalogue
    from gateway.judge.shell.judgement import ShellJudgement
    from gateway.protocols.ssh.probe import Probed
    from gateway.protocols.ssh.units import ShellUnit

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
        self._login = {"USER": endpoint.username, "LOGNAME": endpoint.username}
        self._guarded = Layer.KERNEL_GUARD in probed.level.layers
        options = options_of(endpoint)
        self._required = options.guard is GuardWanted.REQUIRE
        self._mixed = self._guarded and options.sudo is Sudo.JUDGED and not self._required
        self._plain = context_of(endpoint, catalogue, probed, terminal=False)
        self._with_terminal = replace(self._plain, terminal=True)

    def judge(self, unit: ShellUnit) -> ShellJudgement:
        """Judge a line; refuse besides what its verdict alone can't answer for."""
        context = self._plain if unit.terminal is None else self._with_terminal
        if unit.folder or unit.variables:
            context = replace(context, folder=unit.folder, variables=unit.variables)
        judged = self._judge(unit.text, context)
        if judged.verdict.decision is not Decision.ALLOW:
            return judged
        if judged.uses_sudo and self._required:
            reason = "sudo can't run under the kernel guard, which is required here"
            return _refusing(judged, "shell.guard.sudo", reason)
        if len(self.line(unit, judged, "").encode()) > upstream.LONGEST_COMMAND:
            return _refusing(judged, "shell.length", "the line is too long for the host's shell once quoted")
        return judged

    def line(self, unit: ShellUnit, judged: ShellJudgement, token: str) -> str:
        """Return what the host's login shell is handed: the canonical text, guarded, in our environment.

        Args:
            unit: a line.
            judged: its verdict, which allows it.
            token: stands in the environment of all that it starts.
        """
        shell = (self._facts.bash, *BASH_OPTIONS) if judged.bash else SHELL
        guard: tuple[str, ...] = ()
        if self._guarded and not judged.uses_sudo:
            guard = self._facts.guard.argv(Profile(judged.profile))
        variables = {**self._login, VARIABLE: token}
        if unit.terminal is not None:
            variables["TERM"] = unit.terminal.kind
        text = f"{_standing(unit)}{judged.canonical}"
        if unit.mark:
            jobs = bool(guard) and self._facts.guard.wrap is not None
            guard = (*around(unit.mark, jobs=jobs), *guard)
            text = f"{first_of(unit.mark)}{text}"
        return upstream.command_line(variables, (*guard, *shell, text), path=self._facts.path)

    def sftp_server(self, token: str) -> str | None:
        """Return the line that runs the host's SFTP server, reading only and guarded; None where it has none.

        Args:
            token: stands in the environment of all that it starts.
        """
        if not self._facts.sftp:
            return None
        guard = self._facts.guard.argv(Profile.PLAIN) if self._guarded else ()
        argv = (*guard, self._facts.sftp, "-R")
        return upstream.command_line({VARIABLE: token}, argv, path=self._facts.path)

    def level(self, probed: Level) -> Level:
        """Return the level that holds for every unit: where sudo may run, that is not the guard's."""
        if not self._mixed:
            return probed
        findings = {**probed.findings, "lines under sudo": "outside of the kernel guard; each line says so"}
        return Level(probed.name, probed.layers & ~Layer.KERNEL_GUARD, findings)

    def remark(self, judged: ShellJudgement) -> str:
        """Return what the recording says of one line's guard; empty where the session's level says it all."""
        if not self._mixed or not judged.canonical:
            return ""
        return "outside of the kernel guard: sudo" if judged.uses_sudo else "under the kernel guard"

    def hidden(self, judged: ShellJudgement) -> str:
        """Return what who runs a line must know that the guard hides; empty: nothing."""
        if not self._guarded or judged.uses_sudo or not self._facts.guard.hides:
            return ""
        return f"the kernel guard of this host hides: {'; '.join(self._facts.guard.hides)}"

    @property
    def guard_required(self) -> bool:
        """Whether nothing may run outside of the kernel guard."""
        return self._required

    @property
    def home(self) -> str:
        """The login's home folder."""
        return self._facts.home


def _standing(unit: ShellUnit) -> str:
    """Return what puts a shell where a governed one stands: its folder, the status of the line before."""
    folder = f"cd -- {quoted(unit.folder)} || exit\n" if unit.folder else ""
    return f"{folder}(exit {unit.status})\n" if unit.status else folder


def _refusing(judged: ShellJudgement, rule: str, reason: str) -> ShellJudgement:
    return replace(judged, verdict=Verdict(Decision.REFUSE, rule, reason), canonical="")
