"""The Docker door before a real engine, asked by the real docker client and by bare requests."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from docker_door import DockerGate, Room, docker_gate, endpoint_of
from engine import SETTINGS

from gateway.domain.change import ChangeKind
from gateway.domain.errors import UpstreamUnavailable
from gateway.domain.host import Removed
from gateway.domain.session import EndCause, Ending
from gateway.domain.verdict import Decision, Layer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from engine import Engine

REVOKED = Ending(EndCause.REVOKED, "your access was revoked by boss")


@pytest.fixture
async def gate(engine: Engine) -> AsyncIterator[DockerGate]:
    async with docker_gate(engine) as opened:
        yield opened


async def asked(gate: DockerGate, *requests: bytes, seconds: float = 5.0) -> bytes:
    """Send bytes as they are; everything that is answered until the door closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gate.port)
    try:
        async with asyncio.timeout(seconds):
            for request in requests:
                writer.write(request)
                await writer.drain()
            return await reader.read()
    finally:
        writer.close()


def get(path: str, *more: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: docker", *more]
    return "\r\n".join([*lines, "", ""]).encode()


READS = [
    ("version", "20.10|Engine"),
    ("ps", "ticker"),
    ("ps -a --no-trunc", "shop:1"),
    ("images", "bare"),
    ("info", "Server Version"),
    ("system df", "Images"),
    ("inspect shop", '"Name": "/shop"'),
    ("image inspect shop:1", "RepoTags"),
    ("logs --tail 2 ticker", "tick"),
    ("top shop", "sleep"),
    ("stats --no-stream", "ticker"),
    ("diff shop", ""),
    ("port shop", ""),
    ("history shop:1", "Imported"),
    ("volume ls", "DRIVER"),
    ("network ls", "none"),
    ("events --since 1h --until 0s", "container create"),
    ("exec shop ls -la /app", "settings.toml"),
    ("exec -w /app shop cat settings.toml", "EUR"),
    ("exec shop sh -c id", "uid=0"),
]


@pytest.mark.parametrize(("line", "words"), READS)
async def test_what_people_look_at_every_day_works(gate: DockerGate, line: str, words: str) -> None:
    ran = await gate.docker(*line.split())
    assert ran.status == 0, ran
    assert any(word in ran.output for word in words.split("|")), ran
    assert all(decision is Decision.ALLOW for _, decision in gate.units())
    async with asyncio.timeout(2):  # docker may be gone before the gateway knows how its command ended
        while any(len(room.answers) < len(room.units) for room in gate.rooms):
            await asyncio.sleep(0.01)


WRITES = [
    "run --rm shop:1 true",
    "stop shop",
    "restart shop",
    "kill shop",
    "rm -f shop",
    "rename shop other",
    "update --memory 1g shop",
    "exec shop rm /app/settings.toml",
    "exec shop sh -c 'echo x > /app/y'",
    "pull busybox",
    "tag shop:1 shop:2",
    "image rm bare:1",
    "image prune -f",
    "volume create v",
    "network create n",
    "commit shop shop:3",
    "pause shop",
    "system prune -f",
]


async def test_what_would_change_production_is_not_run_and_says_so(gate: DockerGate, engine: Engine) -> None:
    before = engine.state()
    for line in WRITES:
        ran = await gate.docker(*line.replace("'", "").split(maxsplit=4))
        assert ran.status != 0, line
        assert "Error response from daemon: glassgate: " in ran.error, (line, ran)
        assert "change request" in ran.error, (line, ran)
    assert engine.state() == before


async def test_a_restart_is_a_redeploy(gate: DockerGate) -> None:
    await gate.docker("restart", "shop")
    (capture,) = gate.rooms[-1].captures
    assert capture.kind is ChangeKind.REDEPLOY


async def test_a_file_that_is_copied_in_becomes_its_change(gate: DockerGate, tmp_path: Path) -> None:
    (tmp_path / "new.toml").write_text("minimum = 12\n")
    ran = await gate.docker("cp", str(tmp_path / "new.toml"), "shop:/app/settings.toml")
    assert "drafted as change request" in ran.error
    (capture,) = gate.rooms[-1].captures
    (write,) = capture.writes
    assert (write.verb, write.name, write.folder) == ("copy-in", "shop", "/app")
    assert b"minimum = 12\n" in (write.archive or b"")


@pytest.mark.parametrize("words", [("cp", "{}", "shop:/app/"), ("load", "-i", "{}"), ("build", "{}")])
async def test_a_large_upload_is_told_all_the_same(
    gate: DockerGate, tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "large").write_bytes(os.urandom(4 << 20))
    (tmp_path / "Dockerfile").write_text("FROM shop:1\n")
    path = str(tmp_path) if words[0] == "build" else str(tmp_path / "large")
    ran = await gate.docker(*(word.format(path) for word in words))
    assert ran.status != 0
    assert "drafted as change request" in ran.error


async def test_a_command_that_would_change_a_file_is_taken_as_that(gate: DockerGate) -> None:
    await gate.docker("exec", "shop", "rm", "/app/settings.toml")
    (write,) = gate.rooms[-1].captures[-1].writes
    assert write.writes == (Removed("/app/settings.toml"),)


async def test_change_requests_are_given_what_stands_in_a_container(gate: DockerGate) -> None:
    await gate.docker("ps")
    async with gate.standing() as production:
        described = await production.described("shop")
        assert (described.name, described.image) == ("shop", "shop:1")
        assert await production.described("none") is None
        inside = production.inside("shop")
        assert b"minimum = 10" in (await inside.file("/app/settings.toml")).content
        assert await inside.file("/app/none") is None
        assert (
            await inside.printed("sed s/10/11/ /app/settings.toml", None)
            == SETTINGS.replace("10", "11").encode()
        )
        for line in ("rm /app/settings.toml", "cat /app/none"):
            with pytest.raises(UpstreamUnavailable):
                await inside.printed(line, None)


async def test_files_are_copied_out_and_archives_told_by_their_hash(
    gate: DockerGate, engine: Engine, tmp_path: Path
) -> None:
    await gate.docker("cp", "shop:/app/settings.toml", str(tmp_path / "out"))
    assert "minimum = 10" in (tmp_path / "out").read_text()
    saved = await gate.docker("save", "shop:1", "-o", str(tmp_path / "image.tar"))
    assert saved.status == 0
    size = (tmp_path / "image.tar").stat().st_size
    told = dict(gate.rooms[-1].events)["archive"]
    assert f"{size} bytes, sha256" in told
    kept = sum(len(data) for data in gate.rooms[-1].outputs.values())
    assert kept < size


async def test_status_and_input_of_commands_are_carried(gate: DockerGate) -> None:
    assert (await gate.docker("exec", "shop", "ls", "/nothing")).status == 1
    ran = await gate.docker("exec", "-i", "shop", "sort", stdin=b"b\na\n")
    assert ran.output == "a\nb\n"
    large = b"x" * 2_000_000
    assert (await gate.docker("exec", "-i", "shop", "wc", "-c", stdin=large)).output == "2000000\n"
    async with asyncio.timeout(2):
        while not {"exit 0", "exit 1"} <= {
            facts["tag"] for room in gate.rooms for facts in room.answers.values()
        }:
            await asyncio.sleep(0.01)


async def test_output_and_errors_are_recorded_apart(gate: DockerGate) -> None:
    ran = await gate.docker("exec", "shop", "ls", "/app/shop.log", "/nothing")
    assert "No such file" in ran.error
    streams = {stream: bytes(data) for room in gate.rooms for (_, stream), data in room.outputs.items()}
    assert b"No such file" in streams[2]
    assert b"/app/shop.log\n" in gate.outputs()
    told = [unit.context for room in gate.rooms for unit, _ in room.units if b"/start" in unit.text]
    assert told == ["ls /app/shop.log /nothing in shop"]


async def test_nothing_is_recorded_of_results_where_policy_says_so(engine: Engine) -> None:
    async with docker_gate(engine, endpoint_of(str(engine.socket), record_results=False)) as gate:
        await gate.docker("logs", "--tail", "1", "ticker")
        assert gate.outputs() == b""
        assert gate.rooms[-1].answers


# ---- streams --------------------------------------------------------------------------------------


async def following(gate: DockerGate, *argv: str) -> asyncio.subprocess.Process:
    """Start a client and wait until it shows something."""
    process = await gate.start(*argv)
    assert process.stdout is not None
    async with asyncio.timeout(10):
        await process.stdout.readline()
    return process


@pytest.mark.parametrize(
    "line", ["logs -f --tail 1 ticker", "stats shop", "attach ticker", "exec shop tail -f /app/shop.log"]
)
async def test_a_running_stream_is_cut_at_once(gate: DockerGate, line: str) -> None:
    process = await following(gate, *line.split())
    room = streaming(gate)
    began = time.monotonic()
    room.end(REVOKED)
    async with asyncio.timeout(5):
        await room.ended.wait()
    assert time.monotonic() - began < 1.0
    error = await last_words(process)
    if "stats" not in line:
        assert "your access was revoked by boss" in error
    assert room.confirmed is ("exec" not in line)
    assert [facts["tag"] for facts in room.answers.values()][-1] == "cut"


async def last_words(process: asyncio.subprocess.Process) -> str:
    """What a client says on standard error before it leaves; docker attach goes on waiting."""
    assert process.stderr is not None
    said = b""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1.5):
            while piece := await process.stderr.read(4096):
                said += piece
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.communicate()
    return said.decode()


