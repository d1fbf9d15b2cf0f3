"""The real sftp and scp through the gateway: files come out, nothing goes in, uploads become drafts."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
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


def changed(ssh: LiveSsh) -> ChangeFacts:
    newest = max(drafts(ssh), key=lambda each: each.id)
    return ssh.gateway.client("engineer").call("GET /v1/changes/{id}", ChangeId(id=newest.id), ChangeFacts)


def test_a_folder_comes_out_by_the_old_protocol(ssh: LiveSsh, tmp_path: Path) -> None:
    folder = ssh.sshd.folder / "many"
    (folder / "inner").mkdir(parents=True, exist_ok=True)
    (folder / "inner" / "a file").write_text("one\n")
    (folder / "b.conf").write_text("two\n")
    for each in (folder, folder / "inner"):
        each.chmod(0o755)
    done = tool(ssh, "scp", "-O", "-r", "-p", f"HOST:{folder}", str(tmp_path / "copy"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "copy" / "inner" / "a file").read_text() == "one\n"
    (tmp_path / "globbed").mkdir()
    done = tool(ssh, "scp", "-O", f"HOST:{folder}/*.conf", str(tmp_path / "globbed"))
    assert done.returncode == 0, done.stderr
    assert [each.name for each in (tmp_path / "globbed").iterdir()] == ["b.conf"]


def test_an_upload_by_the_old_protocol_becomes_a_change_request(ssh: LiveSsh, tmp_path: Path) -> None:
    local = tmp_path / "old.conf"
    local.write_text("written by the old scp\n")
    for target in ("old-scp.conf", f"{ssh.sshd.home}/old-scp.conf", f"{ssh.sshd.home}/"):
        done = tool(ssh, "scp", "-O", "-p", str(local), f"HOST:{target}")
        assert done.returncode != 0
        assert b"change request" in done.stderr, done.stderr
        name = "old.conf" if target.endswith("/") else "old-scp.conf"
        shown = changed(ssh).diff
        assert "+written by the old scp" in shown
        assert f"{ssh.sshd.home}/{name}".lstrip("/") in shown
    assert not list(Path(ssh.sshd.home).glob("old*.conf"))


def test_a_tree_by_the_old_protocol_becomes_one_change_request(ssh: LiveSsh, tmp_path: Path) -> None:
    tree = tmp_path / "site"
    (tree / "conf.d").mkdir(parents=True)
    (tree / "conf.d" / "a.conf").write_text("a\n")
    (tree / "index.html").write_text("<p>\n")
    (tree / "large").write_bytes(b"x" * (5 << 20))
    done = tool(ssh, "scp", "-O", "-r", str(tree), f"HOST:{ssh.sshd.home}/site-1")
    assert done.returncode != 0
    assert b"4 MB" in done.stderr
    shown = changed(ssh).diff
    assert f"{ssh.sshd.home}/site-1/conf.d/a.conf".lstrip("/") in shown
    assert f"{ssh.sshd.home}/site-1/index.html".lstrip("/") in shown
    assert not (Path(ssh.sshd.home) / "site-1").exists()


@pytest.mark.parametrize(
    "sent",
    [
        b"C0644 5 ../x\nhello\0",
        b"C0644 5 ..\nhello\0",
        b"C0644 99999999999999999999 x\n",
        b"E\n",
        b"what is this\n",
        b"C" * 100_000,
        b"D0755 0 d\n" * 100,
        b"\2 no\n",
    ],
)
def test_what_the_old_protocol_can_t_mean_ends_it(ssh: LiveSsh, sent: bytes) -> None:
    done = ssh.ssh(f"scp -t {ssh.sshd.home}/", stdin=sent, options=("-T",))
    assert done.returncode == 126
    assert not list(Path(ssh.sshd.home).glob("x*"))


def rsync(ssh: LiveSsh, *words: str) -> subprocess.CompletedProcess[bytes]:
    argv = ssh.argv()
    sent = [word.replace("HOST:", f"{argv[-1]}:") for word in words]
    return subprocess.run(
        ["rsync", "-e", shlex.join(argv[:-1]), *sent], capture_output=True, timeout=60, check=False
    )


@pytest.mark.skipif(shutil.which("rsync") is None, reason="rsync is not installed (apt install rsync)")
@pytest.mark.parametrize("options", [["-a"], ["-avz"], ["-aHAX", "--checksum"], ["-rtn", "-i"], ["-s", "-a"]])
def test_files_come_out_by_rsync(ssh: LiveSsh, sample: Path, tmp_path: Path, options: list[str]) -> None:
    done = rsync(ssh, *options, f"HOST:{sample}", str(tmp_path / "copy"))
    if "-s" in options:  # what it would read comes over the connection then, and nobody judges that
        assert done.returncode != 0
        return
    assert done.returncode == 0, done.stderr
    if "-rtn" not in options:
        assert (tmp_path / "copy").read_bytes() == sample.read_bytes()


@pytest.mark.skipif(shutil.which("rsync") is None, reason="rsync is not installed (apt install rsync)")
def test_rsync_towards_the_host_becomes_a_draft(ssh: LiveSsh, tmp_path: Path) -> None:
    (tmp_path / "x.conf").write_text("x\n")
    done = rsync(ssh, "-a", f"{tmp_path}/", f"HOST:{ssh.sshd.home}/by-rsync/")
    assert done.returncode != 0
    assert b"rsync would write here" in done.stderr
    assert b"change request" in done.stderr
    assert not (Path(ssh.sshd.home) / "by-rsync").exists()
    assert "rsync" in changed(ssh).diff
