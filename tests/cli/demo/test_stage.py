"""The demo's folder: only ever its own is emptied, and one demo at a time lives in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.cli.demo import stage
from gateway.domain.errors import ConfigurationBroken, StoreUnavailable


def test_a_folder_with_somebodys_files_is_not_touched(short_folder: Path) -> None:
    (short_folder / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigurationBroken, match="not empty and not a demo's"):
        stage.make_folder(short_folder)
    assert (short_folder / "thesis.txt").read_text() == "years of work"


def test_a_demos_folder_is_emptied_and_held(short_folder: Path) -> None:
    folder = short_folder / "demo"
    os.close(stage.make_folder(folder))
    (folder / "home").mkdir()
    (folder / "home" / "profile").touch()
    held = stage.make_folder(folder)
    try:
        assert not (folder / "home").exists()
        with pytest.raises(StoreUnavailable, match="a demo is running"):
            stage.make_folder(folder)
    finally:
        os.close(held)


def test_a_link_to_another_folder_is_not_followed(short_folder: Path) -> None:
    real = short_folder / "real"
    os.close(stage.make_folder(real))
    (short_folder / "link").symlink_to(real)
    with pytest.raises(ConfigurationBroken, match="belongs to another user"):
        stage.make_folder(short_folder / "link")


def test_the_folder_can_be_chosen(short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLASSGATE_DEMO_DIR", str(short_folder / "mine"))
    assert stage.choose_folder() == short_folder / "mine"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run under another account")
def test_as_root_in_a_closed_folder_the_demo_lives_elsewhere(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GLASSGATE_DEMO_DIR", raising=False)
    monkeypatch.chdir(short_folder)
    assert stage.choose_folder() == short_folder / ".demo"
    closed = short_folder / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.chdir(closed)
    assert stage.choose_folder() == stage.FOLDER_OF_ROOT