def streaming(gate: DockerGate) -> Room:
    """The session in which a stream runs; docker attach waits for the container's end in another."""
    return next(
        room
        for room in gate.rooms
        if not room.ended.is_set() and room.door.busy() and b"/wait" not in room.units[-1][0].text
    )


async def test_a_client_that_leaves_ends_its_stream(gate: DockerGate) -> None:
    process = await following(gate, "logs", "-f", "--tail", "1", "ticker")
    room = streaming(gate)
    process.kill()
    await process.wait()
    async with asyncio.timeout(2):
        await room.ended.wait()
    assert room.answers[len(room.units)]["error_message"] == "the client left"


async def test_leaving_an_attached_output_sends_no_signal(gate: DockerGate, engine: Engine) -> None:
    process = await following(gate, "attach", "ticker")
    process.send_signal(2)
    async with asyncio.timeout(5):
        await process.communicate()
    assert engine.text("inspect", "-f", "{{.State.Running}}", "ticker") == "true"
    assert not any(room.captures for room in gate.rooms)


# ---- what is no docker client's -------------------------------------------------------------------


async def test_a_command_is_started_once_and_only_by_who_made_it(gate: DockerGate, engine: Engine) -> None:
    body = b'{"Cmd":["ls"],"AttachStdout":true}'
    made = await asked(
        gate,
        b"POST /containers/shop/exec HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Connection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body),
    )
    number = json.loads(made.partition(b"\r\n\r\n")[2])["Id"]
    start = (
        f"POST /exec/{number}/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        "Connection: close\r\nContent-Length: 2\r\n\r\n{}"
    ).encode()
    old = await asked(gate, start)  # asks for no upgrade, as clients did before there was one
    assert old.startswith(b"HTTP/1.1 200 OK")
    assert b"bin\n" in old
    assert b"was started before" in await asked(gate, start)
    foreign = "0" * 64
    assert b"has put no such command" in await asked(gate, start.replace(number.encode(), foreign.encode()))


