"""From a refused command on a host to files in its repository: real git repositories, the real store."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from changes.shop import bare_repository, git, orders_db, push_files, unit

from gateway.domain.change import ChangeKind, ChangeState, HostCapture
from gateway.domain.endpoint import EndpointKind, Repository
from gateway.domain.errors import InvalidInput, UpstreamUnavailable
from gateway.domain.host import (
    ByHand,
    CopyOf,
    HostFile,
    HostWrite,
    Known,
    ModeSet,
    Printed,
    Removed,
    Stanza,
    Written,
)
from gateway.store import endpoints

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.changes.flow import Changes, SessionFacts
    from gateway.domain.identity import Identity
    from gateway.domain.unit import Filed

CONF = "/etc/nginx/nginx.conf"
PLACED = "ansible/files/nginx/nginx.conf"
TEXT = "user www;\nworker_processes 1;\nevents {}\nhttp {}\n"
_batches = itertools.count(1)


@dataclass
class Host:
    """A host's files; what a line prints is told beforehand."""

    files: dict[str, HostFile]
    prints: dict[str, bytes] = field(default_factory=dict)

    async def file(self, path: str) -> HostFile | None:
        if path.startswith("/root/"):
            raise UpstreamUnavailable(f"{path} can't be read by the gateway's login")
        return self.files.get(path)

    async def printed(self, line: str, given: bytes | None) -> bytes:
        del given
        return self.prints[line]


@pytest.fixture
def host() -> Host:
    return Host(
        {CONF: HostFile(TEXT.encode(), 0o644), "/usr/local/bin/tool": HostFile(b"#!/bin/sh\n", 0o644)}
    )


@pytest.fixture
def web(tmp_path: Path) -> Path:
    return bare_repository(
        tmp_path / "web.git",
        {
            PLACED: TEXT,
            "ansible/tasks/main.yml": "- name: base\n  ansible.builtin.setup:\n",
            "Dockerfile": "FROM x\n",
        },
    )


@pytest.fixture
def on_web(facts: SessionFacts, web: Path) -> SessionFacts:
    repository = Repository(
        url=str(web), paths={"/etc/nginx/**": "ansible/files/nginx/**"}, image="ansible/tasks/main.yml"
    )
    endpoint = replace(orders_db(""), name="web-1", kind=EndpointKind.SSH, repository=repository)
    return replace(facts, endpoint=endpoint)


@pytest.fixture
async def registered(on_web: SessionFacts, changes: Changes) -> SessionFacts:
    """The endpoint as the store holds it."""
    where = on_web.endpoint
    async with changes._store.transaction() as conn:
        stands = await endpoints.put_endpoint(
            conn,
            endpoints.Registration(
                name=where.name,
                kind=where.kind,
                labels={},
                host="web-1",
                port=22,
                username="look",
                tls="off",
                ca="",
                repository=where.repository,
                settings=where.settings,
            ),
            b"sealed",
        )
    return replace(on_web, endpoint=stands)


async def told(
    changes: Changes,
    facts: SessionFacts,
    host: Host,
    text: str,
    *writes: HostWrite,
    kind: ChangeKind = ChangeKind.EDIT,
) -> Filed:
    batch = next(_batches)
    captured = HostCapture(text, text[:60], kind, batch, writes)
    return await changes.file(facts, captured, unit(batch), host, rule="shell.sed.in-place")


async def test_an_edit_is_a_diff_at_the_mapped_path(
    changes: Changes, registered: SessionFacts, host: Host
) -> None:
    line = f"sed 's/1;/4;/' {CONF}"
    host.prints[line] = TEXT.replace("1;", "4;").encode()
    filed = await told(changes, registered, host, f"sed -i 's/1;/4;/' {CONF}", Written(CONF, Printed(line)))
    shown = await changes.show(filed.change)
    (file,) = shown.change.files
    assert file.path == PLACED
    assert file.new == TEXT.replace("1;", "4;").encode()
    assert "-worker_processes 1;\n+worker_processes 4;\n" in shown.diff
    assert shown.notes == ()
    assert filed.detail.startswith(f"{PLACED}: sed -i")


