"""The gateway itself: health, trust, metrics, what is wrong."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from gateway.domain.errors import StoreUnavailable
from gateway.store import endpoints as rows
from gateway.store import ledger as ledger_rows
from gateway.web.handlers import endpoints
from gateway.web.routes import Raw
from gateway.web.shapes import gateway as shapes

if TYPE_CHECKING:
    from gateway.web.routes import Call, PublicCall
    from gateway.web.shapes.shape import Nothing


STALE = timedelta(minutes=10)
"""A ledger that grew and has no checkpoint for so long is a finding."""
OK = "ok"
"""What a part that answers says of itself."""


class NotReady(StoreUnavailable):
    """Some part does not answer; nothing new is admitted until it does."""


async def health(call: PublicCall, _question: Nothing) -> shapes.Health:
    """Answer while the process is alive."""
    return shapes.Health(status="ok", version=call.parts.version)


async def readiness(call: PublicCall, _question: Nothing) -> shapes.Readiness:
    """Say whether new sessions can be opened; answered with 503 where they can't."""
    found = dict(await call.parts.readiness())
    away = [f"{part}: {told}" for part, told in found.items() if told != OK]
    if away:
        raise NotReady("; ".join(away), hint="glassgate doctor")
    return shapes.Readiness(ready=True, parts=found)


async def authority(call: PublicCall, _question: Nothing) -> shapes.Authority:
    """Show the authority that signed the gateway's certificate, to be compared and pinned."""
    der = ssl.PEM_cert_to_DER_cert(call.parts.authority.strip())
    digest = hashlib.sha256(der).hexdigest().upper()
    pairs = ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))
    return shapes.Authority(pem=call.parts.authority, fingerprint=f"SHA256:{pairs}")


async def metrics(call: Call, _question: Nothing) -> Raw:
    """Show what Prometheus scrapes."""

    async def chunks() -> AsyncIterator[bytes]:
        yield call.parts.metrics.text()

    return Raw(media_type="text/plain; version=0.0.4; charset=utf-8", chunks=chunks())


async def diagnose(call: Call, _question: Nothing) -> shapes.Diagnosis:
    """Look at store, recordings, ledger, policy and every endpoint: what is wrong and how to mend it."""
    findings = [
        shapes.Finding(
            part=part, good=told == OK, message=told, mend="" if told == OK else MEND.get(part, "")
        )
        for part, told in (await call.parts.readiness()).items()
    ]
    findings.append(_policy(call))
    findings.append(await _ledger(call))
    try:
        async with call.parts.store.connection() as connection:
            registered = await rows.list_endpoints(connection)
    except StoreUnavailable as error:
        findings.append(shapes.Finding(part="endpoints", good=False, message=error.message, mend=error.hint))
        registered = []
    for endpoint in registered:
        checked = await endpoints.dialled(call, endpoint)
        told = f"level {checked.level}" if checked.good else checked.problem
        findings.append(
            shapes.Finding(
                part=f"endpoint {endpoint.name}", good=checked.good, message=told, mend=checked.hint
            )
        )
    return shapes.Diagnosis(findings=tuple(findings))


MEND = {
    "store": "see that the store's PostgreSQL runs and database.url is right; the gateway goes on by itself",
    "recordings": "free space in the recordings folder, and see that the gateway may write there",
    "ledger": "look at the gateway's log; `glassgate verify` names the first leaf that doesn't fit",
}
"""What to do where a part is not well."""


async def _ledger(call: Call) -> shapes.Finding:
    """Look whether checkpoints are being made."""
    try:
        async with call.parts.store.connection() as connection:
            size = (await ledger_rows.edge(connection)).size
            latest = await ledger_rows.latest_checkpoint(connection)
    except StoreUnavailable as error:
        return shapes.Finding(part="ledger", good=False, message=error.message, mend=error.hint)
    if latest is None:
        return shapes.Finding(part="ledger", good=True, message=f"{size} leaves, no checkpoint yet")
    told = f"{size} leaves, checkpoint of size {latest.size}"
    if latest.size < size and datetime.now(UTC) - latest.made_at > STALE:
        message = f"{told} is from {latest.made_at.isoformat(timespec='seconds')}: none is made any more"
        return shapes.Finding(part="ledger", good=False, message=message, mend=MEND["ledger"])
    return shapes.Finding(part="ledger", good=True, message=told)


def _policy(call: Call) -> shapes.Finding:
    policy = call.parts.policy
    if policy.broken is None:
        return shapes.Finding(part="policy", good=True, message=f"version {policy.version} is in force")
    return shapes.Finding(
        part="policy",
        good=False,
        message=f"version {policy.version} is in force; newer files are not: {policy.broken.message}",
        mend=policy.broken.hint,
    )
