"""What a refused request would have done to an engine, as far as that is known without doing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.domain.host import HostWrite


@dataclass(frozen=True, slots=True)
class ContainerWrite:
    """One request would have changed what an engine holds.

    Attributes:
        sort: of what: ``container``, ``image``, ``volume``, ``network``, ``service`` and so on.
        verb: what would have happened, such as ``create``, ``restart``, ``exec`` or ``copy-in``.
        name: of which; empty where it is not known.
        command: the docker command as a person would type it, as far as it is known.
        options: parameters of the query, as decoded.
        body: JSON, rebuilt from what was read; None where there is none, or it could not be read.
        writes: what a command in the container would have done to its files.
        folder: where uploaded files would have gone, or where the command would have run.
        archive: the uploaded tar archive; None where there is none, or it is too large to be kept.
    """

    sort: str
    verb: str
    name: str = ""
    command: str = ""
    options: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    writes: tuple[HostWrite, ...] = ()
    folder: str = ""
    archive: bytes | None = None

    def option(self, name: str) -> str:
        """The first value of a parameter; empty where it was not given.

        Args:
            name: of the parameter.
        """
        return next((value for each, value in self.options if each == name), "")


@dataclass(frozen=True, slots=True)
class Container:
    """A container as an engine describes it.

    Attributes:
        name: that the engine gave it, without its slash.
        image: that it was made of, as it was named then.
        labels: by name.
    """

    name: str
    image: str
    labels: Mapping[str, str] = field(default_factory=dict)
