"""The terminal that the story is played in is a real one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from gateway.cli.demo.terminal import SceneFailed, Terminal, plain

ENVIRONMENT = {"PATH": os.environ["PATH"], "TERM": "dumb"}


def opened(code: str) -> Terminal:
    return Terminal.open([sys.executable, "-c", code], environment=ENVIRONMENT, folder=Path("/"))


async def test_a_program_sees_a_terminal_and_what_is_typed() -> None:
    terminal = opened("import sys; print(sys.stdin.isatty()); print('got', input('name? '))")
    try:
        assert (await terminal.until(r"name\? ")).startswith("True\n")
        terminal.send("Ida\n")
        rest, status = await terminal.ended()
        assert "got Ida" in rest
        assert status == 0
    finally:
        terminal.close()


async def test_a_password_is_asked_on_the_terminal_and_not_shown() -> None:
    terminal = opened("import getpass; print(len(getpass.getpass('secret: ')))")
    try:
        await terminal.until("secret: ")
        terminal.send("hidden\n")
        rest, _ = await terminal.ended()
        assert "6" in rest
        assert "hidden" not in rest
    finally:
        terminal.close()


async def test_what_never_comes_is_told_with_what_came_instead() -> None:
    terminal = opened("print('something else')")
    try:
        with pytest.raises(SceneFailed, match="something else"):
            await terminal.until("never")
    finally:
        terminal.close()


async def test_closing_ends_the_program() -> None:
    terminal = opened("import time; print('up', flush=True); time.sleep(600)")
    await terminal.until("up")
    terminal.close()
    assert terminal._process.returncode is not None
    terminal.close()


def test_plain_shows_what_a_terminal_shows() -> None:
    assert plain("\x1b[1;31mred\x1b[0m\r\n50%\r100%\r\n\x1b]0;title\x07done") == "red\n100%\ndone"
