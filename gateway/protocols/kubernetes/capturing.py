"""A refused request, command or line as the change flow takes it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from gateway.domain.change import ChangeKind, ClusterCapture, HostCapture
from gateway.domain.host import ByHand
from gateway.domain.unit import Origin
from gateway.judge.kubernetes.writes import redeploys
from gateway.protocols.kubernetes.units import LineUnit

if TYPE_CHECKING:
    from gateway.domain.unit import Refused
    from gateway.judge.kubernetes.judgement import KubernetesJudgement
    from gateway.protocols.kubernetes.units import KubernetesUnit

_LONGEST_TITLE: Final = 200


def capture_of(refused: Refused[KubernetesUnit, KubernetesJudgement]) -> HostCapture | ClusterCapture | None:
    """Return what a change request needs of a refused unit, None for a read of the gateway's own."""
    unit, judged = refused.unit, refused.judged
    if unit.origin is Origin.GATEWAY:
        return None
    text = unit.text.decode("utf-8", "backslashreplace").replace("\0", "\u2400")
    if judged.command and not isinstance(unit, LineUnit):
        where = f"-n {judged.namespace} {judged.name}" + (
            f" -c {judged.container}" if judged.container else ""
        )
        text = f"kubectl exec {where} -- {shlex.join(judged.command)}"
    if judged.writes and not isinstance(unit, LineUnit):
        again = all(map(redeploys, judged.writes))
        kind = ChangeKind.REDEPLOY if again else ChangeKind.EDIT
        return ClusterCapture(text, judged.title[:_LONGEST_TITLE], kind, refused.number, judged.writes)
    return HostCapture(
        text=text,
        title=(judged.title or text.partition("\n")[0])[:_LONGEST_TITLE],
        kind=ChangeKind.EDIT,
        batch=refused.number,
        writes=(ByHand(text),),
    )
