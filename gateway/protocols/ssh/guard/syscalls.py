"""What the seccomp filter does with each system call, by name, and their numbers by machine.

Numbers: Linux ``arch/x86/entry/syscalls/syscall_64.tbl`` and ``include/uapi/asm-generic/unistd.h`` (aarch64).
Calls younger than :data:`CEILING` don't exist inside: they answer ENOSYS, as on an older kernel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

CEILING: Final = 450
"""``set_mempolicy_home_node``, the youngest call that was looked at."""

EPERM: Final = 1
EROFS: Final = 30
ENOTTY: Final = 25
ENOSYS: Final = 38


@dataclass(frozen=True, slots=True)
class Machine:
    """A processor architecture.

    Attributes:
        audit: its AUDIT_ARCH value, which the filter checks first.
        numbers: of the calls named in this file; calls that it lacks are absent.
    """

    audit: int
    numbers: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Deny:
    """The call fails.

    Attributes:
        errno: with which error.
    """

    errno: int = EPERM


@dataclass(frozen=True, slots=True)
class DenyBits:
    """The call fails where an argument has one of the bits.

    Attributes:
        argument: number of the argument, 0 to 5.
        mask: bits of its lower 32.
        errno: with which error.
    """

    argument: int
    mask: int
    errno: int = EPERM


@dataclass(frozen=True, slots=True)
class AllowValues:
    """The call fails unless an argument has one of the values.

    Attributes:
        argument: number of the argument, 0 to 5.
        values: lower 32 bits that pass.
        errno: with which error.
    """

    argument: int
    values: tuple[int, ...]
    errno: int = EPERM


@dataclass(frozen=True, slots=True)
class DenyValue:
    """The call fails where an argument, under a mask, has a value.

    Attributes:
        argument: number of the argument, 0 to 5.
        mask: bits of its lower 32 that are looked at.
        value: what they must not be.
        errno: with which error.
    """

    argument: int
    mask: int
    value: int
    errno: int = EPERM


@dataclass(frozen=True, slots=True)
class DenyValues:
    """The call fails where an argument has one of the values.

    Attributes:
        argument: number of the argument, 0 to 5.
        values: lower 32 bits that don't pass.
        errno: with which error.
    """

    argument: int
    values: tuple[int, ...]
    errno: int = EPERM


@dataclass(frozen=True, slots=True)
class Both:
    """The call passes where both say so.

    Attributes:
        first: asked first.
        second: asked where the first lets it pass.
    """

    first: Action
    second: Action


Action: TypeAlias = Deny | DenyBits | AllowValues | DenyValue | DenyValues | Both

NEW_NAMESPACES: Final = 0x7E020000
IPC_CREAT: Final = 0o1000
SHM_RDONLY: Final = 0o10000
AF_UNIX: Final = 1
O_CREAT: Final = 0o100
O_ACCMODE: Final = 0o3
O_TRUNC: Final = 0o1000
WRITING: Final = 0o1 | 0o2 | O_CREAT | O_TRUNC | 0o2000 | 0o20000000
"""O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND, the bit of O_TMPFILE that is its own (x86_64, aarch64)."""

_TERMINAL_IOCTLS: Final = (
    *(
        number
        for number in range(0x5401, 0x5460)
        if number not in (0x5412, 0x541C, 0x541D, 0x5423)  # TIOCSTI, TIOCLINUX, TIOCCONS, TIOCSETD
    ),
    *(0x80045430, 0x80045432, 0x80045438, 0x80045439, 0x80045440),  # TIOCGPTN, GDEV, GPKT, GPTLCK, GEXCL
)
_READING_IOCTLS: Final = (
    *(0x80086601, 0x80087601, 0x801C581F),  # FS_IOC_GETFLAGS, GETVERSION, FSGETXATTR
    *(0xC020660B, 0x2, 0x1),  # FIEMAP, FIGETBSZ, FIBMAP
    *(
        0x80081272,
        0x1260,
        0x1268,
        0x127B,
        0x125E,
        0x301,
    ),  # BLKGETSIZE64, SIZE, SSZGET, PBSZGET, ROGET, HDIO_GETGEO
)
_INTERFACE_IOCTLS: Final = (
    *(0x8910, 0x8912, 0x8913, 0x8915, 0x8917, 0x8919, 0x891B, 0x891D, 0x8921, 0x8927, 0x8933),
    *(0x8938, 0x8942, 0x8946, 0x8947, 0x8970, 0x8B01, 0x8B1B),  # the kernel asks for CAP_NET_ADMIN to set
)

ALWAYS: Final[Mapping[str, Action]] = {
    # permissions, owners, times, attributes: Landlock doesn't see them
    **dict.fromkeys(("chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat"), Deny()),
    **dict.fromkeys(("utime", "utimes", "utimensat", "futimesat"), Deny()),
    **dict.fromkeys(("setxattr", "lsetxattr", "fsetxattr"), Deny()),
    **dict.fromkeys(("removexattr", "lremovexattr", "fremovexattr"), Deny()),
    **dict.fromkeys(("truncate", "creat"), Deny(EROFS)),
    "ioctl": AllowValues(1, (*_TERMINAL_IOCTLS, *_READING_IOCTLS, *_INTERFACE_IOCTLS), ENOTTY),
    # ways around the filter itself
    **dict.fromkeys(("openat2", "clone3"), Deny(ENOSYS)),
    **dict.fromkeys(("io_uring_setup", "io_uring_enter", "io_uring_register"), Deny(ENOSYS)),
    **dict.fromkeys(("open_by_handle_at", "ptrace", "process_vm_readv", "process_vm_writev"), Deny()),
    **dict.fromkeys(("pidfd_getfd", "process_madvise", "process_mrelease", "userfaultfd"), Deny()),
    **dict.fromkeys(("bpf", "perf_event_open", "memfd_secret"), Deny()),
    # mounts and namespaces
    **dict.fromkeys(("mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree"), Deny()),
    **dict.fromkeys(("fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr"), Deny()),
    **dict.fromkeys(("unshare", "setns"), Deny()),
    "clone": DenyBits(0, NEW_NAMESPACES),
    # the system as a whole
    **dict.fromkeys(
        ("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load"), Deny()
    ),
    **dict.fromkeys(("reboot", "swapon", "swapoff", "acct", "quotactl", "quotactl_fd"), Deny()),
    **dict.fromkeys(("sethostname", "setdomainname", "settimeofday", "clock_settime"), Deny()),
    **dict.fromkeys(("adjtimex", "clock_adjtime", "iopl", "ioperm", "vhangup"), Deny()),
    **dict.fromkeys(("fanotify_init", "nfsservctl", "uselib", "_sysctl", "modify_ldt"), Deny()),
    "syslog": AllowValues(0, (3, 9, 10)),  # READ_ALL, SIZE_UNREAD, SIZE_BUFFER; the others consume or set
    # keys, priorities and limits of others
    **dict.fromkeys(("keyctl", "add_key", "request_key"), Deny()),
    **dict.fromkeys(("migrate_pages", "move_pages"), Deny()),
    "setpriority": Both(AllowValues(0, (0,)), AllowValues(1, (0,))),  # of a process: of this one
    "ioprio_set": Both(AllowValues(0, (1,)), AllowValues(1, (0,))),  # as well, by another number
    "fcntl": DenyValues(1, (8, 10, 15, 1024, 1026)),  # SETOWN, SETSIG, SETOWN_EX: signals; SETLEASE, NOTIFY
    **dict.fromkeys(("sched_setscheduler", "sched_setparam", "sched_setattr"), AllowValues(0, (0,))),
    **dict.fromkeys(("sched_setaffinity", "prlimit64"), AllowValues(0, (0,))),
    # System V and POSIX queues, semaphores, shared memory: looking is left
    **dict.fromkeys(("shmget", "semget"), DenyBits(2, IPC_CREAT)),
    "msgget": DenyBits(1, IPC_CREAT),
    "shmat": DenyValue(2, SHM_RDONLY, 0),
    "shmctl": AllowValues(1, (2, 3, 13, 14, 15)),  # STAT, INFO, STAT (SHM), INFO (SHM), STAT_ANY
    "semctl": AllowValues(2, (2, 3, 11, 12, 13, 14, 15, 18, 19, 20)),
    "msgctl": AllowValues(1, (2, 3, 11, 12, 13)),
    **dict.fromkeys(("semop", "semtimedop", "msgsnd", "msgrcv", "mq_unlink"), Deny()),
    **dict.fromkeys(("mq_timedsend", "mq_timedreceive"), Deny()),
    "mq_open": DenyBits(1, O_CREAT),
    # of a pair, a datagram socket (and a raw one, which is one) sends to any unix socket that there is
    "socketpair": Both(AllowValues(0, (AF_UNIX,)), DenyValue(1, 0xE, 2)),
}
"""In every profile."""

UNPAIRED: Final[Mapping[str, Action]] = {"socketpair": Deny()}
"""Where Landlock doesn't keep files and nothing else of unix sockets is open: binding one makes a file."""

