"""What bash's users have in their fingers and no host is shown: ``!!``, ``!$``, ``ll``, ``history |``.

What stands for them is judged and recorded like a line that was typed so.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

ALIASES: Final = {"ll": "ls -alF", "la": "ls -A", "l": "ls -CF"}
"""Those of Debian's and Ubuntu's own ``.bashrc``, which no governed shell reads."""
MOST_PIPED: Final = 32 << 10
"""Characters of the history that a pipeline gets, the newest lines."""
_RECALLS: Final = re.compile(r"'[^']*'|\\.|!(?P<which>[!$])", re.DOTALL)
_FIRST_WORD: Final = re.compile(r"\s*([a-z]+)(?=\s|[|;&<>]|$)")
_HISTORY: Final = re.compile(r"\s*history(?:\s+(?P<most>\d{1,6}))?\s*(?P<rest>\|(?!\|).*)?", re.DOTALL)
_WORD: Final = re.compile(r"""(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+""", re.DOTALL)


def recalled(line: str, before: Sequence[str]) -> str | None:
    """Return a line with ``!!`` and ``!$`` replaced by the line before and its last word.

    Args:
        line: as typed.
        before: the lines entered before it, oldest first.

    Returns:
        None where there is none before that it could mean.
    """
    recalls = [found["which"] for found in _RECALLS.finditer(line) if found["which"]]
    if not recalls:
        return line
    if not before:
        return None
    words = _WORD.findall(before[-1])
    means = {"!": before[-1], "$": words[-1] if words else ""}
    return _RECALLS.sub(lambda found: means[found["which"]] if found["which"] else found[0], line)


def unaliased(line: str) -> str:
    """Return a line with the usual short names of ``ls`` written out."""
    found = _FIRST_WORD.match(line)
    if found is None or found[1] not in ALIASES:
        return line
    return f"{ALIASES[found[1]]}{line[found.end() :]}"


def history_of(line: str, lines: Sequence[str]) -> tuple[str, str] | None:
    """Return what ``history`` prints and the line that hands it to the commands behind its pipe.

    Args:
        line: as typed.
        lines: entered so far, oldest first.

    Returns:
        None: the line does not begin with ``history``. The second is empty where nothing is behind it.
    """
    found = _HISTORY.fullmatch(line)
    if found is None:
        return None
    numbered = [f"{at:5}  {each}" for at, each in enumerate(lines, 1)]
    if found["most"]:
        numbered = numbered[-int(found["most"]) :] if int(found["most"]) else []
    if not found["rest"]:
        return "".join(f"{each}\n" for each in numbered), ""
    text = "\n".join(numbered)
    if len(text) > MOST_PIPED:
        text = text[-MOST_PIPED:].partition("\n")[2]
    return "", f"printf '%s\\n' {shlex.quote(text)} {found['rest']}"
