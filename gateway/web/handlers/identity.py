"""Logging in and out, who one is, tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from gateway.domain.errors import InvalidInput
from gateway.domain.identity import PasswordEvidence
from gateway.domain.secret import Secret
from gateway.web.shapes import identity as shapes

if TYPE_CHECKING:
    from gateway.access.tokens import IssuedToken
    from gateway.store.tokens import Token
    from gateway.web.routes import Call, PublicCall
    from gateway.web.shapes.shape import Nothing


async def login(call: PublicCall, question: shapes.Login) -> shapes.LoggedIn:
    """Prove who one is by a password; answers with a bearer token."""
    evidence = PasswordEvidence(name=question.name, password=Secret(question.password), source=call.source)
    issued = await call.parts.authenticator.login(evidence)
    return shapes.LoggedIn(
        token=issued.bearer.reveal().decode(),
        expires_at=issued.expires_at,
        name=issued.identity.name,
        change_password=issued.change_password,
    )


async def logout(call: Call, _question: Nothing) -> shapes.Done:
    """Revoke the token shown, and what was made with it, at once and everywhere."""
    await call.parts.tokens.logout(call.identity)
    return shapes.Done(done="Logged out")


async def whoami(call: Call, _question: Nothing) -> shapes.WhoAmI:
    """Say who the gateway takes the caller for, and what they may do."""
    me = call.identity
    return shapes.WhoAmI(
        name=me.name,
        kind=me.kind.value,
        display_name=me.display_name,
        email=me.email,
        roles=tuple(sorted(me.roles)),
        scopes=tuple(sorted(me.scopes)),
        actions=tuple(sorted(call.permissions.actions())),
    )


async def database_token(call: Call, _question: Nothing) -> shapes.DatabaseToken:
    """Make a short password for native clients; it ends with the login it is made with."""
    issued = await call.parts.tokens.database(call.identity)
    return shapes.DatabaseToken(
        token=issued.secret.reveal().decode(), user=issued.name, expires_at=issued.expires_at
    )


async def add_machine_token(call: Call, question: shapes.NewMachineToken) -> shapes.MachineToken:
    """Make a token for a machine; it is shown once."""
    try:
        lives = timedelta(days=question.days)
    except OverflowError as error:
        raise InvalidInput(f"{question.days} days is longer than anything") from error
    issued = await call.parts.tokens.machine(
        call.identity, label=question.label, lives=lives, scopes=question.scopes, name=question.name
    )
    return _machine_token(issued, issued.name, issued.secret.reveal().decode())


async def machine_tokens(call: Call, _question: Nothing) -> shapes.MachineTokenList:
    """List machine tokens: the caller's own, everybody's for who administers."""
    found = await call.parts.tokens.list(call.identity)
    return shapes.MachineTokenList(tokens=tuple(_machine_token(one, one.person_name, "") for one in found))


async def remove_machine_token(call: Call, question: shapes.MachineTokenId) -> shapes.Done:
    """Revoke a token at once."""
    gone = await call.parts.tokens.revoke(call.identity, question.id)
    return shapes.Done(done=f"Token {gone.id} of {gone.person_name} is revoked")


def _machine_token(one: Token | IssuedToken, name: str, shown: str) -> shapes.MachineToken:
    return shapes.MachineToken(
        id=one.id,
        name=name,
        label=one.label,
        scopes=tuple(sorted(one.scopes)),
        created_at=one.created_at,
        expires_at=one.expires_at,
        token=shown,
    )
