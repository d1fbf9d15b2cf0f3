"""A command line → the tree, strictly: every character is understood, or the line is not run.

Reads the grammar of bash as POSIX.1-2024 section 2.10 and bash's manual give it, without aliases, history,
extended patterns, functions and jobs.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final, Literal

from gateway.judge.shell.arithmetic import expression
from gateway.judge.shell.conditions import condition, evaluation, tested
from gateway.judge.shell.cursor import MAX_LENGTH, Cursor, NotRead
from gateway.judge.shell.documents import read_awaited
from gateway.judge.shell.filling import apart, assigned, declared, keyed_by
from gateway.judge.shell.redirecting import redirection
from gateway.judge.shell.tree import (
    AndOr,
    Arithmetic,
    Assigned,
    Assignment,
    Binary,
    Case,
    Command,
    Document,
    For,
    Group,
    If,
    Name,
    Number,
    Pipeline,
    Redirected,
    Redirection,
    Script,
    Simple,
    Subshell,
    While,
    Word,
    pinned,
    script_of,
    word_of,
)
from gateway.judge.shell.words import word, words

_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_KEYWORD: Final = re.compile(
    r"(?:if|then|elif|else|fi|for|while|until|do|done|case|esac|in|select|function|coproc|time|\{|\}|!|\[\[)"
    r"(?=[\s;&|()<>]|\Z)"
)
_FUNCTION: Final = re.compile(r"(?![A-Za-z_][A-Za-z0-9_]*\+?=\()[^\s;&|<>()'\"$`\\]+[ \t]*\([ \t]*\)")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?=[\s;]|\Z)")
_TIME: Final = re.compile(r"time[ \t]+(?:(-p)[ \t]+)?(?![-\s;|&])")
_SPACE: Final = re.compile(r"[ \t]*")

_THEN: Final = frozenset(("then",))
_BRANCH: Final = frozenset(("elif", "else", "fi"))
_FI: Final = frozenset(("fi",))
_DO: Final = frozenset(("do",))
_DONE: Final = frozenset(("done",))
_ESAC: Final = frozenset(("esac",))
_BRACE: Final = frozenset(("}",))
_NOTHING: Final[frozenset[str]] = frozenset()


def read(line: str) -> Script:
    """Read a command line.

    Args:
        line: as it was sent.

    Returns:
        What it says; an empty script of a line that says nothing.

    Raises:
        NotRead: it is longer than :data:`MAX_LENGTH`, or something in it is not understood.
    """
    if len(line) > MAX_LENGTH or len(line.encode("utf-8", "surrogatepass")) > MAX_LENGTH:
        raise NotRead("too-long", f"A line of more than {MAX_LENGTH} bytes is not read.")
    found = _FORBIDDEN.search(line)
    if found is not None:
        raise NotRead("character", _forbidden(found.group()))
    if "PIPESTATUS" in line and "=~" in line:
        raise NotRead("array", "PIPESTATUS beside =~, which is run as a pipeline, is not understood.")
    cursor = Cursor(line, _inner)
    try:
        script = _whole(cursor)
        if cursor.bodies:
            script = _whole(Cursor(line, _inner, known=tuple(cursor.bodies)))
    except RecursionError:
        raise NotRead("depth", "The line is nested too deep.") from None
    return script


def _forbidden(character: str) -> str:
    if "\ud800" <= character <= "\udfff":
        return "The line is not valid UTF-8."
    if character == "\r":
        return "A carriage return is not understood; the line may come from a file with Windows line ends."
    return f"The control character U+{ord(character):04X} is not understood."


def _whole(cursor: Cursor) -> Script:
    script = _script(cursor, _NOTHING)
    if not cursor.ended:
        raise cursor.unexpected()
    if cursor.awaited:
        raise NotRead("document", f"The here-document up to {cursor.awaited[0].end} has no end.")
    return script


def _inner(cursor: Cursor) -> Script:
    """What ``$(`` and its like hold: everything up to a closing parenthesis, or to the end."""
    awaited = len(cursor.awaited)
    script = _script(cursor, _NOTHING)
    if len(cursor.awaited) != awaited:
        raise NotRead("document", "A here-document inside $(…) must end before the parenthesis.")
    return script


def _script(cursor: Cursor, until: frozenset[str]) -> Script:
    """Read lists up to one of the words, a closing parenthesis, ``;;`` or the end; none of them is read."""
    lists: list[AndOr] = []
    while True:
        _skip_lines(cursor)
        if cursor.ended or cursor.next == ")" or cursor.sees(";;") or _keyword(cursor) in until:
            return Script(tuple(lists))
        lists.append(_and_or(cursor))
        cursor.skip_blanks()
        if cursor.next == "&" and not cursor.sees("&&"):
            raise NotRead(
                "background", "Commands in the background (&) are not run: nobody would see them end."
            )
        if cursor.next == ";" and not cursor.sees(";;"):
            cursor.at += 1
        elif cursor.next != "\n":
            if cursor.ended or cursor.next == ")" or cursor.sees(";;") or _keyword(cursor) in until:
                return Script(tuple(lists))
            raise cursor.unexpected()


def _body(cursor: Cursor, until: frozenset[str]) -> Script:
    """Read lists up to one of the words; at least one."""
    script = _script(cursor, until)
    if not script.lists:
        raise cursor.unexpected("where a command must stand")
    return script


def _skip_lines(cursor: Cursor) -> None:
    cursor.skip_blanks()
    while cursor.next == "\n":
        cursor.at += 1
        if cursor.awaited:
            read_awaited(cursor)
        cursor.skip_blanks()


def _keyword(cursor: Cursor) -> str:
    match = _KEYWORD.match(cursor.text, cursor.at)
    return "" if match is None else match.group()


def _expect_keyword(cursor: Cursor, keyword: str) -> None:
    cursor.skip_blanks()
    if _keyword(cursor) != keyword:
        raise cursor.unexpected(f"where {keyword} must stand")
    cursor.at += len(keyword)


def _and_or(cursor: Cursor) -> AndOr:
    first = _pipeline(cursor)
    rest: list[tuple[Literal["&&", "||"], Pipeline]] = []
    while True:
        cursor.skip_blanks()
        operator: Literal["&&", "||"]
        if cursor.took("&&"):
            operator = "&&"
        elif cursor.took("||"):
            operator = "||"
        else:
            return _with_documents_apart(AndOr(first, tuple(rest)))
        _skip_lines(cursor)
        rest.append((operator, _pipeline(cursor)))


def _with_documents_apart(list_: AndOr) -> AndOr:
    """A list in which no here-document waits for its text while other commands are read.

    Shells agree on that order, other grammars of the language do not.
    """
    pipelines = [list_.first, *(each for _, each in list_.rest)]
    if sum(len(each.commands) for each in pipelines) == 1 or not any(map(_has_documents, pipelines)):
        return list_
    apart = [replace(each, commands=tuple(map(_grouped, each.commands))) for each in pipelines]
    operators = [operator for operator, _ in list_.rest]
    return AndOr(apart[0], tuple(zip(operators, apart[1:], strict=True)))


def _has_documents(pipeline: Pipeline) -> bool:
    return any(isinstance(each, Document) for command in pipeline.commands for each in command.redirections)


def _grouped(command: Command) -> Command:
    if any(isinstance(each, Document) for each in command.redirections):
        return Group(script_of(command))
    return command


def _pipeline(cursor: Cursor) -> Pipeline:
    negated = False
    timed: Literal["", "time", "time -p"] = ""
    while (keyword := _keyword(cursor)) in ("!", "time"):
        if keyword == "time":
            option = _TIME.match(cursor.text, cursor.at)
            if option is None or timed:
                break
            timed = "time -p" if option.group(1) else "time"
            cursor.at = option.end()
        else:
            cursor.at += 1
            negated = not negated
        cursor.skip_blanks()
    commands = [_command(cursor)]
    while True:
        cursor.skip_blanks()
        if cursor.next != "|" or cursor.sees("||"):
            return Pipeline(tuple(commands), negated, timed)
        cursor.at += 1
        if cursor.took("&"):
            commands[-1] = _redirected(commands[-1], (Redirection(2, ">&", 1),))
        _skip_lines(cursor)
        commands.append(_command(cursor))


def _redirected(command: Command, more: tuple[Redirected, ...]) -> Command:
    return replace(command, redirections=(*command.redirections, *more))


def _command(cursor: Cursor) -> Command:
    keyword = _keyword(cursor)
    if not keyword and cursor.next != "(":
        return _simple(cursor)
    cursor.deeper()
    compound = _compound(cursor, keyword)
    cursor.depth -= 1
    if compound is None:
        return _simple(cursor)
    redirections: list[Redirected] = []
    while True:
        cursor.skip_blanks()
        more = redirection(cursor)
        if not more:
            break
        redirections += more
    return _redirected(compound, tuple(redirections)) if redirections else compound


def _compound(cursor: Cursor, keyword: str) -> Command | None:
    """Read a compound command; None where the keyword is one for a simple command's first word."""
    begin = cursor.at
    cursor.at += len(keyword)
    match keyword:
        case "":
            cursor.at += 1
            if cursor.took("("):
                return evaluation(cursor)
            body = _body(cursor, _NOTHING)
            cursor.expect(")")
            return Subshell(body)
        case "{":
            body = _body(cursor, _BRACE)
            _expect_keyword(cursor, "}")
            return Group(body)
        case "if":
            return _if(cursor)
        case "for":
            return _for(cursor)
        case "while" | "until":
            condition_ = _body(cursor, _DO)
            return While(condition_, _do(cursor), until=keyword == "until")
        case "case":
            return _case(cursor)
        case "[[":
            return condition(cursor)
        case "select" | "function" | "coproc":
            raise NotRead(keyword, f"{keyword} is not understood.")
        case "time" | "in":
            cursor.at = begin
            return None
        case _:
            cursor.at = begin
            raise NotRead("error", f"That is no shell line: {keyword} stands where a command must stand.")


def _do(cursor: Cursor) -> Script:
    _skip_lines(cursor)
    _expect_keyword(cursor, "do")
    body = _body(cursor, _DONE)
    _expect_keyword(cursor, "done")
    return body


def _if(cursor: Cursor) -> If:
    branches = []
    while True:
        condition_ = _body(cursor, _THEN)
        _expect_keyword(cursor, "then")
        branches.append((condition_, _body(cursor, _BRANCH)))
        keyword = _keyword(cursor)
        cursor.at += len(keyword)
        if keyword == "elif":
            continue
        if keyword == "fi":
            return If(tuple(branches))
        if keyword != "else":
            raise cursor.unexpected("where fi must stand")
        otherwise = _body(cursor, _FI)
        _expect_keyword(cursor, "fi")
        return If(tuple(branches), otherwise)


def _for(cursor: Cursor) -> Command:
    cursor.skip_blanks()
    if cursor.took("(("):
        return _counted(cursor)
    match = _NAME.match(cursor.text, cursor.at)
    if match is None:
        raise cursor.unexpected("where the variable of for must stand")
    cursor.at = match.end()
    _skip_lines(cursor)
    if _keyword(cursor) != "in":
        raise NotRead("for", "A loop without a list of words is not understood.")
    cursor.at += 2
    found: list[Word] = []
    while True:
        cursor.skip_blanks()
        if cursor.ended or cursor.next in ";\n":
            break
        found += words(cursor)
    if cursor.next == ";":
        cursor.at += 1
    return For(match.group(), tuple(found), _do(cursor))


def _counted(cursor: Cursor) -> Command:
    """``for ((a; b; c))`` as the ``while`` that means the same."""
    parts: list[Word | None] = []
    for end in (";", ";", "))"):
        space = _SPACE.match(cursor.text, cursor.at)
        cursor.at = space.end() if space is not None else cursor.at
        parts.append(None if cursor.sees(end) else Word((Arithmetic(expression(cursor), quoted=True),)))
        cursor.expect(end)
    cursor.skip_blanks()
    if cursor.next == ";":
        cursor.at += 1
    first, condition_, step = parts
    body = _do(cursor)
    if step is not None:
        if re.search(r"\bcontinue\b", cursor.text) is not None:
            raise NotRead("for", "continue in for ((…)) is not understood.")
        body = Script((*body.lists, *script_of(_evaluated(step)).lists))
    test: Command = Simple((word_of("true"),))
    if condition_ is not None:
        test = tested(condition_, word_of("-ne"), word_of("0"))
    loop = script_of(While(script_of(test), body))
    return Group(Script((*(() if first is None else script_of(_evaluated(first)).lists), *loop.lists)))


def _evaluated(word_: Word) -> Simple:
    """``: $((…))``, or the assignment where it is one."""
    match word_.parts:
        case (Arithmetic(Binary("=", Name(name), value)),):
            return Simple((), (Assignment(name, Word((Arithmetic(value, quoted=True),))),))
        case (Arithmetic(Binary("-" | "+", Binary("=", Name(name), value), Number(1))),):
            return Simple((), (Assignment(name, Word((Arithmetic(value, quoted=True),))),))
        case _:
            return Simple((word_of(":"), word_))


def _case(cursor: Cursor) -> Case:
    cursor.skip_blanks()
    compared = pinned(word(cursor))
    _skip_lines(cursor)
    _expect_keyword(cursor, "in")
    arms: list[tuple[tuple[Word, ...], Script]] = []
    while True:
        _skip_lines(cursor)
        if _keyword(cursor) == "esac":
            cursor.at += 4
            return Case(compared, tuple(arms))
        cursor.took("(")
        patterns = []
        while True:
            cursor.skip_blanks()
            patterns.append(word(cursor))
            cursor.skip_blanks()
            if not cursor.took("|"):
                break
        cursor.expect(")")
        arms.append((tuple(patterns), _script(cursor, _ESAC)))
        if cursor.sees(";;&"):
            raise NotRead("case", ";;& is not understood.")
        if not cursor.took(";;") and _keyword(cursor) != "esac":
            raise cursor.unexpected("where ;; or esac must stand")


def _simple(cursor: Cursor) -> Command:
    found: list[Word] = []
    assignments: list[Assigned] = []
    made: list[Assigned] = []
    redirections: list[Redirected] = []
    begin = cursor.at
    if _FUNCTION.match(cursor.text, cursor.at) is not None:
        raise NotRead("function", "Functions are not understood.")
    while True:
        cursor.skip_blanks()
        if cursor.ended or cursor.next in ";|\n)":
            break
        more = redirection(cursor)
        if more:
            redirections += more
            continue
        if cursor.next == "&":
            break
        if not found and (pair := assigned(cursor)) is not None:
            assignments.append(pair)
            continue
        if (pair := declared(cursor, found)) is not None:
            made.append(pair)
            continue
        found += words(cursor)
        if cursor.next in ("<", ">") and cursor.text[cursor.at - 1] == "}":
            raise NotRead("redirection", "{name}> is not understood.")
    if cursor.at == begin or not (found or assignments or redirections):
        raise cursor.unexpected("where a command must stand")
    if found and not all(isinstance(each, Assignment) for each in assignments):
        raise NotRead("array", "An array that is set for one command alone is not understood.")
    cursor.keyed.update(keyed_by(found))
    if not made:
        return Simple(tuple(found), tuple(assignments), tuple(redirections))
    if assignments or redirections:
        raise NotRead("declare", "A value in declare beside others is not understood.")
    return apart(found, made)
