"""Which paths a reader may open: regular files, folders and the listed parts of /dev, /proc and /sys.

Opening a device or a FIFO can act: a watchdog starts, a tape rewinds, a pipe loses what is taken from it.
"""

from __future__ import annotations

import posixpath
import re
from typing import Final

from gateway.judge.shell.argument import Argument
from gateway.judge.shell.tree import Text, Wild, Word

OPEN: Final = "\x00"
"""Stands in a path for what is not known before it runs."""

_DEVICES: Final = re.compile(
    r"(null|zero|full|random|urandom|stdin|stdout|stderr|tty|fd(/[0-9]+)?|shm(/.*)?"
    r"|mqueue|hugepages|pts|disk|mapper|block|char|net|input|cpu)?"
)
_PROC = """
allocinfo apm bootconfig buddyinfo cgroups cmdline config.gz consoles cpuinfo crypto devices
diskstats dma drbd execdomains fb filesystems interrupts iomem ioports kallsyms key-users keys
latency_stats loadavg locks lockdep lockdep_stats lock_stat mdstat meminfo misc modules mounts mtrr
net pagetypeinfo partitions sched_debug schedstat self slabinfo softirqs stat swaps thread-self
timer_list uptime version version_signature vmallocinfo vmstat zoneinfo
"""
_PROCESS = """
arch_status attr auxv autogroup cgroup children cmdline comm coredump_filter cpu_resctrl_groups
cpuset cwd environ exe fd fdinfo gid_map io ksm_merging_pages ksm_stat latency limits loginuid
map_files maps mountinfo mounts mountstats net ns numa_maps oom_adj oom_score oom_score_adj
patch_state personality projid_map root sched schedstat sessionid setgroups smaps smaps_rollup stack
stat statm status syscall task timens_offsets timers timerslack_ns uid_map wchan
"""
_FOLDERS = """
acpi asound bus driver dynamic_debug fs ide irq net nv parisc pressure scsi spl sys sysvipc tty
"""
_PROC_FILES: Final = frozenset(_PROC.split())
_PROC_FOLDERS: Final = frozenset(_FOLDERS.split())
_PROCESS_FILES: Final = frozenset(_PROCESS.split())
_PROCESS_FOLDERS: Final = frozenset(("attr", "fdinfo", "net", "ns"))
_SYS_ACTING: Final = re.compile(
    r"(.*/)?(trace_pipe|trace_pipe_raw|resource[0-9]+(_wc)?|rom|snapshot_raw|free_buffer)"
    r"|kernel/debug/(?!tracing/(trace|current_tracer|available_[a-z_]+|tracing_on|set_[a-z_]+|kprobe_events|uprobe_events|events(/.*)?|README)$|tracing$|$).*"
)


def unopened(argument: Argument, folder: str = "") -> str | None:
    """Say why a path may not be opened.

    Args:
        argument: of a command.
        folder: the working folder; empty: not known.

    Returns:
        What it is, to go after the path; None where it may be opened.
    """
    return unopened_path(pattern_of(argument), folder)


def pattern_of(argument: Argument) -> str:
    """The path with :data:`OPEN` and wildcards for what isn't known."""
    if argument.text is not None:
        return argument.text
    if not isinstance(argument.word, Word):
        return argument.prefix + OPEN
    found = ""
    for part in argument.word.parts:
        if isinstance(part, Text):
            found += part.text
        else:
            found += "*" if isinstance(part, Wild) else OPEN
    return found if found.startswith(argument.prefix) else argument.prefix + OPEN


def unopened_path(path: str, folder: str = "") -> str | None:
    """Say why a path, in which wildcards may stand, may not be opened; see :func:`unopened`."""
    if not path.startswith("/"):
        if not folder:
            return _climbs(path)
        path = f"{folder}/{path}"
    whole = posixpath.normpath("/" + path.lstrip("/"))
    _, first, *rest = whole.split("/")
    if first and ("*" in first or OPEN in first):
        first = _meant(first)
    inside = "/".join(rest)
    if first == "dev":
        return None if _DEVICES.fullmatch(inside) and "*" not in inside else "is a device"
    if first == "proc":
        return _process(rest, path)
    if first == "sys":
        return "acts when it is read" if _SYS_ACTING.fullmatch(inside) else None
    return None


def _climbs(path: str) -> str | None:
    """A relative path that climbs out of an unknown folder into /dev, /proc or /sys."""
    climbed = re.match(
        r"(?:\./|[^/\x00*]*/\.\./)*(?:\.\./)+((?:dev|proc|sys)(?:/.*)?)$", posixpath.normpath(path)
    )
    return unopened_path("/" + climbed.group(1)) if climbed is not None else None


def _meant(segment: str) -> str:
    """The folder that a pattern at a path's beginning surely aims at, as ``/d*/sda`` does."""
    literal = re.split(r"[*\x00]", segment)[0]
    for each in ("dev", "proc", "sys"):
        if literal and each.startswith(literal):
            return each
    return segment


def _process(rest: list[str], path: str) -> str | None:
    if not rest:
        return None
    first, *behind = rest
    if (
        not first.isdigit()
        and first not in ("self", "thread-self")
        and OPEN not in first
        and "*" not in first
    ):
        known = first in _PROC_FILES if not behind else first in _PROC_FOLDERS
        return None if known else "is not one of the listed parts of /proc"
    if not behind:
        return None if first != "*" else "may be any part of /proc"
    return _of_process(behind, path)


def _of_process(behind: list[str], path: str) -> str | None:
    file, *inside = behind
    if file == "task" and len(inside) > 1:
        return _of_process(inside[1:], path)
    if file == "root" and inside:
        return unopened_path("/" + "/".join(inside))
    if file == "cwd" and inside:
        return "leads out of the folder" if ".." in path.split("/") else None
    if file == "fd" and inside:
        own = path.startswith(("/proc/self/", "/proc/thread-self/"))
        return None if own and inside[0] in ("0", "1", "2") else "may be a pipe that others read"
    if inside:
        return None if file in _PROCESS_FOLDERS else "is not one of the listed parts of /proc"
    if file not in _PROCESS_FILES:
        return "is not one of the listed parts of /proc"
    return None
