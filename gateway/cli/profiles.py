"""Profiles: which gateway, whose login, which authority is trusted. One file and one certificate each.

They lie in ``$GLASSGATE_HOME``, else ``$XDG_CONFIG_HOME/glassgate``, else ``~/.config/glassgate``, for their
owner's eyes only. ``GLASSGATE_URL``, ``GLASSGATE_TOKEN`` and ``GLASSGATE_CA`` win over what they hold.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from gateway.domain.errors import ConfigurationBroken, InvalidInput

DEFAULT_URL: Final = "https://localhost:8443"


@dataclass(frozen=True, slots=True)
class Profile:
    """One person's way to one gateway.

    Attributes:
        label: the profile's own name.
        url: of the gateway's API.
        name: login name; empty before the first login.
        token: bearer token; empty when logged out.
        ca: PEM file of the pinned authority; empty: the system's.
    """

    label: str
    url: str
    name: str = ""
    token: str = ""
    ca: str = ""


def home() -> Path:
    """Return the folder of the profiles."""
    if own := os.environ.get("GLASSGATE_HOME"):
        return Path(own)
    config = os.environ.get("XDG_CONFIG_HOME")
    return (Path(config) if config else Path.home() / ".config") / "glassgate"


def ca_file(label: str) -> Path:
    """Return where a profile's pinned authority lies."""
    return home() / f"{_checked(label)}.ca.pem"


def stored(label: str) -> Profile | None:
    """Return a profile as it is kept, None where there is none of that name.

    Raises:
        ConfigurationBroken: its file can't be read.
    """
    path = home() / f"{_checked(label)}.json"
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return Profile(**{**facts, "label": label})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationBroken(f"{path}: {error}", hint=f"remove {path} and log in again") from error


def chosen(label: str, url: str = "") -> Profile:
    """Return the profile in force: as kept, over it the environment, over it what was typed.

    Args:
        label: its name.
        url: typed on the command line; empty: none was.
    """
    profile = stored(label) or Profile(label=label, url=DEFAULT_URL)
    address = (url or os.environ.get("GLASSGATE_URL", "") or profile.url).rstrip("/")
    if address != profile.url:
        # Another gateway's token and authority are not this one's: neither is sent nor trusted there.
        profile = Profile(label=label, url=address)
    if not profile.url.startswith("https://"):
        raise InvalidInput(f"{profile.url}: the gateway speaks https only", hint=f"--url {DEFAULT_URL}")
    return replace(
        profile,
        token=os.environ.get("GLASSGATE_TOKEN", "") or profile.token,
        ca=os.environ.get("GLASSGATE_CA", "") or profile.ca,
    )


def keep(profile: Profile) -> None:
    """Write a profile, for its owner's eyes only."""
    facts = asdict(profile)
    del facts["label"]
    write_private(home() / f"{_checked(profile.label)}.json", json.dumps(facts, indent=2).encode() + b"\n")


def write_private(path: Path, data: bytes) -> None:
    """Replace a file that only its owner may read; a reader sees the old or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(data)
    draft.replace(path)


def _checked(label: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}", label):
        raise InvalidInput(f"{label!r} can't name a profile", hint="letters, digits, - and _")
    return label
