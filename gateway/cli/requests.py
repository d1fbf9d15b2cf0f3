"""request, requests, approve, deny."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.durations import duration_text, moment_text, parse_duration
from gateway.cli.options import EndpointArgument, Json, Limit, client_of
from gateway.cli.show import print_json, say, table
from gateway.cli.statuses import Status
from gateway.domain.display import display

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.cli.client import Client
    from gateway.web.shapes.access import GrantFacts, RequestFacts
    from gateway.web.shapes.shape import Question

SHOWING = " with the values of Secrets"
HEADS = ("ID", "WHO", "ENDPOINT", "COULD READ", "FOR", "STATE", "HOLDS", "REASON")


def request(
    ctx: typer.Context,
    endpoint: EndpointArgument,
    *,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; policy may ask for a ticket.")],
    duration: Annotated[str, typer.Option("--for", help="How long from the first connection.")] = "1h",
    secrets: Annotated[
        bool, typer.Option("--secrets", help="See the values of a cluster's Secrets; else they are masked.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Return when it is decided.")] = False,
    within: Annotated[str, typer.Option(help="With --wait: give up after this long.")] = "",
    json: Json = False,
) -> None:
    """Ask to read an endpoint, for a reason, for so long.

    The clock starts at the first connection. With --wait the status is 0 when approved,
    77 when denied, 75 when the time given is over. With --secrets, for clusters alone, the values of
    Secrets are shown for as long as the grant lasts; that always takes an approver.

    Example:
      glassgate request orders-db --for 1h --reason "INC-42: checkout is slow" --wait
      glassgate request prod-k8s --for 30m --reason "INC-43: is it the old password?" --secrets
    """
    from gateway.web.shapes.access import FileRequest, RequestFacts

    client = client_of(ctx)
    question = FileRequest(
        endpoint=endpoint, seconds=parse_duration(duration), reason=reason, secrets=secrets
    )
    filed = client.call("POST /v1/requests", question, RequestFacts)
    if not json:
        say(told(filed))
    if wait and filed.state == "pending":
        if not json:
            say("Waiting for the decision (Ctrl-C stops waiting, the request stays).", "dim")
        filed = decided(client, filed.id, seconds=parse_duration(within) if within else None)
        if not json:
            say(told(filed))
    if json:
        import msgspec

        print_json(msgspec.json.encode(filed))
    raise_for(filed, waited=wait)


def told(filed: RequestFacts) -> str:
    """Say in one sentence where a request stands."""
    head = f"Request {filed.id}: {_what(filed)} for {duration_text(filed.seconds)}"
    match filed.state:
        case "pending":
            return f"{head} is waiting for {_approvers(filed)} (glassgate approve {filed.id})"
        case "approved":
            return f"{head} is approved: glassgate connect {display(filed.endpoint)}"
        case _:
            words = f": {display(filed.decision)}" if filed.decision else ""
            return f"{head} was {filed.state}{words}"


def _what(one: RequestFacts) -> str:
    left_out = " without the values of Secrets" if one.secrets_left_out else ""
    return display(one.endpoint) + (left_out or (SHOWING if one.secrets else ""))


def _approvers(filed: RequestFacts) -> str:
    left = max(filed.needed - len(filed.approvals), 1)
    return "an approver" if left == 1 else f"{left} approvers"


def decided(client: Client, number: int, *, seconds: float | None) -> RequestFacts:
    """Wait until a request is no longer pending.

    Args:
        client: of whoever asked.
        number: of the request.
        seconds: wait so long at most; None: for ever.

    Returns:
        The request as it stands then; still pending where the time is over.
    """
    from gateway.web.shapes.access import RequestFacts, WaitForRequest

    end = None if seconds is None else time.monotonic() + seconds
    while True:
        left = 60.0 if end is None else min(60.0, max(0.0, end - time.monotonic()))
        now = client.call(
            "GET /v1/requests/{id}/decision", WaitForRequest(id=number, seconds=int(left)), RequestFacts
        )
        if now.state != "pending" or (end is not None and time.monotonic() >= end):
            return now


def raise_for(filed: RequestFacts, *, waited: bool) -> None:
    """End with the status that tells where a request stands, unless all is well."""
    if filed.state == "pending" and waited:
        raise typer.Exit(Status.WAITING)
    if filed.state not in {"pending", "approved"}:
        raise typer.Exit(Status.NOT_AUTHORISED)


def requests(
    ctx: typer.Context,
    number: Annotated[
        int | None, typer.Argument(metavar="[ID]", help="One request, told in full; else all.")
    ] = None,
    *,
    state: Annotated[str, typer.Option(help="pending, approved, denied, withdrawn or lapsed.")] = "",
    mine: Annotated[bool, typer.Option("--mine", help="Only your own.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on, and show each as it comes or moves.")
    ] = False,
    limit: Limit = 100,
    json: Json = False,
) -> None:
    """List access requests, yours and those you may decide.

    Example:
      glassgate requests --state pending
      glassgate requests 1
      glassgate requests --watch
    """
    import msgspec

    from gateway.web.shapes.access import ListRequests, RequestFacts, RequestId, RequestList

    client = client_of(ctx)
    if number is not None:
        one = client.body("GET /v1/requests/{id}", RequestId(id=number))
        if json:
            print_json(one)
        else:
            _told_whole(msgspec.json.decode(one, type=RequestFacts))
        return
    question = ListRequests(state=state, mine=mine, limit=limit)
    if watch:
        for line in client.json_lines("GET /v1/requests/watch", question):
            if json:
                print(line.decode(), flush=True)
            else:
                _told_whole(msgspec.json.decode(line, type=RequestFacts))
        return
    body = client.body("GET /v1/requests", question)
    if json:
        print_json(body)
        return
    table(HEADS, _rows(msgspec.json.decode(body, type=RequestList).requests), empty="No access requests.")


def _rows(found: Iterable[RequestFacts]) -> Iterable[tuple[str, ...]]:
    for one in found:
        state = one.state
        if state == "pending" and one.needed > 1:
            state = f"pending {len(one.approvals)}/{one.needed}"
        yield (
            str(one.id),
            one.identity,
            one.endpoint,
            _could_read(one),
            duration_text(one.seconds),
            state,
            ", ".join(_until(grant) for grant in one.holds) or "nothing",
            one.reason,
        )


def _told_whole(one: RequestFacts) -> None:
    """Print what an approver wants to know, what they hold and could read included."""
    from gateway.cli.show import facts

    say(f"{moment_text(one.decided_at or one.created_at)}  request {one.id} is {one.state}", "bold")
    facts(
        [
            ("who", one.identity),
            ("what", one.endpoint),
            ("why", one.reason),
            ("how long", duration_text(one.seconds)),
            ("filed", moment_text(one.created_at)),
            ("could read", _could_read(one)),
            ("holds already", "\n".join(_held(grant) for grant in one.holds) or "nothing"),
            ("approved by", ", ".join(one.approvals)),
            ("decision", one.decision),
        ]
    )


def _held(grant: GrantFacts) -> str:
    return f"grant {grant.id}{SHOWING if grant.secrets else ''}, {_until(grant)}: {grant.reason}"


def _until(grant: GrantFacts) -> str:
    return f"until {moment_text(grant.ends_at)}" if grant.ends_at else "not used yet"


def _could_read(one: RequestFacts) -> str:
    values = "no values of Secrets" if one.secrets_left_out else "values of Secrets" if one.secrets else ""
    return ", ".join(filter(None, (_labels(one), values)))


def _labels(one: RequestFacts) -> str:
    return " ".join(f"{key}={value}" for key, value in sorted(one.labels.items()))


def withdraw(ctx: typer.Context, number: Annotated[int, typer.Argument(metavar="ID")]) -> None:
    """Take an access request of your own back.

    Example:
      glassgate withdraw 1
    """
    from gateway.web.shapes.access import RequestFacts, RequestId

    client = client_of(ctx)
    say(told(client.call("POST /v1/requests/{id}/withdraw", RequestId(id=number), RequestFacts)))


def approve(
    ctx: typer.Context,
    number: Annotated[int, typer.Argument(metavar="ID")],
    *,
    duration: Annotated[str, typer.Option("--for", help="For so long, where less than asked for.")] = "",
    note: Annotated[str, typer.Option(help="Words to go with it.")] = "",
    without_secrets: Annotated[
        bool,
        typer.Option("--without-secrets", help="Without the values of Secrets, where they were asked for."),
    ] = False,
    json: Json = False,
) -> None:
    """Approve an access request.

    Example:
      glassgate approve 1 --for 30m
      glassgate approve 2 --without-secrets
    """
    from gateway.web.shapes.access import Approve

    seconds = parse_duration(duration) if duration else 0
    question = Approve(id=number, seconds=seconds, note=note, without_secrets=without_secrets)
    _decide(ctx, "POST /v1/requests/{id}/approve", question, json=json)


def deny(
    ctx: typer.Context,
    number: Annotated[int, typer.Argument(metavar="ID")],
    *,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; shown to whoever asked.")],
    json: Json = False,
) -> None:
    """Deny an access request.

    Example:
      glassgate deny 1 --reason "use the replica"
    """
    from gateway.web.shapes.access import Deny

    _decide(ctx, "POST /v1/requests/{id}/deny", Deny(id=number, reason=reason), json=json)


def _decide(ctx: typer.Context, spot: str, question: Question, *, json: bool) -> None:
    import msgspec

    from gateway.web.shapes.access import RequestFacts

    body = client_of(ctx).body(spot, question)
    if json:
        print_json(body)
        return
    now = msgspec.json.decode(body, type=RequestFacts)
    head = f"Request {now.id} of {display(now.identity)} for {_what(now)}"
    if now.state == "pending":
        say(f"{head}: approved by {', '.join(now.approvals)}; {_approvers(now)} more to go")
    else:
        say(f"{head} is {now.state}", "good" if now.state == "approved" else "")
