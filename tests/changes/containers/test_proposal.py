"""From a refused request to an engine to its compose file: real git repositories, the real store."""

from __future__ import annotations

import io
import itertools
import json
import tarfile
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from changes.shop import bare_repository, git, orders_db, unit

from gateway.domain.change import ChangeKind, ContainerCapture
from gateway.domain.containers import Container, ContainerWrite
from gateway.domain.endpoint import EndpointKind, Repository
from gateway.domain.errors import UpstreamUnavailable
from gateway.domain.host import ByHand, HostFile, HostWrite, Printed, Written
from gateway.store import endpoints

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.changes.flow import Changes, SessionFacts, Shown
    from gateway.domain.identity import Identity

COMPOSE = """# the shop
services:
  web:   # in front
    image: "nginx:1.25"   # pinned
    restart: unless-stopped
    environment:
      LEVEL: info
      URL: ${URL}
    ports:
      - "80:80"
    volumes:
      - ./conf/nginx.conf:/etc/nginx/nginx.conf:ro
      - data:/data

  # behind
  worker:
    image: shop:1
    container_name: shop-worker
    environment:
      - LEVEL=info   # loud enough
    command: ["run", "--all"]

volumes:
  data:
"""
CONF = "user www;\nworker_processes 1;\n"
LABELS = {
    "com.docker.compose.project": "shop",
    "com.docker.compose.service": "web",
    "com.docker.compose.project.config_files": "/srv/shop/deploy/compose.yaml",
}
_batches = itertools.count(1)


@dataclass
class Inside:
    """Files of a container; what a line prints is told beforehand."""

    files: dict[str, HostFile]
    prints: dict[str, bytes]

    async def file(self, path: str) -> HostFile | None:
        return self.files.get(path)

    async def printed(self, line: str, given: bytes | None) -> bytes:
        del given
        return self.prints[line]


@dataclass
class Engine:
    """A door's port to an engine."""

    containers: dict[str, Container] = field(default_factory=dict)
    files: dict[str, HostFile] = field(default_factory=dict)
    prints: dict[str, bytes] = field(default_factory=dict)
    away: bool = False

    def inside(self, container: str) -> Inside:
        assert container
        return Inside(self.files, self.prints)

    async def described(self, container: str) -> Container | None:
        if self.away:
            raise UpstreamUnavailable("the engine is away")
        return self.containers.get(container)


