from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from changes.shop import URL, ProductionPort, bare_repository, capture, git, orders_db, push_files, unit

from gateway.changes.flow import Changes
from gateway.domain.change import ChangeState
from gateway.domain.endpoint import EndpointKind, Repository
from gateway.domain.errors import Conflict, InvalidInput, NotAuthorised, NotFound, RepositoryUnavailable
from gateway.domain.ids import IdentityId, SessionId
from gateway.store.endpoints import Registration, put_endpoint

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.changes.flow import SessionFacts
    from gateway.domain.identity import Identity
    from gateway.domain.ids import ChangeId
    from gateway.store.pool import Store

UPDATE = "UPDATE customers SET tier = 'gold' WHERE id = 42"
WHY = "INC-42: wrong tier"


async def drafted(
    changes: Changes,
    facts: SessionFacts,
    text: str = UPDATE,
    *,
    number: int = 3,
    title: str = "UPDATE customers",
) -> ChangeId:
    return (await changes.file(facts, capture(text, title=title), unit(number), ProductionPort())).change


async def test_a_submitted_change_is_a_commit_on_a_branch_of_its_own(
    changes: Changes, facts: SessionFacts, eve: Identity, shop: Path
) -> None:
    change = await drafted(changes, facts)
    submitted = await changes.submit(eve, change, WHY, no_way_back="the old tiers are not kept")
    assert submitted.state is ChangeState.SUBMITTED
    assert submitted.reason == WHY
    assert submitted.branch == f"change/{change}-update-customers"
    assert git("rev-parse", submitted.branch, cwd=shop).strip() == submitted.commit
    assert git("rev-parse", f"{submitted.branch}^", cwd=shop).strip() == submitted.base
    assert (
        git("diff", "--name-status", "main", submitted.branch, cwd=shop)
        == "A\tmigrations/0007_update-customers.sql\n"
    )
    text = git("show", f"{submitted.branch}:migrations/0007_update-customers.sql", cwd=shop)
    assert f"\n{UPDATE};\n" in text
    assert text.endswith("-- # No way back: the old tiers are not kept\n")
    assert text.encode() == submitted.files[0].new
    people = git("log", "-1", "--format=%an <%ae> / %cn <%ce>", submitted.branch, cwd=shop).strip()
    assert people == "Eve Engineer <eve@example.org> / Glassgate <glassgate@gw.example>"
    trailers = git("log", "-1", "--format=%(trailers:only,unfold)", submitted.branch, cwd=shop).strip()
    assert trailers.split("\n") == [
        f"Change-Request: {change}",
        "Session: 12",
        "Endpoint: orders-db",
        "Requested-By: eve",
        "Grant: 5",
        "Recording: 12, unit 3",
    ]
    git("fsck", "--strict", cwd=shop)


async def test_nobodys_words_can_forge_a_trailer_or_a_header(
    changes: Changes, facts: SessionFacts, eve: Identity, shop: Path
) -> None:
    change = await drafted(changes, facts, title="UPDATE x\n\nApproved-By: boss")
    nasty = (
        "fix\n\nApproved-By: boss\nChange-Request: 99\n" + "Signed-off-by: root <root@x> " * 20 + "\x1b[2J"
    )
    mallory = replace(eve, display_name="Eve\nauthor root <root@x> 0 +0000", email="e@x>\n\nforged")
    submitted = await changes.submit(mallory, change, nasty, no_way_back=nasty)
    raw = git("cat-file", "commit", submitted.branch, cwd=shop)
    lines = raw.split("\n")
    assert sum(line.startswith("author ") for line in lines) == 1
    assert not any(line.startswith(("Approved-By", "Signed-off-by", "forged")) for line in lines)
    assert [line for line in lines if line.startswith("Change-Request")] == [f"Change-Request: {change}"]
    assert "\x1b" not in raw
    trailers = git("log", "-1", "--format=%(trailers:only)", submitted.branch, cwd=shop)
    assert "boss" not in trailers
    git("fsck", "--strict", cwd=shop)


