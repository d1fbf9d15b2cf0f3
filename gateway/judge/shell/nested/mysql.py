"""mysql and mariadb: plain SELECT, SHOW, DESCRIBE and EXPLAIN, in a read-only session."""

from __future__ import annotations

import re
from typing import Final

from gateway.judge.shell.argument import Argument, literals
from gateway.judge.shell.commands import Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Effect, Finding, reads
from gateway.judge.shell.nested.about import about
from gateway.judge.shell.nested.hosts import let_be_asked
from gateway.judge.shell.nested.mysql_text import not_a_read
from gateway.judge.shell.nested.shape import Again
from gateway.judge.shell.nested.stop import stop
from gateway.judge.shell.nested.table import No, sure, table

MYSQL: Final = table(
    "-e= --execute=literal  -h= --host=literal  -P= --port=number  -u= --user=literal  "
    "-p=? --password=?  -S= --socket=path",
    "-D= --database=literal  -N --skip-column-names  -B --batch  -s --silent  -t --table  "
    "-E --vertical  -r --raw  -v --verbose",
    "-H --html  -X --xml  -A --no-auto-rehash --skip-auto-rehash  -q --quick  -C --compress  "
    "--column-names  --binary-as-hex",
    "--connect-timeout=number  --protocol=word(tcp|socket|TCP|SOCKET)  "
    "--default-character-set=literal  --ssl=?  --skip-ssl",
    "--ssl-mode=literal  --ssl-ca=path  --ssl-cert=path  --ssl-key=path  --login-path=literal  "
    "--no-defaults  -V --version  -? --help",
    "--defaults-file=word(/etc/mysql/debian.cnf|/etc/my.cnf|/etc/mysql/my.cnf|/root/.my.cnf)  "
    "--show-warnings  --column-type-info",
    "--defaults-extra-file=word(/etc/mysql/debian.cnf|/etc/my.cnf|/etc/mysql/my.cnf|/root/.my.cnf)  "
    "--unbuffered -n",
    no=(
        No(
            "--init-command=  --init-command-add=  --delimiter=",
            "init",
            "changes what is run",
            Effect.UNKNOWN,
        ),
        No("--tee=  --pager=?", "output", "writes to a file or a program", Effect.WRITES_FILE),
        No(
            "--plugin-dir=  --default-auth=  --defaults-group-suffix=  --named-commands -G  "
            "--local-infile=?  --binary-mode  --system-command=?",
            "plugin",
            "is not judged",
            Effect.UNKNOWN,
        ),
    ),
)
_HELD: Final = ("--init-command=SET SESSION TRANSACTION READ ONLY", "--local-infile=0")
_DATABASE: Final = re.compile(r"[A-Za-z0-9_$.-]+")


def judge_mysql(argv: tuple[Argument, ...], _form: Form, context: ShellContext, _again: Again) -> Finding:
    """Judge ``mysql … -e …`` and ``mariadb … -e …``. Source: mysql(1), 5.6 to 9; mariadb(1), 10 to 12."""
    split = MYSQL.split("mysql", argv[1:])
    if (told := about(MYSQL, argv[0], split, "-V", "-?")) is not None:
        return told
    statements = split.values("-e")
    if not statements:
        raise stop("mysql", "door", "mysql without -e takes statements from its input.", Effect.OPENS_DOOR)
    port = split.values("-P")
    for host in split.values("-h"):
        let_be_asked("mysql", host.text or "", port[-1].text or "" if port else "3306", context)
    for text in statements:
        why = not_a_read(sure("mysql", text, "the statement"))
        if why is not None:
            raise stop("mysql", "statement", f"mysql: {why.reason}", why.effect)
    for name in (*split.operands, *split.values("-D")):
        if not _DATABASE.fullmatch(sure("mysql", name, "the database")) or (name.text or "").startswith("-"):
            raise stop("mysql", "database", "mysql: that is no database's name.")
    first = [
        each
        for each in split.given
        if any("default" in name for name in each.option.names if name != "--default-character-set")
    ]
    rest = [each for each in split.given if each not in first]
    return reads(
        (*argv[:1], *MYSQL.emit(first), *literals(*_HELD), *MYSQL.emit(rest), *split.operands),
        "mysql only reads.",
        rule="shell.mysql.read",
        # To localhost it speaks over a unix socket.
        profile="net" if any(each.text != "localhost" for each in split.values("-h")) else "engine",
    )
