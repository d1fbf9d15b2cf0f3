"""The policy: shown, reloaded, asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.access.policy_files import ACTIONS
from gateway.domain.errors import InvalidInput
from gateway.web.shapes import gateway as shapes

if TYPE_CHECKING:
    from gateway.web.routes import Call
    from gateway.web.shapes.shape import Nothing


async def show(call: Call, _question: Nothing) -> shapes.PolicyFacts:
    """Show the policy in force, and why newer files are not, where they are broken."""
    return _facts(call)


async def reload(call: Call, _question: Nothing) -> shapes.PolicyFacts:
    """Read the policy files again; broken ones leave the old policy in force."""
    await call.parts.upkeep.reload(call.identity.name)
    return _facts(call)


def _facts(call: Call) -> shapes.PolicyFacts:
    policy = call.parts.policy
    broken = "" if policy.broken is None else f"{policy.broken.message} → {policy.broken.hint}"
    return shapes.PolicyFacts(version=policy.version, files=dict(policy.files), broken=broken)


async def ask(call: Call, question: shapes.TryPolicy) -> shapes.PolicySays:
    """Ask what policy says: may somebody do an action at an endpoint, and by which row."""
    if question.action not in ACTIONS:
        raise InvalidInput(f"{question.action!r} is no action", hint=", ".join(sorted(ACTIONS)))
    person = await call.parts.people.get(call.identity, question.name)
    endpoint = None
    if question.endpoint:
        endpoint = await call.parts.endpoints.registration(call.identity, question.endpoint)
    allowed, why = await call.parts.policy.explain(person.roles, question.action, endpoint)
    where = f" at {endpoint.name}" if endpoint is not None else ""
    verb = "may" if allowed else "may not"
    return shapes.PolicySays(allowed=allowed, why=f"{person.name} {verb} {question.action}{where}: {why}")
