from __future__ import annotations

import asyncio
import os
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest
from changes.shop import bare_repository, git, push_files

from gateway.changes.objects import NewCommit, Person
from gateway.changes.repository import Repositories, local_path
from gateway.domain.change import FilePatch
from gateway.domain.errors import Conflict, InvalidInput, NotFound, RepositoryUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVE = Person("Eve Engineer", "eve@example.org")
GATE = Person("Glassgate", "glassgate@gw.example")
PATCH = FilePatch("migrations/0007_x.sql", None, b"UPDATE t SET a = 1;\n")


@pytest.fixture
def repositories(tmp_path: Path) -> Repositories:
    return Repositories(tmp_path / "own", GATE)


def new(*files: FilePatch) -> NewCommit:
    return NewCommit(files or (PATCH,), "Subject\n\nBody\n", EVE, GATE, 1_790_000_000)


def hook(repository: Path, name: str, script: str) -> None:
    path = repository / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def served(tmp_path: Path, shop: Path) -> Iterator[str]:
    """The shop's repository behind a transport: the real git daemon, on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [
            *("git", "daemon", "--export-all", "--enable=receive-pack", "--reuseaddr", "--listen=127.0.0.1"),
            *(f"--port={port}", f"--base-path={tmp_path}", str(tmp_path)),
        ],
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    url = f"git://127.0.0.1:{port}/{shop.name}"
    for _ in range(100):
        if subprocess.run(["git", "ls-remote", url], capture_output=True, check=False).returncode == 0:
            break
    yield url
    os.killpg(process.pid, 15)
    process.wait()


async def pushed(repositories: Repositories, url: str) -> str:
    repository = repositories.at(url)
    base = await repository.base("main")
    commit = await repository.commit(base, new())
    await repository.push(commit, "change/1-x", expected=None)
    return commit


def check_pushed(shop: Path, commit: str) -> None:
    assert git("rev-parse", "change/1-x", cwd=shop).strip() == commit
    assert git("show", "change/1-x:migrations/0007_x.sql", cwd=shop) == "UPDATE t SET a = 1;\n"
    assert git("diff", "--name-status", "main", "change/1-x", cwd=shop) == "A\tmigrations/0007_x.sql\n"
    assert git("log", "-1", "--format=%an <%ae> %cn <%ce> %at %P", "change/1-x", cwd=shop).strip() == (
        "Eve Engineer <eve@example.org> Glassgate <glassgate@gw.example> 1790000000 "
        + git("rev-parse", "main", cwd=shop).strip()
    )
    assert "missing" not in git("fsck", "--strict", "--full", cwd=shop)


@pytest.mark.parametrize("form", ["{}", "file://{}"])
async def test_a_folder_takes_a_commit_without_a_work_tree(
    repositories: Repositories, shop: Path, form: str
) -> None:
    check_pushed(shop, await pushed(repositories, form.format(shop)))
    assert "migrations/0006_add-index.sql" in git("ls-tree", "-r", "--name-only", "change/1-x", cwd=shop)


async def test_a_repository_behind_a_transport_takes_it_too(
    repositories: Repositories, shop: Path, served: str
) -> None:
    check_pushed(shop, await pushed(repositories, served))
    repository = repositories.at(served)
    assert await repository.names(await repository.base("main"), "migrations") == (
        "0001_create.sql",
        "0006_add-index.sql",
    )
    push_files(shop, {"migrations/0007_other.sql": "x\n"})
    assert "0007_other.sql" in await repository.names(await repository.base("main"), "migrations")


async def test_a_packed_repository_is_read(repositories: Repositories, shop: Path) -> None:
    git("gc", "--quiet", "--prune=now", cwd=shop)
    check_pushed(shop, await pushed(repositories, str(shop)))


async def test_a_work_tree_with_its_repository_inside_serves(
    repositories: Repositories, shop: Path, tmp_path: Path
) -> None:
    git("clone", "--quiet", shop, tmp_path / "work", cwd=tmp_path)
    check_pushed(tmp_path / "work", await pushed(repositories, str(tmp_path / "work")))


@pytest.mark.parametrize("transport", ["folder", "daemon"])
async def test_a_hook_that_refuses_is_heard(
    repositories: Repositories, shop: Path, served: str, transport: str
) -> None:
    hook(shop, "pre-receive", "printf 'no \\033[31mred\\033[0m pushes on Fridays\\n' >&2; exit 1")
    with pytest.raises(RepositoryUnavailable, match="refused the push") as refused:
        await pushed(repositories, str(shop) if transport == "folder" else served)
    assert "pushes on Fridays" in refused.value.message
    assert "\x1b" not in refused.value.message
    assert not git("branch", "--list", "change/*", cwd=shop)


async def test_hooks_behind_the_push_run(repositories: Repositories, shop: Path) -> None:
    hook(shop, "post-receive", "cat > heard")
    commit = await pushed(repositories, str(shop))
    assert commit in (shop / "heard").read_text()


@pytest.mark.parametrize("transport", ["folder", "daemon", "hooked"])
async def test_a_branch_that_exists_is_never_overwritten(
    repositories: Repositories, shop: Path, served: str, transport: str
) -> None:
    if transport == "hooked":
        hook(shop, "post-receive", "exit 0")
    git("branch", "change/1-x", "main", cwd=shop)
    with pytest.raises(Conflict, match="exists already"):
        await pushed(repositories, served if transport == "daemon" else str(shop))
    assert git("rev-parse", "change/1-x", cwd=shop) == git("rev-parse", "main", cwd=shop)


async def test_a_branch_in_the_way_of_the_folder_is_said(repositories: Repositories, shop: Path) -> None:
    git("branch", "change", "main", cwd=shop)
    with pytest.raises(Conflict):
        await pushed(repositories, str(shop))


async def test_a_repository_that_is_not_there_is_said(repositories: Repositories, tmp_path: Path) -> None:
    with pytest.raises(RepositoryUnavailable, match="no git repository at") as gone:
        await repositories.at(str(tmp_path / "gone.git")).base("main")
    assert gone.value.hint
    (tmp_path / "plain").mkdir()
    with pytest.raises(RepositoryUnavailable):
        await repositories.at(str(tmp_path / "plain")).base("main")


async def test_a_server_that_is_not_there_is_said(repositories: Repositories) -> None:
    with pytest.raises(RepositoryUnavailable) as gone:
        await repositories.at("https://eve:hunter2@127.0.0.1:9/shop.git").base("main")
    assert "hunter2" not in gone.value.message


async def test_an_empty_repository_is_said(repositories: Repositories, tmp_path: Path) -> None:
    empty = bare_repository(tmp_path / "empty.git", {})
    with pytest.raises(RepositoryUnavailable, match="no commits yet"):
        await repositories.at(str(empty)).base("main")


async def test_a_missing_base_branch_names_those_that_are_there(
    repositories: Repositories, shop: Path
) -> None:
    with pytest.raises(RepositoryUnavailable, match="no branch trunk") as missing:
        await repositories.at(str(shop)).base("trunk")
    assert "main" in missing.value.hint


@pytest.mark.parametrize("folder", ["db/migrations", "README.md", "migrations/deeper"])
async def test_a_missing_migrations_folder_is_said(
    repositories: Repositories, shop: Path, folder: str
) -> None:
    repository = repositories.at(str(shop))
    with pytest.raises(NotFound, match=f"no folder {folder}"):
        await repository.names(await repository.base("main"), folder)


async def test_files_that_hold_a_word_are_found_below_a_folder(
    repositories: Repositories, tmp_path: Path
) -> None:
    files = {
        "a/b/one.yaml": "name: web",
        "a/two.yml": "name: web",
        "a/three.yaml": "name: api",
        "web.md": "web",
    }
    path = bare_repository(tmp_path / "words.git", files)
    source = repositories.at(str(path))
    commit = await source.base("main")
    endings = (".yaml", ".yml")
    assert sorted(await source.holding(commit, "", endings, b"web")) == ["a/b/one.yaml", "a/two.yml"]
    assert await source.holding(commit, "a/b", endings, b"web") == {"a/b/one.yaml": b"name: web"}
    for folder in ("none", "a/two.yml", "a/b/one.yaml/x"):
        assert await source.holding(commit, folder, endings, b"web") == {}


async def test_no_path_leads_over_a_symbolic_link(
    repositories: Repositories, shop: Path, tmp_path: Path
) -> None:
    work = tmp_path / "linked"
    git("clone", "--quiet", shop, work, cwd=tmp_path)
    (work / "link").symlink_to("migrations")
    (work / "migrations" / "0002_link.sql").symlink_to("/etc/passwd")
    git("add", "--all", cwd=work)
    git("commit", "--quiet", "-m", "links", cwd=work)
    git("push", "--quiet", "origin", "main", cwd=work)
    repository = repositories.at(str(shop))
    base = await repository.base("main")
    for path in ("link/0007_x.sql", "migrations/0002_link.sql", "README.md/x.sql", "migrations"):
        with pytest.raises(InvalidInput):
            await repository.commit(base, new(FilePatch(path, None, b"x")))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "--upload-pack=touch /tmp/x",
        "ext::sh -c touch",
        "fd::17",
        "ssh+x://h/p",
        "https://h/\n",
        "data:://x",
    ],
)
def test_an_address_that_could_run_something_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        local_path(url)


def test_addresses_name_folders_or_transports(tmp_path: Path) -> None:
    assert local_path(str(tmp_path)) == tmp_path
    assert local_path(f"file://{tmp_path}/a%20b.git") == tmp_path / "a b.git"
    for url in ("git@forge.example:team/shop.git", "ssh://git@forge/x.git", "https://forge/x.git"):
        assert local_path(url) is None


def test_a_person_cant_forge_another_line() -> None:
    assert Person("Eve\n<root>", "eve@x>\nauthor").ident == b"Everoot <eve@xauthor>"
    assert Person("\u202e", "").ident == b"unknown <>"


async def test_publishing_makes_the_branch_and_then_moves_it(
    repositories: Repositories, tmp_path: Path, served: str, shop: Path
) -> None:
    empty = bare_repository(tmp_path / "witness.git", {})
    for url, path in ((str(empty), empty), (served, shop)):
        first = await repositories.publish_file(
            url, "witness", "checkpoints/latest", b"one\n", "Checkpoint 1"
        )
        second = await repositories.publish_file(
            url, "witness", "checkpoints/latest", b"two\n", "Checkpoint 2"
        )
        assert (
            await repositories.publish_file(url, "witness", "checkpoints/latest", b"two\n", "Again") == second
        )
        assert git("log", "--format=%H %s", "witness", cwd=path).split("\n")[:2] == [
            f"{second} Checkpoint 2",
            f"{first} Checkpoint 1",
        ]
        assert git("show", "witness:checkpoints/latest", cwd=path) == "two\n"
        git("fsck", "--strict", cwd=path)


async def test_publishers_side_by_side_lose_nothing(tmp_path: Path, shop: Path) -> None:
    others = [Repositories(tmp_path / f"own{number}", GATE) for number in range(4)]
    async with asyncio.TaskGroup() as group:
        for number, each in enumerate(others):
            group.create_task(each.publish_file(str(shop), "witness", f"w/{number}", b"x\n", f"w {number}"))
    assert git("ls-tree", "--name-only", "witness:w", cwd=shop).split() == ["0", "1", "2", "3"]
    git("fsck", "--strict", cwd=shop)


async def test_without_git_a_folder_with_hooks_is_not_written_behind_their_back(
    repositories: Repositories, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook(shop, "pre-receive", "exit 1")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RepositoryUnavailable, match="no git to run them"):
        await pushed(repositories, str(shop))
    (shop / "hooks" / "pre-receive").unlink()
    commit = await pushed(repositories, str(shop))
    monkeypatch.undo()
    check_pushed(shop, commit)
