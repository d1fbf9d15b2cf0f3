"""What the door offers before anybody has said who they are."""

from __future__ import annotations

import asyncio
import struct

import asyncssh
import pytest
from ssh_door import Gate, endpoint_for, gate_for
from sshd import Sshd
from stopwatch import unhurried

from gateway.judge.shell.catalogue import load_shell
from gateway.judge.shell.judge import judge
from gateway.protocols.ssh.parts import Parts

WEAK = ("cbc", "chacha20", "arcfour", "3des", "sha1", "md5", "umac", "-96", "group1", "group14", "nistp")


async def offered(gate: Gate) -> tuple[bytes, list[list[str]]]:
    """The server's version line and the name lists of its KEXINIT (RFC 4253, section 7.1)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gate.port)
    version = await reader.readline()
    writer.write(b"SSH-2.0-audit\r\n")
    (length,) = struct.unpack(">I", await reader.readexactly(4))
    packet = await reader.readexactly(length)
    payload = packet[1 : length - packet[0]]
    assert payload[0] == 20
    at, lists = 17, []
    for _ in range(10):
        (size,) = struct.unpack(">I", payload[at : at + 4])
        lists.append(payload[at + 4 : at + 4 + size].decode().split(","))
        at += 4 + size
    writer.close()
    return version, lists


async def test_only_modern_algorithms_are_offered(gate: Gate) -> None:
    version, (kex, host_keys, *rest) = await offered(gate)
    assert version == b"SSH-2.0-Glassgate\r\n"
    ciphers_in, ciphers_out, macs_in, macs_out, compression_in, compression_out, *_ = rest
    assert "kex-strict-s-v00@openssh.com" in kex
    names = [name for name in kex if not name.startswith(("kex-strict", "ext-info"))]
    assert "curve25519-sha256" in names
    assert all("25519" in name or name.startswith("sntrup") for name in names)
    assert host_keys == ["ssh-ed25519"]
    assert ciphers_in == ciphers_out
    assert ciphers_in[:2] == ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com"]
    assert macs_in == macs_out == ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com"]
    assert compression_in == compression_out == ["none"]
    everything = [*names, *ciphers_in, *macs_in]
    assert not [name for name in everything if any(weak in name for weak in WEAK)]


@pytest.mark.parametrize(
    "option",
    [
        "Ciphers=aes128-cbc",
        "Ciphers=chacha20-poly1305@openssh.com",
        "MACs=hmac-sha1",
        "KexAlgorithms=diffie-hellman-group14-sha1",
        "HostKeyAlgorithms=rsa-sha2-512",
    ],
)
async def test_an_old_client_is_refused(gate: Gate, option: str) -> None:
    options: tuple[str, ...] = ("-o", option)
    if option.startswith("MACs"):
        options = ("-o", "Ciphers=aes128-ctr", *options)
    refused = await gate.ssh("true", options=options)
    assert refused.returncode == 255
    assert b"no matching" in refused.stderr


@pytest.mark.parametrize(
    "option", ["Ciphers=aes256-gcm@openssh.com", "Ciphers=aes128-ctr", "KexAlgorithms=curve25519-sha256"]
)
async def test_a_modern_client_is_served(gate: Gate, option: str) -> None:
    assert (await gate.ssh("echo in", options=("-o", option))).stdout == b"in\n"


async def test_the_host_key_stays_the_same(gate: Gate) -> None:
    pinned = (gate.folder / "known_hosts").read_text().split()[2]
    shown = await asyncssh.get_server_host_key("127.0.0.1", gate.port)
    assert shown is not None
    assert shown.export_public_key().decode().split()[1] == pinned
    assert (gate.folder / "ssh" / "host_ed25519").stat().st_mode & 0o777 == 0o600


async def closed(reader: asyncio.StreamReader, seconds: float = 5.0) -> bytes:
    """Everything until the server closes."""
    data = b""
    async with asyncio.timeout(seconds):
        try:
            while piece := await reader.read(1 << 16):
                data += piece
        except ConnectionError:
            pass
    return data


@pytest.mark.parametrize(
    "sent",
    [
        b"x" * 100_000,
        b"hello\r\n" * 5_000,
        b"SSH-1.5-old\r\n",
        b"SSH-2.0-x\r\n" + b"\xff" * 100,
        b"SSH-2.0-x\r\n" + struct.pack(">IB", 300_000, 4) + b"\0" * 400_000,
        b"SSH-2.0-x\r\n" + struct.pack(">IBB", 12, 10, 94) + b"\0" * 10,
        b"SSH-2.0-x\r\n" + struct.pack(">IBB", 12, 10, 50) + b"\0" * 10,
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 600,
    ],
)
async def test_what_is_not_ssh_is_hung_up_on(gate: Gate, sent: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gate.port)
    writer.write(sent)
    await closed(reader)
    writer.close()
    assert (await gate.ssh("echo still")).stdout == b"still\n"


async def test_a_client_that_says_nothing_or_never_logs_in_is_hung_up_on(
    tmp_path_factory: pytest.TempPathFactory, sshd: Sshd
) -> None:
    folder = tmp_path_factory.mktemp("slow")
    async with gate_for(
        folder, {"web-1": endpoint_for(sshd)}, Parts(load_shell(), judge), login_seconds=1.0
    ) as gate:
        since = unhurried()
        silent, silent_writer = await asyncio.open_connection("127.0.0.1", gate.port)
        slow, slow_writer = await asyncio.open_connection("127.0.0.1", gate.port)
        slow_writer.write(b"SSH-2.0-slow\r\n")
        await closed(silent)
        await closed(slow)
        assert unhurried() - since < 3
        assert gate.listener.half_open == 0
        silent_writer.close()
        slow_writer.close()


async def test_a_full_gateway_says_so(tmp_path_factory: pytest.TempPathFactory, sshd: Sshd) -> None:
    folder = tmp_path_factory.mktemp("full")
    async with gate_for(folder, {"web-1": endpoint_for(sshd)}, Parts(load_shell(), judge)) as gate:
        gate.listener._connections = 1
        first = await asyncio.create_subprocess_exec(*gate.argv("sleep 3"))
        await asyncio.sleep(1)
        reader, writer = await asyncio.open_connection("127.0.0.1", gate.port)
        assert b"too many connections" in await closed(reader)
        writer.close()
        first.kill()
        await first.wait()


async def test_keys_and_passwords_may_be_tried_so_often(gate: Gate) -> None:
    tried = 0

    class Client(asyncssh.SSHClient):
        def password_auth_requested(self) -> str:
            nonlocal tried
            tried += 1
            return "ggd_wrong"

    with pytest.raises((asyncssh.DisconnectError, asyncssh.ConnectionLost), match="too many attempts"):
        await asyncssh.connect(
            "127.0.0.1", gate.port, username="engineer+web-1", client_factory=Client, known_hosts=None,
            client_keys=None, config=None, agent_path=None,
        )  # fmt: skip
    assert 10 <= tried <= 25
