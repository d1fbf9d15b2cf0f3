"""Catalogue files: what is wrong in them is named by file, line and mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.domain.errors import ConfigurationBroken
from gateway.judge.catalogue import FOLDER, load_postgres
from gateway.judge.postgres.builtin import builtin
from gateway.judge.postgres.snapshot import INTERNAL

TRIGGERS = {2279, 3838}


def _broken(folder: Path, old: str, new: str) -> ConfigurationBroken:
    text = (FOLDER / "postgres.toml").read_text(encoding="utf-8")
    assert old in text
    (folder / "postgres.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigurationBroken) as caught:
        load_postgres(folder)
    return caught.value


def test_an_unknown_key_names_its_line(tmp_path: Path) -> None:
    error = _broken(tmp_path, "[settings]\n", "[settings]\nsave = []\n")
    line = (tmp_path / "postgres.toml").read_text(encoding="utf-8").splitlines().index("save = []") + 1
    assert f"postgres.toml:{line}:" in error.message
    assert error.hint


def test_a_wrong_word_names_its_line(tmp_path: Path) -> None:
    error = _broken(tmp_path, 'decision = "change"', 'decision = "chnage"')
    assert "chnage" in error.message


def test_broken_toml_names_its_line(tmp_path: Path) -> None:
    assert "line" in _broken(tmp_path, "[settings]", "[settings").message


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationBroken, match=r"postgres\.toml"):
        load_postgres(tmp_path)


def test_the_fingerprint_follows_the_content(tmp_path: Path) -> None:
    text = (FOLDER / "postgres.toml").read_text(encoding="utf-8")
    (tmp_path / "postgres.toml").write_text(text + "\n# a remark\n", encoding="utf-8")
    assert load_postgres(tmp_path).fingerprint == load_postgres().fingerprint
    (tmp_path / "postgres.toml").write_text(text.replace('"random", ', ""), encoding="utf-8")
    assert load_postgres(tmp_path).fingerprint != load_postgres().fingerprint


def test_every_volatile_built_in_was_looked_at() -> None:
    """Each that can be called stands in the catalogue by name or family: none is refused for want of it."""
    functions = load_postgres().functions
    unseen = {
        function.name
        for function in builtin().functions_by_oid.values()
        if function.volatility == "v"
        and INTERNAL not in function.arguments
        and function.result not in TRIGGERS
        and not functions.is_safe(function.name)
        and functions.denial(function.name, len(function.arguments)) is None
        and function.name not in functions.by_argument
    }
    assert unseen == set()


def test_every_name_in_the_catalogue_means_a_function() -> None:
    functions = load_postgres().functions
    older = {"pg_read_file_old", "pg_rotate_logfile_old"}
    known = {function.name for function in builtin().functions_by_oid.values()} | older
    families = (name for family in functions.denied for name in family.names)
    named = {*functions.safe, *functions.by_argument, *families}
    whole = {name.split("/")[0] for name in named if not name.endswith("*")}
    starts = {name[:-1] for name in named if name.endswith("*")}
    assert whole <= known
    assert [start for start in starts if not any(name.startswith(start) for name in known)] == ["pg_file_"]


def test_operators_of_the_server_reach_nothing_that_is_denied() -> None:
    functions = load_postgres().functions
    snapshot = builtin()
    for operator in snapshot.operators_by_oid.values():
        for oid in operator.functions:
            function = snapshot.functions_by_oid[oid]
            assert function.volatility != "v"
            assert functions.denial(function.name, len(function.arguments)) is None
