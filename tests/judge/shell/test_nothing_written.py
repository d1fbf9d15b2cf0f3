"""What is allowed writes nothing, whatever the files that it meets are called."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.judge import judge

EVIL = [
    *(
        "-i",
        "-o",
        "-oout",
        "-w",
        "-delete",
        "-exec",
        "-fprint",
        "--in-place",
        "-e",
        "-T",
        "-c",
        "-f",
        "--",
        "-C",
        "@x",
    ),
    *(
        "w out",
        "1e touch pwned",
        "$(touch pwned)",
        "`touch pwned`",
        "a[$(touch pwned)]",
        "x=1",
        ";touch pwned",
    ),
    *(
        'BEGIN{system("touch pwned")}',
        "|touch pwned",
        "touch pwned|",
        ">out",
        "s|^|touch pwned|e",
        "of=pwned",
    ),
    *(
        "--checkpoint-action=exec=touch pwned",
        "--output=pwned",
        "--compress-program=touch",
        "{}",
        "*",
        "a b",
        "set",
    ),
]
COMMANDS = [
    *(
        "awk '{print}'",
        "base64",
        "cat",
        "cksum",
        "cmp",
        "comm",
        "cut -c1",
        "date -r",
        "df",
        "diff",
        "du",
        "echo",
        "egrep x",
    ),
    *(
        "expand",
        "file",
        "find",
        "fold",
        "grep x",
        "gunzip -c",
        "head",
        "head -n1",
        "join",
        "ls",
        "md5sum",
        "nl",
        "od",
        "paste",
    ),
    *(
        "readlink",
        "rev",
        "sed -n 1p",
        "sha256sum",
        "shuf",
        "sort",
        "stat",
        "strings",
        "sum",
        "tac",
        "tail -n1",
        "tar -tf",
    ),
    *(
        "test -f",
        "tr a b",
        "tree",
        "tsort",
        "uniq",
        "wc",
        "which",
        "xxd",
        "zcat",
        "zgrep x",
        "printf %s",
        "seq",
        "type",
    ),
]
FORMS = [
    *(
        "{} *",
        "{} a *",
        "{} $(cat names)",
        '{} "$(tail -n 1 names)"',
        "{} a$(cat names)",
        "{} a b",
        "{} < names",
    ),
    *("for f in *; do {} $f; done", 'for f in *; do {} a "$f"; done', "ls | xargs {}", "ls | xargs -I@ {} @"),
    *("while read -r f; do {} $f a; done < names", "find . -type f -exec {} {{}} \\;"),
    *("find . -print0 | xargs -0 {}", "x='*'; {} $x", "w='a *'; {} $w"),
    *('a=(*); {} "${{a[@]}}"', "a=(*); {} ${{a[@]}}", 'mapfile -t a < names; {} "${{a[@]}}"'),
    *('a=($(cat names)); {} "${{a[0]}}" a', 'a=(*); for f in "${{a[@]}}"; do {} "$f"; done'),
    "while read -r f; do {} ${{a[$f]}} $((a[f])); done < names",
]


def fill(folder: Path) -> None:
    """Make a scratch folder anew."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "d").mkdir(parents=True)
    for name in EVIL:
        (folder / name).write_text("touch pwned\n", encoding="utf-8")
    for name in ("a", "b"):
        (folder / name).write_text("1 2 3\n", encoding="utf-8")
    (folder / "names").write_text("\n".join(EVIL) + "\n", encoding="utf-8")


def look(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Every file with its mode, size and time."""
    found = {}
    for path in folder.rglob("*"):
        state = path.lstat()
        found[str(path)] = (state.st_mode, state.st_size, state.st_mtime_ns)
    return found


def run(shell: str, texts: list[str], folder: Path) -> None:
    """Run texts, each in a process of its own."""
    script = "".join(f"( {text}\n) </dev/null >/dev/null 2>&1\n" for text in texts)
    subprocess.run(
        [shell],
        input=script.encode(),
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        check=False,
        timeout=100,
    )


@pytest.mark.parametrize(
    ("shell", "form"), [*(("bash", form) for form in FORMS), *(("dash", form) for form in FORMS[:4])]
)
def test_nothing_is_written(shell: str, form: str, context: ShellContext, tmp_path: Path) -> None:
    folder = tmp_path / "scratch"
    fill(folder)
    before = look(folder)
    judged = [judge(form.format(command), context) for command in COMMANDS]
    texts = [each.canonical for each in judged if each.canonical and (shell == "bash" or not each.bash)]
    assert len(texts) > 5
    run(shell, texts, folder)
    if look(folder) != before:
        for text in texts:
            fill(folder)
            before = look(folder)
            run(shell, [text], folder)
            assert look(folder) == before, text
        pytest.fail("some of them together write")
