"""A command against its entry in the catalogue → a finding, with the argv that was judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.judge.shell.argument import Argument
from gateway.judge.shell.argv import Given, Taken, Taker, denied, one
from gateway.judge.shell.commands import Denied, Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Effect, Finding, reads
from gateway.judge.shell.kinds import Kind, Slot
from gateway.judge.shell.nested.shape import Again
from gateway.judge.shell.nested.stop import Stop, stop, unless_allowed
from gateway.judge.shell.options import Prepared
from gateway.judge.shell.paths import unopened
from gateway.judge.shell.tree import Wild, Word
from gateway.judge.shell.undashed import undashed

_MISREAD: Final = frozenset(("unknown-option", "open-option", "option-value"))
"""Rules that speak of options that are not known, rather than known to do something."""

_WIDEST: Final = ("plain", "procs", "bus", "net", "engine")


def judge_form(
    argv: tuple[Argument, ...], prepared: Prepared, context: ShellContext, again: Again
) -> Finding:
    """Judge a command by its entry.

    Args:
        argv: its name first, which is literal.
        prepared: the entry.
        context: everything else the verdict depends on.
        again: the way back, for what it runs in turn.
    """
    name = argv[0].text or ""
    try:
        return _Judge(name.rpartition("/")[2], context, again).judge(argv[0], prepared, argv[1:])
    except Stop as end:
        return end.finding


def widest(profiles: Sequence[str]) -> str:
    """The profile that lets the most through."""
    return max(profiles, key=_WIDEST.index, default="plain")


@dataclass(slots=True)
class _Judge:
    command: str
    context: ShellContext
    again: Again
    stateful: str = ""
    nested: tuple[Finding, ...] = ()
    above: list[Given] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)

    def judge(self, name: Argument, prepared: Prepared, arguments: tuple[Argument, ...]) -> Finding:
        rebuilt: list[Argument] = [name]
        subject = self.command
        form = prepared.form
        while True:
            form = prepared.form
            self.forms.append(form)
            if (
                form.effect.decision is not Effect.READS.decision
                and not form.needs_option
                and not prepared.subcommands
            ):
                raise self._other(form, subject)
            taken = self._taken(prepared, subject, arguments)
            below = self._below(prepared, taken)
            rebuilt += [Argument(text) for text in form.adds]
            if below is None:
                break
            self._values(taken.given, subject)
            self.above += taken.given
            rebuilt += [word for each in taken.given for word in each.words]
            rebuilt.append(taken.operands[0])
            subject = f"{subject} {taken.operands[0].text}"
            arguments = tuple(taken.operands[1:])
            prepared = below
        if form.judge:
            raise stop(self.command, "no-judge", f"{subject} has no judge.")
        self._needed(prepared, taken, subject)
        self._values(taken.given, subject)
        operands = self._operands(prepared, taken, subject)
        rebuilt += [word for each in taken.given for word in each.words]
        rebuilt += self._guarded(form, operands, subject)
        return self._read(rebuilt, subject)

    def _taken(self, prepared: Prepared, subject: str, arguments: tuple[Argument, ...]) -> Taken:
        taker = Taker(self.command, prepared)
        form = prepared.form
        try:
            return taker.take(arguments)
        except Stop as end:
            misread = end.finding.verdict.rule.rpartition(".")[2] in _MISREAD
            if misread and form.needs_option and not self._has(prepared, taker.taken, form.needs_option):
                self._lacks(form, subject)
            raise

    def _has(self, prepared: Prepared, taken: Taken, names: tuple[str, ...]) -> bool:
        """Whether one of these options was given, to the subcommand or before it."""
        return Taken([*self.above, *taken.given]).has(prepared, names)

    def _below(self, prepared: Prepared, taken: Taken) -> Prepared | None:
        """The subcommand that the first operand names; None where there is none to name."""
        if not prepared.subcommands or not taken.operands:
            return None
        first = taken.operands[0]
        found = prepared.subcommands.get(first.text or "")
        if found is not None:
            return found
        if prepared.slots and prepared.form.beyond is None:
            return None
        if prepared.form.beyond is not None:
            raise denied(self.command, f"{self.command} {first.text or '…'}", prepared.form.beyond)
        if prepared.form.effect.decision is not Effect.READS.decision:
            raise self._other(prepared.form, self.command)
        what = "must be written out" if first.text is None else f"{first.text} is not known"
        raise stop(self.command, "subcommand", f"{self.command}: the subcommand {what}.")

    def _other(self, form: Form, subject: str) -> Stop:
        return stop(self.command, form.rule or form.effect.value, f"{subject} {form.reason}.", form.effect)

    def _needed(self, prepared: Prepared, taken: Taken, subject: str) -> None:
        form = prepared.form
        for first, *rest in (each.split() for each in form.clashes):
            if taken.has(prepared, (first,)) and taken.has(prepared, tuple(rest)):
                self._lacks(form, subject)
        if not form.needs_option or self._has(prepared, taken, form.needs_option):
            if not form.needs_option and form.effect.decision is not Effect.READS.decision:
                raise self._other(form, subject)
            return
        if not (form.bare and not taken.operands):
            self._lacks(form, subject)

    def _lacks(self, form: Form, subject: str) -> None:
        if form.otherwise is not None:
            raise denied(self.command, subject, form.otherwise)
        if form.effect.decision is not Effect.READS.decision:
            raise self._other(form, subject)
        wanted = ", ".join(form.needs_option)
        raise stop(self.command, "needs-option", f"{subject} only reads with one of {wanted}.")

    def _values(self, given: list[Given], subject: str) -> None:
        for index, each in enumerate(given):
            option = each.option
            if option.denied is not None and not option.reads:
                self._traces(option.denied, f"{subject} {each.name}")
                continue
            if each.value is None:
                continue
            fitted = self._fitted(option.kind, each.value, each.name)
            if fitted is None:
                if option.denied is not None:
                    raise denied(self.command, f"{subject} {each.name}", option.denied)
                reason = f"{self.command}: the value of {each.name} is not one that is known to read."
                raise stop(self.command, "option-value", reason)
            if fitted is not each.value and each.value.text is not None:
                given[index] = Given(option, (Argument(each.name), fitted), each.name, fitted)

    def _traces(self, each: Denied, subject: str) -> None:
        """Note an option or operand with which it reads still, and leaves a trace."""
        if each.effect is not Effect.STATEFUL_READ:
            raise denied(self.command, subject, each)
        self.stateful = f"{subject} {each.reason}."

    def _operands(self, prepared: Prepared, taken: Taken, subject: str) -> list[Argument]:
        slots = [slot for slot in prepared.slots if not taken.has(prepared, slot.unless)]
        found: list[Argument] = []
        rest = taken.operands
        at = 0
        for index, slot in enumerate(slots):
            later = sum(each.least for each in slots[index + 1 :])
            room = max(0, len(rest) - at - later)
            if slot.kind.name == "command":
                return [*found, *self._command(rest[at:], slot, subject)]
            count = room if slot.open else min(1, room)
            if count < slot.least:
                raise stop(self.command, "operands", f"{subject} needs more operands to be judged.")
            found += [self._operand(slot, each, prepared.form, subject) for each in rest[at : at + count]]
            at += count
        if at < len(rest):
            beyond = prepared.form.beyond
            if beyond is None:
                text = rest[at].text
                raise stop(
                    self.command, "operands", f"{subject}: the operand {text or '…'} is not known to be read."
                )
            self._traces(beyond, f"{subject} {rest[at].text or '…'}")
            found += [self._single(each, subject) for each in rest[at:]]
        return found

    def _command(self, rest: list[Argument], slot: Slot, subject: str) -> tuple[Argument, ...]:
        if not rest:
            if slot.least:
                raise stop(self.command, "operands", f"{subject} needs a command.")
            return ()
        inner = unless_allowed(self.again.argv(tuple(rest)))
        self.nested = (*self.nested, inner)
        return inner.argv

    def _single(self, argument: Argument, subject: str) -> Argument:
        single = one(argument)
        if single is None:
            raise stop(
                self.command, "open-word", f"{subject}: a word that may become several can't stand there."
            )
        return single

    def _operand(self, slot: Slot, argument: Argument, form: Form, subject: str) -> Argument:
        if argument.many and not slot.open:
            if slot.kind.name in ("path", "entry") and _is_pattern(argument):
                raise stop(
                    self.command,
                    "open-word",
                    f"{subject}: a pattern may become several files where one is read.",
                )
            argument = self._single(argument, subject)
        fitted = self._fitted(slot.kind, argument, "")
        if fitted is not None:
            return fitted
        shown = argument.text if argument.text is not None else "a word that expands"
        if form.beyond is not None:
            self._traces(form.beyond, f"{subject} {shown}")
            return argument
        raise stop(self.command, "operands", f"{subject}: {shown} is not known to be read.")

    def _fitted(self, kind: Kind, argument: Argument, option: str) -> Argument | None:
        """The argument where it is of a kind, rebuilt where it holds a program; None where it isn't."""
        text = argument.text
        match kind.name:
            case "text" | "entry":
                return argument
            case "path":
                self._path(kind, argument)
                return argument
            case "number":
                return argument if text is None or kind.holds(text) else None
            case "host":
                return argument if kind.holds(argument.known_start or "x") and not argument.many else None
            case "assignment":
                return argument if kind.holds(argument.known_start) else None
            case "literal" | "word" | "match":
                texts = argument.texts if text is None else {text}
                return argument if texts and all(map(kind.holds, texts)) else None
            case "shell":
                return self._line(argument)
            case _:
                raise stop(self.command, "operands", f"{self.command} {option}: a command can't stand there.")

    def _path(self, kind: Kind, argument: Argument) -> None:
        if argument.text is not None and argument.text in self.context.lists.get("paths", ()):
            return
        why = unopened(argument, self.context.folder)
        if why is not None:
            shown = argument.text if argument.text is not None else argument.prefix + "…"
            raise stop(
                "path", "device", f"{self.command}: {shown} {why}, so opening it is not known to be a read."
            )
        start = argument.known_start
        if kind.never and (start[:1] in kind.never if start else argument.text is None):
            raise stop(
                self.command,
                "open-word",
                f"{self.command}: a word that begins with {kind.never} is read anew.",
            )

    def _line(self, argument: Argument) -> Argument:
        if argument.text is None:
            raise stop(self.command, "open-program", f"{self.command}: the shell line must be written out.")
        inner = unless_allowed(self.again.line(argument.text, "sh"))
        self.nested = (*self.nested, inner)
        return inner.argv[0]

    def _guarded(self, form: Form, operands: list[Argument], subject: str) -> list[Argument]:
        """Operands none of which can be taken for an option."""
        if form.style == "none" or not any(_may_be_option(each) for each in operands):
            return operands
        if form.ends and form.style != "keyword" and not form.first:
            return [Argument("--"), *operands]
        if form.ends and operands and _may_be_option(operands[0]):
            return [Argument("--"), *operands]
        if form.first:
            return operands
        if form.marks:
            return [word for each in operands for word in self._marked(each, form.marks, subject)]
        return [self._dotted(each, subject) if _may_be_option(each) else each for each in operands]

    def _marked(self, argument: Argument, mark: str, subject: str) -> list[Argument]:
        open_ = argument.text is None and _may_be_option(argument) and not _is_pattern(argument)
        single = one(argument) if open_ else None
        if single is not None:
            return [Argument(mark), single] if _may_be_option(single) else [single]
        return [self._dotted(argument, subject) if _may_be_option(argument) else argument]

    def _dotted(self, argument: Argument, subject: str) -> Argument:
        if argument.text is None and (safe := undashed(argument)) is not None:
            return safe
        raise stop(
            self.command,
            "open-word",
            f"{subject}: a word whose beginning isn't known could be taken for an option.",
        )

    def _read(self, rebuilt: list[Argument], subject: str) -> Finding:
        form = self.forms[-1]
        if any(each.terminal for each in self.forms) and not self.context.terminal:
            raise stop(self.command, "terminal", f"{subject} needs a terminal: connect with ssh -t.")
        if form.effect is Effect.STATEFUL_READ:
            self.stateful = (
                self.stateful or f"{subject} {form.reason or 'leaves a small trace in the state'}."
            )
        if self.stateful and not self.context.stateful:
            raise stop(self.command, "stateful", f"{self.stateful[:-1]}, which this endpoint does not allow.")
        return reads(
            (*self._environment(), *rebuilt),
            self.stateful or f"{subject} only reads.",
            rule=f"shell.{self.command}.{'stateful-read' if self.stateful else 'read'}",
            effect=Effect.STATEFUL_READ if self.stateful else Effect.READS,
            profile=widest([*(each.profile for each in self.forms), *(each.profile for each in self.nested)]),
            nested=self.nested,
        )

    def _environment(self) -> tuple[Argument, ...]:
        """What sets the forms' variables: they tame pagers, which start on a terminal only."""
        variables = {name: value for each in self.forms for name, value in each.environment.items()}
        if not variables or not self.context.terminal:
            return ()
        return (Argument("env"), *(Argument(f"{name}={value}") for name, value in variables.items()))


def _is_pattern(argument: Argument) -> bool:
    return isinstance(argument.word, Word) and any(isinstance(part, Wild) for part in argument.word.parts)


def _may_be_option(argument: Argument) -> bool:
    if argument.texts is not None:
        return any(text.startswith("-") and text != "-" for text in argument.texts)
    start = argument.known_start
    return (argument.text is None and not start) or (start.startswith("-") and argument.text != "-")
