from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from aiohttp import web

from gateway.access import outbox
from gateway.access.outbox import NotDelivered, Outbox, Program, Webhook
from gateway.domain.errors import ConfigurationBroken
from gateway.domain.secret import Secret
from gateway.store.outbox import add_event, claim_events
from gateway.store.pool import Store

PYTHON = sys.executable


@dataclass
class Receiver:
    """A real HTTP server that takes what is posted."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    got: list[tuple[dict, bytes]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers), await request.read()))
        status = self.statuses.pop(0) if self.statuses else 204
        return web.Response(status=status, headers={"Location": self.url} if status == 302 else {})


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    app = web.Application()
    app.router.add_post("/hook", made.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    made.url = f"http://127.0.0.1:{port}/hook"
    yield made
    await runner.cleanup()


async def add(gate, kind: str = "access.test", **facts: object) -> None:
    async with gate.store.transaction() as conn:
        await add_event(conn, kind, json.dumps({"kind": kind, **facts}).encode())


async def stored(gate) -> dict:
    async with gate.store.connection() as conn:
        row = await conn.fetchrow("SELECT *, next_at - now() AS wait FROM outbox ORDER BY id DESC LIMIT 1")
    return dict(row)


async def test_an_event_is_posted_signed_with_number_and_time(gate, receiver) -> None:
    hook = Webhook(receiver.url, Secret("k"))
    await add(gate, summary="engineer asks")
    assert await Outbox(gate.store, hook).deliver_due(hook) == 1
    ((headers, body),) = receiver.got
    event = json.loads(body)
    assert (event["kind"], event["summary"], set(event)) == (
        "access.test",
        "engineer asks",
        {"id", "at", "kind", "summary"},
    )
    stamp = float(headers["Glassgate-Signature"].removeprefix("t=").partition(",")[0])
    assert headers["Glassgate-Signature"] == hook.signature(body, stamp)
    other = Webhook(receiver.url, Secret("other"))
    assert headers["Glassgate-Signature"] != other.signature(body, stamp)
    assert (await stored(gate))["delivered_at"] is not None
    assert await Outbox(gate.store, hook).deliver_due(hook) == 0


@pytest.mark.parametrize("status", [500, 404, 302])
async def test_what_is_not_taken_comes_again_later(gate, receiver, status) -> None:
    receiver.statuses = [status]
    hook = Webhook(receiver.url, Secret("k"))
    await add(gate)
    box = Outbox(gate.store, hook)
    await box.deliver_due(hook)
    row = await stored(gate)
    assert (row["delivered_at"], row["attempts"], row["problem"]) == (
        None,
        1,
        f"the webhook answered {status}",
    )
    assert timedelta(0) < row["wait"] <= timedelta(seconds=2)
    assert await box.deliver_due(hook) == 0
    async with gate.store.connection() as conn:
        await conn.execute("UPDATE outbox SET next_at = now()")
    assert await box.deliver_due(hook) == 1
    assert len(receiver.got) == 2
    assert len({json.loads(body)["id"] for _, body in receiver.got}) == 1
    assert (await stored(gate))["delivered_at"] is not None


async def test_it_waits_longer_each_time_and_gives_up_after_a_day(gate) -> None:
    hook = Webhook("http://127.0.0.1:1/hook", Secret("k"))
    box = Outbox(gate.store, hook)
    await add(gate)
    waits = []
    for attempts in (0, 4, 20, 200):
        async with gate.store.connection() as conn:
            await conn.execute("UPDATE outbox SET next_at = now(), attempts = $1", attempts)
        await box.deliver_due(hook)
        row = await stored(gate)
        waits.append(round(row["wait"].total_seconds()))
    assert waits[:3] == [2, 32, 900]
    assert row["given_up_at"] is not None
    assert "can't be reached" in row["problem"]


async def test_a_program_gets_the_event_on_standard_input(gate, tmp_path) -> None:
    told = tmp_path / "told"
    hook = Program([PYTHON, "-c", f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read())"])
    await add(gate, summary="x")
    await Outbox(gate.store, hook).deliver_due(hook)
    assert json.loads(told.read_text())["summary"] == "x"


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ([PYTHON, "-c", "raise SystemExit(3)"], "ended with status 3"),
        (["/nowhere/hook"], "No such file"),
    ],
)
async def test_a_program_that_fails_is_tried_again(gate, argv, says) -> None:
    hook = Program(argv)
    await add(gate)
    await Outbox(gate.store, hook).deliver_due(hook)
    row = await stored(gate)
    assert row["delivered_at"] is None
    assert says in row["problem"]


async def test_a_program_sees_none_of_the_gateways_own_variables(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("GLASSGATE_MASTER_KEY", "the key")
    monkeypatch.setenv("PAGER_TOKEN", "theirs")
    seen = tmp_path / "seen"
    code = f"import os; open({str(seen)!r}, 'w').write(repr(dict(os.environ)))"
    await Program([PYTHON, "-c", code]).deliver(b"{}")
    assert "the key" not in seen.read_text()
    assert "theirs" in seen.read_text()


@pytest.mark.parametrize("url", ["http://pager.example.com/x", "ftp://127.0.0.1/x", "pager", ""])
def test_a_webhook_is_https_or_on_this_machine(url) -> None:
    with pytest.raises(ConfigurationBroken, match="https://"):
        Webhook(url, Secret("k"))


async def test_a_program_that_hangs_is_killed(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(outbox, "DELIVERY_SECONDS", 0.5)
    number = tmp_path / "pid"
    code = f"import os, time; open({str(number)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    with pytest.raises(NotDelivered, match="took longer"):
        await Program([PYTHON, "-c", code]).deliver(b"{}")
    with pytest.raises(ProcessLookupError):
        os.kill(int(number.read_text()), 0)


async def test_two_replicas_deliver_each_event_once(gate, receiver, fresh_store_dsn) -> None:
    hook = Webhook(receiver.url, Secret("k"))
    for number in range(20):
        await add(gate, number=number)

    async def drain(store: Store) -> None:
        box = Outbox(store, hook)
        while await box.deliver_due(hook):
            pass

    async with await Store.open(fresh_store_dsn) as other, asyncio.TaskGroup() as group:
        for store in (gate.store, other):
            group.create_task(drain(store))
    assert sorted(json.loads(body)["number"] for _, body in receiver.got) == list(range(20))


async def test_one_that_died_in_mid_delivery_leaves_it_to_another(gate, receiver) -> None:
    await add(gate)
    async with gate.store.connection() as conn:
        assert len(await claim_events(conn, 1, timedelta(seconds=0.2))) == 1
    hook = Webhook(receiver.url, Secret("k"))
    assert await Outbox(gate.store, hook).deliver_due(hook) == 0
    await asyncio.sleep(0.25)
    assert await Outbox(gate.store, hook).deliver_due(hook) == 1


async def test_running_it_delivers_what_waits_and_what_comes(gate, engineer, orders, receiver) -> None:
    hook = Webhook(receiver.url, Secret("k"))
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        running = group.create_task(Outbox(gate.store, hook).run())
        while not receiver.got or not json.loads(receiver.got[-1][1])["kind"].endswith("endpoint-put"):
            await asyncio.sleep(0.01)
        await gate.requests.file(engineer, "orders-db", timedelta(hours=1), "INC-42: slow")
        async with asyncio.timeout(1):
            while not json.loads(receiver.got[-1][1])["kind"].endswith("request-filed"):
                await asyncio.sleep(0.01)
        running.cancel()
    paged = json.loads(receiver.got[-1][1])
    assert (paged["person"], paged["endpoint"], paged["reason"]) == ("engineer", "orders-db", "INC-42: slow")
    kinds = [json.loads(body)["kind"] for _, body in receiver.got]
    assert "access.login" not in kinds
    assert "access.person-added" in kinds


async def test_without_a_hook_events_are_forgotten_after_a_week(gate) -> None:
    await add(gate)
    async with gate.store.connection() as conn:
        await conn.execute("UPDATE outbox SET created_at = now() - interval '8 days'")
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        running = group.create_task(Outbox(gate.store, None).run())
        while await gate.events():
            await asyncio.sleep(0.01)
        running.cancel()
