"""Access requests and grants."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from gateway.domain.errors import InvalidInput
from gateway.web.shapes import access as shapes

if TYPE_CHECKING:
    from gateway.web.routes import Call

LOOK_SECONDS: Final = 1.0
"""A decision that another replica took is seen after at most this."""
WAIT_SECONDS: Final = 60


async def file_request(call: Call, question: shapes.FileRequest) -> shapes.RequestFacts:
    """Ask to read an endpoint, for a reason, for so long."""
    filed = await call.parts.requests.file(
        call.identity, question.endpoint, _duration(question.seconds), question.reason
    )
    return _facts(filed)


def _duration(seconds: int) -> timedelta:
    try:
        return timedelta(seconds=seconds)
    except OverflowError as error:
        raise InvalidInput(f"{seconds} seconds is longer than any grant") from error
