"""Commands that change packages, services, accounts and settings → what a host's definition would say."""

from __future__ import annotations

from typing import Final

from gateway.domain.host import Stanza
from gateway.judge.shell.catalogue import ShellCatalogue
from gateway.judge.shell.commands import Becomes, Form
from gateway.judge.shell.options import Prepared

_SORTS: Final = frozenset(("package", "service", "account", "schedule", "settings", "container", "manifest"))
_NAMED: Final[dict[str, Becomes]] = {
    **dict.fromkeys(("docker", "podman", "nerdctl", "docker-compose"), "container"),
    **dict.fromkeys(("kubectl", "helm", "oc"), "manifest"),
}
_ACTS_ALONE: Final = frozenset(("account", "schedule", "settings"))
_SERVICE_FIRST: Final = frozenset(("service", "rc-service", "invoke-rc.d", "rcctl"))


def stanza(catalogue: ShellCatalogue, argv: list[str]) -> Stanza | None:
    """Say what a command would change beside files; None where the catalogue has no word for it.

    Args:
        catalogue: says what becomes of a command.
        argv: literal, without ``sudo``.
    """
    prepared = catalogue.find(argv[0])
    if prepared is None:
        return None
    tool = argv[0].rpartition("/")[2]
    operands = [each for each in argv[1:] if not each.startswith("-")]
    sort = _NAMED.get(tool) or _becomes(prepared, operands)
    if sort not in _SORTS:
        return None
    if tool in _SERVICE_FIRST and len(operands) > 1:
        return Stanza(sort, tool, operands[1], (operands[0],))
    if sort in _ACTS_ALONE and not prepared.subcommands:
        options = [each for each in argv[1:] if each.startswith("-")]
        return Stanza(sort, tool, tool if operands else " ".join([tool, *options]), tuple(operands[-1:]))
    if not prepared.subcommands and tool not in _NAMED:
        return Stanza(sort, tool, tool, tuple(operands))
    return Stanza(sort, tool, operands[0] if operands else tool, tuple(operands[1:]))


def _becomes(prepared: Prepared, operands: list[str]) -> str:
    """Which sort of patch carries a command: what the catalogue says nearest to its words."""
    found = _of(prepared.form)
    for each in operands:
        below = prepared.subcommands.get(each)
        if below is None:
            break
        prepared = below
        found = _of(prepared.form) or found
    return found


def _of(form: Form) -> str:
    said: list[Becomes] = [form.becomes]
    said += [each.becomes for each in (form.beyond, form.otherwise) if each is not None]
    said += [each.becomes for each in form.denied]
    return next((each for each in said if each in _SORTS), "")
