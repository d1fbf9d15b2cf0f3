"""Proofs over recordings and ledger."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from gateway.recordings.verify import verify_all
from gateway.web.handlers.looked import looked
from gateway.web.shapes import sessions as shapes

if TYPE_CHECKING:
    from gateway.recordings.report import Report
    from gateway.web.routes import Call
    from gateway.web.shapes.shape import Nothing


async def verify(call: Call, question: shapes.Verify) -> AsyncGenerator[shapes.Proof, None]:
    """Prove that nothing was altered, removed or reordered: one line, once everything was looked at."""
    await looked(call, "verify")
    return _proven(call, question)


async def _proven(call: Call, question: shapes.Verify) -> AsyncGenerator[shapes.Proof, None]:
    recordings = call.parts.recordings
    yield proof_of(
        await verify_all(
            recordings.store, recordings.vault, recordings.keyring, published=question.checkpoints
        )
    )


async def checkpoint(call: Call, _question: Nothing) -> shapes.Checkpoint:
    """Sign the ledger as it is now; where it has not grown, the latest checkpoint."""
    return shapes.Checkpoint(note=(await call.parts.ledger.make_checkpoint()).note)


def proof_of(report: Report, *, of: str = "") -> shapes.Proof:
    """Return what a verification found, as the API and the command tell it.

    Args:
        report: of recordings or of a file.
        of: the file's name.
    """
    return shapes.Proof(
        good=report.good,
        leaves=report.leaves,
        blocks=report.blocks,
        sessions=report.sessions,
        expired=report.expired,
        checkpoints=report.checkpoints,
        checkpoint=report.checkpoint,
        problem=report.problem,
        records=report.records,
        notes=tuple(report.notes),
        of=of,
    )
