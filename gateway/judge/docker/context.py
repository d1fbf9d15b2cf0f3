"""Everything that the verdict on a request to an engine depends on, beside the request itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.judge.docker.catalogue import DockerCatalogue
    from gateway.judge.shell.context import ShellContext
    from gateway.judge.shell.judgement import ShellJudgement


@dataclass(frozen=True, slots=True)
class Exec:
    """A command that this session has put into a container.

    Attributes:
        container: as the client named it.
        argv: as it was rebuilt; of a governed shell, as the client asked for it.
        tty: whether it has a terminal.
        started: whether it was started; it is started once.
        shell: whether it is a governed shell of the gateway, which the engine knows nothing of.
        judged: what the shell judge said of it.
    """

    container: str
    argv: tuple[str, ...]
    tty: bool
    started: bool = False
    shell: bool = False
    judged: ShellJudgement | None = None


@dataclass(frozen=True, slots=True)
class DockerContext:
    """What is known of the engine and of the session.

    Attributes:
        catalogue: the routes.
        shell: for the commands of ``docker exec``; in a container there is never a kernel guard or sudo, so
            what it says of them is not looked at.
        newest: newest version that the engine speaks; what the catalogue doesn't know is not judged.
        oldest: oldest version that it still speaks.
        execs: id → what this session has put into containers.
    """

    catalogue: DockerCatalogue
    shell: ShellContext
    newest: str = ""
    oldest: str = ""
    execs: Mapping[str, Exec] = field(default_factory=dict)
