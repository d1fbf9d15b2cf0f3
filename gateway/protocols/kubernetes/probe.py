"""What a cluster enforces by itself: the rights of the gateway's identity there, asked for at connect.

The API server says of whoever asks what they may do (SelfSubjectRulesReview), a namespace at a time. What is
more than reading is named, ``get`` on everything too: it takes in Secrets, and exec where it is a GET.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from gateway.domain.endpoint import Require
from gateway.domain.errors import UpstreamTooOpen, UpstreamUnavailable
from gateway.domain.http import Request
from gateway.domain.session import Level
from gateway.domain.verdict import Layer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gateway.domain.endpoint import Endpoint
    from gateway.protocols.kubernetes.upstream import Upstream

MOST_ANSWER: Final = 16 << 20
MOST_NAMESPACES: Final = 50
"""So many are asked about one by one; in larger clusters a role bound in one alone can be missed."""
_FEW: Final = 5

_READS: Final = frozenset({"get", "list", "watch"})
_ABOUT_ONESELF: Final = frozenset(
    {
        ("authorization.k8s.io", "selfsubjectaccessreviews"),
        ("authorization.k8s.io", "selfsubjectrulesreviews"),
        ("authentication.k8s.io", "selfsubjectreviews"),
    }
)
"""Created by whoever asks about their own rights; nothing of it is kept."""
_DOORS: Final = {
    "pods/exec": "exec",
    "pods/attach": "attach",
    "pods/portforward": "portforward",
    "pods/proxy": "proxy",
    "services/proxy": "proxy",
    "nodes/proxy": "proxy",
    "secrets": "secrets",
    "serviceaccounts/token": "tokens",
}
"""Resources that are more than reading by any verb."""
_FINDINGS: Final = ("everything", "writes", "exec", "attach", "portforward", "proxy", "secrets", "tokens")
_REVIEW: Final = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
_SERVICES: Final = "/apis/apiregistration.k8s.io/v1/apiservices"
_HEADERS: Final = (("accept", "application/json"), ("content-type", "application/json"))


class _Rule(msgspec.Struct):
    verbs: list[str] = []
    api_groups: list[str] = msgspec.field(name="apiGroups", default_factory=list)
    resources: list[str] = []
    paths: list[str] = msgspec.field(name="nonResourceURLs", default_factory=list)


class _Rules(msgspec.Struct):
    resources: list[_Rule] | None = msgspec.field(name="resourceRules", default=None)
    others: list[_Rule] | None = msgspec.field(name="nonResourceRules", default=None)
    incomplete: bool = False


class _Review(msgspec.Struct):
    status: _Rules


class _Named(msgspec.Struct):
    name: str = ""


class _Serves(msgspec.Struct):
    group: str = ""
    service: dict[str, Any] | None = None


class _Item(msgspec.Struct):
    metadata: _Named
    spec: _Serves = msgspec.field(default_factory=_Serves)


class _Listed(msgspec.Struct):
    items: list[_Item] = []


class _Told(msgspec.Struct):
    message: str = ""


A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Cluster:
    """What is known of a cluster.

    Attributes:
        level: what it enforces by itself.
        customs: API groups that its own server serves.
    """

    level: Level
    customs: frozenset[str] = frozenset()


async def probe(upstream: Upstream, *, dry_runs: bool) -> Cluster:
    """Ask what the gateway's identity may do, and which groups the API server serves by itself.

    Args:
        upstream: the reader's.
        dry_runs: whether there is a second identity, which the findings tell.

    Raises:
        UpstreamUnavailable: the cluster can't be asked, or refuses the credential.
    """
    found: dict[str, set[str]] = {name: set() for name in _FINDINGS}
    first = await _review(upstream, "default")
    incomplete = first is None or first.incomplete
    _look(first, found)
    namespaces = await _names(upstream, f"/api/v1/namespaces?limit={MOST_NAMESPACES + 1}")
    for name in [each for each in namespaces if each != "default"][:MOST_NAMESPACES]:
        rules = await _review(upstream, name)
        incomplete = incomplete or rules is None or rules.incomplete
        _look(rules, found)
    findings = {name: _few(names) or "no" for name, names in found.items()}
    findings["rules"] = (
        "incomplete: an authorizer of the cluster can't list them" if incomplete else "complete"
    )
    findings["namespaces"] = _asked(len(namespaces))
    findings["dry-runs"] = "by an identity of their own" if dry_runs else "none"
    reads = not incomplete and not any(found.values())
    level = Level("role" if reads else "default", Layer.READ_ONLY_ROLE if reads else Layer(0), findings)
    return Cluster(level, await _customs(upstream))


def check_requirement(endpoint: Endpoint, level: Level) -> None:
    """Hold the level against what the endpoint requires.

    Raises:
        UpstreamTooOpen: the identity may do more than read; says what.
    """
    if endpoint.require is not Require.ROLE or Layer.READ_ONLY_ROLE in level.layers:
        return
    open_ends = [f"{name}: {level.findings[name]}" for name in _FINDINGS if level.findings[name] != "no"]
    if not open_ends:  # clouds add authorizers of their own that can't tell what they allow
        raise UpstreamTooOpen(
            f"{endpoint.name} can't prove that the gateway's identity there only reads "
            f"(rules: {level.findings['rules']})",
            hint="an operator who knows that it does sets the endpoint's require to default",
        )
    raise UpstreamTooOpen(
        f"the gateway's identity in {endpoint.name} may do more than read ({'; '.join(open_ends)})",
        hint=f"an operator mends it with the YAML of: glassgate endpoint harden {endpoint.name}",
    )


# ---- rules -------------------------------------------------------------------------------------------


def _look(rules: _Rules | None, found: dict[str, set[str]]) -> None:
    """Note what is more than reading."""
    if rules is None:
        return
    for rule in rules.resources or ():
        for finding, what in _more(rule):
            found[finding].add(what)
    for rule in rules.others or ():
        writing = [verb for verb in rule.verbs if verb not in ("get", "head", "options")]
        if writing:
            found["writes"].add(f"{_few(writing)} {_few(rule.paths)}")


def _more(rule: _Rule) -> Iterator[tuple[str, str]]:
    """Yield which findings a rule adds to, and what each is told by."""
    verbs = set(rule.verbs)
    for group in rule.api_groups:
        for resource in rule.resources:
            shown = f"{resource}.{group}" if group else resource
            if resource == "*" or resource.startswith("*/") or "*" in group:
                yield "everything", f"{_few(verbs)} {shown}"
            elif group == "" and resource in _DOORS:
                yield _DOORS[resource], f"{_few(verbs)} {shown}"
            elif (
                writing := verbs
                - _READS
                - ({"create"} if (group, resource) in _ABOUT_ONESELF else frozenset())
            ):
                yield "writes", f"{_few(writing)} {shown}"


def _few(names: Iterable[str]) -> str:
    """Return some names, and that there are more."""
    each = sorted(names)
    return ", ".join(each[:_FEW]) + (", …" if len(each) > _FEW else "")


def _asked(namespaces: int) -> str:
    if not namespaces:
        return "default alone: they can't be listed"
    return f"the first {MOST_NAMESPACES}" if namespaces > MOST_NAMESPACES else "all"


# ---- asking ------------------------------------------------------------------------------------------


async def _review(upstream: Upstream, namespace: str) -> _Rules | None:
    """Return what may be done in a namespace, None where the cluster doesn't say."""
    question = {
        "kind": "SelfSubjectRulesReview",
        "apiVersion": "authorization.k8s.io/v1",
        "spec": {"namespace": namespace},
    }
    request = Request("POST", _REVIEW, _HEADERS, msgspec.json.encode(question))
    review = await _answer(upstream, request, _Review)
    return None if review is None else review.status


