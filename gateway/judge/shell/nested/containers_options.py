"""Subcommands and options of docker, podman, nerdctl and compose that read.

Source: docs.docker.com/reference/cli, podman's manual pages, nerdctl's command reference; docker 17.03 to 28,
podman 3 to 5, compose 1.29 to 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.judge.shell.finding import Effect
from gateway.judge.shell.nested.table import No, Table, table
from gateway.judge.shell.nested.verbs import paths_of, words_of


def _go(*reads: str, no: tuple[No, ...] = (), first: bool = False) -> Table:
    return table(*reads, no=no, style="pflag", first=first)


LIST: Final = "-f= --filter=  --format=  --no-trunc  -q --quiet"
FORMAT: Final = "-f= --format="
OUTPUT: Final = (No("-o= --output=", "output", "writes a file", Effect.WRITES_FILE),)

GLOBAL: Final = _go(
    "-H= --host=word(unix:///var/run/docker.sock|unix:///run/docker.sock)  "
    "-c= --context=word(default)  -D --debug",
    "-l= --log-level=literal  -v --version  --help",
    no=(
        No("--config=", "config", "reads a configuration that may name programs"),
        No(
            "--tls  --tlscacert=  --tlscert=  --tlskey=  --tlsverify",
            "host",
            "speaks to another engine",
            Effect.REACHES_OUT,
        ),
    ),
    first=True,
)
GLOBAL_PODMAN: Final = _go(
    "--log-level=literal  -v --version  --help  --noout",
    no=(
        No(
            "-r --remote  -c= --connection=  --url=  --identity=  --ssh=",
            "host",
            "speaks to another engine",
            Effect.REACHES_OUT,
        ),
        No(
            "--cgroup-manager=  --conmon=  --events-backend=  --hooks-dir=  --module=  --namespace="
            "  --network-cmd-path=  --network-config-dir=  --root=  --runroot=  --runtime=  --runtime-flag="
            "  --storage-driver=  --storage-opt=  --syslog  --tmpdir=  --transient-store  --volumepath=  "
            "--out=",
            "setting",
            "names programs to run or folders to work in",
        ),
    ),
    first=True,
)
GLOBAL_NERDCTL: Final = _go(
    "-n= --namespace=literal  --debug  --debug-full  -v --version  --help",
    "-a= --address= -H= --host=word(/run/containerd/containerd.sock|unix:///run/containerd/containerd.sock"
    "|/run/k3s/containerd/containerd.sock|unix:///run/k3s/containerd/containerd.sock)",
    first=True,
)

_PS: Final = _go(
    "-a --all  -f= --filter=  --format=  -n= --last=number  -l --latest  --no-trunc  -q --quiet  -s --size",
    "--external  --noheading  --ns  -p --pod  --sort=  -w= --watch=number",
    no=(No("--sync", "sync", "writes the engine's state", Effect.CHANGES_DATA),),
)
_IMAGES: Final = _go(LIST, "-a --all  --digests  --tree  --history  -n --noheading  --sort=  --names")
_LOGS: Final = _go(
    "--details  -f --follow  --since=  -n= --tail=literal  -t --timestamps  --until=  --color  "
    "-l --latest  --names"
)
_LOGS_PODMAN: Final = _go(
    "--color  -f --follow  -l --latest  -n --names  --since=  --tail=number  -t --timestamps  "
    "--until=  -c= --container="
)
_INSPECT: Final = _go(FORMAT, "-s --size  -t= --type=literal  -l --latest  --platform=  --mode=")
_STATS: Final = _go(
    "-a --all  --format=  --no-stream  --no-trunc  --no-reset  -i= --interval=number  -l --latest"
)
_EVENTS: Final = _go("-f= --filter=  --format=  --since=  --until=  --no-trunc  --stream")
_HISTORY: Final = _go("--format=  -H --human  --no-trunc  --platform=  -q --quiet")
_LISTS: Final = _go(LIST, "--cluster  --noheading  -n  -s --size")
_INSPECTS: Final = _go(FORMAT, "-v --verbose  --pretty  -a --all  --platform=")
_DF: Final = _go(FORMAT, "-v --verbose")
_BARE: Final = _go("-l --latest  -a --all  --format=")
_NOTHING: Final = _go()
EXEC: Final = _go(
    "-i --interactive  -t --tty  -u= --user=literal  -w= --workdir=literal  -e= --env=literal  -l --latest",
    "--detach-keys=literal",
    no=(
        No("-d --detach", "detach", "leaves the command running", Effect.UNKNOWN),
        No(
            "--privileged  --preserve-fds=  --preserve-fd=",
            "privileged",
            "gives it more than the container has",
            Effect.UNKNOWN,
        ),
        No("--env-file=", "variable", "sets variables that nobody sees here", Effect.UNKNOWN),
    ),
    first=True,
)
TOP: Final = _go("-l --latest", first=True)
COPY: Final = _go("-a --archive  -L --follow-link  -q --quiet")
EXPORT: Final = _go(
    "--platform=  --format=word(docker-archive|oci-archive)  -q --quiet  -m --multi-image-archive", no=OUTPUT
)

_CONTAINER: Final = ("", "container")
READS: Final[Mapping[str, Table]] = {
    **dict.fromkeys(("ps", "container ls", "container ps", "container list"), _PS),
    **dict.fromkeys(("images", "image ls", "image list"), _IMAGES),
    **dict.fromkeys(paths_of(_CONTAINER, ["logs"]), _LOGS),
    **dict.fromkeys(("inspect", "container inspect", "image inspect"), _INSPECT),
    **dict.fromkeys(paths_of(_CONTAINER, ["stats"]), _STATS),
    **dict.fromkeys(paths_of(_CONTAINER, ["top"]), TOP),
    **dict.fromkeys(paths_of(_CONTAINER, ["exec"]), EXEC),
    **dict.fromkeys(paths_of(_CONTAINER, ["cp"]), COPY),
    **dict.fromkeys(("export", "container export", "save", "image save"), EXPORT),
    **dict.fromkeys(paths_of(_CONTAINER, ["diff", "port", "wait"]), _BARE),
    **dict.fromkeys(("events", "system events"), _EVENTS),
    **dict.fromkeys(("history", "image history"), _HISTORY),
    **dict.fromkeys(("info", "system info", "version"), _go(FORMAT, "-D --debug")),
    "system df": _DF,
    **dict.fromkeys(
        paths_of(
            ["network", "volume", "service", "node", "stack", "config", "secret", "plugin", "context"],
            ["ls", "list"],
        ),
        _LISTS,
    ),
    **dict.fromkeys(
        paths_of(
            ["network", "volume", "service", "node", "config", "secret", "plugin", "context"], ["inspect"]
        ),
        _INSPECTS,
    ),
    **dict.fromkeys(("service ps", "node ps", "stack ps"), _go(LIST, "--no-resolve")),
    "stack services": _go(LIST),
    "service logs": _go(
        "--details  -f --follow  --no-resolve  --no-task-ids  --no-trunc  --raw  --since=  "
        "-n= --tail=  -t --timestamps"
    ),
    **dict.fromkeys(("context show", "help"), _NOTHING),
    "checkpoint ls": _go("--checkpoint-dir=path"),
    "builder du": _go("--verbose  --filter="),
    **dict.fromkeys(
        ("buildx ls", "buildx version", "buildx du"), _go("--filter=  --verbose  --format=  --no-trunc")
    ),
}
READS_PODMAN: Final[Mapping[str, Table]] = {
    **READS,
    **dict.fromkeys(("logs", "container logs", "pod logs"), _LOGS_PODMAN),
    **dict.fromkeys(
        ("pod ps", "pod ls", "pod list"),
        _go(LIST, "--ctr-ids  --ctr-names  --ctr-status  -l --latest  --noheading  --ns  --sort="),
    ),
    "pod inspect": _go(FORMAT, "-l --latest"),
    "pod top": TOP,
    "pod stats": _STATS,
    "image tree": _go("--whatrequires"),
    **dict.fromkeys(
        paths_of(["container", "image", "pod", "volume", "network", "secret"], ["exists"]), _go("--external")
    ),
    **dict.fromkeys(("system connection ls", "system connection list"), _go(FORMAT, "-q --quiet")),
    **dict.fromkeys(
        ("generate kube", "kube generate"),
        _go(
            "-s --service  -t= --type=literal  -r= --replicas=number",
            no=(No("-f= --filename=", "output", "writes a file", Effect.WRITES_FILE),),
        ),
    ),
    "generate systemd": _go(
        "-n --name  --new  --no-header  --format=  --after=  --wants=  --requires=  --separator=  "
        "--restart-policy=",
        no=(No("-f --files", "output", "writes files", Effect.WRITES_FILE),),
    ),
}
WRITES: Final = words_of(
    "auto-update build builder buildx checkpoint clone commit compose config container create",
    "generate healthcheck image import init kill kube load login logout machine manifest mount network node",
    "pause plugin pod pull push rename restart rm rmi run secret service stack start stop swarm system tag",
    "trust unmount unpause umount untag update volume namespace ipfs apparmor",
)
GROUPS: Final = words_of(
    "container image network volume system service node stack config secret plugin context checkpoint",
    "builder buildx pod generate kube swarm manifest trust machine namespace",
) | {"system connection"}

DOORS: Final = words_of("attach search unshare") | {"manifest inspect", "trust inspect", "machine ssh"}

COMPOSE: Final = _go(
    "-f= --file=literal  -p= --project-name=  --profile=  --env-file=path  --project-directory=path  --ansi=",
    "--compatibility  --no-ansi  --verbose  --parallel=number  --progress=  -v --version  "
    "--all-resources  -h --help",
    no=(
        No(
            "-H= --host=  -c= --context=  --tls  --tlsverify  --tlscacert=  --tlscert=  --tlskey=",
            "host",
            "speaks to another engine",
            Effect.REACHES_OUT,
        ),
    ),
    first=True,
)
_SERVICES: Final = "-q --quiet  --format=literal  --filter="
COMPOSE_READS: Final[Mapping[str, Table]] = {
    "ps": _go(_SERVICES, "-a --all  --services  --status=  --no-trunc  --orphans"),
    "logs": _go(
        "-f --follow  --no-color  --no-log-prefix  --since=  -n= --tail=literal  -t --timestamps  "
        "--until=  --index=number"
    ),
    **dict.fromkeys(
        ("config", "convert"),
        _go(
            _SERVICES,
            "--services  --volumes  --images  --profiles  --hash=  --no-interpolate  --no-normalize  "
            "--no-consistency",
            "--no-path-resolution  --environment  --networks  --models  --variables  --no-env-resolution",
            no=(
                *OUTPUT,
                No(
                    "--resolve-image-digests  --lock-image-digests",
                    "registry",
                    "asks registries",
                    Effect.REACHES_OUT,
                ),
            ),
        ),
    ),
    "ls": _go(_SERVICES, "-a --all"),
    "images": _go(_SERVICES),
    "top": _NOTHING,
    "stats": _go("-a --all  --format=  --no-stream  --no-trunc"),
    "port": _go("--protocol=  --index=number"),
    "events": _go("--json  --since=  --until="),
    "version": _go("--short  -f= --format="),
    "volumes": _go(_SERVICES),
    "exec": _go(
        "-T --no-TTY --no-tty  -i --interactive  -t --tty  -u= --user=literal  "
        "-w= --workdir=literal  -e= --env=literal  --index=number",
        no=(
            No("-d --detach", "detach", "leaves the command running", Effect.UNKNOWN),
            No("--privileged", "privileged", "gives it more than the container has", Effect.UNKNOWN),
        ),
        first=True,
    ),
}
COMPOSE_WRITES: Final = words_of(
    "alpha attach bridge build commit cp create down export kill pause publish pull push restart rm run",
    "scale start stop unpause up wait watch bundle",
)
