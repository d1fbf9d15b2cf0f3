"""Trust on first login: the authority's fingerprint is shown, compared, and its certificate pinned."""

from __future__ import annotations

import hashlib
import re
import ssl
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.cli.client import Client
from gateway.cli.profiles import ca_file, write_private
from gateway.domain.errors import InvalidInput, ProofBroken, UpstreamUnavailable
from gateway.web.shapes.gateway import Authority

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.cli.profiles import Profile


def fingerprint_of(pem: str) -> str:
    """Return ``SHA256:AB:CD:…`` of a certificate.

    Raises:
        InvalidInput: not a PEM certificate.
    """
    try:
        der = ssl.PEM_cert_to_DER_cert(pem.strip())
    except ValueError as error:
        raise InvalidInput("the gateway's authority is not a PEM certificate") from error
    digest = hashlib.sha256(der).hexdigest().upper()
    return "SHA256:" + ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def same_fingerprint(one: str, other: str) -> bool:
    """Whether two fingerprints are the same, however they are written."""
    return _bare(one) == _bare(other) != ""


def _bare(text: str) -> str:
    digits = re.sub(r"[^0-9A-F]", "", text.strip().upper().removeprefix("SHA256:"))
    return digits if len(digits) == hashlib.sha256().digest_size * 2 else ""


def pin(profile: Profile, *, expected: str, agree: Callable[[str], bool]) -> Profile:
    """Make sure that the profile trusts the gateway's authority, and no other.

    No password is sent before this returns.

    Args:
        profile: where the gateway is, and what is pinned already.
        expected: fingerprint from elsewhere; empty: none is known.
        agree: shows a fingerprint to the person and asks; True where they agree.

    Returns:
        The profile, trusting the pinned authority.

    Raises:
        ProofBroken: the fingerprint is not the expected one, or the person doesn't agree.
        UpstreamUnavailable: the gateway can't be reached, or its certificate isn't by that authority.
    """
    profile = replace(profile, token="")
    if not expected and _trusts(profile):
        return profile
    pem = _shown_authority(profile)
    found = fingerprint_of(pem)
    if expected:
        if not same_fingerprint(found, expected):
            raise ProofBroken(
                f"the gateway shows the authority {found}, not {expected}",
                hint="someone may stand between: ask the gateway's operator for the right fingerprint",
            )
    elif not agree(found):
        raise ProofBroken(
            "the gateway's authority was not trusted",
            hint="compare with `glassgate login --ca-fingerprint …`",
        )
    place = ca_file(profile.label)
    write_private(place, pem.encode())
    pinned = replace(profile, ca=str(place))
    _verify(pinned)
    return pinned


def _trusts(profile: Profile) -> bool:
    """Whether the gateway's certificate is verified by what the profile trusts now."""
    try:
        _verify(profile)
    except UpstreamUnavailable as error:
        if isinstance(error.__cause__, ssl.SSLCertVerificationError):
            return False
        raise
    return True


def _verify(profile: Profile) -> None:
    Client(profile).body("GET /healthz", None)


def _shown_authority(profile: Profile) -> str:
    """Ask the gateway for its authority over a connection that nothing is trusted on yet."""
    client = Client(replace(profile, token="", ca=""), unverified=True)
    return client.call("GET /v1/ca", None, Authority).pem
