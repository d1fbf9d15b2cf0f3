"""Tokens: JWTs of logins, machine tokens, and the short passwords of native clients."""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, final

import jwt

from gateway.access import words
from gateway.access.conditions import ASK_FOR_SECRETS
from gateway.access.decisions import Decision, write_down
from gateway.access.policy_files import ACTIONS
from gateway.access.presence import require_login
from gateway.domain.errors import AuthenticationFailed, InvalidInput, NotAuthorised, NotFound
from gateway.domain.identity import IdentityKind
from gateway.domain.secret import Secret
from gateway.store import people, tokens
from gateway.store.keyring import TOKENS
from gateway.store.notify import GRANTS, notify
from gateway.store.tokens import Token, TokenKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from gateway.access.policy import Policy
    from gateway.domain.identity import Identity
    from gateway.domain.ids import IdentityId
    from gateway.store.keyring import Keyring
    from gateway.store.pool import Store

DATABASE_PREFIX: Final = "ggd_"
CLUSTER_PREFIX: Final = "ggk_"
MACHINE_PREFIX: Final = "ggm_"
CLUSTER_LIVES: Final = timedelta(hours=1)
"""Kubernetes clients fetch another by themselves when theirs is over."""
AUDIENCE: Final = "glassgate-api"
_ALGORITHM: Final = "EdDSA"
_LEEWAY: Final = 60
"""Seconds that clocks may differ; the store's clock decides in the end."""
_LONGEST_JWT: Final = 2048


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token, shown this once.

    Attributes:
        id: its number.
        name: login name of whose it is.
        secret: the token itself.
        label: what it is for.
        scopes: actions it may be used for; empty: all that its person may.
        created_at: when it was made.
        expires_at: when it ends.
    """

    id: int
    name: str
    secret: Secret
    label: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime


def issued(token: Token, secret: Secret) -> IssuedToken:
    """Put a stored token and its secret together, for the one time that it is shown."""
    return IssuedToken(
        token.id, token.person_name, secret, token.label, token.scopes, token.created_at, token.expires_at
    )


def digest(secret: bytes) -> bytes:
    """Return what the store keeps of a secret that can't be guessed: its SHA-256."""
    return hashlib.sha256(secret).digest()


@final
class Jwts:
    """Signs and checks the JWTs of logins; what they say is only a number that the store knows.

    Args:
        keyring: holds the signing keys.
        issuer: this installation, such as its public URL.
    """

    def __init__(self, keyring: Keyring, issuer: str) -> None:
        self._keyring = keyring
        self._issuer = issuer

    def sign(self, name: str, jti: str, expires_at: datetime) -> Secret:
        """Return the JWT of a login."""
        key = self._keyring.signing(TOKENS)
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": name,
            "jti": jti,
            "iat": int(time.time()),
            "exp": int(expires_at.timestamp()),
        }
        return Secret(jwt.encode(claims, key.private, algorithm=_ALGORITHM, headers={"kid": key.id}))

    def check(self, token: bytes) -> str:
        """Return the jti of a JWT that this installation signed for its API.

        Raises:
            AuthenticationFailed: it did not.
        """
        try:
            if len(token) > _LONGEST_JWT:
                raise jwt.InvalidTokenError("too long")
            kid = jwt.get_unverified_header(token).get("kid")
            key = next(key for key in self._keyring.verifying(TOKENS) if key.id == kid)
            claims = jwt.decode(
                token,
                key.public,
                algorithms=[_ALGORITHM],
                audience=AUDIENCE,
                issuer=self._issuer,
                leeway=_LEEWAY,
                options={"require": ["exp", "iat", "jti", "aud", "iss", "sub"]},
            )
        except (jwt.PyJWTError, StopIteration, ValueError) as error:
            raise AuthenticationFailed("that token does not stand", hint="glassgate login") from error
        return str(claims["jti"])