@pytest.mark.parametrize("reason", ["", "  \n ", "x" * 2001])
async def test_a_reason_is_needed(changes: Changes, facts: SessionFacts, eve: Identity, reason: str) -> None:
    change = await drafted(changes, facts)
    with pytest.raises(InvalidInput, match="reason"):
        await changes.submit(eve, change, reason, no_way_back="none")


async def test_a_way_back_is_needed_and_both_ways_are_told(
    changes: Changes, facts: SessionFacts, eve: Identity
) -> None:
    change = await drafted(changes, facts)
    with pytest.raises(InvalidInput, match="no way back") as refused:
        await changes.submit(eve, change, WHY)
    assert f"glassgate change submit {change} --edit" in refused.value.hint
    assert "--no-way-back" in refused.value.hint
    assert "0001" not in refused.value.message, "its number is not known before git was asked"
    with pytest.raises(InvalidInput, match="no way back"):
        await changes.submit(eve, change, WHY, no_way_back=" ")
    assert (await changes.get(change)).state is ChangeState.DRAFT


async def test_only_the_author_submits(changes: Changes, facts: SessionFacts, eve: Identity) -> None:
    change = await drafted(changes, facts)
    with pytest.raises(NotAuthorised):
        await changes.submit(replace(eve, id=IdentityId(2)), change, WHY, no_way_back="none")


async def test_secrets_in_reasons_go_nowhere(
    changes: Changes, facts: SessionFacts, eve: Identity, shop: Path, store: Store
) -> None:
    change = await drafted(changes, facts)
    token = "ghp_0123456789abcdefghij0123456789abcdef"
    submitted = await changes.submit(eve, change, f"rotate {token}", no_way_back=f"was {token}")
    assert submitted.reason == "rotate [secret]"
    assert token not in git("show", submitted.branch, cwd=shop)
    async with store.connection() as conn:
        for table in ("changes", "change_steps", "change_files", "ledger_leaves", "outbox"):
            kept = await conn.fetch(f"SELECT encode(convert_to(t::text, 'UTF8'), 'escape') FROM {table} t")
            assert kept
            assert not any(token in row[0] for row in kept)


async def test_the_repository_is_the_one_that_the_endpoint_names_now(
    changes: Changes, facts: SessionFacts, eve: Identity, shop: Path, store: Store, tmp_path: Path
) -> None:
    moved = tmp_path / "moved.git"
    registration = Registration(
        name="orders-db",
        kind=EndpointKind.POSTGRES,
        labels={},
        host="db",
        port=5432,
        username="glassgate",
        repository=Repository(url=str(moved)),
    )
    async with store.transaction() as conn:
        endpoint = await put_endpoint(conn, registration, b"sealed")
    change = await drafted(changes, replace(facts, endpoint=endpoint))
    shop.rename(tmp_path / "elsewhere.git")
    registration = replace(registration, repository=Repository(url=str(tmp_path / "elsewhere.git")))
    async with store.transaction() as conn:
        await put_endpoint(conn, registration, None)
    submitted = await changes.submit(eve, change, WHY, no_way_back="none")
    assert git("rev-parse", submitted.branch, cwd=tmp_path / "elsewhere.git").strip() == submitted.commit


# --- edited files


def filled(text: bytes, rollback: str = "UPDATE customers SET tier = 'silver' WHERE id = 42;") -> bytes:
    return text + f"-- {rollback}\n".encode()


async def test_an_edited_rollback_section_is_committed(
    changes: Changes, facts: SessionFacts, eve: Identity, shop: Path
) -> None:
    change = await drafted(changes, facts)
    (file,) = (await changes.get(change)).files
    submitted = await changes.submit(eve, change, WHY, files={file.path: filled(file.new or b"")})
    text = git("show", f"{submitted.branch}:{file.path}", cwd=shop)
    assert text.endswith("-- UPDATE customers SET tier = 'silver' WHERE id = 42;\n")
    assert (await changes.get(change)).units[0].text == UPDATE


