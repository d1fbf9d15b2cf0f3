"""replay, search, export."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.durations import moment_text, parse_moment
from gateway.cli.moments import cut
from gateway.cli.options import By, EndpointOption, Json, Limit, Since, Why, client_of
from gateway.cli.show import say, styled
from gateway.domain.display import display
from gateway.domain.errors import InvalidInput

if TYPE_CHECKING:
    from gateway.web.shapes.sessions import Hit

FORMATS = ("jsonl", "html", "asciicast", "text")

Number = Annotated[int, typer.Argument(metavar="ID", help="Of the session.")]


def replay(
    ctx: typer.Context,
    number: Number,
    *,
    play: Annotated[
        bool, typer.Option("--play", help="Play the terminal in its own time; Ctrl-C stops.")
    ] = False,
    speed: Annotated[float, typer.Option("--speed", min=0.1, max=1000, help="So many times as fast.")] = 1.0,
    pause: Annotated[
        float, typer.Option("--max-pause", min=0, help="Longest pause, in seconds of the play.")
    ] = 2.0,
    command: Annotated[
        int, typer.Option("--from", min=1, help="Begin the play at this command of the session.")
    ] = 1,
    why: Why = "",
    json: Json = False,
) -> None:
    """Show what was run in a session, with verdicts and times.

    Results and output are shown too, where the endpoint's settings record them. Very long lines end early;
    they stand whole in what `--json` and `glassgate export` give.

    Example:
      glassgate replay 7
      glassgate replay 7 --play --speed 4
      glassgate replay 7 --json | jq 'select(.verdict == "change")'
    """
    from gateway.cli.moments import print_moments
    from gateway.cli.player import play_cast
    from gateway.web.shapes.sessions import Export, Watched

    client = client_of(ctx)
    if play:
        question = Export(id=number, format="asciicast", why=why)
        play_cast(
            client.chunks("GET /v1/sessions/{id}/export", question), speed=speed, pause=pause, command=command
        )
        return
    print_moments(client.json_lines("GET /v1/sessions/{id}/replay", Watched(id=number, why=why)), json=json)


def search(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(help="To find in what was run, in any case.")],
    *,
    by: By = "",
    endpoint: EndpointOption = "",
    since: Since = "",
    limit: Limit = 200,
    why: Why = "",
    json: Json = False,
) -> None:
    """Find what was run, by whom and where; newest first.

    Example:
      glassgate search customers --since 2d
    """
    import msgspec

    from gateway.web.shapes.sessions import Hit, Search

    question = Search(
        text=text,
        by=by,
        endpoint=endpoint,
        since=parse_moment(since) if since else None,
        limit=limit,
        why=why,
    )
    found = False
    for line in client_of(ctx).json_lines("GET /v1/search", question):
        found = True
        if json:
            print(line.decode(), flush=True)
        else:
            _print(msgspec.json.decode(line, type=Hit))
    if not found and not json:
        say("Nothing found.", "dim")


def _print(hit: Hit) -> None:
    place = f"{moment_text(hit.at)}  session {hit.session}/{hit.number}"
    print(
        f"{styled(place, 'dim')}  {display(hit.identity)} at {display(hit.endpoint)}  {display(hit.verdict)}"
    )
    print("  " + display(hit.text, multiline=True).replace("\n", "\n  "), flush=True)
    if hit.output:
        print(styled(f"  → {display(cut(hit.output))}", "dim"), flush=True)


def export(
    ctx: typer.Context,
    number: Number,
    *,
    kind: Annotated[
        str, typer.Option("--format", help="jsonl, html, asciicast (a terminal's play) or text.")
    ] = "jsonl",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; else standard output.")
    ] = None,
    why: Why = "",
) -> None:
    """Take a recording out as a file.

    A jsonl file carries its proof: `glassgate verify FILE --checkpoint FILE` needs no gateway.

    Example:
      glassgate export 7 --format html -o session-7.html
      glassgate export 7 --format asciicast -o session-7.cast
    """
    from gateway.web.shapes.sessions import Export

    if kind not in FORMATS:
        raise InvalidInput(f"{kind!r} is no format", hint=f"--format {', '.join(FORMATS)}")
    chunks = client_of(ctx).chunks("GET /v1/sessions/{id}/export", Export(id=number, format=kind, why=why))
    if output is None:
        for chunk in chunks:
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
        return
    draft = output.with_name(f".{output.name}.part")
    try:
        with draft.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
        draft.replace(output)
    except OSError as error:
        raise InvalidInput(f"{output}: {error.strerror or error}") from error
    finally:
        draft.unlink(missing_ok=True)
    say(f"Written to {display(str(output))}")
