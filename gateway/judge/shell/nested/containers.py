"""docker, podman, nerdctl and compose: what looks; commands in containers are judged in turn."""

from __future__ import annotations

from typing import Final

from gateway.judge.shell.argument import Argument, literals
from gateway.judge.shell.commands import Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Effect, Finding, reads
from gateway.judge.shell.nested import containers_options as options
from gateway.judge.shell.nested.shape import Again
from gateway.judge.shell.nested.stop import stop, unless_allowed
from gateway.judge.shell.nested.table import Split, Table, single, sure
from gateway.judge.shell.nested.variables import is_assignment, let_be_set
from gateway.judge.shell.nested.verbs import Verbs, is_help, put_down

_WHAT: Final = "changes containers, images or the engine"
_GLOBALS: Final = {"podman": options.GLOBAL_PODMAN, "nerdctl": options.GLOBAL_NERDCTL}
_READS: Final = {"podman": options.READS_PODMAN}
_COMPOSE: Final = Verbs("docker compose", options.COMPOSE_READS, options.COMPOSE_WRITES, _WHAT)


def judge_containers(
    argv: tuple[Argument, ...], _form: Form, _context: ShellContext, again: Again
) -> Finding:
    """Judge ``docker …``, ``podman …`` and ``nerdctl …``."""
    name = (argv[0].text or "").rpartition("/")[2]
    if name in ("docker-compose", "podman-compose"):
        return _compose(argv[:1], argv[1:], again)
    options_ = _GLOBALS.get(name, options.GLOBAL)
    split = options_.split(name, argv[1:])
    head = (*argv[:1], *options_.emit(split.given))
    if split.has("--version") or split.has("--help") or not split.operands:
        return reads(head, f"{name} only prints something about itself.")
    if split.operands[0].text == "compose":
        return _compose((*head, split.operands[0]), split.operands[1:], again)
    verbs = Verbs(name, _READS.get(name, options.READS), options.WRITES, _WHAT, options.GROUPS, options.DOORS)
    path, rest = verbs.find(split.operands)
    head = (*head, *literals(*path.split()))
    if is_help(rest):
        return reads((*head, *rest), f"{name} {path} --help only prints how it is used.")
    table = verbs.reads[path]
    return _verb(head, path, table, table.split(f"{name} {path}", rest), again)


def _verb(head: tuple[Argument, ...], path: str, table: Table, split: Split, again: Again) -> Finding:
    name, verb = head[0].text or "", path.rpartition(" ")[2]
    if verb == "exec":
        return _exec(head, table, split, again)
    if verb == "top":
        return _top(head, table, split, again)
    if verb == "cp":
        return _copied_out(head, table, split)
    return reads((*head, *put_down(table, split)), f"{name} {path} only looks.", profile="engine")


def _program(head: tuple[Argument, ...]) -> str:
    return (head[0].text or "").rpartition("/")[2]


def _exec(head: tuple[Argument, ...], table: Table, split: Split, again: Again) -> Finding:
    for variable in split.values("-e"):
        if not is_assignment(variable):
            raise stop(_program(head), "variable", "exec -e takes over a variable that nobody sees here.")
        let_be_set(_program(head), variable)
    operands = split.operands
    container = () if split.has("-l") else tuple(single(_program(head), each) for each in operands[:1])
    command = operands[len(container) :]
    if not command:
        raise stop(
            _program(head), "no-command", "There is no command to run in the container.", Effect.UNKNOWN
        )
    inner = unless_allowed(again.unguarded().argv(command))
    ends = () if container and container[0].known_start[:1] not in ("", "-") else literals("--")
    return reads(
        (*head, *table.emit(split.given), *ends, *container, *inner.argv),
        f"In the container: {inner.verdict.reason}",
        effect=inner.effect,
        profile="engine",
        nested=(inner,),
    )


def _top(head: tuple[Argument, ...], table: Table, split: Split, again: Again) -> Finding:
    operands = split.operands
    operands = tuple(single(_program(head), each) for each in operands)
    behind = operands if split.has("-l") else operands[1:]
    for word in behind:
        sure(_program(head), word, "what is shown")
    if behind and head[0].text != "podman":
        # The engine runs ps with them, on the host.
        unless_allowed(again.unguarded().argv((Argument("ps"), *behind)))
    if operands and operands[0].known_start[:1] in ("", "-"):
        raise stop(_program(head), "open-word", "The container must be named.")
    return reads((*head, *table.emit(split.given), *operands), "It only shows processes.", profile="engine")


def _copied_out(head: tuple[Argument, ...], table: Table, split: Split) -> Finding:
    if len(split.operands) != 2:
        raise stop(_program(head), "operands", "cp takes a source and a target.", Effect.WRITES_FILE)
    source, target = split.operands
    if (
        target.text != "-"
        or ":" not in source.known_start
        or source.known_start.startswith("-")
        or source.many
    ):
        raise stop(
            _program(head),
            "write",
            "cp writes a file; with - as the target it gives out a tar file.",
            Effect.WRITES_FILE,
        )
    return reads(
        (*head, *table.emit(split.given), source, target), "It gives out a tar file.", profile="engine"
    )


def _compose(head: tuple[Argument, ...], words: tuple[Argument, ...], again: Again) -> Finding:
    split = options.COMPOSE.split("docker compose", words)
    for file in split.values("-f"):
        if ":" in (file.text or ""):
            raise stop("docker", "remote", "compose would fetch that file.", Effect.REACHES_OUT)
    head = (*head, *options.COMPOSE.emit(split.given))
    if split.has("--version") or split.has("--help") or not split.operands:
        return reads(head, "compose only prints something about itself.")
    verb, rest = _COMPOSE.find(split.operands)
    head = (*head, *literals(verb))
    if is_help(rest):
        return reads((*head, *rest), f"compose {verb} --help only prints how it is used.")
    table = options.COMPOSE_READS[verb]
    taken = table.split(f"compose {verb}", rest)
    if verb == "exec":
        return _exec(head, table, taken, again)
    return reads((*head, *put_down(table, taken)), f"compose {verb} only looks.", profile="engine")
