"""The files that a change request of a host proposes, against the repository as it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gateway.changes.host.mapping import place_of, request_place
from gateway.changes.host.merge import carried_over
from gateway.changes.host.parts import FilePart, HostPart, StanzaPart, all_parts
from gateway.changes.host.prepare import REPLACED_NOTE, without_new_secrets
from gateway.changes.host.stanzas import in_image
from gateway.changes.shown import block, one_line
from gateway.domain.change import ChangeKind, FilePatch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.domain.endpoint import Repository
    from gateway.store.changes import StoredChange

PLAIN: Final = 0o100644
"""Git's mode of a file that is no program."""
_PROGRAM = 0o100755
_LINK = 0o120000
_MAX_TEXT = 20_000


def places(change: StoredChange, repository: Repository) -> tuple[str, ...]:
    """Return the repository's files that a change request looks at.

    Raises:
        InvalidInput: a path that git could not hold.
    """
    found = [
        place_of(part.path, repository.paths)[0]
        for _, part in all_parts(change)
        if isinstance(part, FilePart)
    ]
    image = [repository.image] if repository.image else []
    return tuple(dict.fromkeys([*found, *image]))


def patches(
    change: StoredChange, repository: Repository, held: Mapping[str, bytes]
) -> tuple[tuple[FilePatch, ...], tuple[str, ...]]:
    """Return the proposed files, and what a reviewer must know beside them.

    Args:
        change: with its units.
        repository: where it goes.
        held: the repository's files at :func:`places`, those that there are.

    Raises:
        InvalidInput: a path that git could not hold.
    """
    work = Work(change, repository, held)
    for _, part in all_parts(change):
        work.take(part)
    return work.files(), tuple(dict.fromkeys(work.notes))


@dataclass(slots=True)
class Work:
    """The repository's files, one part after the other carried into them.

    Attributes:
        change: what is rendered.
        repository: where it goes.
        held: the repository's files as they are.
        now: path → bytes as they would be, and git's mode; None: gone.
        notes: for the reviewer.
        by_hand: what a person must turn into code.
    """

    change: StoredChange
    repository: Repository
    held: Mapping[str, bytes]
    now: dict[str, tuple[bytes, int] | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    by_hand: list[tuple[str, str]] = field(default_factory=list)

    def take(self, part: HostPart) -> None:
        """Carry one part into the repository's files."""
        if isinstance(part, FilePart):
            self._file(part)
        elif isinstance(part, StanzaPart):
            self._stanza(part)
        else:
            self.by_hand.append((part.text, part.why))

    def base(self, path: str) -> bytes | None:
        """Return the repository's file, with what earlier parts made of it; None where there is none."""
        if path in self.now:
            now = self.now[path]
            return None if now is None else now[0]
        return self.held.get(path)

    def shown(self, path: str, new: bytes) -> bytes:
        """Return a file's new bytes, secrets replaced in lines that the repository's own doesn't have.

        Args:
            path: of the file.
            new: what it would hold.
        """
        shown = without_new_secrets(self.base(path) or b"", new)
        if shown != new:
            self.notes.append(REPLACED_NOTE)
        return shown

    def files(self) -> tuple[FilePatch, ...]:
        """Return the patch."""
        result = []
        for path, now in self.now.items():
            content, mode = now if now is not None else (None, PLAIN)
            result.append(FilePatch(path, self.held.get(path), content, mode))
        if self.by_hand:
            path = request_place(self.change.request.id, self.change.request.title)
            result.append(FilePatch(path, None, self._page().encode()))
        return tuple(result)

    def _file(self, part: FilePart) -> None:
        path, mapped = place_of(part.path, self.repository.paths)
        if part.new is None and self.base(path) is None:
            self.by_hand.append((f"remove {part.path}", f"the repository does not hold {path}"))
            return
        if part.link and self.base(path) is not None:
            self.by_hand.append((f"link {part.path}", f"the repository holds {path} already"))
            return
        if part.old == part.new and part.executable == part.was_executable:
            said = "; ".join(part.notes) or f"{part.path} would have been written as it is"
            self.by_hand.append((said, "git keeps no more of a mode than whether a file is a program"))
            return
        if not mapped:
            self.notes.append(
                f"no mapping says where {part.path} comes from; it is proposed as {path} "
                "(set the endpoint's repository paths)"
            )
        self.notes += part.notes
        if part.new is None:
            self.now[path] = None
            return
        base = self.base(path)
        new = part.new
        if base is None and part.old is not None:
            self.notes.append(f"the repository does not hold {path} yet: the whole file is added")
        elif base is not None and part.old is not None and base != part.old:
            carried = carried_over(part.old, part.new, base)
            if carried is None:
                self.notes.append(
                    f"{path} differs from {part.path} on the host: the host's whole file is proposed"
                )
            else:
                new = carried
                self.notes.append(
                    f"{path} differs from {part.path} on the host: only the edit was carried over"
                )
        shown = self.shown(path, new)  # a host's own secrets may be in lines that git never saw
        self.now[path] = (shown, _LINK if part.link else _PROGRAM if part.executable else PLAIN)

    def _stanza(self, part: StanzaPart) -> None:
        image = self.repository.image
        tool = "" if part.action.split(" ")[0] == part.tool else part.tool  # which stands there already
        words = one_line(" ".join(filter(None, (tool, part.action, *part.names))), 500)
        if part.sort == "service" and part.action in (
            "restart",
            "reload",
            "try-restart",
            "reload-or-restart",
        ):
            self.by_hand.append((words, "a restart is a redeploy of the artifact that runs"))
            return
        if not image:
            self.by_hand.append((words, "the endpoint names no image definition (its repository's image)"))
            return
        said = in_image(part, (self.base(image) or b"").decode("utf-8", "replace"), image)
        if said is None:
            self.by_hand.append((words, f"there are no words for it in {image}"))
        else:
            self.now[image] = (said.encode(), PLAIN)

    def _page(self) -> str:
        """Return the page for a person to turn into code."""
        request = self.change.request
        what = "Redeploy" if request.kind is ChangeKind.REDEPLOY else "Change"
        endpoint, author = one_line(request.endpoint_name, 100), one_line(request.author_name, 100)
        lines = [f"# {what} request {request.id}: {one_line(request.title, 80)}", ""]
        lines += [f"Endpoint `{endpoint}`, asked by {author}.", ""]
        for text, why in self.by_hand:
            shown = block(text, _MAX_TEXT)
            lines += [f"{one_line(why, 500)[:1].upper()}{one_line(why, 500)[1:]}:", "", *_fenced(shown), ""]
        return "\n".join(lines)


def _fenced(text: str) -> list[str]:
    """Return a text as a code block of Markdown that nothing in it can end: indented."""
    return [f"    {line}" for line in text.splitlines() or [""]]
