"""The governed shell before a terminal emulator; its host here is a port that runs lines in the real sh."""

from __future__ import annotations

import asyncio
import subprocess
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pyte

from gateway.terminal.shell import GovernedShell, Place, Ran

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass
class Desk:
    """A person at a terminal of an emulator's."""

    keys: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    screen: pyte.Screen = field(default_factory=lambda: pyte.Screen(60, 30))
    still: bool = True
    behind: bytes = b""

    def write(self, data: bytes) -> None:
        pyte.ByteStream(self.screen).feed(data)

    async def read(self) -> bytes:
        behind, self.behind = self.behind, b""
        return behind or await self.keys.get()

    def back(self, data: bytes) -> None:
        self.behind = data + self.behind

    def width(self) -> int:
        return self.screen.columns

    def plain(self) -> bool:
        return self.still

    @property
    def rows(self) -> list[str]:
        return [row.rstrip() for row in self.screen.display if row.strip()]


@dataclass
class Sh:
    """A host's port: refuses what holds ``rm``, runs the rest."""

    desk: Desk
    home: str
    name: str = "web-1"
    commands: Sequence[str] = ("cat", "cut", "ls")
    seconds: float = 2520.0
    lines: list[str] = field(default_factory=list)

    async def run(self, line: str, place: Place) -> Ran:
        self.lines.append(line)
        if line.count("'") % 2 or line.endswith("\\"):
            return Ran(place, unfinished=True)
        if "rm " in line:
            self.desk.write(b"glassgate: rm removes files; it was not run\r\n")
            return Ran(replace(place, status=126))
        ran = subprocess.run(
            ["/bin/sh", "-c", f"cd '{place.folder or self.home}'; {line}"], capture_output=True, check=False
        )
        self.desk.write(ran.stdout.replace(b"\n", b"\r\n"))
        folder = f"{self.home}/logs" if line == "cd logs" else place.folder
        return Ran(Place(folder, place.variables, ran.returncode))

    async def entries(self, folder: str, place: Place) -> list[str]:
        del place
        return ["logs/", "my file.txt", "notes.txt", ".hidden"] if folder in (".", f"{self.home}/") else []

    def remaining(self) -> float:
        return self.seconds


def desk_in(folder: Path) -> tuple[Desk, Sh, GovernedShell]:
    (folder / "logs").mkdir()
    (folder / "logs" / "access").write_text("GET /\n")
    desk = Desk()
    host = Sh(desk, str(folder))
    return desk, host, GovernedShell(desk, host)


async def typed(desk: Desk, shell: GovernedShell, *keys: bytes) -> int:
    for each in keys:
        desk.keys.put_nowait(each)
    desk.keys.put_nowait(b"")
    async with asyncio.timeout(10):
        return await shell.run()


async def test_lines_run_and_the_folder_is_kept(tmp_path: Path) -> None:
    desk, host, shell = desk_in(tmp_path)
    await typed(desk, shell, b"echo hello\r", b"cd logs\r", b"cat access\r")
    assert desk.rows == [
        "web-1 [glass 42m] ~ $ echo hello",
        "hello",
        "web-1 [glass 42m] ~ $ cd logs",
        "web-1 [glass 42m] ~/logs $ cat access",
        "GET /",
        "web-1 [glass 42m] ~/logs $",
    ]
    assert host.lines == ["echo hello", "cd logs", "cat access"]


async def test_a_refused_line_says_why_and_the_prompt_is_back(tmp_path: Path) -> None:
    desk, _, shell = desk_in(tmp_path)
    assert await typed(desk, shell, b"rm -rf /\r") == 126
    assert desk.rows[1:] == ["glassgate: rm removes files; it was not run", "web-1 [glass 42m] ~ $"]


