"""What the settings make of hooks and witnesses, and what is said where they can't be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.access.outbox import Program, Webhook
from gateway.changes.flow import Changes
from gateway.domain.errors import ConfigurationBroken
from gateway.recordings.witness import FileWitness, PortWitness
from gateway.server.chores import hook, witnesses
from gateway.settings import Hook, Settings, Witness
from gateway.store.pool import Store

if TYPE_CHECKING:
    from pathlib import Path


def test_a_program_or_a_signed_webhook_or_nothing_delivers_events(monkeypatch: pytest.MonkeyPatch) -> None:
    assert hook(Settings()) is None
    assert isinstance(hook(Settings(hook=Hook(program=("/usr/bin/logger", "-t", "glassgate")))), Program)
    monkeypatch.setenv("HOOK_SECRET", "a secret")
    assert isinstance(hook(Settings(hook=Hook(webhook="https://x/", webhook_secret="HOOK_SECRET"))), Webhook)


def test_a_webhook_without_a_secret_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GLASSGATE_WEBHOOK_SECRET", raising=False)
    with pytest.raises(ConfigurationBroken, match="GLASSGATE_WEBHOOK_SECRET") as raised:
        hook(Settings(hook=Hook(webhook="https://x/")))
    assert "set the environment variable" in raised.value.hint


async def test_checkpoints_go_to_a_file_always_and_to_git_where_it_is_named(
    store_dsn: str, tmp_path: Path
) -> None:
    store = await Store.open(store_dsn)
    try:
        changes = Changes(store, public_url="https://gw.example:8443", folder=tmp_path / "git")
        (file,) = witnesses(Settings(data=str(tmp_path)), changes)
        assert isinstance(file, FileWitness)
        both = witnesses(Settings(data=str(tmp_path), witness=Witness(git="/srv/proof.git")), changes)
        assert [type(each) for each in both] == [FileWitness, PortWitness]
    finally:
        await store.close()
