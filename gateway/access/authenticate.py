"""Proves identities. The only place that makes one; OIDC and passkeys join as further evidence here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, assert_never, final

from gateway.access import words
from gateway.access.client_certificates import serial_digest
from gateway.access.decisions import Decision, write_down
from gateway.access.ssh_authority import is_certificate
from gateway.access.tokens import CLUSTER_PREFIX, DATABASE_PREFIX, MACHINE_PREFIX, digest
from gateway.domain.errors import AuthenticationFailed, TooManyAttempts
from gateway.domain.identity import (
    BearerEvidence,
    ClientCertificateEvidence,
    ClusterTokenEvidence,
    DatabaseTokenEvidence,
    Identity,
    PasswordEvidence,
    SshKeyEvidence,
)
from gateway.log import get_logger
from gateway.store import people, ssh_keys, tokens
from gateway.store.tokens import TokenKind

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.access.limits import Limits
    from gateway.access.passwords import Passwords
    from gateway.access.policy import Policy
    from gateway.access.ssh_authority import SshAuthority
    from gateway.access.tokens import Jwts
    from gateway.domain.identity import Evidence
    from gateway.domain.secret import Secret
    from gateway.store.people import Credential, Person
    from gateway.store.pool import Store
    from gateway.store.tokens import Proven
    from gateway.transport.authority import Authority

CONNECTING: Final = frozenset({"connect", "request"})
"""What a login by an SSH key serves for: to look, and to ask at the door for being let in."""
LONGEST_TOKEN: Final = 64
"""Bytes of an opaque token; what is longer is none."""

log = get_logger("access")


@dataclass(frozen=True, slots=True)
class IssuedTokens:
    """What a login gives.

    Attributes:
        bearer: JWT for the API, shown this once.
        expires_at: when it ends.
        identity: who logged in.
        change_password: the password was a one-time one and is gone: another must be set with this login.
    """

    bearer: Secret
    expires_at: datetime
    identity: Identity
    change_password: bool


@final
class Authenticator:
    """Turns evidence into an identity.

    Args:
        store: people and tokens.
        policy: how long a login lives.
        passwords: checks them.
        limits: counts wrong ones.
        jwts: signs and checks the tokens of logins.
        ssh_authority: checks the certificates of SSH clients.
        authority: checks those of TLS clients.
    """

    def __init__(
        self,
        *,
        store: Store,
        policy: Policy,
        passwords: Passwords,
        limits: Limits,
        jwts: Jwts,
        ssh_authority: SshAuthority,
        authority: Authority,
    ) -> None:
        self._store = store
        self._policy = policy
        self._passwords = passwords
        self._limits = limits
        self._jwts = jwts
        self._ssh_authority = ssh_authority
        self._authority = authority

    async def authenticate(self, evidence: Evidence) -> Identity:
        """Prove who somebody is by a token; one indexed query.

        Raises:
            AuthenticationFailed: the evidence proves nobody; a password serves at ``login`` only.
            TooManyAttempts: the same, and too often from this source.
            StoreUnavailable: the store is away.
        """
        match evidence:
            case DatabaseTokenEvidence(name=name, token=token, source=source):
                proven = await self._by_secret(TokenKind.DATABASE, DATABASE_PREFIX, token.reveal(), source)
                if proven.person.name != name:
                    raise _failed()
            case BearerEvidence(token=token, source=source):
                proven = await self._by_bearer(token.reveal(), source)
            case ClusterTokenEvidence(token=token, source=source):
                proven = await self._by_cluster_token(token.reveal(), source)
            case ClientCertificateEvidence(certificate=certificate, endpoint=endpoint):
                proven = await self._by_client_certificate(certificate, endpoint)
            case SshKeyEvidence(name=name, public_key=key) if is_certificate(key):
                proven = await self._by_certificate(name, key)
            case SshKeyEvidence(name=name, public_key=key):
                owner = await self._owner(name, key)
                if owner is None:
                    raise _failed()
                return _identity(owner, CONNECTING, None)
            case PasswordEvidence():
                raise AuthenticationFailed(
                    "passwords serve to log in only", hint="glassgate login, then use the token it gives"
                )
            case _:
                assert_never(evidence)
        return _identity(proven.person, proven.scopes, proven.token)

    async def recognises(self, name: str, public_key: bytes) -> bool:
        """Whether a signature with a key would prove a name, as SSH clients ask before they sign.

        Offers of keys are not counted as wrong logins: a key can't be guessed, and clients
        offer all they have.

        Args:
            name: login name.
            public_key: in its wire form, or a certificate in its.

        Raises:
            StoreUnavailable: the store is away.
        """
        if not is_certificate(public_key):
            return await self._owner(name, public_key) is not None
        try:
            await self._by_certificate(name, public_key)
        except AuthenticationFailed as error:
            log.info("certificate refused", name=name, error=str(error.__cause__ or error))
            return False
        return True

    async def _by_certificate(self, name: str, certificate: bytes) -> Proven:
        """Prove a name by a certificate of this gateway's: genuine, good now, for that name, not revoked."""
        certified = self._ssh_authority.check(certificate)
        if certified.principal != name:
            raise _failed()
        async with self._store.connection() as conn:
            proven = await tokens.prove(conn, [TokenKind.CERTIFICATE], digest(certified.secret.encode()))
        if proven is None or proven.person.name != name:
            raise _failed()
        return proven

    async def _by_client_certificate(self, certificate: bytes, endpoint: str) -> Proven:
        """Prove by a TLS client's certificate: genuine, good now, for that endpoint, not revoked."""
        names = self._authority.check_client(certificate)
        if names.endpoint != endpoint:
            raise _failed()
        async with self._store.connection() as conn:
            proven = await tokens.prove(conn, [TokenKind.CLIENT_CERTIFICATE], serial_digest(names.serial))
        if proven is None or proven.person.name != names.name:
            raise AuthenticationFailed(
                "your certificate is over", hint=f"glassgate config docker {endpoint} makes another"
            )
        return proven

    async def _owner(self, name: str, public_key: bytes) -> Person | None:
        async with self._store.connection() as conn:
            owner = await ssh_keys.owner_of_key(conn, digest(public_key))
        return owner if owner is not None and owner.name == name else None

    async def login(self, evidence: PasswordEvidence) -> IssuedTokens:
        """Prove who somebody is by their password; takes as long where nobody has that name.

        Raises:
            AuthenticationFailed: name and password don't fit.
            TooManyAttempts: too many wrong ones for this name or from this source; nothing was checked.
            StoreUnavailable: the store is away.
        """
        credential = await self._proven(evidence)
        granted = await self._logged_in(credential, evidence.source)
        await self._limits.succeeded(credential.person.name, evidence.source)
        return granted

    async def confirm(self, identity: Identity, password: Secret, source: str) -> None:
        """Have somebody who is logged in prove it again, before what a stolen login must not be good for.

        Args:
            identity: as proven.
            password: theirs; whoever has none, such as behind a one-time one, needs none.
            source: the peer's address.

        Raises:
            AuthenticationFailed: it is not theirs.
            TooManyAttempts: too many wrong ones; nothing was checked.
            StoreUnavailable: the store is away.
        """
        async with self._store.connection() as conn:
            credential = await people.credential(conn, identity.name)
        if credential is None or credential.hash:
            try:
                await self._proven(PasswordEvidence(identity.name, password, source))
            except TooManyAttempts:
                raise
            except AuthenticationFailed as error:
                raise AuthenticationFailed("that is not your current password") from error
            await self._limits.succeeded(identity.name, source)

    async def _proven(self, evidence: PasswordEvidence) -> Credential:
        """Return whose password it is; what is wrong is counted."""
        name = evidence.name if words.NAME.fullmatch(evidence.name) else ""
        pauses = await self._limits.attempt(name, evidence.source)
        async with self._store.connection() as conn:
            credential = await people.credential(conn, name)
        fits = await self._passwords.verify(evidence.password, "" if credential is None else credential.hash)
        if credential is None or not fits:
            log.info("login refused", name=name, source=evidence.source)
            if pauses:
                await self._write_pause_down(
                    None if credential is None else credential.person, evidence.source
                )
            raise _failed()
        return credential

    async def _write_pause_down(self, person: Person | None, source: str) -> None:
        """Somebody tries passwords: say so once, when the pauses begin; also for a name that nobody has."""
        name = "" if person is None else person.name
        said = f"logins of {name or 'an unknown name'} are paused after wrong passwords"
        facts = {"person": name, "source": source}
        paused = Decision("access.logins-paused", "gateway", said, facts, pages=person is not None)
        async with self._store.transaction() as conn:
            await write_down(conn, paused)

    async def _logged_in(self, credential: Credential, source: str) -> IssuedTokens:
        person = credential.person
        jti = secrets.token_urlsafe(32)
        async with self._store.transaction() as conn:
            if credential.once and not await people.use_once(conn, person.id, credential.hash):
                raise _failed()
            token = await tokens.add_token(
                conn, TokenKind.LOGIN, person.id, digest(jti.encode()), lives=self._policy.rules.login
            )
            if token is None:
                raise _failed()
            await write_down(
                conn,
                Decision(
                    "access.login",
                    person.name,
                    f"{person.name} logged in",
                    {"token": token.id, "source": source, "one_time_password": credential.once},
                ),
            )
        return IssuedTokens(
            bearer=self._jwts.sign(person.name, jti, token.expires_at),
            expires_at=token.expires_at,
            identity=_identity(person, frozenset(), token.id),
            change_password=credential.once,
        )

    async def _by_bearer(self, token: bytes, source: str) -> Proven:
        if token.startswith(MACHINE_PREFIX.encode()):
            return await self._by_secret(TokenKind.MACHINE, MACHINE_PREFIX, token, source)
        try:
            jti = self._jwts.check(token)
        except AuthenticationFailed:
            await self._limits.failed(source)
            raise
        async with self._store.connection() as conn:
            proven = await tokens.prove(conn, [TokenKind.LOGIN], digest(jti.encode()))
        if proven is None:
            raise AuthenticationFailed("your login is over", hint="glassgate login")
        return proven

    async def _by_cluster_token(self, token: bytes, source: str) -> Proven:
        """Prove by what a Kubernetes client shows: its short token or a machine's, never a login's JWT."""
        if token.startswith(MACHINE_PREFIX.encode()):
            return await self._by_secret(TokenKind.MACHINE, MACHINE_PREFIX, token, source)
        return await self._by_secret(TokenKind.CLUSTER, CLUSTER_PREFIX, token, source)

    async def _by_secret(self, kind: TokenKind, prefix: str, token: bytes, source: str) -> Proven:
        hashed = digest(token)
        if token.startswith(prefix.encode()) and len(token) <= LONGEST_TOKEN:
            async with self._store.connection() as conn:
                proven = await tokens.prove(conn, [kind], hashed)
                if proven is not None:
                    return proven
                if await tokens.was_one(conn, kind, hashed):
                    raise _failed()
        await self._limits.failed(source)
        raise _failed()


def _identity(person: Person, scopes: frozenset[str], credential: int | None) -> Identity:
    return Identity(
        id=person.id,
        name=person.name,
        kind=person.kind,
        email=person.email,
        display_name=person.display_name,
        roles=person.roles,
        scopes=scopes,
        credential=credential,
    )


def _failed() -> AuthenticationFailed:
    return AuthenticationFailed(
        "name and password or token don't fit, or the token is over",
        hint="glassgate login; the password of native clients is what `glassgate token db` prints",
    )