SIGNALS: Final[Mapping[str, Action]] = dict.fromkeys(
    ("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal"), Deny()
)
"""Where Landlock can't keep signals inside (before its ABI 6)."""

FILES: Final[Mapping[str, Action]] = {
    "open": DenyBits(1, WRITING, EROFS),
    "openat": DenyBits(2, WRITING, EROFS),
    **dict.fromkeys(("mknod", "mknodat", "link", "linkat", "symlink", "symlinkat"), Deny(EROFS)),
    **dict.fromkeys(("rename", "renameat", "renameat2", "unlink", "unlinkat"), Deny(EROFS)),
    **dict.fromkeys(("mkdir", "mkdirat", "rmdir"), Deny(EROFS)),
}
"""Where Landlock doesn't keep files: nothing is opened for writing at all."""

EMPTYING: Final[Mapping[str, Action]] = {
    "open": DenyValue(1, O_ACCMODE | O_TRUNC, O_TRUNC, EROFS),
    "openat": DenyValue(2, O_ACCMODE | O_TRUNC, O_TRUNC, EROFS),
}
"""Where Landlock doesn't see truncation (before its ABI 3): opening for reading must not empty a file."""

_NUMBERS: Final = """
_sysctl 156 - · acct 163 89 · add_key 248 217 · adjtimex 159 171 · bpf 321 280 · chmod 90 -
chown 92 - · chroot 161 51 · clock_adjtime 305 266 · clock_settime 227 112 · clone 56 220
clone3 435 435 · creat 85 - · delete_module 176 106 · fanotify_init 300 262 · fchmod 91 52
fchmodat 268 53 · fcntl 72 25 · fchown 93 55 · fchownat 260 54 · finit_module 313 273 · fremovexattr 199 16
fsconfig 431 431 · fsetxattr 190 7 · fsmount 432 432 · fsopen 430 430 · fspick 433 433
futimesat 261 - · init_module 175 105 · io_uring_enter 426 426 · io_uring_register 427 427
io_uring_setup 425 425 · ioctl 16 29 · ioperm 173 - · iopl 172 - · ioprio_set 251 30
kexec_file_load 320 294 · kexec_load 246 104 · keyctl 250 219 · kill 62 129 · lchown 94 -
link 86 - · linkat 265 37 · lremovexattr 198 15 · lsetxattr 189 6 · memfd_secret 447 447
migrate_pages 256 238 · mkdir 83 - · mkdirat 258 34 · mknod 133 - · mknodat 259 33
modify_ldt 154 - · mount 165 40 · mount_setattr 442 442 · move_mount 429 429 · move_pages 279 239
mq_open 240 180 · mq_timedreceive 243 183 · mq_timedsend 242 182 · mq_unlink 241 181 · msgctl 71 187
msgget 68 186 · msgrcv 70 188 · msgsnd 69 189 · nfsservctl 180 42 · open 2 - · open_by_handle_at 304 265
open_tree 428 428 · openat 257 56 · openat2 437 437 · perf_event_open 298 241 · pidfd_getfd 438 438
pidfd_send_signal 424 424 · pivot_root 155 41 · prlimit64 302 261 · process_madvise 440 440
process_mrelease 448 448 · process_vm_readv 310 270 · process_vm_writev 311 271 · ptrace 101 117
quotactl 179 60 · quotactl_fd 443 443 · reboot 169 142 · removexattr 197 14 · rename 82 -
renameat 264 38 · renameat2 316 276 · request_key 249 218 · rmdir 84 - · rt_sigqueueinfo 129 138
rt_tgsigqueueinfo 297 240 · sched_setaffinity 203 122 · sched_setattr 314 274
sched_setparam 142 118 · sched_setscheduler 144 119 · semctl 66 191 · semget 64 190 · semop 65 193
semtimedop 220 192 · setdomainname 171 162 · sethostname 170 161 · setns 308 268
setpriority 141 140 · settimeofday 164 170 · setxattr 188 5 · shmat 30 196 · shmctl 31 195 · shmget 29 194
socket 41 198 · socketpair 53 199 · swapoff 168 225 · swapon 167 224 · symlink 88 -
symlinkat 266 36 · syslog 103 116 · tgkill 234 131 · tkill 200 130 · truncate 76 45 · umount2 166 39
unlink 87 - · unlinkat 263 35 · unshare 272 97 · uselib 134 - · userfaultfd 323 282 · utime 132 -
utimensat 280 88 · utimes 235 - · vhangup 153 58
"""


def _machine(audit: int, column: int) -> Machine:
    rows = (entry.split() for line in _NUMBERS.strip().splitlines() for entry in line.split("·"))
    return Machine(audit, {row[0]: int(row[column]) for row in rows if row[column] != "-"})


MACHINES: Final[Mapping[str, Machine]] = {
    "x86_64": _machine(0xC000003E, 1),
    "aarch64": _machine(0xC00000B7, 2),
}
"""By what ``uname -m`` says; on others there is no guard."""

PRCTL: Final[Mapping[str, int]] = {"x86_64": 157, "aarch64": 167}
