"""What policy wants of a request before it is filed, and of whoever approves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.access.durations import spell
from gateway.domain.endpoint import EndpointKind
from gateway.domain.errors import InvalidInput, NotAuthorised

if TYPE_CHECKING:
    from datetime import timedelta

    from gateway.access.policy import Permissions
    from gateway.access.policy_files import ApprovalRule
    from gateway.domain.access import AccessRequest
    from gateway.domain.endpoint import Endpoint
    from gateway.domain.identity import Identity

ASK_FOR_SECRETS: Final = "request-secrets"
"""The action that access with the values of Secrets takes: to ask for it, and for as long as it lasts."""
APPROVE_SECRETS: Final = "approve-secrets"


def check_reason(rule: ApprovalRule, reason: str) -> None:
    """Check that a reason is what policy wants to see.

    Raises:
        InvalidInput: it isn't.
    """
    if rule.reason is not None and not rule.reason.search(reason):
        raise InvalidInput(
            "the reason is not what policy wants to see here",
            hint=rule.reason_hint or f"it must contain a match of {rule.reason.pattern}",
        )


def check_duration(rule: ApprovalRule, duration: timedelta) -> None:
    """Check that somebody may ask for so long.

    Raises:
        InvalidInput: it is too short for anything, or longer than anybody gets.
    """
    if duration.total_seconds() < 60:
        raise InvalidInput(
            "that is too short to look at anything", hint="a minute at least, such as --for 30m"
        )
    if duration > rule.longest:
        raise InvalidInput(
            f"nobody gets longer than {spell(rule.longest)} here", hint=f"--for {spell(rule.longest)} or less"
        )


def check_shorter(asked: AccessRequest, duration: timedelta | None) -> None:
    """Check that an approver gives no longer than was asked for.

    Raises:
        InvalidInput: it is longer, or no time at all.
    """
    if duration is not None and not 0 < duration.total_seconds() <= asked.duration.total_seconds():
        raise InvalidInput(
            f"{spell(asked.duration)} was asked for", hint=f"approve --for {spell(asked.duration)} or less"
        )


def check_secrets(identity: Identity, permissions: Permissions, endpoint: Endpoint) -> None:
    """Check that somebody may ask for the values of an endpoint's Secrets.

    Raises:
        InvalidInput: the endpoint is no cluster, so it has none.
        NotAuthorised: policy does not let them.
    """
    if endpoint.kind is not EndpointKind.KUBERNETES:
        raise InvalidInput(
            f"{endpoint.name} is a {endpoint.kind.value} endpoint; only a Kubernetes cluster has Secrets",
            hint="ask for it without --secrets",
        )
    if not permissions.allows(ASK_FOR_SECRETS, endpoint):
        raise NotAuthorised(
            f"policy does not let {identity.name} ask for the values of Secrets on {endpoint.name}",
            hint="ask without --secrets: names and keys are shown, values masked",
        )


def check_approval_of_secrets(
    identity: Identity, permissions: Permissions, asked: AccessRequest, endpoint: Endpoint
) -> None:
    """Check that somebody may approve a request with what it says of Secrets.

    Raises:
        NotAuthorised: it includes their values, and policy does not let them approve that.
    """
    if asked.shows_secrets and not permissions.allows(APPROVE_SECRETS, endpoint):
        raise NotAuthorised(
            f"policy does not let {identity.name} approve the values of Secrets on {endpoint.name}",
            hint=f"glassgate approve {asked.id} --without-secrets, or ask somebody who may",
        )


def approves_itself(rule: ApprovalRule, identity: Identity, duration: timedelta, *, secrets: bool) -> str:
    """Return the role by which a request needs no approver; empty: it needs some.

    One for the values of Secrets always does: whoever has read a password has it after the grant's end, too.
    """
    if secrets or duration > rule.itself_longest:
        return ""
    return min(rule.approves_itself & identity.roles, default="")
