"""Commands through the gateway with the real ssh on a real host: what comes back is what the host says."""

from __future__ import annotations

import hashlib
import os
import subprocess
import threading

import pytest
from live_ssh import LiveSsh


def direct(ssh: LiveSsh, command: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """The same command straight on the host, as a shell there runs it."""
    return subprocess.run(["sh", "-c", command], input=stdin, capture_output=True, check=False)


@pytest.mark.parametrize(
    "command",
    [
        "ls -l /etc | head -n 5",
        "cat /etc/passwd | wc -l",
        "grep -c root /etc/passwd; grep -c nobody_is_called_so /etc/passwd",
        'for f in /etc/host*; do wc -c "$f"; done',
        "if [ -d /etc ]; then echo there; else echo not; fi",
        "echo \"it's $(uname -s), $((1 + 2))\"",
        "printf '%s\\n' 'a  b' \"c'd\" e\\ f '*'",
        "sort /etc/shells | uniq | tail -n 2",
        "head -c 20 /etc/services && echo",
        "ls /nowhere-at-all 2>/dev/null || echo none",
        "awk -F: '{ print $1 }' /etc/passwd | sort | head -n 3",
        "find /etc -maxdepth 1 -name 'host*' | sort",
        'while read -r a b; do echo "$b $a"; done < /etc/shells',
        "cat /etc/nowhere-at-all",
        "true && false",
        "echo ünïcödé ✓",
    ],
)  # fmt: skip
def test_a_read_says_what_the_host_says(ssh: LiveSsh, command: str) -> None:
    through, straight = ssh.ssh(command), direct(ssh, command)
    assert (through.returncode, through.stdout) == (straight.returncode, straight.stdout)
    assert through.stderr.replace(b"/bin/sh", b"sh").count(b"\n") == straight.stderr.count(b"\n")


def test_standard_error_comes_apart(ssh: LiveSsh) -> None:
    answered = ssh.ssh("cat /etc/hostname /nowhere; ls /nowhere")
    assert b"nowhere" not in answered.stdout
    assert answered.stderr.count(b"nowhere") == 2
    assert answered.returncode == 2


@pytest.mark.parametrize("status", [0, 1, 7, 255])
def test_the_exit_status_is_the_commands(ssh: LiveSsh, status: int) -> None:
    assert ssh.ssh(f"exit {status}").returncode == status


def test_standard_input_reaches_the_command(ssh: LiveSsh) -> None:
    text = b"".join(b"line %d\n" % number for number in range(200_000))
    answered = ssh.ssh("wc -l", stdin=text)
    assert (answered.returncode, answered.stdout.strip()) == (0, b"200000")
    assert ssh.ssh("sha256sum", stdin=text).stdout.split()[0].decode() == hashlib.sha256(text).hexdigest()


def test_a_command_that_reads_nothing_ends_although_input_waits(ssh: LiveSsh) -> None:
    answered = ssh.ssh("head -n 1", stdin=b"first\n" + b"x" * (8 << 20))
    assert answered.stdout == b"first\n"


def test_large_output_comes_whole(ssh: LiveSsh) -> None:
    answered = ssh.ssh("head -c 104857600 /dev/zero", seconds=90)
    assert (answered.returncode, len(answered.stdout)) == (0, 104857600)
    assert answered.stdout.count(0) == 104857600


def test_random_output_comes_whole_to_a_slow_reader(ssh: LiveSsh) -> None:
    source = ssh.sshd.folder / "random"
    if not source.exists():
        source.write_bytes(os.urandom(16 << 20))
        source.chmod(0o644)
    process = subprocess.Popen(
        ssh.argv(f"cat {source}; exit 9"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    digest, whole = hashlib.sha256(), 0
    pause = threading.Event()
    while piece := process.stdout.read(1 << 20):
        digest.update(piece)
        whole += len(piece)
        pause.wait(0.05)
    process.stdout.close()
    assert process.wait() == 9
    assert (whole, digest.hexdigest()) == (16 << 20, hashlib.sha256(source.read_bytes()).hexdigest())


def test_a_write_is_not_run(ssh: LiveSsh) -> None:
    target = ssh.sshd.home / "made"
    for command in (f"touch {target}", f"echo x > {target}", f"sh -c 'touch {target}'", f"tee {target}"):
        answered = ssh.ssh(command)
        assert answered.returncode == 126, command
        assert answered.stdout == b""
        assert b"it was not run" in answered.stderr
    assert not target.exists()


def test_an_unknown_subsystem_is_refused_and_the_client_is_told(ssh: LiveSsh) -> None:
    answered = ssh.ssh("nosuch", options=("-s",))
    assert answered.returncode == 126
    assert b"no such subsystem" in answered.stderr


def test_new_keys_in_the_middle_of_a_transfer_harm_nothing(ssh: LiveSsh) -> None:
    answered = ssh.ssh("head -c 20000000 /dev/zero | sha256sum", options=("-o", "RekeyLimit=256K"))
    assert answered.stdout.split()[0].decode() == hashlib.sha256(bytes(20_000_000)).hexdigest()
    answered = ssh.ssh("head -c 20000000 /dev/zero", options=("-o", "RekeyLimit=1M"), seconds=60)
    assert (answered.returncode, len(answered.stdout)) == (0, 20_000_000)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-o", "ExitOnForwardFailure=yes", "-R", "0:localhost:22"), b"remote port forwarding failed"),
        (("-W", "localhost:22"), b"localhost is no endpoint that you may reach"),
    ],
)
def test_forwarding_is_refused_with_its_reason(ssh: LiveSsh, options: tuple[str, ...], said: bytes) -> None:
    words = () if "-W" in options else ("true",)
    answered = ssh.ssh(*words, options=options)
    assert answered.returncode == 255
    assert said in answered.stderr


def test_the_environment_is_the_gateways(ssh: LiveSsh) -> None:
    options = ("-o", "SetEnv=LD_PRELOAD=/tmp/evil.so FOO=bar PATH=/tmp", "-A", "-X")
    shown = ssh.ssh("tr '\\0' '\\n' < /proc/self/environ", options=options).stdout.decode().splitlines()
    assert "HOME=/nonexistent" in shown
    assert not [line for line in shown if line.startswith(("LD_PRELOAD", "FOO", "SSH_", "DISPLAY", "BASH_"))]
    assert "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" in shown


def test_the_login_at_the_host_has_its_name_in_the_environment(ssh: LiveSsh) -> None:
    account = ssh.sshd.account
    assert ssh.ssh('echo "$USER" $LOGNAME').stdout.decode() == f"{account} {account}\n"
    assert ssh.ssh("ps -o user= -u $USER | sort -u").stdout.decode().strip() == account


def test_what_the_login_shell_reads_first_takes_nothing_over(ssh: LiveSsh) -> None:
    """A function named like what the gateway calls stands in the login's own rc file."""
    took = ssh.sshd.home / "took-over"
    rc = ssh.sshd.home / ".bashrc"
    rc.write_text(
        f"function /usr/bin/env {{ touch {took}; }}\nfunction ls {{ touch {took}; }}\n"
        f"alias cat='touch {took}'\nexport BASH_ENV={rc} ENV={rc}\n"
    )
    try:
        answered = ssh.ssh("ls /etc/hostname; cat /etc/hostname")
        assert answered.stdout.startswith(b"/etc/hostname\n")
        assert not took.exists()
    finally:
        rc.unlink()


def test_a_terminal_is_the_hosts_own(ssh: LiveSsh) -> None:
    shown = ssh.ssh("tty; stty size; echo $TERM", options=("-tt",))
    assert shown.returncode == 0, shown
    assert shown.stdout.startswith(b"/dev/pts/")
    assert b"\r\n" in shown.stdout


def test_one_connection_carries_many_commands(ssh: LiveSsh) -> None:
    control = ssh.folder / "control"
    options = ("-o", f"ControlPath={control}", "-o", "ControlMaster=auto", "-o", "ControlPersist=30")
    before = len(ssh.sessions("engineer"))
    assert ssh.ssh("echo first", options=options).stdout == b"first\n"
    try:
        for number in range(5):
            assert ssh.ssh(f"echo {number}", options=options).stdout == b"%d\n" % number
        at_once = [
            subprocess.Popen(ssh.argv("sleep 1; echo x", options=options), stdout=subprocess.PIPE)
            for _ in range(6)
        ]
        assert [process.communicate(timeout=20)[0] for process in at_once] == [b"x\n"] * 6
        assert len(ssh.sessions("engineer")) == before + 1
    finally:
        subprocess.run(ssh.argv(options=(*options, "-O", "exit")), capture_output=True, check=False)


def test_twenty_sessions_side_by_side(ssh: LiveSsh) -> None:
    def one(number: int) -> bytes:
        answered = ssh.ssh(f"sleep 1; head -c 1000000 /dev/zero | wc -c; echo {number}", seconds=60)
        return answered.stdout

    found: dict[int, bytes] = {}
    threads = [
        threading.Thread(target=lambda number=number: found.update({number: one(number)}))
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: b"1000000\n%d\n" % number for number in range(20)}
