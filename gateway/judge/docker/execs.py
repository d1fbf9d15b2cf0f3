"""``docker exec``: the command is judged as it is, without a shell, and runs as the judge rebuilt it.

Nothing but the judge stands before it: in a container there is no kernel guard, and its programs are the
image's own. So it gets the image's user and environment, beside it only variables that change nothing but
looks, no rights beyond the container's, and an end with its connection.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from gateway.domain.containers import ContainerWrite
from gateway.domain.http import Request
from gateway.domain.verdict import Decision, Verdict
from gateway.judge.docker.context import DockerContext, Exec
from gateway.judge.docker.headers import check_json, handed_on
from gateway.judge.docker.judgement import DockerAction, DockerJudgement
from gateway.judge.docker.members import Members
from gateway.judge.http.bodies import Json, rebuilt_json
from gateway.judge.http.reading import NotRead
from gateway.judge.shell.interactive import program_of
from gateway.judge.shell.judge import judge_argv
from gateway.judge.shell.nested.variables import harmless

SHELLS: Final = frozenset({"sh", "bash", "ash", "dash", "zsh", "ksh", "fish"})
"""Programs that a person asks for to type commands."""

BARE: Final = frozenset({"-l", "-i", "-li", "-il", "--login"})
"""Options of a shell that still reads what is typed."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The body of an exec-create request."""

    argv: tuple[str, ...]
    stdin: bool
    stdout: bool
    stderr: bool
    tty: bool
    console: tuple[int, int] | None
    folder: str
    environment: tuple[str, ...]

    def body(self, argv: tuple[str, ...]) -> bytes:
        """The body to send."""
        members: dict[str, Json] = {
            "AttachStdin": self.stdin,
            "AttachStdout": self.stdout,
            "AttachStderr": self.stderr,
            "Tty": self.tty,
            "Cmd": list(argv),
        }
        if self.console is not None:
            members["ConsoleSize"] = list(self.console)
        if self.folder:
            members["WorkingDir"] = self.folder
        if self.environment:
            members["Env"] = list(self.environment)
        return rebuilt_json(members)


def created(
    request: Request, target: str, container: str, decided: Verdict, context: DockerContext
) -> DockerJudgement:
    """Judge a command that is to be put into a container.

    Args:
        request: as sent.
        target: rebuilt.
        container: as the path names it.
        decided: the verdict where the command only reads.
        context: of the request.

    Raises:
        NotRead: the body is not understood, or asks for more than a command.
    """
    check_json(request)
    wanted = _wanted(request.body, container)
    title = f"docker exec {container} {' '.join(wanted.argv)}"
    surroundings = replace(
        context.shell,
        guarded=False,
        sudo=False,
        terminal=wanted.tty,
        folder=wanted.folder,
        home="",
        variables={},
    )
    judged = judge_argv(wanted.argv, surroundings)
    found = DockerJudgement(
        judged.verdict,
        title=title,
        container=container,
        shell=judged,
        argv=wanted.argv,
        tty=wanted.tty,
        stdin=wanted.stdin,
        console=wanted.console,
        folder=wanted.folder,
    )
    if judged.verdict.decision is Decision.ALLOW:
        sent = Request(
            request.method,
            target,
            handed_on(request, hijack=False, json=True),
            wanted.body(judged.argv),
        )
        verdict = Verdict(Decision.ALLOW, decided.rule, judged.verdict.reason)
        return replace(
            found, verdict=verdict, request=sent, action=DockerAction.EXEC_CREATE, argv=judged.argv
        )
    if wanted.tty and wanted.stdin and is_bare_shell(wanted.argv):
        return replace(found, action=DockerAction.SHELL)
    if judged.verdict.decision is Decision.CHANGE or judged.writes:
        write = ContainerWrite(
            "container", "exec", container, title, writes=judged.writes, folder=wanted.folder
        )
        return replace(found, writes=(write,))
    return found


