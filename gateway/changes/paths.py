"""The one normaliser for paths into git, and the slugs that names become."""

from __future__ import annotations

import re
import unicodedata

from gateway.domain.errors import InvalidInput

MAX_PATH = 512
MAX_NAME = 200
_SLUG = 48

# Characters that file systems drop or fold: ``.g<U+200C>it`` would become ``.git`` on somebody's machine.
_IGNORED = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")
_GIT = re.compile(r"(?i)^(?:\.git|git~\d+)[. ]*(?:::?.*)?$")

# What builds, reviews or deploys the repository: a change request is data for these, never a change of them.
_CI_FOLDERS = frozenset(
    [
        ".github",
        ".gitlab",
        ".gitea",
        ".forgejo",
        ".circleci",
        ".buildkite",
        ".woodpecker",
        ".drone",
        ".tekton",
        ".teamcity",
        ".semaphore",
        ".azuredevops",
        ".azure-pipelines",
        ".harness",
        ".cirrus",
        ".ci",
        ".husky",
        ".git-hooks",
        ".githooks",
        ".argo-ci",
    ]
)
_CI_FILES = frozenset(
    [
        ".gitlab-ci.yml",
        ".gitlab-ci.yaml",
        ".travis.yml",
        ".drone.yml",
        ".drone.yaml",
        ".drone.star",
        ".woodpecker.yml",
        ".woodpecker.yaml",
        ".cirrus.yml",
        ".cirrus.star",
        ".appveyor.yml",
        "appveyor.yml",
        "azure-pipelines.yml",
        "azure-pipelines.yaml",
        "bitbucket-pipelines.yml",
        "buildspec.yml",
        "buildspec.yaml",
        "cloudbuild.yaml",
        "cloudbuild.yml",
        "codefresh.yml",
        "concourse.yml",
        "jenkinsfile",
        ".pre-commit-config.yaml",
        ".pre-commit-hooks.yaml",
        "wercker.yml",
        "shippable.yml",
        "codeowners",
        ".gitmodules",
        ".gitattributes",
        ".gitignore",
        ".mailmap",
        ".lfsconfig",
        ".envrc",
    ]
)


def normalise(path: str, *, root: str) -> str:
    """Return the path as git writes it, proven to be safe to put into a repository.

    Args:
        path: relative path with slashes.
        root: folder it must lie in (relative to the repository); empty: anywhere.

    Raises:
        InvalidInput: absolute, outside of the root, with dot parts, a form of ``.git``, control characters, a
            CI definition, or too long. The message names the path and what is wrong.
    """
    shown = path.encode("unicode_escape").decode()[:200]
    if "\\" in path or any(unicodedata.category(each) in ("Cc", "Cs") for each in path):
        raise InvalidInput(f"the path {shown} holds a backslash or a control character")
    if len(path.encode()) > MAX_PATH:
        raise InvalidInput(f"the path {shown} is longer than {MAX_PATH} bytes")
    composed = unicodedata.normalize("NFC", path)
    parts = composed.split("/")
    for part in parts:
        _check_part(part, shown)
    _check_ci(parts, shown)
    wanted = folder(root)
    if wanted and parts[: len(wanted)] != wanted:
        raise InvalidInput(f"the path {shown} lies outside of {root}", hint=f"keep the file in {root}")
    if len(parts) <= len(wanted):
        raise InvalidInput(f"the path {shown} names a folder")
    return composed


def folder(root: str) -> list[str]:
    """Return the parts of a folder's path as configured; an empty list is the repository's top.

    Raises:
        InvalidInput: as for a path.
    """
    trimmed = root.strip("/").removeprefix("./")
    if trimmed in ("", "."):
        return []
    parts = unicodedata.normalize("NFC", trimmed).split("/")
    for part in parts:
        _check_part(part, root.encode("unicode_escape").decode())
    return parts


def _check_part(part: str, shown: str) -> None:
    """Refuse a part of a path that is empty, made of dots, or a form of ``.git``."""
    bare = _IGNORED.sub("", unicodedata.normalize("NFKC", part))
    if not part or bare.strip(" .") == "":
        raise InvalidInput(f"the path {shown} holds an empty or a dot part")
    if len(part.encode()) > MAX_NAME:
        raise InvalidInput(f"the path {shown} holds a name longer than {MAX_NAME} bytes")
    if bare != part and _IGNORED.search(part):
        raise InvalidInput(f"the path {shown} holds invisible characters")
    if _GIT.match(bare.split(":", maxsplit=1)[0]) or _GIT.match(bare):
        raise InvalidInput(f"the path {shown} leads into git's own folder")


def _check_ci(parts: list[str], shown: str) -> None:
    """Refuse what a CI system, a forge or git itself would act on."""
    lowered = [part.casefold().rstrip(". ") for part in parts]
    if any(part in _CI_FOLDERS for part in lowered[:-1]) or lowered[-1] in _CI_FILES | _CI_FOLDERS:
        raise InvalidInput(
            f"the path {shown} defines CI or governs the repository itself",
            hint="change such files by hand, in a review of their own",
        )


def slug(text: str, *, separator: str = "-") -> str:
    """Return a name for files and branches: ASCII letters, digits, the separator; ``change`` if empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    whole = separator.join(re.findall(r"[a-z0-9]+", plain))
    return whole[:_SLUG].strip(separator) or "change"
