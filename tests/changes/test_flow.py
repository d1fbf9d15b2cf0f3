from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest
from changes.shop import ProductionPort, capture, git, orders_db, push_files, unit

from gateway.changes.flow import Changes
from gateway.domain.change import ChangeState
from gateway.domain.errors import Conflict, InvalidInput, NotAuthorised, NotFound
from gateway.domain.ids import ChangeId, IdentityId, SessionId
from gateway.store import ledger

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.changes.flow import SessionFacts
    from gateway.domain.change import Capture
    from gateway.domain.identity import Identity
    from gateway.domain.unit import Filed
    from gateway.store.pool import Store

UPDATE = "UPDATE customers SET tier = 'gold' WHERE id = 42"
DELETE = "DELETE FROM customers WHERE id = 43"


class Teller:
    """Files captures one after the other, numbering them as a session does."""

    def __init__(self, changes: Changes, facts: SessionFacts) -> None:
        self.changes, self.facts, self.number = changes, facts, 0
        self.production = ProductionPort()

    async def __call__(self, made: Capture | str, facts: SessionFacts | None = None) -> Filed:
        self.number += 1
        made = capture(made) if isinstance(made, str) else made
        return await self.changes.file(
            facts or self.facts, made, unit(self.number), self.production, rule="postgres.statement.update"
        )


@pytest.fixture
def tell(changes: Changes, facts: SessionFacts) -> Teller:
    return Teller(changes, facts)


async def state_of(changes: Changes, change: ChangeId) -> ChangeState:
    return (await changes.get(change)).state


# --- drafting


async def test_a_refused_write_becomes_a_draft_that_the_clients_error_can_name(tell: Teller) -> None:
    filed = await tell(capture(UPDATE, title="UPDATE customers"))
    assert not filed.joined
    assert filed.title == "UPDATE customers"
    assert filed.url == f"https://gw.example:8443/v1/changes/{filed.change}"
    assert filed.submit == f'glassgate change submit {filed.change} --reason "…"'
    assert filed.detail == "migrations/0007_update-customers.sql: UPDATE customers, some 12 rows"


async def test_the_draft_says_all_that_is_known(changes: Changes, tell: Teller, shop: Path) -> None:
    filed = await tell(capture(UPDATE, tables=("public.customers", "audit.log")))
    shown = await changes.show(filed.change)
    (file,) = shown.change.files
    text = (file.new or b"").decode()
    for expected in (
        "-- Endpoint:       orders-db, database shop",
        "-- Author:         eve",
        "session 12, unit 1",
        '-- Depends on:     search_path: "$user", public',
        "-- Touches:        public.customers, audit.log",
        "-- Estimated rows: 12",
        f"\n{UPDATE};\n",
        "-- == Rollback ==",
        "-- # SELECT * FROM customers WHERE id = 42;",
    ):
        assert expected in text
    assert shown.change.units[0].rule == "postgres.statement.update"
    assert shown.change.base == git("rev-parse", "main", cwd=shop).strip()


async def test_bind_values_are_literals_in_the_statement(changes: Changes, tell: Teller) -> None:
    made = capture(
        "UPDATE customers SET name = $2 WHERE id = $1",
        values=(b"42", b"O'Brien"),
        types=(23, 25),
        formats=(0, 0),
    )
    filed = await tell(made)
    shown = await changes.show(filed.change)
    assert "+UPDATE customers SET name = 'O''Brien' WHERE id = 42;" in shown.diff
    assert shown.change.units[0].literals == ("'42'", "'O''Brien'")
    assert shown.change.units[0].text == made.text
    assert tell.production.asked == ["UPDATE customers SET name = 'O''Brien' WHERE id = 42"]


async def test_rows_are_estimated_only_where_the_plan_may_be_asked_for(
    changes: Changes, tell: Teller
) -> None:
    filed = await tell(capture(UPDATE, explainable=False))
    assert tell.production.asked == []
    assert "rows not estimated" in filed.detail
    assert "-- Estimated rows: not estimated" in (await changes.show(filed.change)).diff


