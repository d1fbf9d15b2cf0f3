"""Values in objects that look like secrets, replaced before anything is kept; the recording has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.changes.secret_lines import hide_argv
from gateway.changes.secret_words import is_secret_header, is_secret_name
from gateway.changes.secrets_found import without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.judge.http.bodies import Json

PLACEHOLDER: Final = "[secret]"
COPIES: Final = frozenset({"kubectl.kubernetes.io/last-applied-configuration"})
"""Annotations that hold the whole object once more."""


def hidden(value: Json, known: frozenset[str] = frozenset()) -> Json:
    """Return a value without what looks like a secret in it.

    A text is one by its shape, or by the name that it goes by: its member's, that of the variable of an
    environment, the last part of a JSON patch's path.

    Args:
        value: an object, a patch, or a part of one.
        known: texts that stand in production anyhow, and are no news.
    """
    if isinstance(value, list):
        return _listed(value, known)
    if isinstance(value, dict):
        value = _of_command(value)
        called = _called(value)
        return {
            name: _by_name(called if name == "value" and called else name, each, known)
            for name, each in value.items()
            if name not in COPIES
        }
    return without_secrets(value) if isinstance(value, str) and value not in known else value


def texts(value: Json) -> Iterator[str]:
    """Yield every text in a value.

    Args:
        value: such as an object as it is.
    """
    if isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, str):
        yield value


def _by_name(name: str, value: Json, known: frozenset[str]) -> Json:
    if not (is_secret_name(name) or is_secret_header(name)):
        return hidden(value, known)
    if isinstance(value, str | int) and not isinstance(value, bool):
        return value if value in known else PLACEHOLDER
    if isinstance(value, list):
        return [_by_name(name if isinstance(each, str) else "", each, known) for each in value]
    if isinstance(value, dict) and isinstance(value.get("value"), str):
        return hidden({**value, "value": _by_name(name, value["value"], known)}, known)
    return hidden(value, known)


def _listed(values: list[Json], known: frozenset[str]) -> list[Json]:
    """A list; one of texts may be the words of a command."""
    words = [each for each in values if isinstance(each, str)]
    if len(words) < len(values):
        return [hidden(each, known) for each in values]
    shown = zip(words, hide_argv(words), strict=True)
    return [word if word in known else becomes for word, becomes in shown]


def _of_command(value: dict[str, Json]) -> dict[str, Json]:
    """A container whose command is cut into two lists: the words of the second are the first's."""
    command, more = value.get("command"), value.get("args")
    if not isinstance(command, list) or not isinstance(more, list):
        return value
    words = [each for each in (*command, *more) if isinstance(each, str)]
    if len(words) < len(command) + len(more):
        return value
    shown: list[Json] = [*hide_argv(words)]
    return {**value, "command": shown[: len(command)], "args": shown[len(command) :]}


def _called(value: dict[str, Json]) -> str:
    """What the value of a variable, or of an operation of a JSON patch, goes by."""
    for name in ("name", "path"):
        text = value.get(name)
        if isinstance(text, str) and "value" in value:
            return text.rpartition("/")[2].replace("~1", "/").replace("~0", "~")
    return ""
