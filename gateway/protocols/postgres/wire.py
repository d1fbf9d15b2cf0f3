"""Sans-I/O codec of the frontend/backend protocol, versions 3.0 and 3.2: bytes ↔ messages.

Source: PostgreSQL documentation, "Frontend/Backend Protocol", sections Message Flow and Message Formats.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct, error
from typing import TYPE_CHECKING, Final

import msgspec

from gateway.domain.errors import PeerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PROTOCOL_3_0: Final = 3 << 16
PROTOCOL_3_2: Final = (3 << 16) | 2
NEWEST_MINOR: Final = 2
CANCEL_REQUEST: Final = 80877102
SSL_REQUEST: Final = 80877103
GSSENC_REQUEST: Final = 80877104

MAX_STARTUP: Final = 10_000
"""Bytes of a start-up packet; the server's own MAX_STARTUP_PACKET_LENGTH."""
MAX_SETUP_MESSAGE: Final = 1 << 24
"""Bytes of one message while a connection is set up or the gateway reads for itself."""

UINT16: Final = Struct("!H")
INT32: Final = Struct("!i")
UINT32: Final = Struct("!I")
HEADER: Final = Struct("!ci")

_NULL: Final = 0xFFFFFFFF
"""The length of a value that is NULL: -1, read unsigned."""
_MALFORMED: Final = "malformed message"


@dataclass(frozen=True, slots=True)
class Message:
    """One message after start-up.

    Attributes:
        kind: its type byte.
        body: what follows the length.
    """

    kind: bytes
    body: bytes

    @property
    def raw(self) -> bytes:
        """The message as it stands on the wire."""
        return message(self.kind, self.body)


class Framer:
    """Cuts a byte stream into messages; holds at most one unfinished message.

    Args:
        limit: largest message, in bytes.
    """

    def __init__(self, *, limit: int = MAX_SETUP_MESSAGE) -> None:
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """Take bytes in, give back the messages that they complete.

        Raises:
            PeerError: a length that can't be, or one above the limit.
        """
        self._buffer += data
        messages = []
        position = 0
        while len(self._buffer) - position >= 5:
            kind, length = HEADER.unpack_from(self._buffer, position)
            if length < 4 or length > self._limit:
                raise PeerError(f"{_MALFORMED}: a length of {length} bytes")
            end = position + 1 + length
            if end > len(self._buffer):
                break
            messages.append(Message(kind, bytes(self._buffer[position + 5 : end])))
            position = end
        del self._buffer[:position]
        return messages

    @property
    def pending(self) -> bytes:
        """Bytes of the message that is not complete yet."""
        return bytes(self._buffer)


# ---- reading -----------------------------------------------------------------------------------------


class Fields:
    """Reads a message's body from its start; anything that doesn't fit is one error.

    Args:
        body: without type byte and length.
        position: where to begin.
    """

    __slots__ = ("_body", "_position")

    def __init__(self, body: bytes, position: int = 0) -> None:
        self._body = body
        self._position = position

    def string(self) -> bytes:
        """Read up to a NUL."""
        end = self._body.find(b"\0", self._position)
        if end < 0:
            raise PeerError(f"{_MALFORMED}: a string without its end")
        value = self._body[self._position : end]
        self._position = end + 1
        return value

    def take(self, size: int) -> bytes:
        """Read ``size`` bytes."""
        end = self._position + size
        if size < 0 or end > len(self._body):
            raise PeerError(f"{_MALFORMED}: a part is missing")
        value = self._body[self._position : end]
        self._position = end
        return value

    def number(self, form: Struct) -> int:
        """Read a number of the given form."""
        try:
            (value,) = form.unpack_from(self._body, self._position)
        except error:
            raise PeerError(f"{_MALFORMED}: a part is missing") from None
        self._position += form.size
        return int(value)

    def numbers(self, form: Struct) -> tuple[int, ...]:
        """Read a count and that many numbers of the given form."""
        count = self.number(UINT16)
        many = Struct(f"!{count}{form.format[1:]}")
        return many.unpack(self.take(many.size))

    def values(self) -> tuple[bytes | None, ...]:
        """Read a count and that many values with their lengths; None is NULL."""
        found: list[bytes | None] = []
        for _ in range(self.number(UINT16)):
            size = self.number(INT32)
            found.append(None if size == -1 else self.take(size))
        return tuple(found)

    def end(self) -> None:
        """Make sure that nothing is left over."""
        if self._position != len(self._body):
            raise PeerError(f"{_MALFORMED}: something is left over")

    def rest(self) -> bytes:
        """Read what is left."""
        value = self._body[self._position :]
        self._position = len(self._body)
        return value


