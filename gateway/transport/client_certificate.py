"""A certificate that the gateway shows to production: its own context, never one that others share."""

from __future__ import annotations

import os
import ssl
import tempfile
from typing import TYPE_CHECKING

from gateway.domain.errors import ConfigurationBroken
from gateway.transport.tls import client_context

if TYPE_CHECKING:
    from gateway.domain.secret import Secret


def identified_context(
    chain: str, key: Secret, *, verify: bool, ca: str = "", protocols: tuple[str, ...] = ()
) -> ssl.SSLContext:
    """Return a context for dialling production that shows a client certificate.

    Args:
        chain: certificate and those that signed it, as PEM.
        key: its private key, as PEM.
        verify: whether production's certificate and name are checked.
        ca: PEM of the authority to trust; empty: the system's.
        protocols: ALPN names to offer.

    Raises:
        ConfigurationBroken: a PEM can't be used, or certificate and key don't fit.
    """
    context: ssl.SSLContext = client_context.__wrapped__(verify=verify, ca=ca, protocols=protocols)
    # Python takes a key from a file alone: one that nobody else can open, and that is gone at once.
    descriptor, path = tempfile.mkstemp(prefix="glassgate-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.reveal() + b"\n" + chain.encode())
        context.load_cert_chain(path, password=_no_password)
    except (OSError, ssl.SSLError, ValueError) as error:
        raise ConfigurationBroken(
            "the endpoint's client certificate and key can't be used together",
            hint="register it with a matching pair as PEM, the key without a password",
        ) from error
    finally:
        os.unlink(path)  # noqa: PTH108 - the path is a string of mkstemp's
    return context


def _no_password() -> str:
    """Never ask a terminal for an encrypted key's password."""
    raise ValueError("the key has a password")
