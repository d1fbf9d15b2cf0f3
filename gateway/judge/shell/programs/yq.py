r"""yq: expressions of mikefarah's yq 4, which must be harmless too where ``yq`` is the Python wrapper of jq.

yq's lexer changed often, and takes nearly anything for a part of a path (``.a+b``, ``.a"b``). So only such
expressions are read whose tokens end at the same places in every version; words outside strings and paths
must be known, and whole. Under jq, nothing but a module could do harm, and their words are not known here.
The canonical text is the expression itself: tokens end where they were seen to end, and comments are refused.
"""

from __future__ import annotations

import re

from gateway.judge.shell.finding import Effect
from gateway.judge.shell.programs.jq import FUNCTIONS as JQ_FUNCTIONS
from gateway.judge.shell.programs.program import (
    MAX_DEPTH,
    NotARead,
    Program,
    a_read,
    check_text,
    no_read,
    words,
)

WORDS = words(
    """
    alias all all_c anchor and any any_c array_to_map as ascii_downcase ascii_upcase break capture
    catch collect column comments contains def del del_paths di divide document_index documentIndex
    downcase elif else end envsubst error explode FALSE False false ff fi file_index file_name
    fileIndex fileName filename filter first flatten foot_comment footComment foreach
    format_datetime from_csv from_entries from_json from_props from_toml from_tsv from_unix from_xml
    from_yaml fromEntries fromjson fromyaml group_by groupby has head_comment headComment if ireduce
    is_key join key keys kind label last length limit line line_comment lineComment map map_values
    mapvalues match max min ne not now nu NULL Null null omit or parent parents path pick pivot
    reduce ref reverse root select set_path shuffle sort sort_by sort_keys sortby sortKeys split
    split_doc splitDoc splitdoc style sub tag test then to_csv to_entries to_json to_number to_props
    to_string to_toml to_tsv to_unix to_xml to_yaml toEntries tojson tonumber tostring toyaml trim
    TRUE True true try type tz unique unique_by uniqueby upcase with with_dtf with_entries
    withEntries
    """
) | (JQ_FUNCTIONS - {"env"})
"""Words of yq and of jq that open, load and run nothing."""

_LOADS = re.compile(r"(?:load(?:_?(?:xml|props|base64|str))?|(?:xml|str)_?load)$")
_OPENING = re.compile(r"load|eval|system")
"""What opens, evaluates or runs, wherever it stands."""
_INTERPOLATED = re.compile(r"""\\\(([^()"\\]*)\)""")
_KEY_ENDS = re.compile(r"[ \t\n]*:")
_ENDS = r"(?=[ ;}{:\[\],|.()=\n]|$)"
"""What ends a path in every version."""
_TOKEN = re.compile(
    rf"""(?P<blank>[ \t\n]+)
    |(?P<loads>(?P<loader>[a-z_0-9]*load[a-z_0-9]*)\((?P<file>"[^"\\]+")\))
    |(?P<env>(?:str)?env\([A-Za-z_][A-Za-z0-9_]*\))
    |(?P<quoted>\."[^ "\\]+"\??{_ENDS})
    |(?P<recursion>\.\.\.?)
    |(?P<path>\.[A-Za-z0-9_*@/-]+\??{_ENDS})
    |(?P<variable>\$[A-Za-z_][A-Za-z0-9_-]*(?![A-Za-z0-9_-]))
    |(?P<string>"(?:[^"\\]|\\.)*")
    |(?P<format>@[a-z0-9]+(?![A-Za-z0-9_]))
    |(?P<number>-?(?:0[xX][0-9A-Fa-f]+|[0-9]+(?:\.[0-9]+)?(?:[Ee][-+]?[0-9]+)?)(?![A-Za-z0-9_.]))
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<open>[(\[{{]|\.\[)
    |(?P<close>[)\]}}]\??)
    |(?P<sign>==|!=|>=|<=|\|=|\*=|\+=|-=|//=|//|\.{_ENDS}|[|,;:=*/%+<>~?-])
    """,
    re.VERBOSE | re.DOTALL,
)
_PAIRS = {"(": ")", "[": "]", "{": "}"}


def judge_program(text: str) -> Program:
    """Judge a yq expression.

    Args:
        text: the expression.

    Returns:
        What it does; ``reads`` are the files that it loads.
    """
    try:
        check_text(text)
        return a_read("yq", text, read(text))
    except NotARead as failure:
        return no_read("yq", failure)


def read(text: str) -> tuple[str, ...]:
    """Read an expression strictly.

    Returns:
        The files that it loads, named by constants.

    Raises:
        NotARead: it is not understood, or loads, evaluates or runs what is not known.
    """
    files: list[str] = []
    opened: list[str] = []
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise _syntax(f"{text[place]!r} has no place there")
        place = found.end()
        match found.lastgroup:
            case "loads":
                if not _LOADS.match(found["loader"]):
                    raise _syntax(f"{found['loader']} is not known")
                files.append(found["file"][1:-1])
            case "path" | "variable" | "quoted":
                _check_further(found.group())
            case "string":
                _check_string(found.group(), files)
            case "word":
                if not _is_key(text, found):
                    _check_word(found.group())
            case "open":
                opened.append(_PAIRS[found.group()[-1]])
                if len(opened) > MAX_DEPTH:
                    raise NotARead("too-deep", f"An expression nested deeper than {MAX_DEPTH} is not read.")
            case "close":
                if not opened or opened.pop() != found.group()[0]:
                    raise _syntax("a parenthesis closes nothing")
            case _:
                pass
    if opened:
        raise _syntax("a parenthesis is not closed")
    return tuple(files)


def _check_further(path: str) -> None:
    """A path that some version may end at a sign in it: what follows the sign opens nothing."""
    parts = re.split(r"[^A-Za-z0-9_]+", path[1:].strip('"?'))
    if any(_OPENING.match(part) for part in parts[1:]):
        raise _syntax("a path holds what another version could take for an operator")


def _check_string(string: str, files: list[str]) -> None:
    """What a string interpolates is an expression too, in newer versions."""
    for inner in _INTERPOLATED.findall(string):
        files.extend(read(inner))
    if "\\(" in _INTERPOLATED.sub("", string) and _OPENING.search(string):
        raise NotARead("dynamic", "What the string interpolates is not read.", Effect.RUNS_CODE)


def _is_key(text: str, found: re.Match[str]) -> bool:
    """Whether a word is a key that jq lets stand without quotes; yq fails there, or reads a harmless word."""
    return _KEY_ENDS.match(text, found.end()) is not None and not _OPENING.search(found.group())


def _check_word(word: str) -> None:
    if word in {"eval", "system"}:
        raise NotARead("command", f"{word} runs what is not known before.", Effect.RUNS_CODE)
    if word in {"import", "include", "module"}:
        raise NotARead("module", "A jq module is code that is not read.", Effect.RUNS_CODE)
    if _LOADS.match(word):
        raise NotARead("dynamic-file", "Which file is loaded can't be told before it runs.")
    if word not in WORDS:
        raise NotARead("operator", f"The operator {word} is not known.")


def _syntax(what: str) -> NotARead:
    return NotARead("syntax", f"The yq expression is not understood: {what}.")
