"""Answers that hand out access show that it is there, and not what it is."""

from __future__ import annotations

import json

import pytest

from gateway.judge.docker.masked import SHOWN, masked
from gateway.judge.http.reading import NotRead


def test_tokens_to_join_a_cluster_stay_hidden_and_the_rest_is_shown() -> None:
    answer = {"ID": "abc", "JoinTokens": {"Worker": "SWMTKN-1-a", "Manager": "SWMTKN-1-b"}}

    shown = json.loads(masked(json.dumps(answer).encode(), ("JoinTokens",)))

    assert shown == {"ID": "abc", "JoinTokens": {"Worker": SHOWN, "Manager": SHOWN}}


def test_an_empty_key_stays_empty() -> None:
    assert masked(b'{"UnlockKey":""}', ("UnlockKey",)) == b'{"UnlockKey":""}'


def test_an_answer_that_is_no_json_is_not_shown() -> None:
    with pytest.raises(NotRead):
        masked(b"SWMTKN-1-a", ("JoinTokens",))


def test_an_answer_that_is_nested_too_deep_is_not_shown() -> None:
    with pytest.raises(NotRead):
        masked(b'{"JoinTokens":' + b'{"a":' * 700 + b"1" + b"}" * 700 + b"}", ("JoinTokens",))
