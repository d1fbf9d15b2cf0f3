"""What an endpoint's registration may say; each error names the member and the mend."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gateway.access import selectors, words
from gateway.access.ssh_keys import read_public_key
from gateway.domain.endpoint import EndpointKind
from gateway.domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.domain.endpoint import Endpoint, EndpointSettings, Repository
    from gateway.store.endpoints import Registration

_TLS: Final = ("verify-full", "require", "off")
_CONVENTIONS: Final = ("plain", "flyway", "dbmate")
_HOST: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?|[0-9A-Fa-f:.]{2,45}")
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_PATH_IN_REPOSITORY: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
_BRANCH: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")
_OPTIONS: Final = {
    EndpointKind.SSH: {
        "guard": ("require", "prefer", "off"),
        "sudo": ("off", "judged"),
        "stateful-reads": ("allow", "refuse"),
    }
}
"""Options whose values are a choice, where the kind's own room reads them."""
_NAMELESS: Final = (EndpointKind.DOCKER, EndpointKind.KUBERNETES)
"""Where a certificate or token says who the gateway is, not a name."""
_LONGEST: Final = 1000
_LONGEST_PEM: Final = 256 << 10
_MOST: Final = 200


def place_of(at: Registration | Endpoint) -> tuple[str, ...]:
    """Return where a credential goes, and what proves that it is there."""
    return (at.kind.value, at.host, str(at.port), at.username, at.tls, at.ca)


def check_registration(registration: Registration) -> None:
    """Return when every member can be.

    Raises:
        InvalidInput: one can't; it is named.
    """
    words.endpoint_name(registration.name)
    _check_labels(registration.labels)
    _check_address(registration)
    if registration.kind is EndpointKind.SSH:
        _check_host(registration)
    else:
        _check_authority(registration)
    _check_options(registration)
    if registration.repository is not None:
        _check_repository(registration.repository)
    _check_settings(registration.settings)


def _check_labels(labels: Mapping[str, str]) -> None:
    if len(labels) > _MOST:
        raise InvalidInput("too many labels", hint=f"{_MOST} at most")
    for key, value in labels.items():
        if key in selectors.OWN:
            raise InvalidInput(
                f"{key} is not a label: policy sees the endpoint's own", hint="choose another key"
            )
        if not selectors.LABEL_KEY.fullmatch(key) or not selectors.LABEL_VALUE.fullmatch(value):
            raise InvalidInput(
                "a label can't be so",
                hint="key=value of letters, digits, dots, dashes, underscores and slashes",
            )


def _check_address(registration: Registration) -> None:
    socket = registration.host.startswith("/")
    if socket and registration.kind is EndpointKind.KUBERNETES:
        raise InvalidInput("that can't be a cluster's host", hint="a name or an address")
    if socket:
        _check_text("host", registration.host, longest=100)
    elif not _HOST.fullmatch(registration.host):
        raise InvalidInput("that can't be a host", hint="a name, an address, or the folder of a unix socket")
    if socket and registration.kind is EndpointKind.DOCKER:
        _check_engine_socket(registration)
    elif not 1 <= registration.port <= 65535:
        raise InvalidInput("that can't be a port", hint="1 to 65535; of a unix socket, the one in its name")
    _check_text("username", registration.username, longest=128, needed=registration.kind not in _NAMELESS)
    if registration.tls not in _TLS:
        raise InvalidInput(f"tls can't be {registration.tls[:20]!r}", hint=f"one of {', '.join(_TLS)}")
    if registration.tls == "off" and not socket and registration.host not in _LOOPBACK:
        raise InvalidInput(
            "tls can be off on loopback and unix sockets only",
            hint="use verify-full, with ca where it is your own",
        )


def _check_engine_socket(registration: Registration) -> None:
    """A Docker engine's socket is a path, which has no port; what it is reached by needs no TLS."""
    if registration.port:
        raise InvalidInput("that socket has no port", hint="leave it out")
    if registration.tls != "off":
        raise InvalidInput("there is no TLS on a unix socket", hint="tls off")


def _check_authority(registration: Registration) -> None:
    if len(registration.ca) > _LONGEST_PEM or (
        registration.ca and "-----BEGIN CERTIFICATE-----" not in registration.ca
    ):
        raise InvalidInput("ca holds no certificate", hint="give the authority's certificate as PEM")
    if "\0" in registration.ca:
        raise InvalidInput("ca holds a NUL", hint="give the authority's certificate as PEM")


def _check_host(registration: Registration) -> None:
    """What proves an SSH host is its key, pinned; it has no certificate."""
    if registration.host.startswith("/"):
        raise InvalidInput("that can't be a host", hint="a name or an address")
    if registration.tls != "verify-full":
        raise InvalidInput("tls says nothing of an SSH host", hint="leave it out")
    if len(registration.ca) > _LONGEST_PEM:
        raise InvalidInput("too many host keys", hint="the lines of its /etc/ssh/ssh_host_*.pub")
    for line in registration.ca.splitlines():
        read_public_key(line)


def _check_options(registration: Registration) -> None:
    for name, known in _OPTIONS.get(registration.kind, {}).items():
        told = registration.settings.options.get(name, known[0])
        if told not in known:
            raise InvalidInput(f"the option {name} can't be {told[:20]!r}", hint=f"one of {', '.join(known)}")


def _check_repository(repository: Repository) -> None:
    _check_text("repository url", repository.url, longest=_LONGEST, needed=True)
    if not _BRANCH.fullmatch(repository.branch) or ".." in repository.branch or "//" in repository.branch:
        raise InvalidInput("that can't be a branch", hint="write such as main")
    if repository.convention not in _CONVENTIONS:
        raise InvalidInput(
            f"no convention {repository.convention[:20]!r}", hint=f"one of {', '.join(_CONVENTIONS)}"
        )
    folders = (place.removesuffix("/**") for place in repository.paths.values())
    for path in (repository.migrations, *folders, *filter(None, [repository.image])):
        if len(path) > _LONGEST or not _PATH_IN_REPOSITORY.fullmatch(path):
            raise InvalidInput("that can't be a path in the repository", hint="write such as db/migrations")
    for prefix in repository.paths:
        _check_text("production path", prefix, longest=_LONGEST, needed=True)
        if not prefix.startswith("/"):
            raise InvalidInput("that can't be a path of production", hint="write such as /etc/nginx/**")


def _check_settings(settings: EndpointSettings) -> None:
    for name, value, least, most in (
        ("max_recording_bytes", settings.max_recording_bytes, 64 << 10, 1 << 50),
        ("keep_days", settings.keep_days, 1, 36500),
        ("idle_seconds", settings.idle_seconds, 10, 30 * 86400),
        ("statement_timeout_ms", settings.statement_timeout_ms, 0, (1 << 31) - 1),
    ):
        if not least <= value <= most:
            raise InvalidInput(f"{name} can't be {value}", hint=f"{least} to {most}")
    texts = [*settings.options, *settings.options.values(), *settings.lists]
    for name, values in settings.lists.items():
        if len(values) > 10 * _MOST:
            raise InvalidInput(f"the list {name[:40]} is too long", hint=f"{10 * _MOST} at most")
        texts += values
    if len(settings.lists) + len(settings.options) > _MOST:
        raise InvalidInput("too many lists and options", hint=f"{_MOST} at most")
    for text in texts:
        _check_text("setting", text, longest=_LONGEST)


def _check_text(what: str, text: str, *, longest: int, needed: bool = False) -> None:
    if len(text) > longest or not text.isprintable() or (needed and not text.strip()):
        raise InvalidInput(f"that can't be a {what}", hint=f"printable, {longest} characters at most")
