"""Subcommands and options of kubectl that read. Source: kubectl's command reference, 1.18 to 1.34."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.judge.shell.finding import Effect
from gateway.judge.shell.nested.table import No, Table, table
from gateway.judge.shell.nested.verbs import words_of

GLOBAL: Final = table(
    "-n= --namespace=  --context=  --cluster=  --user=  --request-timeout=  --match-server-version  "
    "-v= --v=number",
    "--disable-compression  --tls-server-name=  --warnings-as-errors  --kubeconfig=literal  -h --help",
    "--log-flush-frequency=  --logtostderr  --stderrthreshold=  --vmodule=",
    no=(
        No("-s= --server=", "server", "asks another server", Effect.REACHES_OUT),
        No(
            "--token=  --username=  --password=  --client-certificate=  --client-key=  "
            "--certificate-authority="
            "  --insecure-skip-tls-verify",
            "credential",
            "changes how it shows who asks, or whom",
            Effect.UNKNOWN,
        ),
        No(
            "--as=  --as-group=  --as-uid=  --as-user-extra=",
            "impersonation",
            "asks as someone else",
            Effect.UNKNOWN,
        ),
        No(
            "--cache-dir=  --profile=  --profile-output=  --log-file=  --log-dir=  --log-backtrace-at="
            "  --alsologtostderr  --log-file-max-size=",
            "output",
            "writes files",
            Effect.WRITES_FILE,
        ),
        No("--kuberc=", "preferences", "reads a file that changes what commands do"),
    ),
    style="pflag",
    first=True,
)
_AS: Final = "--as=  --as-group=  --as-uid="
_PRINT: Final = (
    "-o= --output=  --template=  --allow-missing-template-keys  --show-managed-fields  --no-headers",
    "-l= --selector=  -A --all-namespaces  -f= --filename=literal  -R --recursive  --field-selector=",
    "--chunk-size=number  -w --watch  --sort-by=",
)
_KUSTOMIZE: Final = No("-k= --kustomize=", "kustomize", "may fetch and run what its files name")


def _verb(*reads: str, no: tuple[No, ...] = (_KUSTOMIZE,)) -> Table:
    permuting = table(style="pflag")
    return GLOBAL + permuting + table(*reads, no=no, style="pflag")


READS: Final[Mapping[str, Table]] = {
    "get": _verb(
        *_PRINT,
        "--ignore-not-found  -L= --label-columns=  --output-watch-events  --raw=literal  --server-print",
        "--show-kind  --show-labels  --subresource=  --watch-only  --include-uninitialized  --export",
    ),
    "describe": _verb(*_PRINT, "--show-events"),
    "logs": _verb(
        "--all-containers  --all-pods  -c= --container=  -f --follow  --ignore-errors  --limit-bytes=",
        "--max-log-requests=number  --pod-running-timeout=  --prefix  -p --previous  -l= --selector=",
        "--since=  --since-time=  --tail=number  --timestamps  --insecure-skip-tls-verify-backend",
    ),
    **dict.fromkeys(
        ("top pod", "top pods", "top po", "top node", "top nodes", "top no"),
        _verb(*_PRINT, "--containers  --sum  --use-protocol-buffers  --show-capacity  --show-swap"),
    ),
    "explain": _verb("--api-version=  -o= --output=  --recursive"),
    "api-resources": _verb(
        "--api-group=  --cached  --categories=  --namespaced  --no-headers  -o= --output=  "
        "--sort-by=  --verbs="
    ),
    "api-versions": _verb(),
    "version": _verb("--client  -o= --output=  --short"),
    "cluster-info": _verb(),
    "cluster-info dump": _verb(
        *_PRINT, "--namespaces=  --output-directory=word(-|stdout)  --pod-running-timeout="
    ),
    "auth can-i": _verb(_AS, "-A --all-namespaces  --list  --no-headers  -q --quiet  --subresource="),
    "auth whoami": _verb(_AS, *_PRINT),
    "config view": _verb(*_PRINT, "--flatten  --merge  --minify  --raw"),
    "config get-contexts": _verb("--no-headers  -o= --output="),
    **dict.fromkeys(("config current-context", "config get-clusters", "config get-users"), _verb()),
    "rollout status": _verb(*_PRINT, "--revision=number  --timeout="),
    "rollout history": _verb(*_PRINT, "--revision=number"),
    "events": _verb(*_PRINT, "--for=  --types="),
    "wait": _verb(*_PRINT, "--all  --for=  --local  --timeout="),
    "apply view-last-applied": _verb(*_PRINT, "--all"),
    "plugin list": _verb("--name-only"),
    **dict.fromkeys(("options", "help", "completion"), _verb()),
    "exec": _verb(
        "-c= --container=  -i --stdin  -t --tty  -q --quiet  --pod-running-timeout=",
        no=(No("-f= --filename=", "open-word", "names the pod in a file", Effect.UNKNOWN),),
    ),
}
WRITES: Final = words_of(
    "annotate apply auth autoscale certificate config cordon cp create debug delete drain edit expose",
    "label patch replace rollout run scale set taint uncordon alpha",
)
GROUPS: Final = words_of("auth config rollout top plugin")
DOORS: Final = words_of("attach port-forward proxy")

HELM_GLOBAL: Final = table(
    "-n= --namespace=  --kube-context=  --debug  --kubeconfig=literal  -h --help  "
    "--burst-limit=number  --qps=",
    no=(
        No("--kube-apiserver=", "server", "asks another server", Effect.REACHES_OUT),
        No(
            "--kube-token=  --kube-ca-file=  --kube-insecure-skip-tls-verify  --kube-tls-server-name=",
            "credential",
            "changes how it shows who asks, or whom",
            Effect.UNKNOWN,
        ),
        No("--kube-as-user=  --kube-as-group=", "impersonation", "asks as someone else", Effect.UNKNOWN),
        No(
            "--registry-config=  --repository-cache=  --repository-config=  --content-cache=",
            "folder",
            "works in other folders",
            Effect.UNKNOWN,
        ),
    ),
    style="pflag",
    first=True,
)


def _helm(*reads: str) -> Table:
    return HELM_GLOBAL + table(*reads, style="pflag")


HELM_READS: Final[Mapping[str, Table]] = {
    **dict.fromkeys(
        ("list", "ls"),
        _helm(
            "-a --all  -A --all-namespaces  -d --date  --deployed  --failed  -f= --filter=  -m= --max=number",
            "--no-headers  --offset=number  -o= --output=  --pending  -r --reverse  "
            "-l= --selector=  -q --short",
            "--superseded  --time-format=  --uninstalled  --uninstalling",
        ),
    ),
    "status": _helm("-o= --output=  --revision=number  --show-desc  --show-resources"),
    **dict.fromkeys(
        ("get all", "get hooks", "get manifest", "get notes", "get values", "get metadata"),
        _helm("--revision=number  --template=  -a --all  -o= --output="),
    ),
    **dict.fromkeys(("history", "hist"), _helm("--max=number  -o= --output=")),
    "version": _helm("--short  --template=  -c --client"),
    "env": _helm(),
    "search repo": _helm(
        "--devel  --max-col-width=number  -o= --output=  -r --regexp  --version=  -l --versions"
    ),
    **dict.fromkeys(("repo list", "repo ls"), _helm("-o= --output=  --no-headers")),
    **dict.fromkeys(("plugin list", "plugin ls"), _helm()),
}
HELM_WRITES: Final = words_of(
    "install upgrade uninstall delete del un rollback test repo plugin create package pull push"
)
HELM_GROUPS: Final = words_of("get search repo plugin")
