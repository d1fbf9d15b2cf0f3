"""psql: statements that the PostgreSQL judge lets through, in a session that the server holds read-only."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from gateway.domain.verdict import Decision
from gateway.judge.catalogue import load_postgres
from gateway.judge.postgres import SqlContext
from gateway.judge.postgres import judge as judge_sql
from gateway.judge.postgres.builtin import builtin
from gateway.judge.shell.argument import Argument, literals
from gateway.judge.shell.commands import Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Effect, Finding, reads
from gateway.judge.shell.nested.about import about
from gateway.judge.shell.nested.hosts import let_be_asked
from gateway.judge.shell.nested.shape import Again
from gateway.judge.shell.nested.stop import stop
from gateway.judge.shell.nested.table import No, Split, sure, table

PSQL: Final = table(
    "-c= --command=literal  -d= --dbname=literal  -l --list  -V --version  -X --no-psqlrc  "
    "-1 --single-transaction",
    "-a --echo-all  -b --echo-errors  -e --echo-queries  -E --echo-hidden  -n --no-readline  "
    "-q --quiet  -A --no-align",
    "--csv  -F= --field-separator=literal  -H --html  -P= --pset=literal  "
    "-R= --record-separator=literal  -t --tuples-only",
    "-T= --table-attr=literal  -x --expanded  -z --field-separator-zero  -0 --record-separator-zero  "
    "-h= --host=literal",
    "-p= --port=literal  -U= --username=literal  -w --no-password  -W --password  -? --help=?",
    no=(
        No("-f= --file=", "file", "runs a file that isn't judged"),
        No("-L= --log-file=  -o= --output=", "output", "writes a file, or to a program", Effect.WRITES_FILE),
        No("-v= --set= --variable=", "variable", "changes what statements mean", Effect.UNKNOWN),
        No("-s --single-step  -S --single-line", "step", "asks while it runs", Effect.UNKNOWN),
    ),
)
_VARIABLES: Final = (
    "PGOPTIONS=-c default_transaction_read_only=on -c standard_conforming_strings=on",
    "PGCLIENTENCODING=UTF8",
    "PSQLRC=/dev/null",
    "PSQL_PAGER=cat",
    "PAGER=cat",
)
# psql runs what stands in backquotes, and takes :name for a variable, in the arguments of these too.
_BACKSLASH: Final = re.compile(
    r"\\(?:d[A-Za-z]{0,4}[S+]{0,2}|l\+?|z|sf\+?|sv\+?|conninfo|encoding|timing|x|copyright|\?|h|dconfig\+?)"
    r"(?:[ \t]+[A-Za-z0-9_.*?\"$, ()\[\]-]*)?"
)
_NAME: Final = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*")
_URI: Final = re.compile(
    r"postgres(?:ql)?://(?:[\w.%-]+(?::[^@/?\s]*)?@)?([\w.-]*|\[[0-9A-Fa-f:]+\])(?::([0-9]+))?/[\w.-]*"
)
_SETTING: Final = re.compile(
    r"(host|hostaddr|port|dbname|user|password|connect_timeout|application_name|sslmode|target_session_attrs)"
    r"=([^\s'\\,]*)"
)
_PSET: Final = re.compile(
    r"(pager=(off|0)|format=[a-z-]+|border=[0-9]|null=[^\n]*|footer(=(on|off))?|tuples_only(=(on|off))?"
    r"|expanded(=[a-z]+)?|x(=[a-z]+)?|t|columns=[0-9]+|linestyle=[a-z-]+|title=[^\n]*"
    r"|fieldsep=[^\n]*|numericlocale(=(on|off))?)"
)


@cache
def _sql_context() -> SqlContext:
    return SqlContext(builtin(), load_postgres())


def judge_psql(argv: tuple[Argument, ...], _form: Form, context: ShellContext, _again: Again) -> Finding:
    """Judge ``psql … -c …``: relations count as plain tables, functions that PostgreSQL lacks as no reads.

    Source: psql(1), 9.6 to 18.
    """
    split = PSQL.split("psql", argv[1:])
    if (told := about(PSQL, argv[0], split, "-V", "-?")) is not None:
        return told
    commands = split.values("-c")
    if not commands and not split.has("-l"):
        raise stop("psql", "door", "psql without -c takes statements from its input.", Effect.OPENS_DOOR)
    _check_server(split, context)
    for command in commands:
        _check_command(sure("psql", command, "the statement"))
    for setting in split.values("-P"):
        if not _PSET.fullmatch(setting.text or ""):
            raise stop("psql", "setting", f"psql -P {setting.text} is not known to change looks alone.")
    given = PSQL.emit(split.without("-X", "-W"))
    return reads(
        (*literals("env", *_VARIABLES), *argv[:1], *literals("-X"), *given, *split.operands),
        "psql only reads.",
        rule="shell.psql.read",
        # Without a host it asks over a unix socket.
        profile="net"
        if any(not (each.text or "/").startswith("/") for each in split.values("-h"))
        else "engine",
    )


def _check_server(split: Split, context: ShellContext) -> None:
    ports = split.values("-p")
    port = ports[-1].text or "" if ports else "5432"
    for host in split.values("-h"):
        if not (host.text or "").startswith("/") and host.text:
            let_be_asked("psql", host.text, port, context)
    for name in (*split.values("-d"), *split.operands[:1]):
        text = sure("psql", name, "the database")
        found = _URI.fullmatch(text)
        if found is not None:
            if found[1]:
                let_be_asked("psql", found[1], found[2] or port, context)
        elif not _NAME.fullmatch(text):
            _check_settings(text, port, context)
    for name in split.operands[1:]:
        if not _NAME.fullmatch(sure("psql", name, "the user")):
            raise stop("psql", "user", "psql: that is no user's name.")


def _check_settings(text: str, port: str, context: ShellContext) -> None:
    """Let a server be named as libpq's ``key=value`` pairs do, without quotes."""
    settings: dict[str, str] = {}
    for pair in text.split():
        found = _SETTING.fullmatch(pair)
        if found is None or found[1] in settings:
            raise stop("psql", "database", "psql: a connection string with settings of its own is not taken.")
        settings[found[1]] = found[2]
    if not _NAME.fullmatch(settings.get("dbname", "x")):
        raise stop("psql", "database", "psql: the database's name would be read as settings.")
    for name in ("host", "hostaddr"):
        host = settings.get(name, "")
        if host and not host.startswith(("/", "@")):
            let_be_asked("psql", host, settings.get("port", port), context)


def _check_command(text: str) -> None:
    if text.startswith("\\"):
        if not _BACKSLASH.fullmatch(text.strip()):
            raise stop("psql", "command", "psql: that command of its own is not known to read.")
        return
    verdict = judge_sql(text, _sql_context()).verdict
    if verdict.decision is Decision.CHANGE:
        raise stop("psql", "change", f"psql: {verdict.reason}", Effect.CHANGES_DATA)
    if verdict.decision is not Decision.ALLOW:
        raise stop("psql", "statement", f"psql: {verdict.reason}")
