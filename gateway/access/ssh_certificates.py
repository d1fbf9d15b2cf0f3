"""SSH certificates of people: a key signed for as long as a login, revoked with it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, final

from gateway.access.decisions import Decision, write_down
from gateway.access.ssh_keys import fingerprint_text, read_public_key
from gateway.access.tokens import digest
from gateway.domain.errors import NotAuthorised
from gateway.store import tokens
from gateway.store.tokens import TokenKind

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.access.policy import Policy
    from gateway.access.ssh_authority import SshAuthority
    from gateway.domain.identity import Identity
    from gateway.store.pool import Store

LONGEST: Final = timedelta(hours=12)
PREFIX: Final = "glassgate:"


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """A certificate, as its owner gets it.

    Attributes:
        line: as a ``-cert.pub`` file holds it.
        serial: the token's number, by which it is revoked.
        principal: the login name that it is for.
        expires_at: when it is over.
    """

    line: str
    serial: int
    principal: str
    expires_at: datetime


@final
class SshCertificates:
    """Makes certificates.

    Args:
        store: where their tokens are kept.
        policy: who may have one, and for how long.
        authority: signs them.
    """

    def __init__(self, store: Store, policy: Policy, authority: SshAuthority) -> None:
        self._store = store
        self._policy = policy
        self._authority = authority

    async def issue(self, identity: Identity, line: str) -> IssuedCertificate:
        """Sign a public key for its owner; the certificate ends with the login it is made with, and in hours.

        Args:
            identity: whose key it is.
            line: as a ``.pub`` file holds it.

        Raises:
            InvalidInput: that is no key, one too weak, or of a kind that is not signed.
            NotAuthorised: policy lets them connect nowhere, or the login was revoked.
        """
        key = read_public_key(line)
        await self._policy.require(identity, "connect")
        secret = PREFIX + secrets.token_urlsafe(32)
        async with self._store.transaction() as conn:
            token = await tokens.add_token(
                conn,
                TokenKind.CERTIFICATE,
                identity.id,
                digest(secret.encode()),
                lives=min(LONGEST, self._policy.rules.login),
                label=fingerprint_text(digest(key.blob)),
                scopes=("connect", "request"),
                parent=identity.credential,
            )
            if token is None:
                raise NotAuthorised("your login is over", hint="glassgate login --ssh")
            signed = self._authority.sign(
                line.strip(), principal=identity.name, secret=secret, serial=token.id, ends=token.expires_at
            )
            said = f"{identity.name} has an SSH certificate (token {token.id}) over {token.label}"
            facts: dict[str, str | int | float | bool | list[str] | None] = {
                "token": token.id,
                "person": identity.name,
                "fingerprint": token.label,
                "expires_at": token.expires_at.isoformat(),
            }
            await write_down(
                conn, Decision("access.ssh-certificate-issued", identity.name, said, facts, pages=False)
            )
        return IssuedCertificate(signed, token.id, identity.name, token.expires_at)
