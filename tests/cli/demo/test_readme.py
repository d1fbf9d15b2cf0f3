"""README.md tells the story as it is really printed."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pytest

from gateway.cli.demo.readme import BEGIN, END, story_of, with_story
from gateway.domain.errors import InvalidInput

README = Path(__file__).resolve().parents[3] / "README.md"
BLOCKS = re.compile(r"\d+ blocks?")
"""A busy machine closes a recording's blocks at other moments."""


@pytest.mark.timeout(180)
async def test_the_story_in_the_readme_is_what_a_play_prints() -> None:
    play = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway.cli.main", "demo", "--play", "--markdown"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, complained = await play.communicate()
    assert play.returncode == 0, complained.decode()
    if b"There was no " in complained:
        pytest.skip(complained.decode())
    told = (BLOCKS.sub("… blocks", text) for text in (printed.decode().strip(), story_of(README.read_text())))
    assert next(told) == next(told), "`make story` writes it anew"


def test_a_story_is_put_in_its_place_alone() -> None:
    page = f"before\n{BEGIN}old\n{END}after\n"
    assert with_story(page, "new") == f"before\n{BEGIN}\nnew\n\n{END}after\n"
    assert story_of(with_story(page, "new")) == "new"
    with pytest.raises(InvalidInput):
        story_of("nothing here")