@pytest.fixture
def engine() -> Engine:
    return Engine(
        {
            "shop-web-1": Container("shop-web-1", "nginx:1.25", LABELS),
            "3f2a": Container("shop-web-1", "nginx:1.25", LABELS),
            "shop-worker": Container("shop-worker", "shop:1"),
            "lonely": Container("lonely", "redis:7"),
        },
        {"/etc/nginx/nginx.conf": HostFile(CONF.encode(), 0o644)},
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return bare_repository(tmp_path / "shop-deploy.git", {"compose.yaml": COMPOSE, "conf/nginx.conf": CONF})


@pytest.fixture
async def registered(facts: SessionFacts, changes: Changes, repository: Path) -> SessionFacts:
    return await on(facts, changes, Repository(url=str(repository), paths={"/app/**": "app/**"}))


async def on(facts: SessionFacts, changes: Changes, repository: Repository) -> SessionFacts:
    """The endpoint with this repository, as the store holds it."""
    where = replace(orders_db(""), name="prod-docker", kind=EndpointKind.DOCKER, repository=repository)
    async with changes._store.transaction() as conn:
        stands = await endpoints.put_endpoint(
            conn,
            endpoints.Registration(
                name=where.name,
                kind=where.kind,
                labels={},
                host="/run/docker.sock",
                port=0,
                username="",
                tls="off",
                ca="",
                repository=where.repository,
                settings=where.settings,
            ),
            b"sealed",
        )
    return replace(facts, endpoint=stands)


async def told(
    changes: Changes,
    facts: SessionFacts,
    engine: Engine,
    write: ContainerWrite,
    text: str = "",
    kind: ChangeKind = ChangeKind.EDIT,
) -> Shown:
    batch = next(_batches)
    captured = ContainerCapture(
        text or f"POST /{write.verb}", write.command or "docker …", kind, batch, (write,)
    )
    filed = await changes.file(facts, captured, unit(batch), engine, rule=f"docker.{write.sort}.{write.verb}")
    return await changes.show(filed.change)


def of(verb: str, name: str, sort: str = "container", **body: object) -> ContainerWrite:
    said = json.dumps(body).encode() if body else None
    return ContainerWrite(sort, verb, name, f"docker {verb} {name}", body=said)


def lines(shown: Shown, path: str = "compose.yaml") -> list[str]:
    """What a patch takes away and puts in."""
    (file,) = (each for each in shown.change.files if each.path == path)
    old, new = (file.old or b"").decode().splitlines(), (file.new or b"").decode().splitlines()
    gone = [f"-{each}" for each in old if each not in new]
    return [*gone, *(f"+{each}" for each in new if each not in old)]


def page(shown: Shown) -> str:
    (file,) = (each for each in shown.change.files if each.path.startswith("changes/"))
    return (file.new or b"").decode()


async def test_another_image_of_a_container_is_its_services(
    changes: Changes, registered: SessionFacts, engine: Engine, eve: Identity, repository: Path
) -> None:
    write = of(
        "create", "shop-worker", Image="docker.io/library/shop:2", Cmd=["run", "--all"], Env=["LEVEL=debug"]
    )
    shown = await told(changes, registered, engine, write)
    assert lines(shown) == [
        "-    image: shop:1",
        "-      - LEVEL=info   # loud enough",
        "+    image: shop:2",
        "+      - LEVEL=debug   # loud enough",
    ]
    submitted = await changes.submit(eve, shown.change.id, "INC-42: the worker loses orders")
    assert git("show", f"{submitted.commit}:compose.yaml", cwd=repository) == (
        COMPOSE.replace("image: shop:1", "image: shop:2").replace("- LEVEL=info ", "- LEVEL=debug ")
    )
    assert git("ls-tree", submitted.commit, "compose.yaml", cwd=repository).startswith("100644 blob ")


async def test_limits_of_a_container_are_its_services(
    changes: Changes, registered: SessionFacts, engine: Engine
) -> None:
    write = of("update", "3f2a", Memory=536870912, NanoCpus=1500000000, RestartPolicy={"Name": "always"})
    assert lines(await told(changes, registered, engine, write)) == [
        "-    restart: unless-stopped",
        "+    restart: always",
        '+    mem_limit: "512m"',
        "+    cpus: 1.5",
    ]


async def test_a_network_of_a_container_is_one_of_its_service(
    changes: Changes, registered: SessionFacts, engine: Engine
) -> None:
    write = of("connect", "backend", "network", Container="shop-worker", EndpointConfig={})
    assert lines(await told(changes, registered, engine, write)) == [
        "+    networks:",
        "+      - backend",
        "+networks:",
        "+  backend:",
        "+    external: true",
    ]


async def test_a_new_container_is_a_new_service(
    changes: Changes, registered: SessionFacts, engine: Engine
) -> None:
    write = of(
        "create",
        "cache",
        Image="redis:7",
        Env=["MODE=fast", "REDIS_PASSWORD=hunter2hunter2", "PRICE=5$"],
        HostConfig={
            "PortBindings": {
                "6379/tcp": [{"HostIp": "127.0.0.1", "HostPort": "6379"}],
                "53/udp": [{"HostPort": "53"}],
            },
            "Binds": ["cache:/data", "data:/shared", "/srv/x:/x:ro"],
            "NetworkMode": "backend",
            "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3},
        },
    )
    shown = await told(changes, registered, engine, write)
    assert lines(shown) == [
        "+  cache:",
        "+    image: redis:7",
        "+      MODE: fast",
        '+      REDIS_PASSWORD: "${REDIS_PASSWORD}"',
        '+      PRICE: "5$$"',
        '+      - "127.0.0.1:6379:6379"',
        '+      - "53:53/udp"',
        "+      - cache:/data",
        "+      - data:/shared",
        "+      - /srv/x:/x:ro",
        "+    networks:",
        "+      - backend",
        "+    restart: on-failure:3",
        "+    container_name: cache",
        "+  cache: {}",
        "+networks:",
        "+  backend:",
        "+    external: true",
    ]
    assert shown.notes == ("a service cache is proposed, with what the command said and nothing else",)


async def test_what_compose_made_of_its_own_entry_is_no_edit(
    changes: Changes, registered: SessionFacts, engine: Engine
) -> None:
    write = of(
        "create",
        "shop-web-1",
        Image="nginx:1.26",
        Env=["LEVEL=info", "URL=https://shop.example"],
        Labels=LABELS,
        HostConfig={
            "Binds": ["/srv/shop/conf/nginx.conf:/etc/nginx/nginx.conf:ro"],
            "NetworkMode": "shop_default",
        },
    )
    assert lines(await told(changes, registered, engine, write)) == [
        '-    image: "nginx:1.25"   # pinned',
        '+    image: "nginx:1.26"   # pinned',
    ]


async def test_a_pulled_image_is_that_of_the_services_that_run_it(
    changes: Changes, registered: SessionFacts, engine: Engine
) -> None:
    options = (("fromImage", "docker.io/library/nginx"), ("tag", "1.27"))
    write = ContainerWrite("image", "pull", "", "docker pull nginx:1.27", options)
    shown = await told(changes, registered, engine, write)
    assert lines(shown) == ['-    image: "nginx:1.25"   # pinned', '+    image: "nginx:1.27"   # pinned']
    assert shown.notes == ("pulled by web at the next deployment",)


async def test_a_swarm_service_is_the_entry_of_its_stack(
    changes: Changes, registered: SessionFacts, engine: Engine
) -> None:
    spec = {
        "Name": "shop_worker",
        "TaskTemplate": {
            "ContainerSpec": {"Image": f"shop:2@sha256:{'a' * 64}", "Env": ["LEVEL=info"]},
            "Resources": {"Limits": {"MemoryBytes": 104857600}},
        },
        "Mode": {"Replicated": {"Replicas": 3}},
    }
    shown = await told(changes, registered, engine, of("update", "shop_worker", "service", **spec))
    assert lines(shown) == [
        "-    image: shop:1",
        "+    image: shop:2",
        "+    deploy:",
        "+      replicas: 3",
        "+      resources:",
        "+        limits:",
        '+          memory: "100m"',
    ]


@pytest.mark.parametrize("verb", ["restart", "start", "stop", "kill", "pause"])
async def test_a_restart_is_a_redeploy(
    changes: Changes, registered: SessionFacts, engine: Engine, verb: str
) -> None:
    shown = await told(changes, registered, engine, of(verb, "shop-web-1"), kind=ChangeKind.REDEPLOY)
    text = page(shown)
    assert text.startswith("# Redeploy request")
    assert "is a redeploy of the artifact that runs" in text
    assert "It runs the service web of compose.yaml" in text


async def test_an_edit_of_a_mounted_file_is_one_of_the_repositorys(
    changes: Changes, registered: SessionFacts, engine: Engine
) -> None:
    path, line = "/etc/nginx/nginx.conf", "sed 's/1;/4;/' /etc/nginx/nginx.conf"
    engine.prints[line] = CONF.replace("1;", "4;").encode()
    write = replace(of("exec", "shop-web-1"), writes=(Written(path, Printed(line)),))
    shown = await told(changes, registered, engine, write)
    assert lines(shown, "conf/nginx.conf") == ["-worker_processes 1;", "+worker_processes 4;"]
    assert shown.notes == ()


def tar(*entries: tuple[str, bytes | None]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in entries:
            entry = tarfile.TarInfo(name)
            if content is None:
                entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
            entry.size, entry.mode = len(content or b""), 0o755
            archive.addfile(entry, io.BytesIO(content or b""))
    return made.getvalue()


async def test_uploaded_files_are_files_of_the_repository(
    changes: Changes, registered: SessionFacts, engine: Engine
) -> None:
    write = replace(
        of("copy-in", "shop-worker"), folder="/app", archive=tar(("run.sh", b"#!/bin/sh\n"), ("a/b", b"x"))
    )
    text = "PUT /containers/shop-worker/archive?path=%2Fapp\n\x1f\x8b…"
    shown = await told(changes, registered, engine, write, text)
    assert {file.path: (file.new, file.mode) for file in shown.change.files} == {
        "app/run.sh": (b"#!/bin/sh\n", 0o100755),
        "app/a/b": (b"x", 0o100755),
    }
    assert shown.change.units[0].text == "PUT /containers/shop-worker/archive?path=%2Fapp"


@pytest.mark.parametrize(
    "archive",
    [
        None,
        b"no archive",
        tar(("../../etc/x", b"x")),
        tar(("link", None)),
        tar(*((f"f{n}", b"") for n in range(51))),
    ],
)
async def test_an_upload_that_is_more_than_files_is_a_page(
    changes: Changes, registered: SessionFacts, engine: Engine, archive: bytes | None
) -> None:
    write = replace(of("copy-in", "shop-worker"), folder="/app", archive=archive)
    assert "more than plain files" in page(await told(changes, registered, engine, write))


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (of("remove", "shop-web-1"), "taking its entry out of the compose file"),
        (of("prune", "", "volume"), "removed by the pipeline"),
        (of("build", "", "image"), "built by CI"),
        (of("create", "", Image="shop:1", HostConfig={"AutoRemove": True}), "run once"),
        (of("install", "x", "plugin"), "a person must turn it into code"),
        (of("update", "lonely", Memory=104857600), "no service that is surely this one"),
        (of("create", "shop-worker", Image="shop:1"), "says so already"),
        (replace(of("exec", "shop-web-1"), writes=(ByHand("rm -rf /x"),)), "a person must turn it into code"),
        (
            ContainerWrite("image", "pull", "", "docker pull x:1", (("fromImage", "x"),)),
            "no service does that yet",
        ),
        (of("create", "shop-web-1", Image="nginx:1.25", Env=["URL=x"]), "environment"),
    ],
)
async def test_what_is_no_patch_is_a_page_for_a_person(
    changes: Changes, registered: SessionFacts, engine: Engine, write: ContainerWrite, said: str
) -> None:
    text = page(await told(changes, registered, engine, write))
    assert said.lower() in text.lower()


