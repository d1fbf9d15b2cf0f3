"""Keeps the story in README.md as it is printed; ``make story`` writes it anew."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from gateway.domain.errors import InvalidInput

BEGIN: Final = "<!-- story: printed by `glassgate demo --play --markdown` -->\n"
END: Final = "<!-- end of story -->\n"


def story_of(page: str) -> str:
    """Return the story as it stands in a page.

    Raises:
        InvalidInput: the page has no place for it.
    """
    found = re.search(f"{re.escape(BEGIN)}(.*?){re.escape(END)}", page, re.DOTALL)
    if found is None:
        raise InvalidInput("the page has no story", hint=f"mark its place: {BEGIN.strip()} … {END.strip()}")
    return found[1].strip()


def with_story(page: str, story: str) -> str:
    """Return the page with another story in its place."""
    return page.replace(f"{BEGIN}{_between(page)}{END}", f"{BEGIN}\n{story.strip()}\n\n{END}")


def _between(page: str) -> str:
    return page.partition(BEGIN)[2].partition(END)[0]


if __name__ == "__main__":
    place = Path(sys.argv[1])
    played = subprocess.run(
        [sys.executable, "-m", "gateway.cli.main", "demo", "--play", "--markdown"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    place.write_text(with_story(place.read_text(), played.stdout))
