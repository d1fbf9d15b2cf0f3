"""A command line → what it would do, and the one text that is run in its place."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Final, Literal

from gateway.domain.verdict import Decision, Verdict
from gateway.judge.shell.argument import Argument, known_texts
from gateway.judge.shell.argv import as_option, one
from gateway.judge.shell.assigned import arrays_of
from gateway.judge.shell.builtins import BUILTINS
from gateway.judge.shell.canonical import check_canonical
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.cursor import NotRead
from gateway.judge.shell.emit import Emitted, emit
from gateway.judge.shell.finding import Effect, Finding, reads, refuses, worst
from gateway.judge.shell.forms import judge_form, widest
from gateway.judge.shell.judgement import ShellJudgement
from gateway.judge.shell.nested.registry import JUDGES
from gateway.judge.shell.nested.shape import Again
from gateway.judge.shell.options import Prepared
from gateway.judge.shell.read import read
from gateway.judge.shell.scope import Scope, check_name
from gateway.judge.shell.tree import Assignment, Script, Simple, script_of, word_of
from gateway.judge.shell.walk import Walk
from gateway.judge.shell.writes import title_of, writes_of

MAX_COMMANDS: Final = 12
"""Deepest nesting of commands inside commands."""

_NOTHING: Final = Verdict(Decision.ALLOW, "shell.empty", "There is nothing in it to run.")
_SUDO: Final = frozenset(("sudo", "doas"))


def judge(line: str | bytes, context: ShellContext, *, plans: bool = True) -> ShellJudgement:
    """Judge a command line.

    Args:
        line: as it was sent.
        context: everything else the verdict depends on.
        plans: whether to say what a refused line would do to the host.
    """
    if isinstance(line, bytes):
        try:
            line = line.decode()
        except UnicodeDecodeError:
            return _refused(NotRead("character", "The line is not valid UTF-8."))
    walk = Walk(context, functools.partial(_command, context=context, depth=0))
    scope = Scope(context.variables, folder=context.folder, home=context.home)
    try:
        script = read(line)
        scope.arrays = arrays_of(script)
        script = _given(walk, walk.script(script, scope))
        found = _judgement(walk.findings)
        if found.verdict.decision is not Decision.ALLOW:
            return _planned(found, script, line, context) if plans else found
        emitted = _emitted(script, context.shell)
    except NotRead as error:
        return _refused(error)
    except RecursionError:
        return _refused(NotRead("depth", "The line is nested too deep."))
    return replace(
        found,
        canonical=emitted.text,
        bash=emitted.bash or (emitted.better and context.shell == "bash"),
        folder=None if scope.folder == context.folder else scope.folder,
        variables=(left := scope.left()),
        forgotten=tuple(name for name in scope.values if name not in left),
    )


def judge_argv(argv: tuple[str, ...], context: ShellContext) -> ShellJudgement:
    """Judge arguments that no shell will see, as docker and kubectl exec send them.

    Args:
        argv: the command's name first.
        context: everything else the verdict depends on.
    """
    if not argv:
        return _refused(NotRead("error", "There is no command."))
    if any("\x00" in each for each in argv):
        return _refused(NotRead("character", "A NUL in an argument is not understood."))
    scope = Scope(folder=context.folder)
    finding = _command(tuple(Argument(each) for each in argv), scope, context=context, depth=0)
    found = _judgement([finding])
    if not finding.allowed:
        script = script_of(Simple(tuple(word_of(each) for each in argv)))
        return _planned(found, script, emit(script).text, context)
    texts = known_texts(finding.argv)
    if texts is None:
        return _refused(NotRead("error", "The rebuilt arguments are not known."))
    text = emit(script_of(Simple(tuple(word_of(each) for each in texts)))).text
    return replace(found, argv=texts, canonical=text)


def _planned(found: ShellJudgement, script: Script, line: str, context: ShellContext) -> ShellJudgement:
    """A refused line's judgement with what it would do."""
    title = title_of(script, found.findings)
    if found.verdict.decision is Decision.REFUSE and not found.verdict.rule.endswith(".editor"):
        return replace(found, title=title)

    def reads(text: str) -> bool:
        return judge(text, context, plans=False).verdict.decision is Decision.ALLOW

    return replace(found, title=title, writes=writes_of(script, line, context, reads))


def _given(walk: Walk, script: Script) -> Script:
    """The script with the gateway's variables that it uses set at its beginning."""
    if not walk.words.used:
        return script
    held = walk.context.variables
    for name in walk.words.used:
        check_name(name, held[name])
    assignments = tuple(Assignment(name, word_of(held[name])) for name in sorted(walk.words.used))
    return Script((*script_of(Simple((), assignments)).lists, *script.lists))


