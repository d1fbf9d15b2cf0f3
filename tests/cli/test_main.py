"""The command line as a whole: every command is there, described, with an example; it starts fast."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from stopwatch import worked
from typer.testing import CliRunner

from gateway.cli.main import COMMANDS, Entry, cli, load, main
from gateway.cli.statuses import MEANING, Status


def entries(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Yield every command and every group of them, with the words that lead to it."""
    yield name, command
    for word, inner in getattr(command, "commands", {}).items():
        yield from entries(f"{name} {word}", inner)


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_the_help_says_what_the_command_says(entry: Entry) -> None:
    command = load(entry)
    assert (command.help or "").startswith(entry.summary.removesuffix("."))


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_every_help_text_has_an_example(entry: Entry) -> None:
    without = [
        name for name, command in entries(entry.name, load(entry)) if "Example" not in (command.help or "")
    ]
    assert not without


@pytest.mark.parametrize("words", [[], ["--help"], ["change", "--help"], ["token", "machine", "--help"]])
def test_help_is_printed(words: list[str]) -> None:
    result = CliRunner().invoke(cli, words)
    assert "Usage:" in result.output


@pytest.mark.parametrize("name", ["change", "endpoint", "judge", "person", "policy", "token"])
def test_a_groups_help_is_plain_and_whole(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([name, "--help"])
    said = capsys.readouterr().out
    assert "completion" not in said
    assert "…" not in said
    assert "..." not in said.replace("[ARGS]...", "")
    assert "─" not in said


def test_exit_statuses_stand_in_the_help() -> None:
    output = CliRunner().invoke(cli, ["--help"]).output
    assert set(MEANING) == set(Status)
    for status, meaning in MEANING.items():
        assert f"  {int(status)} " in output
        assert meaning.split(";")[0] in " ".join(output.split())


def test_an_unknown_command_is_a_usage_error() -> None:
    assert CliRunner().invoke(cli, ["no-such-command"]).exit_code == Status.USAGE


def test_without_a_login_the_status_says_so(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GLASSGATE_HOME", str(tmp_path))
    monkeypatch.delenv("GLASSGATE_TOKEN", raising=False)
    with pytest.raises(SystemExit) as ended:
        main(["--profile", "approver", "whoami"])
    assert ended.value.code == Status.NOT_AUTHORISED
    assert "glassgate --profile approver login" in capsys.readouterr().err


def test_a_gateway_that_is_away_is_said(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GLASSGATE_HOME", str(tmp_path))
    monkeypatch.setenv("GLASSGATE_TOKEN", "t")
    with pytest.raises(SystemExit) as ended:
        main(["--url", "https://127.0.0.1:9", "whoami"])
    assert ended.value.code == Status.UNAVAILABLE
    assert "can't be reached" in capsys.readouterr().err


def test_the_help_comes_at_once() -> None:
    environment = {**os.environ, "TERM": "dumb"}
    times = []
    for _ in range(5):
        before = worked()
        subprocess.run(
            [sys.executable, "-m", "gateway.cli.main", "--help"],
            check=True,
            capture_output=True,
            env=environment,
        )
        times.append(worked() - before)
    assert min(times) < 0.3


def test_completion_offers_commands_without_loading_them() -> None:
    environment = {
        **os.environ,
        "_GLASSGATE_COMPLETE": "complete_bash",
        "COMP_WORDS": "glassgate end",
        "COMP_CWORD": "1",
    }
    ended = subprocess.run(
        [sys.executable, "-c", "from gateway.cli.main import main; main()"],
        check=False,
        capture_output=True,
        env=environment,
        text=True,
    )
    assert ended.stdout.split() == ["endpoints", "endpoint"]
