"""The table of routes: read strictly, found by method and path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.domain.errors import ConfigurationBroken
from gateway.judge.catalogue import FOLDER
from gateway.judge.docker.catalogue import load_docker

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.judge.docker.catalogue import DockerCatalogue

ROUTE = """
[[route]]
method = "GET"
path = "/x/{name}"
rule = "x.inspect"
verdict = "allow"
title = "docker x {name}"
reason = "It shows x."
"""
HEAD = 'oldest = "1.24"\nnewest = "1.56"\nregistries = []\n'


def broken(folder: Path, text: str) -> str:
    (folder / "docker.toml").write_text(text)
    with pytest.raises(ConfigurationBroken) as raised:
        load_docker(folder)
    return str(raised.value)


def test_a_broken_table_says_where(tmp_path: Path) -> None:
    assert "stands in it twice" in broken(tmp_path, HEAD + ROUTE + ROUTE)
    assert "no names are of the kind nome" in broken(tmp_path, HEAD + ROUTE.replace("{name}", "{nome}"))
    assert "unknown type flag" in broken(tmp_path, HEAD + ROUTE + 'query = { all = "flag" }\n')
    assert "verdict" in broken(tmp_path, HEAD + ROUTE.replace("allow", "maybe"))
    assert "writes" in broken(tmp_path, HEAD + ROUTE + "writes = true\n")


def test_its_fingerprint_changes_with_what_it_says(tmp_path: Path) -> None:
    text = (FOLDER / "docker.toml").read_text()
    (tmp_path / "docker.toml").write_text(text + "\n# a comment\n")
    same = load_docker(tmp_path).fingerprint
    (tmp_path / "docker.toml").write_text(text + ROUTE)
    assert load_docker().fingerprint == same != load_docker(tmp_path).fingerprint


def test_every_read_has_a_method_that_reads_or_is_known_to(catalogue: DockerCatalogue) -> None:
    routes = [route for each in catalogue.routes.values() for route in each]
    posts = {
        route.path for route in routes if route.verdict == "allow" and route.method not in ("GET", "HEAD")
    }
    assert posts == {
        "/containers/{container}/wait",
        "/containers/{container}/attach",
        "/containers/{container}/exec",
        "/exec/{exec}/start",
        "/exec/{exec}/resize",
    }
    assert {route.path for route in routes if route.verdict != "allow" and route.method == "GET"} == {
        "/debug/{debug}",
        "/containers/{container}/checkpoints",
    }


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/services/web", "/services/{any}"),
        ("/services/web/logs", "/services/{name}/logs"),
        ("/containers/json", "/containers/json"),
        ("/containers/json/json", "/containers/{any}/json"),
        ("/images/get/get", "/images/{image}/get"),
        ("/images/a/b/history", "/images/{image}/history"),
        ("/networks/a", "/networks/{any}"),
    ],
)
def test_the_route_that_says_most_is_found(catalogue: DockerCatalogue, path: str, route: str) -> None:
    found = catalogue.find("GET", path)
    assert found is not None
    assert found[0].path == route