def started(
    request: Request, target: str, number: str, decided: Verdict, context: DockerContext
) -> DockerJudgement:
    """Judge the start of a command.

    Args:
        request: as sent.
        target: rebuilt.
        number: the command's id, as the path names it.
        decided: the verdict where it is one of this session's.
        context: of the request.

    Raises:
        NotRead: it is none of this session's, was started before, or would outlive its connection.
    """
    check_json(request)
    mine = _mine(number, context)
    if mine.started:
        raise NotRead("exec.again", "The command was started before; each is started once.")
    members = Members(request.body)
    if members.flag("Detach"):
        raise NotRead(
            "exec.detached", "A command that outlives its connection is not run; leave out --detach."
        )
    tty, console = members.flag("Tty"), members.size("ConsoleSize")
    # A library for JavaScript sends its own options along.
    members.flag("hijack"), members.flag("stdin")
    members.done()
    if tty is not mine.tty:
        raise NotRead("exec.tty", "The command was made with and without a terminal.")
    body: dict[str, Json] = {"Detach": False, "Tty": tty}
    if console is not None:
        body["ConsoleSize"] = list(console)
    found = DockerJudgement(
        decided,
        title=f"docker exec {mine.container} {' '.join(mine.argv)}",
        container=mine.container,
        exec_id=number,
        shell=mine.judged,
        argv=mine.argv,
        tty=tty,
        console=console,
    )
    if mine.shell:
        verdict = Verdict(Decision.REFUSE, "docker.exec.shell", "The gateway's own shell takes its place.")
        return replace(found, verdict=verdict, action=DockerAction.SHELL)
    sent = Request(request.method, target, handed_on(request, hijack=True, json=True), rebuilt_json(body))
    return replace(found, request=sent, action=DockerAction.EXEC_START)


def resized(
    request: Request, target: str, number: str, decided: Verdict, context: DockerContext
) -> DockerJudgement:
    """Judge a new size of a command's terminal.

    Args:
        request: as sent.
        target: rebuilt.
        number: the command's id, as the path names it.
        decided: the verdict where it is one of this session's.
        context: of the request.

    Raises:
        NotRead: it is none of this session's: its process would get a signal.
    """
    mine = _mine(number, context)
    sent = Request(request.method, target, handed_on(request, hijack=False, json=False))
    return DockerJudgement(
        decided,
        sent,
        DockerAction.EXEC_RESIZE,
        f"docker exec {mine.container} {' '.join(mine.argv)}",
        mine.container,
        number,
        tty=mine.tty,
    )


def is_bare_shell(argv: tuple[str, ...]) -> bool:
    """Whether arguments ask for a shell that reads what is typed, and for nothing else.

    Args:
        argv: the command's name first.
    """
    return program_of(argv) in SHELLS and BARE.issuperset(argv[1:])


def _mine(number: str, context: DockerContext) -> Exec:
    mine = context.execs.get(number)
    if mine is None:
        raise NotRead("exec.foreign", "This session has put no such command into a container.")
    return mine


def _wanted(body: bytes | None, container: str) -> _Wanted:
    members = Members(body)
    wanted = _Wanted(
        members.texts("Cmd"),
        members.flag("AttachStdin"),
        members.flag("AttachStdout"),
        members.flag("AttachStderr"),
        members.flag("Tty"),
        members.size("ConsoleSize"),
        members.text("WorkingDir"),
        members.texts("Env"),
    )
    # Libraries for Python and Java say again which container; keys to detach work at the client's own end.
    said = {members.text("Container"), members.text("containerId"), ""} - {container, ""}
    members.text("DetachKeys"), members.text("detachKeys")
    user, privileged, detached = members.text("User"), members.flag("Privileged"), members.flag("Detach")
    members.done()
    if said:
        raise NotRead("exec.container", "The body names another container than the path.")
    if privileged:
        raise NotRead("exec.privileged", "A command with rights beyond the container's is not run.")
    if user:
        raise NotRead("exec.user", "A command runs as the image's own user; leave out --user.")
    for each in wanted.environment:
        name, _, value = each.partition("=")
        if not harmless(name, value):
            reason = f"What the variable {name[:40]!r} does to a command is not known; leave out --env."
            raise NotRead("exec.environment", reason)
    if detached:
        raise NotRead(
            "exec.detached", "A command that outlives its connection is not run; leave out --detach."
        )
    return replace(wanted, folder=_folder(wanted.folder))


def _folder(folder: str) -> str:
    """Check a working folder: the command's relative names are judged below it."""
    if not folder:
        return ""
    parts = folder.split("/")
    if not folder.startswith("/") or ".." in parts or not folder.isprintable():
        raise NotRead("exec.folder", "The working folder is no absolute path without dots.")
    return "/" + "/".join(each for each in parts if each not in ("", "."))