async def test_it_is_submitted_as_a_commit_by_its_author(
    changes: Changes, registered: SessionFacts, host: Host, eve: Identity, web: Path
) -> None:
    filed = await told(changes, registered, host, "echo x >> f", Written(CONF, Known(b"x\n"), appended=True))
    submitted = await changes.submit(eve, filed.change, "INC-42: more workers")
    assert submitted.state is ChangeState.SUBMITTED
    assert git("show", f"{submitted.commit}:{PLACED}", cwd=web) == TEXT + "x\n"
    assert git("log", "-1", "--format=%an", submitted.commit, cwd=web) == "Eve Engineer\n"


async def test_an_edit_is_carried_over_to_a_file_that_differs(
    changes: Changes, registered: SessionFacts, host: Host, web: Path
) -> None:
    push_files(web, {PLACED: "# managed\n" + TEXT.replace("www", "{{ user }}")})
    new = TEXT.replace("1;", "4;").encode()
    filed = await told(changes, registered, host, "sed -i …", Written(CONF, Known(new)))
    shown = await changes.show(filed.change)
    assert shown.change.files[0].new == b"# managed\n" + new.replace(b"www", b"{{ user }}")
    assert any("only the edit was carried over" in note for note in shown.notes)


async def test_what_can_not_be_carried_over_is_said(
    changes: Changes, registered: SessionFacts, host: Host, web: Path
) -> None:
    push_files(web, {PLACED: "nothing alike\n"})
    filed = await told(changes, registered, host, "sed -i …", Written(CONF, Known(b"new\n")))
    shown = await changes.show(filed.change)
    assert shown.change.files[0].new == b"new\n"
    assert any("the host's whole file is proposed" in note for note in shown.notes)


async def test_secrets_of_a_host_that_git_never_saw_stay_out_of_it(
    changes: Changes, registered: SessionFacts, host: Host
) -> None:
    host.files["/etc/app.env"] = HostFile(b"level = 1\npassword = correct-horse-battery\n", 0o644)
    edited = b"level = 2\npassword = correct-horse-battery\n"
    filed = await told(changes, registered, host, "sed -i …", Written("/etc/app.env", Known(edited)))
    shown = await changes.show(filed.change)
    new = shown.change.files[0].new
    assert new is not None
    assert b"level = 2" in new
    assert b"correct-horse" not in new
    assert any("[secret]" in note for note in shown.notes)


async def test_edits_of_one_line_follow_each_other(
    changes: Changes, registered: SessionFacts, host: Host
) -> None:
    filed = await told(
        changes,
        registered,
        host,
        "cp … && echo >> … && rm …",
        Written("/etc/nginx/old.conf", CopyOf(CONF)),
        Written("/etc/nginx/old.conf", Known(b"more\n"), appended=True),
        Removed(CONF),
    )
    files = {file.path: file for file in (await changes.get(filed.change)).files}
    assert files["ansible/files/nginx/old.conf"].new == TEXT.encode() + b"more\n"
    assert files[PLACED].new is None
    assert files[PLACED].old == TEXT.encode()


async def test_a_mode_is_kept_as_far_as_git_can(
    changes: Changes, registered: SessionFacts, host: Host
) -> None:
    filed = await told(changes, registered, host, "chmod u+x", ModeSet("/usr/local/bin/tool", "u+x"))
    shown = await changes.show(filed.change)
    (file,) = shown.change.files
    assert (file.path, file.mode) == ("files/usr/local/bin/tool", 0o100755)
    assert any("0744 instead of 0644" in note for note in shown.notes)
    assert any("no mapping says" in note for note in shown.notes)


