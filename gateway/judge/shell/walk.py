"""The tree → findings, and the tree that is run in its place.

Goes through a line in the order in which it would run, so that it is known what each variable may hold.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal, assert_never

from gateway.judge.shell.argument import Argument, literal
from gateway.judge.shell.arrays import index_of
from gateway.judge.shell.assigned import assigned_in, changes_folder, filled_in
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.cursor import NotRead
from gateway.judge.shell.filling import DECLARING
from gateway.judge.shell.finding import Finding, refuses
from gateway.judge.shell.leaving import FILLING, note_filling
from gateway.judge.shell.nested.variables import harmless
from gateway.judge.shell.redirections import judge_redirection
from gateway.judge.shell.scope import Scope, check_name
from gateway.judge.shell.substituting import Words
from gateway.judge.shell.tree import (
    AndOr,
    Assigned,
    Assignment,
    Case,
    Command,
    Document,
    For,
    Group,
    If,
    Pipeline,
    Redirected,
    Redirection,
    Script,
    Simple,
    Subshell,
    While,
    Word,
    pinned,
    text_of,
    word_of,
)
from gateway.judge.shell.tree_arrays import ArrayAssignment, ElementAssignment, Item, Key
from gateway.judge.shell.values import UNSET, Value, known

JudgeArgv = Callable[[tuple[Argument, ...], Scope], Finding]


@dataclass(slots=True)
class Walk:
    """Goes through one line.

    Attributes:
        context: everything else the verdict depends on.
        judge_argv: judges a command.
        findings: so far, in order.
        words: what words become.
    """

    context: ShellContext
    judge_argv: JudgeArgv
    findings: list[Finding] = field(default_factory=list)
    words: Words = field(init=False)

    def __post_init__(self) -> None:
        """Let words hold scripts."""
        self.words = Words(self.context, self.script)

    def script(self, script: Script, scope: Scope) -> Script:
        """Judge a script; return the one to run.

        Args:
            script: as read.
            scope: what is known of variables; changes with what the script assigns.

        Raises:
            NotRead: something in it is not understood.
        """
        return Script(tuple(self._and_or(each, scope) for each in script.lists))

    def _and_or(self, list_: AndOr, scope: Scope) -> AndOr:
        first = self._pipeline(list_.first, scope)
        rest: list[tuple[Literal["&&", "||"], Pipeline]] = []
        before = scope  # behind a && b, a third && runs only where b has run
        for operator, pipeline in list_.rest:
            way = before.copy() if operator == "&&" else scope.copy()
            rest.append((operator, self._pipeline(pipeline, way)))
            scope.join([scope.copy(), way])
            before = way if operator == "&&" else scope
        return AndOr(first, tuple(rest))

    def _pipeline(self, pipeline: Pipeline, scope: Scope) -> Pipeline:
        if len(pipeline.commands) == 1:
            commands: tuple[Command, ...] = (self._command(pipeline.commands[0], scope),)
        else:
            commands = tuple(self._command(each, scope.copy()) for each in pipeline.commands)
        return Pipeline(commands, pipeline.negated, pipeline.timed)

    def _command(self, command: Command, scope: Scope) -> Command:
        match command:
            case Simple():
                return self._simple(command, scope)
            case Group(body, redirections):
                redirected = self._redirections(redirections, scope)
                return Group(self.script(body, scope), redirected)
            case Subshell(body, redirections):
                redirected = self._redirections(redirections, scope)
                return Subshell(self.script(body, scope.copy()), redirected)
            case For():
                return self._for(command, scope)
            case While():
                return self._while(command, scope)
            case If():
                return self._if(command, scope)
            case Case():
                return self._case(command, scope)
            case _:
                assert_never(command)

    def _for(self, command: For, scope: Scope) -> For:
        redirected = self._redirections(command.redirections, scope)
        arguments = [each for word in command.words for each in self.words.arguments(word, scope)]
        value = self._any_of(arguments, scope)
        check_name(command.name, None)
        before = scope.copy()
        self._widen(command.body, scope)
        if command.name in dict(assigned_in(command.body)):
            value = value | scope.value(command.name)
        scope.assign(command.name, value if arguments else UNSET)
        begun, mark = scope.copy(), len(scope.log)
        body = self.script(command.body, scope)
        begun.check_since(mark)
        scope.join([before, begun, scope.copy()])
        return For(command.name, tuple(word_for(each) for each in arguments), body, redirected)

    def _any_of(self, arguments: list[Argument], scope: Scope) -> Value:
        """What each of some arguments may be."""
        value, *rest = [self.words.each(argument, scope) for argument in arguments] or [UNSET]
        for other in rest:
            value = value | other
        return value

    def _while(self, command: While, scope: Scope) -> While:
        redirected = self._redirections(command.redirections, scope)
        self._widen(command.condition, scope)
        self._widen(command.body, scope)
        begun, mark = scope.copy(), len(scope.log)
        condition = self.script(command.condition, scope)
        way = scope.copy()
        body = self.script(command.body, way)
        begun.check_since(mark)
        scope.join([begun, scope.copy(), way])
        return While(condition, body, command.until, redirected)

    def _widen(self, body: Script, scope: Scope) -> None:
        """Let each variable that a loop's body assigns hold what it may hold in any round."""
        for name, value in filled_in(body):
            scope.widen_array(name, value)
        for name, value in assigned_in(body):
            scope.widen(name, value)
        if changes_folder(body):
            scope.folder = scope.before = ""

    def _if(self, command: If, scope: Scope) -> If:
        redirected = self._redirections(command.redirections, scope)
        branches = []
        ways = []
        for condition, body in command.branches:
            judged = self.script(condition, scope)
            way = scope.copy()
            branches.append((judged, self.script(body, way)))
            ways.append(way)
        otherwise = None
        if command.otherwise is not None:
            otherwise = self.script(command.otherwise, scope)
        scope.join([*ways, scope.copy()])
        return If(tuple(branches), otherwise, redirected)

    def _case(self, command: Case, scope: Scope) -> Case:
        redirected = self._redirections(command.redirections, scope)
        word = self.words.one(command.word, scope)
        arms = []
        ways = [scope.copy()]
        for patterns, body in command.arms:
            rewritten = tuple(self.words.pattern(each, scope) for each in patterns)
            way = scope.copy()
            arms.append((rewritten, self.script(body, way)))
            ways.append(way)
        scope.join(ways)
        return Case(word, tuple(arms), redirected)

    def _simple(self, command: Simple, scope: Scope) -> Command:
        argv = tuple(each for word in command.words for each in self.words.arguments(word, scope))
        redirected = self._redirections(command.redirections, scope)
        if not argv:
            assignments: tuple[Assigned, ...] = tuple(
                self._assigned(each, scope) for each in command.assignments
            )
            words = () if assignments or redirected else (word_of(":"),)
            return Simple(words, assignments, redirected)
        assignments = tuple(
            self._set_for(each, argv[0], scope)
            for each in command.assignments
            if isinstance(each, Assignment)
        )
        if len(assignments) != len(command.assignments):
            raise NotRead("array", "An array that is set for one command alone is not understood.")
        if len(argv) == 1 and argv[0].text == "cd" and self.context.home:
            argv = (*argv, literal(self.context.home))
        finding = self.judge_argv(argv, scope)
        self.findings.append(finding)
        if not finding.allowed:
            return Simple(tuple(_word_of(each) for each in argv), assignments, redirected)
        self._leave(finding, scope)
        judged = Simple(tuple(word_for(each) for each in finding.argv), assignments, redirected)
        return _surely(judged) if _makes_keyed(judged) else judged

    def _assigned(self, assignment: Assigned, scope: Scope) -> Assigned:
        """An assignment that holds from there on."""
        match assignment:
            case Assignment(name, word):
                word = self.words.one(word, scope)
                check_name(name, text_of(word))
                scope.assign(name, self.words.value(word, scope))
                return Assignment(name, word)
            case ElementAssignment(name, subscript, word):
                check_name(name, None)
                word = self.words.one(word, scope)
                if not isinstance(subscript, Key):
                    filled = scope.begin(name, anew=False)
                    filled.add(index_of(subscript), self.words.value(word, scope))
                    scope.fill(name, filled.array())
                subscript = self.words.subscript(name, subscript, scope)
                return ElementAssignment(name, subscript, word)
            case ArrayAssignment():
                return self._filled(assignment, scope)
            case _:
                assert_never(assignment)

    def _filled(self, assignment: ArrayAssignment, scope: Scope) -> ArrayAssignment:
        name = assignment.name
        check_name(name, None)
        if name in scope.arrays.found and scope.arrays.found[name].keyed:
            return replace(
                assignment, items=tuple(self._keyed(name, each, scope) for each in assignment.items)
            )
        filled = scope.begin(name, anew=not assignment.appends)
        items: list[Item] = []
        for each in assignment.items:
            if each.subscript is not None:
                word = self.words.one(each.word, scope)
                items.append(Item(word, self.words.subscript(name, each.subscript, scope)))
                filled.add(index_of(each.subscript), self.words.value(word, scope))
                continue
            for argument in self.words.arguments(each.word, scope):
                items.append(Item(word_for(argument)))
                if argument.many:
                    filled.many(self.words.each(argument, scope))
                else:
                    filled.add(filled.behind, self.words.each(argument, scope))
        scope.fill(name, filled.array())
        return replace(assignment, items=tuple(items))

    def _keyed(self, name: str, item: Item, scope: Scope) -> Item:
        if item.subscript is None:
            raise NotRead("array", "An associative array's elements need subscripts, as in ([key]=value).")
        return Item(self.words.one(item.word, scope), self.words.subscript(name, item.subscript, scope))

    def _set_for(self, assignment: Assignment, command: Argument, scope: Scope) -> Assignment:
        """An assignment for one command alone."""
        name, word = assignment.name, self.words.one(assignment.word, scope)
        text = text_of(word)
        separates = name == "IFS" and command.text == "read" and text is not None
        if not separates and (text is None or not harmless(name, text)):
            reason = (
                f"What {name} does to a command is not known; only variables that change looks may be set."
            )
            self.findings.append(refuses("shell.environment", reason))
        return Assignment(name, word)

    def _leave(self, finding: Finding, scope: Scope) -> None:
        """Note what a command of the shell itself leaves behind."""
        name, *operands = [each.text or "" for each in finding.argv]
        if name in FILLING:
            note_filling(name, operands, scope)
        elif name == "export":
            for each in operands:
                variable, assigned, value = each.partition("=")
                if assigned:
                    scope.assign(variable, known(value))
        elif name == "popd":
            scope.enter("")
        elif name == "cd" and operands[-1:] == ["-"]:
            scope.enter(scope.before)
        elif name in ("cd", "pushd"):
            folder = operands[-1] if operands and finding.argv[-1].text not in (None, "-", "--") else ""
            known_ = folder and (folder[0] == "/" or scope.folder)
            scope.enter(posixpath.normpath(posixpath.join(scope.folder, folder)) if known_ else "")

    def _redirections(self, redirections: tuple[Redirected, ...], scope: Scope) -> tuple[Redirected, ...]:
        found: list[Redirected] = []
        for each in redirections:
            if isinstance(each, Document):
                found.append(Document(each.descriptor, self.words.one(each.body, scope)))
            elif isinstance(each.target, Word):
                found.append(self._redirection(each, each.target, scope))
            else:
                found.append(each)
        return tuple(found)

    def _redirection(self, redirection: Redirection, word: Word, scope: Scope) -> Redirection:
        targets = self.words.arguments(word, scope)
        if len(targets) != 1:
            raise NotRead("redirection", "The file of a redirection is not known.")
        judged, finding = judge_redirection(redirection, targets[0], scope.folder)
        if finding is not None:
            self.findings.append(finding)
        return judged


def _makes_keyed(command: Simple) -> bool:
    """Whether a command declares associative arrays."""
    return [text_of(each) for each in command.words[1:2]] == ["-A"] and text_of(command.words[0]) in DECLARING


def _surely(command: Simple) -> Group:
    """A command without which nothing behind it may run: a bash before 4 would take keys for arithmetic."""
    ended = Pipeline((Simple((word_of("exit"), word_of("2"))),))
    return Group(Script((AndOr(Pipeline((command,)), (("||", ended),)),)))


def _word_of(argument: Argument) -> Word:
    return argument.word if isinstance(argument.word, Word) else word_of(argument.text or "")


def word_for(argument: Argument) -> Word:
    """The word that stands for an argument.

    Raises:
        NotRead: none does.
    """
    if argument.text is not None:
        return word_of(argument.text)
    if not isinstance(argument.word, Word):
        raise NotRead("error", "A word of the rebuilt command has no form.")
    return argument.word if argument.many else pinned(argument.word)
