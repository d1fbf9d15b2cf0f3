"""What a client sends for a line that is not run: the recording says which bytes they were."""

from __future__ import annotations

import hashlib

import pytest
from ssh_door import Gate

DATA = b"worker_processes 4;\n"


@pytest.mark.parametrize(
    ("line", "sent", "what"),
    [
        ("tee /etc/nginx/new.conf", DATA, "standard input"),
        ("cat > /etc/nginx/new.conf", DATA, "standard input"),
        ("scp -t /etc/nginx/new.conf", b"C0644 %d new.conf\n%b\0" % (len(DATA), DATA), "/etc/nginx/new.conf"),
    ],
)
async def test_the_recording_says_which_bytes_they_were(
    gate: Gate, line: str, sent: bytes, what: str
) -> None:
    assert (await gate.ssh(line, stdin=sent)).returncode == 126
    digest = hashlib.sha256(DATA).hexdigest()
    assert ("given", f"unit 1: {what}, {len(DATA)} bytes, sha256 {digest}") in gate.room.events


async def test_nothing_is_said_where_nothing_was_sent(gate: Gate) -> None:
    assert (await gate.ssh("rm /etc/nginx/new.conf")).returncode == 126
    assert not [each for each in gate.room.events if each[0] == "given"]
