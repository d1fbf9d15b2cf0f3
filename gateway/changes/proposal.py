"""Change requests of databases: the migration that a change request proposes, made of what was captured."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from gateway.changes import secrets_found
from gateway.changes.capture import Part
from gateway.changes.paths import folder, normalise, slug
from gateway.changes.pieces import cut, join
from gateway.changes.render import convention, sql
from gateway.changes.shown import one_line
from gateway.domain.change import FilePatch
from gateway.domain.display import counted
from gateway.domain.endpoint import Repository
from gateway.domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gateway.changes.repository import GitRepository
    from gateway.store.changes import StoredChange, StoredUnit

UNKNOWN = Repository(url="")
"""What a proposal looks like where the endpoint names no repository."""
MAX_FILES = 20
MAX_FILE = 4 << 20
_REDACTED_NOTE = (
    "secrets were found and replaced by placeholders ({}); "
    "the sealed recording keeps the values; give them at deployment"
)
_MISSING_WAY_BACK = "change request {} has no way back: its rollback section is still to be filled in"
_BOTH_WAYS = (
    "fill it in with `glassgate change submit {0} --edit`, or say why there is none with "
    '`glassgate change submit {0} --no-way-back "…"`'
)


@dataclass(frozen=True, slots=True)
class Base:
    """What the repository's base branch says about migrations.

    Attributes:
        commit: of the base branch; empty where it can't be read now.
        names: files in the migrations folder.
        reserved: paths that other open change requests hold.
        held: files that the change request looks at, by path.
    """

    commit: str
    names: tuple[str, ...]
    reserved: tuple[str, ...]
    held: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def taken(self) -> tuple[str, ...]:
        """Names that the next number must follow."""
        return (*self.names, *(path.rsplit("/", 1)[-1] for path in self.reserved))


def migration_of(change: StoredChange) -> sql.Migration:
    """Return the migration that a change request's units make, in order."""
    request = change.request
    parts = [(unit, part) for unit in change.units for part in parts_of(unit)]
    notes = dict.fromkeys(note for _, part in parts for note in part.notes)
    secrets = [name for unit in change.units for name in unit.secrets]
    if secrets:
        notes[_REDACTED_NOTE.format(", ".join(secrets))] = None
    if not parts:
        notes["nothing is left of the captured text but transaction control"] = None
    backwards = [part for _, part in reversed(parts)]
    certain = bool(parts) and all(part.inverse and part.runnable for part in backwards)
    return sql.Migration(
        heading=f"Change request {request.id}: {request.title}",
        fields=_fields(change),
        notes=tuple(notes),
        statements=tuple(
            sql.Statement(
                part.text,
                f"session {unit.captured.session}, unit {unit.captured.number}",
                part.alone,
                part.runnable,
            )
            for unit, part in parts
        ),
        rollback=tuple(part.inverse for part in backwards) if certain else (),
        guidance=tuple(_guidance(backwards)),
    )


def parts_of(unit: StoredUnit) -> tuple[Part, ...]:
    """Return the statements of a stored unit."""
    return msgspec.json.decode(unit.parts, type=tuple[Part, ...])


def encode_parts(parts: Sequence[Part]) -> str:
    """Return statements as they are stored."""
    return msgspec.json.encode(parts).decode()


def _guidance(backwards: Sequence[Part]) -> Iterable[str]:
    """Yield what helps to write the way back, the last statement's first, exact inverses where known."""
    for part in backwards:
        if part.inverse:
            yield "undoes one of them exactly:"
            yield f"  {part.inverse}"
        yield from part.guidance


def _fields(change: StoredChange) -> tuple[tuple[str, str], ...]:
    """Return the header's fields."""
    request, units = change.request, [each.captured for each in change.units]
    contexts = dict.fromkeys(each.context for each in units if each.context)
    tables = dict.fromkeys(table for each in units for table in each.tables)
    rows = [
        f"{each.estimated_rows:,}" if each.estimated_rows is not None else "not estimated" for each in units
    ]
    captured = ", ".join(dict.fromkeys(f"session {each.session}, unit {each.number}" for each in units))
    fields = [
        ("Endpoint", f"{request.endpoint_name}, database {change.database}"),
        ("Author", request.author_name),
        ("Captured", f"{captured}, {request.created_at:%Y-%m-%d %H:%M} UTC"),
        ("Depends on", "; ".join(contexts)),
        ("Touches", ", ".join(tables) or "no table by name"),
        ("Estimated rows", ", ".join(rows)),
    ]
    return tuple((name, value) for name, value in fields if value)


async def look(source: GitRepository, commit: str, change: StoredChange, repository: Repository) -> Base:
    """Read which numbers the repository's migrations have taken.

    Raises:
        NotFound: it has no such folder.
    """
    del change
    return Base(commit, await source.names(commit, repository.migrations), ())


