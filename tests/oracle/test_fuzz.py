"""Texts made of pieces of the corpora: what the judge allows of them changes nothing on a real server."""

from __future__ import annotations

import random
import re
from collections import Counter

from corpora import cases
from oracles import Oracle, Session, own, read_snapshot, run, world

from gateway.domain.verdict import Decision
from gateway.judge.catalogue import load_postgres
from gateway.judge.postgres import SqlContext, judge

SHAPES = [
    "SELECT {0}",
    "SELECT {0}, {1}",
    "SELECT * FROM (SELECT {0} AS a) x",
    "SELECT 1 WHERE ({0}) IS NOT NULL",
    "SELECT count(*) FILTER (WHERE ({0}) IS NULL) FROM t",
    "SELECT CASE WHEN true THEN ({0})::text ELSE ({1})::text END",
    "WITH a AS (SELECT {0}) SELECT {1} FROM a",
    "SELECT array_agg({0}) OVER (ORDER BY {1})",
    "SELECT 1 ORDER BY {0}",
    "SELECT (SELECT {0})",
    "EXPLAIN SELECT {0}",
    "EXPLAIN ANALYZE SELECT {0}",
    "COPY (SELECT {0}) TO STDOUT",
    "PREPARE p AS SELECT {0}; EXECUTE p; DEALLOCATE p",
    "DECLARE c CURSOR FOR SELECT {0}; FETCH ALL FROM c; CLOSE c",
    "VALUES ({0}), ({0})",
    "SELECT {0} FROM generate_series(1, 2) UNION ALL SELECT {0}",
    "SELECT * FROM t, LATERAL (SELECT {0}) l",
    "SELECT coalesce(({0})::text, ({1})::text)",
    "EXPLAIN UPDATE t SET a = 1 WHERE ({0}) IS NULL",
    "SELECT x.{2} FROM t x",
    "SELECT ({0}).{2}",
    "SELECT JSON_ARRAY({0})",
]
TEXTS = [case.text for case in cases("postgres") if len(case.text) < 300]
CALLS = sorted(
    {call for text in TEXTS for call in re.findall(r"\b\w+\([^()]*\)", text) if "sleep" not in call}
)
NAMES = sorted({name for call in CALLS for name in re.findall(r"^\w+", call)})
LEAVES = re.compile(
    r"\b(begin|start|commit|end|rollback|abort|savepoint|release|discard|prepare transaction)\b",
    re.IGNORECASE,
)


def _texts(dice: random.Random) -> list[str]:
    made = []
    for _ in range(1_500):
        calls = [dice.choice(CALLS) for _ in range(2)]
        made.append(dice.choice(SHAPES).format(*calls, dice.choice(NAMES)))
    for _ in range(1_500):
        text = dice.choice(TEXTS)
        start, end = sorted(dice.randrange(len(text) + 1) for _ in range(2))
        made.append(
            text[:start] + dice.choice(["", " ", dice.choice(CALLS), dice.choice(TEXTS)]) + text[end:]
        )
    return [text for text in made if not LEAVES.search(text)]


async def test_what_is_allowed_of_random_texts_changes_nothing(oracle: Oracle, witness: Session) -> None:
    with oracle.connect("sample") as session:
        context = SqlContext(read_snapshot(session), load_postgres(), role=session.info.user)
        before = world(witness)
        clean = own(session)
        counts: Counter[str] = Counter()
        changed = []
        for text in _texts(random.Random(15)):
            verdict = judge(text, context).verdict.decision
            counts[verdict.word] += 1
            if verdict is not Decision.ALLOW:
                continue
            run(session, "BEGIN READ WRITE")
            if run(session, text):
                counts["ran"] += 1
                if own(session) != clean:
                    changed.append(f"{text}: {own(session)}")
            run(session, "COMMIT")
            run(session, "DISCARD ALL")
            if world(witness) != before:
                changed.append(text)
                before = world(witness)
        assert not changed, "\n".join(changed)
        assert counts["ran"] > 300, counts
