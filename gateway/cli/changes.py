"""changes, and change show, submit, withdraw, draft, was-a-read."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.durations import moment_text
from gateway.cli.groups import group
from gateway.cli.options import EndpointOption, Json, Limit, client_of
from gateway.cli.show import diff, facts, print_json, say, table
from gateway.domain.display import counted, display
from gateway.domain.errors import Conflict, InvalidInput

if TYPE_CHECKING:
    from gateway.cli.client import Client
    from gateway.web.shapes.changes import ChangeFacts, ChangeFile, ChangeUnit

app = group("Show, submit or withdraw a change request.", "change show 3", "change withdraw 3")
Number = Annotated[int, typer.Argument(metavar="ID", help="Of the change request.")]


def changes(
    ctx: typer.Context,
    *,
    state: Annotated[str, typer.Option(help="draft, submitted, withdrawn, dropped, …")] = "",
    mine: Annotated[bool, typer.Option("--mine", help="Only your own.")] = False,
    endpoint: EndpointOption = "",
    limit: Limit = 100,
    json: Json = False,
) -> None:
    """List change requests.

    Example:
      glassgate changes --mine --state draft
    """
    import msgspec

    from gateway.web.shapes.changes import ChangeList, ListChanges

    question = ListChanges(state=state, mine=mine, endpoint=endpoint, limit=limit)
    body = client_of(ctx).body("GET /v1/changes", question)
    if json:
        print_json(body)
        return
    table(
        ("ID", "ENDPOINT", "WHO", "STATE", "MOVED", "TITLE"),
        (
            (str(one.id), one.endpoint, one.author, one.state, moment_text(one.updated_at), one.title)
            for one in msgspec.json.decode(body, type=ChangeList).changes
        ),
        empty="No change requests.",
    )


@app.command("show")
def show(ctx: typer.Context, number: Number, *, json: Json = False) -> None:
    """Show a change request: what was typed, and the patch it would become.

    Example:
      glassgate change show 3
    """
    import msgspec

    from gateway.web.shapes.changes import ChangeFacts, ChangeId

    body = client_of(ctx).body("GET /v1/changes/{id}", ChangeId(id=number))
    if json:
        print_json(body)
        return
    _print_whole(msgspec.json.decode(body, type=ChangeFacts))


def _print_whole(whole: ChangeFacts) -> None:
    change = whole.change
    say(f"Change request {change.id}: {display(change.title)}", "bold")
    facts(
        [
            ("endpoint", change.endpoint),
            ("author", change.author),
            ("state", change.state),
            ("kind", change.kind),
            ("drafted", moment_text(change.created_at)),
            ("reason", whole.reason),
            ("ended", whole.cause),
            (
                "steps",
                "\n".join(f"{step.state} by {step.by}, {moment_text(step.at)}" for step in whole.steps),
            ),
            ("branch", change.branch),
            ("commit", change.commit),
            ("base", whole.base),
        ]
    )
    for unit in whole.units:
        print()
        say(f"session {unit.session}, unit {unit.number}, {moment_text(unit.at)}{_rows(unit)}", "dim")
        print(display(unit.text, multiline=True))
        if unit.literals:
            print(f"  with {', '.join(display(literal) for literal in unit.literals)}")
    print()
    for note in whole.notes:
        say(display(note, multiline=True), "warn")
    diff(whole.diff)


def _rows(unit: ChangeUnit) -> str:
    """Say how many rows a statement would change; nothing of what is none."""
    if not unit.database:
        return ""
    if unit.estimated_rows is None:
        return ", rows not estimated"
    return f", about {counted(unit.estimated_rows, 'row')}"


@app.command("submit")
def submit(
    ctx: typer.Context,
    number: Number,
    *,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; goes into the commit.")],
    edit: Annotated[bool, typer.Option("--edit", help="Open the patch's files in $EDITOR first.")] = False,
    no_way_back: Annotated[
        str, typer.Option(metavar="WHY", help="Why there is no rollback, where there can't be one.")
    ] = "",
    json: Json = False,
) -> None:
    """Commit a change request's patch to a branch of its repository and push it.

    A rollback is asked for: fill it in with --edit, or say with --no-way-back why there is none.

    Example:
      glassgate change submit 3 --reason "INC-42: index the slow query" --edit
    """
    import msgspec

    from gateway.web.shapes.changes import ChangeFacts, ChangeId, Submit, Submitted

    client = client_of(ctx)
    files: tuple[ChangeFile, ...] = ()
    if edit:
        whole = client.call("GET /v1/changes/{id}", ChangeId(id=number), ChangeFacts)
        files = _edited(whole)
    question = Submit(id=number, reason=reason, no_way_back=no_way_back, files=files)
    body = client.body("POST /v1/changes/{id}/submit", question)
    if json:
        print_json(body)
        return
    done = msgspec.json.decode(body, type=Submitted)
    say(f"Change request {done.change.id} is {done.change.state}", "good")
    facts([("branch", done.change.branch), ("commit", done.change.commit), ("repository", done.repository)])


def _edited(whole: ChangeFacts) -> tuple[ChangeFile, ...]:
    """Open the patch's files in the person's editor and return them as they are left."""
    import msgspec

    editable = [file for file in whole.files if file.text is not None]
    if not editable:
        raise Conflict(f"change request {whole.change.id} has no file that could be edited")
    editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory(prefix="glassgate-") as folder:
        places = [Path(folder) / f"{at}-{Path(file.path).name}" for at, file in enumerate(editable)]
        for place, file in zip(places, editable, strict=True):
            place.write_text(file.text or "", encoding="utf-8")
        try:
            ended = subprocess.run([*editor, *map(str, places)], check=False)  # noqa: S603 - the person's own editor
        except OSError as error:
            raise InvalidInput(f"{editor[0]}: {error.strerror}", hint="set EDITOR") from error
        if ended.returncode != 0:
            raise Conflict(f"{editor[0]} ended with {ended.returncode}; nothing was submitted")
        texts = [place.read_text(encoding="utf-8") for place in places]
    return tuple(msgspec.structs.replace(file, text=text) for file, text in zip(editable, texts, strict=True))


@app.command("withdraw")
def withdraw(ctx: typer.Context, number: Number) -> None:
    """Withdraw a change request; its evidence stays.

    Example:
      glassgate change withdraw 3
    """
    _move(client_of(ctx), "POST /v1/changes/{id}/withdraw", number)


@app.command("was-a-read")
def was_a_read(ctx: typer.Context, number: Number) -> None:
    """Say that what was refused only reads; proposes the change to the catalogue, and drops the draft.

    Example:
      glassgate change was-a-read 3
    """
    from gateway.web.shapes.changes import ChangeId, Proposal

    made = client_of(ctx).call("POST /v1/changes/{id}/was-a-read", ChangeId(id=number), Proposal)
    say(f"Change request {number} is dropped; its evidence stays.")
    say(made.said)
    if made.diff:
        diff(made.diff)


@app.command("draft")
def draft(
    ctx: typer.Context,
    unit: Annotated[str, typer.Argument(metavar="LAST", help="LAST: what was refused last.")] = "LAST",
) -> None:
    """Draft a change request from a refused unit that became none by itself.

    Example:
      glassgate change draft LAST
    """
    from gateway.web.shapes.changes import ChangeLine, DraftLast

    if unit.upper() != "LAST":
        raise InvalidInput(f"{unit!r}: only LAST can be drafted", hint="glassgate change draft LAST")
    made = client_of(ctx).call("POST /v1/changes/draft-last", DraftLast(), ChangeLine)
    say(f"Change request {made.id}: {display(made.title)}; glassgate change show {made.id}", "good")


def _move(client: Client, spot: str, number: int) -> None:
    from gateway.web.shapes.changes import ChangeId, ChangeLine

    moved = client.call(spot, ChangeId(id=number), ChangeLine)
    say(f"Change request {moved.id} is {moved.state}")