async def test_a_production_that_is_away_loses_nothing(changes: Changes, tell: Teller) -> None:
    tell.production.away = True
    filed = await tell(capture("UPDATE customers SET a = $1", values=(b"1",), types=(23,), formats=(0,)))
    diff = (await changes.show(filed.change)).diff
    assert "+UPDATE customers SET a = $1;" in diff
    assert "bind values are missing" in diff
    assert "rows not estimated" in filed.detail


async def test_units_of_one_transaction_make_one_change_request_in_order(
    changes: Changes, tell: Teller
) -> None:
    first = await tell(capture(UPDATE, batch=5))
    second = await tell(capture(DELETE, batch=5))
    assert second.change == first.change
    assert second.joined
    diff = (await changes.show(first.change)).diff
    assert diff.index("-- Statement 1 of 2 (session 12, unit 1)") < diff.index(UPDATE)
    assert diff.index(UPDATE) < diff.index("-- Statement 2 of 2 (session 12, unit 2)") < diff.index(DELETE)


async def test_other_transactions_and_sessions_make_their_own(tell: Teller, facts: SessionFacts) -> None:
    found = {
        (await tell(capture(UPDATE, batch=5))).change,
        (await tell(capture(DELETE, batch=6))).change,
        (await tell(capture("TRUNCATE customers", batch=5), replace(facts, session=SessionId(13)))).change,
    }
    assert len(found) == 3


async def test_the_same_unit_again_joins_its_draft(
    changes: Changes, tell: Teller, facts: SessionFacts
) -> None:
    first = await tell(UPDATE)
    again = await tell(f"  {UPDATE}  ", replace(facts, session=SessionId(99)))
    assert (again.change, again.joined) == (first.change, True)
    assert len((await changes.get(first.change)).units) == 1


@pytest.mark.parametrize("differs", ["text", "values", "database", "endpoint", "identity"])
async def test_a_unit_that_differs_makes_a_draft_of_its_own(
    tell: Teller, facts: SessionFacts, eve: Identity, differs: str
) -> None:
    made = capture("UPDATE customers SET a = $1", values=(b"1",), types=(23,), formats=(0,))
    other, where = capture(made.text, values=made.values, types=made.types, formats=made.formats), facts
    match differs:
        case "text":
            other = replace(other, text="UPDATE customers SET b = $1")
        case "values":
            other = replace(other, values=(b"2",))
        case "database":
            other = replace(other, database="other")
        case "endpoint":
            where = replace(facts, endpoint=replace(facts.endpoint, id=8, name="other-db"))
        case _:
            where = replace(facts, identity=replace(eve, id=IdentityId(2), name="bob"))
    assert (await tell(made)).change != (await tell(other, where)).change


async def test_a_submitted_change_is_joined_no_more(changes: Changes, tell: Teller, eve: Identity) -> None:
    first = await tell(UPDATE)
    await changes.submit(eve, first.change, "why", no_way_back="none")
    assert (await tell(UPDATE)).change != first.change


async def test_captures_at_the_same_moment_make_one_draft(changes: Changes, facts: SessionFacts) -> None:
    filed: list[Filed] = []

    async def file(number: int) -> None:
        where = replace(facts, session=SessionId(100 + number))
        filed.append(await changes.file(where, capture(UPDATE), unit(1), ProductionPort()))

    async with asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(file(number))
    assert len({each.change for each in filed}) == 1
    assert sum(not each.joined for each in filed) == 1


async def test_what_a_session_sent_as_one_text_is_cut_without_its_transaction_control(
    changes: Changes, tell: Teller
) -> None:
    filed = await tell(capture(f"BEGIN; {UPDATE}; {DELETE}; COMMIT", title="UPDATE customers"))
    diff = (await changes.show(filed.change)).diff
    assert f"+{UPDATE};" in diff
    assert f"+{DELETE};" in diff
    assert "BEGIN" not in diff
    assert "COMMIT" not in diff


async def test_statements_that_stand_alone_are_set_apart(changes: Changes, tell: Teller) -> None:
    diff = (await changes.show((await tell("VACUUM customers")).change)).diff
    assert "+-- Outside of a transaction: VACUUM can't run inside one" in diff


