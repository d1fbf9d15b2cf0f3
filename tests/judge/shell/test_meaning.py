"""The canonical text means what the line meant: both are run, by bash and by dash, in a scratch folder."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.cursor import NotRead
from gateway.judge.shell.emit import emit
from gateway.judge.shell.judge import judge
from gateway.judge.shell.read import read

FILES = ["a", "b", "ab", "aa", "a b", "-i", "x*y", "[a]", "{a,b}", "~", "n.log", "m.log"]
PIECES = [
    *"aabbx  ''\"\"\\${}{},,*?[]~!^#=:-/1.%@+_",
    *(
        "$x",
        "${x}",
        '"$x"',
        "$'\\t'",
        "{a,b}",
        "{1..3}",
        "$((1+n))",
        "${y:-b}",
        "${#x}",
        "${x%a}",
        "${x##*/}",
    ),
    *(
        "${x/a/b}",
        "${x:1:2}",
        '"${y:-a b}"',
        "$(echo b)",
        "`echo a`",
        "\\\n",
        "${y+a}",
        "[ab]",
        "[!a]",
        "[^a]",
    ),
    *(
        "${x^^}",
        "~/",
        "é",
        "\\'",
        '"\'"',
        "$((2*3-1))",
        '${z-"q r"}',
        '$(echo "a b")',
        '"$(echo "a  b")"',
        "$()",
    ),
    *("${a[@]}", '"${a[@]}"', '"${a[*]}"', "${a[1]}", '"${a[n-2]}"', "${#a[@]}", '"${!a[@]}"', "${a[-1]}"),
    *(
        '"${a[@]:1:2}"',
        '"${a[@]%b}"',
        "${a[*]/b/c}",
        '"${a[9]:-d}"',
        "$((a[3]+1))",
        "$a",
        '"${e[@]}"',
        "${e[*]}",
    ),
    *("\\$", "$?", "a$", '"$"', "{a..c}", "{a,{b,c}}", "\\*", "'*'", "${x//[a-z]/_}", "${x%%.*}"),
]
LINES = [
    "for i in {1..3}; do echo $i; done | tail -n 2",
    "i=0; while (( i < 3 )); do echo $((i++)); done",
    "for ((i=0;i<3;i++)); do echo $i; done",
    'x=\'a b\'; for w in $x "$x"; do echo "<$w>"; done',
    "x='1 2'; for w in $x; do echo $((w * 2)); done",
    "printf '%s\\n' a b c | while read -r l; do [[ $l == b* ]] && echo \"got $l\"; done",
    "[[ abc =~ ^a.c$ ]] && echo yes; [[ abc =~ b(c|d) ]] || echo no",
    "[[ -d . && ( ! -f nothing || x == y ) ]] && echo yes",
    "if [ -e a ] && ! [ -e nothing ]; then echo both; elif true; then echo one; else echo none; fi",
    "case a.log in *.txt) echo t;; *.log|*.out) echo l;; *) echo o;; esac",
    "cat <<EOF | tr a-z A-Z\n$x `echo b` $(echo c) \\$x \\\\ $((1+2))\n'quoted' \"too\"\nEOF",
    "cat <<'EOF'\n$x `b`\nEOF",
    "cat <<-EOF && echo after\n\ttab\n\tEOF",
    "cat <<A; cat <<B\none\nA\ntwo\nB",
    'while read -r a b; do echo "$b-$a"; done <<EOF\n1 2\n3 4 5\nEOF',
    'cat <<< "$x"; wc -c <<< a',
    "{ echo out; echo err >&2; } 2>&1 | sort",
    "(cd / && pwd); pwd | grep -c scratch",
    "echo a >&2 2>/dev/null; ls nothing &>/dev/null; echo $?",
    "ls nothing |& grep -c nothing",
    "x=$(printf 'a\\nb\\n'); echo \"$x\" | wc -l; echo $x",
    "IFS=: read -r a b <<< 'x:y z'; echo \"$a|$b\"",
    "x=/a/b.tar.gz; echo ${x##*/} ${x%.*} ${x%%.*} ${x/b/c} ${#x}",
    "n=5; until [ $n -le 3 ]; do echo $n; n=$((n-1)); done",
    "echo $(( (1+2)*3 - 4/2 % 3 )) $((1<2 && 0 || 1)) $((5>3?10:20)) $((0x1f)) $((010))",
    "echo $((2#101)) $((~0 & 7))",
    "x=3; y=$((x > 2 ? x * 2 : 0)); echo $y $((y -= 1)) $y",
    "echo $(( $(echo 4) + $(echo 5) ))",
    "true && false || echo c; ! true; echo $?",
    'echo "a\'b\\"c" \'d"e\' f\\ g "`echo \\"h\\"`"',
    "ls *.log | xargs -n 1 echo",
    "find . -name '*.log' | sort",
    "cat nothing 2>/dev/null || echo missing",
    "echo -e 'a\\tb' | cut -f2; echo -n x; echo",
    "test a = a -a b = b && [ ! a = b -o c = d ] && echo ok",
    'x=; echo ${x:-d} ${x-e} ${nothing-f} ${x:+g} "${x:+h}" ${nothing:-$(echo i)}',
    "diff <(printf 'a\\nb\\n') <(printf 'a\\nc\\n') | grep '^[<>]'",
    "a=1 b=2; echo $a$b; a+=3; echo $a",
    "for f in *.log; do echo ${f%.log}; done",
    "echo *.log [mn].log ?.log '*.log' nothing*",
    "seq 3 | while read i; do echo $((i * i)); done",
    "time -p true 2>/dev/null; echo done",
    "echo '5 apples' | { read n rest; echo $((n + 1)); }",
]


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A folder with files whose names are a nuisance."""
    folder = tmp_path / "scratch"
    (folder / "d").mkdir(parents=True)
    for name in [*FILES, "d/a"]:
        (folder / name).write_text("1\n", encoding="utf-8")
    return folder


