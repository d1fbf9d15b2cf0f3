"""The sample host: a real sshd that lets one login in, and a web server's files to look at."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path

import pytest
from servers import free_port

from gateway.cli.demo.host import SERVICE, SSHD, SampleHost, lay_out
from gateway.cli.demo.log_lines import LINES
from gateway.domain.errors import UpstreamUnavailable


def test_its_files_are_the_same_in_every_demo(tmp_path: Path) -> None:
    lay_out(tmp_path / "one")
    lay_out(tmp_path / "two")
    logs = Path("var/log/nginx")
    access = (tmp_path / "one" / logs / "access.log").read_bytes()
    assert access == (tmp_path / "two" / logs / "access.log").read_bytes()
    assert access.count(b"\n") == LINES
    assert access.count(b" 504 ") == (tmp_path / "one" / logs / "error.log").read_bytes().count(b"\n") > 10
    declared = SERVICE / "ansible" / "files" / "nginx" / "nginx.conf"
    assert (tmp_path / "one" / "etc" / "nginx" / "nginx.conf").read_bytes() == declared.read_bytes()


async def test_its_login_gets_in_and_is_nobody_else_on_this_machine(short_folder: Path) -> None:
    if not Path(SSHD).exists():
        pytest.skip("sshd is not installed (apt install openssh-server)")
    known = {entry.pw_uid for entry in pwd.getpwall()}
    try:
        host = await SampleHost.start(short_folder, port=free_port())
    except UpstreamUnavailable as error:
        pytest.skip(error.message)
    try:
        (short_folder / "known").write_text(f"[127.0.0.1]:{host.port} {host.host_key}\n")
        done = subprocess.run(
            ["ssh", "-F", "none", "-i", str(short_folder / "sshd" / "login_ed25519"), "-p", str(host.port),
             "-o", f"UserKnownHostsFile={short_folder}/known", "-o", "StrictHostKeyChecking=yes",
             f"{host.account}@127.0.0.1", f"id -u; wc -l < {host.files}/var/log/nginx/access.log"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        uid, lines = done.stdout.split()
        assert int(lines) == LINES, done.stderr
        assert int(uid) != 0
        assert (int(uid) == os.geteuid()) or os.geteuid() == 0
        assert int(uid) in known or uid.encode() not in Path("/etc/passwd").read_bytes()
    finally:
        await host.stop()
    assert not host.running


async def test_an_sshd_that_does_not_start_says_why(short_folder: Path) -> None:
    if not Path(SSHD).exists():
        pytest.skip("sshd is not installed (apt install openssh-server)")
    with pytest.raises(UpstreamUnavailable, match=r"does not start: .*sshd_config.*port|let in|terminals"):
        await SampleHost.start(short_folder, port=70_000)
