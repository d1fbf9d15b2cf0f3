"""What a refused request would have done to a cluster's objects, as far as that is known without doing it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ObjectVerb(StrEnum):
    """What happens to an object, in the API's own words."""

    CREATE = "create"
    UPDATE = "update"
    PATCH = "patch"
    DELETE = "delete"
    DELETE_COLLECTION = "deletecollection"


class PatchKind(StrEnum):
    """How the body of a patch is meant, by its media type."""

    STRATEGIC = "application/strategic-merge-patch+json"
    MERGE = "application/merge-patch+json"
    JSON = "application/json-patch+json"
    APPLY = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True)
class ObjectWrite:
    """One object, or a collection of them, would have been written.

    Attributes:
        verb: what would have happened to it.
        group: of its API; empty for the core.
        version: of its API.
        resource: in the plural, as in the path, such as ``deployments``.
        namespace: empty where it belongs to the whole cluster.
        name: empty where it is not known: of a collection, or to be made up by the server.
        subresource: such as ``scale``; empty for the object itself.
        kind: as its body says; empty where it doesn't.
        patch: how the body of a patch is meant; None for anything else.
        body: as sent; None where there is none, or it was too large to be judged.
        media: what the body says that it is; empty where it doesn't.
        manager: who the client says manages the fields.
        force: whether an apply takes fields over from other managers.
    """

    verb: ObjectVerb
    group: str
    version: str
    resource: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    kind: str = ""
    patch: PatchKind | None = None
    body: bytes | None = None
    media: str = ""
    manager: str = ""
    force: bool = False

    @property
    def api_version(self) -> str:
        """As a manifest says it, such as ``apps/v1``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def what(self) -> str:
        """The object as kubectl calls it, such as ``deployments.apps/web``."""
        resource = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{resource}/{self.name}" if self.name else resource
