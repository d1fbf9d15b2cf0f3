"""crictl and ctr: what looks at containers below docker and Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from gateway.judge.shell.argument import Argument, literals
from gateway.judge.shell.commands import Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Effect, Finding, reads
from gateway.judge.shell.nested.shape import Again
from gateway.judge.shell.nested.stop import stop, unless_allowed
from gateway.judge.shell.nested.table import No, Table, single, table
from gateway.judge.shell.nested.verbs import Verbs, is_help, words_of

_SOCKET: Final = (
    "word(unix:///run/containerd/containerd.sock|unix:///var/run/containerd/containerd.sock"
    "|unix:///run/k3s/containerd/containerd.sock|unix:///var/run/crio/crio.sock|unix:///run/crio/crio.sock"
    "|/run/containerd/containerd.sock|/run/k3s/containerd/containerd.sock|unix:///var/run/cri-dockerd.sock)"
)
CRICTL: Final = table(
    f"-r={_SOCKET} -runtime-endpoint={_SOCKET}  -i={_SOCKET} -image-endpoint={_SOCKET}",
    "-t=literal -timeout=literal",
    "-D -debug  -h -help  -v -version  -enable-tracing=?",
    no=(No("-c= -config=", "config", "reads a configuration", Effect.UNKNOWN),),
    style="single",
    first=True,
)
CTR: Final = table(
    f"-a={_SOCKET} -address={_SOCKET}  -n=literal -namespace=literal",
    "-timeout=literal  -connect-timeout=literal  -debug  -h -help  -v -version",
    style="single",
    first=True,
)


def _verb(*reads_: str) -> Table:
    return table("-h -help", *reads_, style="single", first=True)


_PRINT: Final = "-o=literal -output=literal  -q -quiet  -no-trunc  -template=literal  -v -verbose"
_CRICTL_READS: Final[Mapping[str, Table]] = {
    "ps": _verb(
        _PRINT,
        "-a -all  -id=literal  -image=literal  -label=literal  -l -latest  -n=number -last=number  "
        "-name=literal  -p=literal -pod=literal  -r -resolve-image-path  -s=literal -state=literal  "
        "-namespace=literal",
    ),
    "pods": _verb(
        _PRINT,
        "-id=literal  -label=literal  -l -latest  -n=number -last=number  -name=literal  "
        "-namespace=literal  -s=literal -state=literal",
    ),
    **dict.fromkeys(("images", "image", "img"), _verb(_PRINT, "-digests  -pinned  -filter=literal")),
    **dict.fromkeys(
        ("inspect", "inspecti", "inspectp"), _verb(_PRINT, "-id=literal  -name=literal  -l -latest")
    ),
    "logs": _verb(
        "-f -follow  -limit-bytes=number  -p -previous  -since=literal  -tail=number  -t -timestamps"
    ),
    **dict.fromkeys(
        ("stats", "statsp", "metricsp"),
        _verb(
            _PRINT,
            "-a -all  -id=literal  -label=literal  -name=literal  -s=number -seconds=number  -w -watch",
        ),
    ),
    **dict.fromkeys(("info", "version", "imagefsinfo", "runtime-config", "events"), _verb(_PRINT)),
    "exec": _verb("-i -interactive  -t -tty  -s -sync  -it -ti  -timeout=literal"),
}
_CTR_READS: Final[Mapping[str, Table]] = {
    **dict.fromkeys(
        (
            f"{group} {verb}"
            for group in (
                "containers",
                "container",
                "c",
                "images",
                "image",
                "i",
                "tasks",
                "task",
                "t",
                "namespaces",
                "namespace",
                "ns",
                "snapshots",
                "snapshot",
                "content",
                "plugins",
                "plugin",
                "leases",
            )
            for verb in ("ls", "list")
        ),
        _verb("-q -quiet  -d -detailed"),
    ),
    **dict.fromkeys(("containers info", "container info", "c info"), _verb("-spec")),
    **dict.fromkeys(
        ("tasks ps", "task ps", "t ps", "tasks metrics", "task metrics", "t metrics"),
        _verb("-format=literal"),
    ),
    **dict.fromkeys(("snapshots info", "snapshots usage", "snapshots tree"), _verb("-b")),
    **dict.fromkeys(("version", "events", "info"), _verb()),
}
_CRICTL: Final = Verbs(
    "crictl",
    _CRICTL_READS,
    words_of(
        "run runp create start stop stopp rm rmp rmi pull update checkpoint config update-runtime-config"
    ),
    "changes containers or images",
)
_CTR: Final = Verbs(
    "ctr",
    _CTR_READS,
    words_of(
        "run install containers container c images image i tasks task t namespaces namespace ns snapshots",
        "snapshot content leases oci",
    ),
    "changes containers or images",
    words_of(
        "containers container c images image i tasks task t namespaces namespace ns snapshots snapshot",
        "content plugins plugin leases",
    ),
)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@-]*")


def judge_runtime(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, again: Again) -> Finding:
    """Judge ``crictl …`` and ``ctr …``. Source: the command references of cri-tools and containerd."""
    name = (argv[0].text or "").rpartition("/")[2]
    options, verbs = (CTR, _CTR) if name == "ctr" else (CRICTL, _CRICTL)
    split = options.split(name, argv[1:])
    head = (*argv[:1], *options.emit(split.given))
    if not split.operands or split.has("-h") or split.has("-v"):
        return reads(head, f"{name} only prints something about itself.")
    path, rest = verbs.find(split.operands)
    head = (*head, *literals(*path.split()))
    if is_help(rest):
        return reads((*head, *rest), f"{name} {path} --help only prints how it is used.")
    taken = verbs.reads[path].split(name, _unbundled(verbs.reads[path], rest))
    head = (*head, *verbs.reads[path].emit(taken.given))
    if path == "exec":
        return _exec(name, head, taken.operands, again)
    for word in taken.operands:
        if word.known_start[:1] in ("", "-"):
            raise stop(name, "open-word", f"{name}: the name must be written out.")
    return reads((*head, *taken.operands), f"{name} {path} only looks.", profile="engine")


def _unbundled(options: Table, words: tuple[Argument, ...]) -> tuple[Argument, ...]:
    """Write a bundle of short flags (``-aq``) as flags."""
    made: list[Argument] = []
    for place, word in enumerate(words):
        text = word.text or ""
        if not text.startswith("-") or text == "--":
            return (*made, *words[place:])
        flags = [options.by_name.get(f"-{letter}") for letter in text[1:]]
        if text not in options.by_name and all(
            each is not None and each.takes == "nothing" for each in flags
        ):
            made += literals(*(f"-{letter}" for letter in text[1:]))
        else:
            made.append(word)
    return tuple(made)


def _exec(name: str, head: tuple[Argument, ...], words: tuple[Argument, ...], again: Again) -> Finding:
    if len(words) < 2:
        raise stop(name, "no-command", f"{name} exec: there is no command to run.")
    container = single(name, words[0])
    if container.text is None or not _NAME.fullmatch(container.text):
        raise stop(name, "open-word", f"{name} exec: the container must be named.")
    inner = unless_allowed(again.unguarded().argv(words[1:]))
    return reads(
        (*head, container, *inner.argv),
        f"In the container: {inner.verdict.reason}",
        effect=inner.effect,
        profile="engine",
        nested=(inner,),
    )
