"""The commit message of a submitted change request, with its trailers."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gateway.changes.objects import Person
from gateway.changes.paths import slug
from gateway.changes.shown import one_line

if TYPE_CHECKING:
    from gateway.domain.identity import Identity
    from gateway.store.changes import CaptureRow, StoredChange

_WIDTH = 72
_MAX_REASON = 4000


def branch_name(change: StoredChange) -> str:
    """Return ``change/3-update-customers``: a number and a slug, nothing that was typed."""
    return f"change/{change.request.id}-{slug(change.request.title)}"


def commit_message(change: StoredChange, identity: Identity, reason: str, no_way_back: str) -> str:
    """Return the commit's message; no line of a reason can be taken for a trailer."""
    live = [each for each in change.captures if not each.dropped]
    sessions = list(dict.fromkeys(str(each.session) for each in live))
    grants = list(dict.fromkeys(str(each.grant) for each in live))
    trailers = [
        ("Change-Request", str(change.request.id)),
        *(("Session", each) for each in sessions),
        ("Endpoint", one_line(change.request.endpoint_name, 100)),
        ("Requested-By", one_line(identity.name, 100)),
        *(("Grant", each) for each in grants),
        *(("Recording", _recording(session, live)) for session in sessions),
    ]
    paragraphs = [_paragraph("Reason", reason)]
    if no_way_back:
        paragraphs.append(_paragraph("No way back", no_way_back))
    title = one_line(change.request.title, _WIDTH)
    lines = "\n".join(f"{name}: {value}" for name, value in trailers)
    return "\n\n".join([title, *paragraphs, lines]) + "\n"


def _recording(session: str, captures: list[CaptureRow]) -> str:
    """Return where in a session's recording the units stand."""
    units = [str(each.number) for each in captures if str(each.session) == session]
    return f"{session}, {'unit' if len(units) == 1 else 'units'} {', '.join(units)}"


def _paragraph(name: str, text: str) -> str:
    """Return a text as one indented paragraph: only its first line begins at the margin."""
    safe = one_line(text, _MAX_REASON)
    return textwrap.fill(f"{name}: {safe}", _WIDTH, subsequent_indent="  ", break_long_words=False)


def author(identity: Identity, public_url: str) -> Person:
    """Return the engineer as a commit's author."""
    return Person(
        identity.display_name or identity.name, identity.email or f"{identity.name}@{host(public_url)}"
    )


def committer(public_url: str) -> Person:
    """Return Glassgate as a commit's committer."""
    return Person("Glassgate", f"glassgate@{host(public_url)}")


def host(public_url: str) -> str:
    """Return the host name of the gateway's public address."""
    return urlsplit(public_url).hostname or "glassgate.invalid"
