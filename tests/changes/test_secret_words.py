"""Where programs take secrets: the catalogue is whole, and its sorts of places are found."""

from __future__ import annotations

import time

import pytest

from gateway.changes.secret_words import (
    hide_statement,
    hide_words,
    is_secret_name,
    known_programs,
    reads_secret,
)


def test_several_entries_of_one_program_hold_together() -> None:
    words = ["helm", "upgrade", "shop", "./chart", "--set", "db.password=hunter2,replicas=2"]
    assert hide_words(words)[-1] == "db.password=[secret],replicas=2"
    assert hide_words(["helm", "registry", "login", "-p", "hunter2"])[-1] == "[secret]"


def test_a_program_counts_wherever_it_stands_in_the_command() -> None:
    words = ["timeout", "5", "/usr/bin/mysql", "-phunter2"]
    assert hide_words(words) == [*words[:3], "-p[secret]"]


def test_names_alone_count_only_where_they_are_asked_for() -> None:
    assert hide_words(["x", "--token", "hunter2"]) == ["x", "--token", "[secret]"]
    assert hide_words(["x", "--token", "hunter2"], named=False) == ["x", "--token", "hunter2"]
    assert hide_words(["x", "--token", "--force"]) == ["x", "--token", "--force"]
    assert hide_words(["x", "--password", "-"]) == ["x", "--password", "-"]


def test_variables_are_known_by_name() -> None:
    assert all(map(is_secret_name, ("PGPASSWORD", "SSHPASS", "DB_PASSWORD", "apiKey")))
    assert not any(map(is_secret_name, ("PATH", "PGHOST", "LEVEL")))


def test_what_reads_a_secret_from_its_input_is_known() -> None:
    assert reads_secret(["docker", "login", "--password-stdin"])
    assert reads_secret(["chpasswd"])
    assert not reads_secret(["docker", "ps"])


def test_statements_lose_their_secrets() -> None:
    assert hide_statement("ALTER ROLE a PASSWORD 'hunter2'") == "ALTER ROLE a PASSWORD '[secret]'"
    assert hide_statement("ALTER USER a IDENTIFIED WITH x BY 'hunter2'").endswith("BY '[secret]'")
    assert hide_statement("DELETE FROM t WHERE a = 'b'") == "DELETE FROM t WHERE a = 'b'"


def test_a_text_without_any_such_program_is_told_by_one_look() -> None:
    assert known_programs().search("run: mysql -px")
    assert not known_programs().search("worker_processes 4;")


@pytest.mark.parametrize(
    "words",
    [
        ["redis-cli", *["auth"] * 40_000],
        ["vault", *["put"] * 40_000],
        ["x", f"--{'token_' * 40_000}=1", f"{'_' * 200_000}=1"],
    ],
    ids=["operands", "pairs", "names"],
)
def test_a_long_command_takes_no_square_of_its_length(words: list[str]) -> None:
    began = time.process_time()
    hide_words(words)
    assert time.process_time() - began < 3


def test_the_end_of_a_long_name_says_what_it_is_for() -> None:
    assert is_secret_name("x" * 1000 + "_password")
    assert not is_secret_name("x" * 1000 + "_level")
    assert not is_secret_name("x" * 1000 + "secret")
