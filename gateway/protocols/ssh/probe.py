"""What a host is, and what it enforces by itself: asked at connect, kept for a while."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.domain.errors import UpstreamTooOpen, UpstreamUnavailable
from gateway.domain.session import Level
from gateway.domain.verdict import Layer
from gateway.protocols.ssh.guard.guard import Guard
from gateway.protocols.ssh.guard.offers import QUESTION, SHUT, read_offers
from gateway.protocols.ssh.options import GuardWanted
from gateway.protocols.ssh.quoting import command
from gateway.protocols.ssh.upstream import PATH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.domain.endpoint import Endpoint
    from gateway.protocols.ssh.options import SshOptions
    from gateway.protocols.ssh.upstream import Upstream

SHELLS: Final = frozenset({"sh", "dash", "ash", "busybox", "bash", "rbash", "zsh", "ksh", "mksh", "ksh93"})
"""Login shells that take a word in single quotes for exactly that word."""
RC_FILES: Final = (
    ".bashrc",
    ".zshenv",
    ".kshrc",
    ".ssh/rc",
    ".ssh/environment",
    ".ssh/authorized_keys",
)
"""Files in the login's home that sshd or a login shell reads before a command runs."""

_SFTP_SERVERS: Final = (
    "/usr/lib/openssh/sftp-server",
    "/usr/libexec/openssh/sftp-server",
    "/usr/lib/ssh/sftp-server",
    "/usr/libexec/sftp-server",
)
_BASHES: Final = ("/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash")
_BEGIN: Final = "glassgate-probe"
_END: Final = "glassgate-probed"

_SCRIPT: Final = f"""echo {_BEGIN}
{QUESTION}
u=$(id -un); echo "user $u"
p=$(getent passwd "$u" || grep "^$u:" /etc/passwd)
h=${{p%:*}}; h=${{h##*:}}; echo "home $h"; echo "shell ${{p##*:}}"
for b in {" ".join(_BASHES)}; do [ -x $b ] && echo "bash $b" && break; done
for s in {" ".join(_SFTP_SERVERS)}; do [ -x $s ] && echo "sftp $s" && break; done
for d in {" ".join(PATH)}; do [ -d $d ] || continue; [ -w $d ] && echo "loose $d" || echo "folder $d"; done
[ -w "$h" ] && echo "homeopen yes"
for f in {" ".join(RC_FILES)}; do [ -w "$h/$f" ] && echo "rc $f"; done
echo {_END}
"""


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What a host is.

    Attributes:
        user: the login's name there.
        home: its home folder.
        shell: its login shell.
        bash: absolute path of a bash; empty: there is none.
        path: folders of programs that the login can't write.
        loose: those that it can.
        open_files: in its home, read before a command runs, and writable by the login.
        guard: what guards commands there.
        sftp: absolute path of its SFTP server; empty: not where one is looked for.
    """

    user: str
    home: str
    shell: str
    bash: str
    path: tuple[str, ...]
    loose: tuple[str, ...]
    open_files: tuple[str, ...]
    guard: Guard
    sftp: str = ""


@dataclass(frozen=True, slots=True)
class Probed:
    """A host with the level that its sessions have.

    Attributes:
        facts: what it is.
        level: what it enforces by itself.
    """

    facts: HostFacts
    level: Level


async def probe(upstream: Upstream, options: SshOptions) -> Probed:
    """Ask a host what it is.

    Raises:
        UpstreamUnavailable: it does not answer, or its login shell can't be handed a command line safely.
    """
    facts = _read(upstream, await upstream.ask(_SCRIPT))
    shell = facts.shell.rsplit("/", 1)[-1]
    if shell not in SHELLS:
        raise UpstreamUnavailable(
            f"the login shell on {upstream.target.endpoint} can't be handed a command line: {facts.shell}",
            hint=f"glassgate endpoint harden {upstream.target.endpoint}",
        )
    guarded = options.guard is not GuardWanted.OFF and await _holds(upstream, facts.guard)
    return Probed(facts, _level(facts, guarded=guarded))


def check_requirement(endpoint: Endpoint, options: SshOptions, level: Level) -> None:
    """Hold the level against what the endpoint requires.

    Raises:
        UpstreamTooOpen: a guard is required and there is none.
    """
    if options.guard is GuardWanted.REQUIRE and Layer.KERNEL_GUARD not in level.layers:
        why = level.findings.get("guard missing", "its guard does not hold")
        raise UpstreamTooOpen(
            f"{endpoint.name} requires a kernel guard and has none: {why}",
            hint=f"an operator mends it as told by: glassgate endpoint harden {endpoint.name}",
        )


async def _holds(upstream: Upstream, guard: Guard) -> bool:
    """Try the guard: it must shut what is open without it."""
    if not guard.works:
        return False
    for profile, trial in guard.trials():
        said = await upstream.ask(f"exec {command((*guard.argv(profile), '/bin/sh', '-c', trial))}")
        if not said.endswith(SHUT):  # what the login's own files print comes before
            return False
    return True


def _read(upstream: Upstream, answer: str) -> HostFacts:
    _, begun, told = answer.partition(f"{_BEGIN}\n")
    told, ended, _ = told.partition(f"{_END}\n")
    if not begun or not ended:
        raise UpstreamUnavailable(
            f"{upstream.target.endpoint} does not run the gateway's commands",
            hint="its login must have a shell, no forced command, and /usr/bin/env",
        )
    one: dict[str, str] = {}
    many: dict[str, list[str]] = {"folder": [], "loose": [], "rc": []}
    for line in told.splitlines():
        name, _, value = line.partition(" ")
        if name in many:
            many[name].append(value)
        else:
            one.setdefault(name, value)
    home = one.get("home", "")
    files = [*(f"~ ({home})" for _ in [1] if one.get("homeopen")), *(f"~/{name}" for name in many["rc"])]
    return HostFacts(
        user=one.get("user", ""),
        home=home if home.startswith("/") else "",
        shell=one.get("shell", ""),
        bash=one.get("bash", ""),
        path=tuple(many["folder"]) or PATH,
        loose=tuple(many["loose"]),
        open_files=tuple(files),
        guard=Guard(read_offers(told)),
        sftp=one.get("sftp", ""),
    )


def _level(facts: HostFacts, *, guarded: bool) -> Level:
    findings: Mapping[str, str] = {
        "login": facts.user,
        "root": "yes" if facts.guard.offers.root else "no",
        "login shell": facts.shell,
        "bash": facts.bash or "no",
        "program folders that the login can write": " ".join(facts.loose) or "no",
        "files that the login can write and that run before a command": ", ".join(facts.open_files) or "no",
        **facts.guard.findings(),
    }
    if guarded:
        return Level(facts.guard.name, Layer.KERNEL_GUARD, findings)
    return Level("judge-only", Layer(0), findings)
