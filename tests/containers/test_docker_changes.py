"""From a refused docker command to a commit: the real client, engine, gateway and git repository."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

import pytest
from changes.shop import bare_repository, git
from command_line import People
from engine import SETTINGS
from live_gateway import LiveGateway

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from command_line import Ran
    from engine import Engine
    from live_gateway import Beginning

COMPOSE = """# what runs in production
services:
  shop:   # the shop itself
    image: shop:1
    container_name: shop
    network_mode: none
    command: [sleep, "100000000"]
    volumes:
      - ./settings.toml:/app/settings.toml:ro
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("git") / "deploy.git"
    return bare_repository(path, {"compose.yaml": COMPOSE, "settings.toml": SETTINGS})


@pytest.fixture(scope="module")
def people(
    beginning: Beginning, engine: Engine, repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[People]:
    gateway = LiveGateway.start(tmp_path_factory.mktemp("gateway"), beginning=beginning)
    made = People(gateway, tmp_path_factory.mktemp("home"))
    try:
        for name in ("engineer", "approver", "reviewer"):
            assert made.login(name).status == 0
        added = made(
            "admin",
            *("endpoint", "add", "prod-docker", "--kind", "docker", "--host", str(engine.socket)),
            *("--label", "env=prod", "--repository", str(repository), "--repository-path", "/app/**=app/**"),
            GLASSGATE_TOKEN=gateway.tokens["admin"],
            GLASSGATE_CA=str(gateway.ca),
        )
        assert added.status == 0, added.err
        asked = made("engineer", "request", "prod-docker", "--for", "1h", "--reason", "INC-45", "--json")
        assert made("approver", "approve", str(asked.json["id"])).status == 0
        yield made
    finally:
        gateway.stop()


def docker(people: People, *words: str) -> Ran:
    return people("engineer", "connect", "prod-docker", "--", "docker", *words)


def refused(people: People, *words: str) -> tuple[str, str]:
    """The number of the change request that a command became, and its diff."""
    ran = docker(people, *words)
    assert ran.status != 0
    found = re.search(r"glassgate change submit (\d+)", ran.err)
    assert found is not None, ran.err
    return found[1], people("engineer", "change", "show", found[1]).out


def test_limits_go_into_the_services_entry(people: People, repository: Path) -> None:
    number, shown = refused(people, "update", "--memory", "100m", "--memory-swap", "200m", "shop")
    assert '+    mem_limit: "100m"' in shown
    submitted = people("engineer", "change", "submit", number, "--reason", "INC-45: it takes all there is")
    assert submitted.status == 0, submitted.err
    branch = git(
        "for-each-ref", "--format=%(refname)", f"refs/heads/change/{number}-*", cwd=repository
    ).strip()
    text = git("show", f"{branch}:compose.yaml", cwd=repository)
    assert text == COMPOSE + '    mem_limit: "100m"\n    memswap_limit: "200m"\n'


def test_a_new_container_is_a_new_service(people: People, engine: Engine) -> None:
    words = ("--name", "cache", "-e", "MODE=fast", "-e", "CACHE_PASSWORD=correct-horse", "-p", "6379:6379")
    _, shown = refused(people, "run", "-d", *words, "shop:1", "sleep", "5")
    for line in ("  cache:", "    image: shop:1", "      MODE: fast", '      - "6379:6379"'):
        assert f"+{line}\n" in shown
    assert "correct-horse" not in shown
    assert "cache" not in engine.text("ps", "-a", "--format", "{{.Names}}")


def test_an_edit_in_a_container_is_one_of_the_mounted_file(people: People, engine: Engine) -> None:
    before = engine.text("exec", "shop", "cat", "/app/settings.toml")
    _, shown = refused(people, "exec", "shop", "sed", "-i", "s/EUR/USD/", "/app/settings.toml")
    assert '-currency = "EUR"\n+currency = "USD"\n' in shown
    assert "settings.toml" in shown
    assert engine.text("exec", "shop", "cat", "/app/settings.toml") == before


def test_an_uploaded_file_is_a_file_of_the_repository(people: People, engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "rules.txt").write_text("first\nsecond\n")
    _, shown = refused(people, "cp", str(tmp_path / "rules.txt"), "shop:/app/rules.txt")
    assert "app/rules.txt" in shown
    assert "+first\n+second\n" in shown
    assert "rules.txt" not in engine.text("exec", "shop", "ls", "/app")


def test_a_restart_is_a_redeploy_and_what_no_patch_can_say_is_a_page(people: People) -> None:
    _, shown = refused(people, "restart", "shop")
    assert "It runs the service shop of compose.yaml" in " ".join(shown.replace("+", " ").split())
    _, shown = refused(people, "rm", "-f", "shop")
    assert "entry out of the compose file" in " ".join(shown.replace("+", " ").split())
    _, shown = refused(people, "volume", "create", "more")
    assert "docker volume create more" in shown


def test_no_secret_of_a_command_gets_into_a_change_request_and_all_of_it_is_recorded(
    people: People, repository: Path, tmp_path: Path
) -> None:
    typed = {
        "-pmysql-horse": ("exec", "shop", "mysql", "-pmysql-horse", "-e", "DELETE FROM carts"),
        "curl-horse": ("exec", "shop", "curl", "-u", "bob:curl-horse", "-X", "DELETE", "http://x/y"),
        "shell-horse": ("exec", "shop", "sh", "-c", "redis-cli -a shell-horse flushall"),
        "arg-horse": ("run", "-d", "--name", "db", "shop:1", "mysqld_safe", "--master-password", "arg-horse"),
    }
    numbers = []
    for secret, words in typed.items():
        number, shown = refused(people, *words)
        assert "[secret]" in shown or "${" in shown
        told = people("engineer", "change", "show", number, "--json").out
        assert secret not in shown + told, (words, told)
        numbers.append(number)
    submitted = people(
        "engineer", "change", "submit", numbers[0], "--reason", "INC-45: curl -u a:mysql-horse"
    )
    assert submitted.status == 0, submitted.err
    branch = f"refs/heads/change/{numbers[0]}-*"
    pushed = git("for-each-ref", "--format=%(refname)", branch, cwd=repository).strip()
    assert "mysql-horse" not in pushed + git("log", "-p", "-1", pushed, cwd=repository)
    (tmp_path / "secret").write_text("kept-horse")
    refused(people, "secret", "create", "token", str(tmp_path / "secret"))
    recorded = ""
    for session in people("reviewer", "sessions", "--json").json["sessions"][:12]:
        recorded += people("reviewer", "replay", str(session["id"])).out
    assert all(secret in recorded for secret in typed), recorded
    coded = base64.b64encode(b"kept-horse").decode()
    assert "kept-horse" not in recorded
    assert coded not in recorded
    assert "the body holds secrets, and is not recorded" in recorded
