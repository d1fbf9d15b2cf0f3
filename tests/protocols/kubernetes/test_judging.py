"""Whom the values of Secrets are shown to within a session whose grant includes them."""

from __future__ import annotations

from gateway.domain.http import Request
from gateway.domain.unit import Origin
from gateway.judge.kubernetes.catalogue import load_kubernetes
from gateway.judge.kubernetes.context import KubernetesContext
from gateway.judge.kubernetes.judge import judge
from gateway.judge.shell.catalogue import load_shell
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.judge import judge as judge_line
from gateway.protocols.kubernetes.judging import Judging
from gateway.protocols.kubernetes.parts import Parts, Shells
from gateway.protocols.kubernetes.units import KubernetesUnit

CATALOGUE, SHELL = load_kubernetes(), load_shell()
PARTS = Parts(CATALOGUE, Shells(SHELL), judge, judge_line)
CONTEXT = KubernetesContext(CATALOGUE, ShellContext(SHELL), dry_runs=True)
SECRET = Request("GET", "/api/v1/namespaces/shop/secrets/told", (("accept", "application/json"),))
TRIED = Request(
    "POST",
    "/api/v1/namespaces/shop/secrets?dryRun=All",
    (("content-type", "application/json"),),
    b'{"apiVersion":"v1","kind":"Secret","metadata":{"name":"told"}}',
)


def unit(request: Request, origin: Origin = Origin.CLIENT) -> KubernetesUnit:
    return KubernetesUnit(b"", request=request, origin=origin)


def test_the_client_is_shown_them_and_the_gateways_own_reads_are_not() -> None:
    judging = Judging(PARTS, CONTEXT, secrets=True)
    for _ in range(2):  # whichever came first, and whatever is kept
        theirs, ours = (judging.judge(unit(SECRET, origin)) for origin in (Origin.CLIENT, Origin.GATEWAY))
        assert (theirs.shows, theirs.masks, theirs.verdict.rule) == (True, False, "kubernetes.secrets")
        assert (ours.shows, ours.masks, ours.verdict.rule) == (False, True, "kubernetes.get")


def test_nobody_is_without_such_a_grant() -> None:
    judged = Judging(PARTS, CONTEXT, secrets=False).judge(unit(SECRET))
    assert (judged.shows, judged.masks) == (False, True)


def test_nothing_is_tried_on_them_with_it_either() -> None:
    judged = Judging(PARTS, CONTEXT, secrets=True).judge(unit(TRIED))
    assert judged.request is None
    assert "would show their values" in judged.verdict.reason
