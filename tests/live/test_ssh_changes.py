"""Writes typed on a host: none happens, each becomes a change request with the right patch."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from changes.shop import bare_repository, git
from live_ssh import LiveSsh
from servers import free_port

from gateway.web.shapes.changes import ChangeFacts, ChangeId, Submit, Submitted
from gateway.web.shapes.endpoints import RepositoryFacts

TEXT = "user www;\nworker_processes 1;\nevents {}\nhttp {}\n"
TASKS = "- name: base\n  ansible.builtin.setup:\n"


@pytest.fixture(scope="module")
def conf(ssh: LiveSsh, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A host's configuration, mapped into a repository of its own."""
    folder = ssh.sshd.folder / "etc-nginx"
    folder.mkdir(mode=0o755)
    path = folder / "nginx.conf"
    path.write_text(TEXT)
    for each in (path, folder):
        each.chmod(
            0o777 if each.is_dir() else 0o666
        )  # the account could write it: only the gateway stands before
    repository = bare_repository(
        tmp_path_factory.mktemp("git") / "web.git",
        {"ansible/files/nginx/nginx.conf": TEXT, "ansible/tasks/main.yml": TASKS},
    )
    ssh.register(
        name="web-files",
        where=RepositoryFacts(
            url=str(repository),
            paths={f"{folder}/**": "ansible/files/nginx/**"},
            image="ansible/tasks/main.yml",
        ),
    )
    ssh.gateway.grant("web-files", minutes=120)
    return path


def refused(ssh: LiveSsh, line: str, *, stdin: bytes = b"") -> ChangeFacts:
    """Type a line that is refused; return the change request that its error names."""
    done = ssh.ssh(line, endpoint="web-files", stdin=stdin)
    assert (done.returncode, done.stdout) == (126, b""), done
    number = re.search(rb"change request (\d+)", done.stderr)
    assert number is not None, done.stderr
    assert b"glassgate change submit" in done.stderr
    return ssh.gateway.client("engineer").call(
        "GET /v1/changes/{id}", ChangeId(id=int(number[1])), ChangeFacts
    )


@pytest.mark.parametrize(
    ("line", "diff"),
    [
        ("sed -i 's/processes 1/processes 4/' {f}", "-worker_processes 1;\n+worker_processes 4;"),
        ("sed -i.bak -e '/events/d' {f}", "-events {}"),
        ("echo 'daemon off;' >> {f}", "+daemon off;"),
        ("echo 'daemon off;' > {f}", "-user www;\n-worker_processes 1;"),
        ("printf 'a\\nb\\n' | tee -a {f}", "+a\n+b"),
        ("cat {f} | sed s/www/nginx/ > {f}", "+user nginx;"),
        ("cat > {f} <<'EOF'\nfrom here\nEOF", "+from here"),
        ("rm -f {f}", "-user www;"),
        ("mv {f} {f}.old", "+++ b/ansible/files/nginx/nginx.conf.old"),
        ("cp {f} {f}.new", "+++ b/ansible/files/nginx/nginx.conf.new"),
        ("ln -s {f} {f}.link", "new file mode 120000"),
        ("truncate -s 0 {f}", "-user www;"),
        ("apt-get install -y curl jq", '+    name: ["curl", "jq"]'),
        ("systemctl restart nginx", "redeploy"),
        ("kill -9 1", "kill -9 1"),
    ],
)
def test_a_write_becomes_the_right_patch(ssh: LiveSsh, conf: Path, line: str, diff: str) -> None:
    before = conf.stat()
    change = refused(ssh, line.replace("{f}", str(conf)))
    assert diff in change.diff, change.diff
    assert conf.read_text() == TEXT
    assert (conf.stat().st_mtime_ns, conf.stat().st_mode) == (before.st_mtime_ns, before.st_mode)
    assert sorted(each.name for each in conf.parent.iterdir()) == ["nginx.conf"]


DIFF = b"--- a/nginx.conf\n+++ b/nginx.conf\n@@ -1,2 +1,2 @@\n-user www;\n+user nginx;\n worker_processes"
DIFF += b" 1;\n"


@pytest.mark.parametrize("line", ["patch {f}", "cd {d} && patch -p1"])
def test_a_diff_that_is_sent_to_patch_is_the_change(ssh: LiveSsh, conf: Path, line: str) -> None:
    change = refused(ssh, line.replace("{f}", str(conf)).replace("{d}", str(conf.parent)), stdin=DIFF)
    assert "-user www;\n+user nginx;" in change.diff, change.diff
    assert "+++ b/ansible/files/nginx/nginx.conf" in change.diff
    assert conf.read_text() == TEXT