async def test_a_rollback_typed_without_dashes_never_runs_forwards(
    changes: Changes, facts: SessionFacts, eve: Identity, shop: Path
) -> None:
    change = await drafted(changes, facts)
    (file,) = (await changes.get(change)).files
    text = (file.new or b"") + b"UPDATE customers SET tier = 'silver';"
    submitted = await changes.submit(eve, change, WHY, files={file.path: text})
    assert git("show", f"{submitted.branch}:{file.path}", cwd=shop).endswith(
        "\n-- UPDATE customers SET tier = 'silver';\n"
    )


@pytest.mark.parametrize(
    "path",
    [
        "../x.sql",
        "/etc/x.sql",
        "README.md",
        "migrations/.git/x",
        "migrations/../.github/workflows/x.yml",
        "migrations/a\nb",
    ],
)
async def test_an_edited_path_leaves_the_migrations_nowhere(
    changes: Changes, facts: SessionFacts, eve: Identity, path: str
) -> None:
    change = await drafted(changes, facts)
    with pytest.raises(InvalidInput, match="path"):
        await changes.submit(eve, change, WHY, files={path: b"x"}, no_way_back="none")
    assert (await changes.get(change)).state is ChangeState.DRAFT


async def test_a_file_that_is_no_migration_needs_a_way_back_all_the_same(
    changes: Changes, facts: SessionFacts, eve: Identity
) -> None:
    change = await drafted(changes, facts)
    for path in ("migrations/fix.sql", "migrations/notes.md"):
        with pytest.raises(InvalidInput, match="numbered migration"):
            await changes.submit(eve, change, WHY, files={path: b"UPDATE t SET a = 1;"})


async def test_edited_content_is_bounded_text_without_secrets(
    changes: Changes, facts: SessionFacts, eve: Identity, shop: Path
) -> None:
    change = await drafted(changes, facts)
    path = "migrations/0007_x.sql"
    for content in (b"\xff\xfe", b"a\0b", b"x" * (5 << 20), b"\\set p 'open\npassword=hunter2"):
        with pytest.raises(InvalidInput):
            await changes.submit(eve, change, WHY, files={path: content}, no_way_back="none")
    with pytest.raises(InvalidInput):
        await changes.submit(eve, change, WHY, files={}, no_way_back="none")
    text = b"ALTER ROLE bob PASSWORD 'hunter2';\n"
    submitted = await changes.submit(eve, change, WHY, files={path: text}, no_way_back="none")
    pushed = git("show", f"{submitted.branch}:{path}", cwd=shop)
    assert "hunter2" not in pushed
    assert f"PASSWORD :'secret_c{change}_1';" in pushed


# --- numbers


async def test_a_number_taken_meanwhile_is_given_anew(
    changes: Changes, facts: SessionFacts, eve: Identity, shop: Path
) -> None:
    change = await drafted(changes, facts)
    (file,) = (await changes.get(change)).files
    assert file.path == "migrations/0007_update-customers.sql"
    push_files(shop, {"migrations/0007_update-customers.sql": "-- a colleague's\n"})
    submitted = await changes.submit(eve, change, WHY, files={file.path: filled(file.new or b"")})
    assert [each.path for each in submitted.files] == ["migrations/0008_update-customers.sql"]
    assert (
        git("diff", "--name-status", "main", submitted.branch, cwd=shop)
        == "A\tmigrations/0008_update-customers.sql\n"
    )


async def test_open_change_requests_keep_their_numbers(
    changes: Changes, facts: SessionFacts, eve: Identity
) -> None:
    first, second = (
        await drafted(changes, facts),
        await drafted(changes, facts, "DELETE FROM customers", number=4),
    )
    await changes.submit(eve, first, WHY, no_way_back="none")
    assert (await changes.get(second)).files[0].path.startswith("migrations/0008_")
    await changes.withdraw(eve, first)
    submitted = await changes.submit(eve, second, WHY, no_way_back="none")
    assert submitted.files[0].path.startswith("migrations/0007_")


