"""The quick way of data packets: byte for byte what asyncssh does, on which insides of its it relies."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import inspect
import os
from typing import TYPE_CHECKING, Final, cast

import asyncssh
import pytest
from asyncssh.channel import SSHChannel, SSHClientChannel
from asyncssh.connection import SSHConnection
from asyncssh.crypto.cipher import GCMCipher
from asyncssh.encryption import GCMEncryption
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.protocols.ssh.swift import Gcm, Swift, SwiftChannel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

KNOWN: Final = "6f7ea1e00ee0e768ece83300285c84532a1d4c72c20d03c6492d419b74ffc4f3"
"""Of asyncssh 2.24.1. Another: read what changed in what stands below, and swift.py again."""
RELIED_UPON: Final = (
    GCMCipher,
    GCMEncryption,
    SSHChannel._accept_data,
    SSHChannel._deliver_data,
    SSHChannel._flush_send_buf,
    SSHChannel._process_data,
    SSHChannel.send_packet,
    SSHChannel.write,
    SSHClientChannel.create,
    SSHClientChannel.get_command,
    SSHConnection.__init__,
    SSHConnection._cleanup,
    SSHConnection._finish_recv_packet,
    SSHConnection._process_newkeys,
    SSHConnection._recv_data,
    SSHConnection._recv_packet,
    SSHConnection._recv_pkthdr,
    SSHConnection._send,
    SSHConnection._send_kexinit,
    SSHConnection.connection_made,
    SSHConnection.data_received,
    SSHConnection.send_newkeys,
    SSHConnection.send_packet,
)

SIZE: Final = 3_000_000


def test_asyncssh_is_inside_as_it_was_when_this_was_written() -> None:
    source = "\n".join(inspect.getsource(each) for each in RELIED_UPON)
    assert hashlib.sha256(source.encode()).hexdigest() == KNOWN, asyncssh.__version__


@given(
    st.sampled_from([16, 32]),
    st.binary(min_size=12, max_size=12) | st.just(b"\1\2\3\4" + b"\xff" * 8),
    st.lists(st.binary(min_size=16, max_size=100), min_size=1, max_size=5),
)
@settings(deadline=None)
def test_packets_are_sealed_as_asyncssh_seals_them(size: int, nonce: bytes, packets: list[bytes]) -> None:
    key = bytes(range(size))
    theirs = GCMEncryption(GCMCipher(f"aes{size * 8}-gcm", key, nonce))
    ours = Gcm.in_place_of(GCMEncryption(GCMCipher(f"aes{size * 8}-gcm", key, nonce)))
    assert isinstance(ours, Gcm)
    opening = Gcm(key, nonce)
    for number, packet in enumerate(packets):
        length = len(packet).to_bytes(4, "big")
        body, tag = theirs.encrypt_packet(number, length, packet)
        assert ours.encrypt_packet(number, length, packet) == (body, tag)
        sealed = body[4:] + tag
        assert opening.look(length, sealed[:-1] + bytes([sealed[-1] ^ 1])) is None
        assert opening.look(length, memoryview(sealed)) == packet
        assert opening.decrypt_packet(number, body[:16], body[16:], 4, tag) == packet


class SwiftServer(Swift, asyncssh.SSHServerConnection):
    """A server as the gateway's is one."""

    def session_channel(self) -> Both:
        return Both(
            self, asyncio.get_running_loop(), allow_pty=False, line_editor=False, line_echo=False,
            line_history=0, max_line_length=0, encoding=None, errors="strict", window=70_000,
            max_pktsize=32768,
        )  # fmt: skip


class Both(SwiftChannel, asyncssh.SSHServerChannel[bytes]):
    """A channel as the gateway's is one."""


class Echo(asyncssh.SSHServer):
    """Takes everyone; each channel sends back what comes."""

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.conn = conn

    def begin_auth(self, username: str) -> bool:
        return False

    def session_requested(self) -> tuple[Both, EchoSession]:
        assert isinstance(self.conn, SwiftServer)
        return self.conn.session_channel(), EchoSession()


class EchoSession(asyncssh.SSHServerSession[bytes]):
    """Sends back what comes, and waits while that is slow."""

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self.chan = chan

    def exec_requested(self, command: str) -> bool:
        return True

    def data_received(self, data: bytes, datatype: int | None) -> None:
        self.chan.write(data)

    def pause_writing(self) -> None:
        self.chan.pause_reading()

    def resume_writing(self) -> None:
        self.chan.resume_reading()

    def eof_received(self) -> bool:
        self.chan.write(b"oops", asyncssh.EXTENDED_DATA_STDERR)
        self.chan.exit(7)
        return True


