"""TLS contexts: what the doors show to clients (reloaded without a restart), and to production."""

from __future__ import annotations

import asyncio
import ssl
from functools import lru_cache
from typing import TYPE_CHECKING

from gateway.domain.errors import ConfigurationBroken
from gateway.log import get_logger

if TYPE_CHECKING:
    from gateway.transport.authority import CertificateFiles

LOOK_SECONDS = 5.0
"""A replaced certificate is shown to new connections after at most this."""

log = get_logger("transport")


class ServerTls:
    """The gateway's own side of TLS: one context for its whole life, whose certificate can be replaced.

    Args:
        files: certificate chain and key.
        protocols: ALPN names the door answers to.
        clients: PEM of the authority whose certificates clients prove themselves by: one of another's, or
            one not for clients, ends the handshake; a client that shows none comes through, and the door
            tells it how to get one. Empty: no client is asked.

    Raises:
        ConfigurationBroken: certificate and key can't be used.
    """

    def __init__(
        self, files: CertificateFiles, *, protocols: tuple[str, ...] = (), clients: str = ""
    ) -> None:
        self._files = files
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
        # No client of ours resumes: a ticket is work for nothing, and a key that outlives its connection.
        self.context.num_tickets = 0
        if protocols:
            self.context.set_alpn_protocols(list(protocols))
        if clients:
            self.context.load_verify_locations(cadata=clients)
            self.context.verify_mode = ssl.CERT_OPTIONAL
            self.context.verify_flags |= ssl.VERIFY_X509_STRICT
        self._seen = self._stamp()
        self._load(self.context)

    def reload(self) -> bool:
        """Show the certificate that lies there now to new connections, where it changed.

        Returns:
            Whether a new certificate is shown. One that can't be used leaves the old one in force.
        """
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        try:
            self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
            self._load(self.context)
        except ConfigurationBroken as error:
            log.warning("certificate not reloaded", error=error.message)
            return False
        finally:
            self._seen = stamp
        log.info("certificate reloaded", file=str(self._files.chain))
        return True

    async def run(self) -> None:
        """Look for a replaced certificate, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.reload()

    def _stamp(self) -> tuple[int, ...]:
        stamp = []
        for path in (self._files.chain, self._files.key):
            try:
                status = path.stat()
                stamp += [status.st_mtime_ns, status.st_ino, status.st_size]
            except OSError:
                stamp.append(0)
        return tuple(stamp)

    def _load(self, context: ssl.SSLContext) -> None:
        try:
            context.load_cert_chain(self._files.chain, self._files.key)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationBroken(
                f"{self._files.chain}: certificate and key can't be used: {error}",
                hint="put a matching pair in place, or remove both to have them made anew",
            ) from error


@lru_cache(maxsize=64)
def client_context(*, verify: bool, ca: str = "", protocols: tuple[str, ...] = ()) -> ssl.SSLContext:
    """Return the context for dialling production.

    Args:
        verify: whether certificate and host name are checked.
        ca: PEM of the authority to trust; empty: the system's.
        protocols: ALPN names to offer.

    Raises:
        ConfigurationBroken: the PEM can't be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if protocols:
        context.set_alpn_protocols(list(protocols))
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    try:
        if ca:
            context.load_verify_locations(cadata=ca)
        else:
            context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    except (ssl.SSLError, ValueError) as error:
        raise ConfigurationBroken(
            f"the endpoint's ca is no usable PEM: {error}", hint="register the endpoint with its CA's PEM"
        ) from error
    return context