async def test_replicas_that_submit_at_once_take_different_numbers(
    changes: Changes, facts: SessionFacts, eve: Identity, store: Store, tmp_path: Path, shop: Path
) -> None:
    replicas = [
        changes,
        *(Changes(store, public_url=URL, folder=tmp_path / f"r{number}") for number in range(3)),
    ]
    drafts = [
        await drafted(changes, facts, f"DELETE FROM t{number}", number=number) for number in range(1, 5)
    ]
    async with asyncio.TaskGroup() as group:
        for each, draft in zip(replicas, drafts, strict=True):
            group.create_task(each.submit(eve, draft, WHY, no_way_back="none"))
    paths = sorted([(await changes.get(draft)).files[0].path[11:15] for draft in drafts])
    assert paths == ["0007", "0008", "0009", "0010"]
    git("fsck", "--strict", cwd=shop)


async def test_of_two_that_submit_the_same_draft_one_wins(
    changes: Changes, facts: SessionFacts, eve: Identity, store: Store, tmp_path: Path, shop: Path
) -> None:
    change = await drafted(changes, facts)
    other = Changes(store, public_url=URL, folder=tmp_path / "other")
    ended: list[str] = []

    async def submit(each: Changes) -> None:
        try:
            await each.submit(eve, change, WHY, no_way_back="none")
            ended.append("won")
        except Conflict:
            ended.append("lost")

    async with asyncio.TaskGroup() as group:
        for each in (changes, other):
            group.create_task(submit(each))
    assert sorted(ended) == ["lost", "won"]
    assert len(git("branch", "--list", "change/*", cwd=shop).split()) == 1
    assert [step.state.value for step in (await changes.show(change)).steps] == ["draft", "submitted"]


# --- repositories that fail


async def failing(
    changes: Changes, facts: SessionFacts, eve: Identity, url: str, **repository: str
) -> tuple[ChangeId, pytest.ExceptionInfo[Exception]]:
    where = replace(facts, endpoint=orders_db(url, **repository))
    change = await drafted(changes, where)
    with pytest.raises((RepositoryUnavailable, Conflict, NotFound, InvalidInput)) as failed:
        await changes.submit(eve, change, WHY, no_way_back="none")
    shown = await changes.show(change)
    assert shown.change.state is ChangeState.DRAFT
    assert not shown.change.branch
    return change, failed


async def test_a_repository_that_is_gone_leaves_the_draft(
    changes: Changes, facts: SessionFacts, eve: Identity, shop: Path, tmp_path: Path
) -> None:
    away = tmp_path / "away.git"
    change, failed = await failing(changes, facts, eve, str(away))
    assert isinstance(failed.value, RepositoryUnavailable)
    shop.rename(away)
    assert (await changes.submit(eve, change, WHY, no_way_back="none")).state is ChangeState.SUBMITTED


async def test_a_hook_that_refuses_leaves_the_draft_and_its_edits(
    changes: Changes, facts: SessionFacts, eve: Identity, shop: Path
) -> None:
    hook = shop / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'no pushes on Fridays' >&2\nexit 1\n")
    hook.chmod(0o755)
    change = await drafted(changes, facts)
    (file,) = (await changes.get(change)).files
    edited = filled(file.new or b"", "what I typed for an hour;")
    with pytest.raises(RepositoryUnavailable, match="no pushes on Fridays"):
        await changes.submit(eve, change, WHY, files={file.path: edited})
    shown = await changes.show(change)
    assert shown.change.state is ChangeState.DRAFT
    assert "what I typed for an hour" in shown.diff
    hook.unlink()
    submitted = await changes.submit(eve, change, WHY)
    assert "what I typed for an hour" in git("show", f"{submitted.branch}:{file.path}", cwd=shop)


@pytest.mark.parametrize(
    ("repository", "message"),
    [
        ({"branch": "trunk"}, "no branch trunk"),
        ({"migrations": "db/changes"}, "no folder db/changes"),
        ({"convention": "rails"}, "convention 'rails' is unknown"),
    ],
)
async def test_what_the_registration_gets_wrong_is_named(
    changes: Changes, facts: SessionFacts, eve: Identity, shop: Path, repository: dict[str, str], message: str
) -> None:
    _, failed = await failing(changes, facts, eve, str(shop), **repository)
    assert message in str(failed.value)


