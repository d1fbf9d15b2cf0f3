"""Ctrl-C that a shell of the host's loses: looked for, and sent once more.

dash starts each command by vfork, and its handler of SIGINT does nothing as long as it takes itself for the
child (``if (vforked) return``, trap.c). The child has that handler until it has become the command, and the
shell wakes up with it before it knows that it is the shell again: a Ctrl-C of that moment ends neither. What
it leaves behind is plain to see: a process of the terminal's foreground that takes SIGINT as every process
does from birth, and lives, has not had one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from gateway.domain.errors import UpstreamUnavailable
from gateway.log import get_logger
from gateway.protocols.ssh.ending import VARIABLE

if TYPE_CHECKING:
    from gateway.protocols.ssh.attended import Attended
    from gateway.protocols.ssh.upstream import Upstream

PAUSE_SECONDS: Final = 0.1
"""A command that ends by Ctrl-C is gone by then."""
MOST_TRIES: Final = 10

_AGAIN: Final = "again"
_SCRIPT: Final = r"""
for f in $(grep -lsa 'TOKEN' /proc/[0-9]*/environ 2>/dev/null); do
  d=${f%/environ}
  read -r l < "$d/stat" || continue
  set -- ${l##*) }
  case $1 in [ZXT]) continue;; esac
  [ "$3" = "$6" ] || continue
  grep -qsE '^(SigPnd|ShdPnd|SigBlk|SigIgn|SigCgt):.*[2367abef]$' "$d/status" && continue
  [ -r "$d/status" ] && kill -s INT -- "-$3" && echo AGAIN && break
done 2>/dev/null
"""
"""SIGINT is the second of the signals: the masks' last digit."""

log = get_logger("protocols.ssh")


async def see_through(upstream: Upstream, running: Attended) -> None:
    """Look after each Ctrl-C whether it has come through, until cancelled.

    Args:
        upstream: the session's connection.
        running: a line of the governed shell.
    """
    script = _SCRIPT.replace("TOKEN", f"{VARIABLE}={running.token}").replace("AGAIN", _AGAIN)
    while True:
        await running.interrupted.wait()
        running.interrupted.clear()
        for _ in range(MOST_TRIES):
            await asyncio.sleep(PAUSE_SECONDS)
            try:
                answer = await upstream.ask(script)
            except UpstreamUnavailable as error:
                log.info("not seen through", endpoint=upstream.target.endpoint, error=error.message)
                break
            if answer.strip() != _AGAIN:
                break
