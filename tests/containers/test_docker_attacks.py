"""Bytes that no docker client sends, at the door of a real engine: it is left as it was by all of them."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING

import pytest
from docker_door import DockerGate, docker_gate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from engine import Engine

CREATE = b'{"Image":"shop:1","Cmd":["sleep","1"]}'
"""What makes a container, where it gets through."""
SMUGGLED = (
    b"POST /containers/create?name=smuggled HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(CREATE), CREATE)
)
WITHIN = b"%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)
HEAD = b"POST /containers/shop/wait?condition=next-exit HTTP/1.1\r\nHost: x\r\n"
READ = b"GET /containers/json HTTP/1.1\r\nHost: x\r\n"

ATTACKS = {
    "both lengths": READ + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "lengths twice": READ + b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED,
    "length as a list": READ + b"Content-Length: 0, 0\r\n\r\n" + SMUGGLED,
    "length with a sign": READ + b"Content-Length: +%d\r\n\r\n" % len(SMUGGLED) + SMUGGLED,
    "a request as a body": READ + b"Content-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED,
    "a request as a chunk": READ + b"Transfer-Encoding: chunked\r\n\r\n" + WITHIN,
    "chunked twice": READ + b"Transfer-Encoding: chunked, chunked\r\n\r\n" + WITHIN,
    "identity": READ + b"Transfer-Encoding: identity\r\n\r\n" + SMUGGLED,
    "space before the colon": READ + b"Transfer-Encoding : chunked\r\n\r\n" + WITHIN,
    "tab in the coding": READ + b"Transfer-Encoding:\x0bchunked\r\n\r\n" + WITHIN,
    "folded": READ + b"X: y\r\n Transfer-Encoding: chunked\r\n\r\n" + WITHIN,
    "bare line feeds": READ.replace(b"\r\n", b"\n") + b"\n" + SMUGGLED,
    "a bare line feed within": READ + b"X: y\nContent-Length: 3\r\n\r\n" + SMUGGLED,
    "a bare carriage return": READ + b"X: y\rContent-Length: 3\r\n\r\n" + SMUGGLED,
    "NUL": READ + b"X: y\0z\r\n\r\n" + SMUGGLED,
    "two hosts": READ + b"Host: y\r\n\r\n" + SMUGGLED,
    "no host": b"GET /containers/json HTTP/1.1\r\n\r\n" + SMUGGLED,
    "HTTP/1.0": READ.replace(b"1.1", b"1.0") + b"\r\n" + SMUGGLED,
    "HTTP/0.9": b"GET /containers/json\r\n\r\n" + SMUGGLED,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SMUGGLED,
    "h2c": READ
    + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n\r\n",
    "absolute form": READ.replace(b" /", b" http://docker/") + b"\r\n",
    "asterisk form": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "connect": b"CONNECT docker:80 HTTP/1.1\r\nHost: x\r\n\r\n" + SMUGGLED,
    "extension of a chunk": READ + b'Transfer-Encoding: chunked\r\n\r\n0;x="\r\n\r\n' + SMUGGLED,
    "trailers": READ + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-HTTP-Method-Override: DELETE\r\n\r\n",
    "trailing length": READ + b"Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 40\r\n\r\n" + SMUGGLED,
    "chunk size too large": READ + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n" + SMUGGLED,
    "chunk size of hex": READ + b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + SMUGGLED,
    "chunk ended by a line feed": READ + b"Transfer-Encoding: chunked\r\n\r\n0\n\n" + SMUGGLED,
    "a body that waits": READ + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED),
    "another expectation": READ + b"Expect: 200-ok\r\n\r\n" + SMUGGLED,
    "connection names host": READ + b"Connection: close, host, content-length\r\n\r\n" + SMUGGLED,
    "method in lower case": SMUGGLED.replace(b"POST", b"post"),
    "method with a tab": SMUGGLED.replace(b"POST ", b"POST\t"),
    "two spaces": SMUGGLED.replace(b"POST /", b"POST  /"),
    "escaped": SMUGGLED.replace(b"create", b"cre%61te"),
    "escaped slash": SMUGGLED.replace(b"/create", b"%2Fcreate"),
    "dot segment": SMUGGLED.replace(b"/create", b"/./create"),
    "double slash": SMUGGLED.replace(b"/containers", b"//containers"),
    "old version": SMUGGLED.replace(b"/containers", b"/v1.12/containers"),
    "newer version": SMUGGLED.replace(b"/containers", b"/v1.99/containers"),
    "override": READ + b"X-HTTP-Method-Override: DELETE\r\n\r\n",
    "form": HEAD + b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\nsignal=9&",
    "restart as wait": HEAD.replace(b"/wait?", b"/restart?") + b"Content-Length: 0\r\n\r\n",
    "an upgrade with a request behind": READ + b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n" + SMUGGLED,
    "an attach with a request behind": b"POST /containers/bare/attach?stream=1&stdout=1 HTTP/1.1\r\n"
    b"Host: x\r\n"
    b"Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n" + SMUGGLED,
    "an attach with input": b"POST /containers/shop/attach?stream=1&stdin=1 HTTP/1.1\r\nHost: x\r\n"
    b"Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n",
    "build session": b"POST /session HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    "an upload with no end": b"PUT /containers/shop/archive?path=/ HTTP/1.1\r\nHost: x\r\n"
    b"Content-Length: 4611686018427387904\r\n\r\n" + SMUGGLED,
}


@pytest.fixture
async def gate(engine: Engine) -> AsyncIterator[DockerGate]:
    async with docker_gate(engine) as opened:
        yield opened


async def sent(gate: DockerGate, *pieces: bytes, seconds: float = 3.0) -> bytes:
    """Send bytes as they are; what is answered within a moment."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gate.port)
    found = b""
    try:
        async with asyncio.timeout(seconds) as clock:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            while data := await reader.read(1 << 16):
                found += data
                clock.reschedule(asyncio.get_running_loop().time() + 0.3)
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.close()
    return found


