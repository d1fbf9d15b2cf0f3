"""What access does by itself: takes edited policy files into force, forgets what no longer counts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, final

from gateway.access.decisions import Decision, write_down
from gateway.domain.errors import ConfigurationBroken, GlassgateError
from gateway.log import get_logger
from gateway.store.notify import GRANTS, notify

if TYPE_CHECKING:
    from gateway.access.limits import Limits
    from gateway.access.policy import Policy
    from gateway.access.tokens import Tokens
    from gateway.store.pool import Store

LOOK_SECONDS: Final = 2.0
_TIDY_SECONDS: Final = 3600.0

log = get_logger("access")


@final
class Upkeep:
    """Runs beside the doors.

    Args:
        store: where changes of policy are written down.
        policy: read again when its files change.
        tokens: tidied.
        limits: tidied.
    """

    def __init__(self, *, store: Store, policy: Policy, tokens: Tokens, limits: Limits) -> None:
        self._store = store
        self._policy = policy
        self._tokens = tokens
        self._limits = limits
        self._written = ""
        self._said = ""

    async def run(self) -> None:
        """Look until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch())
            group.create_task(self._tidy())

    async def reload(self, by: str = "policy files") -> bool:
        """Take edited policy files into force; live sessions that they no longer allow end.

        Args:
            by: login name of who asked, for the ledger.

        Returns:
            Whether there was something new.

        Raises:
            ConfigurationBroken: a file can't be used; what was in force stays so.
            StoreUnavailable: the change is in force, and is written down as soon as the store is back.
        """
        await self._write_down("gateway")
        changed = await self._policy.reload()
        await self._write_down(by)
        return changed

    async def _write_down(self, by: str) -> None:
        """Let the ledger say what is in force: at the start, and after each change."""
        digest = self._policy.digest
        if digest == self._written:
            return
        first = not self._written
        async with self._store.transaction() as conn:
            await notify(conn, GRANTS)
            decision = Decision(
                "access.policy-in-force" if first else "access.policy-changed",
                by,
                f"the access policy {'is' if first else 'changed to'} SHA-256 {digest[:16]}…",
                {"digest": digest, "before": self._written, "version": self._policy.version},
                pages=not first,
            )
            await write_down(conn, decision)
        self._written = digest

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                if await self.reload():
                    log.info("policy changed", version=self._policy.version)
                self._said = ""
            except ConfigurationBroken as error:
                if self._said != error.message:
                    log.warning("policy not changed", error=error.message, hint=error.hint)
                self._said = error.message
            except GlassgateError as error:
                log.warning("policy change not written down yet", error=error.message)

    async def _tidy(self) -> None:
        while True:
            try:
                await self._tokens.tidy()
                await self._limits.tidy()
            except GlassgateError as error:
                log.warning("not tidied", error=error.message)
            await asyncio.sleep(_TIDY_SECONDS)