@final
class Tokens:
    """Makes, lists and revokes tokens.

    Args:
        store: where they are kept, hashed.
        policy: who may have them, and for how long.
    """

    def __init__(self, store: Store, policy: Policy) -> None:
        self._store = store
        self._policy = policy

    async def database(self, identity: Identity) -> IssuedToken:
        """Make the short password of a native client; it ends with the login it is made with.

        Raises:
            NotAuthorised: policy lets them connect nowhere, or the login was revoked.
        """
        lives = self._policy.rules.database
        return await self._short(identity, TokenKind.DATABASE, DATABASE_PREFIX, lives)

    async def cluster(self, identity: Identity) -> IssuedToken:
        """Make the short bearer token of a Kubernetes client; it ends with the login it is made with.

        It is good for a grant that includes the values of Secrets where what it is made with is.

        Raises:
            NotAuthorised: policy lets them connect nowhere, or the login was revoked.
        """
        lives = min(CLUSTER_LIVES, self._policy.rules.database)
        wide = not identity.scopes or ASK_FOR_SECRETS in identity.scopes
        more = (ASK_FOR_SECRETS,) if wide else ()
        return await self._short(identity, TokenKind.CLUSTER, CLUSTER_PREFIX, lives, more)

    async def _short(
        self, identity: Identity, kind: TokenKind, prefix: str, lives: timedelta, more: tuple[str, ...] = ()
    ) -> IssuedToken:
        await self._policy.require(identity, "connect")
        return await self._add(
            identity,
            kind,
            Secret(prefix + secrets.token_urlsafe(32)),
            lives=lives,
            scopes=("connect", "request", *more),
            parent=identity.credential,
        )

    async def machine(
        self,
        identity: Identity,
        *,
        label: str,
        lives: timedelta,
        scopes: Iterable[str] = (),
        name: str = "",
    ) -> IssuedToken:
        """Make a machine token.

        Args:
            identity: who asks, with a login of their own.
            label: what it is for.
            lives: how long, at most what policy allows.
            scopes: actions it may be used for; empty: all that its person may.
            name: whose it is to be; empty: the caller's own. A service's, agent's or pipeline's takes
                ``administer``; another person's nobody gets.

        Raises:
            InvalidInput: a label, scope or life that can't be.
            NotAuthorised: policy, or the credential shown, does not allow it.
            NotFound: nobody of that name.
        """
        label = words.sentence(label, "label", longest=100, needed=True)
        wanted = frozenset(scopes)
        if wanted - ACTIONS:
            raise InvalidInput(
                f"no scope {', '.join(sorted(wanted - ACTIONS))}", hint=f"of {', '.join(sorted(ACTIONS))}"
            )
        longest = self._policy.rules.machine
        if not timedelta(minutes=1) <= lives <= longest:
            raise InvalidInput("that is no life for a machine token", hint=f"{longest.days} days at most")
        async with self._store.connection() as conn:
            await require_login(conn, identity, "machine tokens are made")
        owner = identity.id
        if name and name != identity.name:
            owner = await self._other(identity, name)
        return await self._add(
            identity,
            TokenKind.MACHINE,
            Secret(MACHINE_PREFIX + secrets.token_urlsafe(32)),
            lives=lives,
            scopes=sorted(wanted),
            label=label,
            owner=owner,
        )

    async def _other(self, identity: Identity, name: str) -> IdentityId:
        await self._policy.require(identity, "administer")
        async with self._store.connection() as conn:
            person = await people.person_by_name(conn, name) if words.NAME.fullmatch(name) else None
        if person is None:
            raise NotFound("nobody of that name", hint="glassgate person list")
        if person.kind is IdentityKind.PERSON:
            raise NotAuthorised(
                "nobody gets another person's token", hint=f"{name} makes it with their own login"
            )
        return person.id

    async def _add(
        self,
        identity: Identity,
        kind: TokenKind,
        secret: Secret,
        *,
        lives: timedelta,
        scopes: Sequence[str],
        label: str = "",
        owner: IdentityId | None = None,
        parent: int | None = None,
    ) -> IssuedToken:
        async with self._store.transaction() as conn:
            token = await tokens.add_token(
                conn,
                kind,
                identity.id if owner is None else owner,
                digest(secret.reveal()),
                lives=lives,
                label=label,
                scopes=scopes,
                parent=parent,
            )
            if token is None:
                raise NotAuthorised("your login is over", hint="glassgate login")
            await write_down(conn, _decided("access.token-issued", identity.name, token))
        return issued(token, secret)

    async def list(self, identity: Identity) -> Sequence[Token]:
        """Return live machine tokens: one's own, everybody's for who may administer."""
        permissions = await self._policy.permissions(identity)
        async with self._store.connection() as conn:
            return await tokens.list_tokens(
                conn, [TokenKind.MACHINE], None if permissions.allows("administer") else identity.id
            )

    async def revoke(self, identity: Identity, number: int) -> Token:
        """Revoke a token and what was made with it, at once; another's takes ``administer``.

        Returns:
            What it was.

        Raises:
            NotFound: no such live token, or another's.
        """
        permissions = await self._policy.permissions(identity)
        async with self._store.transaction() as conn:
            token = await tokens.token_by_id(conn, number)
            if token is None or (token.person != identity.id and not permissions.allows("administer")):
                raise NotFound(f"no live token {number}", hint="glassgate token machine list")
            await tokens.revoke_token(conn, number)
            await write_down(conn, _decided("access.token-revoked", identity.name, token))
            await notify(conn, GRANTS)  # sessions that were opened with it end
        return token

    async def logout(self, identity: Identity) -> None:
        """Revoke the credential that was shown, and what was made with it."""
        if identity.credential is not None:
            await self.revoke(identity, identity.credential)

    async def tidy(self) -> None:
        """Delete tokens that ended a month ago."""
        async with self._store.connection() as conn:
            await tokens.forget_tokens(conn, timedelta(days=30))


def _decided(kind: str, by: str, token: Token) -> Decision:
    return Decision(
        kind,
        by,
        f"{token.kind.value} token {token.id} of {token.person_name}",
        {
            "token": token.id,
            "token_kind": token.kind.value,
            "person": token.person_name,
            "label": token.label,
            "scopes": sorted(token.scopes),
            "expires_at": token.expires_at.isoformat(),
        },
        pages=token.kind is TokenKind.MACHINE,
    )
