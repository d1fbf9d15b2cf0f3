from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.changes.paths import normalise, slug
from gateway.domain.errors import InvalidInput


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("migrations/0007_update-customers.sql", "migrations"),
        ("db/migrations/0007.sql", "/db/migrations/"),
        ("a.sql", ""),
        ("migrations/ünïcode.sql", "migrations"),
        ("migrations/git/notes.gitignored", "./migrations"),
    ],
)
def test_a_path_in_the_folder_passes(path: str, root: str) -> None:
    assert normalise(path, root=root) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../x.sql",
        "migrations/../x.sql",
        "migrations//x.sql",
        "migrations/./x.sql",
        "migrations/",
        "migrations",
        "migrations/...",
        "migrations/. .",
        "migrations/.git/config",
        "migrations/.GIT/hooks/x",
        "migrations/.git /x",
        "migrations/.git./x",
        "migrations/git~1/x",
        "migrations/.git::$INDEX_ALLOCATION/x",
        "migrations/.g\u200cit/config",
        "migrations/\uff0egit/config",
        "migrations\\..\\x.sql",
        "migrations/a\nb.sql",
        "migrations/a\0b.sql",
        "migrations/\x1b[2Jx.sql",
        "migrations/a\u202eb.sql",
        "migrations/" + "a" * 201,
        "migrations/" + "a/" * 300 + "b",
        "migrations/.github/workflows/x.yml",
        "migrations/.GitLab-CI.yml",
        "migrations/Jenkinsfile",
        "migrations/.gitattributes",
        "migrations/.gitmodules",
        "migrations/CODEOWNERS",
        "other/x.sql",
        "migrationsx/x.sql",
    ],
)
def test_a_path_that_could_do_harm_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        normalise(path, root="migrations")
    assert refused.value.message.isprintable()


@given(st.text(max_size=40))
def test_a_path_that_passes_stays_in_its_folder(text: str) -> None:
    try:
        path = normalise(f"migrations/{text}", root="migrations")
    except InvalidInput:
        return
    parts = path.split("/")
    assert parts[0] == "migrations"
    assert len(parts) > 1
    assert all(part and part.strip(". ") and part.lower() != ".git" for part in parts)


@given(st.text(max_size=300))
def test_a_slug_is_plain(text: str) -> None:
    made = slug(text)
    assert made
    assert len(made) <= 48
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not made.startswith("-")
    assert not made.endswith("-")


def test_slugs_of_titles() -> None:
    assert slug("UPDATE customers") == "update-customers"
    assert slug("ALTER TABLE Käufer", separator="_") == "alter_table_kaufer"
    assert slug("\u202e…/../") == "change"
