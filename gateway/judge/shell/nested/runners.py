"""Commands that run another one with other time limits, priorities, buffers or processors."""

from __future__ import annotations

import re
from typing import Final

from gateway.judge.shell.argument import Argument, literals
from gateway.judge.shell.commands import Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Effect, Finding, reads
from gateway.judge.shell.nested.about import about
from gateway.judge.shell.nested.shape import Again
from gateway.judge.shell.nested.stop import stop, unless_allowed
from gateway.judge.shell.nested.table import No, sure, table

TIME: Final = table(
    "-p --portability  -v --verbose  -q --quiet  -f= --format=literal  -V --version  --help",
    no=(No("-o= --output=  -a --append", "output", "writes a file", Effect.WRITES_FILE),),
    first=True,
)
TIMEOUT: Final = table(
    "-p --preserve-status  -f --foreground  -k= --kill-after=number  -s= --signal=literal  -v --verbose",
    "-t=number  --help  --version",
    first=True,
)
NICE: Final = table("-n= --adjustment=number  --help  --version", first=True)
IONICE: Final = table(
    "-c= --class=literal  -n= --classdata=number  -t --ignore  -p= --pid=  -P= --pgid=  -u= --uid=",
    "-h --help  -V --version",
    first=True,
)
STDBUF: Final = table(
    "-i= --input=literal  -o= --output=literal  -e= --error=literal  --help  --version", first=True
)
CHRT: Final = table(
    "-b --batch  -d --deadline  -f --fifo  -i --idle  -o --other  -r --rr  -e --ext  -R --reset-on-fork",
    "-T= --sched-runtime=number  -P= --sched-period=number  -D= --sched-deadline=number",
    "-a --all-tasks  -m --max  -p --pid  -v --verbose  -h --help  -V --version",
    first=True,
)
TASKSET: Final = table("-a --all-tasks  -p --pid  -c --cpu-list  -h --help  -V --version", first=True)
SETSID: Final = table("-c --ctty  -f --fork  -w --wait  -h --help  -V --version", first=True)
NOHUP: Final = table("--help  --version", first=True)

_ABOUT: Final = ("--help", "--version")
_DURATION: Final = re.compile(r"(\d+(\.\d*)?|\.\d+)[smhd]?")
_MASK: Final = re.compile(r"(0x)?[0-9a-fA-F,]+|[0-9,:-]+")
_PROCESS: Final = re.compile(r"[0-9]+")
_OLD_NICE: Final = re.compile(r"-(-?[0-9]+|\+[0-9]+)")


def judge_time(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, again: Again) -> Finding:
    """Judge ``time … command``. Source: time(1) of GNU and busybox, bash's ``time``."""
    split = TIME.split("time", argv[1:])
    if (told := about(TIME, argv[0], split, *_ABOUT, "-V")) is not None:
        return told
    return _running(argv[0], TIME.emit(split.given), split.operands, again)


def judge_timeout(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, again: Again) -> Finding:
    """Judge ``timeout … duration command``. Source: timeout(1) of coreutils and busybox."""
    split = TIMEOUT.split("timeout", argv[1:])
    if (told := about(TIMEOUT, argv[0], split, *_ABOUT)) is not None:
        return told
    options, operands = TIMEOUT.emit(split.given), split.operands
    if not split.has("-t"):
        if not operands or not _DURATION.fullmatch(sure("timeout", operands[0], "the duration")):
            raise stop("timeout", "duration", "timeout: the duration is not one.")
        options, operands = (*options, operands[0]), operands[1:]
    return _running(argv[0], options, operands, again)


def judge_nice(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, again: Again) -> Finding:
    """Judge ``nice … command``. Source: nice(1) of coreutils, with its old ``-5``."""
    words = argv[1:]
    if words and words[0].text is not None and (old := _OLD_NICE.fullmatch(words[0].text)):
        words = (*literals("-n", old[1]), *words[1:])
    split = NICE.split("nice", words)
    if (told := about(NICE, argv[0], split, *_ABOUT)) is not None:
        return told
    if not split.operands and not split.given:
        return reads(argv[:1], "nice only prints the niceness.")
    return _running(argv[0], NICE.emit(split.given), split.operands, again)


