"""TLS beneath a protocol: nothing lost, nothing twice, both ends of a connection ended in order."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import random
import socket
import ssl
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import pytest
import trustme
import uvloop

from gateway.transport import layer as layers
from gateway.transport.layer import TlsLayer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

LONG = 3 << 20


def on_either_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test on asyncio's own loop and on uvloop: beneath the layer stands either's raw transport."""

    def run(*, new_loop: Callable[[], asyncio.AbstractEventLoop], **given: object) -> None:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(test(**given))

    wanted = inspect.signature(test).parameters.values()
    loop = inspect.Parameter("new_loop", inspect.Parameter.KEYWORD_ONLY)
    run.__signature__ = inspect.Signature([*(each.replace(kind=loop.kind) for each in wanted), loop])  # type: ignore[attr-defined]
    loops = [asyncio.new_event_loop, uvloop.new_event_loop]
    marked = pytest.mark.parametrize("new_loop", loops, ids=["asyncio", "uvloop"])(run)
    return cast("Callable[..., None]", marked)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.fixture(scope="module")
def client(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    return context


@dataclass(eq=False)
class Above:
    """A protocol that keeps all that it is told."""

    keeps_open: bool = False
    on_data: Callable[[bytes], None] | None = None
    transport: asyncio.Transport | None = None
    data: bytearray = field(default_factory=bytearray)
    told: list[str] = field(default_factory=list)
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    error: Exception | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.told.append("made")

    def connection_lost(self, exc: Exception | None) -> None:
        self.told.append("lost")
        self.error = exc
        self.lost.set()

    def data_received(self, data: bytes) -> None:
        self.data += data
        if self.on_data is not None:
            self.on_data(data)

    def eof_received(self) -> bool:
        self.told.append("eof")
        return self.keeps_open

    def pause_writing(self) -> None:
        self.told.append("full")

    def resume_writing(self) -> None:
        self.told.append("room")


@dataclass
class Peer:
    """The other end, with asyncio's own TLS."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def all(self) -> bytes:
        return await self.reader.read()


@contextlib.asynccontextmanager
async def joined(
    above: Above, server: ssl.SSLContext, client: ssl.SSLContext, *, as_client: bool = False
) -> AsyncIterator[tuple[TlsLayer, Peer]]:
    """A layer on one end of a socket pair, asyncio's TLS on the other."""
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    for each in (ours, theirs):
        each.setblocking(False)
    layer = TlsLayer(
        above,
        client if as_client else server,
        server_side=not as_client,
        name="localhost" if as_client else None,
    )
    layer.shaken.add_done_callback(lambda shaken: shaken.cancelled() or shaken.exception())
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    async with asyncio.timeout(20):
        async with asyncio.TaskGroup() as group:
            group.create_task(loop.create_connection(lambda: cast("asyncio.Protocol", layer), sock=ours))
            if as_client:
                shaking = group.create_task(
                    loop.connect_accepted_socket(lambda: protocol, theirs, ssl=server)
                )
            else:
                shaking = group.create_task(
                    loop.create_connection(
                        lambda: protocol, sock=theirs, ssl=client, server_hostname="localhost"
                    )
                )
        transport, _ = shaking.result()
        await layer.shaken
        writer = asyncio.StreamWriter(cast("asyncio.WriteTransport", transport), protocol, reader, loop)
        try:
            yield layer, Peer(reader, writer)
        finally:
            layer.abort()
            writer.close()


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


@pytest.mark.parametrize("as_client", [False, True])
@on_either_loop
async def test_everything_arrives_in_both_directions_and_the_end_after_it(
    server: ssl.SSLContext, client: ssl.SSLContext, *, as_client: bool
) -> None:
    above = Above()
    async with joined(above, server, client, as_client=as_client) as (layer, peer):
        sent = noise(LONG)
        layer.write(sent[:10])
        layer.write(b"")
        layer.write(sent[10:])
        async with asyncio.TaskGroup() as group:
            got = group.create_task(peer.reader.readexactly(LONG))
            peer.writer.write(sent)
            group.create_task(peer.writer.drain())
        assert got.result() == sent
        layer.close()
        assert await peer.all() == b""
        peer.writer.close()
        await above.lost.wait()
    assert bytes(above.data) == sent
    assert above.told[0] == "made"
    assert above.told[-1] == "lost"
    assert above.error is None


@on_either_loop
async def test_what_is_written_before_the_close_arrives(
    server: ssl.SSLContext, client: ssl.SSLContext
) -> None:
    above = Above()
    async with joined(above, server, client) as (layer, peer):
        sent = noise(LONG)
        peer.writer.write(b"never read by anybody")
        layer.write(sent)
        layer.writelines([b"one", b"", b"two"])
        layer.close()
        layer.write(b"too late")
        assert layer.is_closing()
        assert await peer.all() == sent + b"onetwo"


@on_either_loop
async def test_the_peers_end_closes_the_connection(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    above = Above()
    async with joined(above, server, client) as (_, peer):
        peer.writer.write(b"last words")
        peer.writer.close()
        await above.lost.wait()
    assert bytes(above.data) == b"last words"
    assert above.told == ["made", "eof", "lost"]


@on_either_loop
async def test_a_protocol_may_go_on_sending_after_the_peers_end(
    server: ssl.SSLContext, client: ssl.SSLContext
) -> None:
    """Half-closed by ``close_notify``, as clients do that send input and wait for the answer."""
    above = Above(keeps_open=True)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    peer = client.wrap_bio(incoming, outgoing, server_hostname="localhost")
    ours, theirs = socket.socketpair()
    for each in (ours, theirs):
        each.setblocking(False)
    loop = asyncio.get_running_loop()
    layer = TlsLayer(above, server, server_side=True)
    await loop.create_connection(lambda: cast("asyncio.Protocol", layer), sock=ours)
    with theirs:
        async with asyncio.timeout(20):
            while True:
                try:
                    peer.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    await loop.sock_sendall(theirs, outgoing.read())
                    incoming.write(await loop.sock_recv(theirs, 1 << 16))
            peer.write(b"input")
            with contextlib.suppress(ssl.SSLWantReadError):
                peer.unwrap()
            await loop.sock_sendall(theirs, outgoing.read())
            while "eof" not in above.told:
                await asyncio.sleep(0.01)
            assert bytes(above.data) == b"input"
            assert not layer.is_closing()
            layer.write(b"the answer")
            layer.close()
            received = b""
            while piece := await loop.sock_recv(theirs, 1 << 16):
                received += piece
            assert len(received) > len(b"the answer")
            await above.lost.wait()


@on_either_loop
async def test_input_may_end_before_the_answer_comes(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    """Both sides are layers here: each ends its own direction, as docker's clients and engines do."""
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    near, far = Above(keeps_open=True), Above(keeps_open=True)
    asking = TlsLayer(near, client, server_side=False, name="localhost")
    answering = TlsLayer(far, server, server_side=True)
    for layer, sock in ((asking, ours), (answering, theirs)):
        sock.setblocking(False)
        await loop.create_connection(partial(cast, "asyncio.Protocol", layer), sock=sock)
    sent = noise(1 << 20)
    async with asyncio.timeout(20):
        await asking.shaken
        await answering.shaken
        asking.write(sent)
        asking.write_eof()
        asking.write(b"too late")
        while "eof" not in far.told:
            await asyncio.sleep(0.005)
        assert bytes(far.data) == sent
        assert not asking.is_closing()
        far.data.clear()
        answering.write(sent[::-1])
        answering.write_eof()
        await near.lost.wait()
        await far.lost.wait()
    assert bytes(near.data) == sent[::-1]
    for told in (near.told, far.told):
        assert [word for word in told if word not in {"full", "room"}] == ["made", "eof", "lost"]


@on_either_loop
async def test_an_end_that_is_said_early_loses_nothing_that_waits(
    server: ssl.SSLContext, client: ssl.SSLContext
) -> None:
    above = Above()
    async with joined(above, server, client) as (layer, peer):
        layer.pause_reading()
        sent = noise(1 << 18)
        peer.writer.write(sent)
        await asyncio.sleep(0.05)
        layer.write_eof()
        layer.resume_reading()
        while len(above.data) < len(sent):
            await asyncio.sleep(0.005)
    assert bytes(above.data) == sent


@on_either_loop
async def test_nothing_is_handed_up_while_reading_is_paused(
    server: ssl.SSLContext, client: ssl.SSLContext
) -> None:
    above = Above()
    async with joined(above, server, client) as (layer, peer):
        above.on_data = lambda _: layer.pause_reading()
        sent = noise(1 << 20)
        peer.writer.write(sent)
        peer.writer.close()
        while len(above.data) < len(sent):
            before = len(above.data)
            await asyncio.sleep(0.02)
            assert len(above.data) == before or before == 0
            assert len(above.data) - before < layers.MOST + layers.RECORD
            assert "eof" not in above.told
            layer.resume_reading()
            layer.resume_reading()
            await asyncio.sleep(0.005)
        above.on_data = None
        layer.resume_reading()
        await above.lost.wait()
    assert bytes(above.data) == sent
    assert above.told == ["made", "eof", "lost"]


@on_either_loop
async def test_a_peer_that_does_not_read_makes_the_writer_wait(
    server: ssl.SSLContext, client: ssl.SSLContext
) -> None:
    above = Above()
    async with joined(above, server, client) as (layer, peer):
        layer.set_write_buffer_limits(high=1 << 16)
        sent = noise(LONG)
        layer.write(sent)
        await asyncio.sleep(0)
        assert "full" in above.told
        assert layer.get_write_buffer_size() > 1 << 16
        assert await peer.reader.readexactly(LONG) == sent
        while "room" not in above.told:
            await asyncio.sleep(0.01)


@on_either_loop
async def test_a_peer_that_never_says_its_end_is_not_waited_for_long(
    server: ssl.SSLContext, client: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    above = Above()
    async with joined(above, server, client) as (layer, peer):
        cast("asyncio.Transport", peer.writer.transport).pause_reading()
        loop = asyncio.get_running_loop()
        begun = loop.time()
        layer.close()
        await above.lost.wait()
        assert loop.time() - begun < layers.SHUTDOWN_SECONDS + 2
    assert above.told == ["made", "lost"]


@on_either_loop
async def test_bytes_that_are_no_tls_end_the_connection_with_the_reason(
    server: ssl.SSLContext, client: ssl.SSLContext
) -> None:
    above = Above()
    async with joined(above, server, client) as (_, peer):
        raw = peer.writer.get_extra_info("socket")
        with socket.socket(fileno=socket.dup(raw.fileno())) as beside:
            beside.send(b"\x17\x03\x03\x00\x20" + b"x" * 32)
            await above.lost.wait()
    assert isinstance(above.error, ssl.SSLError)
    assert above.told == ["made", "lost"]


@pytest.mark.parametrize("words", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b""])
@on_either_loop
async def test_a_handshake_that_comes_to_nothing_says_why(server: ssl.SSLContext, words: bytes) -> None:
    above = Above()
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    layer = TlsLayer(above, server, server_side=True)
    loop = asyncio.get_running_loop()
    with theirs:
        await loop.create_connection(lambda: cast("asyncio.Protocol", layer), sock=ours)
        theirs.sendall(words)
        if not words:
            theirs.shutdown(socket.SHUT_WR)
        async with asyncio.timeout(5):
            with pytest.raises((ssl.SSLError, OSError)):
                await layer.shaken
    assert above.told == []


@on_either_loop
async def test_an_untrusted_server_is_not_talked_to(server: ssl.SSLContext) -> None:
    above = Above()
    stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trustme.CA().configure_trust(stranger)
    with pytest.raises(ExceptionGroup) as raised:
        async with joined(above, server, stranger, as_client=True) as (layer, _):
            await layer.shaken
    assert raised.group_contains(ssl.SSLError)
    assert above.told == []
