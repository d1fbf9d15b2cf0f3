"""A person without a grant at an interactive login: asked for it there, let in once it is approved."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from gateway.domain.errors import GlassgateError, NotAuthorised, NotFound
from gateway.protocols.ssh import refusal
from gateway.protocols.ssh.shell import Desk
from gateway.terminal.asking import Answer, Inquiry
from gateway.terminal.desk import until_gone

if TYPE_CHECKING:
    from gateway.access.requests import Requests
    from gateway.domain.identity import Identity
    from gateway.protocols.ssh.channel import Channel
    from gateway.protocols.ssh.client import Client

OPENS_SECONDS: Final = 5.0
"""A client has so long to say whether it is interactive."""
INTERRUPTED: Final = 130
"""As a shell says of what Ctrl-C ended."""


class _Patient(Desk):
    """A terminal that is shown a spinner for hours: what a client does not take is not kept for it."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel)
        self._slow = False

    def hurry(self, *, hold: bool) -> None:
        """The client is slow, or reads again."""
        self._slow = hold

    def write(self, data: bytes) -> None:
        """Show something to a client that reads."""
        if not self._slow:
            super().write(data)


async def ask_for_access(
    requests: Requests, client: Client, identity: Identity, endpoint: str, missing: NotAuthorised
) -> None:
    """Return once access was asked for and approved; the channel that asked waits for its shell.

    Args:
        requests: the access room.
        client: whose first channel decides: an interactive one asks, any other is told.
        identity: who.
        endpoint: for what.
        missing: why there is no session.

    Raises:
        NotAuthorised: the client is not interactive, may not ask, or was not let in: ``missing`` itself.
    """
    channel = await _first(client)
    if channel is None:
        raise missing
    try:
        offer = await requests.offer(identity, endpoint) if channel.interactive else None
    except (NotAuthorised, NotFound):
        offer = None
    if offer is None:
        client.hand_back(channel)
        raise missing
    desk = _Patient(channel)
    channel.join(desk)
    async with asyncio.TaskGroup() as group:
        others = group.create_task(_turn_away(client, missing))
        try:
            answer = await until_gone(Inquiry(desk, requests, identity, offer).run(), channel.gone)
        except GlassgateError as error:
            await channel.refuse(refusal.told(error), refusal.status_of(error))
            answer = None
        finally:
            others.cancel()
    if answer is Answer.APPROVED:
        client.hand_back(channel)
        return
    await until_gone(channel.flushed(), client.gone)
    channel.exit(INTERRUPTED if answer is Answer.INTERRUPTED else refusal.NO_ACCESS)
    raise missing


async def _first(client: Client) -> Channel | None:
    """Return the first channel that asks for something, None where none does."""
    try:
        async with asyncio.timeout(OPENS_SECONDS):
            return await until_gone(client.next_channel(), client.gone)
    except TimeoutError:
        return None


async def _turn_away(client: Client, missing: NotAuthorised) -> None:
    """Tell further channels of the connection, such as a shared one's, that access is missing."""
    while True:
        channel = await client.next_channel()
        await channel.refuse(refusal.told(missing), refusal.NO_ACCESS)
