"""YAML is edited by splices: what isn't touched keeps its bytes, and what is touched says what it should."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.changes.yaml_edits import GONE, Edit, Item, Step, documents, edited, removed, said
from gateway.changes.yaml_text import written

MANIFEST = """\
apiVersion: apps/v1   # the group
kind: Deployment
metadata:
  name: web
  annotations:
    # who to ask
    team: 'payments'
spec:
  replicas: 2
  template:
    spec:
      containers:
      - name: web   # the shop
        image: "registry.example.com/web:1.25"
        args: [--a, --b]
        env:
        - {name: LEVEL, value: info}
        - name: MODE
          value: fast
      # beside it
      - name: proxy
        image: envoy:1
        command:
        - envoy
        - -c
  strategy: {type: Recreate}
  script: |
    echo one
    echo two
"""
CONTAINERS: tuple[Step, ...] = ("spec", "template", "spec", "containers")
WEB = (*CONTAINERS, Item("name", "web"))


def lines_of(before: str, after: str) -> tuple[list[str], list[str]]:
    one, two = before.splitlines(), after.splitlines()
    return [line for line in one if line not in two], [line for line in two if line not in one]


@pytest.mark.parametrize(
    ("edit", "gone", "new"),
    [
        (Edit(("spec", "replicas"), 5), ["  replicas: 2"], ["  replicas: 5"]),
        (
            Edit((*WEB, "image"), "registry.example.com/web:1.26"),
            ['        image: "registry.example.com/web:1.25"'],
            ['        image: "registry.example.com/web:1.26"'],
        ),
        (Edit((*CONTAINERS, Item("name", "proxy"), "image"), "envoy:2"), ["        image: envoy:1"],
         ["        image: envoy:2"]),
        (Edit(("metadata", "annotations", "team"), "it's"), ["    team: 'payments'"], ["    team: 'it''s'"]),
        (Edit(("metadata", "annotations", "note"), "yes"), [], ['    note: "yes"']),
        (Edit(("metadata", "labels", "app"), "web"), [], ["  labels:", "    app: web"]),
        (Edit((*WEB, "env", Item("name", "LEVEL"), "value"), "debug"),
         ["        - {name: LEVEL, value: info}"], ["        - {name: LEVEL, value: debug}"]),
        (Edit((*WEB, "env", Item("name", "MODE"), "value"), "1"), ["          value: fast"],
         ['          value: "1"']),
        (Edit((*WEB, "env", Item("name", "MODE")), GONE),
         ["        - name: MODE", "          value: fast"], []),
        (Edit((*WEB, "env", Item("name", "NEW")), {"name": "NEW", "value": "x: y"}), [],
         ["        - name: NEW", '          value: "x: y"']),
        (Edit((*WEB, "args"), ["--c"]), ["        args: [--a, --b]"], ["        args:", '        - "--c"']),
        (Edit(("spec", "strategy", "type"), "RollingUpdate"), ["  strategy: {type: Recreate}"],
         ["  strategy: {type: RollingUpdate}"]),
        (Edit(("spec", "strategy", "x"), 1), ["  strategy: {type: Recreate}"],
         ["  strategy: {type: Recreate, x: 1}"]),
        (Edit(("spec", "strategy"), GONE), ["  strategy: {type: Recreate}"], []),
        (Edit(("spec", "paused"), True), [], ["  paused: true"]),
        (Edit(("metadata", "annotations", "team"), GONE), ["  annotations:", "    team: 'payments'"], None),
        (Edit((*CONTAINERS, Item("name", "proxy"), "command"), ["envoy"]), ["        - -c"], []),
        (Edit(("spec", "script"), "echo three\n"), ["    echo one", "    echo two"], ["    echo three"]),
        (Edit(("spec", "script"), "one"), ["  script: |", "    echo one", "    echo two"], ["  script: one"]),
        (Edit(("metadata", "finalizers"), GONE), [], []),
        (Edit((*CONTAINERS, Item("name", "none"), "image"), GONE), [], []),
    ],
)  # fmt: skip
def test_an_edit_touches_its_own_lines(edit: Edit, gone: list[str], new: list[str] | None) -> None:
    after = edited(MANIFEST, [edit])
    assert after is not None
    was, is_now = lines_of(MANIFEST, after)
    if new is not None:
        assert (was, is_now) == (gone, new)
    assert "# the shop" in after
    assert "# the group" in after


def test_several_edits_are_made_one_after_the_other() -> None:
    after = edited(
        MANIFEST,
        [
            Edit((*CONTAINERS, Item("name", "proxy")), GONE),
            Edit((*CONTAINERS, Item("name", "log")), {"name": "log", "image": "log:1", "ports": [{"a": 1}]}),
            Edit((*CONTAINERS, Item("name", "log"), "image"), "log:2"),
        ],
    )
    assert after is not None
    names = [each["name"] for each in said(after)["spec"]["template"]["spec"]["containers"]]
    assert names == ["web", "log"]
    assert "      - name: log\n        image: log:2\n        ports:\n        - a: 1\n" in after


@pytest.mark.parametrize(
    ("text", "edit"),
    [
        ("a: &x {b: 1}\nc: *x\n", Edit(("c", "b"), 2)),
        ("base: &x\n  b: 1\nc:\n  <<: *x\n", Edit(("base", "b"), 2)),
        ("a: {b: 1}\n", Edit(("a", Item("name", "x"), "y"), 2)),
        ("a: [1, 2]\n", Edit(("a", "b"), 2)),
        ("a: 1\na: 2\n", Edit(("a",), 3)),
        ("- a\n", Edit(("a",), 3)),
        ("a: {{ template }}\n", Edit(("b",), 3)),
        ("a:\n- name: x\n- name: x\n", Edit(("a", Item("name", "x")), GONE)),
        ("", Edit(("a",), 3)),
    ],
)
def test_what_is_not_sure_is_not_done(text: str, edit: Edit) -> None:
    assert edited(text, [edit]) is None


def test_documents_of_a_file() -> None:
    text = "# all\n---\na: 1\n--- # second\nb: 2\n---\nc: {{ x }}\n"
    found = documents(text)
    assert [each.said for each in found] == [None, {"a": 1}, {"b": 2}, None]
    assert text[found[2].begin : found[2].end] == "b: 2\n"
    assert removed(text, found[1]) == "# all\n---\nb: 2\n---\nc: {{ x }}\n"
    assert removed("a: 1\n---\nb: 2\n", documents("a: 1\n---\nb: 2\n")[1]) == "a: 1\n"
    assert removed("a: 1\n", documents("a: 1\n")[0]) == ""
    assert documents("--- {a: 1}\n") == ()


NAMES = st.sampled_from(["a", "b", "name", "on", "x-y", "1", "ü", "a b", "-", "#"])
LEAVES = (
    st.none() | st.booleans() | st.integers(-5, 5) | NAMES
    | st.text(st.characters(codec="utf-8", max_codepoint=0xFFFF), max_size=12)
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(NAMES, VALUES, min_size=1, max_size=4)


@given(MAPPINGS)
def test_what_is_written_says_what_it_should(value: dict[str, Any]) -> None:
    assert said(written(value)) == value


@given(MAPPINGS, st.lists(NAMES, min_size=1, max_size=3), VALUES | st.just(GONE))
def test_an_edit_says_what_it_should_or_is_not_made(value: dict[str, Any], path: list[str], new: Any) -> None:
    after = edited(written(value), [Edit(tuple(path), new)])
    if after is None:
        return
    wanted: Any = copy.deepcopy(value)
    place = wanted
    for step in path[:-1]:
        if not isinstance(place.get(step), dict):
            if new is GONE:
                assert said(after) == value
                return
            place[step] = {}
        place = place[step]
    if new is GONE:
        place.pop(path[-1], None)
    else:
        place[path[-1]] = new
    assert said(after) == wanted
