from __future__ import annotations

import pytest

from gateway.access import words
from gateway.domain.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("INC-42: checkout is slow", "INC-42: checkout is slow"),
        ("  two\n lines\tand\r\nmore ", "two lines and more"),
        ("größer, 注文, ქართული", "größer, 注文, ქართული"),
        (
            "family \U0001f468\u200d\U0001f469\u200d\U0001f467",
            "family \U0001f468\u200d\U0001f469\u200d\U0001f467",
        ),
        ("", ""),
    ],
)
def test_a_sentence_is_one_line(text: str, line: str) -> None:
    assert words.sentence(text, "reason") == line


@pytest.mark.parametrize(
    "character", ["\x00", "\x07", "\x1b", "\x7f", "\x9b", "\u202e", "\u2066", "\u200b", "\ufeff"]
)
def test_a_sentence_neither_controls_nor_hides(character: str) -> None:
    with pytest.raises(InvalidInput, match=f"U\\+{ord(character):04X}"):
        words.sentence(f"a{character}b", "reason")


def test_lone_surrogates_are_refused() -> None:
    with pytest.raises(InvalidInput):
        words.sentence("a\ud800b", "reason")


@pytest.mark.parametrize("name", ["anna", "anna.b", "a@example.com", "0-x_y", "x" * 63])
def test_login_names(name: str) -> None:
    assert words.login_name(name) == name


@pytest.mark.parametrize("name", ["", "Anna", "anna+db", "-a", "änna", "a b", "a\n", "x" * 64, "a/b"])
def test_no_login_names(name: str) -> None:
    with pytest.raises(InvalidInput):
        words.login_name(name)


@pytest.mark.parametrize("address", ["anna", "@x", "a@", "a b@x.de", "a@x.de\n", "a@-", "a<b>@x.de"])
def test_no_addresses(address: str) -> None:
    with pytest.raises(InvalidInput):
        words.email(address)


@pytest.mark.parametrize("name", ["gateway", "policy"])
def test_nobody_bears_a_name_that_the_ledger_gives_to_its_own_decisions(name: str) -> None:
    with pytest.raises(InvalidInput, match="the gateway's own decisions"):
        words.login_name(name)
