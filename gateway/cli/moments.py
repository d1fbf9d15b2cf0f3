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
            print(_indented(moment.text, first="          "), flush=True)
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
    rows = "" if moment.rows is None else f"  {counted(moment.rows, 'row')}"
    return f"{display(moment.tag)}{rows}{seconds}"


def _facts(moment: Moment) -> str:
    return ", ".join(f"{display(key)} {display(value)}" for key, value in moment.facts.items() if value)


def _indented(text: str, *, first: str = "") -> str:
    """Show text of several lines below the place where it begins."""
    return first + ("\n" + " " * 10).join(display(text, multiline=True).splitlines())
