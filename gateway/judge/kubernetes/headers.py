"""Headers of a request to a cluster: which refuse it, which go on, and which answers may be asked for."""

from __future__ import annotations

import re
from typing import Final

from gateway.domain.http import Request
from gateway.judge.http.reading import NotRead

IDENTITY_PREFIXES: Final = ("impersonate-", "x-remote-")
"""Headers by which one client speaks as another: impersonation, and the API server's proxies in front."""

OVERRIDES: Final = frozenset(
    {
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
        "x-original-method",
        "x-original-url",
        "x-original-uri",
        "x-rewrite-url",
        "x-forwarded-method",
        "x-forwarded-uri",
    }
)
"""Headers by which a request says that it is another one."""

FORWARDED: Final = frozenset({"user-agent", "if-none-match", "if-modified-since", "accept-encoding"})
"""Headers that go on as they are, beside those that are rebuilt."""

PROTOCOLS: Final = frozenset(
    {
        "v5.channel.k8s.io",
        "v4.channel.k8s.io",
        "v3.channel.k8s.io",
        "v2.channel.k8s.io",
        "channel.k8s.io",
    }
)
"""What is spoken on an upgraded connection of an exec. The base64 forms aren't framed by the gateway, and a
``base64url.bearer.authorization.k8s.io.…`` among them is a credential of the cluster (apiserver,
``authentication/request/websocket/protocol.go``)."""

SECRET_FORMS: Final = frozenset({"Table", "PartialObjectMetadata", "PartialObjectMetadataList"})
"""What the API server may turn JSON of Secrets into, and the gateway can still mask."""

_VALUE: Final = re.compile(r"[\t\x20-\x7e]*")
_RANGE: Final = re.compile(r"([a-z0-9*+.-]+/[a-z0-9*+.@-]+)((?:;[a-z0-9]+=[A-Za-z0-9.\-_/+]*)*)")


def check_headers(request: Request) -> None:
    """Refuse headers that make a request another one's, or another one.

    Args:
        request: as sent.

    Raises:
        NotRead: there is such a header, or a value that is no plain text.
    """
    for name, value in request.headers:
        if name.startswith(IDENTITY_PREFIXES):
            raise NotRead("identity-header", f"{_shown(name)} would make the request somebody else's.")
        if name in OVERRIDES:
            raise NotRead("override-header", f"{_shown(name)} would make the request another one.")
        if name == "content-encoding" and value.strip().lower() not in ("", "identity"):
            raise NotRead("encoding-header", "The body is compressed, so it can't be judged.")
        if not _VALUE.fullmatch(value):
            raise NotRead("header", f"The value of {_shown(name)} is no plain text.")


def wants_upgrade(request: Request) -> bool:
    """Whether a client wants the connection to become something else."""
    return bool(request.every("upgrade"))


def forwarded(request: Request, *more: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the headers that go on with a request, each once.

    Args:
        request: as sent.
        more: those that are rebuilt.
    """
    kept = {name: value for name, value in request.headers if name in FORWARDED}
    kept.update(more)
    return tuple(kept.items())


def accepted(request: Request) -> str:
    """Return which forms of answer a client takes, in one line; JSON where it doesn't say."""
    return ", ".join(request.every("accept")) or "application/json"


def accepted_for_secrets(request: Request) -> str:
    """Return which forms of answer that can be masked a client takes, in one line; empty where it takes none.

    Args:
        request: as sent.
    """
    kept = []
    for each in accepted(request).split(","):
        found = _RANGE.fullmatch(re.sub(r"\s", "", each))
        if found is None:
            continue
        media, parameters = found[1].lower(), _parameters(found[2])
        if media in ("*/*", "application/*"):
            kept.append("application/json")
        elif media == "application/json" and parameters.get("as", "Table") in SECRET_FORMS:
            said = "".join(f";{name}={parameters[name]}" for name in ("as", "v", "g") if name in parameters)
            kept.append(media + said)
    return ",".join(dict.fromkeys(kept))


def upgrade_headers(request: Request) -> tuple[tuple[str, str], ...]:
    """Return the headers that ask for an exec's streams, rebuilt.

    Args:
        request: as sent.

    Raises:
        NotRead: another upgrade is asked for than to a WebSocket or SPDY, or none of its protocols is known.
    """
    wanted = [each.strip().lower() for each in request.every("upgrade")]
    if wanted == ["websocket"]:
        return (
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "".join(request.every("sec-websocket-key"))),
            ("sec-websocket-protocol", ", ".join(_protocols(request, "sec-websocket-protocol"))),
        )
    if wanted == ["spdy/3.1"]:
        protocols = _protocols(request, "x-stream-protocol-version")
        return (
            ("connection", "Upgrade"),
            ("upgrade", "SPDY/3.1"),
            *(("x-stream-protocol-version", each) for each in protocols),
        )
    raise NotRead("upgrade", "The connection can become a WebSocket or SPDY/3.1, and nothing else.")


def _protocols(request: Request, header: str) -> list[str]:
    named = [each.strip() for value in request.every(header) for each in value.split(",")]
    known = [each for each in dict.fromkeys(named) if each in PROTOCOLS]
    if not known:
        raise NotRead("upgrade", f"{header} names no protocol that is known.")
    return known


def _parameters(text: str) -> dict[str, str]:
    return dict(each.split("=", 1) for each in text.split(";") if each)


def _shown(name: str) -> str:
    return name if name.isprintable() and len(name) <= 60 else "A header"
