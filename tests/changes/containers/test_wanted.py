"""What a request wants of a service: a command in two lists is one command, whose secrets are left out."""

from __future__ import annotations

import json

import pytest

from gateway.changes.containers.wanted import wanted_of
from gateway.domain.containers import ContainerWrite


@pytest.mark.parametrize(
    ("sort", "body"),
    [
        ("container", {"Image": "mysql", "Entrypoint": ["mysql"], "Cmd": ["-phunter2", "shop"]}),
        (
            "service",
            {
                "TaskTemplate": {
                    "ContainerSpec": {"Image": "mysql", "Command": ["mysql"], "Args": ["-phunter2", "shop"]}
                }
            },
        ),
    ],
)
def test_a_secret_of_the_entrypoints_program_is_left_to_the_environment(
    sort: str, body: dict[str, object]
) -> None:
    wanted = wanted_of(ContainerWrite(sort, "create", "db", body=json.dumps(body).encode()))
    assert wanted["entrypoint"] == ["mysql"]
    assert wanted["command"] == ["-p${MYSQL_SECRET}", "shop"]