async def test_a_page_has_the_lines_that_a_compose_file_would_have(
    changes: Changes, facts: SessionFacts, engine: Engine, tmp_path: Path
) -> None:
    bare = bare_repository(tmp_path / "none.git", {"README.md": "nothing\n"})
    where = await on(facts, changes, Repository(url=str(bare)))
    text = page(await told(changes, where, engine, of("create", "cache", Image="redis:7")))
    assert "no compose file" in text
    assert "    services:\n      cache:\n        image: redis:7\n" in text


async def test_the_compose_file_is_found_by_its_label_and_by_the_endpoint(
    changes: Changes, facts: SessionFacts, engine: Engine, tmp_path: Path
) -> None:
    bare = bare_repository(
        tmp_path / "two.git", {"deploy/compose.yaml": COMPOSE, "stack.yml": COMPOSE, "README.md": "x\n"}
    )
    where = await on(facts, changes, Repository(url=str(bare)))
    write = of("update", "shop-web-1", Memory=104857600)
    assert [each.path for each in (await told(changes, where, engine, write)).change.files] == [
        "deploy/compose.yaml"
    ]
    named = await on(facts, changes, Repository(url=str(bare), image="stack.yml"))
    write = of("update", "shop-web-1", Memory=209715200)
    assert [each.path for each in (await told(changes, named, engine, write)).change.files] == ["stack.yml"]


