"""Reading and putting down: every tree has one text, every text at most one tree; nothing else is read."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shell_trees import scripts

from gateway.judge.shell.cursor import MAX_LENGTH, NotRead
from gateway.judge.shell.emit import Emitted, emit
from gateway.judge.shell.read import read
from gateway.judge.shell.tree import AndOr, Script, Simple, text_of

SLOW = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def argv(line: str) -> list[str | None]:
    """The words of a line of one command; None for those that expand."""
    (list_,) = read(line).lists
    (command,) = list_.first.commands
    assert isinstance(command, Simple)
    assert not command.redirections
    return [text_of(word) for word in command.words]


def tried(line: str) -> Script | NotRead:
    """What a line says, or why it is not read."""
    try:
        return read(line)
    except NotRead as error:
        return error


def put_down(script: Script) -> Emitted | NotRead:
    """The canonical text, or why there is none."""
    try:
        return emit(script)
    except NotRead as error:
        return error


@given(scripts())
@SLOW
def test_a_tree_put_down_reads_as_that_tree(script: Script) -> None:
    emitted = put_down(script)
    if isinstance(emitted, NotRead):
        assert emitted.what == "document"
    else:
        assert read(emitted.text) == script, emitted.text


@given(scripts())
@settings(SLOW, max_examples=15)
def test_shfmt_understands_the_canonical_text(script: Script) -> None:
    emitted = put_down(script)
    if isinstance(emitted, NotRead):
        return
    done = subprocess.run(
        [Path(sys.executable).with_name("shfmt"), "--to-json", "-ln", "bash"],
        input=emitted.text.encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, (emitted.text, done.stderr)
    found = sorted(_names(json.loads(done.stdout)))
    assert found == sorted(emitted.names), emitted.text


def _names(node: object) -> list[str]:
    """The literal names of the commands in shfmt's tree; empty for those that expand."""
    if isinstance(node, list):
        return [name for each in node for name in _names(each)]
    if not isinstance(node, dict):
        return []
    found = [name for each in node.values() for name in _names(each)]
    if node.get("Type") == "CallExpr" and node.get("Args"):
        parts = node["Args"][0].get("Parts", [])
        plain = all(part["Type"] == "SglQuoted" or part.get("Value") == "\\'" for part in parts)
        found.append("".join(part.get("Value", "").replace("\\'", "'") for part in parts) if plain else "")
    return found


