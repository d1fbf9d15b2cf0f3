"""Profiles are private, and never leak from one gateway to another."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gateway.cli.profiles import Profile, ca_file, chosen, home, keep, stored
from gateway.domain.errors import ConfigurationBroken, InvalidInput


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("GLASSGATE_URL", "GLASSGATE_TOKEN", "GLASSGATE_CA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GLASSGATE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_profile_is_kept_for_its_owners_eyes_only() -> None:
    profile = Profile(label="work", url="https://gw:8443", name="engineer", token="t", ca="/ca.pem")
    keep(profile)
    assert stored("work") == profile
    file = home() / "work.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(home().stat().st_mode) == 0o700
    assert list(home().iterdir()) == [file]


def test_the_environment_wins_over_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep(Profile(label="default", url="https://gw:8443", token="kept", ca="/kept.pem"))
    monkeypatch.setenv("GLASSGATE_TOKEN", "given")
    monkeypatch.setenv("GLASSGATE_CA", "/given.pem")
    profile = chosen("default")
    assert (profile.url, profile.token, profile.ca) == ("https://gw:8443", "given", "/given.pem")


def test_a_token_is_not_sent_to_another_gateway() -> None:
    keep(Profile(label="default", url="https://gw:8443", name="engineer", token="kept", ca="/kept.pem"))
    profile = chosen("default", "https://elsewhere:8443")
    assert (profile.token, profile.ca, profile.name) == ("", "", "")


def test_only_https_is_spoken() -> None:
    with pytest.raises(InvalidInput):
        chosen("default", "http://gw:8443")


@pytest.mark.parametrize("label", ["", "../x", "a/b", ".hidden", "x" * 65, "a\n"])
def test_a_profiles_name_is_no_path(label: str) -> None:
    with pytest.raises(InvalidInput):
        ca_file(label)


def test_a_broken_profile_names_its_file() -> None:
    keep(Profile(label="default", url="https://gw:8443"))
    (home() / "default.json").write_text("{")
    with pytest.raises(ConfigurationBroken) as raised:
        stored("default")
    assert "default.json" in raised.value.message
