"""The files that a change request of a cluster proposes, against the repository's manifests as they are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from gateway.changes.cluster.manifests import declarations, place
from gateway.changes.cluster.objects import differences
from gateway.changes.cluster.parts import ObjectPart, all_parts
from gateway.changes.host.patches import PLAIN, Work
from gateway.changes.yaml_edits import GONE, Edit, Item, edited, removed
from gateway.changes.yaml_text import written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.changes.cluster.manifests import Declared
    from gateway.changes.yaml_edits import Gone
    from gateway.domain.change import FilePatch
    from gateway.domain.endpoint import Repository
    from gateway.judge.http.bodies import Json
    from gateway.store.changes import StoredChange

_MOST_NAMED: Final = 5


def patches(
    change: StoredChange, repository: Repository, held: Mapping[str, bytes]
) -> tuple[tuple[FilePatch, ...], tuple[str, ...]]:
    """Return the proposed files, and what a reviewer must know beside them.

    Args:
        change: with its units.
        repository: where it goes.
        held: the repository's manifests that may declare one of the objects.

    Raises:
        InvalidInput: a path that git could not hold.
    """
    work = Work(change, repository, held)
    for part in all_parts(change):
        _take(work, part)
    return work.files(), tuple(dict.fromkeys(work.notes))


def _take(work: Work, part: ObjectPart) -> None:
    """Carry one object into the repository's manifests."""
    if part.by_hand:
        work.by_hand.append((part.by_hand, part.why))
        return
    found = declarations(part, _now(work))
    if len(found) > 1:
        paths = ", ".join(each.path for each in found[:_MOST_NAMED])
        work.by_hand.append((_told(part), f"the repository declares {part.what} more than once: {paths}"))
        return
    work.notes += part.notes
    if not found and (part.old or part.release):
        made = f"; the chart of the release {part.release} makes it" if part.release else ""
        work.by_hand.append((_told(part), f"no manifest in the repository declares {part.what}{made}"))
    elif not part.old:
        _made(work, part, found)
    elif not part.new:
        text = removed(found[0].text, found[0].document)
        work.now[found[0].path] = (text.encode(), PLAIN) if text.strip() else None
    else:
        _changed(work, part, found[0], tuple(differences(_json(part.old), _json(part.new))))


def _made(work: Work, part: ObjectPart, found: Sequence[Declared]) -> None:
    """Carry a new object into a manifest of its own, or into the one that declares it already."""
    new = _json(part.new)
    if found:
        _changed(work, part, found[0], tuple(differences(found[0].document.said, new)))
        return
    path, mapped = place(part, work.repository.paths)
    if not mapped:
        work.notes.append(
            f"no mapping says where manifests of {part.namespace or 'the cluster'} stand; it is proposed as "
            f"{path} (set the endpoint's repository paths)"
        )
    base = work.base(path)
    text = written(new)
    if base is not None:
        text = f"{base.decode('utf-8', 'replace').rstrip()}\n---\n{text}"
    _put(work, path, text)


def _changed(work: Work, part: ObjectPart, found: Declared, edits: tuple[Edit, ...]) -> None:
    """Carry what turns one object into another into the manifest that declares it."""
    begin, end = found.document.begin, found.document.end
    before = found.text[begin:end]
    after = edited(before, edits)
    if after is None:
        why = f"{found.path} declares {part.what} in a way that can't be edited surely"
        work.by_hand.append((_told(part), why))
    elif after == before:
        why = f"{found.path} declares {part.what} as it would be: deploying the repository does it"
        work.by_hand.append((_told(part), why))
    else:
        _put(work, found.path, found.text[:begin] + after + found.text[end:])


def _put(work: Work, path: str, text: str) -> None:
    work.now[path] = (work.shown(path, text.encode()), PLAIN)


def _now(work: Work) -> dict[str, bytes]:
    """The repository's manifests, with what earlier parts made of them."""
    found = {path: content for path in (*work.held, *work.now) if (content := work.base(path)) is not None}
    return dict(sorted(found.items()))


def _told(part: ObjectPart) -> str:
    """What would become of an object, for a person."""
    where = f"{part.what} in {part.namespace}" if part.namespace else part.what
    if not part.new:
        return f"delete {where}"
    if not part.old:
        return f"create {where}:\n{written(_json(part.new))}"
    edits = differences(_json(part.old), _json(part.new))
    lines = [f"{_path(edit)}: {_value(edit.value)}" for edit in edits]
    return "\n".join([f"change {where}:", *(lines or ["(nothing)"])])


def _path(edit: Edit) -> str:
    steps = (f"[{step.member}={step.value}]" if isinstance(step, Item) else str(step) for step in edit.path)
    return ".".join(steps).replace(".[", "[")


def _value(value: Json | Gone) -> str:
    return "(gone)" if value is GONE else json.dumps(value, ensure_ascii=False)


def _json(text: str) -> dict[str, Json]:
    value: dict[str, Json] = json.loads(text)
    return value
