"""Endpoints as registered; their credentials stay sealed here."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.domain.endpoint import Endpoint, EndpointKind, EndpointSettings, Repository
from gateway.domain.ids import EndpointId

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.store.pool import Connection


@dataclass(frozen=True, slots=True)
class Registration:
    """What an operator says of an endpoint; the members are those of ``Endpoint``.

    Attributes:
        name: as people type it.
        kind: protocol.
        labels: such as ``env=prod``.
        host: address, or the folder of its unix socket.
        port: TCP port.
        username: the gateway's own login there.
        tls: ``verify-full``, ``require`` or ``off``.
        ca: PEM of the authority of its certificate.
        repository: where changes go.
        settings: the operator's choices.
    """

    name: str
    kind: EndpointKind
    labels: Mapping[str, str]
    host: str
    port: int
    username: str
    tls: str = "verify-full"
    ca: str = ""
    repository: Repository | None = None
    settings: EndpointSettings = field(default_factory=EndpointSettings)


COLUMNS = """e.id, e.name, e.kind, e.labels, e.host, e.port, e.username, e.tls, e.ca, e.repository,
    e.settings, e.version"""


def endpoint_of(row: Any) -> Endpoint:
    """Turn a row of ``COLUMNS`` into a value."""
    return Endpoint(
        id=EndpointId(row["id"]),
        name=row["name"],
        kind=EndpointKind(row["kind"]),
        labels=dict(_labels(row["labels"])),
        host=row["host"],
        port=row["port"],
        username=row["username"],
        tls=row["tls"],
        ca=row["ca"],
        repository=None if row["repository"] is None else _repository(row["repository"]),
        settings=_settings(row["settings"]),
        version=row["version"],
    )


@lru_cache(1024)
def _labels(text: str) -> Mapping[str, str]:
    return msgspec.json.decode(text, type=dict[str, str])


@lru_cache(1024)
def _repository(text: str) -> Repository:
    return msgspec.json.decode(text, type=Repository)


@lru_cache(1024)
def _settings(text: str) -> EndpointSettings:
    return msgspec.json.decode(text, type=EndpointSettings)


async def put_endpoint(conn: Connection, registration: Registration, secret: bytes | None) -> Endpoint:
    """Register an endpoint, or change the registration of that name.

    Args:
        conn: inside a transaction.
        registration: all of it.
        secret: sealed credential; None keeps the one that is there.

    Returns:
        As it stands now, with its new version.
    """
    row = await conn.fetchrow(
        f"""INSERT INTO endpoints AS e
                (name, kind, labels, host, port, username, tls, ca, repository, settings, secret)
            VALUES ($1, $2, $3::jsonb, $4, $5, $6, $7, $8, $9::jsonb, $10::jsonb, $11)
            ON CONFLICT (name) WHERE removed_at IS NULL DO UPDATE SET
                kind = $2, labels = $3::jsonb, host = $4, port = $5, username = $6, tls = $7, ca = $8,
                repository = $9::jsonb, settings = $10::jsonb, secret = coalesce($11, e.secret),
                version = e.version + 1, changed_at = now()
            RETURNING {COLUMNS}""",  # noqa: S608
        registration.name,
        registration.kind.value,
        _json(registration.labels),
        registration.host,
        registration.port,
        registration.username,
        registration.tls,
        registration.ca,
        None if registration.repository is None else _json(registration.repository),
        _json(registration.settings),
        secret,
    )
    return endpoint_of(row)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


async def endpoint_by_name(conn: Connection, name: str) -> Endpoint | None:
    """Return a registered endpoint, None where there is none of that name."""
    row = await conn.fetchrow(
        f"SELECT {COLUMNS} FROM endpoints e WHERE name = $1 AND removed_at IS NULL",  # noqa: S608
        name,
    )
    return None if row is None else endpoint_of(row)


async def endpoint_by_id(conn: Connection, endpoint: EndpointId) -> Endpoint | None:
    """Return a registered endpoint, None where there is none of that number."""
    row = await conn.fetchrow(
        f"SELECT {COLUMNS} FROM endpoints e WHERE id = $1 AND removed_at IS NULL",  # noqa: S608
        endpoint,
    )
    return None if row is None else endpoint_of(row)


async def list_endpoints(conn: Connection, *, removed: bool = False) -> list[Endpoint]:
    """Return the registered endpoints, by name; with ``removed`` also those that were taken away."""
    rows = await conn.fetch(
        f"SELECT {COLUMNS} FROM endpoints e WHERE removed_at IS NULL OR $1 ORDER BY name, id",  # noqa: S608
        removed,
    )
    return [endpoint_of(row) for row in rows]


async def endpoint_secret(conn: Connection, endpoint: EndpointId) -> bytes | None:
    """Return the sealed credential, None where there is none or the endpoint is gone."""
    sealed: bytes | None = await conn.fetchval(
        "SELECT secret FROM endpoints WHERE id = $1 AND removed_at IS NULL", endpoint
    )
    return sealed


async def pin_host_key(conn: Connection, endpoint: EndpointId, line: str, expected: int) -> Endpoint | None:
    """Pin another key of an SSH host; its credential stays.

    Args:
        conn: inside a transaction.
        endpoint: its number.
        line: the key, as OpenSSH writes it.
        expected: version of the registration that was looked at.

    Returns:
        As it stands now; None where it was changed or removed meanwhile.
    """
    row = await conn.fetchrow(
        f"""UPDATE endpoints AS e SET ca = $2, version = version + 1, changed_at = now()
            WHERE id = $1 AND version = $3 AND kind = 'ssh' AND removed_at IS NULL
            RETURNING {COLUMNS}""",  # noqa: S608
        endpoint,
        line,
        expected,
    )
    return None if row is None else endpoint_of(row)


async def remove_endpoint(conn: Connection, endpoint: EndpointId) -> bool:
    """Take an endpoint away and destroy its credential; its row stays for the record.

    Returns:
        False where it is gone already.
    """
    removed = await conn.fetchval(
        """UPDATE endpoints SET removed_at = now(), secret = NULL, version = version + 1
           WHERE id = $1 AND removed_at IS NULL RETURNING id""",
        endpoint,
    )
    return removed is not None
