"""A request to a Kubernetes API → whether it only reads, and the one request that is sent in its place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from gateway.domain.cluster import ObjectWrite
from gateway.domain.http import Request
from gateway.domain.verdict import Decision, Verdict
from gateway.judge.http.bodies import Json, rebuilt_json, strict_json
from gateway.judge.http.reading import NotRead
from gateway.judge.http.targets import Target, rebuilt_path, rebuilt_query, split_target
from gateway.judge.kubernetes.catalogue import Use
from gateway.judge.kubernetes.context import KubernetesContext
from gateway.judge.kubernetes.dry_runs import asks_dry_eviction, asks_dry_run, judge_dry_run
from gateway.judge.kubernetes.execs import judge_exec
from gateway.judge.kubernetes.headers import (
    accepted,
    accepted_for_secrets,
    check_headers,
    forwarded,
    wants_upgrade,
)
from gateway.judge.kubernetes.info import Info, read_info
from gateway.judge.kubernetes.judgement import KubernetesAction, KubernetesJudgement
from gateway.judge.kubernetes.parameters import Query, is_flag_set, read_query
from gateway.judge.kubernetes.protobuf import PROTOBUF, read_envelope
from gateway.judge.kubernetes.writes import media_type, title_of, write_of

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
"""Methods that the API has."""

READING: Final = frozenset({"GET", "HEAD"})

ESCAPED: Final = ":@$+,;=!'()* ~&"
"""Characters of names that clients send percent-encoded, each its own choice of them (``system%3Anode``)."""

SECRETS: Final = "secrets"


def judge(request: Request, context: KubernetesContext) -> KubernetesJudgement:
    """Judge one request.

    Args:
        request: as sent; its target begins at the API's root.
        context: everything else that the verdict depends on.
    """
    try:
        return _judged(request, context)
    except NotRead as error:
        return KubernetesJudgement(Verdict(Decision.REFUSE, f"kubernetes.{error.what}", error.reason))


def _judged(request: Request, context: KubernetesContext) -> KubernetesJudgement:
    if request.method not in METHODS:
        raise NotRead("method", "The API has no such method.")
    check_headers(request)
    target = split_target(request.target, escaped=ESCAPED)
    watch = next((is_flag_set(value) for name, value in target.pairs if name == "watch"), False)
    info = read_info(request.method, target.segments, watch=watch)
    asked = _Asked(request, context, target)
    return asked.of_path() if info is None else asked.of_resource(info)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request, taken apart."""

    request: Request
    context: KubernetesContext
    target: Target

    def of_path(self) -> KubernetesJudgement:
        """Judge a path that is no resource."""
        method, segments = self.request.method, self.target.segments
        entry = self.context.catalogue.plain(segments)
        found = KubernetesJudgement(_refuse("path", "This is no path that is known."), verb=method.lower())
        if entry is None:
            return found
        if method not in READING:
            return replace(found, verdict=_refuse("method", f"{method} is no way to read this path."))
        self.check_plain()
        query = read_query(self.target.pairs, entry.parameters, self.context.catalogue)
        return self.answered(found, query, _allow("path", "This path only describes the server."))

    def of_resource(self, info: Info) -> KubernetesJudgement:
        """Judge a resource: its subresource decides first, then the verb."""
        found = self.described(info)
        catalogue = self.context.catalogue
        known = catalogue.groups.get(info.group)
        never = catalogue.never_read.get(info.special if info.special == "proxy" else info.subresource)
        never = never or catalogue.never_read.get(info.resource)
        if never is not None:
            if asks_dry_eviction(self.request) or asks_dry_run(self.request, self.target):
                return replace(found, verdict=_refuse("dry-run", "Only objects themselves are tried."))
            severity = Decision.REFUSE if self.request.method in READING else never.severity
            what = f"{info.resource}/{info.subresource}" if info.subresource else info.resource
            verdict = Verdict(severity, f"kubernetes.{never.names[0]}", f"{what} {never.reason}.")
            return self.refused(found, info, verdict)
        if info.subresource == "exec":
            return self.executed(found, info)
        review = catalogue.reviews.get((info.group, info.resource))
        if review is not None:
            return self.reviewed(found, info, allowed=review.allowed, reason=review.reason)
        if known is not None and info.resource not in known:
            return replace(found, verdict=_refuse("resource", "The group has no such resource."))
        if self.request.method in READING:
            return self.read(found, info)
        return self.written(found, info)

    def described(self, info: Info) -> KubernetesJudgement:
        """Return a judgement that says what is asked for, and nothing else yet."""
        return KubernetesJudgement(
            _refuse("unknown", "This is not known, so it is no read."),
            verb=info.verb,
            group=info.group,
            version=info.version,
            resource=info.resource,
            subresource=info.subresource,
            namespace=info.namespace,
            name=info.name,
        )

    def read(self, found: KubernetesJudgement, info: Info) -> KubernetesJudgement:
        """Judge GET of a resource or subresource."""
        use = self.use_of(info)
        if use is None:
            return replace(found, verdict=_refuse("subresource", "This subresource is not known to read."))
        self.check_plain()
        query = read_query(self.target.pairs, self.context.catalogue.uses[use], self.context.catalogue)
        watch = info.verb == "watch"
        allowed = _allow(info.verb if use != "log" else "log", f"{info.verb} only reads.")
        if use == "log":
            return replace(self.answered(found, query, allowed), action=KubernetesAction.LOG)
        found = replace(
            found, watch=watch, action=KubernetesAction.WATCH if watch else KubernetesAction.ANSWER
        )
        if info.resource != SECRETS:
            return self.answered(found, query, allowed)
        if self.context.secrets:
            reason = f"{info.verb} only reads, and the grant includes the values of Secrets."
            return replace(self.answered(found, query, _allow("secrets", reason)), shows=True)
        return self.masked(found, query, allowed)

    def use_of(self, info: Info) -> Use | None:
        """Which parameters a GET takes; None where it is no read."""
        catalogue = self.context.catalogue
        if info.special:
            return None if info.subresource else "list"
        if info.group in catalogue.measured:
            return "get" if info.subresource or info.name else "list"
        if info.rest:
            return None
        if not info.subresource:
            return "get" if info.name else "list"
        entry = catalogue.read_subresources.get(info.subresource)
        if entry is None or (entry.of and info.resource not in entry.of):
            return None
        return entry.use

    def masked(self, found: KubernetesJudgement, query: Query, allowed: Verdict) -> KubernetesJudgement:
        """Ask for Secrets in a form that can be masked."""
        accept = accepted_for_secrets(self.request)
        if not accept:
            reason = "Secrets are answered as JSON, their values masked; the client takes other forms only."
            verdict = _refuse("secrets.accept", reason)
            return replace(found, verdict=verdict, action=KubernetesAction.NONE, unacceptable=True)
        # Indented events would not be one a line.
        sent = self.sent(query.without("pretty"), ("accept", accept), ("accept-encoding", "identity"))
        return replace(found, verdict=allowed, request=sent, masks=True)

    def reviewed(
        self, found: KubernetesJudgement, info: Info, *, allowed: bool, reason: str
    ) -> KubernetesJudgement:
        """Judge a question that is asked by POST."""
        if self.request.method != "POST" or info.name or info.subresource or info.special:
            return replace(found, verdict=_refuse("review", "This is no way to ask for a review."))
        said = f"This {reason}."
        if not allowed:
            return replace(found, verdict=_refuse("review", said))
        self.check_upgrade()
        query = self.query("review")
        body, media = self.body()
        headers = [("accept", accepted(self.request)), *([("content-type", media)] if body else [])]
        sent = self.sent(query, *headers, body=body)
        return replace(found, verdict=_allow("review", said), request=sent, action=KubernetesAction.ANSWER)

    def executed(self, found: KubernetesJudgement, info: Info) -> KubernetesJudgement:
        """Judge a command in a pod."""
        pod = info.group == "" and info.resource == "pods" and info.namespace and info.name
        if not pod or info.rest or info.special or self.request.method not in ("GET", "POST"):
            return replace(found, verdict=_refuse("exec", "This is no way to run a command in a pod."))
        if self.request.body:
            return replace(found, verdict=_refuse("exec", "A command in a pod takes no body."))
        return judge_exec(
            self.request, rebuilt_path(self.target.segments), self.query("exec"), self.context, found
        )

    def written(self, found: KubernetesJudgement, info: Info) -> KubernetesJudgement:
        """Judge everything that is no read by its method."""
        named = bool(info.name)
        method = self.request.method
        wrong = named and not info.subresource if method == "POST" else not named and method != "DELETE"
        if info.special or info.rest or wrong:
            return replace(found, verdict=_refuse("verb", f"The API has no {method} there."))
        if asks_dry_run(self.request, self.target):
            self.check_upgrade()
            return judge_dry_run(self.request, self.target, self.context, info, found)
        return self.refused(found, info, _changes(info))

    def refused(self, found: KubernetesJudgement, info: Info, verdict: Verdict) -> KubernetesJudgement:
        """Refuse a write, and say what it would do where a change request can carry it."""
        if verdict.decision is not Decision.CHANGE:
            return replace(found, verdict=verdict)
        write: ObjectWrite = write_of(self.request, self.target, info)
        return replace(found, verdict=verdict, title=title_of(write), writes=(write,))

    def answered(self, found: KubernetesJudgement, query: Query, allowed: Verdict) -> KubernetesJudgement:
        """Allow a request that has one answer."""
        action = found.action if found.action is not KubernetesAction.NONE else KubernetesAction.ANSWER
        sent = self.sent(query, ("accept", accepted(self.request)))
        return replace(found, verdict=allowed, request=sent, action=action)

    def query(self, use: Use) -> Query:
        """Read the query by one of the catalogue's tables."""
        return read_query(self.target.pairs, self.context.catalogue.uses[use], self.context.catalogue)

    def body(self) -> tuple[bytes | None, str]:
        """Return the body of a question, and what it is: JSON is rebuilt, protobuf goes as it is."""
        if not self.request.body:
            return None, ""
        if media_type(self.request) == PROTOBUF:
            read_envelope(self.request.body)
            return self.request.body, PROTOBUF
        value: Json = strict_json(self.request.body, folds=False)
        if not isinstance(value, dict):
            raise NotRead("body", "The body is no object.")
        return rebuilt_json(value), "application/json"

    def check_plain(self) -> None:
        """Refuse what no plain read has."""
        if self.request.body:
            raise NotRead("body", "A read has no body.")
        self.check_upgrade()

    def check_upgrade(self) -> None:
        """Refuse to let the connection become anything but an answer."""
        if wants_upgrade(self.request):
            raise NotRead("upgrade", "Only an exec turns the connection into something else.")

    def sent(self, query: Query, *headers: tuple[str, str], body: bytes | None = None) -> Request:
        """Return the request that goes on."""
        target = rebuilt_path(self.target.segments) + rebuilt_query(query.pairs)
        return Request(self.request.method, target, forwarded(self.request, *headers), body)


def _allow(rule: str, reason: str) -> Verdict:
    return Verdict(Decision.ALLOW, f"kubernetes.{rule}", reason)


def _refuse(rule: str, reason: str) -> Verdict:
    return Verdict(Decision.REFUSE, f"kubernetes.{rule}", reason)


def _changes(info: Info) -> Verdict:
    what = f"{info.verb} of {info.resource}" + (f"/{info.subresource}" if info.subresource else "")
    return Verdict(Decision.CHANGE, f"kubernetes.{info.verb}", f"{what} changes the cluster.")
