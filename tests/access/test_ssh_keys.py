"""Public keys as people give them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gateway.access.ssh_keys import fingerprint_text, kind_of, read_public_key
from gateway.access.tokens import digest
from gateway.domain.errors import InvalidInput


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
