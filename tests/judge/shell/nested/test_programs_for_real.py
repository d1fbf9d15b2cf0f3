"""What the judge puts down is run: the real programs take it, and nothing in the folder changes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.judge.shell.catalogue import load_shell
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.judge import judge

LINES = (
    ("tar", "tar tzf a.tgz", "d/one"),
    ("tar", "tar -tvf a.tgz --wildcards 'd/*'", "d/one"),
    ("tar", "tar xzOf a.tgz d/one", "line 1"),
    ("tar", "tar -xOzf a.tgz", "line 1"),
    ("tar", "tar czf - d | tar tzf -", "d/one"),
    ("tar", "tar tf a.tgz *", ""),
    ("tar", "tar tf *.tgz", "d/one"),
    ("tar", "tar tvzf a*.t?z", "d/one"),
    ("tar", "tar xOf *.tgz d/one", "line 1"),
    ("tar", "tar --list --file=a.tgz --exclude='x*'", "d/one"),
    ("sed", "sed -n '2,3p;$=' one", "line 2"),
    ("sed", "sed -ne 's/line/x/gp' -e '/x 2/q' one", "x 1"),
    ("sed", "cat one | sed -E 's/(l)(i)/\\2\\1/' | head -1", "ilne 1"),
    ("gawk", "gawk '{ s += $2 } END { print s }' one", "6"),
    ("awk", "awk -F' ' -v x=2 '$2 >= x { print $1 OFS $2 }' OFS=: one", "line:2"),
    ("mawk", "mawk 'BEGIN { printf \"%d\\n\", 3 }'", "3"),
    ("jq", "jq -r '.a[] | select(. > 1)' j.json", "2"),
    ("jq", "jq -n --arg x y '$x'", "y"),
    ("jq", "jq -n '$ARGS.positional' --args p q", "p"),
    ("jq", "jq -rf p.jq j.json", "[1,2]"),
    ("xargs", "ls *.json | xargs -n1 basename", "j.json"),
    ("xargs", "printf 'one\\n' | xargs -I% grep -c line %", "3"),
    ("xargs", "printf 'one\\0' | xargs -0 -P2 wc -l", "3 one"),
    ("xargs", "printf 'one\\n' | xargs sh -c 'head -1 \"$@\"' _", "line 1"),
    ("xargs", "printf 'one\\n' | xargs -i cat {}", "line 1"),
    ("tar", "ls *.tgz | xargs -n1 tar tzf", "d/one"),
    ("tar", 'for f in *.tgz; do tar tzf "$f"; done', "d/one"),
    ("find", "find . -name one -exec grep -h 2 {} +", "line 2"),
    ("find", "find . -name one -exec sh -c 'wc -l < \"$1\"' _ {} \\;", "3"),
    ("env", "env LC_ALL=C sort -r one", "line 3"),
    ("env", "env -u LANG -i cat one", "line 1"),
    ("nice", "nice -n 5 cat one", "line 1"),
    ("timeout", "timeout -k 1 5s cat one", "line 1"),
    ("stdbuf", "stdbuf -oL cat one", "line 1"),
    ("ionice", "ionice -c3 cat one", "line 1"),
    ("taskset", "taskset -c 0 cat one", "line 1"),
    ("nohup", "nohup cat one", "line 1"),
    ("bash", "bash -lc 'cat one | head -1'", "line 1"),
    ("bash", "bash -euo pipefail -c 'for f in *.json; do echo \"$f\"; done'", "j.json"),
    ("sh", "sh -n ok.sh", ""),
    ("dd", "dd if=one bs=1 count=4 status=none", "line"),
    ("top", "top -b -n1 -w 512 | head -1", "top"),
    ("ps", "ps -o pid,comm -p $$", "PID"),
    ("less", "less -R one", "line 1"),
    ("ip", "ip -br a", "lo"),
    ("ip", "ip a s lo", "LOOPBACK"),
    ("ip", "ip -o -4 addr sh dev lo", "127.0.0.1"),
    ("openssl", "openssl version", "OpenSSL"),
    ("openssl", "openssl x509 -in c.pem -noout -subject -enddate", "notAfter"),
    ("openssl", "openssl rsa -in k.pem -noout -check", "ok"),
    ("openssl", "openssl dgst -sha256 one", "one"),
    ("rsync", "rsync -avn d/ e/", "one"),
    ("rsync", "rsync --list-only d/", "one"),
    ("docker", "docker ps --help", "List containers"),
    ("redis-cli", "redis-cli --version", "redis-cli"),
    ("psql", "psql --version", "PostgreSQL"),
    ("curl", "curl --version", "curl"),
)


@pytest.fixture(scope="module")
def context() -> ShellContext:
    return ShellContext(catalogue=load_shell())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("files")
    script = """
    mkdir d && for n in 1 2 3; do echo line $n; done > one && cp one d/one && tar czf a.tgz d
    echo '{"a": [1, 2]}' > j.json && echo '.a | tojson' > p.jq && echo 'echo ok' > ok.sh
    openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -days 30 -subj /CN=x
    touch -- -o-x -i -- --to-command=touch
    """
    subprocess.run(["sh", "-ec", script], cwd=place, check=True, capture_output=True)
    return place


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below a folder, with its time and its bytes."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


@pytest.mark.parametrize(("program", "line", "shows"), LINES, ids=[line for _, line, _ in LINES])
def test_a_read_runs_as_it_is_put_down_and_changes_nothing(
    program: str, line: str, shows: str, folder: Path, context: ShellContext
) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    judgement = judge(line, context)
    assert judgement.verdict.decision.word == "allow", judgement.verdict
    before = contents(folder)
    shell = "bash" if judgement.bash else "sh"
    environment = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/nonexistent",
    }
    done = subprocess.run(
        [shell, "-c", judgement.canonical],
        cwd=folder,
        env=environment,
        input="",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert shows in done.stdout, f"{judgement.canonical}\n{done.stdout}\n{done.stderr}"
    assert contents(folder) == before
