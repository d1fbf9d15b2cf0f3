"""The catalogue of the API: what is wrong in it is named; its tables agree with what the API publishes."""

from __future__ import annotations

from pathlib import Path

import pytest
from request_cases import request_cases

from gateway.domain.errors import ConfigurationBroken
from gateway.judge.catalogue import FOLDER
from gateway.judge.kubernetes.catalogue import load_kubernetes
from gateway.judge.kubernetes.info import read_info

TEXT = (FOLDER / "kubernetes.toml").read_text(encoding="utf-8")


def broken(folder: Path, old: str, new: str) -> str:
    assert old in TEXT
    (folder / "kubernetes.toml").write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigurationBroken) as caught:
        load_kubernetes(folder)
    return caught.value.message


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    assert "odd" in broken(tmp_path, "[uses]\n", "[uses]\nodd = []\n")
    assert "sometimes" in broken(tmp_path, '= "never"', '= "sometimes"')
    assert "tailLine" in broken(tmp_path, 'tailLines = "number"', 'tailLine = "number"')
    assert "decision" in broken(tmp_path, 'decision = "change"\n', "")


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationBroken, match=r"kubernetes\.toml"):
        load_kubernetes(tmp_path)


def test_the_fingerprint_follows_the_content(tmp_path: Path) -> None:
    (tmp_path / "kubernetes.toml").write_text(TEXT + "\n# a remark\n", encoding="utf-8")
    assert load_kubernetes(tmp_path).fingerprint == load_kubernetes().fingerprint
    (tmp_path / "kubernetes.toml").write_text(TEXT.replace('"portforward"', '"port"'), encoding="utf-8")
    assert load_kubernetes(tmp_path).fingerprint != load_kubernetes().fingerprint


def test_every_published_resource_is_known_in_its_group_and_none_besides_is_a_guess() -> None:
    """Those of versions that aren't in the corpus were once there, or are alpha."""
    catalogue = load_kubernetes()
    published: dict[str, set[str]] = {}
    for case in request_cases("kubernetes"):
        segments = tuple(case.request.target.partition("?")[0].strip("/").split("/"))
        if not case.place.startswith("operations") or case.request.method == "OPTIONS":
            continue
        info = read_info(case.request.method, segments, watch=False)
        if info is not None and info.special != "proxy":
            published.setdefault(info.group, set()).add(info.resource)
    reviews = {resource for _, resource in catalogue.reviews}
    for group, resources in published.items():
        unknown = resources - catalogue.groups[group] - reviews - catalogue.never_read.keys()
        assert not unknown, (group, unknown)
