from __future__ import annotations

import pytest

from gateway.changes.pieces import cut, join
from gateway.changes.secrets_found import redact, without_secrets


def redacted(text: str) -> str:
    return join(redact(cut(text), stem="s").pieces)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ALTER ROLE bob PASSWORD 'hunter2'", "ALTER ROLE bob PASSWORD :'s1'"),
        (
            "ALTER ROLE bob WITH ENCRYPTED /* x */ PASSWORD 'h'",
            "ALTER ROLE bob WITH ENCRYPTED /* x */ PASSWORD :'s1'",
        ),
        (
            "CREATE USER MAPPING FOR a SERVER s OPTIONS (user 'u', password 'p')",
            "OPTIONS (user 'u', password :'s1')",
        ),
        (
            "UPDATE u SET password = 'x', name = 'bob' WHERE api_key = 'k'",
            "password = :'s1', name = 'bob' WHERE api_key = :'s2'",
        ),
        ("UPDATE u SET \"clientSecret\"='q', apiKey = $$k$$", "\"clientSecret\"=:'s1', apiKey = :'s2'"),
        (
            "UPDATE u SET pw_hash = 1, password_hash = crypt('hunter2', gen_salt('bf'))",
            "crypt(:'s1', gen_salt('bf'))",
        ),
        (
            "INSERT INTO u (id, password, name) VALUES (1, 'p', 'n'), (2, 'q', 'm')",
            "(1, :'s1', 'n'), (2, :'s2', 'm')",
        ),
        ("UPDATE c SET url = 'postgres://eve:pw@db/shop'", "url = :'s1'"),
        ('UPDATE c SET conf = \'{"password": "hunter2"}\'', "conf = :'s1'"),
        ("UPDATE c SET k = 'AKIAIOSFODNN7EXAMPLE'", "k = :'s1'"),
        ("UPDATE c SET k = 'kJ8s7dHf9Qw2ErT5yU1iO0pAsDfGhJkL'", "k = :'s1'"),
        ("UPDATE c SET k = E'-----BEGIN RSA PRIVATE KEY-----\\nMII'", "k = :'s1'"),
        ("SELECT set_config('app.x', 1) -- password=hunter2\n", "-- [secret]\n"),
    ],
)
def test_a_secret_becomes_a_placeholder(text: str, expected: str) -> None:
    assert expected in redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "UPDATE c SET status = 'passed', pass_rate = '3', compass = 'N' WHERE bypass = 'n'",
        "UPDATE c SET id = '550e8400-e29b-41d4-a716-446655440000'",
        "UPDATE c SET sum = 'd2f9ab0c11d2f9ab0c11d2f9ab0c11d2f9ab0c11d2f9ab0c11d2f9ab0c111234'",
        "SELECT token, 'a' FROM t WHERE token_type = 'b' AND note LIKE 'tokens and keys'",
        "UPDATE c SET password = NULL, secret = ''",
        "INSERT INTO u (id, name) VALUES (1, 'password')",
        "COMMENT ON COLUMN u.password IS 'how people log in'",
        "UPDATE c SET path = '/var/lib/postgresql/data/base/16384/PG_VERSION_and_more_words_here'",
    ],
)
def test_ordinary_values_stay(text: str) -> None:
    assert redacted(text) == text


def test_free_text_loses_what_has_a_credentials_shape() -> None:
    said = without_secrets("rotate ghp_0123456789abcdefghij0123456789abcdef, INC-42")
    assert said == "rotate [secret], INC-42"


def test_a_private_key_goes_with_its_lines() -> None:
    new = "  -----BEGIN PRIVATE KEY-----\n  MIIEabc\n  MIIdef=\n  -----END PRIVATE KEY-----\n"
    old = new.replace("KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\n\n", 1)
    for key in (old, new, new.replace("\n", "\\n")):
        assert "MII" not in without_secrets(f"before: {key}after: 1")
        assert without_secrets(f"{key}after: 1").endswith("after: 1")


def test_a_variable_is_named_for_a_secret_and_holds_none() -> None:
    assert without_secrets("export DB_PASSWORD=hunter2; run") == "export DB_[secret]; run"
    for text in ("DB_PASSWORD: ${DB_PASSWORD}", "password=$(cat /run/secret)", "ggk_ is a prefix"):
        assert without_secrets(text) == text
    assert without_secrets("token ggk_0123456789abcdefghij") == "token [secret]"
