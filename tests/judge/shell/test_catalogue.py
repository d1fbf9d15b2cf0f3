"""The shell's catalogue: it loads, says nothing twice, and knows the options that real programs have."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest
from corpora import cases

from gateway.domain.errors import ConfigurationBroken
from gateway.judge.shell.builtins import BUILTINS
from gateway.judge.shell.catalogue import ShellCatalogue, forms, load_shell
from gateway.judge.shell.commands import Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Effect
from gateway.judge.shell.judge import judge
from gateway.judge.shell.nested.registry import JUDGES
from gateway.judge.shell.options import Prepared

_LONG = re.compile(r"(?<![\w-])--[a-zA-Z][\w-]*")

NOT_OPTIONS: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(("delv", "dig", "tc", "devlink", "e2label"), frozenset(("--help",))),
    **dict.fromkeys(
        ("iptables-save", "ip6tables-save", "arptables-save", "ebtables-save"), frozenset(("--help",))
    ),
    **dict.fromkeys(("iptables-legacy-save", "ip6tables-legacy-save"), frozenset(("--help",))),
    **dict.fromkeys(("iptables-nft-save", "ip6tables-nft-save"), frozenset(("--help",))),
    "diff": frozenset(("--GTYPE-group-format", "--LTYPE-line-format")),
    "npm": frozenset(("--key",)),
    "rg": frozenset(("--print0",)),
    "btrfs": frozenset(("--dump", "--forget", "--subvolid")),
    "busybox": frozenset(("--install", "--show")),
    "pip": frozenset(("--no-index",)),
}
"""What a program's help names and what is no option of it: placeholders, other programs', subcommands'."""

PARTLY: Final = frozenset(
    (
        *("zgrep", "zegrep", "zfgrep"),  # its help names what the script turns down
        *("bzcat", "lz4cat", "zstdcat"),  # options of compressing
        *("mysqlbinlog", "mariadb-binlog", "mysqlshow", "mariadb-show"),  # connections to other servers
        "systemd-creds",  # secrets
    )
)
"""Entries that leave options out on purpose; those are refused."""


@pytest.fixture(scope="module")
def catalogue() -> ShellCatalogue:
    return load_shell()


def test_it_knows_at_least_three_hundred_commands_that_read(catalogue: ShellCatalogue) -> None:
    reading = [name for name, each in catalogue.by_name.items() if _may_read(each.form)]
    assert len(reading) >= 600
    assert len({id(catalogue.by_name[name]) for name in reading}) >= 300
    assert len(catalogue.by_name) >= 2000


def _may_read(form: Form) -> bool:
    return (
        bool(form.judge)
        or form.effect in (Effect.READS, Effect.STATEFUL_READ)
        or bool(form.needs_option)
        or any(_may_read(each) for each in form.subcommands.values())
    )


def test_every_judge_that_it_names_is_there(catalogue: ShellCatalogue) -> None:
    named = {each.judge for prepared in catalogue.by_name.values() for each in forms(prepared.form)} - {""}
    assert named <= set(JUDGES) | set(BUILTINS)


def test_no_option_stands_twice_in_a_form(catalogue: ShellCatalogue) -> None:
    twice = []
    for name, prepared in catalogue.by_name.items():
        for form in forms(prepared.form):
            reading = [each for text in form.read for each in _names(text)]
            denied = [each for family in form.denied for text in family.options for each in _names(text)]
            restricted = {each for text in form.read if "(" in text for each in _names(text)}
            seen: set[str] = set()
            for each in (*reading, *(option for option in denied if option not in restricted)):
                if each in seen:
                    twice.append(f"{name}: {each}")
                seen.add(each)
    assert not twice, "\n".join(twice)


def _names(text: str) -> list[str]:
    return [re.split(r"[=:]", word, maxsplit=1)[0] for word in text.split()]


def test_a_short_option_takes_a_value_wherever_its_synonyms_do(catalogue: ShellCatalogue) -> None:
    """Of ``-x --long=?`` the short one would swallow the rest of a bundle."""
    uneven = []
    for name, prepared in catalogue.by_name.items():
        for form in forms(prepared.form):
            options = [*form.read, *(text for family in form.denied for text in family.options)]
            uneven += [
                f"{name}: {text}" for text in options if len({_sign(word) for word in text.split()}) > 1
            ]
    assert not uneven, "\n".join(uneven)


def _sign(word: str) -> str:
    found = re.match(r"[^=]+(=\?\?|=\?|=)?", word)
    return found[1] or "" if found else ""


def test_what_is_no_read_says_what_it_does(catalogue: ShellCatalogue) -> None:
    silent = [
        name
        for name, prepared in catalogue.by_name.items()
        for form in forms(prepared.form)
        if form.effect not in (Effect.READS, Effect.STATEFUL_READ) and not form.reason
    ]
    assert not silent


def test_options_of_real_programs_are_known(catalogue: ShellCatalogue, tmp_path: Path) -> None:
    unknown = []
    checked = 0
    for name, prepared in sorted(catalogue.by_name.items()):
        path = shutil.which(name)
        if path is None or name in PARTLY or not _is_complete(prepared.form):
            continue
        found = set(_LONG.findall(_help_of(path, tmp_path)))
        checked += bool(found)
        missing = found - set(_known(prepared)) - NOT_OPTIONS.get(name, frozenset())
        unknown += [f"{name} {option}" for option in sorted(missing)]
    assert checked >= 40
    assert not unknown, "\n".join(unknown)


def _is_complete(form: Form) -> bool:
    """Whether the entry is meant to know every option: it reads, and doesn't say what all others do."""
    return (
        form.effect in (Effect.READS, Effect.STATEFUL_READ)
        and not form.judge
        and form.style != "none"
        and form.otherwise is None
        and form.beyond is None
    )


def _help_of(path: str, folder: Path) -> str:
    try:
        done = subprocess.run(
            [path, "--help"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": "/nonexistent", "PAGER": "cat"},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout + done.stderr).decode(errors="replace")


def _known(prepared: Prepared) -> Iterator[str]:
    for option in prepared.options:
        yield option
        yield "--" + option.lstrip("-")
    for each in prepared.subcommands.values():
        yield from _known(each)


def test_every_row_about_the_catalogue_gets_its_verdict(catalogue: ShellCatalogue) -> None:
    context = ShellContext(catalogue)
    wrong = []
    rows = [case for case in cases("shell") if case.place.startswith("catalogue_")]
    for case in rows:
        verdict = judge(case.text, context).verdict
        if verdict.decision.word != case.verdict:
            wrong.append(
                f"{case.place}: {verdict.decision.word} {verdict.rule} {verdict.reason}\n  {case.text}"
            )
    assert len(rows) >= 1400
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('[[command]]\nnames = ["x"]\nreads = []\n', "reads"),
        ('[[command]]\nnames = ["x"]\noperands = ["file*"]\n', "file"),
        ('[[command]]\nnames = ["x"]\n[[command]]\nnames = ["x"]\n', "twice"),
        ('[[command]]\nnames = ["x"]\nneeds-option = ["-c"]\n', "-c"),
        ('[[command]]\nnames = ["x"]\nclashes = ["-c -d"]\n', "-c"),
        ("[[command]\n", "TOML"),
    ],
)
def test_a_broken_file_says_what_is_wrong(text: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationBroken) as error:
        load_shell(tmp_path)
    assert word in f"{error.value} {error.value.hint}"


def test_an_empty_folder_is_no_catalogue(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationBroken):
        load_shell(tmp_path)
