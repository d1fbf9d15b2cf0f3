"""HTTP to a live gateway as any program speaks it, for tests that look at status codes, headers and bytes."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from live_gateway import LiveGateway


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        status: code.
        headers: as sent.
        body: whole.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.body.splitlines() if line]


@dataclass(frozen=True, slots=True)
class Http:
    """Plain HTTP to one gateway, as any program speaks it.

    Attributes:
        gateway: where.
    """

    gateway: LiveGateway

    def connect(self) -> http.client.HTTPSConnection:
        trust = ssl.create_default_context(cafile=str(self.gateway.ca))
        return http.client.HTTPSConnection("localhost", self.gateway.api_port, context=trust, timeout=30)

    def __call__(
        self,
        spot: str,
        *,
        by: str = "",
        token: str = "",
        json_body: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        method, target = spot.split(" ", 1)
        sent = dict(headers or {})
        shown = token or (self.gateway.tokens[by] if by else "")
        if shown:
            sent["Authorization"] = f"Bearer {shown}"
        if json_body is not None:
            data = json.dumps(json_body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = self.connect()
        try:
            connection.request(method, target, body=data, headers=sent)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()
