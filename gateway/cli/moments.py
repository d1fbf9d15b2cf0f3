"""How a session's frames are printed: by `watch` as they come, by `replay` from a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gateway.cli.durations import moment_text
from gateway.cli.show import say, styled
from gateway.domain.display import counted, display
from gateway.web.shapes.sessions import Moment

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_LINE = 500
"""Characters of a line of output that are shown; a whole JSON answer stands in one."""
LOOKS = {"allow": "good", "change": "warn", "refuse": "bad"}


def print_moments(lines: Iterable[bytes], *, json: bool) -> None:
    """Print what happened in a session, line by line.

    Args:
        lines: JSON of each moment.
        json: as they came.
    """
    for line in lines:
        if json:
            print(line.decode(), flush=True)
        else:
            _print(msgspec.json.decode(line, type=Moment))


def _print(moment: Moment) -> None:
    at = styled(moment_text(moment.at), "dim")
    match moment.kind:
        case "opened":
            say(f"session {moment.session}: {_facts(moment)}", "bold")
        case "unit":
            verdict = styled(moment.verdict.ljust(6), LOOKS.get(moment.verdict, "bad"))
            asked = " (gateway)" if moment.origin == "gateway" else ""
            print(f"{at}  {verdict}  {moment.number}{asked}  {_indented(moment.text)}", flush=True)
            if moment.values is not None:
                told = ", ".join("NULL" if value is None else display(value) for value in moment.values)
                print(f"          with {told}")
            if moment.verdict != "allow":
                say(f"          {display(moment.rule)}: {display(moment.reason)}", "warn")
        case "answer":
            print(f"{at}  {styled('answer', 'dim')}  {moment.number}  {_answer(moment)}", flush=True)
        case "output":
            print(_indented(cut(moment.text), first="          "), flush=True)
        case "ended":
            who = f" by {display(moment.by)}" if moment.by else ""
            say(
                f"{moment_text(moment.at)}  ended ({display(moment.rule)}{who}): {display(moment.text)}",
                "bold",
            )
        case _:
            print(
                f"{at}  {styled(display(moment.kind), 'place')}  {display(moment.text)} {_facts(moment)}",
                flush=True,
            )


def _answer(moment: Moment) -> str:
    seconds = "" if moment.seconds is None else f"  {moment.seconds * 1000:.1f} ms"
    if moment.error:
        return styled(f"{display(moment.error_code)} {display(moment.error)}", "bad") + seconds
    if moment.rows is not None:
        return f"{display(moment.tag)}  {counted(moment.rows, 'row')}{seconds}"
    size = f"  {size_text(moment.size)}" if moment.size else ""
    return f"{display(moment.tag)}{size}{seconds}"


def size_text(size: int) -> str:
    """Return a number of bytes as people read it."""
    if size < 1024:
        return f"{size} B"
    shown, *larger = size / 1024, "KiB", "MiB", "GiB"
    while shown >= 1024 and len(larger) > 1:
        shown, larger = shown / 1024, larger[1:]
    return f"{shown:.1f} {larger[0]}"


def cut(text: str) -> str:
    """Return a text whose long lines end early, and say by how much."""
    return "\n".join(
        line
        if len(line) <= LONGEST_LINE
        else f"{line[:LONGEST_LINE]} … and {counted(len(line) - LONGEST_LINE, 'character')} more"
        for line in text.split("\n")
    )


def _facts(moment: Moment) -> str:
    return ", ".join(f"{display(key)} {display(value)}" for key, value in moment.facts.items() if value)


def _indented(text: str, *, first: str = "") -> str:
    """Show text of several lines below the place where it begins."""
    return first + ("\n" + " " * 10).join(display(text, multiline=True).splitlines())
