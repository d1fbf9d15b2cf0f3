"""The table of commands: each is started once, by who made it; nothing that runs is forgotten."""

from __future__ import annotations

import pytest

from gateway.domain.errors import Conflict
from gateway.domain.ids import EndpointId, IdentityId
from gateway.judge.docker.context import Exec
from gateway.protocols.docker import execs
from gateway.protocols.docker.execs import Execs, ExecTable, Held


class Runs:
    def resized(self, columns: int, rows: int) -> None:
        raise AssertionError


def held() -> Held:
    return Held(Exec("web", ("ls",), tty=False), None)


def test_one_persons_commands_are_not_anothers() -> None:
    table = ExecTable()
    mine, theirs = table.of((EndpointId(1), IdentityId(1))), table.of((EndpointId(1), IdentityId(2)))
    mine.add("a", held())
    assert table.of((EndpointId(1), IdentityId(1))).get("a") is not None
    assert theirs.get("a") is None
    assert table.of((EndpointId(2), IdentityId(1))).get("a") is None


def test_the_judge_sees_that_a_command_was_started() -> None:
    made = Execs()
    made.add("a", held())
    assert not made.known["a"].started
    made.started("a")
    assert made.known["a"].started
    with pytest.raises(Conflict):
        made.started("a")


def test_the_oldest_that_does_not_run_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execs, "MOST", 3)
    made = Execs()
    for number in "abc":
        made.add(number, held())
    running = made.get("a")
    assert running is not None
    running.runs = Runs()
    made.add("d", held())
    assert set(made.known) == {"a", "c", "d"}


def test_leaving_an_output_leaves_all_that_waits_for_its_container() -> None:
    made, left = Execs(), []
    made.awaited.append(("web", lambda: left.append("wait")))
    assert not made.leave("web")
    made.shown.append(("web", lambda: left.append("attach")))
    made.shown.append(("db", lambda: left.append("other")))
    assert made.leave("web")
    assert left == ["attach", "wait"]
