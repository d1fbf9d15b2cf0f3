"""Public keys of people, and the pinned keys of hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.access.ssh_keys import fingerprint_text, kind_of, read_public_key
from gateway.access.tokens import digest
from gateway.domain.endpoint import EndpointKind
from gateway.domain.errors import Conflict, InvalidInput
from gateway.web.handlers.endpoints import facts_of
from gateway.web.shapes import endpoints as e
from gateway.web.shapes import identity as i

if TYPE_CHECKING:
    from gateway.domain.endpoint import Endpoint
    from gateway.store.ssh_keys import SshKey
    from gateway.web.routes import Call
    from gateway.web.shapes.shape import Nothing


async def add_key(call: Call, question: i.NewSshKey) -> i.SshKeyFacts:
    """Register a public key of one's own for the SSH door."""
    added = await call.parts.ssh_keys.add(
        call.identity, question.line, label=question.label, name=question.name
    )
    return _key(added)


async def certify(call: Call, question: i.NewSshCertificate) -> i.SshCertificate:
    """Sign a public key of one's own for some hours; it needs not be registered."""
    made = await call.parts.ssh_certificates.issue(call.identity, question.line)
    return i.SshCertificate(
        line=made.line, serial=made.serial, principal=made.principal, expires_at=made.expires_at
    )


async def list_keys(call: Call, _question: Nothing) -> i.SshKeyList:
    """List registered public keys: the caller's own, everybody's for who administers."""
    return i.SshKeyList(keys=tuple(_key(one) for one in await call.parts.ssh_keys.list(call.identity)))


async def remove_key(call: Call, question: i.SshKeyId) -> i.Done:
    """Remove a public key at once."""
    gone = await call.parts.ssh_keys.remove(call.identity, question.id)
    return i.Done(done=f"Key {gone.id} of {gone.person_name} is removed")


def _key(key: SshKey) -> i.SshKeyFacts:
    return i.SshKeyFacts(
        id=key.id,
        name=key.person_name,
        kind=kind_of(key.public_key),
        fingerprint=fingerprint_text(key.fingerprint),
        label=key.label,
        created_at=key.created_at,
    )


async def fetch_host_key(call: Call, question: e.HostAddress) -> e.HostKeyFacts:
    """Say which key an SSH host shows, before it is registered."""
    return _shown(await call.parts.host_keys.scan(question.host, question.port))


async def host_key(call: Call, question: e.EndpointName) -> e.HostKeyFacts:
    """Say which key a registered SSH host shows now, and which are pinned."""
    endpoint = await _host(call, question.name)
    return _shown(await call.parts.host_keys.scan(endpoint.host, endpoint.port), endpoint)


async def accept_host_key(call: Call, question: e.AcceptHostKey) -> e.EndpointFacts:
    """Pin the key that an SSH host shows now, if it is the one that was looked at."""
    endpoint = await _host(call, question.name)
    shown = _shown(await call.parts.host_keys.scan(endpoint.host, endpoint.port))
    if shown.fingerprint != question.fingerprint:
        raise Conflict(
            f"{endpoint.name} shows {shown.fingerprint} now, not the key that you looked at",
            hint=f"glassgate endpoint accept-key {endpoint.name}",
        )
    return facts_of(await call.parts.endpoints.pin(call.identity, endpoint, shown.line))


async def _host(call: Call, name: str) -> Endpoint:
    endpoint = await call.parts.endpoints.registration(call.identity, name)
    if endpoint.kind is not EndpointKind.SSH:
        raise InvalidInput(f"{endpoint.name} is no SSH host: it has no host key")
    return endpoint


def _shown(line: str, endpoint: Endpoint | None = None) -> e.HostKeyFacts:
    pinned = () if endpoint is None else tuple(endpoint.ca.splitlines())
    return e.HostKeyFacts(
        line=line,
        kind=line.partition(" ")[0],
        fingerprint=_fingerprint(line),
        registered=tuple(_fingerprint(one) for one in pinned),
    )


def _fingerprint(line: str) -> str:
    return fingerprint_text(digest(read_public_key(line).blob))
