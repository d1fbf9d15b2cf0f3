"""What the pages say is true: marked commands are run, every other command and option mentioned exists.

In a page, ``<!-- run -->`` before a ``console`` block has its commands run in order (``<!-- run status=77
-->`` where they end otherwise), on a demo that is as at its start for each page; the lines under a command
must be printed by it, in their order, ``…`` standing for anything. ``<!-- before: COMMAND -->`` is run and
not shown.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.cli.demo import story
from gateway.cli.demo.play import Player, check
from gateway.cli.demo.ports import free_ports
from gateway.cli.demo.stage import Stage, open_stage, ready, start_gateway, stop_gateway
from gateway.cli.demo.steady import steady
from gateway.cli.main import COMMANDS, load

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
TEXTS = [*PAGES, ROOT / "README.md", ROOT / "SECURITY.md"]
BLOCK = re.compile(
    r"<!-- before: (?P<before>.+?) -->"
    r"|<!-- run(?: status=(?P<status>\d+))? -->\n+```console\n(?P<body>.*?)```",
    re.DOTALL,
)
MENTION = re.compile(r"(?:^\$ |^    (?:.* gateway )?|`)(glassgate [^`\n]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Marked:
    command: str
    status: int
    printed: tuple[str, ...]


def marked(page: str) -> Iterator[Marked]:
    for block in BLOCK.finditer(page):
        if block["before"]:
            yield Marked(block["before"], 0, ())
            continue
        for part in re.split(r"^\$ ", block["body"], flags=re.MULTILINE)[1:]:
            lines = part.replace("\\\n", "").splitlines()
            shown = tuple(_pattern(line) for line in lines[1:] if line.strip() not in {"", "…"})
            yield Marked(lines[0], int(block["status"] or 0), shown)


def _pattern(line: str) -> str:
    """A printed line as a regular expression: ``…`` is anything, runs of spaces are as wide as they like."""
    return r"\s+".join(re.escape(word).replace("…", ".*?") for word in line.split())


KEPT = ("gateway", "home", "shop.git", "web.git", "mailer.git")
"""What commands change in a demo's folder: sample production is only looked at."""


@pytest.fixture(scope="module")
async def demo() -> AsyncIterator[Stage]:
    """A demo whose gateway has been stopped, and beside its folder what that held."""
    place = Path(tempfile.mkdtemp(prefix="gg-", dir="/tmp"))
    place.chmod(0o755)
    try:
        async with open_stage(place / "demo", free_ports(), lambda _: None) as stage:
            await stop_gateway(stage.gateway)
            (place / "kept").mkdir()
            copy(stage.folder, place / "kept")
            yield stage
    finally:
        shutil.rmtree(place)


@pytest.fixture
async def stage(demo: Stage) -> AsyncIterator[Stage]:
    """The demo as it was at its start."""
    for part in KEPT:
        shutil.rmtree(demo.folder / part)
    copy(demo.folder.parent / "kept", demo.folder)
    gateway = start_gateway(demo.folder, demo.ports)
    try:
        await ready(gateway, demo.folder, demo.ports)
        yield demo
    finally:
        await stop_gateway(gateway)


def copy(source: Path, target: Path) -> None:
    """Copy what commands change, with its owners: as root, PostgreSQL runs under another account."""
    subprocess.run(["cp", "-a", *(source / part for part in KEPT), target], check=True)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if "<!-- run" in page.read_text()], ids=lambda page: page.stem
)
async def test_the_marked_commands_of_a_page_do_what_it_says(page: Path, stage: Stage) -> None:
    text = page.read_text()
    if stage.host is None and "web-1" in text:
        pytest.skip(stage.without)
    if stage.engine is None and any("prod-docker" in one.command for one in marked(text)):
        pytest.skip(stage.without_engine)
    player = Player(environment(stage), stage.folder, lambda _: None)
    player.scene(page.stem, "")
    try:
        for one in marked(text):
            command = here(one.command, stage)
            output = await player.run(
                "sh -c " + shlex.quote(command), status=one.status, typed=answers(stage, command)
            )
            check(command, steady(output, stage), one.printed)
    finally:
        player.close()


def here(command: str, stage: Stage) -> str:
    """A command as a page has it, for the page's own demo: its folder and its ports."""
    ports = {
        "8443": stage.ports.api,
        "6432": stage.ports.postgres,
        "2222": stage.ports.ssh,
        "2376": stage.ports.docker,
        "6443": stage.ports.kubernetes,
    }
    for shown, real in ports.items():
        command = command.replace(shown, str(real))
    return command.replace(".demo", str(stage.folder))


def environment(stage: Stage) -> dict[str, str]:
    plain = {
        "TERM": "xterm",
        "NO_COLOR": "1",
        "TZ": "UTC",
        "LANG": "C.UTF-8",
        "PAGER": "cat",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    return {**stage.environment, **plain, "PSQLRC": os.devnull, "PSQL_HISTORY": os.devnull}


def answers(stage: Stage, command: str) -> dict[str, str]:
    login = re.search(r" login .*--name (\w+)", command)
    return {} if login is None else dict(story.answers(stage, login[1]))


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)
def test_every_command_mentioned_exists_with_its_options(text: Path) -> None:
    wrong = [
        f"{mention}: {problem}"
        for mention in MENTION.findall(text.read_text().replace("\\\n", " "))
        if (problem := problem_of(mention))
    ]
    assert not wrong, "\n".join(wrong)


def problem_of(mention: str) -> str:
    """Say what is wrong with a command as mentioned; empty: nothing."""
    try:
        words = shlex.split(mention.replace("…", " "), comments=True)[1:]
    except ValueError:
        return "quotes"
    while words and words[0] in {"--profile", "--url"}:
        words = words[2:]
    if not words or words[0].startswith("-") or not words[0].islower():
        return ""
    entry = next((entry for entry in COMMANDS if entry.name == words[0]), None)
    if entry is None:
        return f"no command {words[0]}"
    command = load(entry)
    words = words[1:]
    while hasattr(command, "commands"):
        if not words or not words[0].replace("-", "").islower():
            return ""
        if words[0] not in command.commands:
            return f"no subcommand {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    options = (word.split("=")[0] for word in _until_dashes(words) if re.match(r"--?[a-z]", word))
    unknown = [word for word in options if word not in known | {"--help"}]
    return f"no options {unknown}" if unknown else ""


def _until_dashes(words: list[str]) -> list[str]:
    return words[: words.index("--")] if "--" in words else words


def test_links_between_pages_lead_somewhere() -> None:
    wrong = [
        f"{text.relative_to(ROOT)}: {link}"
        for text in TEXTS
        for link in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text.read_text())
        if not (text.parent / link).exists()
    ]
    assert not wrong, "\n".join(wrong)
