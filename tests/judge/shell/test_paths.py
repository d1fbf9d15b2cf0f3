"""Which paths a reader may open."""

from __future__ import annotations

import pytest

from gateway.judge.shell.paths import unopened_path


@pytest.mark.parametrize(
    "path",
    [
        "/etc/hosts",
        "a",
        "../a",
        "../../etc/hosts",
        "/dev",
        "/dev/null",
        "/dev/zero",
        "/dev/urandom",
        "/dev/stdin",
        "/dev/fd/0",
        "/dev/shm/x",
        "/proc",
        "/proc/cpuinfo",
        "/proc/1/status",
        "/proc/self/mountinfo",
        "/proc/net/tcp",
        "/proc/sys/vm/swappiness",
        "/proc/1/task/1/status",
        "/proc/*/status",
        "/proc/\x00/limits",
        "/proc/[0-9]*/cmdline",
        "/proc/1/root/etc/hosts",
        "/proc/1/cwd/log",
        "/proc/1/environ",
        "/proc/1/exe",
        "/proc/self/fd/0",
        "/sys/class/net/eth0/mtu",
        "/sys/block/*/queue/scheduler",
        "/sys/kernel/debug/tracing/trace",
        "/var/log/*",
        "/*",
        "/*/x",
        "\x00",
        "/\x00",
        "/etc/\x00",
        "/devices/x",
        "/process",
        "/sysroot/a",
    ],
)
def test_files_and_listed_parts_are_opened(path: str) -> None:
    assert unopened_path(path) is None


@pytest.mark.parametrize(
    "path",
    [
        "/dev/sda",
        "/dev/watchdog",
        "/dev/kmsg",
        "/dev/mem",
        "/dev/tty1",
        "/dev/tcp/a/80",
        "/dev/*",
        "/dev/s*",
        "/dev/\x00",
        "/d*/sda",
        "/de\x00/sda",
        "//dev/sda",
        "/./dev/sda",
        "/etc/../dev/sda",
        "/dev/../dev/sda",
        "../../dev/sda",
        "../../../proc/kcore",
        "x/../../dev/sda",
        "/proc/kcore",
        "/proc/kmsg",
        "/proc/sysrq-trigger",
        "/proc/kpagecount",
        "/proc/1/mem",
        "/proc/1/pagemap",
        "/proc/1/fd/3",
        "/proc/1/fd/*",
        "/proc/1/clear_refs",
        "/proc/1/root/dev/sda",
        "/proc/1/cwd/../dev",
        "/proc/*",
        "/proc/1/task/2/mem",
        "/proc/self/fd/5",
        "/proc/acpi2/x",
        "/sys/kernel/debug/x",
        "/sys/kernel/debug/tracing/trace_pipe",
        "/sys/kernel/tracing/trace_pipe",
        "/sys/bus/pci/devices/0/resource0",
        "/sys/bus/pci/devices/0/rom",
        "/sys/kernel/tracing/per_cpu/cpu0/trace_pipe",
    ],
)
def test_devices_and_what_acts_when_it_is_read_are_not(path: str) -> None:
    assert unopened_path(path) is not None


def test_a_relative_path_begins_in_the_working_folder() -> None:
    assert unopened_path("sda", "/dev") is not None
    assert unopened_path("../dev/sda", "/srv") is not None
    assert unopened_path("sda", "/srv") is None