class Parse(msgspec.Struct, frozen=True, gc=False):
    """``P``: prepare a statement.

    Attributes:
        name: empty: the unnamed one.
        text: the statement.
        types: parameter type oids, 0 where open.
    """

    name: bytes
    text: bytes
    types: tuple[int, ...]


class Bind(msgspec.Struct, frozen=True, gc=False):
    """``B``: make a portal of a statement.

    Attributes:
        portal: empty: the unnamed one.
        statement: which one.
        formats: of the parameters: 0 text, 1 binary; none: all text; one: for all.
        values: raw; None is NULL.
    """

    portal: bytes
    statement: bytes
    formats: tuple[int, ...]
    values: tuple[bytes | None, ...]


def parse_parse(body: bytes) -> Parse:
    """Read a Parse message's body."""
    try:
        name_end = body.index(0)
        text_end = body.index(0, name_end + 1)
        at = text_end + 3
        count = uint16(body, text_end + 1)
        types = tuple([uint32(body, at + 4 * each) for each in range(count)])
    except (ValueError, IndexError):
        raise PeerError(f"{_MALFORMED}: a part is missing") from None
    if at + 4 * count != len(body):
        raise PeerError(f"{_MALFORMED}: something is left over")
    return Parse(body[:name_end], body[name_end + 1 : text_end], types)


def parse_bind(data: bytes, position: int, after: int) -> Bind:
    """Read a Bind message's body, from ``position`` up to ``after``; hot: reads without copying."""
    try:
        portal_end = position
        while data[portal_end]:  # names are short: a search makes objects of its numbers
            portal_end += 1
        statement_end = portal_end + 1
        while data[statement_end]:
            statement_end += 1
        at = statement_end + 1
        formats = shorts(data, at)
        at += 2 + 2 * len(formats)
        count = uint16(data, at)
        at += 2
        values: list[bytes | None] = []
        for _ in range(count):
            size = uint32(data, at)
            at += 4
            if size == _NULL:
                values.append(None)
                continue
            if at + size > after:
                raise PeerError(f"{_MALFORMED}: a part is missing")
            values.append(data[at : at + size])
            at += size
        at += 2 + 2 * uint16(data, at)
    except (ValueError, IndexError):
        raise PeerError(f"{_MALFORMED}: a part is missing") from None
    if at != after:
        raise PeerError(f"{_MALFORMED}: its parts don't fit its length")
    if len(formats) > 1 and len(formats) != count:
        raise PeerError(f"{_MALFORMED}: {len(formats)} formats for {count} values")
    portal, statement = data[position:portal_end], data[portal_end + 1 : statement_end]
    return Bind(portal, statement, formats, tuple(values))


def uint16(data: bytes, at: int) -> int:
    """Read two bytes as a number; an IndexError where they are not there."""
    high = data[at]
    return high << 8 | data[at + 1]


def uint32(data: bytes, at: int) -> int:
    """Read four bytes as a number; an IndexError where they are not there."""
    first = data[at]
    second = data[at + 1]
    third = data[at + 2]
    return first << 24 | second << 16 | third << 8 | data[at + 3]


def shorts(data: bytes, at: int) -> tuple[int, ...]:
    """Read a count and that many numbers of two bytes; an IndexError where they are not there."""
    count = uint16(data, at)
    if not count:
        return ()
    return tuple([uint16(data, at + 2 + 2 * each) for each in range(count)])


def parse_named(body: bytes) -> tuple[bytes, bytes]:
    """Read a Describe or Close message: its kind (``S`` or ``P``) and name."""
    fields = Fields(body)
    kind, name = fields.take(1), fields.string()
    fields.end()
    if kind not in (b"S", b"P"):
        raise PeerError(f"{_MALFORMED}: neither statement nor portal")
    return kind, name


def parse_execute(body: bytes) -> tuple[bytes, int]:
    """Read an Execute message: its portal and the most rows wanted (0: all)."""
    fields = Fields(body)
    portal, rows = fields.string(), fields.number(INT32)
    fields.end()
    return portal, rows


def parse_parameter_status(body: bytes) -> tuple[str, str]:
    """Read a ParameterStatus message: name and value."""
    fields = Fields(body)
    return fields.string().decode("utf-8", "replace"), fields.string().decode("utf-8", "replace")


def parse_error(body: bytes) -> dict[str, str]:
    """Read an ErrorResponse or NoticeResponse: field letter → text."""
    fields = Fields(body)
    found: dict[str, str] = {}
    while (letter := fields.take(1)) != b"\0":
        found[letter.decode("latin-1")] = fields.string().decode("utf-8", "replace")
    return found