def test_a_diff_that_does_not_fit_is_kept_for_a_person(ssh: LiveSsh, conf: Path) -> None:
    change = refused(ssh, f"patch {conf}", stdin=DIFF.replace(b"www", b"nobody"))
    assert "does not fit" in change.diff
    assert "-user nobody;" in change.diff


def test_the_patch_is_shown_where_it_was_refused(ssh: LiveSsh, conf: Path) -> None:
    line = f"sed -i 's/processes 1/processes 8/' {conf}"
    plain = ssh.ssh(line, endpoint="web-files")
    wanted = (
        "it was not run",
        "--- a/ansible/files/nginx/nginx.conf\n",
        "\n-worker_processes 1;\n+worker_processes 8;\n",
        "change request",
        "glassgate change submit",
    )
    at = [plain.stderr.decode().index(words) for words in wanted]
    assert at == sorted(at)
    assert b"\x1b" not in plain.stderr
    coloured = ssh.ssh(line, endpoint="web-files", options=("-tt",))
    assert b"\x1b[32m+worker_processes 8;\x1b[0m\r\n" in coloured.stderr
    assert coloured.returncode == 126


def test_a_long_patch_is_cut_to_a_screen(ssh: LiveSsh, conf: Path) -> None:
    done = ssh.ssh(
        f"cat > {conf}.long", endpoint="web-files", stdin=b"".join(b"%d\n" % n for n in range(500))
    )
    lines = done.stderr.decode().splitlines()
    assert len(lines) <= 24
    more = re.search(r"… (\d+) more lines: glassgate change show (\d+)", done.stderr.decode())
    assert more is not None, lines
    assert int(more[1]) > 480


def test_a_patch_is_shown_for_a_host_without_a_repository(ssh: LiveSsh, conf: Path) -> None:
    done = ssh.ssh(f"sed -i 's/www/nginx/' {conf}")
    assert b"-user www;\n+user nginx;\n" in done.stderr, done.stderr


def test_what_a_file_holds_is_shown_and_never_obeyed(ssh: LiveSsh, conf: Path) -> None:
    done = ssh.ssh(
        f"cat > {conf}.x", endpoint="web-files", stdin=b"title \x1b]0;owned\x07 end\n", options=("-T",)
    )
    assert b"owned" in done.stderr
    assert b"\x1b" not in done.stderr
    assert b"\x07" not in done.stderr


def test_input_that_a_writer_would_take_is_taken_into_the_change(ssh: LiveSsh, conf: Path) -> None:
    change = refused(ssh, f"cat > {conf}", stdin=b"typed on the desk\n")
    assert "+typed on the desk" in change.diff


def test_input_that_does_not_end_is_not_waited_for(ssh: LiveSsh, conf: Path) -> None:
    with subprocess.Popen(
        ssh.argv(f"cat > {conf}", endpoint="web-files"), stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        assert b"change request" in process.stderr.read()
        assert process.wait(30) == 126
    assert conf.read_text() == TEXT


def test_a_change_of_a_host_is_submitted_as_a_commit(ssh: LiveSsh, conf: Path) -> None:
    change = refused(ssh, f"sed -i 's/events {{}}/events {{ worker_connections 9; }}/' {conf}")
    submitted = ssh.gateway.client("engineer").call(
        "POST /v1/changes/{id}/submit",
        Submit(id=change.change.id, reason="INC-42: more connections"),
        Submitted,
    )
    repository = Path(submitted.repository)
    text = git("show", f"{submitted.change.commit}:ansible/files/nginx/nginx.conf", cwd=repository)
    assert "worker_connections 9" in text


def test_an_editor_is_refused_with_the_files_place(ssh: LiveSsh, conf: Path) -> None:
    done = ssh.ssh(f"vi {conf}", endpoint="web-files")
    assert done.returncode == 126
    assert b"edit ansible/files/nginx/nginx.conf in " in done.stderr


@pytest.mark.parametrize(
    ("line", "script"), [("bash", "x"), ("sh", "x"), ("", "unset HISTFILE\nls ~/.vscode-server\n")]
)
def test_an_editor_that_installs_a_server_is_told_where_to_edit(
    ssh: LiveSsh, conf: Path, line: str, script: str
) -> None:
    words = [line] if line else []
    options = ("-T", "-D", str(free_port()))
    done = ssh.ssh(*words, endpoint="web-files", options=options, stdin=script.encode())
    assert (done.returncode, done.stdout) == (126, b"")
    assert b"VS Code Remote" in done.stderr
    assert b"web.git (branch main)" in done.stderr


def test_what_a_channel_is_not_given_is_said_in_debug_messages(ssh: LiveSsh, conf: Path) -> None:
    done = ssh.ssh("hostname", endpoint="web-files", options=("-v", "-o", "SetEnv=LD_PRELOAD=/x"))
    assert done.returncode == 0
    assert b"environment of the gateway's own" in done.stderr
