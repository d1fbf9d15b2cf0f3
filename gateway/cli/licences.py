"""licences: of everything Glassgate is built on, as the installed packages declare them."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from gateway.cli.options import Json
from gateway.cli.show import print_json, table


def licences(*, json: Json = False) -> None:
    """List the licences of everything Glassgate is built on.

    Example:
      glassgate licences
    """
    found = [
        {"name": one.metadata["Name"], "version": one.version, "licence": licence_of(one)}
        for one in sorted(needed("glassgate"), key=lambda one: str(one.metadata["Name"]).lower())
    ]
    if json:
        print_json(found)
        return
    table(
        ("NAME", "VERSION", "LICENCE"),
        ((one["name"], one["version"], one["licence"]) for one in found),
        empty="Nothing is installed.",
    )


def needed(name: str) -> list[Distribution]:
    """Return a distribution and everything it needs, as installed here; extras are left out.

    Args:
        name: of the distribution.
    """
    found: dict[str, Distribution] = {}
    waiting = [name]
    while waiting:
        one = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if one in found:
            continue
        try:
            found[one] = distribution(one)
        except PackageNotFoundError:
            continue
        needs = [line for line in found[one].requires or [] if "extra ==" not in line]
        waiting += [name for line in needs for name in re.findall(r"^[A-Za-z0-9._-]+", line)]
    return list(found.values())


def licence_of(one: Distribution) -> str:
    """Return a distribution's licence: its SPDX expression, else its classifiers, else its free text's start.

    Args:
        one: as installed.
    """
    if expressions := one.metadata.get_all("License-Expression"):
        return str(expressions[0])
    classifiers = [
        str(line).rsplit("::", 1)[-1].strip()
        for line in one.metadata.get_all("Classifier") or []
        if str(line).startswith("License ::")
    ]
    if classifiers:
        return ", ".join(dict.fromkeys(classifiers))
    texts = [str(text).strip() for text in one.metadata.get_all("License") or []]
    return next((text.splitlines()[0][:60] for text in texts if text), "not declared")
