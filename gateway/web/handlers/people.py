"""People and roles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.access.presence import require_login
from gateway.domain.errors import InvalidInput
from gateway.domain.identity import IdentityKind
from gateway.domain.secret import Secret
from gateway.web.shapes import identity as shapes

if TYPE_CHECKING:
    from gateway.store.people import Person
    from gateway.web.routes import Call
    from gateway.web.shapes.shape import Nothing


async def list_people(call: Call, _question: Nothing) -> shapes.PersonList:
    """List everybody, by name."""
    return shapes.PersonList(people=tuple(_facts(one) for one in await call.parts.people.list(call.identity)))


async def add_person(call: Call, question: shapes.NewPerson) -> shapes.Person:
    """Add somebody who may log in."""
    try:
        kind = IdentityKind(question.kind)
    except ValueError:
        known = ", ".join(one.value for one in IdentityKind)
        raise InvalidInput(f"{question.kind!r} is no kind of actor", hint=f"one of {known}") from None
    added = await call.parts.people.add(
        call.identity,
        question.name,
        display_name=question.display_name,
        email=question.email,
        kind=kind,
        password=Secret(question.password) if question.password else None,
        roles=question.roles,
    )
    return _facts(added)


async def remove_person(call: Call, question: shapes.PersonName) -> shapes.Done:
    """Remove somebody: tokens end at once, grants and sessions within a second."""
    gone = await call.parts.people.remove(call.identity, question.name)
    return shapes.Done(done=f"{gone.name} is removed")


async def set_password(call: Call, question: shapes.NewPassword) -> shapes.Done:
    """Set a password: one's own, which takes the current one, or another's where one administers."""
    async with call.parts.store.connection() as connection:
        # A machine token must not outlive itself by a password of its own.
        await require_login(connection, call.identity, "passwords are set")
    if question.name == call.identity.name:
        await call.parts.authenticator.confirm(call.identity, Secret(question.current), call.source)
    await call.parts.people.set_password(call.identity, question.name, Secret(question.password))
    return shapes.Done(done=f"{question.name} has a new password; other logins of theirs are over")


async def grant_role(call: Call, question: shapes.PersonRole) -> shapes.Done:
    """Give somebody a role."""
    await call.parts.people.give_role(call.identity, question.name, question.role)
    return shapes.Done(done=f"{question.name} has the role {question.role}")


async def remove_role(call: Call, question: shapes.PersonRole) -> shapes.Done:
    """Take a role away; what was granted because of it ends within a second."""
    await call.parts.people.take_role(call.identity, question.name, question.role)
    return shapes.Done(done=f"{question.name} no longer has the role {question.role}")


def _facts(one: Person) -> shapes.Person:
    return shapes.Person(
        name=one.name,
        kind=one.kind.value,
        display_name=one.display_name,
        email=one.email,
        roles=tuple(sorted(one.roles)),
    )
