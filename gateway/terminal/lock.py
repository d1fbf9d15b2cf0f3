"""Which keys reach what a judged line runs: those that are harmless in every full-screen program of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.terminal.programs import TABLES, KeyLock, shared

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gateway.judge.shell.finding import Finding
    from gateway.judge.shell.judgement import ShellJudgement


def lock_of(judged: ShellJudgement) -> KeyLock | None:
    """Return the lock of the full-screen programs that a line runs, None where it runs none.

    Where it runs several, only keys that are harmless in all of them pass.

    Args:
        judged: a line that is allowed.
    """
    tables = [TABLES[name] for name in dict.fromkeys(_programs(judged.findings)) if name in TABLES]
    return KeyLock(shared(tables)) if tables else None


def _programs(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield the names of the programs that findings speak of, pagers that they start included."""
    for finding in findings:
        words = [each.text or "" for each in finding.argv]
        at = 0
        if words[:1] == ["env"]:
            at = next((at for at, word in enumerate(words) if at and "=" not in word), len(words))
        for word in words[:at]:
            name, _, value = word.partition("=")
            if name.endswith("PAGER"):
                yield _basename(value)
        yield from (_basename(word) for word in words[at : at + 1])
        yield from _programs(finding.nested)


def _basename(path: str) -> str:
    return path.rpartition("/")[2]
