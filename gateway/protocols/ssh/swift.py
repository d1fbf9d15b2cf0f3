"""asyncssh's connections without the copies: data taken from the input by a cursor, sealed in one piece.

asyncssh slices what is left of the input twice for each packet, joins what it sends five times and makes a
new cipher each time. Here stands what carries bulk data under AES-GCM, by the same rules; every other packet,
and all that is wrong with one, is left for asyncssh, to which nothing has happened yet. What is relied upon
of its insides is held by ``tests/protocols/ssh/test_swift.py``, which also says for which version.
"""

from __future__ import annotations

import os
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Final

from asyncssh.channel import SSHChannel
from asyncssh.constants import MSG_CHANNEL_DATA, MSG_IGNORE, MSG_USERAUTH_LAST
from asyncssh.encryption import Encryption, GCMEncryption
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    import asyncssh
    from asyncssh.packet import SSHPacketLogger

    Mixed = asyncssh.connection.SSHConnection
    MixedChannel = SSHChannel[bytes]
else:
    Mixed = MixedChannel = object

LENGTH: Final = 4
"""Bytes of a packet's length, in the clear."""
TAG: Final = 16
LEAST: Final = 16
"""Bytes of the smallest packet: GCM's block."""
DATA_HEAD: Final = 10
"""Padding length, packet type, channel, length of the data: RFC 4253, section 6; RFC 4254, section 5.2."""
_COUNTER: Final = 1 << 64


class Gcm(Encryption):
    """One direction's AES-GCM (RFC 5647) by one cipher object; asyncssh makes a new one for each packet.

    Args:
        key: of 16 or 32 bytes.
        nonce: the next packet's, 12 bytes.
    """

    def __init__(self, key: bytes, nonce: bytes) -> None:
        self._aead = AESGCM(key)
        self._fixed = nonce[:4]
        self._count = int.from_bytes(nonce[4:], "big")

    @classmethod
    def in_place_of(cls, theirs: Encryption | None) -> Encryption | None:
        """Return what goes on where asyncssh's own stands; the same one where it is not GCM."""
        if not isinstance(theirs, GCMEncryption):
            return theirs
        cipher = theirs._cipher  # noqa: SLF001 - held by a test
        return cls(cipher._key, cipher._iv)  # noqa: SLF001

    def seal(self, length: bytes, packet: bytes) -> bytes:
        """Return a packet's ciphertext and tag, and go on to the next nonce."""
        sealed = self._aead.encrypt(self._fixed + self._count.to_bytes(8, "big"), packet, length)
        self.taken()
        return sealed

    def look(self, length: bytes, sealed: bytes | memoryview) -> bytes | None:
        """Return what a packet says, without going on; None where it is not genuine."""
        try:
            return self._aead.decrypt(self._fixed + self._count.to_bytes(8, "big"), sealed, length)
        except InvalidTag:
            return None

    def taken(self) -> None:
        """Go on to the next packet's nonce."""
        self._count = (self._count + 1) % _COUNTER

    # ---- what asyncssh calls for the other packets -----------------------------------------------

    def encrypt_packet(self, seq: int, header: bytes, packet: bytes) -> tuple[bytes, bytes]:
        """Encrypt and sign a packet."""
        del seq
        sealed = self.seal(header, packet)
        return header + sealed[:-TAG], sealed[-TAG:]

    def decrypt_header(self, seq: int, first_block: bytes, header_len: int) -> tuple[bytes, bytes]:
        """Return a packet's length, which is in the clear."""
        del seq
        return first_block, first_block[:header_len]

    def decrypt_packet(
        self, seq: int, first: bytes, rest: bytes, header_len: int, mac: bytes
    ) -> bytes | None:
        """Verify and decrypt a packet; None where it is not genuine."""
        del seq
        found = self.look(first[:header_len], first[header_len:] + rest + mac)
        self.taken()
        return found


