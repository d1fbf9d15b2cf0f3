"""What each major version brought, judged under and run on all of them."""

from __future__ import annotations

from pathlib import Path

from oracles import Oracle, read_snapshot, run

from gateway.domain.verdict import Decision
from gateway.judge.catalogue import load_postgres
from gateway.judge.postgres import SqlContext, judge

ROWS = [
    line.split("\t", 2)
    for line in (Path(__file__).parent / "releases.tsv").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]


async def test_what_a_version_brought_is_judged_by_version(oracle: Oracle) -> None:
    with oracle.connect("sample") as session:
        context = SqlContext(read_snapshot(session), load_postgres(), role=session.info.user)
        wrong = []
        for since, expected, text in ROWS:
            found = judge(text, context).verdict
            ran = False
            if found.decision is Decision.ALLOW:
                run(session, "BEGIN READ ONLY")
                ran = run(session, text)
                run(session, "ROLLBACK")
            if oracle.version < int(since):
                fits = not ran and (found.decision is not Decision.ALLOW or expected == "allow")
            else:
                fits = found.decision.word == expected and ran is (expected == "allow")
            if not fits:
                wrong.append(f"{found.decision.word}, ran: {ran}: {text}: {found.reason}")
        assert not wrong, "\n".join(wrong)
