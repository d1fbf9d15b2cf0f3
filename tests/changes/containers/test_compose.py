"""Which service of a compose file a container is of, and what it sees of the repository."""

from __future__ import annotations

import json

import pytest

from gateway.changes.containers.archive import uploaded
from gateway.changes.containers.compose import (
    Brought,
    Sought,
    binds_of,
    candidates,
    service_of,
    services_of,
    with_declared,
    with_image,
)
from gateway.changes.containers.wanted import repository_of, wanted_of
from gateway.domain.containers import ContainerWrite

TEXT = """services:
  web:
    image: registry.example.com:5000/team/web:1
    container_name: front
    environment: {LEVEL: info, URL: "${URL}"}
    labels:
      - team=shop
  worker:
    image: "team/worker:1"
    command: run --all 'two words'
    ports:
      - target: 80
        published: 8080
  worker-slow:
    image: team/worker:1
  built:
    build: .
"""
SERVICES = services_of(TEXT)


@pytest.mark.parametrize(
    ("sought", "service"),
    [
        (Sought("web", "whatever"), "web"),
        (Sought("gone", "whatever"), ""),
        (Sought("", "front"), "web"),
        (Sought("", "3f2a", ("front",)), "web"),
        (Sought("", "worker"), "worker"),
        (Sought("", "shop-worker-1"), "worker"),
        (Sought("", "shop-worker-slow-1"), "worker-slow"),
        (Sought("", "shop_worker_12"), "worker"),
        (Sought("", "stack_web"), "web"),
        (Sought("", "x", image="registry.example.com:5000/team/web:9"), "web"),
        (Sought("", "x", image="team/worker:1"), ""),
        (Sought("", "x", image="web"), ""),
        (Sought("", "x"), ""),
    ],
)
def test_a_service_is_found_only_where_it_is_sure(sought: Sought, service: str) -> None:
    assert service_of(SERVICES, sought) == service


@pytest.mark.parametrize("text", ["", "services: []", "- a", "services:\n  1: {}\n", "a: [", "services:\n"])
def test_what_is_no_compose_file_has_no_services(text: str) -> None:
    assert services_of(text) == {}


def test_the_compose_file_is_looked_for_where_it_may_stand() -> None:
    assert candidates("", ()) == ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
    assert candidates("Dockerfile", ["/srv/shop/../x/prod.yml"])[:3] == (
        "shop/x/prod.yml",
        "x/prod.yml",
        "prod.yml",
    )
    assert candidates("deploy/stack.yml", ())[0] == "deploy/stack.yml"


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("nginx", "nginx"),
        ("docker.io/library/nginx:1.25", "nginx"),
        ("registry.example.com:5000/team/web:1@sha256:ab", "registry.example.com:5000/team/web"),
        ("registry.example.com:5000/web", "registry.example.com:5000/web"),
    ],
)
def test_an_image_is_known_by_its_name(image: str, name: str) -> None:
    assert repository_of(image) == name


def test_every_service_of_an_image_gets_its_new_tag() -> None:
    text, services = with_image(TEXT, "team/worker:2")
    assert services == ("worker", "worker-slow")
    assert text == TEXT.replace("team/worker:1", "team/worker:2")


def test_what_a_service_says_already_in_other_words_is_left() -> None:
    brought = Brought(TEXT, "worker")
    brought.want({"command": ["run", "--all", "two words"], "ports": ["9090:80"]})
    assert (brought.text, brought.left) == (TEXT, [])


def test_values_made_of_variables_are_left_to_a_person_unless_compose_made_them() -> None:
    wanted = {"environment": {"URL": "https://shop.example"}}
    typed, composed = Brought(TEXT, "web"), Brought(TEXT, "web", composed=True)
    typed.want(wanted)
    composed.want(wanted)
    assert (typed.text, typed.left) == (TEXT, ["environment"])
    assert (composed.text, composed.left) == (TEXT, [])


def test_variables_and_labels_are_set_one_by_one() -> None:
    brought = Brought(TEXT, "web")
    brought.want({"environment": {"LEVEL": "debug", "NEW": "1"}, "labels": {"team": "front", "x": "y"}})
    said = services_of(brought.text)["web"]
    assert brought.left == []
    assert said["environment"] == {"LEVEL": "debug", "URL": "${URL}", "NEW": "1"}
    assert said["labels"] == ["team=front", "x=y"]


def test_volumes_and_networks_are_declared_once() -> None:
    wanted = {"volumes": ["data:/a", "./conf:/b", "/srv:/c", "data:/d"], "networks": ["back"]}
    text = with_declared(TEXT, wanted)
    assert text == TEXT + "volumes:\n  data: {}\nnetworks:\n  back:\n    external: true\n"
    assert with_declared(text, wanted) == text


def test_a_service_sees_the_folders_that_it_mounts() -> None:
    said = {
        "volumes": [
            "./conf/nginx.conf:/etc/nginx/nginx.conf:ro",
            "../shared:/shared",
            "../../out:/out",
            "data:/data",
            "/srv:/srv",
            {"type": "bind", "source": "./site", "target": "/usr/share/nginx/html/"},
        ]
    }
    assert binds_of(said, "deploy/compose.yaml") == {
        "/etc/nginx/nginx.conf": "deploy/conf/nginx.conf",
        "/shared": "shared",
        "/usr/share/nginx/html": "deploy/site",
    }


@pytest.mark.parametrize(
    "body", [b"null", b"[]", b'"x"', b"{}", b'{"HostConfig":[1]}', b'{"Env":{"a":1},"Cmd":"ls"}']
)
@pytest.mark.parametrize(
    ("sort", "verb"), [("container", "create"), ("container", "update"), ("service", "update")]
)
def test_bodies_of_odd_shapes_want_nothing(sort: str, verb: str, body: bytes) -> None:
    assert wanted_of(ContainerWrite(sort, verb, "x", body=body)) == {}


def test_sizes_and_policies_are_written_as_people_write_them() -> None:
    body = {
        "Memory": 1 << 30,
        "MemorySwap": -1,
        "MemoryReservation": 1500,
        "NanoCpus": 250_000_000,
        "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 0},
        "PidsLimit": 0,
    }
    assert wanted_of(ContainerWrite("container", "update", "x", body=json.dumps(body).encode())) == {
        "restart": "on-failure",
        "mem_limit": "1g",
        "mem_reservation": "1500b",
        "cpus": 0.25,
    }


def test_an_empty_or_endless_archive_holds_no_files() -> None:
    assert not uploaded("/x", b"")
    assert not uploaded("/x", b"\0" * 10_240)