async def test_a_right_inverse_is_offered_and_is_way_back_enough(
    changes: Changes, tell: Teller, eve: Identity
) -> None:
    filed = await tell("ALTER TABLE customers ADD COLUMN vip boolean")
    assert "+-- ALTER TABLE customers DROP COLUMN vip;" in (await changes.show(filed.change)).diff
    assert (await changes.submit(eve, filed.change, "INC-1")).state is ChangeState.SUBMITTED


async def test_secrets_reach_neither_store_nor_patch(changes: Changes, tell: Teller, store: Store) -> None:
    made = capture(
        "UPDATE users SET password = $1 WHERE id = 1", values=(b"hunter2-hunter2",), types=(25,), formats=(0,)
    )
    filed = await tell(made)
    shown = await changes.show(filed.change)
    assert "secrets replaced by placeholders" in filed.detail
    assert "password = :'secret_s12u1_1' WHERE" in shown.diff
    assert "secrets were found and replaced" in shown.diff
    async with store.connection() as conn:
        rows = await conn.fetch("SELECT u::text FROM change_units u UNION ALL SELECT c::text FROM changes c")
    assert not any("hunter2" in row[0] for row in rows)
    again = await tell(replace(made, values=(b"other-secret",)))
    assert again.change == filed.change


async def test_what_the_scanner_cant_read_is_kept_for_a_person(changes: Changes, tell: Teller) -> None:
    filed = await tell("UPDATE customers SET a = 'open\n-- migrate:down")
    diff = (await changes.show(filed.change)).diff
    assert "+-- | UPDATE customers SET a = 'open\n+-- | -- migrate:down\n" in diff
    assert "write the SQL by hand" in diff


async def test_a_statement_of_megabytes_is_no_change_request(tell: Teller) -> None:
    with pytest.raises(InvalidInput, match="262,144"):
        await tell("INSERT INTO t VALUES ('" + "x" * (1 << 20) + "')")


async def test_names_from_people_are_data_everywhere(
    changes: Changes, tell: Teller, facts: SessionFacts, eve: Identity
) -> None:
    nasty = "evil\n-- migrate:down\nDROP TABLE t;\x1b[2J\u202e"
    where = replace(facts, identity=replace(eve, display_name=nasty, name=nasty), grant_reason=nasty)
    filed = await tell(capture(UPDATE, title=nasty, tables=(nasty,), context=nasty, database=nasty), where)
    assert filed.title.isprintable()
    assert filed.detail.isprintable()
    shown = await changes.show(filed.change)
    assert all(each.isprintable() or each in "\n\t" for each in shown.diff)
    assert not any(line.lstrip("+").startswith(("-- migrate", "DROP")) for line in shown.diff.split("\n"))


async def test_an_endpoint_without_a_repository_still_keeps_the_draft(
    changes: Changes, tell: Teller, facts: SessionFacts
) -> None:
    filed = await tell(UPDATE, replace(facts, endpoint=orders_db("")))
    shown = await changes.show(filed.change)
    assert f"+{UPDATE};" in shown.diff
    assert "names no repository" in shown.notes[0]


async def test_a_repository_that_is_gone_is_a_note(
    changes: Changes, tell: Teller, facts: SessionFacts, tmp_path: Path
) -> None:
    filed = await tell(UPDATE, replace(facts, endpoint=orders_db(str(tmp_path / "gone.git"))))
    assert "a migration in" in filed.detail
    shown = await changes.show(filed.change)
    assert f"+{UPDATE};" in shown.diff
    assert "no git repository at" in shown.notes[0]


# --- taking back


async def test_the_clients_rollback_drops_the_draft_and_keeps_its_evidence(
    changes: Changes, tell: Teller, facts: SessionFacts
) -> None:
    filed = await tell(capture(UPDATE, batch=5))
    await tell(capture(DELETE, batch=5))
    assert await changes.drop(facts.session, 5) == (filed.change,)
    shown = await changes.show(filed.change)
    assert shown.change.state is ChangeState.DROPPED
    assert "rolled its transaction back" in shown.cause
    assert [each.text for each in shown.change.units] == [UPDATE, DELETE]
    assert await changes.drop(facts.session, 5) == ()
    assert (await tell(UPDATE)).change != filed.change


