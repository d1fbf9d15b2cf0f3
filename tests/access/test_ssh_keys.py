"""Public keys as people give them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gateway.access.ssh_keys import SshKeys, fingerprint_text, kind_of, read_public_key
from gateway.access.tokens import digest
from gateway.domain.errors import AuthenticationFailed, Conflict, InvalidInput, NotAuthorised, NotFound
from gateway.domain.identity import SshKeyEvidence


def made(folder: Path, *options: str) -> str:
    path = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-C", "a comment", "-f", str(path), *options], check=True)
    return path.with_suffix(".pub").read_text()


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        (("-t", "ed25519"), "ssh-ed25519"),
        (("-t", "ecdsa", "-b", "384"), "ecdsa-sha2-nistp384"),
        (("-t", "rsa", "-b", "2048"), "ssh-rsa"),
    ],
)
def test_a_key_is_read_with_the_fingerprint_that_ssh_keygen_shows(
    tmp_path: Path, options: tuple[str, ...], kind: str
) -> None:
    key = read_public_key(made(tmp_path, *options))
    shown = subprocess.run(
        ["ssh-keygen", "-lf", str(tmp_path / "key.pub")], capture_output=True, text=True, check=True
    ).stdout
    assert (key.kind, kind_of(key.blob), key.comment) == (kind, kind, "a comment")
    assert fingerprint_text(digest(key.blob)) in shown


def test_weak_and_strange_keys_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="too weak"):
        read_public_key(made(tmp_path, "-t", "rsa", "-b", "1024"))
    for line in (
        "",
        "ssh-ed25519",
        "ssh-ed25519 !!!!",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
        "ssh-dss AAAAB3NzaC1kc3M=",
        'command="sh" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB0nJg2ZL+6p',
        "ssh-rsa " + "A" * 10_000,
    ):
        with pytest.raises(InvalidInput):
            read_public_key(line)


def test_a_private_key_is_sent_back(tmp_path: Path) -> None:
    made(tmp_path, "-t", "ed25519")
    with pytest.raises(InvalidInput, match="private key"):
        read_public_key((tmp_path / "key").read_text())


async def test_a_signature_by_a_registered_key_proves_its_owner_alone(gate, engineer, tmp_path: Path) -> None:
    line = made(tmp_path, "-t", "ed25519")
    key = read_public_key(line)
    keys = SshKeys(gate.store, gate.policy)
    added = await keys.add(engineer, line)
    assert (added.person_name, added.label) == ("engineer", "a comment")
    assert await gate.authenticator.recognises("engineer", key.blob)
    assert not await gate.authenticator.recognises("admin", key.blob)
    identity = await gate.authenticator.authenticate(SshKeyEvidence("engineer", key.blob, "192.0.2.7"))
    assert identity.id == engineer.id
    assert "connect" in identity.scopes <= {"connect", "request"}
    for evidence in (
        SshKeyEvidence("admin", key.blob, "192.0.2.7"),
        SshKeyEvidence("engineer", key.blob + b"x", "192.0.2.7"),
    ):
        with pytest.raises(AuthenticationFailed):
            await gate.authenticator.authenticate(evidence)
    with pytest.raises(Conflict, match="registered already"):
        await keys.add(engineer, line)
    with pytest.raises(NotAuthorised, match="login of one's own"):
        await keys.add(identity, line)
    assert [each.id for each in await keys.list(engineer)] == [added.id]
    await keys.remove(engineer, added.id)
    assert not await gate.authenticator.recognises("engineer", key.blob)
    with pytest.raises(AuthenticationFailed):
        await gate.authenticator.authenticate(SshKeyEvidence("engineer", key.blob, "192.0.2.7"))
    with pytest.raises(NotFound):
        await keys.remove(engineer, added.id)
    assert (await gate.leaves())[-2:] == ["access.ssh-key-added", "access.ssh-key-removed"]