def judge_ionice(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, again: Again) -> Finding:
    """Judge ``ionice … command`` and ``ionice -p``. Source: ionice(1) of util-linux."""
    split = IONICE.split("ionice", argv[1:])
    if (told := about(IONICE, argv[0], split, *_ABOUT, "-h", "-V")) is not None:
        return told
    options = IONICE.emit(split.given)
    if not any(split.has(name) for name in ("-p", "-P", "-u")):
        return (
            reads(argv[:1], "ionice only prints the priority.")
            if len(argv) == 1
            else _running(argv[0], options, split.operands, again)
        )
    if split.has("-c") or split.has("-n"):
        reason = "ionice changes the priority of running processes."
        raise stop("ionice", "priority", reason, Effect.CHANGES_SYSTEM)
    for process in split.operands:
        if not _PROCESS.fullmatch(sure("ionice", process, "the process")):
            raise stop("ionice", "process", "ionice: not the number of a process.")
    return reads((*argv[:1], *options, *split.operands), "ionice only prints priorities.")


def judge_stdbuf(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, again: Again) -> Finding:
    """Judge ``stdbuf … command``. Source: stdbuf(1) of coreutils."""
    split = STDBUF.split("stdbuf", argv[1:])
    if (told := about(STDBUF, argv[0], split, *_ABOUT)) is not None:
        return told
    return _running(argv[0], STDBUF.emit(split.given), split.operands, again)


def judge_chrt(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, again: Again) -> Finding:
    """Judge ``chrt``: what a process has, and a command under a policy. Source: chrt(1) of util-linux."""
    split = CHRT.split("chrt", argv[1:])
    if (told := about(CHRT, argv[0], split, *_ABOUT, "-h", "-V", "-m")) is not None:
        return told
    options, operands = CHRT.emit(split.given), split.operands
    if split.has("-p"):
        return _looked_up("chrt", (*argv[:1], *options), operands, "a policy")
    if not operands or not _PROCESS.fullmatch(sure("chrt", operands[0], "the priority")):
        raise stop("chrt", "priority", "chrt: the priority is not a number.")
    return _running(argv[0], (*options, operands[0]), operands[1:], again)


def judge_taskset(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, again: Again) -> Finding:
    """Judge ``taskset``: what a process has, and a command on some processors. Source: taskset(1)."""
    split = TASKSET.split("taskset", argv[1:])
    if (told := about(TASKSET, argv[0], split, *_ABOUT, "-h", "-V")) is not None:
        return told
    options, operands = TASKSET.emit(split.given), split.operands
    if split.has("-p"):
        return _looked_up("taskset", (*argv[:1], *options), operands, "the processors")
    if not operands or not _MASK.fullmatch(sure("taskset", operands[0], "the mask")):
        raise stop("taskset", "mask", "taskset: the mask is not one.")
    return _running(argv[0], (*options, operands[0]), operands[1:], again)


def judge_detached(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, again: Again) -> Finding:
    """Judge ``nohup command`` and ``setsid command``: the command itself is run instead.

    nohup may write a file of its own, and a read that outlives its session is of use to nobody.

    Source: nohup(1) of coreutils, setsid(1) of util-linux.
    """
    name = (argv[0].text or "").rpartition("/")[2]
    options = SETSID if name == "setsid" else NOHUP
    split = options.split(name, argv[1:])
    if (told := about(options, argv[0], split, *_ABOUT, "-h", "-V")) is not None:
        return told
    return _running(None, (), split.operands, again)


def _looked_up(
    command: str, head: tuple[Argument, ...], operands: tuple[Argument, ...], what: str
) -> Finding:
    if len(operands) > 1:
        raise stop(
            command, "process", f"{command} changes {what} of a running process.", Effect.CHANGES_SYSTEM
        )
    if not operands or operands[0].many or (operands[0].text or operands[0].prefix or "-")[0] == "-":
        raise stop(command, "process", f"{command}: which process is meant is not known; quote it.")
    return reads((*head, *operands), f"{command} only prints {what} of a process.")


def _running(
    name: Argument | None, options: tuple[Argument, ...], words: tuple[Argument, ...], again: Again
) -> Finding:
    if not words:
        raise stop("run", "no-command", "There is no command to run.")
    inner = unless_allowed(again.argv(words))
    head = () if name is None else (name, *options)
    return reads(
        (*head, *inner.argv),
        inner.verdict.reason,
        effect=inner.effect,
        profile=inner.profile,
        nested=(inner,),
    )
