"""The smallest thing judged, and the proof that it was admitted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from gateway.domain.verdict import Judged, Verdict

if TYPE_CHECKING:
    from gateway.domain.ids import ChangeId, UnitNumber


class Origin(StrEnum):
    """Who wanted the unit: the client, or the gateway for its own reads of production."""

    CLIENT = "client"
    GATEWAY = "gateway"


class Unit(msgspec.Struct):
    """One thing to judge, as sent. Doors subclass it with what their judge needs beside the text.

    Attributes:
        text: the unit exactly as sent.
        values: bind values as sent, None for NULL; None where the unit has none.
        repeats: number of an earlier unit of this session with this same text, then not stored again.
        origin: client or gateway.
        context: what else the verdict depended on, for the record, such as the database.
    """

    text: bytes
    values: tuple[bytes | None, ...] | None = None
    repeats: UnitNumber | None = None
    origin: Origin = Origin.CLIENT
    context: str = ""


U_co = TypeVar("U_co", bound=Unit, covariant=True)
J_co = TypeVar("J_co", bound=Judged, covariant=True)


class Admitted(msgspec.Struct, Generic[U_co, J_co], frozen=True, gc=False):
    """Judged a read and standing in the recording; forward takes only this.

    Made only in ``session/admission.py``.

    Attributes:
        unit: what was judged; this and nothing else is forwarded.
        judged: the judge's whole answer.
        number: the unit's place in the session.
    """

    unit: U_co
    judged: J_co
    number: UnitNumber


class Refused(msgspec.Struct, Generic[U_co, J_co], frozen=True, gc=False):
    """Not admitted and standing in the recording; never forwarded.

    Attributes:
        unit: what was judged.
        judged: the judge's whole answer.
        number: the unit's place in the session.
        verdict: why it was not run: the judge's, or the line's own where the grant's lease has lapsed.
    """

    unit: U_co
    judged: J_co
    number: UnitNumber
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Filed:
    """What became of a refused write: the change request that the client's error names.

    Attributes:
        change: number of the change request.
        joined: whether an existing draft was joined.
        title: one line, such as ``UPDATE customers``.
        url: where it can be seen.
        submit: the command that submits it.
        detail: what the proposed patch is, in one sentence.
        diff: the patch as unified diff text, safe to show; empty where it is not known at once.
    """

    change: ChangeId
    joined: bool
    title: str
    url: str
    submit: str
    detail: str
    diff: str = ""
