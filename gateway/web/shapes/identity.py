"""Logging in, tokens, people and roles."""

from __future__ import annotations

from datetime import datetime

from gateway.web.shapes.shape import Question, Shape


class Login(Question, frozen=True, kw_only=True):
    """Name and password.

    Attributes:
        name: login name.
        password: as typed.
    """

    name: str
    password: str


class LoggedIn(Shape, frozen=True, kw_only=True):
    """A bearer token for the API.

    Attributes:
        token: the JWT.
        expires_at: when it ends by itself.
        name: whose it is.
        change_password: the password was a one-time one and is gone: another must be set with this login.
    """

    token: str
    expires_at: datetime
    name: str
    change_password: bool = False


class WhoAmI(Shape, frozen=True, kw_only=True):
    """Who the gateway takes the caller for.

    Attributes:
        name: login name.
        kind: person, service, agent or pipeline.
        display_name: author of commits.
        email: author of commits.
        roles: as policy speaks of them.
        scopes: what the credential shown may be used for; empty: everything the identity may.
        actions: what policy gives on some endpoint at least.
    """

    name: str
    kind: str
    display_name: str
    email: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    actions: tuple[str, ...]


class Done(Shape, frozen=True, kw_only=True):
    """It is done.

    Attributes:
        done: one sentence for a person.
    """

    done: str


class DatabaseToken(Shape, frozen=True, kw_only=True):
    """A short password for native clients.

    Attributes:
        token: at most 64 bytes.
        user: login name to go with it, ``NAME+ENDPOINT`` once an endpoint is chosen.
        expires_at: no new connection is made with it after.
    """

    token: str
    user: str
    expires_at: datetime


class NewMachineToken(Question, frozen=True, kw_only=True):
    """Ask for a token for a machine.

    Attributes:
        label: what it is for.
        days: how long it lives.
        scopes: actions it may be used for; empty: everything its identity may.
        name: whose it is to be; empty: the caller's own. Another's takes ``administer``.
    """

    label: str
    days: int = 30
    scopes: tuple[str, ...] = ()
    name: str = ""


class MachineToken(Shape, frozen=True, kw_only=True):
    """A machine token as listed; the token itself is shown once, when it is made.

    Attributes:
        id: its number.
        name: whose it is.
        label: what it is for.
        scopes: actions it may be used for; empty: everything its identity may.
        created_at: when it was made.
        expires_at: when it ends.
        token: only when it is made.
    """

    id: int
    name: str
    label: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    token: str = ""


class MachineTokenList(Shape, frozen=True, kw_only=True):
    """Machine tokens.

    Attributes:
        tokens: oldest first.
    """

    tokens: tuple[MachineToken, ...]


class MachineTokenId(Question, frozen=True, kw_only=True):
    """One machine token.

    Attributes:
        id: its number.
    """

    id: int


class NewSshKey(Question, frozen=True, kw_only=True):
    """Register a public key for the SSH door.

    Attributes:
        line: as a .pub file holds it.
        label: what it is called; empty: its own comment.
        name: whose it is to be; empty: the caller's own. A service's, agent's or pipeline's takes
            ``administer``.
    """

    line: str
    label: str = ""
    name: str = ""


class NewSshCertificate(Question, frozen=True, kw_only=True):
    """Have a public key of one's own signed, for as long as the login lasts and half a day at most.

    Attributes:
        line: as a .pub file holds it; the key needs not be registered.
    """

    line: str


class SshCertificate(Shape, frozen=True, kw_only=True):
    """A certificate for the SSH door.

    Attributes:
        line: as a -cert.pub file holds it.
        serial: its number; it is revoked as a machine token of that number is, or by logging out.
        principal: the login name that it is for.
        expires_at: when it is over.
    """

    line: str
    serial: int
    principal: str
    expires_at: datetime


class NewDockerCertificate(Question, frozen=True, kw_only=True):
    """Have a public key of one's own signed for one Docker engine.

    Attributes:
        endpoint: the engine; the certificate opens no other endpoint.
        public_key: as PEM; its private half stays with the client.
        hours: how long it is good, while the login lasts.
    """

    endpoint: str
    public_key: str
    hours: int = 12


class DockerCertificate(Shape, frozen=True, kw_only=True):
    """A certificate for the Docker door.

    Attributes:
        certificate: as PEM; what docker calls cert.pem.
        endpoint: the engine that it opens.
        id: its number; it is revoked as a machine token of that number is, or by logging out.
        expires_at: when it is over.
    """

    certificate: str
    endpoint: str
    id: int
    expires_at: datetime


class ClusterToken(Shape, frozen=True, kw_only=True):
    """A short bearer token for Kubernetes clients.

    Attributes:
        token: at most 64 bytes.
        expires_at: no new connection is made with it after.
    """

    token: str
    expires_at: datetime


class SshKeyFacts(Shape, frozen=True, kw_only=True):
    """A registered public key.

    Attributes:
        id: its number.
        name: whose it is.
        kind: such as ssh-ed25519.
        fingerprint: as OpenSSH shows it.
        label: what it is called.
        created_at: when it was registered.
    """

    id: int
    name: str
    kind: str
    fingerprint: str
    label: str
    created_at: datetime


class SshKeyList(Shape, frozen=True, kw_only=True):
    """Registered public keys.

    Attributes:
        keys: oldest first.
    """

    keys: tuple[SshKeyFacts, ...]


class SshKeyId(Question, frozen=True, kw_only=True):
    """One registered key.

    Attributes:
        id: its number.
    """

    id: int


class NewPerson(Question, frozen=True, kw_only=True):
    """Add somebody.

    Attributes:
        name: login name.
        display_name: author of commits.
        email: author of commits.
        kind: person, service, agent or pipeline.
        password: their first one; empty where they never log in with one.
        roles: as policy speaks of them.
    """

    name: str
    display_name: str = ""
    email: str = ""
    kind: str = "person"
    password: str = ""
    roles: tuple[str, ...] = ()


class Person(Shape, frozen=True, kw_only=True):
    """Somebody who may log in.

    Attributes:
        name: login name.
        kind: person, service, agent or pipeline.
        display_name: author of commits.
        email: author of commits.
        roles: as policy speaks of them.
    """

    name: str
    kind: str
    display_name: str
    email: str
    roles: tuple[str, ...]


class PersonList(Shape, frozen=True, kw_only=True):
    """Everybody.

    Attributes:
        people: by name.
    """

    people: tuple[Person, ...]


class PersonName(Question, frozen=True, kw_only=True):
    """One of them.

    Attributes:
        name: login name.
    """

    name: str


class PersonRole(Question, frozen=True, kw_only=True):
    """A role of one of them.

    Attributes:
        name: login name.
        role: as policy speaks of it.
    """

    name: str
    role: str


class NewPassword(Question, frozen=True, kw_only=True):
    """Set a password.

    Attributes:
        name: login name; another's takes ``administer``.
        password: the new one.
        current: the one so far, for one's own; nothing behind a one-time one.
    """

    name: str
    password: str
    current: str = ""