async def _names(upstream: Upstream, target: str) -> list[str]:
    listed = await _answer(upstream, Request("GET", target, _HEADERS[:1]), _Listed)
    return [] if listed is None else [each.metadata.name for each in listed.items]


async def _customs(upstream: Upstream) -> frozenset[str]:
    """Return the groups behind which no other server stands."""
    listed = await _answer(upstream, Request("GET", _SERVICES, _HEADERS[:1]), _Listed)
    if listed is None:
        return frozenset()
    others = {each.spec.group for each in listed.items if each.spec.service is not None}
    return frozenset(each.spec.group for each in listed.items) - others


async def _answer(upstream: Upstream, request: Request, kind: type[A]) -> A | None:
    """Return an answer, None where the identity may not ask.

    Raises:
        UpstreamUnavailable: the credential is refused, or it is no API server.
    """
    head, body = await upstream.asked(request, most=MOST_ANSWER)
    if head.status in (403, 404):
        return None
    if head.status == 401:
        raise UpstreamUnavailable(
            "the cluster refuses the gateway's credential", hint="ask the endpoint's operator"
        )
    if not 200 <= head.status < 300:
        raise UpstreamUnavailable(f"the cluster answers {head.status}: {_message(body)}")
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise UpstreamUnavailable("what answers there is no Kubernetes API") from error


def _message(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Told).message
    except msgspec.DecodeError:
        return "no Status object"
