"""Dry-runs: a write that the server only tries, for ``kubectl diff`` and for what a change would come to.

Tried on 1.34: with a body, DELETE ignores its query and deletes for real; ``all``, ``dryRun[]`` and a query
with semicolons write for real; the dry-run of a TokenRequest issues a token that works. So the query and the
body of a DELETE are built here, each saying it once, and only objects themselves are tried.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gateway.domain.cluster import PatchKind
from gateway.domain.http import Request
from gateway.domain.verdict import Decision, Verdict
from gateway.judge.http.bodies import Json, rebuilt_json, strict_json
from gateway.judge.http.reading import NotRead
from gateway.judge.http.targets import Target, rebuilt_path, rebuilt_query
from gateway.judge.kubernetes.context import KubernetesContext
from gateway.judge.kubernetes.headers import accepted, forwarded
from gateway.judge.kubernetes.info import Info
from gateway.judge.kubernetes.judgement import KubernetesAction, KubernetesJudgement
from gateway.judge.kubernetes.parameters import Query, read_query
from gateway.judge.kubernetes.protobuf import PROTOBUF, read_envelope
from gateway.judge.kubernetes.writes import json_of, media_type, member

PARAMETER: Final = "dryRun"
ALL: Final = "All"
"""The one value that there is: every stage is gone through, and nothing is stored."""

DELETE_OPTIONS: Final = frozenset(
    {
        "apiVersion",
        "kind",
        "gracePeriodSeconds",
        "preconditions",
        "orphanDependents",
        "propagationPolicy",
        PARAMETER,
    }
)
"""Members of the body of a DELETE that go on (``meta/v1.DeleteOptions``)."""

OBJECT_TYPES: Final = ("application/json", PROTOBUF)
"""What a whole object may say that it is."""


def asks_dry_run(request: Request, target: Target) -> bool:
    """Whether a request that writes asks that it be only tried, in a way that the server knows.

    Args:
        request: as sent.
        target: of it, taken apart.
    """
    if any(name == PARAMETER for name, _ in target.pairs):
        return True
    return request.method == "DELETE" and bool(member(_delete_options(request.body), PARAMETER))


def judge_dry_run(
    request: Request, target: Target, context: KubernetesContext, info: Info, found: KubernetesJudgement
) -> KubernetesJudgement:
    """Judge a dry-run.

    Args:
        request: as sent.
        target: of it, taken apart.
        context: everything else that the verdict depends on.
        info: what it asks for.
        found: the judgement so far.

    Raises:
        NotRead: it says that it is one in a way that could mean something else, or its body isn't understood.
    """
    reason = _unfit(info, context)
    if reason:
        return replace(found, verdict=Verdict(Decision.REFUSE, "kubernetes.dry-run", reason))
    said = [value for name, value in target.pairs if name == PARAMETER]
    if said != [ALL] and (said or request.method != "DELETE"):
        raise NotRead("dry-run.query", f"A dry-run says {PARAMETER}={ALL}, once.")
    catalogue = context.catalogue
    if request.method == "DELETE":
        given = read_query(target.pairs, catalogue.uses["dry-delete"], catalogue)
        body: bytes | None = _delete_body(request, given)
        media = "application/json"
        query = Query(tuple(pair for pair in given.pairs if pair[0] in ("pretty", "timeout")))
    else:
        query = read_query(target.pairs, catalogue.uses["dry-run"], catalogue)
        body, media = _object_body(request)
    headers = [("accept", accepted(request))]
    headers += [("content-type", media)] if media else []
    path = rebuilt_path(target.segments)
    sent = Request(
        request.method,
        path + rebuilt_query((*query.pairs, (PARAMETER, ALL))),
        forwarded(request, *headers),
        body,
    )
    verdict = Verdict(
        Decision.ALLOW, "kubernetes.dry-run", "A dry-run is tried by the server and not stored."
    )
    return replace(found, verdict=verdict, request=sent, action=KubernetesAction.DRY_RUN)


def asks_dry_eviction(request: Request) -> bool:
    """Whether an eviction asks in its body that it be only tried.

    Args:
        request: as sent.
    """
    return member(json_of(request.body), "deleteOptions", PARAMETER) is not None


def _unfit(info: Info, context: KubernetesContext) -> str:
    """Why something is not tried; empty where it is."""
    if not context.dry_runs:
        return "The gateway has no identity at this cluster that can do dry-runs and nothing else."
    if info.subresource:
        return "Only objects themselves are tried, not what hangs below them."
    if info.resource == "secrets":
        return "Secrets are not tried: the answer would show their values."
    if info.verb == "deletecollection":
        return "Deleting everything of a kind is not tried; name the object."
    if info.group not in context.catalogue.groups and info.group not in context.customs:
        return "Another server may stand behind this API, and it need not know dry-runs."
    return ""


def _object_body(request: Request) -> tuple[bytes | None, str]:
    """The body of a create, update or patch, rebuilt, and what it is; the server wants a patch to say it."""
    media = media_type(request)
    patches = request.method == "PATCH"
    if media and media not in (list(PatchKind) if patches else OBJECT_TYPES):
        raise NotRead("content-type", "The body is nothing that is understood in a dry-run.")
    if not request.body:
        return None, media
    if media == PROTOBUF:
        # Its envelope is read; whatever the object in it is, its writing is only tried.
        read_envelope(request.body)
        return request.body, media
    value = strict_json(request.body, folds=False)
    wanted: tuple[type, ...] = (dict,)
    if patches and media in ("", PatchKind.JSON):
        wanted = (list,) if media else (dict, list)
    if not isinstance(value, wanted):
        raise NotRead("body", "The body is nothing that can be written.")
    return rebuilt_json(value), media or ("" if patches else OBJECT_TYPES[0])


def _delete_body(request: Request, given: Query) -> bytes:
    """The options of a deletion, the dry-run among them: where there is a body, the server reads it alone."""
    options: dict[str, Json] | None
    if request.body:
        options = _delete_options(request.body)
        if options is None:
            raise NotRead("body", "The options of the deletion are not understood.")
        if options.get(PARAMETER, [ALL]) != [ALL]:
            raise NotRead("dry-run.body", f'A dry-run says {PARAMETER}: ["{ALL}"], once.')
    else:
        options = {name: _typed(name, value) for name, value in given.pairs if name in DELETE_OPTIONS}
    return rebuilt_json({**options, "kind": "DeleteOptions", "apiVersion": "v1", PARAMETER: [ALL]})


def _delete_options(body: bytes | None) -> dict[str, Json] | None:
    """The options of a deletion; None where they are none, or hold something that is not known."""
    if not body:
        return None
    try:
        value = strict_json(body)
    except NotRead:
        return None
    if not isinstance(value, dict) or not DELETE_OPTIONS.issuperset(value):
        return None
    return value if value.get("kind", "DeleteOptions") == "DeleteOptions" else None


def _typed(name: str, value: str) -> Json:
    if name == "gracePeriodSeconds":
        return int(value)
    return value == "true" if name == "orphanDependents" else value