@given(st.text(st.sampled_from(list("ab '\"\\$`(){}[]<>|&;#*?~=!\n\t-01")), max_size=40))
@settings(max_examples=1000, deadline=None)
def test_any_text_is_read_whole_or_not_at_all(text: str) -> None:
    script = tried(text)
    if isinstance(script, NotRead):
        assert script.reason.endswith(".")
        return
    emitted = put_down(script)
    assert isinstance(emitted, NotRead) or read(emitted.text) == script


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_characters_are_read_or_refused(text: str) -> None:
    assert isinstance(tried(text), Script | NotRead)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ls -l 'a b' \"c d\" e\\ f", ["ls", "-l", "a b", "c d", "e f"]),
        ("echo 'it'\\''s' \"a\\\"b\\$c\\`d\\\\e\\f\"", ["echo", "it's", 'a"b$c`d\\e\\f']),
        (r"echo $'a\tb\x41\u00e9\101' $'\''", ["echo", "a\tbAéA", "'"]),
        (
            "echo {a,b}{1,2} x{1..3}y {c..a} {01..3} {a}",
            ["echo", "a1", "a2", "b1", "b2", "x1y", "x2y", "x3y", "c", "b", "a", "01", "02", "03", "{a}"],
        ),
        ("echo {a,} {} {{.Name}} HEAD@{1} a{b", ["echo", "a", "{}", "{{.Name}}", "HEAD@{1}", "a{b"]),
        ("echo a#b # c", ["echo", "a#b"]),
        ("echo '' \"\"", ["echo", "", ""]),
        ("ls \\\n -l", ["ls", "-l"]),
        ("echo ] } in do a!b ! $ a$ ^$ %", ["echo", "]", "}", "in", "do", "a!b", "!", "$", "a$", "^$", "%"]),
        ("jq .[] f", ["jq", ".[]", "f"]),
        ('echo "$ x" "$" "a$%"', ["echo", "$ x", "$", "a$%"]),
    ],
)
def test_words_are_what_bash_makes_of_them(line: str, words: list[str]) -> None:
    assert argv(line) == words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ls |& wc", "ls 2>&1 | wc"),
        ("ls &>/dev/null", "ls >/dev/null 2>&1"),
        ("ls >&/dev/null", "ls >/dev/null 2>&1"),
        ("cat <<< 'a b'", "cat <<E\na b\nE"),
        ("cat <<-E\n\t\ta\n\tE", "cat <<E\na\nE"),
        ("[[ -f x ]]", "[ -f x ]"),
        ("[[ $x == a* ]]", "case $x in a*) true;; *) false;; esac"),
        ("[[ $x -gt 5 ]]", '[ "$x" -gt 5 ]'),
        ("(( i < 3 ))", '[ "$((i < 3))" -ne 0 ]'),
        ("echo $((i++))", "echo $(((i = i + 1) - 1))"),
        ("echo `date`", "echo $(date)"),
        ("echo `echo \\`date\\``", "echo $(echo $(date))"),
        ('echo "`echo \\"a\\"`"', 'echo "$(echo "a")"'),
        ("echo $(<f)", "echo $(cat <f)"),
        ("x+=b", 'x="$x"b'),
        ("cat >/dev/null f 2>&1 g", "cat f g >/dev/null 2>&1"),
        ("if a; then b; fi; c", "if a\nthen b\nfi\nc"),
        ("{ if a; then b; fi }", "{ if a; then b; fi; }"),
        ("for i in a b; do c; done", "for i in a b\ndo\n c\ndone"),
        ("cat <<A && ls\nx\nA", "cat <<<x && ls"),
        ("cat <<A; cat <<B\na\nA\nb\nB", "cat <<<a; cat <<<b"),
        ("! ! ls", "ls"),
        ("a=(\n x # one\n y)", "a=(x y)"),
        ("a=({1..3})", "a=(1 2 3)"),
        ("declare -A m=([a]=1)", "{ declare -A m; m=([a]=1); }"),
        ("declare -a a=(x)", "a=(x)"),
        ("declare x=1", "x=1"),
        ("a[1]+=x", 'a[1]="${a[1]}x"'),
        ('x="${a[@]}"', 'x="${a[*]}"'),
        ("echo ${a[$i]}", "echo ${a[i]}"),
        ("echo ${a[$((i))]}", "echo ${a[i]}"),
        ("echo $((a[i]))", "echo $((${a[i]:-0}))"),
        ("((a[1]++))", '{ a[1]=$((a[1]+1)); [ "$((a[1]-1))" -ne 0 ]; }'),
        ("[[ -v a[1] ]]", '[ -n "${a[1]+x}" ]'),
        ("declare -A m; echo ${m['a b']}", 'declare -A m; echo ${m["a b"]}'),
    ],
)
def test_forms_that_mean_the_same_read_the_same(one: str, other: str) -> None:
    assert read(one) == read(other)


