"""Sessions: live and past, watched, replayed, searched, exported, proven."""

from __future__ import annotations

from datetime import datetime

from gateway.web.shapes.shape import Question, Shape


class ListSessions(Question, frozen=True, kw_only=True):
    """Which sessions to list.

    Attributes:
        state: ``live``, ``past`` or empty for both.
        by: login name.
        endpoint: name.
        since: live at or after.
        before: numbered below, to page on.
        limit: at most so many, newest first.
    """

    state: str = ""
    by: str = ""
    endpoint: str = ""
    since: datetime | None = None
    before: int | None = None
    limit: int = 100


class SessionFacts(Shape, frozen=True, kw_only=True):
    """One session.

    Attributes:
        id: its number.
        identity: who.
        endpoint: where.
        grant: under which grant.
        reason: of that grant.
        client: peer address and application.
        level: what production enforced by itself.
        live: whether it runs.
        started_at: when.
        ended_at: None while it is live.
        cause: why it ended.
        cause_message: as its client was told.
        ended_by: who ended it, where a person did.
        units: how many were judged.
        refused: of these, not run.
        size: bytes recorded.
        recording: ``live``, ``sealing``, ``whole``, ``interrupted`` or ``expired``.
    """

    id: int
    identity: str
    endpoint: str
    grant: int
    reason: str
    client: str
    level: str
    live: bool
    started_at: datetime
    ended_at: datetime | None
    cause: str
    cause_message: str
    ended_by: str
    units: int
    refused: int
    size: int
    recording: str


class SessionList(Shape, frozen=True, kw_only=True):
    """Sessions.

    Attributes:
        sessions: newest first.
    """

    sessions: tuple[SessionFacts, ...]


class SessionId(Question, frozen=True, kw_only=True):
    """One session.

    Attributes:
        id: its number.
    """

    id: int


class Watched(Question, frozen=True, kw_only=True):
    """What is to be looked at, and why.

    Attributes:
        id: the session's number.
        why: stands in the ledger with who looked.
    """

    id: int
    why: str = ""


class Kill(Question, frozen=True, kw_only=True):
    """End a session now.

    Attributes:
        id: its number.
        reason: stands in the ledger.
    """

    id: int
    reason: str = ""


class Export(Question, frozen=True, kw_only=True):
    """Take a recording out.

    Attributes:
        id: the session's number.
        format: ``jsonl``, ``html``, ``asciicast`` or ``text``.
        why: stands in the ledger with who exported.
    """

    id: int
    format: str = "jsonl"
    why: str = ""


class Search(Question, frozen=True, kw_only=True):
    """Look through what was run.

    Attributes:
        text: to find, in any case.
        by: login name.
        endpoint: name.
        since: begun at or after.
        limit: at most so many units.
        why: stands in the ledger with who searched.
    """

    text: str
    by: str = ""
    endpoint: str = ""
    since: datetime | None = None
    limit: int = 200
    why: str = ""


class Moment(Shape, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened in a session.

    Attributes:
        at: when.
        kind: opened, probed, unit, answer, output, event or ended.
        session: its number.
        number: the unit's place in the session.
        origin: client or gateway.
        text: the unit as sent, or the event's words.
        values: bind values as sent; None for NULL.
        verdict: allow, change or refuse.
        rule: that decided.
        reason: one sentence.
        layers: in force for this unit.
        tag: what the server answered.
        rows: so many.
        size: bytes of the answer.
        seconds: from sending to the answer's end.
        error_code: of the server.
        error: the server's words.
        stream: of output.
        facts: what else stands in the frame.
        by: who ended the session, where a person did.
    """

    at: datetime
    kind: str
    session: int
    number: int | None = None
    origin: str = ""
    text: str = ""
    values: tuple[str | None, ...] | None = None
    verdict: str = ""
    rule: str = ""
    reason: str = ""
    layers: tuple[str, ...] = ()
    tag: str = ""
    rows: int | None = None
    size: int | None = None
    seconds: float | None = None
    error_code: str = ""
    error: str = ""
    stream: int | None = None
    facts: dict[str, str] = {}
    by: str = ""


class Hit(Shape, frozen=True, kw_only=True):
    """A unit that was found.

    Attributes:
        session: where.
        number: its place there.
        identity: who.
        endpoint: where.
        at: when.
        text: the unit as sent.
        verdict: allow, change or refuse.
        output: the line of its output in which it was found; empty where it was found in the unit.
    """

    session: int
    number: int
    identity: str
    endpoint: str
    at: datetime
    text: str
    verdict: str
    output: str = ""


class Verify(Question, frozen=True, kw_only=True):
    """Prove recordings and ledger.

    Attributes:
        checkpoints: published ones to hold the ledger against; the gateway's own are held against it always.
    """

    checkpoints: tuple[str, ...] = ()


class Proof(Shape, frozen=True, kw_only=True):
    """What was proven.

    Attributes:
        good: whether everything fits.
        leaves: of the ledger, or those that a file carries.
        blocks: sealed blocks that fit.
        sessions: recordings that were looked at.
        expired: of these, with a key destroyed by age and a tombstone.
        checkpoints: that fit.
        checkpoint: which one all this is proven against.
        problem: the first that doesn't fit; empty where good.
        records: what stood in it.
        notes: what the proof does not say.
        of: the file, where it was one.
    """

    good: bool
    leaves: int
    blocks: int
    sessions: int
    expired: int
    checkpoints: int
    checkpoint: str
    problem: str = ""
    records: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    of: str = ""


class Checkpoint(Shape, frozen=True, kw_only=True):
    """The latest signed checkpoint of the ledger.

    Attributes:
        note: C2SP signed note; keep it elsewhere.
    """

    note: str