async def test_a_line_goes_on_until_it_is_whole(tmp_path: Path) -> None:
    desk, host, shell = desk_in(tmp_path)
    await typed(desk, shell, b"echo one \\\r", b"two\r", b"echo 'a\r", b"b'\r")
    assert host.lines == ["echo one \\", "echo one \\\ntwo", "echo 'a", "echo 'a\nb'"]
    assert "> two" in desk.rows
    assert desk.rows[-3:-1] == ["a", "b"]


async def test_control_c_gives_a_line_up_and_control_d_leaves(tmp_path: Path) -> None:
    desk, host, shell = desk_in(tmp_path)
    assert await typed(desk, shell, b"echo x\x03", b"echo 'open\r", b"\x03", b"\x04", b"echo never\r") == 130
    assert host.lines == ["echo 'open"]
    assert "web-1 [glass 42m] ~ $ echo x^C" in desk.rows


async def test_exit_takes_a_status(tmp_path: Path) -> None:
    desk, host, shell = desk_in(tmp_path)
    assert await typed(desk, shell, b"exit 3\r") == 3
    assert host.lines == []


async def test_nothing_is_suspended(tmp_path: Path) -> None:
    desk, _, shell = desk_in(tmp_path)
    await typed(desk, shell, b"\x1a")
    assert "glassgate: nothing can be suspended here; exit leaves" in desk.rows


async def test_words_are_completed(tmp_path: Path) -> None:
    desk, host, shell = desk_in(tmp_path)
    await typed(
        desk,
        shell,
        b"l\t lo\taccess\r",
        b"cat m\t\r",
        b"cat 'my\t\r",
        b"cat ~/n\t\r",
        b"ls | cu\t-c1\r",
        b"c\t\t\x15",
    )
    assert host.lines == [
        "ls  logs/access",
        "cat my\\ file.txt ",
        "cat 'my file.txt' ",
        "cat ~/notes.txt ",
        "ls | cut -c1",
    ]
    assert "cat  cut" in desk.rows


async def test_history_and_help_are_the_shells_own(tmp_path: Path) -> None:
    desk, host, shell = desk_in(tmp_path)
    await typed(desk, shell, b"echo one\r", b"history\r", b"help\r", b"\x1b[A\x1b[A\x1b[A\r")
    assert host.lines == ["echo one", "echo one"]
    assert "    1  echo one" in desk.rows
    assert any("This is glass" in row for row in desk.rows)


async def test_the_line_before_and_the_history_are_at_hand(tmp_path: Path) -> None:
    desk, host, shell = desk_in(tmp_path)
    await typed(desk, shell, b"!!\r", b"echo one\r", b"!! two\r", b"history | grep -c one\r", b"ll logs\r")
    assert host.lines[:2] == ["echo one", "echo one two"]
    assert host.lines[3] == "ls -alF logs"
    assert "3" in desk.rows
    assert desk.rows.count("echo one two") == 1
    assert any("no line was entered before" in row for row in desk.rows)


async def test_cd_leads_back_to_where_it_stood(tmp_path: Path) -> None:
    desk, host, shell = desk_in(tmp_path)
    await typed(desk, shell, b"cd logs\r", b"cd -\r")
    assert host.lines == ["cd logs", f"cd -- {tmp_path}"]
    assert "web-1 [glass 42m] ~/logs $ cd -" in desk.rows


async def test_a_warning_stands_above_the_line(tmp_path: Path) -> None:
    desk, _, shell = desk_in(tmp_path)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(shell.run())
        desk.keys.put_nowait(b"cat ha")
        while "cat ha" not in "".join(desk.rows):
            await asyncio.sleep(0)
        shell.tell("your grant ends in 5 minutes")
        desk.keys.put_nowait(b"\x15")
        desk.keys.put_nowait(b"")
        await task
    assert desk.rows[1] == "glassgate: your grant ends in 5 minutes"


async def test_the_mark_changes_with_the_time_that_is_left(tmp_path: Path) -> None:
    desk, host, shell = desk_in(tmp_path)
    desk.still = False
    host.seconds = 7380.0
    await typed(desk, shell)
    assert desk.rows == ["web-1 ◇ 2h03m ~ $"]