class Swift(Mixed):
    """Goes before asyncssh's connection of either side."""

    def send_newkeys(self, k: bytes, h: bytes) -> None:
        """Take the keys that were agreed on."""
        super().send_newkeys(k, h)
        self._send_encryption = Gcm.in_place_of(self._send_encryption)
        self._next_recv_encryption = Gcm.in_place_of(self._next_recv_encryption)

    # ---- receiving -------------------------------------------------------------------------------

    def _recv_pkthdr(self) -> bool:
        """Take the data packets that the input begins with; what follows them is asyncssh's."""
        gcm = self._recv_encryption
        if isinstance(gcm, Gcm) and self._auth_complete and not self._decompressor:
            return self._take_data(gcm) and super()._recv_pkthdr()
        return super()._recv_pkthdr()

    def _take_data(self, gcm: Gcm) -> bool:
        """Deliver data packets; returns whether another packet, whole or beyond all bounds, comes next."""
        data, at = self._inpbuf, 0
        view, size = memoryview(data), len(data)
        try:
            while size - at >= LENGTH:
                start = at + LENGTH
                length = data[at:start]
                end = start + int.from_bytes(length, "big") + TAG
                if end > size:
                    return end - start > self._max_recv_pktlen + TAG
                if end - start < LEAST + TAG:
                    return True
                packet = gcm.look(length, view[start:end])
                if packet is None or not self._deliver(gcm, packet):
                    return True
                at = end
                if self._transport is None:
                    return False  # what was delivered has ended the connection
        finally:
            self._inpbuf = data[at:]
        return False

    def _deliver(self, gcm: Gcm, packet: bytes) -> bool:
        """Deliver a packet where it is nothing but data for an open channel with room for it."""
        if packet[1] != MSG_CHANNEL_DATA:
            return False
        channel = self._channels.get(int.from_bytes(packet[2:6], "big"))
        end = DATA_HEAD + int.from_bytes(packet[6:DATA_HEAD], "big")
        if (
            not isinstance(channel, SSHChannel)
            or not packet[0]
            or end + packet[0] != len(packet)
            or channel._recv_state != "open"  # noqa: SLF001
            or end - DATA_HEAD > channel._recv_window  # noqa: SLF001
        ):
            return False
        gcm.taken()
        self._recv_seq = (self._recv_seq + 1) & 0xFFFFFFFF
        self._auth_final = True
        channel._accept_data(packet[DATA_HEAD:end])  # noqa: SLF001
        return True

    # ---- sending ---------------------------------------------------------------------------------

    def send_packet(self, pkttype: int, *args: bytes, handler: SSHPacketLogger | None = None) -> None:
        """Send a packet; asyncssh puts an empty one before each, which only CBC ciphers have a use for."""
        if pkttype == MSG_IGNORE:
            return
        gcm = self._send_encryption
        if pkttype > MSG_USERAUTH_LAST and isinstance(gcm, Gcm) and self._steady():
            self._send_sealed(gcm, (bytes((pkttype,)), *args))
        else:
            super().send_packet(pkttype, *args, handler=handler)

    def send_data(self, channel: int, data: bytes | bytearray) -> None:
        """Send data on a channel.

        Args:
            channel: the peer's number of it.
            data: no more than the peer takes in a packet, and has room for.
        """
        head = b"%c%b%b" % (MSG_CHANNEL_DATA, channel.to_bytes(4, "big"), len(data).to_bytes(4, "big"))
        gcm = self._send_encryption
        if isinstance(gcm, Gcm) and self._steady():
            self._send_sealed(gcm, (head, data))
        else:
            super().send_packet(MSG_CHANNEL_DATA, head[1:], bytes(data))

    def _steady(self) -> bool:
        """Whether packets go out as they come: no key exchange is under way or due."""
        return (
            self._auth_complete
            and self._kex_complete
            and not self._compressor
            and self._rekey_bytes_sent < self._rekey_bytes
            and (not self._rekey_seconds or monotonic() < self._rekey_time)
        )

    def _send_sealed(self, gcm: Gcm, parts: tuple[bytes | bytearray, ...]) -> None:
        size = 1 + sum(map(len, parts))
        padding = 4 + -(size + 4) % LEAST
        packet = b"".join((bytes((padding,)), *parts, os.urandom(padding)))
        length = len(packet).to_bytes(LENGTH, "big")
        sealed = gcm.seal(length, packet)
        self._send_seq = (self._send_seq + 1) & 0xFFFFFFFF
        self._rekey_bytes_sent += len(packet)
        if self._transport is not None:
            with suppress(ConnectionError):
                self._transport.writelines((length, sealed))


class SwiftChannel(MixedChannel):
    """Goes before asyncssh's channel, whose connection is a ``Swift`` one."""

    def write(self, data: bytes, datatype: int | None = None) -> None:
        """Send data at once where the peer has room for it."""
        conn = self._conn
        if (
            datatype is None
            and not self._send_buf
            and self._send_state == "open"
            and 0 < len(data) <= self._send_window
            and len(data) <= self._send_pktsize
            and isinstance(conn, Swift)
            and self._send_chan is not None
        ):
            self._send_window -= len(data)
            conn.send_data(self._send_chan, data)
        else:
            super().write(data, datatype)

    def _flush_send_buf(self) -> None:
        """Send what waited, as much as the peer has room for now."""
        conn, waiting = self._conn, self._send_buf
        while waiting and self._send_window and isinstance(conn, Swift) and self._send_chan is not None:
            data, datatype = waiting[0]
            if datatype is not None:
                break
            size = min(self._send_window, self._send_pktsize, len(data))
            if size < len(data):
                data, rest = data[:size], data
                del rest[:size]
            else:
                del waiting[0]
            self._send_buf_len -= size
            self._send_window -= size
            conn.send_data(self._send_chan, data)
        super()._flush_send_buf()