async def test_a_package_is_a_stanza_of_the_image(
    changes: Changes, registered: SessionFacts, host: Host
) -> None:
    filed = await told(
        changes, registered, host, "apt-get install curl", Stanza("package", "apt-get", "install", ("curl",))
    )
    (file,) = (await changes.get(filed.change)).files
    assert file.path == "ansible/tasks/main.yml"
    assert (
        (file.new or b"")
        .decode()
        .endswith(
            '- name: "install curl"\n  ansible.builtin.package:\n    name: ["curl"]\n    state: "present"\n'
        )
    )


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (Stanza("service", "systemctl", "restart", ("nginx",)), "a restart is a redeploy"),
        (Stanza("package", "apt-get", "install", ("--allow; rm -rf /",)), "there are no words for it"),
        (ByHand("kill 1"), "a person must turn it into code"),
        (Written(CONF, None), "is not known"),
        (Written("/root/secret", Known(b"x")), "can't be read by the gateway's login"),
        (Removed("/usr/local/bin/tool"), "the repository does not hold files/usr/local/bin/tool"),
        (ModeSet(CONF, "600"), "would have been 0600 instead of 0644"),
    ],
)
async def test_what_is_no_patch_is_a_page_for_a_person(
    changes: Changes, registered: SessionFacts, host: Host, write: HostWrite, said: str
) -> None:
    filed = await told(changes, registered, host, "do `it` now", write)
    (file,) = (await changes.get(filed.change)).files
    assert file.path == f"changes/{filed.change:04d}-do-it-now.md"
    text = (file.new or b"").decode()
    assert said in text[0].lower() + text[1:] or said in text.lower()


async def test_a_secret_in_a_new_line_does_not_reach_the_repository(
    changes: Changes, registered: SessionFacts, host: Host
) -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"
    content = f"{TEXT}password = hunter2hunter2\n{key}".encode()
    filed = await told(changes, registered, host, "tee f", Written(CONF, Known(content)))
    shown = await changes.show(filed.change)
    new = shown.change.files[0].new or b""
    assert b"hunter2" not in new
    assert b"MIIB" not in new
    assert new.startswith(TEXT.encode())
    assert any("secret" in note for note in shown.notes)


async def test_the_same_command_again_joins_its_draft(
    changes: Changes, registered: SessionFacts, host: Host
) -> None:
    write = Written(CONF, Known(b"x\n"))
    first = await told(changes, registered, host, "echo x > f", write)
    again = await told(changes, registered, host, "echo x > f", write)
    assert (again.change, again.joined) == (first.change, True)


@pytest.mark.parametrize("path", ["/.git/config", "/etc/../.github/workflows/x.yml", "/etc/nginx/../../x"])
async def test_a_path_that_git_must_not_hold_is_refused(
    changes: Changes, registered: SessionFacts, host: Host, path: str, eve: Identity
) -> None:
    filed = await told(changes, registered, host, "echo x > f", Written(path, Known(b"x")))
    with pytest.raises(InvalidInput):
        await changes.submit(eve, filed.change, "why")


async def test_an_edited_proposal_is_what_is_committed(
    changes: Changes, registered: SessionFacts, host: Host, eve: Identity, web: Path
) -> None:
    filed = await told(changes, registered, host, "echo x > f", Written(CONF, Known(b"x\n")))
    submitted = await changes.submit(eve, filed.change, "why", files={PLACED: b"edited\n"})
    assert git("show", f"{submitted.commit}:{PLACED}", cwd=web) == "edited\n"


@pytest.mark.parametrize(
    ("line", "write"),
    [
        (
            "docker login -u a -p hunter-2 reg",
            Stanza("container", "docker", "login", ("a", "hunter-2", "reg")),
        ),
        ("mysql -phunter-2 -e 'DROP TABLE x'", ByHand("mysql -phunter-2 -e 'DROP TABLE x'")),
        (
            "echo '0 3 * * * curl -u a:hunter-2 http://x' >> /etc/nginx/nginx.conf",
            Written(CONF, Known(b"0 3 * * * curl -u a:hunter-2 http://x\n"), appended=True),
        ),
    ],
)
async def test_what_programs_are_given_in_secret_is_proposed_nowhere(
    changes: Changes,
    registered: SessionFacts,
    host: Host,
    line: str,
    write: HostWrite,
    web: Path,
    eve: Identity,
) -> None:
    filed = await told(changes, registered, host, line, write)
    shown = await changes.show(filed.change)
    assert "hunter-2" not in repr(shown) + repr(filed)
    assert "[secret]" in shown.diff
    submitted = await changes.submit(eve, filed.change, "as with mysql -phunter-2 before")
    assert "hunter-2" not in git("log", "-p", "-1", str(submitted.commit), cwd=web)
