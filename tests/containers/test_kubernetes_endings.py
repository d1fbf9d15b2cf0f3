"""How sessions with a real cluster end: cut within a second wherever they are, and in great numbers."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from typing import TYPE_CHECKING

import pytest
from cluster import SHOP_POD
from live_kube import shell
from live_ssh import until

from gateway.web.shapes.access import Approve, FileRequest, GrantList, ListGrants, RequestFacts, Revoke
from gateway.web.shapes.identity import ClusterToken, Done
from gateway.web.shapes.shape import Nothing

if TYPE_CHECKING:
    from live_kube import LiveKube


def newcomer(kube: LiveKube, name: str) -> str:
    """An engineer of the test's own, so that one test's revocation ends no other test's sessions."""
    kube.gateway.add_person(name, "engineer")
    kube.gateway.grant(kube.endpoint, person=name)
    return name


def revoke(kube: LiveKube, person: str) -> None:
    held = kube.gateway.client(person).call("GET /v1/grants", ListGrants(mine=True), GrantList).grants
    question = Revoke(id=held[0].id, reason="done here")
    kube.gateway.client("approver").call("POST /v1/grants/{id}/revoke", question, Done)


@pytest.mark.parametrize(
    ("name", "argv"),
    [
        ("lara", "logs -f ticker --tail=1"),
        ("wes", "get pods -w"),
        ("sam", "get secrets -w -o json"),
        ("ed", f"exec {SHOP_POD} -c app -- tail -f /app/shop.log"),
    ],
)
def test_revoking_cuts_what_goes_on_within_a_second(kube: LiveKube, name: str, argv: str) -> None:
    person = newcomer(kube, name)
    with kube.running(*argv.split(), config=kube.config(person)) as process:
        until(lambda: any(each.units for each in kube.sessions(person, state="live")))
        time.sleep(0.5)
        revoked = time.monotonic()
        revoke(kube, person)
        until(lambda: not kube.sessions(person, state="live"), 2)
        assert time.monotonic() - revoked < 1.5
        out, error = process.communicate(timeout=10)
    if "exec" in argv or "logs" in argv:
        assert b"taken away by approver: done here" in out + error
    ended = [each for each in kube.sessions(person) if each.cause == "revoked"]
    assert ended[0].ended_by == "approver"


def test_logging_out_ends_what_was_opened_with_that_login_and_nothing_else(kube: LiveKube) -> None:
    person = newcomer(kube, "toni")
    stolen = kube.gateway.client(person)
    kube.gateway.login(person)
    kept = kube.gateway.client(person)
    target = kube.target("/api/v1/namespaces/shop/configmaps?watch=true&resourceVersion=0")
    with kube.connection() as first, kube.connection() as second:
        for connection, client in ((first, stolen), (second, kept)):
            token = client.call("POST /v1/kubernetes/tokens", Nothing(), ClusterToken).token
            connection.made.request("GET", target, headers={"Authorization": f"Bearer {token}"})
        with first.made.getresponse() as cut, second.made.getresponse() as running:
            assert json.loads(cut.readline())["type"] == json.loads(running.readline())["type"] == "ADDED"
            stolen.call("POST /v1/logout", Nothing(), Done)
            revoked = time.monotonic()
            events = [json.loads(line) for line in cut]
            assert time.monotonic() - revoked < 1
            assert "was revoked" in events[-1]["object"]["message"]
            until(lambda: len(kube.sessions(person, state="live")) == 1, 2)


def test_a_watch_that_is_cut_says_why_in_an_event_of_its_own(kube: LiveKube) -> None:
    person = newcomer(kube, "wanda")
    with kube.connection() as connection:
        target = kube.target("/api/v1/namespaces/shop/configmaps?watch=true&resourceVersion=0")
        connection.made.request("GET", target, headers=kube.headers(person))
        with connection.made.getresponse() as answer:
            assert json.loads(answer.readline())["type"] == "ADDED"
            revoke(kube, person)
            events = [json.loads(line) for line in answer]
    assert (events[-1]["type"], events[-1]["object"]["code"]) == ("ERROR", 403)
    assert "taken away by approver" in events[-1]["object"]["message"]


def test_a_watch_ends_with_the_grant(kube: LiveKube) -> None:
    kube.gateway.add_person("tess", "engineer")
    question = FileRequest(endpoint=kube.endpoint, seconds=60, reason="INC-1: a short look")
    filed = kube.gateway.client("tess").call("POST /v1/requests", question, RequestFacts)
    approval = Approve(id=filed.id, seconds=3)
    kube.gateway.client("approver").call("POST /v1/requests/{id}/approve", approval, RequestFacts)
    with kube.connection() as connection:
        target = kube.target("/api/v1/namespaces/shop/configmaps?watch=true&resourceVersion=0")
        connection.made.request("GET", target, headers=kube.headers("tess"))
        began = time.monotonic()
        with connection.made.getresponse() as answer:
            events = [json.loads(line) for line in answer]
    assert time.monotonic() - began < 6
    assert (events[-1]["type"], events[-1]["object"]["reason"]) == ("ERROR", "Forbidden")


def test_a_shell_in_a_pod_is_cut_at_its_prompt(kube: LiveKube) -> None:
    person = newcomer(kube, "ida")
    with shell(kube, "true", "pod-cut", config=kube.config(person)) as pane:
        revoke(kube, person)
        pane.until("taken away by approver: done here", 2)
        pane.until("left with 1")


def test_a_request_after_the_end_of_access_is_refused(kube: LiveKube) -> None:
    person = newcomer(kube, "late")
    assert kube.get("/version", person=person)[0] == 200
    revoke(kube, person)
    status, told = kube.get("/version", person=person)
    assert (status, told["reason"]) == (403, "Forbidden")


def test_a_client_that_reads_nothing_is_cut_too(kube: LiveKube) -> None:
    person = newcomer(kube, "stan")
    with kube.running("exec", SHOP_POD, "-c", "app", "--", "yes", config=kube.config(person)):
        until(lambda: bool(kube.sessions(person, state="live")))
        time.sleep(1)
        revoke(kube, person)
        until(lambda: not kube.sessions(person, state="live"), 5)


async def test_hundreds_of_watches_at_once_hear_of_the_same_thing(kube: LiveKube) -> None:
    watches, heard = 300, asyncio.Semaphore(0)
    trust = ssl.create_default_context(cafile=str(kube.gateway.ca))
    target = kube.target("/api/v1/namespaces/shop/configmaps?watch=true&resourceVersion=0")
    head = f"GET {target} HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer {kube.token()}\r\n\r\n".encode()
    standing = asyncio.Semaphore(0)

    async def watch() -> None:
        reader, writer = await asyncio.open_connection("localhost", kube.gateway.kubernetes_port, ssl=trust)
        try:
            writer.write(head)
            await reader.readuntil(b"\r\n\r\n")
            standing.release()
            await reader.readuntil(b'"name":"heard"')
            heard.release()
        finally:
            writer.close()

    async with asyncio.timeout(90), asyncio.TaskGroup() as group:
        for _ in range(watches):
            group.create_task(watch())
        for _ in range(watches):
            await standing.acquire()
        await asyncio.to_thread(kube.cluster.kubectl, "create", "configmap", "heard")
        try:
            for _ in range(watches):
                await heard.acquire()
        finally:
            await asyncio.to_thread(kube.cluster.kubectl, "delete", "configmap", "heard")