async def test_an_engine_that_is_away_costs_what_it_would_have_said(
    changes: Changes, registered: SessionFacts, engine: Engine
) -> None:
    engine.away = True
    assert lines(await told(changes, registered, engine, of("update", "shop-web-1", Memory=104857600))) == [
        '+    mem_limit: "100m"'
    ]


async def test_no_secret_reaches_store_or_repository(
    changes: Changes, registered: SessionFacts, engine: Engine
) -> None:
    body = {
        "Image": "redis:7",
        "Env": ["DB_PASSWORD=hunter2hunter2", "TOKEN=abcdef123456"],
        "Cmd": ["--pass=hunter2", "--db-password", "hunter3", "--level", "info"],
    }
    write = of("create", "cache", **body)
    shown = await told(changes, registered, engine, write, f"POST /containers/create\n{json.dumps(body)}")
    for hidden in ("hunter2", "hunter3", "abcdef123456"):
        assert hidden not in shown.change.units[0].text
        assert hidden not in shown.diff
    assert (
        '+      - "--db-password"\n+      - "${DB_PASSWORD}"\n+      - "--level"\n+      - info' in shown.diff
    )
    secret = of("create", "cert", "secret", Data="aHVudGVyMg==")
    shown = await told(changes, registered, engine, secret, 'POST /secrets/create\n{"Data":"aHVudGVyMg=="}')
    assert shown.change.units[0].text == "POST /secrets/create"
    assert "aHVudGVyMg" not in shown.diff


