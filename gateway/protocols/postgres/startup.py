"""Start-up packets: the client's is parsed into values, production's is built from nothing.

Source: PostgreSQL documentation, "StartupMessage"; for ``options`` its pg_split_opts and switches.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.domain.errors import InvalidInput, PeerError
from gateway.judge.postgres.settings import split_path
from gateway.protocols.postgres import wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gateway.domain.endpoint import Endpoint
    from gateway.judge.catalogue import Settings

CODECS: Final[Mapping[str, str]] = {
    "UTF8": "utf-8",
    "UNICODE": "utf-8",
    "LATIN1": "iso8859-1",
    "ISO88591": "iso8859-1",
    "LATIN2": "iso8859-2",
    "LATIN3": "iso8859-3",
    "LATIN4": "iso8859-4",
    "LATIN5": "iso8859-9",
    "LATIN6": "iso8859-10",
    "LATIN7": "iso8859-13",
    "LATIN8": "iso8859-14",
    "LATIN9": "iso8859-15",
    "LATIN10": "iso8859-16",
    "ISO88595": "iso8859-5",
    "ISO88596": "iso8859-6",
    "ISO88597": "iso8859-7",
    "ISO88598": "iso8859-8",
    "WIN1250": "cp1250",
    "WIN1251": "cp1251",
    "WIN1252": "cp1252",
    "WIN1253": "cp1253",
    "WIN1254": "cp1254",
    "WIN1255": "cp1255",
    "WIN1256": "cp1256",
    "WIN1257": "cp1257",
    "WIN1258": "cp1258",
    "WIN866": "cp866",
    "WIN874": "cp874",
    "KOI8R": "koi8-r",
    "KOI8U": "koi8-u",
    "SQLASCII": "utf-8",
}
"""Client encodings whose ASCII half is ASCII in every position → Python's codec of the same name."""

PINNED: Final[Mapping[str, str]] = {
    "default_transaction_read_only": "on",
    "standard_conforming_strings": "on",
    "backslash_quote": "safe_encoding",
}
"""What decides how the server reads and runs a text: ours, whatever the client, role or database says."""

_NOT_SETTINGS: Final = frozenset({"user", "database", "options", "replication"})


@dataclass(frozen=True, slots=True)
class Startup:
    """A client's start-up packet.

    Attributes:
        minor: minor version of protocol 3 that is spoken from here on.
        negotiate: unknown protocol options to name in a NegotiateProtocolVersion; None: none is due.
        login: ``user`` as sent.
        database: as sent; empty: the endpoint's default.
        parameters: the client's allowed settings, canonical name → value.
    """

    minor: int
    negotiate: tuple[str, ...] | None
    login: str
    database: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """A client wants its running query cancelled.

    Attributes:
        process: number of the session, as we gave it.
        key: secret of the session, as we gave it.
    """

    process: int
    key: bytes


def packet_size(head: bytes) -> int:
    """Return how many bytes a start-up packet has, from its first four.

    Raises:
        PeerError: no start-up packet begins like this.
    """
    (size,) = wire.UINT32.unpack(head)
    if not 8 <= size <= wire.MAX_STARTUP:
        raise PeerError("this is no PostgreSQL start-up packet")
    return int(size)


def packet_code(packet: bytes) -> int:
    """Return the protocol version or request code of a whole start-up packet."""
    return int(wire.UINT32.unpack_from(packet, 4)[0])


def read_cancel(packet: bytes) -> CancelRequest:
    """Read a CancelRequest: a 4-byte key in protocol 3.0, up to 256 bytes in 3.2."""
    fields = wire.Fields(packet, 8)
    process, key = fields.number(wire.UINT32), fields.rest()
    if not 4 <= len(key) <= 256:
        raise PeerError("a cancel key of an impossible length")
    return CancelRequest(process, key)


def read_startup(packet: bytes, settings: Settings) -> Startup:
    """Read a StartupMessage.

    Args:
        packet: whole, with its length.
        settings: what a session may set, and to what.

    Raises:
        PeerError: malformed, or not protocol 3.
        InvalidInput: a parameter that can't be passed on; its name and the way out are said.
    """
    version = packet_code(packet)
    major, minor = version >> 16, version & 0xFFFF
    if major != 3:
        raise PeerError(f"protocol {major}.{minor} is not spoken here: 3.0 to 3.{wire.NEWEST_MINOR} are")
    try:
        pairs = list(_pairs(packet))
    except UnicodeDecodeError:
        raise InvalidInput("the start-up packet is not UTF-8 text") from None
    named = dict(pairs)
    unknown = tuple(name for name, _ in pairs if name.startswith("_pq_."))
    negotiate = unknown if unknown or minor > wire.NEWEST_MINOR else None
    if named.get("replication", "").lower() not in ("", "off", "false", "no", "0"):
        raise InvalidInput("replication connections are not possible through the gateway")
    login = named.get("user", "")
    database = named.get("database", "")
    return Startup(
        minor=min(minor, wire.NEWEST_MINOR),
        negotiate=negotiate,
        login=login,
        database="" if database == login else database,
        parameters=_allowed(pairs, named.get("options", ""), settings),
    )