@pytest.mark.parametrize(
    "line",
    [
        "ls &",
        "ls & wait",
        "a && b &",
        "f() { ls; }",
        "function f { ls; }",
        "coproc ls",
        "select x in a; do b; done",
        "echo ${!x}",
        "echo ${x@P}",
        "echo ${x:=a}",
        'echo $"a"',
        "echo $[1]",
        "ls !(a)",
        "echo a(b",
        "ls )",
        "ls ;;",
        ";",
        "| ls",
        "ls ||| wc",
        "&& ls",
        "ls &&",
        "ls |",
        "if a; then",
        "fi",
        "for x; do a; done",
        "for 1 in a; do b; done",
        "case x in a) b",
        "{ls;}(",
        "echo 'a",
        'echo "a',
        "echo `a",
        "echo $(a",
        "echo ${a",
        "echo $((1",
        "echo $((1+))",
        "echo $((a[$(ls)]))",
        "echo ${a[$(ls)]}",
        "echo ${a[`ls`]}",
        "a[$(ls)]=1",
        "a=([$(ls)]=1)",
        "echo ${a[@]@Q}",
        "echo ${a[0]@P}",
        "echo ${!a[0]}",
        "echo ${a[]}",
        "echo ${a[b[]}",
        "a[0]=(1)",
        "a=(1) ls",
        "a=(x; ls)",
        "a=(x",
        "a=(x & y)",
        "a=([0]+=1)",
        "a=([ab]*)",
        "((a[i++] += 1))",
        "a[i++]+=x",
        "declare -i x=1",
        "declare -n x=y",
        "declare -A m; echo ${m[$(ls)]}",
        "declare -A m; m[]=1",
        "declare -A m; m[@]=1",
        "declare -A m; m[a b]=1",
        "declare -a x=1",
        'echo "${a[@]}${b[@]}"',
        'echo "$x${a[@]}"',
        "echo ${a[@]}$",
        'echo "${x:-${a[@]}}"',
        "echo $((2**3))",
        "[[ -v 1 ]]",
        "[[ -v a[$(ls)] ]]",
        "[[ -v a[@] ]]",
        "[[ -v $x ]]",
        "[[ a ]",
        "[[ x -eq y ]]",
        "cat <<",
        "cat <<E",
        "cat <<$x\n$x",
        "ls >",
        "ls {fd}>f",
        "ls 12>f",
        "ls >&a 2>&b$x",
        "ls <&f",
        "echo ~+",
        "echo ~-",
        "\x00",
        "ls\x1b",
        "ls\r",
        "l\u200bs",
        "ls\u00a0",
        "\ud800",
        "echo $'\\x00'",
        "echo $'\\x1b'",
        "tee >(ls)",
        "echo \\",
        "case x in a) b;& c) d;; esac",
        "echo $!",
        "echo $-",
        "echo $_",
        "do ls; done",
        "then",
        "a\\\nb",
        "$\\\nx",
        "ls &\\\n& ls",
    ],
)
def test_what_is_not_understood_is_not_read(line: str) -> None:
    with pytest.raises(NotRead):
        read(line)


def test_an_empty_line_holds_nothing() -> None:
    assert read("") == read("  \n # a comment\n") == Script()


@pytest.mark.parametrize(
    "line",
    [
        "(" * 50_000,
        "$(" * 30_000,
        "{ " * 30_000,
        "`" * 50_001,
        "[" * 99_000,
        "echo " + "[a" * 40_000,
        "${x:-" * 15_000,
        "echo " + "{a," * 20_000,
        "((" * 30_000,
        "[[ ( " * 10_000,
        "if " * 20_000,
        "! " * 40_000 + "ls",
        "a\\\n" * 20_000,
        "$((" * 20_000 + "1",
        "echo $((" + "-" * 90_000 + "1))",
        "echo " + "'" * 90_000,
        "<<E " * 20_000,
        "ls |" * 20_000,
        "echo {1..1000}{1..1000}",
        "echo " + "{a,b}" * 100,
        "echo " + "a[" * 40_000,
        "x" * (MAX_LENGTH + 1),
        "cat <<E\n" * 9_000,
        "echo `" + "\\`" * 40_000,
        "for i in " * 8_000,
        "case " * 15_000,
        "echo $((" + "1+" * 40_000 + "1))",
        "é" * 60_000,
        "echo " + '"$(' * 20_000,
        "echo ~" * 15_000,
        "ls " + "=~" * 40_000,
        "echo " + "$" * 90_000,
    ],
)
def test_bent_lines_take_a_bounded_time(line: str) -> None:
    start = time.process_time()
    assert isinstance(tried(line), Script | NotRead)
    assert time.process_time() - start < 2


def test_a_long_plain_line_is_read() -> None:
    script = read("; ".join(["echo a b c"] * 7_000))
    assert len(script.lists) == 7_000
    assert isinstance(script.lists[0], AndOr)
