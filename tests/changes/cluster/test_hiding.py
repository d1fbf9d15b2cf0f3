"""Values that look like secrets are found in objects and patches, by name and by shape; all else stays."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.changes.cluster.hiding import PLACEHOLDER, hidden, texts

VALUE = "hunter2-of-production"


@pytest.mark.parametrize(
    "value",
    [
        {"env": [{"name": "DB_PASSWORD", "value": VALUE}]},
        {"data": {"password": VALUE}},
        {"spec": {"auth": {"clientSecret": VALUE}}},
        {"data": {"url": f"postgres://shop:{VALUE}@db/shop"}},
        {"data": {"settings": f"level = 1\npassword = {VALUE}\n"}},
        [{"op": "add", "path": "/data/api-token", "value": VALUE}],
        {"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": VALUE}}},
    ],
)
def test_what_looks_like_a_secret_is_replaced(value: Any) -> None:
    assert VALUE not in json.dumps(hidden(value))


@pytest.mark.parametrize(
    "value",
    [
        {"env": [{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}]},
        {"volumes": [{"name": "tls", "secret": {"secretName": "tls"}}]},
        {"imagePullSecrets": [{"name": "registry"}]},
        {"env": [{"name": "LEVEL", "value": "info"}], "automountServiceAccountToken": False},
        {"image": "registry.example.com/shop@sha256:" + "0a" * 32},
        [{"op": "replace", "path": "/spec/replicas", "value": 3}],
        {"name": "password"},
    ],
)
def test_everything_else_stays(value: Any) -> None:
    assert hidden(value) == value


def test_what_production_has_anyhow_is_no_news() -> None:
    env = {"env": [{"name": "DB_PASSWORD", "value": VALUE}]}
    assert hidden(env, frozenset(texts(env))) == env
    assert hidden(env) == {"env": [{"name": "DB_PASSWORD", "value": PLACEHOLDER}]}


WORD = "hunter2-Xy9!q"


@pytest.mark.parametrize(
    "value",
    [
        {"args": ["--password", WORD]},
        {"password": [WORD]},
        {"secret": {"value": WORD}},
        {"env": {"DB_PASSWORD": {"value": WORD}}},
        [{"op": "replace", "path": "/data/db~1password", "value": WORD}],
        {"args": ["sh", "-c", f"export DB_PASSWORD={WORD}; run"]},
    ],
)
def test_a_secret_goes_wherever_its_name_stands(value: Any) -> None:
    assert WORD not in json.dumps(hidden(value))


def test_what_only_speaks_of_a_secret_stays() -> None:
    volume: Any = {"secret": {"secretName": "db", "items": [{"key": "a", "path": "b"}]}}
    assert hidden(volume) == volume
    words: Any = {
        "args": ["--token-file", "/run/token", "--password", "--verbose", "DB_PASSWORD=${DB_PASSWORD}"]
    }
    assert hidden(words) == words


def test_variables_and_headers_are_known_by_the_catalogue_too() -> None:
    shown = [
        {"name": "SSHPASS", "value": PLACEHOLDER},
        {"httpHeaders": [{"name": "Authorization", "value": PLACEHOLDER}]},
    ]
    said: list[Any] = [
        {"name": "SSHPASS", "value": "hunter2"},
        {"httpHeaders": [{"name": "Authorization", "value": "Basic hunter2"}]},
    ]
    assert hidden(said) == shown