def _pairs(packet: bytes) -> Iterable[tuple[str, str]]:
    fields = wire.Fields(packet, 8)
    while name := fields.string():
        yield name.decode(), fields.string().decode()
    fields.end()


def _allowed(pairs: list[tuple[str, str]], options: str, settings: Settings) -> dict[str, str]:
    """Parameters win over ``options``, later ones over earlier ones, as on the server."""
    found: dict[str, str] = {}
    own = [pair for pair in pairs if pair[0] not in _NOT_SETTINGS and not pair[0].startswith("_pq_.")]
    for name, value in [*split_options(options), *own]:
        canonical = name.lower()
        if not _may_set(canonical, value, settings):
            raise InvalidInput(
                f"the setting {name!r} = {value!r} can't be made at connect through the gateway",
                hint="leave it out of the connection string, PGOPTIONS or the driver's settings",
            )
        found[canonical] = value
    return {name: value for name, value in found.items() if name not in PINNED}


def _may_set(name: str, value: str, settings: Settings) -> bool:
    if name == "client_encoding":
        return bool(codec_of(value))
    if name == "search_path":
        path = split_path(value)
        return path is not None and "pg_catalog" not in path[1:]
    return settings.allows(name, value)


def split_options(options: str) -> list[tuple[str, str]]:
    """Split ``options`` into settings, as the server would: ``-c a=b``, ``-ca=b`` and ``--a=b`` alone.

    Raises:
        InvalidInput: any other switch.
    """
    words = [re.sub(r"\\(.)", r"\1", word) for word in re.findall(r"(?:\\.|[^\s\\])+", options)]
    settings = []
    rest = iter(words)
    for word in rest:
        if word.startswith("--"):
            pair = word[2:]
        elif word == "-c":
            pair = next(rest, "")
        elif word.startswith("-c"):
            pair = word[2:]
        else:
            pair = ""
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise InvalidInput(
                f"the option {word!r} is not possible through the gateway",
                hint="only settings can be given: options='-c NAME=VALUE'",
            )
        settings.append((name.replace("-", "_"), value))
    return settings


def codec_of(encoding: str) -> str:
    """Return Python's codec for a client encoding.

    Raises:
        InvalidInput: one in whose characters ASCII bytes can hide.
    """
    found = CODECS.get(re.sub(r"[^A-Z0-9]", "", encoding.upper()))
    if found is None:
        raise InvalidInput(
            f"client_encoding {encoding} is not possible through the gateway",
            hint="use UTF8: PGCLIENTENCODING=UTF8, or \\encoding UTF8",
        )
    return found


def split_login(login: str, only: str = "") -> tuple[str, str]:
    """Split ``NAME+ENDPOINT`` at the last ``+``; one space serves too (pgJDBC decodes ``+`` to it).

    Args:
        login: as the client gave it.
        only: the endpoint that the connection leads to anyway, where it came through another door.

    Raises:
        InvalidInput: there is no endpoint in it.
    """
    name, mark, endpoint = login.rpartition("+" if "+" in login else " ")
    if only and not mark:
        return login, only
    if not name or not endpoint:
        raise InvalidInput(
            "the login name says no endpoint: it is NAME+ENDPOINT",
            hint="such as user=engineer+orders-db; `glassgate endpoints` lists them",
        )
    return name, endpoint


def production_parameters(startup: Startup, endpoint: Endpoint) -> dict[str, str]:
    """Build the parameters of production's start-up packet from nothing.

    Args:
        startup: what the client asked for.
        endpoint: whose login, default database and ceilings hold.
    """
    ceiling = endpoint.settings.statement_timeout_ms
    defaults = {"client_encoding": "UTF8"} | ({"statement_timeout": str(ceiling)} if ceiling else {})
    return {
        "user": endpoint.username,
        "database": startup.database or endpoint.settings.options.get("database", "postgres"),
        **defaults,
        **startup.parameters,
        **PINNED,
    }


def catalogue_parameters(endpoint: Endpoint, database: str) -> dict[str, str]:
    """Build the start-up parameters under which the gateway reads a catalogue that all sessions share.

    Nothing of a client's is in them: its timeouts, encoding or deparsing would decide what others are told.
    """
    return {"user": endpoint.username, "database": database, "client_encoding": "UTF8", **PINNED}
