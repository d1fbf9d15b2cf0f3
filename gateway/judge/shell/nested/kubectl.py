"""kubectl and helm: what gets, describes and follows; commands in pods are judged in turn."""

from __future__ import annotations

import re
from typing import Final

from gateway.judge.shell.argument import Argument, literals
from gateway.judge.shell.commands import Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Effect, Finding, reads
from gateway.judge.shell.nested import kubectl_options as options
from gateway.judge.shell.nested.shape import Again
from gateway.judge.shell.nested.stop import stop, unless_allowed
from gateway.judge.shell.nested.table import Split, Table, single, sure
from gateway.judge.shell.nested.variables import harmless
from gateway.judge.shell.nested.verbs import Verbs, is_help, put_down

_KUBECTL: Final = Verbs(
    "kubectl", options.READS, options.WRITES, "changes the cluster or files", options.GROUPS, options.DOORS
)
# A pod's name that expands must not become an option.
_NAMED: Final = 'case "$1" in -*|"") echo "no pod of that name" >&2; exit 64 ;; esac; exec kubectl exec "$@"'
_HELM: Final = Verbs(
    "helm", options.HELM_READS, options.HELM_WRITES, "changes releases or charts", options.HELM_GROUPS
)
_RAW: Final = re.compile(r"/[A-Za-z0-9._:/-]*(\?[A-Za-z0-9._:/=&,!()-]*)?")
_CONNECTING: Final = frozenset(
    [
        "proxy",
        "exec",
        "attach",
        "portforward",
        "token",
        "eviction",
        "binding",
        "ephemeralcontainers",
        "redirect",
    ]
)


def judge_kubectl(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, again: Again) -> Finding:
    """Judge ``kubectl …``, ``oc …`` and ``k3s kubectl …``."""
    count = 2 if argv[1:2] and argv[1].text in ("kubectl", "crictl", "ctr") else 1
    if count == 2 and argv[1].text != "kubectl":
        inner = unless_allowed(again.argv(argv[1:]))
        return reads((argv[0], *inner.argv), inner.verdict.reason, profile=inner.profile, nested=(inner,))
    if count == 1 and (argv[0].text or "").rpartition("/")[2] in ("k3s", "microk8s", "minikube", "rke2"):
        raise stop("k3s", "unknown-subcommand", "Only its kubectl, crictl and ctr are known to read.")
    split = options.GLOBAL.split("kubectl", argv[count:])
    head = (*argv[:count], *options.GLOBAL.emit(split.given))
    _check_kubeconfig(split)
    if split.has("-h") or not split.operands:
        return reads(head, "kubectl only prints how it is used.")
    words = _with_group(split.operands)
    path, rest = _KUBECTL.find(words)
    head = (*head, *literals(*path.split()))
    if is_help(rest):
        return reads((*head, *rest), f"kubectl {path} --help only prints how it is used.")
    table = options.READS[path]
    taken = table.split("kubectl", rest)
    _check_kubeconfig(taken)
    if path == "exec":
        return _exec(head, table, taken, again)
    _check(path, taken)
    return reads((*head, *put_down(table, taken)), f"kubectl {path} only looks.", profile="net")


def _with_group(words: tuple[Argument, ...]) -> tuple[Argument, ...]:
    """Let ``apply view-last-applied`` and ``cluster-info dump`` be found as what they are."""
    first, second = (word.text for word in (*words[:2], *literals(""))[:2])
    if (first, second) in (("apply", "view-last-applied"), ("cluster-info", "dump")):
        return (Argument(f"{first} {second}"), *words[2:])
    return words


def _check_kubeconfig(split: Split) -> None:
    for value in split.values("--kubeconfig"):
        if not harmless("KUBECONFIG", sure("kubectl", value, "the configuration")):
            reason = "A kubeconfig may name programs to run; only those below /etc are taken."
            raise stop("kubectl", "kubeconfig", reason, Effect.RUNS_CODE)


def _check(path: str, split: Split) -> None:
    for file in split.values("-f"):
        if path != "logs" and ":" in (file.text or ""):
            raise stop("kubectl", "remote", f"kubectl {path} would fetch that file.", Effect.REACHES_OUT)
    for raw in split.values("--raw"):
        text = raw.text or ""
        if path == "get" and not (_RAW.fullmatch(text) and "//" not in text and "/.." not in text):
            raise stop("kubectl", "raw", "kubectl get --raw: the path is not one that is known to read.")
        if _CONNECTING & set(text.partition("?")[0].split("/")):
            raise stop("kubectl", "raw", "That path opens a connection into the cluster.", Effect.OPENS_DOOR)


def _exec(head: tuple[Argument, ...], table: Table, split: Split, again: Again) -> Finding:
    if split.before not in (None, 1) or not split.operands:
        raise stop("kubectl", "open-word", "kubectl exec: name one pod, then -- and the command.")
    pod, command = single("kubectl", split.operands[0]), split.operands[1:]
    if not command:
        raise stop("kubectl", "no-command", "kubectl exec: there is no command to run.")
    inner = unless_allowed(again.unguarded().argv(command))
    given = (*table.emit(split.given), *literals("--"))
    words = (*head, pod, *given)
    if pod.known_start[:1] in ("", "-"):
        if pod.text is not None or [word.text for word in head[:1]] != ["kubectl"]:
            raise stop("kubectl", "open-word", "kubectl exec: the pod must be named.")
        words = (*literals("sh", "-c", _NAMED, "sh"), pod, *head[1:-1], *given)
    return reads(
        (*words, *inner.argv),
        f"In the pod: {inner.verdict.reason}",
        effect=inner.effect,
        profile="net",
        nested=(inner,),
    )


def judge_helm(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, _again: Again) -> Finding:
    """Judge ``helm …``. Source: helm's command reference, 3 and 4."""
    split = options.HELM_GLOBAL.split("helm", argv[1:])
    head = (*argv[:1], *options.HELM_GLOBAL.emit(split.given))
    _check_kubeconfig(split)
    if split.has("-h") or not split.operands:
        return reads(head, "helm only prints how it is used.")
    path, rest = _HELM.find(split.operands)
    head = (*head, *literals(*path.split()))
    if is_help(rest):
        return reads((*head, *rest), f"helm {path} --help only prints how it is used.")
    table = options.HELM_READS[path]
    taken = table.split("helm", rest)
    _check_kubeconfig(taken)
    return reads((*head, *put_down(table, taken)), f"helm {path} only looks.", profile="net")
