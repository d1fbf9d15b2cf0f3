"""The real sftp and scp through the gateway: files come out, nothing goes in, uploads become drafts."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest
from live_ssh import LiveSsh

from gateway.web.shapes.changes import ChangeFacts, ChangeId, ChangeLine, ChangeList, ListChanges


def tool(ssh: LiveSsh, program: str, *words: str, batch: str = "") -> subprocess.CompletedProcess[bytes]:
    """Run sftp or scp with the engineer's identity; ``HOST:`` in a word stands for the host."""
    argv = ssh.argv()
    options, login = argv[1:-1], argv[-1]
    port = options[options.index("-p") + 1]
    rest = [word for at, word in enumerate(options) if word != "-p" and options[at - 1] != "-p"]
    sent = [word.replace("HOST:", f"{login}:") for word in words]
    return subprocess.run(
        [program, "-P", port, *rest, *sent] + ([login] if program == "sftp" else []),
        input=batch.encode(),
        capture_output=True,
        timeout=60,
        check=False,
    )


def drafts(ssh: LiveSsh) -> tuple[ChangeLine, ...]:
    return ssh.gateway.client("engineer").call("GET /v1/changes", ListChanges(), ChangeList).changes


@pytest.fixture
def sample(ssh: LiveSsh) -> Path:
    path = ssh.sshd.folder / "sample.bin"
    if not path.exists():
        path.write_bytes(os.urandom(12 << 20))
        path.chmod(0o644)
    return path


@pytest.mark.parametrize("protocol", [[], ["-O"]])
def test_a_file_comes_out_whole_by_scp(
    ssh: LiveSsh, sample: Path, tmp_path: Path, protocol: list[str]
) -> None:
    done = tool(ssh, "scp", *protocol, f"HOST:{sample}", str(tmp_path / "copy"))
    assert done.returncode == 0, done.stderr
    assert (
        hashlib.sha256((tmp_path / "copy").read_bytes()).digest()
        == hashlib.sha256(sample.read_bytes()).digest()
    )


def test_looking_around_by_sftp(ssh: LiveSsh, sample: Path, tmp_path: Path) -> None:
    batch = f"cd {sample.parent}\npwd\nls -l\nget sample.bin {tmp_path}/copy\ndf -h /\nbye\n"
    done = tool(ssh, "sftp", "-b", "-", batch=batch)
    assert done.returncode == 0, done.stderr
    assert f"Remote working directory: {sample.parent}".encode() in done.stdout
    assert b"sample.bin" in done.stdout
    assert (tmp_path / "copy").stat().st_size == sample.stat().st_size


@pytest.mark.parametrize(
    "line",
    [
        "rm {f}",
        "rename {f} {f}.old",
        "mkdir {f}.d",
        "rmdir /tmp",
        "chmod 600 {f}",
        "ln -s {f} {f}.l",
        "ln {f} {f}.h",
    ],
)
def test_nothing_is_changed_by_sftp(ssh: LiveSsh, sample: Path, line: str) -> None:
    before = (sorted(sample.parent.iterdir()), sample.stat())
    done = tool(ssh, "sftp", "-b", "-", batch=line.format(f=sample) + "\n")
    assert done.returncode != 0
    after = (sorted(sample.parent.iterdir()), sample.stat())
    assert after[0] == before[0]
    assert (after[1].st_mode, after[1].st_mtime_ns, after[1].st_nlink) == (
        before[1].st_mode,
        before[1].st_mtime_ns,
        before[1].st_nlink,
    )
    assert b"change request" in done.stderr


@pytest.mark.parametrize("program", ["scp", "sftp"])
def test_an_upload_becomes_a_change_request_with_its_bytes(
    ssh: LiveSsh, tmp_path: Path, program: str
) -> None:
    local = tmp_path / "app.conf"
    local.write_text(f"written by {program}\n")
    target = f"{ssh.sshd.home}/app-{program}.conf"
    if program == "scp":
        done = tool(ssh, "scp", str(local), f"HOST:{target}")
    else:
        done = tool(ssh, "sftp", "-b", "-", batch=f"put {local} {target}\n")
    assert done.returncode != 0
    assert b"change request" in done.stderr
    assert not Path(target).exists()
    newest = max(drafts(ssh), key=lambda each: each.id)
    shown = ssh.gateway.client("engineer").call("GET /v1/changes/{id}", ChangeId(id=newest.id), ChangeFacts)
    assert f"+written by {program}" in shown.diff


def test_a_link_does_not_lead_to_what_acts_when_it_is_opened(ssh: LiveSsh, tmp_path: Path) -> None:
    link = ssh.sshd.folder / "link"
    if not link.is_symlink():
        link.symlink_to("/dev/tty")
        os.mkfifo(ssh.sshd.folder / "pipe")
    for name in ("link", "pipe"):
        done = tool(ssh, "scp", f"HOST:{ssh.sshd.folder}/{name}", str(tmp_path / "copy"))
        assert done.returncode != 0
        assert b"regular file" in done.stderr