async def test_a_rollback_takes_only_its_own_units_along(
    changes: Changes, tell: Teller, facts: SessionFacts
) -> None:
    kept = await tell(capture(UPDATE, batch=5))
    again = await tell(capture(UPDATE, batch=6))
    more = await tell(capture(DELETE, batch=6))
    assert kept.change == again.change == more.change
    assert await changes.drop(facts.session, 6) == ()
    request = await changes.get(kept.change)
    assert request.state is ChangeState.DRAFT
    assert [each.text for each in request.units] == [UPDATE]
    await tell(capture(DELETE, batch=5))
    assert [each.text for each in (await changes.get(kept.change)).units] == [UPDATE, DELETE]


async def test_a_rollback_of_another_session_takes_nothing(changes: Changes, tell: Teller) -> None:
    filed = await tell(capture(UPDATE, batch=5))
    assert await changes.drop(SessionId(13), 5) == ()
    assert await state_of(changes, filed.change) is ChangeState.DRAFT


async def test_a_rollback_after_the_submission_takes_nothing(
    changes: Changes, tell: Teller, facts: SessionFacts, eve: Identity
) -> None:
    filed = await tell(capture(UPDATE, batch=5))
    await changes.submit(eve, filed.change, "why", no_way_back="none")
    assert await changes.drop(facts.session, 5) == ()
    assert await state_of(changes, filed.change) is ChangeState.SUBMITTED


async def test_drafts_that_nobody_acts_on_drop_by_themselves(
    changes: Changes, tell: Teller, store: Store
) -> None:
    old, young = await tell(UPDATE), await tell(DELETE)
    async with store.transaction() as conn:
        await conn.execute(
            "UPDATE changes SET updated_at = now() - interval '7 days 1 minute' WHERE id = $1", old.change
        )
        await conn.execute(
            "UPDATE changes SET updated_at = now() - interval '6 days' WHERE id = $1", young.change
        )
    assert await changes.drop_stale() == (old.change,)
    assert await state_of(changes, old.change) is ChangeState.DROPPED
    assert await state_of(changes, young.change) is ChangeState.DRAFT


async def test_withdrawing_is_the_authors_and_final(changes: Changes, tell: Teller, eve: Identity) -> None:
    filed = await tell(UPDATE)
    bob = replace(eve, id=IdentityId(2), name="bob")
    with pytest.raises(NotAuthorised, match="eve's"):
        await changes.withdraw(bob, filed.change)
    assert (await changes.withdraw(eve, filed.change, "not needed")).state is ChangeState.WITHDRAWN
    with pytest.raises(Conflict, match="is withdrawn already"):
        await changes.withdraw(eve, filed.change)
    with pytest.raises(Conflict):
        await changes.submit(eve, filed.change, "why", no_way_back="none")


async def test_what_is_submitted_can_be_withdrawn(changes: Changes, tell: Teller, eve: Identity) -> None:
    filed = await tell(UPDATE)
    await changes.submit(eve, filed.change, "why", no_way_back="none")
    assert (await changes.withdraw(eve, filed.change)).state is ChangeState.WITHDRAWN


async def test_of_two_who_withdraw_at_once_one_wins(
    changes: Changes, tell: Teller, eve: Identity, store: Store
) -> None:
    filed = await tell(UPDATE)
    ended: list[str] = []

    async def withdraw() -> None:
        try:
            await changes.withdraw(eve, filed.change)
            ended.append("won")
        except Conflict:
            ended.append("lost")

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(withdraw())
    assert sorted(ended) == ["lost", "lost", "lost", "won"]


async def test_an_unknown_number_is_not_found(changes: Changes, eve: Identity) -> None:
    missing = ChangeId(404)
    for act in (changes.get(missing), changes.withdraw(eve, missing), changes.was_a_read(eve, missing)):
        with pytest.raises(NotFound):
            await act
    with pytest.raises(NotFound):
        await changes.submit(eve, missing, "why")


# --- the last refused unit


