"""Which environment variables may be set for a command: those that only say how it looks, or who asks."""

from __future__ import annotations

import re
from typing import Final

from gateway.judge.shell.argument import Argument
from gateway.judge.shell.nested.stop import stop

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.,:;=@+ %*-]*")
_PLAIN_HOSTS: Final = re.compile(r"[A-Za-z0-9_.,:/\[\]-]*")
_ZONE: Final = re.compile(r":?[A-Za-z0-9_+,./:<>-]*")
_ANY: Final = re.compile(r"[^\x00-\x1f]*")
_PAGER: Final = re.compile(r"(cat)?")
_STORE_KEY: Final = re.compile(r"/etc/([A-Za-z0-9_][A-Za-z0-9_.-]*/)*[A-Za-z0-9_][A-Za-z0-9_.-]*")
_CLUSTERS: Final = re.compile(
    r"(/etc/(kubernetes|rancher/k3s|rancher/rke2)/[A-Za-z0-9_.-]+\.(conf|yaml|yml))"
)

_VALUES: Final = {
    **dict.fromkeys(["LANG", "LANGUAGE", "COLUMNS", "LINES", "TERM", "COLORTERM", "NO_COLOR"], _PLAIN),
    **dict.fromkeys(["CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "LESSCHARSET"], _PLAIN),
    **dict.fromkeys(["BLOCKSIZE", "BLOCK_SIZE", "DF_BLOCK_SIZE", "DU_BLOCK_SIZE", "LS_BLOCK_SIZE"], _PLAIN),
    **dict.fromkeys(["QUOTING_STYLE", "TIME_STYLE", "LS_COLORS", "GREP_COLOR", "GREP_COLORS"], _PLAIN),
    **dict.fromkeys(["SYSTEMD_COLORS", "SYSTEMD_URLIFY", "DEBIAN_FRONTEND", "PS_FORMAT"], _PLAIN),
    **dict.fromkeys(["PGUSER", "PGDATABASE", "PGPORT", "PGCONNECT_TIMEOUT", "PGAPPNAME"], _PLAIN),
    **dict.fromkeys(["PGPASSWORD", "MYSQL_PWD", "REDISCLI_AUTH"], _ANY),
    **dict.fromkeys(["PAGER", "GIT_PAGER", "SYSTEMD_PAGER", "MANPAGER", "PSQL_PAGER"], _PAGER),
    "TZ": _ZONE,
    # Flags of less that neither name a file nor let it act; -o and -O would write one.
    "SYSTEMD_LESS": re.compile("-?[FKMNRSX]*"),
    "KUBECONFIG": _CLUSTERS,
    "ETCDCTL_API": re.compile("3"),
    "ETCDCTL_ENDPOINTS": _PLAIN_HOSTS,
    **dict.fromkeys(["ETCDCTL_CACERT", "ETCDCTL_CERT", "ETCDCTL_KEY"], _STORE_KEY),
}
_LOCALE: Final = re.compile(r"LC_[A-Z]+")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def is_assignment(argument: Argument) -> bool:
    """Whether a word is ``NAME=value``, or surely begins so."""
    name, separator, _ = argument.known_start.partition("=")
    return bool(separator) and _NAME.fullmatch(name) is not None


def harmless_name(name: str) -> bool:
    """Whether setting a variable, to a right value, or taking it away changes nothing but looks."""
    return name in _VALUES or _LOCALE.fullmatch(name) is not None


def harmless(name: str, value: str) -> bool:
    """Whether a variable may be set to a value.

    Args:
        name: of the variable.
        value: literal.
    """
    shape = _PLAIN if _LOCALE.fullmatch(name) else _VALUES.get(name)
    return shape is not None and shape.fullmatch(value) is not None


def let_be_set(command: str, argument: Argument) -> Argument:
    """Return a ``NAME=value`` word whose variable may be set so.

    Raises:
        Stop: it may not, or its value isn't known.
    """
    name, _, value = argument.known_start.partition("=")
    if argument.text is not None and harmless(name, value):
        return argument
    if harmless_name(name):
        raise stop(
            command, "variable", f"{command}: this value of {name} is not known to change looks alone."
        )
    raise stop(command, "variable", f"{command}: what {name} does to a command is not known.")
