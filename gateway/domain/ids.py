"""Identifiers: numbers given by the store, distinct types so that none is taken for another."""

from typing import NewType

IdentityId = NewType("IdentityId", int)
EndpointId = NewType("EndpointId", int)
RequestId = NewType("RequestId", int)
GrantId = NewType("GrantId", int)
SessionId = NewType("SessionId", int)
ChangeId = NewType("ChangeId", int)
UnitNumber = NewType("UnitNumber", int)
"""Place of a unit within its session, from 1."""