def parse_row(body: bytes) -> tuple[bytes | None, ...]:
    """Read a DataRow."""
    return Fields(body).values()


def rows_of(tag: bytes) -> int | None:
    """Return the number of rows a CommandComplete tag tells of, None where it tells none."""
    word, _, rest = tag.rpartition(b" ")
    return int(rest) if word and rest.isdigit() else None


# ---- writing -----------------------------------------------------------------------------------------


def message(kind: bytes, body: bytes = b"") -> bytes:
    """Return a message as it stands on the wire."""
    return HEADER.pack(kind, len(body) + 4) + body


def startup(parameters: Mapping[str, str], *, version: int = PROTOCOL_3_0) -> bytes:
    """Return a start-up packet."""
    body = b"".join(f"{name}\0{value}\0".encode() for name, value in parameters.items()) + b"\0"
    return UINT32.pack(len(body) + 8) + UINT32.pack(version) + body


def special(code: int, body: bytes = b"") -> bytes:
    """Return one of the requests that stand in a start-up packet's place (TLS, GSS, cancel)."""
    return UINT32.pack(len(body) + 8) + UINT32.pack(code) + body


def cancel_request(process: int, key: bytes) -> bytes:
    """Return a CancelRequest."""
    return special(CANCEL_REQUEST, UINT32.pack(process) + key)


def query(text: bytes) -> bytes:
    """Return a simple Query."""
    return message(b"Q", text + b"\0")


def parse(name: bytes, text: bytes, types: Sequence[int] = ()) -> bytes:
    """Return a Parse."""
    oids = b"".join(UINT32.pack(oid) for oid in types)
    return message(b"P", name + b"\0" + text + b"\0" + UINT16.pack(len(types)) + oids)


def bind(
    portal: bytes,
    statement: bytes,
    values: Sequence[bytes | None] = (),
    *,
    formats: Sequence[int] = (),
    results: Sequence[int] = (),
) -> bytes:
    """Return a Bind."""
    parts = [portal, b"\0", statement, b"\0", _shorts(formats), UINT16.pack(len(values))]
    for value in values:
        parts += [INT32.pack(-1)] if value is None else [INT32.pack(len(value)), value]
    return message(b"B", b"".join([*parts, _shorts(results)]))


def describe(kind: bytes, name: bytes) -> bytes:
    """Return a Describe of a statement (``S``) or a portal (``P``)."""
    return message(b"D", kind + name + b"\0")


def execute(portal: bytes, rows: int = 0) -> bytes:
    """Return an Execute."""
    return message(b"E", portal + b"\0" + INT32.pack(rows))


def close(kind: bytes, name: bytes) -> bytes:
    """Return a Close of a statement (``S``) or a portal (``P``)."""
    return message(b"C", kind + name + b"\0")


SYNC: Final = message(b"S")
FLUSH: Final = message(b"H")
TERMINATE: Final = message(b"X")
AUTHENTICATION_OK: Final = message(b"R", UINT32.pack(0))
ASK_PASSWORD: Final = message(b"R", UINT32.pack(3))


def parameter_status(name: str, value: str) -> bytes:
    """Return a ParameterStatus."""
    return message(b"S", f"{name}\0{value}\0".encode())


def backend_key(process: int, key: bytes) -> bytes:
    """Return a BackendKeyData."""
    return message(b"K", UINT32.pack(process) + key)


def ready(status: bytes) -> bytes:
    """Return a ReadyForQuery: ``I`` idle, ``T`` in a transaction, ``E`` in a failed one."""
    return message(b"Z", status)


def negotiate(unknown: Iterable[str]) -> bytes:
    """Return a NegotiateProtocolVersion: our newest minor version and the options we don't know."""
    names = [name.encode() + b"\0" for name in unknown]
    return message(b"v", UINT32.pack(PROTOCOL_3_2) + UINT32.pack(len(names)) + b"".join(names))


def fields_message(kind: bytes, fields: Mapping[str, str]) -> bytes:
    """Return an ErrorResponse (``E``) or NoticeResponse (``N``); empty fields and NULs are left out."""
    parts = [
        letter.encode() + value.replace("\0", "").encode("utf-8", "replace") + b"\0"
        for letter, value in fields.items()
        if value
    ]
    return message(kind, b"".join(parts) + b"\0")


def _shorts(numbers: Sequence[int]) -> bytes:
    return UINT16.pack(len(numbers)) + b"".join(UINT16.pack(number) for number in numbers)
