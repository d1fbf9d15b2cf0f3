"""The corpora of programs inside command lines, and a folder in which what is allowed is really run."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from corpora import CORPUS

INPUT = 'a b/c 1\nfoo "x" 3\n\n5 6 7\nnginx error 500\n'
SECONDS = 5


@dataclass(frozen=True, slots=True)
class Row:
    """One program with its verdict, and the line that holds it."""

    verdict: str
    text: str
    place: str


def rows(language: str) -> list[Row]:
    """Every program of a language."""
    found = []
    path = CORPUS / "shell_programs" / "programs.jsonl"
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        row = json.loads(line)
        if row["language"] == language:
            found.append(Row(row["verdict"], row["text"], f"{path.name}:{number}"))
    return found


def find_rows() -> list[tuple[str, list[str | Mapping[str, object]], str]]:
    """Every find: verdict, words (a table is a word that expands) and place."""
    path = CORPUS / "shell_programs" / "find.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    read = [(json.loads(line), f"{path.name}:{number}") for number, line in enumerate(lines, start=1)]
    return [(row["verdict"], row["argv"], place) for row, place in read]


def present(*commands: list[str]) -> list[list[str]]:
    """Those of these commands that are on this machine."""
    return [command for command in commands if _runs(command)]


def _runs(command: list[str]) -> bool:
    if shutil.which(command[0]) is None:
        return False
    if command[0] != "busybox":
        return True
    listed = subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True)
    return command[1] in listed.stdout.split()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a program came to: exit status and output; ``wrote`` names what it left behind."""

    status: int
    output: bytes
    complaints: bytes
    wrote: tuple[str, ...]


def run(command: list[str], folder: Path) -> Outcome:
    """Run a command in a scratch folder that holds one file, ``in``, and look at what it left there."""
    folder.mkdir(exist_ok=True)
    (folder / "in").write_text(INPUT, encoding="utf-8")
    try:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        done = subprocess.CompletedProcess(command, 124, b"", b"timeout")
    left = tuple(sorted(path.name for path in folder.iterdir() if path.name != "in"))
    changed = () if (folder / "in").read_text(encoding="utf-8") == INPUT else ("in",)
    return Outcome(done.returncode, done.stdout, done.stderr, left + changed)


def bent(texts: Sequence[str], pieces: Sequence[str], dice: random.Random) -> str:
    """Return one of some texts with one to three pieces put into it or in the place of what stands there."""
    text = dice.choice(texts)
    for _ in range(dice.randint(1, 3)):
        place = dice.randrange(len(text) + 1)
        piece = dice.choice(pieces)
        text = text[:place] + dice.choice([piece, piece, ""]) + text[place + dice.choice([0, 0, 1, 3]) :]
    return text
