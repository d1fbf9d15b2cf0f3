"""Commands that edit files → the files as they would be."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.domain.host import CopyOf, HostWrite, Known, Linked, ModeSet, Printed, Removed, Written

_MODE: Final = re.compile(r"[0-7]{3,4}|[ugoa]*[-+=][rwxXst]*(,[ugoa]*[-+=][rwxXst]*)*")
_SED_BUNDLE: Final = re.compile(r"-[nrEszu]*i[nrEszu]*")
_PATCH_QUIET: Final = frozenset(
    ("-s", "--quiet", "--silent", "-N", "--forward", "-u", "--unified", "--verbose", "-t", "-f")
)
_PATCH_VALUE: Final = re.compile(
    r"(?:-(?P<short>[pid])=?|--(?P<long>strip|input|directory)(?:=|$))(?P<value>.*)", re.DOTALL
)
_SED_VALUES: Final = ("-e", "-f", "-l", "--expression", "--file", "--line-length")


@dataclass(frozen=True, slots=True)
class Patching:
    """What ``patch`` is asked for.

    Attributes:
        file: the one file to patch; empty: those that the diff names.
        diff: file that the diff is read from; empty: standard input.
        folder: where to work; empty: where the shell stands.
        strip: folders that the diff's names lose; None: all.
    """

    file: str = ""
    diff: str = ""
    folder: str = ""
    strip: int | None = None


def patching(arguments: list[str]) -> Patching | None:
    """Read the arguments of GNU ``patch``; None where they ask for more than to apply a diff forwards.

    Args:
        arguments: all of them literal.
    """
    operands: list[str] = []
    asked: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word in _PATCH_QUIET:
            continue
        found = _PATCH_VALUE.fullmatch(word)
        if found is not None and (found["value"] or rest):
            asked[found["short"] or found["long"][0]] = found["value"] or rest.pop(0)
        elif word.startswith("-") and len(word) > 1:
            return None
        else:
            operands.append(word)
    strip = asked.get("p") or asked.get("s")
    if len(operands) > 2 or (strip is not None and not strip.isdecimal()):
        return None
    file, diff = [*operands, "", ""][:2]
    diff = asked.get("i") or diff
    return Patching(
        file, "" if diff == "-" else diff, asked.get("d", ""), None if strip is None else int(strip)
    )


class Edits:
    """Says what commands that edit files would do.

    Args:
        path: makes a path absolute, or gives up.
        printed: what a command prints, where it only reads.
    """

    __slots__ = ("_path", "_printed")

    def __init__(self, path: Callable[[str], str], printed: Callable[[list[str]], Printed | None]) -> None:
        self._path = path
        self._printed = printed

    def edit(self, name: str, arguments: list[str]) -> list[HostWrite] | None:
        """Say what a command would do.

        Args:
            name: of the command.
            arguments: all of them literal.

        Returns:
            None where that is not known.
        """
        match name:
            case "sed":
                return self._sed(arguments)
            case "cp" | "install":
                return self._copied(name, arguments)
            case "mv":
                return self._moved(arguments)
            case "rm" | "unlink":
                return self._removed(arguments)
            case "chmod":
                return self._mode(arguments)
            case "ln":
                return self._linked(arguments)
            case "touch":
                return self._touched(arguments)
            case "truncate":
                return self._truncated(arguments)
            case _:
                return None

    def _sed(self, arguments: list[str]) -> list[HostWrite] | None:
        kept: list[str] = []
        operands: list[str] = []
        suffix = ""
        scripted = False
        rest = list(arguments)
        while rest:
            word = rest.pop(0)
            if word.startswith("--in-place") or word == "-i" or (word[:2] == "-i" and len(word) > 2):
                suffix = word.partition("=")[2] if word.startswith("--") else word[2:]
            elif _SED_BUNDLE.fullmatch(word):
                kept.append(word.replace("i", "", 1))
            elif word in _SED_VALUES and rest:
                kept += [word, rest.pop(0)]
                scripted = True
            elif word.startswith("-") and len(word) > 1:
                kept.append(word)
            else:
                operands.append(word)
        script = [] if scripted else operands[:1]
        files = operands[len(script) :]
        if not files or suffix.strip("*") != suffix:
            return None
        found: list[HostWrite] = []
        for each in files:
            path = self._path(each)
            printed = self._printed(["sed", *kept, *script, path])
            if printed is None:
                return None
            if suffix:
                found.append(Written(path + suffix, CopyOf(path)))
            found.append(Written(path, printed))
        return found

    def _plain(self, arguments: list[str], letters: str) -> list[str] | None:
        """Operands, where no other options than these are given."""
        operands = [each for each in arguments if not each.startswith("-")]
        options = [each for each in arguments if each.startswith("-") and each != "--"]
        if any(each.startswith("--") or not set(each[1:]) <= set(letters) for each in options):
            return None
        return operands

    def _targets(self, operands: list[str]) -> list[tuple[str, str]] | None:
        """Sources with what they are copied or moved to."""
        if len(operands) < 2:
            return None
        *sources, target = operands
        into = target.endswith("/") or len(sources) > 1
        if not into and posixpath.basename(target) in (".", ".."):
            into = True
        return [
            (
                self._path(each),
                self._path(posixpath.join(target, posixpath.basename(each)) if into else target),
            )
            for each in sources
        ]

    def _copied(self, name: str, arguments: list[str]) -> list[HostWrite] | None:
        mode: int | None = None
        if name == "install" and "-m" in arguments:
            at = arguments.index("-m")
            text = arguments[at + 1] if at + 1 < len(arguments) else ""
            if not text.isdigit() or not set(text) <= set("01234567"):
                return None
            mode = int(text, 8)
            arguments = arguments[:at] + arguments[at + 2 :]
        operands = self._plain(arguments, "fpvniTD")
        pairs = None if operands is None else self._targets(operands)
        return (
            None
            if pairs is None
            else [Written(target, CopyOf(source), mode=mode) for source, target in pairs]
        )

    def _moved(self, arguments: list[str]) -> list[HostWrite] | None:
        operands = self._plain(arguments, "fvniT")
        pairs = None if operands is None else self._targets(operands)
        if pairs is None:
            return None
        found: list[HostWrite] = []
        for source, target in pairs:
            found += [Written(target, CopyOf(source)), Removed(source)]
        return found

    def _removed(self, arguments: list[str]) -> list[HostWrite] | None:
        operands = self._plain(arguments, "fvi")
        return [Removed(self._path(each)) for each in operands] if operands else None

    def _mode(self, arguments: list[str]) -> list[HostWrite] | None:
        while arguments and arguments[0] in ("-f", "-v", "-c", "--"):
            arguments = arguments[1:]
        if len(arguments) < 2 or any(each.startswith("-") for each in arguments[1:]):
            return None
        mode, *files = arguments
        return [ModeSet(self._path(each), mode) for each in files] if _MODE.fullmatch(mode) else None

    def _linked(self, arguments: list[str]) -> list[HostWrite] | None:
        if not any(each == "--symbolic" or re.fullmatch("-[nvT]*s[nvT]*", each) for each in arguments):
            return None  # git knows no hard links
        operands = self._plain([each for each in arguments if each != "--symbolic"], "snvT")
        if operands is None or len(operands) != 2:
            return None
        ((_, path),) = self._targets(operands) or [("", "")]
        return [Linked(path, operands[0])] if path else None

    def _touched(self, arguments: list[str]) -> list[HostWrite] | None:
        operands = self._plain(arguments, "am")
        return (
            [Written(self._path(each), Known(b""), appended=True) for each in operands] if operands else None
        )

    def _truncated(self, arguments: list[str]) -> list[HostWrite] | None:
        sizes = ("-s0", "--size=0", "--size", "-s", "0")
        files = [each for each in arguments if each not in sizes]
        if len(files) == len(arguments) or "0" not in "".join(each for each in arguments if each in sizes):
            return None
        if any(each.startswith("-") for each in files):
            return None
        return [Written(self._path(each), Known(b"")) for each in files]
