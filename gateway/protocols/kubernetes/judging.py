"""The judge as a session asks it: by what is known of its cluster; lines of the governed shell, too."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.domain.http import Request
from gateway.domain.unit import Origin
from gateway.domain.verdict import Decision
from gateway.judge.http.targets import rebuilt_path, rebuilt_query
from gateway.judge.kubernetes.context import KubernetesContext
from gateway.judge.kubernetes.judgement import KubernetesAction
from gateway.judge.shell.context import ShellContext
from gateway.protocols.kubernetes.units import LineUnit

if TYPE_CHECKING:
    from gateway.domain.endpoint import Endpoint
    from gateway.judge.kubernetes.judgement import KubernetesJudgement
    from gateway.protocols.kubernetes.parts import Parts
    from gateway.protocols.kubernetes.probe import Cluster
    from gateway.protocols.kubernetes.units import KubernetesUnit

BASH: Final = ("bash", "/bin/bash", "/usr/bin/bash")
MOST_KEPT: Final = 64
"""Verdicts that a session keeps."""
BASH_OPTIONS: Final = ("--noprofile", "--norc")


def context_of(parts: Parts, endpoint: Endpoint, cluster: Cluster, *, dry_runs: bool) -> KubernetesContext:
    """Return what the verdict on a request depends on.

    Args:
        parts: holds the catalogues.
        endpoint: whose lists hold.
        cluster: what is known of it.
        dry_runs: whether the gateway has an identity there for these.
    """
    shell = ShellContext(  # noqa: S604 - names the shell that judged lines are written for
        catalogue=parts.shells.catalogue,
        shell="sh",
        guarded=False,
        sudo=False,
        lists=endpoint.settings.lists,
    )
    return KubernetesContext(
        catalogue=parts.catalogue, shell=shell, dry_runs=dry_runs, customs=cluster.customs
    )


class Judging:
    """Judges the units of one session.

    Args:
        parts: holds the judges.
        context: what their verdicts depend on.
        secrets: whether the session's grant includes the values of Secrets: the client is shown them, the
            gateway's own reads are not.
    """

    def __init__(self, parts: Parts, context: KubernetesContext, *, secrets: bool) -> None:
        self._judge = parts.judge
        self._judge_line = parts.judge_line
        self._context = context
        self._clients = replace(context, secrets=secrets)
        self._kept: dict[Request, KubernetesJudgement] = {}

    @property
    def commands(self) -> tuple[str, ...]:
        """Names of the commands that are known."""
        return tuple(self._context.shell.catalogue.by_name)

    def judge(self, unit: KubernetesUnit) -> KubernetesJudgement:
        """Judge a request or a line."""
        if isinstance(unit, LineUnit):
            return self._line(unit)
        request = unit.request
        if unit.origin is not Origin.CLIENT:
            return self._judge(request, self._context)
        if request.body is not None:
            return self._judge(request, self._clients)
        kept = self._kept.get(request)
        if kept is None:  # clients poll: the same request comes again and again
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[request] = kept = self._judge(request, self._clients)
        return kept

    def _line(self, unit: LineUnit) -> KubernetesJudgement:
        """Judge a line; where it is allowed, it is an exec of its own."""
        bash = unit.shell.command[:1] != () and unit.shell.command[0] in BASH
        context = replace(
            self._context.shell,
            shell="bash" if bash else "sh",
            terminal=unit.terminal,
            folder=unit.folder,
            variables=unit.variables,
        )
        judged = self._judge_line(unit.text, context)
        request = None
        if judged.verdict.decision is Decision.ALLOW and judged.canonical:
            request = _exec(unit, judged.canonical)
        return replace(
            unit.shell,
            verdict=judged.verdict,
            request=request,
            action=KubernetesAction.EXEC,
            shell=judged,
            command=(),
            tty=unit.terminal,
            title=judged.title,
            writes=(),
        )


def _exec(unit: LineUnit, canonical: str) -> Request:
    """Return the request that runs a judged line where the governed shell stands."""
    asked = unit.shell
    shell = asked.command[0]
    options = BASH_OPTIONS if shell in BASH else ()
    words = (shell, *options, "-c", f"{_standing(unit)}{canonical}")
    terminal = str(unit.terminal).lower()
    pairs = [
        *(("command", word) for word in words),
        *([("container", asked.container)] if asked.container else []),
        ("stdin", terminal),
        ("stdout", "true"),
        ("stderr", "false" if unit.terminal else "true"),  # a terminal has one stream
        ("tty", terminal),
    ]
    path = rebuilt_path(("api", "v1", "namespaces", asked.namespace, "pods", asked.name, "exec"))
    return Request("GET", path + rebuilt_query(pairs))


def _standing(unit: LineUnit) -> str:
    """Return what puts a shell where the governed one stands: its folder, the status of the line before.

    And its terminal's size: a kubelet learns of that only once the command runs, too late for one like ls.
    """
    size = "export COLUMNS={} LINES={}\n".format(*unit.size) if unit.size else ""
    folder = f"cd -- {shlex.quote(unit.folder)} || exit\n" if unit.folder else ""
    return f"{size}{folder}(exit {unit.status})\n" if unit.status else f"{size}{folder}"
