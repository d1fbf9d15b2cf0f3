"""A refused request or line as the change flow takes it."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING, Final

from gateway.domain.change import ChangeKind, HostCapture
from gateway.domain.host import ByHand, Known, Stanza, Written
from gateway.domain.unit import Origin
from gateway.protocols.docker.units import LineUnit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.domain.containers import ContainerWrite
    from gateway.domain.host import HostWrite
    from gateway.domain.unit import Refused
    from gateway.judge.docker.judgement import DockerJudgement
    from gateway.protocols.docker.units import DockerUnit

_LONGEST_TITLE: Final = 200
_MOST_FILES: Final = 50
_RESTARTS: Final = frozenset({"restart", "start", "stop"})


def capture_of(refused: Refused[DockerUnit, DockerJudgement]) -> HostCapture | None:
    """Return what a change request needs of a refused unit, None for a read of the gateway's own."""
    unit, judged = refused.unit, refused.judged
    if unit.origin is Origin.GATEWAY:
        return None
    text = unit.text.decode("utf-8", "backslashreplace").replace("\0", "\u2400")
    if isinstance(unit, LineUnit):
        writes: tuple[HostWrite, ...] = judged.shell.writes if judged.shell is not None else ()
    else:
        writes = tuple(each for write in judged.writes for each in _host_writes(write))
    title = judged.title or " ".join(text.partition("\n")[0].split())
    restarts = [each.verb in _RESTARTS and each.sort == "container" for each in judged.writes]
    return HostCapture(
        text=text,
        title=title[:_LONGEST_TITLE],
        kind=ChangeKind.REDEPLOY if restarts and all(restarts) else ChangeKind.EDIT,
        batch=refused.number,
        writes=writes or (ByHand(text),),
        given=b"",
    )


def _host_writes(write: ContainerWrite) -> Iterator[HostWrite]:
    """Yield what a request would have written, as far as files and definitions can say it."""
    if write.writes:
        yield from write.writes
    elif write.archive is not None:
        yield from _uploaded(write.folder, write.archive) or (ByHand(write.command),)
    elif write.sort == "container" and write.verb in _RESTARTS:
        yield Stanza("container", "docker", write.verb, (write.name,))
    else:
        yield ByHand(write.command)


def _uploaded(folder: str, archive: bytes) -> tuple[HostWrite, ...]:
    """Return the regular files of an uploaded archive; nothing where it holds more than those and folders."""
    found: list[HostWrite] = []
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            for entry in tar:
                content = tar.extractfile(entry) if entry.isreg() else None
                if content is None:
                    if entry.isdir():
                        continue
                    return ()
                path = f"{folder.rstrip('/')}/{entry.name.removeprefix('./').lstrip('/')}"
                if len(found) == _MOST_FILES or ".." in path.split("/"):
                    return ()
                found.append(Written(path, Known(content.read()), mode=entry.mode & 0o7777))
    except (tarfile.TarError, OSError, EOFError, ValueError):
        return ()
    return tuple(found)