def run(shell: str, texts: list[str], folder: Path) -> list[bytes]:
    """What a shell prints for each text, with its status."""
    arrays = "a=('p q' b '' 7 '*'); e=()\n" if shell == "bash" else "a='p q'\n"
    script = arrays + "".join(f"( {text}\n)\nprintf ' %s\\0' $?\n" for text in texts)
    variables = {"PATH": "/usr/bin:/bin", "HOME": "/home/e", "x": "a/b.ax a", "n": "3", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [shell],
        input=script.encode(),
        cwd=folder,
        env=variables,
        capture_output=True,
        check=False,
        timeout=60,
    )
    return done.stdout.split(b"\0")[:-1]


def drawn(seed: int, count: int) -> Iterator[str]:
    """Lines of one command with words of pieces drawn at random."""
    choose = random.Random(seed)
    for _ in range(count):
        line = "printf '<%s>' " + "".join(choose.choice(PIECES) for _ in range(choose.randint(1, 7)))
        if "$$" not in line and "$*" not in line and "$@" not in line:
            yield line


@pytest.mark.parametrize("seed", range(4))
def test_words_become_what_bash_makes_of_them(seed: int, scratch: Path) -> None:
    lines, texts, plain = [], [], []
    for line in drawn(seed, 2000):
        try:
            emitted = emit(read(line))
        except NotRead:
            continue
        if emitted.names[-1] != "printf":
            continue
        lines.append(line)
        texts.append(emitted.text)
        plain.append(
            "printf '<%s>'" if emitted.bash or ".[" in emitted.text or ".?" in line else emitted.text
        )
    assert len(lines) > 1000
    assert sum("a[" in line for line in lines) > 100
    meant = run("bash", lines, scratch)
    found = run("bash", texts, scratch)
    assert len(meant) == len(found) == len(lines)
    for line, text, one, other in zip(lines, texts, meant, found, strict=True):
        assert one == other, (line, text)
    for line, text, one, other in zip(
        lines, plain, run("bash", plain, scratch), run("dash", plain, scratch), strict=True
    ):
        assert one == other, (line, text)


def test_what_is_allowed_prints_what_the_line_would(context: ShellContext, scratch: Path) -> None:
    at_home = replace(context, home="/home/e", variables={"x": "a/b.ax a"})
    judged = [judge(line, at_home) for line in LINES]
    for line, each in zip(LINES, judged, strict=True):
        assert each.canonical, (line, each.verdict.reason)
    meant = run("bash", LINES, scratch)
    assert len(meant) == len(LINES)
    for line, each, one, other in zip(
        LINES, judged, meant, run("bash", [each.canonical for each in judged], scratch), strict=True
    ):
        assert one == other, (line, each.canonical)
    posix = [
        (line, each.canonical, one)
        for line, each, one in zip(LINES, judged, meant, strict=True)
        if not each.bash
    ]
    assert len(posix) > len(LINES) // 2
    for (line, text, one), other in zip(
        posix, run("dash", [text for _, text, _ in posix], scratch), strict=True
    ):
        assert one == other, (line, text)


def test_the_shells_are_there() -> None:
    assert shutil.which("bash")
    assert shutil.which("dash")