def _emitted(script: Script, shell: Literal["bash", "sh"]) -> Emitted:
    emitted = emit(script)
    if emitted.bash and shell == "sh":
        raise NotRead("bash", "This form is bash's own, and the host has no bash.")
    if read(emitted.text) != script:
        raise NotRead("canonical", "The canonical text does not say what was judged.")
    check_canonical(emit(script, simplified=True) if emitted.intricate else emitted)
    return emitted


def _judgement(findings: list[Finding]) -> ShellJudgement:
    if not findings:
        return ShellJudgement(_NOTHING)
    profiles = [each.profile for each in findings]
    return ShellJudgement(
        worst(findings).verdict,
        "",
        tuple(findings),
        profile=widest(profiles),
        uses_sudo=_under_sudo(findings),
    )


def _under_sudo(findings: list[Finding]) -> bool:
    todo = list(findings)
    while todo:
        each = todo.pop()
        if each.argv and (each.argv[0].text or "").rpartition("/")[2] in _SUDO:
            return True
        todo += each.nested
    return False


def _refused(error: NotRead) -> ShellJudgement:
    return ShellJudgement(Verdict(Decision.REFUSE, f"shell.syntax.{error.what}", error.reason))


def _command(argv: tuple[Argument, ...], scope: Scope, *, context: ShellContext, depth: int) -> Finding:
    """Judge one command."""
    if depth > MAX_COMMANDS:
        return refuses("shell.syntax.depth", f"Commands are nested more than {MAX_COMMANDS} deep.")
    name = argv[0].text
    if name is None:
        return refuses("shell.command.open", "The name of a command must be written out.")
    prepared = context.catalogue.find(name)
    if prepared is None:
        return _unknown(name, argv, context)
    if scope.folder != context.folder:
        context = replace(context, folder=scope.folder)
    again = _again(context, depth + 1)
    return _by_entry(tuple(map(as_option, argv)), prepared, context, again)


def _by_entry(argv: tuple[Argument, ...], prepared: Prepared, context: ShellContext, again: Again) -> Finding:
    if not prepared.form.judge:
        return judge_form(argv, prepared, context, again)
    by_code = JUDGES.get(prepared.form.judge) or BUILTINS.get(prepared.form.judge)
    if by_code is None:
        return refuses("shell.command.no-judge", f"{argv[0].text} is not judged yet, so it is no read.")
    finding = by_code(argv, prepared.form, context, again)
    if finding.allowed or not any(each.many for each in argv):
        return finding
    # Where one word is meant (`find -name *.log`, `curl localhost:$port`), one is made of what could be more.
    second = by_code(tuple(one(each) or each for each in argv), prepared.form, context, again)
    return second if second.allowed else finding


def _unknown(name: str, argv: tuple[Argument, ...], context: ShellContext) -> Finding:
    base = name.rpartition("/")[2]
    if name in context.lists.get("commands", ()):
        return reads(argv, f"{name} is listed for this endpoint as a reader.", rule="shell.command.listed")
    if "/" in name and context.catalogue.find(base) is not None:
        reason = f"{name} is not where {base} stands; only commands of the system's own folders are known."
        return refuses("shell.command.path", reason)
    effect = Effect.RUNS_CODE if "/" in name else Effect.UNKNOWN
    shown = name if name.isprintable() and name else repr(name)
    return refuses("shell.command.unknown", f"{shown} is not known, so it is no read.", effect=effect)


def _again(context: ShellContext, depth: int) -> Again:
    def argv(arguments: tuple[Argument, ...]) -> Finding:
        if not arguments:
            return refuses("shell.command.missing", "There is no command.")
        return _command(arguments, Scope(folder=context.folder), context=context, depth=depth)

    def line(text: str, shell: Literal["sh", "bash"]) -> Finding:
        return _line(text, replace(context, shell="bash" if shell == "bash" else "sh"), depth)

    return Again(argv, line, lambda: _again(replace(context, guarded=False), depth))


def _line(text: str, context: ShellContext, depth: int) -> Finding:
    """Judge a line of shell inside a command."""
    if depth > MAX_COMMANDS:
        return refuses("shell.syntax.depth", f"Commands are nested more than {MAX_COMMANDS} deep.")
    walk = Walk(context, functools.partial(_command, context=context, depth=depth))
    try:
        script = read(text)
        scope = Scope(folder=context.folder, inside=True, home=context.home, arrays=arrays_of(script))
        script = walk.script(script, scope)
        emitted = _emitted(script, context.shell)
    except NotRead as error:
        return refuses(f"shell.syntax.{error.what}", error.reason)
    nested = tuple(walk.findings)
    if nested and not (decisive := worst(nested)).allowed:
        return replace(decisive, argv=(), nested=nested)
    profile = widest([each.profile for each in nested])
    effect = (
        Effect.STATEFUL_READ if any(each.effect is Effect.STATEFUL_READ for each in nested) else Effect.READS
    )
    return reads(
        (Argument(emitted.text),),
        "Everything in it only reads.",
        nested=nested,
        profile=profile,
        effect=effect,
    )