async def test_the_last_refused_unit_can_become_a_draft(
    changes: Changes, facts: SessionFacts, eve: Identity
) -> None:
    with pytest.raises(NotFound):
        await changes.draft_last(eve)
    await changes.remember(
        facts, capture("SELECT f()"), unit(1), ProductionPort(), rule="postgres.function.unknown"
    )
    await changes.remember(
        facts, capture("SELECT g()"), unit(2), ProductionPort(), rule="postgres.function.unknown"
    )
    with pytest.raises(NotFound):
        await changes.draft_last(replace(eve, id=IdentityId(2)))
    filed = await changes.draft_last(eve)
    request = await changes.get(filed.change)
    assert request.units[0].text == "SELECT g()"
    assert request.units[0].rule == "postgres.function.unknown"
    assert (await changes.get((await changes.draft_last(eve)).change)).units[0].text == "SELECT f()"
    with pytest.raises(NotFound):
        await changes.draft_last(eve)


async def test_only_the_last_refused_units_are_kept(
    changes: Changes, facts: SessionFacts, store: Store
) -> None:
    for number in range(30):
        await changes.remember(facts, capture(f"SELECT f({number})"), unit(number), ProductionPort())
    async with store.connection() as conn:
        kept = await conn.fetchval("SELECT array_agg(number ORDER BY number) FROM refused_units")
    assert kept == list(range(10, 30))


# --- listing, ledger


async def test_listing_filters_and_pages(
    changes: Changes, tell: Teller, facts: SessionFacts, eve: Identity
) -> None:
    bob = replace(eve, id=IdentityId(2), name="bob")
    first = await tell(UPDATE)
    second = await tell(DELETE)
    third = await tell(UPDATE, replace(facts, identity=bob, endpoint=replace(facts.endpoint, id=8, name="b")))
    await changes.withdraw(eve, first.change)

    async def ids(**filters: object) -> list[int]:
        return [each.id for each in await changes.list(**filters)]  # type: ignore[arg-type]

    assert await ids() == [third.change, second.change, first.change]
    assert await ids(author=eve.id) == [second.change, first.change]
    assert await ids(endpoint="b") == [third.change]
    assert await ids(state=ChangeState.WITHDRAWN) == [first.change]
    assert await ids(before=third.change, limit=1) == [second.change]


async def test_every_step_stands_in_the_history_and_in_the_ledger(
    changes: Changes, tell: Teller, eve: Identity, store: Store
) -> None:
    filed = await tell(UPDATE)
    submitted = await changes.submit(eve, filed.change, "INC-42", no_way_back="none")
    await changes.withdraw(eve, filed.change, "superseded")
    steps = (await changes.show(filed.change)).steps
    assert [(step.state.value, step.by) for step in steps] == [
        ("draft", "eve"),
        ("submitted", "eve"),
        ("withdrawn", "eve"),
    ]
    assert steps[1].why == "INC-42"
    async with store.connection() as conn:
        leaves = [leaf async for leaf in ledger.leaves(conn)]
    assert [leaf.kind for leaf in leaves] == ["change.draft", "change.submitted", "change.withdrawn"]
    said = msgspec.json.decode(leaves[1].data)
    assert said["change"] == filed.change
    assert said["commit"] == submitted.commit
    assert said["by"] == "eve"


async def test_a_step_without_its_leaf_is_no_step(
    changes: Changes, tell: Teller, eve: Identity, store: Store
) -> None:
    filed = await tell(UPDATE)
    async with store.transaction() as conn:
        await conn.execute("ALTER TABLE ledger_leaves RENAME TO away")
    with pytest.raises(Exception, match="ledger_leaves"):
        await changes.withdraw(eve, filed.change)
    async with store.transaction() as conn:
        await conn.execute("ALTER TABLE away RENAME TO ledger_leaves")
    assert await state_of(changes, filed.change) is ChangeState.DRAFT


async def test_numbers_follow_a_base_that_moved(changes: Changes, tell: Teller, shop: Path) -> None:
    filed = await tell(capture(UPDATE, title="UPDATE customers"))
    push_files(shop, {"migrations/0007_other.sql": "x\n"})
    assert (await changes.get(filed.change)).files[0].path == "migrations/0008_update-customers.sql"