async def test_requests_are_answered_in_order_on_one_connection(gate: DockerGate) -> None:
    questions = get("/_ping") * 3 + get("/containers/none/json") + get("/_ping", "Connection: close")
    answer = await asked(gate, questions)
    statuses = re.findall(rb"HTTP/1.1 (\d+)", answer)
    assert statuses == [b"200", b"200", b"200", b"404", b"200"]
    assert len(gate.rooms) == 1


@pytest.mark.parametrize(
    "request_bytes",
    [
        get("/v1.41/../containers/json"),
        get("//containers/json"),
        get("/containers%2Fjson"),
        get("/%63ontainers/json"),
        get("/v1.41.0/containers/json"),
        get("/V1.41/containers/json"),
        get("/containers/json", "X-HTTP-Method-Override: DELETE"),
        b"BREW /containers/json HTTP/1.1\r\nHost: x\r\n\r\n",
        b"DELETE /info HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET http://docker/containers/json HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /containers/json HTTP/1.1\nHost: x\n\n\r\n\r\n",
    ],
)
async def test_tricks_with_paths_and_heads_reach_nothing(gate: DockerGate, request_bytes: bytes) -> None:
    request_bytes = request_bytes.replace(b"Host: ", b"Connection: close\r\nHost: ", 1)
    answer = await asked(gate, request_bytes)
    assert answer.split(b" ")[1] in (b"400", b"403", b"501"), answer
    assert b"application/json" in answer
    assert not any(decision is Decision.ALLOW for _, decision in gate.units())