async def test_no_bytes_smuggle_a_write(gate: DockerGate, engine: Engine) -> None:
    before, few = engine.state(), asyncio.Semaphore(8)

    async def attacked(name: str, *pieces: bytes) -> None:
        async with few:
            answer = await sent(gate, *pieces)
        assert b"HTTP/1.1 " in answer, name
        assert b"HTTP/1.1 201" not in answer, name

    async with asyncio.TaskGroup() as group:
        for name, attack in ATTACKS.items():
            group.create_task(attacked(name, attack))
            group.create_task(attacked(name, *(attack[at : at + 1] for at in range(len(attack)))))
    assert engine.state() == before


def posted(path: str, body: bytes, *more: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Content-Type: application/json", *more]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


BODIES = [
    b'{"Cmd":["ls"],"cmd":["touch","/app/x"]}',
    '{"Cmd":["ls"],"U\u017fer":"0","AttachStdout":true}'.encode(),
    b'{"Cmd":["ls"],"Privileged":true}',
    b'{"Cmd":["ls"],"User":"root"}',
    b'{"Cmd":["ls"],"WorkingDir":"/made/by/exec"}',
    b'{"Cmd":["ls"],"WorkingDir":"/app/../made"}',
    b'{"Cmd":["ls"],"Env":["LD_PRELOAD=/app/x.so"]}',
    b'{"Cmd":["ls"],"Env":["TZ=../../../app/settings.toml"]}',
    b'{"Cmd":["ls"],"Detach":true}',
    b'{"Cmd":[]}',
    b'{"Cmd":[""]}',
    b'{"Cmd":["",""]}',
    b'{"Cmd":"touch /app/x"}',
    b'{"Cmd":["sh"],"AttachStdin":true}',
    b'{"Cmd":["sh","-s"],"AttachStdin":true}',
    b'{"Cmd":["sh","/dev/stdin"],"AttachStdin":true}',
    b'{"Cmd":["sh","-c"],"AttachStdin":true}',
    b'{"Cmd":["busybox","touch","/app/x"]}',
    b'{"Cmd":["./touch","/app/x"],"WorkingDir":"/bin"}',
    b'{"Cmd":["/proc/self/exe","touch","/app/x"]}',
    b'{"Cmd":["ls\\u0000","touch"]}',
    b'{"Cmd":["xargs","touch"],"AttachStdin":true}',
    b'{"Cmd":["tee","/app/x"],"AttachStdin":true}',
    b'{"Cmd":["awk","-f","/dev/stdin"],"AttachStdin":true}',
    b'{"Cmd":["awk","-f","-"],"AttachStdin":true}',
    b'{"Cmd":["sed","-f","-","/app/shop.log"],"AttachStdin":true}',
    b'{"Cmd":["sort","-o","/app/x"],"AttachStdin":true}',
    b'{"Cmd":["cat","-"],"AttachStdin":true}//',
    b'[{"Cmd":["ls"]}]',
    b'\xef\xbb\xbf{"Cmd":["ls"]}',
    b"{" * 100_000,
    b'{"Cmd":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"Cmd":["ls"],"ConsoleSize":[1e400,1]}',
    b'{"Cmd":["vi","/app/settings.toml"],"Tty":true,"AttachStdin":true}',
    b'{"Cmd":["less","/app/settings.toml"],"Tty":true,"AttachStdin":true}',
]
TYPED = b'touch /app/typed\n:w /app/typed\n!touch /app/typed\nBEGIN{system("touch /app/typed")}\n\x04'


async def test_no_body_of_a_command_gets_to_write(gate: DockerGate, engine: Engine) -> None:
    before, few = engine.state(), asyncio.Semaphore(8)

    async def attacked(body: bytes) -> None:
        async with few:
            made = await sent(gate, posted("/containers/shop/exec", body, "Connection: close"))
            number = re.search(rb'"Id":"([0-9a-f]+)"', made)
            if number is not None:
                said = json.dumps({"Tty": b'"Tty":true' in body}).encode()
                path = f"/exec/{number[1].decode()}/start"
                await sent(gate, posted(path, said, "Connection: Upgrade", "Upgrade: tcp") + TYPED)

    async with asyncio.TaskGroup() as group:
        for body in BODIES:
            group.create_task(attacked(body))
    assert engine.state() == before
