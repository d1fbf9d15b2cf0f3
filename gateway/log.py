"""Structured logs for operators. The recording and the ledger are the evidence; logs are not."""

from __future__ import annotations

import logging
import sys

import structlog


def configure(*, level: str = "info", json: bool | None = None) -> None:
    """Send every log event to standard error.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.
        json: one JSON object a line; None: JSON unless standard error is a terminal.
    """
    as_json = not sys.stderr.isatty() if json is None else json
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def get_logger(room: str) -> structlog.typing.FilteringBoundLogger:
    """Return a logger whose events carry the room's name.

    Args:
        room: such as ``session`` or ``protocols.postgres``.
    """
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(room=room)
    return logger