async def test_no_secret_stays_in_labels_members_or_escapes(
    changes: Changes, registered: SessionFacts, engine: Engine
) -> None:
    body = {
        "Image": "redis:7",
        "Labels": {"auth.basic.password": "hunter2", "tier": "one"},
        "HostConfig": {"LogConfig": {"Config": {"splunk-token": "hunter2"}}},
    }
    write = of("create", "cache", **body)
    shown = await told(changes, registered, engine, write, f"POST /containers/create\n{json.dumps(body)}")
    assert "hunter2" not in shown.change.units[0].text
    assert "hunter2" not in shown.diff
    assert "tier: one" in shown.diff
    for escaped in (
        "buildargs=%7B%22DB_PASSWORD%22%3A%22hunter2%22%7D",
        "remote=https%3A%2F%2Fu%3Ahunter2%40h",
    ):
        built = of("build", "", "image")
        shown = await told(changes, registered, engine, built, f"POST /build?{escaped}&t=a%2Fb")
        assert "hunter2" not in shown.change.units[0].text


async def test_a_request_of_which_nothing_is_known_is_kept_without_its_body(
    changes: Changes, registered: SessionFacts, engine: Engine, eve: Identity
) -> None:
    batch = next(_batches)
    text = 'POST /auth\n{"username":"a","password":"b"}'
    captured = ContainerCapture(text, "docker login", ChangeKind.EDIT, batch, ())
    await changes.remember(registered, captured, unit(batch), engine, rule="docker.system.auth")
    shown = await changes.show((await changes.draft_last(eve)).change)
    assert shown.change.units[0].text == "POST /auth"
    assert "docker login" in page(shown)


async def test_the_same_request_again_joins_its_draft(
    changes: Changes, registered: SessionFacts, engine: Engine
) -> None:
    first = await told(changes, registered, engine, of("restart", "shop-web-1"))
    again = await told(changes, registered, engine, of("restart", "shop-web-1"))
    assert again.change.id == first.change.id


async def test_without_a_repository_it_is_drafted_all_the_same(
    changes: Changes, facts: SessionFacts, engine: Engine
) -> None:
    nowhere = replace(facts, endpoint=replace(facts.endpoint, repository=None))
    writes: tuple[HostWrite, ...] = (ByHand("rm x"),)
    shown = await told(changes, nowhere, engine, replace(of("exec", "shop-web-1"), writes=writes))
    assert "rm x" in page(shown)
