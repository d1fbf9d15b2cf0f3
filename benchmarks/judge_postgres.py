"""Judgements a second, cached and not, and over the lines of the corpora as the command line reads them.

python benchmarks/judge_postgres.py
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from corpora import cases

from gateway.judge.catalogue import load_postgres
from gateway.judge.postgres import SqlContext, VerdictCache, judge
from gateway.judge.postgres.builtin import builtin

TEXTS = {
    "pgbench -S": "SELECT abalance FROM pgbench_accounts WHERE aid = 4711;",
    "with a string": "SELECT id, total FROM orders WHERE status = 'paid' AND created_at > now() - '1 d'",
    "psql \\d": next(case.text for case in cases("postgres") if "relchecks" in case.text),
    "1,000 rows": "INSERT INTO t VALUES " + ", ".join(f"({n}, 'name {n}')" for n in range(1_000)),
}


def rate(work: Callable[[], object], *, seconds: float = 0.5) -> float:
    """Times a second, the best of three runs."""
    best = 0.0
    for _ in range(3):
        done, start = 0, time.perf_counter()
        while (spent := time.perf_counter() - start) < seconds:
            for _ in range(10):
                work()
            done += 10
        best = max(best, done / spent)
    return best


def measure(name: str, text: str, context: SqlContext) -> None:
    cache = VerdictCache()
    raw = text.encode()
    cache.judge(raw, context)
    uncached = rate(lambda: judge(text, context))
    kept = "not kept"
    if cache.lookup(raw, context) is not None:
        kept = f"{1e6 / rate(lambda: cache.lookup(raw, context)):.2f} µs cached"
    print(f"{name:15} {len(raw):6} B  {kept:>16}  {1e6 / uncached:10.1f} µs uncached")


def main() -> None:
    start = time.perf_counter()
    context = SqlContext(builtin(), load_postgres())
    print(f"snapshot and catalogue loaded in {1000 * (time.perf_counter() - start):.1f} ms")
    for name, text in TEXTS.items():
        measure(name, text, context)
    texts = [case.text for case in cases("postgres")]
    start = time.perf_counter()
    for text in texts:
        judge(text, context)
    print(f"corpora: {len(texts) / (time.perf_counter() - start):,.0f} a second, uncached")


if __name__ == "__main__":
    main()
