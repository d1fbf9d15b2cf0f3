"""Ending what a session started on its host, and looking that it is gone."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Final

from gateway.domain.errors import GlassgateError
from gateway.log import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.protocols.ssh.running import Running
    from gateway.protocols.ssh.upstream import Upstream

VARIABLE: Final = "GLASSGATE_UNIT"
"""In the environment of all that a unit starts: who looks for its processes finds them by it."""
GRACE_SECONDS: Final = 0.3
"""Time that a command has after a signal."""
TRYING_SECONDS: Final = 1.0
PAUSE_SECONDS: Final = 0.1
"""Between tries where the host opens no session for the question yet."""

_SCRIPT: Final = r"""
mine=$$
look() {
  s=""
  for f in $(grep -lsaE 'TOKENS' /proc/[0-9]*/environ 2>/dev/null); do
    p=${f#/proc/}; p=${p%/environ}
    read -r l < "/proc/$p/stat" || continue
    set -- ${l##*) }
    [ "$1" = Z ] || s="$s $p:$4"
  done 2>/dev/null
}
look
sids=" "; for e in $s; do [ "${e#*:}" = 0 ] || sids="$sids${e#*:} "; done
n=0
while [ -n "$s" ] && [ $n -lt 20 ]; do
  for e in $s; do kill -KILL "${e%%:*}" 2>/dev/null; done
  for d in /proc/[0-9]*/stat; do
    read -r l < "$d" || continue
    p=${d#/proc/}; p=${p%/stat}
    set -- ${l##*) }
    case "$sids" in *" $4 "*) [ "$p" = "$mine" ] || kill -KILL "$p";; esac
  done 2>/dev/null
  look
  [ -n "$s" ] && sleep 0.05
  n=$((n + 1))
done
[ -n "$s" ] && echo left || echo gone
"""

log = get_logger("protocols.ssh")


async def end(upstream: Upstream, running: Iterable[Running], others: Iterable[str] = ()) -> bool:
    """End commands on the host: the process group by a signal, the rest by what stands in its environment.

    Args:
        upstream: the session's connection.
        running: commands of it.
        others: what stands in the environment of what else it runs, the gateway's own reads.

    Returns:
        Whether the host confirmed that nothing of them runs there any more.
    """
    ours, tokens = list(running), list(others)
    if (
        not ours and not tokens
    ):  # and nothing to look for: an empty pattern would find every process of the login
        return True
    if upstream.lost.is_set():
        return False
    if ours and not await _closed(ours, "TERM"):
        await _closed(ours, "KILL")
    for each in ours:  # a host opens few sessions on a connection: theirs make room for the question
        each.drop()
    sought = "|".join(f"{VARIABLE}={token}" for token in (*(each.token for each in ours), *tokens))
    until = monotonic() + TRYING_SECONDS
    while True:
        try:
            answer = await upstream.ask(_SCRIPT.replace("TOKENS", sought))
        except GlassgateError as error:
            if monotonic() > until or upstream.lost.is_set():
                log.warning("not seen to be gone", endpoint=upstream.target.endpoint, error=error.message)
                return False
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            return answer.strip().endswith("gone")


async def _closed(running: list[Running], signal: str) -> bool:
    """Signal the process groups; return whether production closes their channels soon after."""
    try:
        async with asyncio.timeout(GRACE_SECONDS):
            for each in running:
                await each.started.wait()
                each.signalled(signal)
            for each in running:
                await each.closed.wait()
    except TimeoutError:
        return False
    return True
