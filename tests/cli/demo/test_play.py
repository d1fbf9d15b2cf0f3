"""The player shows what really happened, and fails where that isn't what was told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.cli.demo.play import Player, markdown
from gateway.cli.demo.terminal import SceneFailed


@pytest.fixture
def player(tmp_path: Path) -> Player:
    made = Player({"PATH": os.environ["PATH"], "TERM": "dumb"}, tmp_path, lambda _: None)
    made.scene("First", "It begins.")
    return made


async def test_a_command_is_shown_with_its_prompt_and_output(player: Player) -> None:
    assert "hello" in await player.run("echo hello", "hel+o")
    assert player.scenes[0].output == "$ echo hello\nhello\n"


async def test_another_output_than_told_fails_and_shows_it(player: Player) -> None:
    with pytest.raises(SceneFailed, match="hello"):
        await player.run("echo hello", "goodbye")


async def test_expectations_hold_in_their_order(player: Player) -> None:
    await player.run("echo one two", "one", "two")
    with pytest.raises(SceneFailed):
        await player.run("echo one two", "two", "one")


async def test_another_exit_status_than_told_fails(player: Player) -> None:
    await player.run("false", status=1)
    with pytest.raises(SceneFailed, match="exit status 1"):
        await player.run("false")


async def test_what_is_asked_is_answered(player: Player) -> None:
    await player.run(
        "sh -c 'printf \"name? \"; read name; echo hi $name'", "hi Ida", typed={r"name\? ": "Ida"}
    )


async def test_a_live_command_goes_on_beside_others(player: Player) -> None:
    live = player.start("sh")
    await live.until(r"[#$] $")
    await player.run("true")
    assert "3" in await live.type("echo $((1+2))", r"^3$", until=r"[#$] $")
    player.close()
    assert live.terminal._process.returncode is not None


def test_markdown_holds_the_scenes_in_order(player: Player) -> None:
    player.scenes[0].output = "$ echo 12:34\n12:34\n"
    player.scene("Second", "It ends.")
    text = markdown(player.scenes, lambda output: output.replace("12:34", "09:30"))
    first = "**First.** It begins.\n\n```console\n$ echo 09:30\n09:30\n```\n"
    assert text == f"{first}\n**Second.** It ends.\n\n```console\n\n```\n"