def render(
    change: StoredChange, repository: Repository, base: Base
) -> tuple[tuple[FilePatch, ...], tuple[str, ...]]:
    """Return the proposed files against a base; no notes: what a reader must know stands in the migration.

    Raises:
        InvalidInput: the repository's convention is unknown, or its folder no path for git.
    """
    if change.edited:
        return change.request.files, ()
    rules = convention(repository.convention)
    name = rules.name(base.taken, slug(change.request.title), change.request.created_at)
    path = normalise("/".join([*folder(repository.migrations), name]), root=repository.migrations)
    return (FilePatch(path, None, rules.lay_out(migration_of(change)).encode()),), ()


def edited(change: StoredChange, repository: Repository, files: Mapping[str, bytes]) -> tuple[FilePatch, ...]:
    """Return edited files as a patch, checked: paths inside of the migrations, SQL as text, no secrets.

    Raises:
        InvalidInput: a path or a content that can't be; the message names it.
    """
    if not files or len(files) > MAX_FILES:
        raise InvalidInput(f"a change request has 1 to {MAX_FILES} files, this one {len(files)}")
    rules = convention(repository.convention)
    patches = []
    for path, content in files.items():
        clean = normalise(path, root=repository.migrations)
        if len(content) > MAX_FILE:
            raise InvalidInput(f"{clean} is larger than {MAX_FILE >> 20} MB")
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            raise InvalidInput(f"{clean} is not UTF-8: {error.reason} at byte {error.start}") from None
        if "\0" in text:
            raise InvalidInput(f"{clean} holds a NUL character")
        text = rules.settle(_without_secrets(clean, text, change)) if rules.number(_name(clean)) else text
        patches.append(FilePatch(clean, None, text.encode()))
    if not numbered(repository, patches):
        raise InvalidInput(
            "none of the edited files is a numbered migration",
            hint=f"keep the file's name as `glassgate change show {change.request.id}` proposes it",
        )
    if len({patch.path for patch in patches}) < len(patches):
        raise InvalidInput("two of the files have the same path")
    return tuple(patches)


def _without_secrets(path: str, text: str, change: StoredChange) -> str:
    """Return an edited file with its secrets replaced by placeholders."""
    try:
        return join(secrets_found.redact(cut(text), stem=f"secret_c{change.request.id}_").pieces)
    except InvalidInput:
        if secrets_found.holds_secret(text):
            raise InvalidInput(
                f"{path} holds what looks like a secret, and can't be read as SQL to replace it",
                hint="put a placeholder there, such as :'secret_1', and give the value at deployment",
            ) from None
        return text


def check_way_back(
    change: StoredChange, repository: Repository, files: Sequence[FilePatch], no_way_back: str | None
) -> tuple[FilePatch, ...]:
    """Return the files with a way back, or with the reason why there is none.

    Raises:
        InvalidInput: neither is there; the message names both ways.
    """
    rules = convention(repository.convention)
    result = []
    for file in files:
        text = (file.new or b"").decode()
        if rules.number(_name(file.path)) and rules.lacks_rollback(text):
            if not no_way_back:
                raise InvalidInput(
                    _MISSING_WAY_BACK.format(change.request.id),
                    hint=_BOTH_WAYS.format(change.request.id),
                )
            text = rules.without_way_back(text, no_way_back)
        result.append(FilePatch(file.path, file.old, text.encode(), file.mode))
    return tuple(result)


def renumber(
    change: StoredChange, repository: Repository, files: Sequence[FilePatch], base: Base
) -> tuple[FilePatch, ...]:
    """Return edited files with fresh numbers where others have taken theirs meanwhile."""
    rules = convention(repository.convention)
    taken = list(base.taken)
    result = []
    for file in files:
        parent, _, name = file.path.rpartition("/")
        number = rules.number(name)
        if number and number in {rules.number(each) for each in taken}:
            words = slug(re.sub(r"^[Vv]?[0-9][0-9._-]*", "", name.rsplit(".", 1)[0]))
            name = rules.name(taken, words, change.request.created_at)
        taken.append(name)
        result.append(FilePatch(f"{parent}/{name}" if parent else name, file.old, file.new, file.mode))
    return tuple(result)


def numbered(repository: Repository, files: Sequence[FilePatch]) -> tuple[str, ...]:
    """Return the paths whose numbers no other change request may take."""
    rules = convention(repository.convention)
    return tuple(file.path for file in files if rules.number(_name(file.path)))


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def unseen(change: StoredChange) -> tuple[FilePatch, ...]:
    """Return nothing: what a migration is called, the repository decides."""
    del change
    return ()


def detail(change: StoredChange, files: Sequence[FilePatch] | None, where: str) -> str:
    """Return one sentence on what the proposed patch is."""
    rows = [unit.captured.estimated_rows for unit in change.units]
    known = [each for each in rows if each is not None]
    total = sum(known)
    estimate = "rows not estimated"
    if known and len(known) == len(rows):
        estimate = f"some {counted(total, 'row')}"
    count = len(change.units)
    what = change.request.title if count == 1 else f"{count} statements, the last {change.units[-1].title}"
    path = files[0].path if files else f"a migration in {where}"
    secret = ", secrets replaced by placeholders" if any(unit.secrets for unit in change.units) else ""
    return one_line(f"{path}: {what}, {estimate}{secret}", 300)
