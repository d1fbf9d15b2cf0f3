"""What a running gateway needs around its parts: witnesses, hooks, readiness, tidying."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from gateway.access.outbox import Hook, Program, Webhook
from gateway.domain.errors import ConfigurationBroken, GlassgateError
from gateway.domain.secret import Secret
from gateway.log import get_logger
from gateway.recordings.witness import FileWitness, PortWitness, Witness

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.changes.flow import Changes
    from gateway.recordings.recording import Recordings
    from gateway.settings import Settings
    from gateway.store.pool import Store

WITNESS_BRANCH = "checkpoints"
STALE_SECONDS = 600.0

log = get_logger("server")


def witnesses(settings: Settings, changes: Changes) -> list[Witness]:
    """Return where checkpoints of the ledger are published."""
    found: list[Witness] = [FileWitness(settings.witness_file)]
    if settings.witness.git:

        async def publish(checkpoint: bytes) -> None:
            await changes.repositories.publish_file(
                settings.witness.git, WITNESS_BRANCH, "checkpoint", checkpoint, "Publish a checkpoint"
            )

        found.append(PortWitness(f"git {settings.witness.git}", publish))
    return found


def hook(settings: Settings) -> Hook | None:
    """Return what delivers events; None where nobody wants them.

    Raises:
        ConfigurationBroken: the webhook's signing secret is not set.
    """
    wanted = settings.hook
    if wanted.program:
        return Program(wanted.program)
    if not wanted.webhook:
        return None
    secret = os.environ.get(wanted.webhook_secret, "")
    if not secret:
        raise ConfigurationBroken(
            f"the webhook has no signing secret: {wanted.webhook_secret} is not set",
            hint=f"set the environment variable {wanted.webhook_secret}",
        )
    return Webhook(wanted.webhook, Secret(secret))


async def readiness(store: Store, recordings: Recordings) -> Mapping[str, str]:
    """Say for each part whether sessions can be opened: ``ok`` or what is wrong."""

    async def recordings_answer() -> None:
        await asyncio.to_thread(recordings.vault.check)

    found = {}
    for part, look in (("store", store.ping), ("recordings", recordings_answer)):
        try:
            await look()
            found[part] = "ok"
        except GlassgateError as error:
            found[part] = error.message
    return found


async def drop_stale(changes: Changes) -> None:
    """Drop the drafts that nobody acted on, until cancelled."""
    while True:
        try:
            await changes.drop_stale()
        except GlassgateError as error:
            log.warning("stale drafts stay for now", error=error.message)
        await asyncio.sleep(STALE_SECONDS)
