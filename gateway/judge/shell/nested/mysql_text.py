"""Statements of MySQL and MariaDB that surely only read: few kinds, known functions."""

from __future__ import annotations

import re
from typing import Final

from gateway.judge.shell.finding import Effect
from gateway.judge.shell.programs.program import NotARead

_TOKEN: Final = re.compile(
    r"""(?P<blank>[ \t\r\n]+)
    |(?P<end>;|\\[gG])
    |(?P<string>'(?:[^'\\]|''|\\[^'"])*'|"(?:[^"\\]|""|\\[^'"])*")
    |(?P<quoted>`[^`\\]+`)
    |(?P<variable>@@(?:[A-Za-z]+\.)?[A-Za-z_][A-Za-z0-9_]*)
    |(?P<number>(?:0x[0-9A-Fa-f]+|[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+)(?![A-Za-z0-9_$]))
    |(?P<word>[A-Za-z_][A-Za-z0-9_$]*)
    |(?P<sign><=>|<>|!=|<=|>=|\|\||&&|->>|->|(?!--|/\*|\*/|:=)[-+*/%=<>!&|^~(),.@])
    """,
    re.VERBOSE,
)
_BEFORE_PARENTHESIS: Final = frozenset(
    """
    in and or not from as on where exists values using over by select union all any some distinct then
    else when case like between join having limit offset interval regexp rlike is xor div mod binary
    unsigned signed char varchar decimal double float integer bigint date datetime time timestamp json
    recursive partition key index intersect except lateral row within group order set if
    """.split()  # noqa: SIM905
)
_FUNCTIONS: Final = frozenset(
    """
    abs acos adddate addtime any_value ascii asin atan atan2 avg bin bit_and bit_count bit_length bit_or
    bit_xor cast ceil ceiling char_length character_length charset coalesce collation concat concat_ws
    connection_id conv convert convert_tz cos cot count crc32 cume_dist curdate current_date
    current_role current_time current_timestamp current_user curtime database date_add date_format
    date_sub datediff day dayname dayofmonth dayofweek dayofyear degrees dense_rank elt exp extract
    field find_in_set first_value floor format format_bytes format_pico_time found_rows from_base64
    from_days from_unixtime greatest group_concat grouping hex hour ifnull inet6_aton inet6_ntoa
    inet_aton inet_ntoa instr isnull json_array json_arrayagg json_contains json_contains_path
    json_depth json_detailed json_exists json_extract json_keys json_length json_object json_objectagg
    json_overlaps json_pretty json_query json_quote json_search json_table json_type json_unquote
    json_valid json_value lag last_day last_value lcase lead least left length ln localtime
    localtimestamp locate log log10 log2 lower lpad ltrim makedate maketime max md5 microsecond mid min
    minute month monthname now nth_value ntile nullif oct octet_length ord percent_rank period_add
    period_diff pi position pow power quarter quote radians rand rank regexp_instr regexp_like
    regexp_replace regexp_substr repeat replace reverse right round row_count row_number rpad rtrim
    schema sec_to_time second session_user sha sha1 sha2 sign sin soundex space sqrt std stddev
    stddev_pop stddev_samp str_to_date strcmp subdate substr substring substring_index subtime sum
    sysdate system_user tan time_format time_to_sec timediff timestampadd timestampdiff to_base64
    to_days to_seconds trim truncate ucase unhex unix_timestamp upper user utc_date utc_time
    utc_timestamp uuid var_pop var_samp variance version week weekday weekofyear year yearweek
    """.split()  # noqa: SIM905
)
_NEVER: Final = frozenset(
    """
    into outfile dumpfile lock update share insert delete call procedure handler load sleep benchmark get_lock
    release_lock load_file set_user do nextval setval lastval next
    """.split()  # noqa: SIM905
)
_SHOWN: Final = re.compile(
    r"(full )?(processlist|tables|columns|fields)|databases|schemas"
    r"|(global |session |local )?(status|variables)"
    r"|index|indexes|keys|create|table|engine|engines|storage|triggers|events|function|procedure|grants|privileges"
    r"|plugins"
    r"|open|(master|slave|replica|binary log|all slaves|all replicas) status|master logs|binary logs"
    r"|slave hosts"
    r"|replicas|warnings|errors|count|character|charset|collation|extended|profiles|profile|userstat"
    r"|index_statistics|user_statistics"
)
_STARTS: Final = frozenset(["select", "show", "describe", "desc", "explain", "with", "table", "use", "("])


def not_a_read(text: str) -> NotARead | None:
    r"""Say why a text is not known to read; None where every statement in it is.

    Args:
        text: of ``-e``.

    Source: MySQL 8.4 and MariaDB 11 reference manuals; the client's own commands (``\!``, ``system``,
    ``source``, …) begin with words or signs that nothing here lets through.
    """
    try:
        for statement in _statements(text):
            _check(statement)
    except NotARead as error:
        return error
    return None


def _statements(text: str) -> list[list[tuple[str, str]]]:
    found: list[list[tuple[str, str]]] = [[]]
    place = 0
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            raise NotARead("syntax", f"what stands at {text[place : place + 10]!r} is not understood.")
        kind, value = str(token.lastgroup), token.group()
        place = token.end()
        if kind == "end":
            found.append([])
        elif kind != "blank":
            found[-1].append((kind, value.lower() if kind == "word" else value))
    return [statement for statement in found if statement]


def _check(statement: list[tuple[str, str]]) -> None:
    words = [value for kind, value in statement if kind == "word"]
    start = statement[0][1]
    if start not in _STARTS:
        effect = Effect.CHANGES_DATA if statement[0][0] == "word" else Effect.UNKNOWN
        raise NotARead("statement", f"{start} is not known to read.", effect)
    if start == "show":
        _check_show(words[1:])
    if start == "use":
        if len(statement) != 2:
            raise NotARead("statement", "use takes a database.")
        return
    if start in ("describe", "desc", "explain"):
        start = next(
            (word for word in words[1:] if word in ("select", "update", "delete", "insert", "replace")), start
        )
        if start not in ("select", "describe", "desc", "explain"):
            raise NotARead("statement", f"explain of {start} is not judged.")
    for word in words if start != "show" else ():
        if word in _NEVER:
            raise NotARead("word", f"{word} is not known to read.", Effect.CHANGES_DATA)
    _check_calls(statement)


def _check_show(words: list[str]) -> None:
    text = " ".join(words)
    if not words or not _SHOWN.match(text) or {"into", "outfile"} & set(words):
        raise NotARead("show", "what it shows is not known.")


def _check_calls(statement: list[tuple[str, str]]) -> None:
    """Let only known functions be called: a stored one may do anything."""
    for before, (kind, value), after in zip([("", ""), *statement], statement, statement[1:], strict=False):
        if after != ("sign", "(") or kind in ("number", "sign"):
            continue
        if before == ("sign", ".") or kind != "word":
            raise NotARead("function", f"the function {value} is not known to read.", Effect.CHANGES_DATA)
        if value not in _BEFORE_PARENTHESIS and value not in _FUNCTIONS:
            raise NotARead("function", f"the function {value} is not known to read.", Effect.CHANGES_DATA)