class SwiftClient(Swift, asyncssh.SSHClientConnection):
    """A client as the gateway is one to its hosts."""


@contextlib.asynccontextmanager
async def serving(cipher: str, rekey: int, lost: list[BaseException | None]) -> AsyncIterator[int]:
    """A server on the quick way; yields its port."""
    loop = asyncio.get_running_loop()
    key = asyncssh.generate_private_key("ssh-ed25519")

    class Told(Echo):
        def connection_lost(self, exc: Exception | None) -> None:
            lost.append(exc)

    options = asyncssh.SSHServerConnectionOptions(
        config=None, server_factory=Told, server_host_keys=[key], encryption_algs=[cipher],
        encoding=None, rekey_bytes=rekey,
    )  # fmt: skip
    server = await loop.create_server(lambda: SwiftServer(loop, options, wait=None), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
    async with asyncio.timeout(10):
        while not lost:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)  # the socket is closed a little later


async def client_of(
    kind: type[asyncssh.SSHClientConnection], port: int, rekey: int = 1 << 30
) -> asyncssh.SSHClientConnection:
    """Connect as asyncssh does itself, or on the quick way."""
    loop = asyncio.get_running_loop()
    options = asyncssh.SSHClientConnectionOptions(
        host="127.0.0.1", port=port, config=None, known_hosts=None, client_keys=None, username="x",
        agent_path=None, rekey_bytes=rekey,
    )  # fmt: skip
    options.waiter = loop.create_future()
    _, connection = await loop.create_connection(lambda: kind(loop, options, wait="auth"), "127.0.0.1", port)
    await options.waiter
    return connection


@pytest.mark.parametrize("cipher", ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes256-ctr"])
@pytest.mark.parametrize("kind", [asyncssh.SSHClientConnection, SwiftClient])
@pytest.mark.parametrize("rekey", [200_000, 1 << 30])
async def test_everything_comes_back_through_small_windows_and_new_keys(
    cipher: str, kind: type[asyncssh.SSHClientConnection], rekey: int
) -> None:
    data = os.urandom(SIZE)
    async with serving(cipher, rekey, []) as port:
        connection = await client_of(kind, port, rekey)
        process = await connection.create_process("x", encoding=None, window=90_001, max_pktsize=10_007)

        async def feed() -> None:
            at = 0
            for size in [1, 15, 16, 17, 32_768, 32_769, 100_000] * 1000:
                if at >= SIZE:
                    break
                process.stdin.write(data[at : at + size])
                await process.stdin.drain()
                at += size
            process.stdin.write_eof()

        async with asyncio.TaskGroup() as group:
            group.create_task(feed())
            found = await process.stdout.read()
        done = await process.wait()
        assert found == data
        assert done.stderr == b"oops"
        assert done.exit_status == 7
        connection.abort()
        await connection.wait_closed()


@pytest.mark.parametrize("place", [3, 4, 20, 900])
async def test_a_packet_altered_on_the_way_ends_the_connection(place: int) -> None:
    lost: list[BaseException | None] = []
    async with serving("aes128-gcm@openssh.com", 1 << 30, lost) as port:
        connection = await client_of(SwiftClient, port)
        process = await connection.create_process("x", encoding=None)
        process.stdin.write(b"fine")
        assert await process.stdout.readexactly(4) == b"fine"
        transport = cast("asyncio.Transport", connection._transport)

        class Altering:
            """Alters one byte of a data packet."""

            def writelines(self, parts: tuple[bytes, ...]) -> None:
                joined = bytearray(b"".join(parts))
                joined[place] ^= 1
                transport.write(bytes(joined))

            def __getattr__(self, name: str) -> object:
                return getattr(transport, name)

        connection._transport = Altering()  # type: ignore[assignment]
        process.stdin.write(bytes(1000))
        process.stdin.write(bytes(1000))
        async with asyncio.timeout(10):
            with contextlib.suppress(asyncssh.Error):
                assert await process.stdout.read() == b""
            while not lost:
                await asyncio.sleep(0.01)
        assert isinstance(lost[0], asyncssh.MACError)
        connection.abort()
        await connection.wait_closed()