async def test_an_empty_repository_is_named(
    changes: Changes, facts: SessionFacts, eve: Identity, tmp_path: Path
) -> None:
    _, failed = await failing(changes, facts, eve, str(bare_repository(tmp_path / "empty.git", {})))
    assert "no commits yet" in str(failed.value)


async def test_an_endpoint_without_a_repository_is_named(
    changes: Changes, facts: SessionFacts, eve: Identity
) -> None:
    _, failed = await failing(changes, facts, eve, "")
    assert "names no repository" in str(failed.value)


async def test_a_branch_that_exists_leaves_the_draft(
    changes: Changes, facts: SessionFacts, eve: Identity, shop: Path
) -> None:
    change = await drafted(changes, facts)
    git("branch", f"change/{change}-update-customers", "main", cwd=shop)
    with pytest.raises(Conflict, match="exists already"):
        await changes.submit(eve, change, WHY, no_way_back="none")
    assert (await changes.get(change)).state is ChangeState.DRAFT
    git("branch", "-D", f"change/{change}-update-customers", cwd=shop)
    assert (await changes.submit(eve, change, WHY, no_way_back="none")).state is ChangeState.SUBMITTED


async def test_a_try_that_died_between_push_and_store_is_finished_by_the_next(
    changes: Changes, facts: SessionFacts, eve: Identity, shop: Path, store: Store
) -> None:
    change = await drafted(changes, facts)
    async with store.transaction() as conn:
        await conn.execute("ALTER TABLE ledger_leaves RENAME TO away")
    with pytest.raises(Exception, match="ledger_leaves"):
        await changes.submit(eve, change, WHY, no_way_back="none")
    async with store.transaction() as conn:
        await conn.execute("ALTER TABLE away RENAME TO ledger_leaves")
    arrived = git("rev-parse", f"change/{change}-update-customers", cwd=shop).strip()
    assert (await changes.get(change)).state is ChangeState.DRAFT
    submitted = await changes.submit(eve, change, WHY, no_way_back="none")
    assert submitted.state is ChangeState.SUBMITTED
    assert submitted.commit == arrived
    assert submitted.files[0].path == "migrations/0007_update-customers.sql"


async def test_a_claim_that_nobody_holds_any_more_lapses(
    changes: Changes, facts: SessionFacts, eve: Identity, store: Store
) -> None:
    change = await drafted(changes, facts)
    claim = (
        "UPDATE changes SET claim = gen_random_uuid(), claimed_at = now() - make_interval(mins => $2) "
        "WHERE id = $1"
    )
    async with store.transaction() as conn:
        await conn.execute(claim, change, 1)
    with pytest.raises(Conflict, match="right now"):
        await changes.submit(eve, change, WHY, no_way_back="none")
    with pytest.raises(Conflict):
        await changes.withdraw(eve, change)
    async with store.transaction() as conn:
        await conn.execute(claim, change, 10)
    assert (await changes.submit(eve, change, WHY, no_way_back="none")).state is ChangeState.SUBMITTED


@pytest.mark.parametrize(
    ("convention", "existing", "expected"),
    [
        ("flyway", "V7__a.sql", "V8__update_customers.sql"),
        ("dbmate", "20990101000000_a.sql", "20990101000001_update_customers.sql"),
    ],
)
async def test_other_conventions_are_kept(
    changes: Changes,
    facts: SessionFacts,
    eve: Identity,
    tmp_path: Path,
    convention: str,
    existing: str,
    expected: str,
) -> None:
    path = bare_repository(tmp_path / "other.git", {f"db/{existing}": "-- x\n"}, "trunk")
    endpoint = orders_db(str(path), branch="trunk", convention=convention, migrations="db")
    change = await drafted(changes, replace(facts, endpoint=endpoint, session=SessionId(44)))
    submitted = await changes.submit(eve, change, WHY, no_way_back="none")
    assert [each.path for each in submitted.files] == [f"db/{expected}"]
    assert git("diff", "--name-status", "trunk", submitted.branch, cwd=path) == f"A\tdb/{expected}\n"
