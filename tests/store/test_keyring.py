from __future__ import annotations

import json
import pickle
import stat

import pytest

from gateway.domain.errors import ConfigurationBroken, ProofBroken
from gateway.store.keyring import CHECKPOINTS, MASTER, TOKENS, Keyring


def test_the_first_start_makes_a_file_that_only_its_owner_reads(tmp_path) -> None:
    path = tmp_path / "keys" / "ring"
    ring = Keyring.load(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert Keyring.load(path).ids == ring.ids
    assert {purpose for purpose, _ in ring.ids} == {MASTER, CHECKPOINTS, TOKENS}
    assert [file.name for file in path.parent.iterdir()] == ["ring"]


def test_what_is_sealed_opens_for_the_same_purpose_only(tmp_path) -> None:
    ring = Keyring.load(tmp_path / "ring")
    sealed = ring.seal(b"secret", purpose="endpoint")
    assert ring.open(sealed, purpose="endpoint") == b"secret"
    assert b"secret" not in sealed
    assert ring.seal(b"secret", purpose="endpoint") != sealed
    with pytest.raises(ProofBroken, match="altered, or belongs"):
        ring.open(sealed, purpose="recording")


def test_every_flipped_bit_and_every_cut_is_noticed(tmp_path) -> None:
    ring = Keyring.load(tmp_path / "ring")
    sealed = ring.seal(b"secret", purpose="endpoint")
    for place in range(len(sealed)):
        with pytest.raises(ProofBroken):
            ring.open(sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :], purpose="endpoint")
        with pytest.raises(ProofBroken):
            ring.open(sealed[:place], purpose="endpoint")


def test_a_rotated_ring_opens_what_the_older_key_sealed(tmp_path) -> None:
    old = Keyring.load(tmp_path / "ring")
    sealed = old.seal(b"secret", purpose="endpoint")
    new = old.rotated(MASTER)
    assert new.open(sealed, purpose="endpoint") == b"secret"
    with pytest.raises(ProofBroken, match="does not hold"):
        old.open(new.seal(b"secret", purpose="endpoint"), purpose="endpoint")
    assert Keyring.load(tmp_path / "ring").ids == new.ids
    assert stat.S_IMODE((tmp_path / "ring").stat().st_mode) == 0o600


def test_signing_uses_the_newest_key_and_verifies_with_all(tmp_path) -> None:
    ring = Keyring.load(tmp_path / "ring")
    new = ring.rotated(CHECKPOINTS)
    assert [key.id for key in new.verifying(CHECKPOINTS)] == [
        ring.signing(CHECKPOINTS).id,
        new.signing(CHECKPOINTS).id,
    ]
    key = new.signing(CHECKPOINTS)
    key.public.verify(key.private.sign(b"text"), b"text")
    assert new.signing(TOKENS).id == ring.signing(TOKENS).id


def test_a_ring_comes_from_the_environment_too(tmp_path, monkeypatch) -> None:
    ring = Keyring.load(tmp_path / "ring")
    monkeypatch.setenv("GG_KEYS", ring.document().decode())
    other = Keyring.load("env:GG_KEYS")
    assert other.open(ring.seal(b"x", purpose="p"), purpose="p") == b"x"
    with pytest.raises(ConfigurationBroken, match="environment"):
        other.rotated(MASTER)
    with pytest.raises(ConfigurationBroken, match="no key ring in GG_NONE"):
        Keyring.load("env:GG_NONE")


def test_no_secret_is_shown_or_pickled(tmp_path) -> None:
    ring = Keyring.load(tmp_path / "ring")
    secrets = [key["secret"] for key in json.loads(ring.document())["keys"]]
    shown = repr(ring) + repr(ring.signing(TOKENS))
    assert not any(secret in shown for secret in secrets)
    with pytest.raises(TypeError):
        pickle.dumps(ring)


def test_a_file_that_others_may_read_is_refused(tmp_path) -> None:
    Keyring.load(tmp_path / "ring")
    (tmp_path / "ring").chmod(0o640)
    with pytest.raises(ConfigurationBroken, match="others on this machine") as caught:
        Keyring.load(tmp_path / "ring")
    assert caught.value.hint.startswith("chmod 600")


def ring_of(*keys: dict[str, str], version: int = 1) -> str:
    return json.dumps({"version": version, "keys": keys})


SHORT = {"id": "m", "purpose": "master", "algorithm": "aes-256-gcm", "secret": "AA=="}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "malformed"),
        ("{}", "malformed"),
        (ring_of(version=2), "malformed"),
        (ring_of(), "no master key"),
        (ring_of(SHORT), "32 bytes"),
        (ring_of(SHORT, SHORT), "names a key twice"),
        (ring_of(SHORT | {"algorithm": "rot13"}), "malformed"),
        (ring_of(SHORT | {"more": "x"}), "malformed"),
    ],
)
def test_a_broken_ring_is_refused_with_what_to_do(tmp_path, text: str, problem: str) -> None:
    path = tmp_path / "ring"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigurationBroken, match=problem):
        Keyring.load(path)


def test_two_first_starts_at_once_end_with_one_ring(tmp_path) -> None:
    rings = [Keyring.load(tmp_path / "ring") for _ in range(2)]
    assert rings[0].ids == rings[1].ids
    with pytest.raises(ConfigurationBroken, match="no key of purpose"):
        rings[0].rotated("other")
