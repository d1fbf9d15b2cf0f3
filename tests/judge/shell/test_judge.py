"""What is run in a line's place, and what the verdict depends on beside the line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.verdict import Decision
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.judge import judge, judge_argv


def text(line: str, context: ShellContext) -> str:
    """The canonical text of a line that is allowed."""
    judged = judge(line, context)
    assert judged.verdict.decision is Decision.ALLOW, (line, judged.verdict)
    return judged.canonical


def word(line: str, context: ShellContext) -> str:
    """The verdict on a line, in a word."""
    return judge(line, context).verdict.decision.word


@pytest.mark.parametrize(
    ("line", "canonical"),
    [
        ("ls -la /var/log", "'ls' '-l' '-a' '/var/log'"),
        ("ls /var/log -la", "'ls' '-l' '-a' '/var/log'"),
        ("sort --rev f", "'sort' '--reverse' 'f'"),
        ("head -20 f", "'head' '-20' 'f'"),
        ("sort -- -x", "'sort' '--' '-x'"),
        ("cat -- a b", "'cat' 'a' 'b'"),
        ("sort *", "'sort' '--' *"),
        ("sort ./*", "'sort' './'*"),
        ("cat /var/log/*.log", "'cat' '/var/log/'*'.log'"),
        ("sed -n 1p *", "'sed' '-n' '-e' '1p' '--' *"),
        ('tail -n "$n" "$f"', "'tail' '-n' \"${n}\" '--' \"${f}\""),
        ("tail -n $n $f", "'tail' '-n' \"${n}\" '--' ${f}"),
        ("grep $p *.log", "'grep' '--' \"${p}\" *'.log'"),
        ("grep -e $p *.log", "'grep' '-e' \"${p}\" '--' *'.log'"),
        ("grep a.* f", "'grep' 'a.*' 'f'"),
        ("ls ~/x ~", "'ls' '/home/engineer/x' '/home/engineer'"),
        ("ls $HOME/x", "'ls' '/home/engineer/x'"),
        ("ls ~root/x", "'ls' '--' ~root/'x'"),
        ("[ $x -gt 5 ]", "'[' \"${x}\" '-gt' '5' ']'"),
        ("ls > /dev/stderr", "'ls' >&2"),
        ("ls >/dev//null 2>/dev/stdout", "'ls' >'/dev/null' 2>&1"),
        ("command ls -l", "'ls' '-l'"),
        ("find . -name *.log", "'find' '.' '-name' '*.log'"),
        ("'ls'", "'ls'"),
        ("cat <<< x", "'cat' <<'END'\nx\nEND\n"),
        ("cat <<X\nEND\nX", "'cat' <<'END1'\nEND\nEND1\n"),
    ],
)
def test_a_line_is_rebuilt(line: str, canonical: str, context: ShellContext) -> None:
    assert text(line, context) == canonical


@pytest.mark.parametrize(
    ("line", "canonical"),
    [
        ("x=/etc; cat $x/hosts", "x='/etc'; 'cat' '/etc/hosts'"),
        ("x='a b'; ls $x \"$x\"", "x='a b'; 'ls' 'a' 'b' 'a b'"),
        ("x='*'; ls \"$x\"", "x='*'; 'ls' '*'"),
        ("x='*'; ls $x", "x='*'; 'ls' '--' ${x}"),
        ("for f in a b; do cat $f; done", "for f in 'a' 'b'; do 'cat' \"${f}\"; done"),
        ("for f in /x/a /x/b; do cat $f; done", "for f in '/x/a' '/x/b'; do 'cat' \"${f}\"; done"),
        ("x=a; x=b; ls $x", "x='a'; x='b'; 'ls' 'b'"),
        ("x=a; true && x=b; ls $x", "x='a'; 'true' && x='b'; 'ls' \"${x}\""),
        ("x=a; (x=b); ls $x", "x='a'; ( x='b' ); 'ls' 'a'"),
        ("x=a; ls | read x; ls $x", "x='a'; 'ls' | 'read' 'x'; 'ls' 'a'"),
        ("x=1; echo $((x + y))", "x='1'; 'echo' \"$((x + y))\""),
        ("x=$(date); echo $((x+1))", "x=\"$('date')\"; 'echo' \"$(((${x%%[!0-9-]*}) + 1))\""),
        ("echo $(($(date +%s) / 60))", "'echo' \"$(($('date' '+%s' | 'tr' '-c' '-d' '0-9-') / 60))\""),
        ("unset x; ls $x y", "'unset' 'x'; 'ls' 'y'"),
        ("y='a$z'; echo \"${x:-$y}\"", "y='a$z'; 'echo' \"${x:-${y}}\""),
    ],
)
def test_what_is_known_of_variables_is_put_in(line: str, canonical: str, context: ShellContext) -> None:
    assert text(line, context) == canonical


@pytest.mark.parametrize(
    "line",
    [
        "x=rm; while true; do $x f; x=ls; done",
        "for c in ls rm; do $c f; done",
        "x=ls; read x; $x",
        "x=ls; for i in 1 2; do $x f; x=rm; done",
        "x=ls; if true; then x=rm; fi; $x f",
        "x=ls; case a in a) x=rm;; esac; $x f",
        "x=ls; true || x=rm; $x f",
        "x=ls; until false; do x=rm; done; $x f",
        "x=-i; for y in a; do sed $x s/a/b/ f; done",
        "for o in -i -n; do sed $o p f; done",
        "for s in nginx; do service $s status; read s; done",
        "for s in nginx; do service $s status; command read s; done",
        "s=nginx; while true; do service $s status; export s=x; s=../y; done",
        "s=nginx; while read -r s; do service $s status; done",
        "s=nginx; for i in 1 2; do for s in a ../b; do :; done; service $s status; done",
        "s=nginx; until service $s status; do s=../y; done",
        "x=a; x+=b; y=/dev/sda; cat $y",
        "cd /dev; cat sda",
        "cd /; cat dev/sda",
        "pushd /dev; cat sda",
        "d=/dev; cd $d && cat sda",
    ],
)
def test_what_variables_may_hold_is_never_guessed(line: str, context: ShellContext) -> None:
    assert word(line, context) != "allow"


def test_what_the_gateway_holds_is_put_in_or_handed_on(context: ShellContext) -> None:
    held = replace(context, variables={"d": "/var/log", "n": "5", "w": "a b*"})
    assert text("ls $d", held) == "'ls' '/var/log'"
    assert text("echo $((n + 1)) ${d%log}", held) == "d='/var/log' n='5'; 'echo' \"$((n + 1))\" ${d%log}"
    assert text("ls $w", held) == "w='a b*'; 'ls' '--' ${w}"
    after = judge("x=1; y=$(date); cd /etc", held)
    assert after.variables == {"x": "1"}
    assert after.folder == "/etc"


def test_a_home_that_is_not_known_is_not_guessed(context: ShellContext) -> None:
    assert word("ls ~", replace(context, home="")) == "refuse"


def test_relative_paths_begin_in_the_working_folder(context: ShellContext) -> None:
    assert word("cat sda", replace(context, folder="/dev")) == "refuse"
    assert word("cat ../dev/sda", replace(context, folder="/srv")) == "refuse"
    assert word("cat sda", replace(context, folder="/srv")) == "allow"


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        ("cd /dev && cd /etc && cd - && cat sda", "refuse"),
        ("cd /dev; cd /etc; cd -; cat sda", "refuse"),
        ("pushd /dev; cd /etc; cd -; cat sda", "refuse"),
        ("cd /dev && (cd /etc; cd -; cat sda)", "refuse"),
        ("cd /srv && cd /etc && cd - && cat sda", "allow"),
        ("cd /srv && ls; cd -; ls", "allow"),
    ],
)
def test_cd_leads_back_to_the_folder_before(line: str, verdict: str, context: ShellContext) -> None:
    assert word(line, context) == verdict


def test_where_a_line_leads_back_the_shell_stands_where_it_stood(context: ShellContext) -> None:
    assert judge("cd /srv && ls; cd -", replace(context, folder="/etc")).folder is None


def test_bash_is_named_where_it_is_needed(context: ShellContext) -> None:
    for line in (
        "diff <(ls) <(ls)",
        "echo ${x:1:2}",
        "echo ${x^^}",
        "time ls",
        "ls [^a]*",
        "set -o pipefail",
        "echo -e a",
    ):
        assert judge(line, context).bash, line
    for line in (
        "ls &>/dev/null",
        "ls |& wc",
        "[[ -f x ]]",
        "(( 1 < 2 ))",
        "ls {a,b}",
        "cat <<< x",
        "echo hi",
    ):
        assert not judge(line, context).bash, line


def test_without_bash_its_own_forms_are_refused_and_others_lowered(context: ShellContext) -> None:
    plain = replace(context, shell="sh")
    assert word("diff <(ls) <(ls)", plain) == "refuse"
    assert word("echo ${x:1:2}", plain) == "refuse"
    assert text("ls [^a]*", plain) == "'ls' '--' [!a]*"
    assert text("echo -e 'a'", plain) == "'echo' '-e' 'a'"


def test_sudo_runs_outside_the_guard_and_can_be_off(context: ShellContext) -> None:
    judged = judge("sudo cat /etc/shadow | wc -l", context)
    assert judged.uses_sudo
    assert judged.canonical == "'sudo' '-n' '--' 'cat' '/etc/shadow' | 'wc' '-l'"
    assert word("sudo cat /etc/shadow", replace(context, sudo=False)) == "refuse"
    assert not judge("cat /etc/hosts", context).uses_sudo


def test_work_trees_are_read_under_the_guard_only(context: ShellContext) -> None:
    assert word("git -C /srv/shop status", context) == "allow"
    assert word("git -C /srv/shop status", replace(context, guarded=False)) != "allow"
    assert word("sudo git -C /srv/shop status", context) != "allow"


def test_reads_that_leave_traces_are_the_endpoints_choice(context: ShellContext) -> None:
    assert word("iptables -L", context) == "allow"
    assert word("iptables -L", replace(context, stateful=False)) == "refuse"


def test_lists_of_an_endpoint_hold(context: ShellContext) -> None:
    assert word("shopctl status", context) == "refuse"
    assert word("shopctl status", replace(context, lists={"commands": ("shopctl",)})) == "allow"
    assert word("cat /dev/sda", replace(context, lists={"paths": ("/dev/sda",)})) == "allow"


def test_the_profile_covers_every_command(context: ShellContext) -> None:
    assert judge("ls | wc", context).profile == "plain"
    assert judge("ls; ps aux", context).profile == "procs"
    assert judge("systemctl status nginx; ls", context).profile == "bus"
    assert judge("docker ps | grep $(hostname)", context).profile == "engine"


def test_the_worst_decides(context: ShellContext) -> None:
    assert word("ls; rm f", context) == "change"
    assert word("rm f; frobnicate", context) == "refuse"
    assert word("echo $(rm f) | cat", context) == "change"


def test_bytes_are_read_strictly(context: ShellContext) -> None:
    assert judge(b"ls \xff", context).verdict.rule == "shell.syntax.character"
    assert judge("ls é".encode(), context).verdict.decision is Decision.ALLOW
    assert judge(b"", context).verdict.rule == "shell.empty"


def test_an_argv_is_judged_without_a_shell(context: ShellContext) -> None:
    judged = judge_argv(("ls", "-la", "$(rm f)", "*"), context)
    assert judged.argv == ("ls", "-l", "-a", "$(rm f)", "*")
    assert judge_argv(("sh", "-c", "ls; rm f"), context).verdict.decision is Decision.CHANGE
    assert judge_argv(("sh", "-c", "ls | wc"), context).argv == ("sh", "-c", "'ls' | 'wc'")
    assert judge_argv(("bash",), context).verdict.decision is Decision.REFUSE
    assert judge_argv(("cat", "kmsg"), replace(context, folder="/proc")).verdict.rule == "shell.path.device"
    assert judge_argv((), context).verdict.decision is Decision.REFUSE
    assert judge_argv(("ls", "a\0b"), context).verdict.decision is Decision.REFUSE


def test_commands_inside_commands_are_judged_to_a_bounded_depth(context: ShellContext) -> None:
    assert word("nice nice nice ls", context) == "allow"
    assert word("nice " * 5 + "rm f", context) == "change"
    assert word("nice " * 400 + "ls", context) == "refuse"
    assert word("sh -c 'sh -c \"ls; rm f\"'", context) == "change"


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("/bin/ls", "allow"),
        ("/usr/bin/ls", "allow"),
        ("/usr/local/bin/ls", "allow"),
        ("/tmp/ls", "refuse"),
        ("./ls", "refuse"),
        ("bin/ls", "refuse"),
        ("/usr/bin/../bin/ls", "refuse"),
        ("//bin/ls", "refuse"),
        ("~/ls", "refuse"),
        ("LS", "refuse"),
        ("", "allow"),
        ("''", "refuse"),
    ],
)
def test_commands_stand_in_the_systems_folders(line: str, path: str, context: ShellContext) -> None:
    assert word(line, context) == path


def test_what_a_line_leaves_behind_is_told(context: ShellContext) -> None:
    here = replace(context, folder="/srv", variables={"x": "1"})
    assert judge("ls", here).folder is None
    assert judge("cd ..; cd var/log", here).folder == "/var/log"
    assert judge("cd", here).folder == "/home/engineer"
    assert judge("(cd /etc); ls", here).folder is None
    assert judge("cd $y", here).folder == ""
    assert judge("cd /etc || cd /usr", here).folder == ""
    after = judge("x=$(date); z=2; read w; for i in 1 2; do :; done", here)
    assert after.variables == {"z": "2"}
    assert set(after.forgotten) == {"x", "w", "i"}


def test_nothing_that_means_something_to_the_shell_is_handed_on(context: ShellContext) -> None:
    held = replace(context, variables={"PATH": "/tmp", "IFS": "x"})
    assert judge("echo ${PATH%x}", held).verdict.decision is Decision.REFUSE
    assert text("echo $PATH", held) == "'echo' '/tmp'"
