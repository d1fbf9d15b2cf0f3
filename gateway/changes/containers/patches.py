"""The files that a change request of containers proposes, against the repository as it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gateway.changes.containers.compose import (
    Brought,
    Sought,
    binds_of,
    candidates,
    new_name,
    service_of,
    services_of,
    with_declared,
    with_image,
    with_service,
)
from gateway.changes.containers.parts import all_parts
from gateway.changes.host.mapping import place_of
from gateway.changes.host.parts import FilePart
from gateway.changes.host.patches import PLAIN, Work
from gateway.changes.host.prepare import without_new_secrets
from gateway.changes.yaml_text import written
from gateway.domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.changes.containers.parts import ContainerPart
    from gateway.domain.change import FilePatch
    from gateway.domain.endpoint import Repository
    from gateway.judge.http.bodies import Json
    from gateway.store.changes import StoredChange

RESTARTS: Final = frozenset({"restart", "start", "stop", "kill", "pause", "unpause"})
"""What changes no definition: at most, the artifact that runs is deployed again."""
_WHY: Final = {
    "create": "a command that is run once is a job of the pipeline that deploys",
    "remove": "a service goes by taking its entry out of the compose file, and deploying that",
    "prune": "what nothing uses is removed by the pipeline that deploys",
    "build": "an image is built by CI from the Dockerfile in the repository",
    "commit": "an image is built by CI from the Dockerfile in the repository, never from a container",
    "load": "an image comes from a registry, where CI has pushed it",
    "push": "an image is pushed by the CI that built it",
    "tag": "an image gets its name from the CI that built it",
    "rename": "a container gets its name from the compose file",
}


def compose_files(change: StoredChange, repository: Repository) -> tuple[str, ...]:
    """Return where the compose file may stand, the likeliest first.

    Args:
        change: with its units.
        repository: where it goes.
    """
    labelled = [path for part in all_parts(change) for path in part.files]
    return candidates(repository.image, labelled)


def places(change: StoredChange, repository: Repository, held: Mapping[str, bytes]) -> tuple[str, ...]:
    """Return the repository's files that a change request looks at beside compose files.

    Args:
        change: with its units.
        repository: where it goes.
        held: the compose files that there are.

    Raises:
        InvalidInput: a path that git could not hold.
    """
    work = _Containers(change, repository, held)
    return tuple(
        dict.fromkeys(
            place_of(each.path, work.mapping(part))[0]
            for part in all_parts(change)
            for each in part.parts
            if isinstance(each, FilePart)
        )
    )


def patches(
    change: StoredChange, repository: Repository, held: Mapping[str, bytes]
) -> tuple[tuple[FilePatch, ...], tuple[str, ...]]:
    """Return the proposed files, and what a reviewer must know beside them.

    Args:
        change: with its units.
        repository: where it goes.
        held: the repository's files that it looks at, those that there are.

    Raises:
        InvalidInput: a path that git could not hold.
    """
    work = _Containers(change, repository, held)
    for part in all_parts(change):
        work.carry(part)
    return work.files(), tuple(dict.fromkeys(work.notes))


@dataclass(slots=True)
class _Containers(Work):
    """The repository's files, one request after the other carried into them."""

    def carry(self, part: ContainerPart) -> None:
        """Carry one request into the repository's files."""
        if part.parts:
            plain, self.repository = self.repository, replace(self.repository, paths=self.mapping(part))
            for each in part.parts:
                self.take(each)
            self.repository = plain
        elif part.sort == "container" and part.verb in RESTARTS:
            self.by_hand.append(
                (part.command, f"{self._redeployed(part)} is a redeploy of the artifact that runs")
            )
        elif part.sort == "image" and part.verb == "pull" and "image" in part.wants:
            self._pull(part)
        elif part.wants:
            self._service(part)
        else:
            self.by_hand.append((part.command, _WHY.get(part.verb, "a person must turn it into code")))

    def mapping(self, part: ContainerPart) -> dict[str, str]:
        """Where a container's files come from: what its service mounts of the repository, the endpoint's own.

        Args:
            part: speaks of the container.
        """
        found = self._found(part)
        if found is None:
            return dict(self.repository.paths)
        compose, text, service = found
        return {**binds_of(services_of(text).get(service, {}), compose), **self.repository.paths}

    def _redeployed(self, part: ContainerPart) -> str:
        found = self._found(part)
        what = {"stop": "stopping for good is a change of its entry there; else this"}.get(part.verb, "this")
        return f"it runs the service {found[2]} of {found[0]}; {what}" if found else what

    def _compose(self) -> tuple[str, str] | None:
        """The compose file and its text."""
        for path in compose_files(self.change, self.repository):
            content = self.base(path)
            text = content.decode("utf-8", "replace") if content is not None else ""
            if content is not None and services_of(text) and text.encode() == content:
                return path, text
        return None

    def _found(self, part: ContainerPart) -> tuple[str, str, str] | None:
        """The compose file, its text, and the service in it that a request speaks of."""
        compose = self._compose()
        if compose is None:
            return None
        service = service_of(services_of(compose[1]), self._sought(part))
        return (*compose, service) if service else None

    @staticmethod
    def _sought(part: ContainerPart) -> Sought:
        image = "" if part.verb == "create" else part.image
        return Sought(part.service, part.name, part.names, image)

    def _service(self, part: ContainerPart) -> None:
        """Bring a service's entry to say what a request wants, or add one."""
        compose, found = self._compose(), self._found(part)
        if compose is None:
            self._page_of(part, "the repository has no compose file that can be read")
        elif found is not None:
            edit = Brought(found[1], found[2], composed=bool(part.service))
            edit.want(
                {key: value for key, value in part.wants.items() if not (part.service and key in _COMPOSED)}
            )
            after = edit.text if part.service else with_declared(edit.text, part.wants)
            self._write(compose[0], edit.text if after is None else after)
            if edit.left:
                left = {
                    key: value
                    for key, value in part.wants.items()
                    if key in {each.partition(".")[0] for each in edit.left}
                }
                self._page_of(
                    part,
                    f"{', '.join(edit.left)} of {found[2]} in {found[0]} can't be edited by itself",
                    left,
                )
            elif edit.text == found[1]:
                self.by_hand.append((part.command, f"{found[0]} says so already: this is a redeploy"))
        elif part.verb == "create":
            self._new(part, *compose)
        else:
            self._page_of(part, f"{compose[0]} has no service that is surely this one")

    def _new(self, part: ContainerPart, path: str, text: str) -> None:
        name = new_name(Sought("", part.name, image=part.image))
        wanted = dict(part.wants)
        if part.name and part.sort == "container":
            wanted["container_name"] = part.name
        after = with_service(text, name, wanted) if name not in services_of(text) else None
        after = None if after is None else with_declared(after, wanted)
        if after is None:
            self._page_of(part, f"no service can be put into {path} by itself")
        else:
            self.notes.append(f"a service {name} is proposed, with what the command said and nothing else")
            self._write(path, after)

    def _pull(self, part: ContainerPart) -> None:
        compose = self._compose()
        image = str(part.wants["image"])
        text, services = with_image(compose[1], image) if compose is not None else ("", ())
        if compose is None or not services:
            self.by_hand.append(
                (part.command, "an image is pulled where a deployment names it; no service does that yet")
            )
            return
        self._write(compose[0], text)
        self.notes.append(f"pulled by {', '.join(services)} at the next deployment")

    def _write(self, path: str, text: str) -> None:
        shown = self.shown(path, text.encode())
        if shown != (self.base(path) or b""):
            self.now[path] = (shown, PLAIN)

    def _page_of(self, part: ContainerPart, why: str, wanted: Mapping[str, Json] | None = None) -> None:
        """Leave it to a person, with the lines that a compose file would have."""
        said = dict(part.wants) if wanted is None else dict(wanted)
        name = new_name(self._sought(part))
        text = f"{part.command}\n\n{written({'services': {name: said}})}"
        shown = without_new_secrets(b"", text.encode()).decode()
        self.by_hand.append((shown, why))


_COMPOSED: Final = frozenset({"volumes", "labels", "network_mode", "networks", "hostname", "entrypoint"})
"""Keys that compose itself fills in for a container of its own, from more than its entry says."""


def unseen_files(change: StoredChange, repository: Repository) -> dict[str, bytes]:
    """Return the files as containers have them, in the place of a repository that can't be looked at.

    Args:
        change: with its units.
        repository: where it goes.
    """
    held: dict[str, bytes] = {}
    for part in all_parts(change):
        for each in part.parts:
            if isinstance(each, FilePart) and each.old is not None:
                try:
                    held.setdefault(place_of(each.path, repository.paths)[0], each.old)
                except InvalidInput:
                    continue
    return held