async def test_the_engine_is_asked_what_was_judged_and_nothing_more(gate: DockerGate) -> None:
    answer = await asked(
        gate, get("/containers/json?all=1&limit=1", "X-Registry-Auth: abc", "Connection: close")
    )
    assert answer.startswith(b"HTTP/1.1 200")
    ((_, judged),) = gate.rooms[-1].units
    assert judged.request is not None
    assert "x-registry-auth" not in dict(judged.request.headers)


# ---- the engine's side ----------------------------------------------------------------------------


async def test_an_engine_is_reached_by_tls_with_our_certificate(engine: Engine) -> None:
    pair = {"certificate": engine.certificate.read_text(), "key": engine.key.read_text()}
    at = endpoint_of("localhost", engine.port, tls="verify-full", ca=engine.ca.read_text())
    async with docker_gate(engine, at, json.dumps(pair).encode()) as gate:
        assert "ticker" in (await gate.docker("ps")).output
        assert (await gate.docker("exec", "-i", "shop", "sort", stdin=b"b\na\n")).output == "a\nb\n"
        assert "tick" in (await gate.docker("logs", "--tail", "2", "ticker")).output


async def test_an_engine_that_can_not_be_reached_is_told(engine: Engine, tmp_path: Path) -> None:
    async with docker_gate(engine, endpoint_of(str(tmp_path / "none.sock"))) as gate:
        ran = await gate.docker("ps")
        assert "production can't be reached" in ran.error
    at = endpoint_of("localhost", engine.port, tls="verify-full", ca=engine.ca.read_text())
    async with docker_gate(engine, at) as gate:
        ran = await gate.docker("ps")
        assert ran.status == 1
        assert "glassgate" in ran.error


async def test_the_level_says_that_only_the_judge_stands_there(gate: DockerGate, engine: Engine) -> None:
    await gate.docker("ps")
    level = gate.rooms[-1].level
    assert (level.name, level.layers) == ("judge-only", Layer(0))
    assert level.findings["api"].endswith(engine.text("version", "-f", "{{.Server.APIVersion}}"))


async def test_a_proxy_that_only_reads_is_told_by_the_level(engine: Engine, tmp_path: Path) -> None:
    async with (
        reading_proxy(engine, tmp_path / "reads.sock") as at,
        docker_gate(engine, endpoint_of(at)) as gate,
    ):
        assert "ticker" in (await gate.docker("ps")).output
        level = gate.rooms[-1].level
        assert (level.name, level.layers) == ("role", Layer.READ_ONLY_ROLE)


@contextlib.asynccontextmanager
async def reading_proxy(engine: Engine, path: Path) -> AsyncIterator[str]:
    """A socket before the engine's that answers 403 to all but GET and HEAD."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if not head.startswith((b"GET ", b"HEAD ")):
                    writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                    continue
                behind, before = await asyncio.open_unix_connection(str(engine.socket))
                before.write(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
                writer.write(await behind.read())
                before.close()
                break
        writer.close()

    async with await asyncio.start_unix_server(serve, str(path)):
        yield str(path)


async def test_a_session_that_is_over_asks_nothing_any_more(gate: DockerGate) -> None:
    answer = await asked(gate, get("/_ping") + get("/_ping", "Connection: close"))
    assert answer.count(b"200 OK") == 2
    room = gate.rooms[-1]
    await room.ended.wait()
    await asyncio.sleep(0)
    with pytest.raises(UpstreamUnavailable):
        await room.door._engine.pool.asked(room.units[0][1].request, most=10)
