"""Signed notes against the published example of golang.org/x/mod/sumdb/note (note_test.go, BSD-3-Clause),
which the C2SP signed-note specification describes, and whose keys other implementations test with.
"""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import ProofBroken
from gateway.recordings.checkpoint import TreeHead, open_checkpoint, read_unsigned, sign, verifiers
from gateway.recordings.note import Verifier, open_note, split_notes, text_of
from gateway.recordings.note import sign as sign_note
from gateway.store.keyring import CHECKPOINTS, Keyring

PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
PETER_SECRET = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"  # the published test key
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_SIGNATURE = (
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
)
ENOCH_SIGNATURE = (
    "rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ="
)
PETER_LINE = f"— PeterNeumann {PETER_SIGNATURE}\n"
ENOCH_LINE = f"— EnochRoot {ENOCH_SIGNATURE}\n"
NOTE = f"{TEXT}\n{PETER_LINE}"


def test_the_published_note_is_verified() -> None:
    signed = open_note(NOTE, [Verifier.parse(PETER)])
    assert signed.text == TEXT
    assert [str(key) for key in signed.by] == [PETER]


def test_the_published_key_signs_the_published_note() -> None:
    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(PETER_SECRET)[1:])
    assert sign_note(TEXT, "PeterNeumann", [key]) == NOTE


def test_signatures_of_unknown_keys_are_passed_over() -> None:
    both = f"{TEXT}\n{PETER_LINE}{ENOCH_LINE}"
    assert len(open_note(both, [Verifier.parse(PETER)]).by) == 1
    assert len(open_note(both, [Verifier.parse(PETER), Verifier.parse(ENOCH)]).by) == 2
    with pytest.raises(ProofBroken, match="no signature is of a trusted key"):
        open_note(NOTE, [Verifier.parse(ENOCH)])


@pytest.mark.parametrize(
    "broken",
    [
        TEXT,
        TEXT + "\n",
        NOTE[:-1],
        "\x01" + NOTE,
        f"{TEXT}\n— Bad Name x08go/ZJkuBS9UG/SffcvIAQxVBtiFup\n",
        f"{NOTE}Unexpected line.\n",
        f"{TEXT}\n{PETER_LINE * 101}",
        f"{TEXT}\n{PETER_LINE[:60]}ABCD{PETER_LINE[60:]}",
        NOTE.replace("cryptography", "cryptographY"),
        "",
    ],
)
def test_broken_notes_are_refused(broken: str) -> None:
    with pytest.raises(ProofBroken):
        open_note(broken, [Verifier.parse(PETER)])


def test_no_part_and_no_mangling_of_a_key_is_a_key() -> None:
    for begin in range(len(PETER)):
        for end in range(begin + 1, len(PETER) + 1):
            if (begin, end) != (0, len(PETER)):
                with pytest.raises(ProofBroken):
                    Verifier.parse(PETER[begin:end])
    for place in range(len(PETER)):
        with pytest.raises(ProofBroken):
            Verifier.parse(PETER[:place] + chr(ord(PETER[place]) + 1) + PETER[place + 1 :])


def test_notes_one_behind_the_other_are_told_apart() -> None:
    other = f"log\n3\n{base64.b64encode(bytes(32)).decode()}\n\n{PETER_LINE}{ENOCH_LINE}"
    assert split_notes(NOTE + "\n" + other + "\n\n" + NOTE) == [NOTE, other, NOTE]
    assert split_notes(NOTE + other) == [NOTE, other]
    assert split_notes("\n\n") == []


@given(st.text(), st.text())
def test_what_is_signed_opens_and_what_can_not_be_signed_says_so(text: str, name: str) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    try:
        note = sign_note(text, name, [key])
    except ValueError:
        return
    assert open_note(note, [Verifier(name, key.public_key())]).text == text
    assert text_of(note) == text


def test_a_checkpoint_says_origin_size_and_root(tmp_path) -> None:
    keyring = Keyring.load(tmp_path / "keys")
    head = TreeHead("glassgate/1", 7, bytes(range(32)))
    note = sign(head, keyring)
    lines = note.split("\n")
    assert lines[:4] == ["glassgate/1", "7", base64.b64encode(head.root).decode(), ""]
    assert open_checkpoint(note, verifiers(keyring, "glassgate/1")) == head
    assert read_unsigned(note) == head


def test_a_rotated_key_leaves_older_checkpoints_good(tmp_path) -> None:
    old = Keyring.load(tmp_path / "keys")
    head = TreeHead("glassgate/1", 7, bytes(32))
    before = sign(head, old)
    new = old.rotated(CHECKPOINTS)
    after = sign(head, new)
    assert open_checkpoint(before, verifiers(new, "glassgate/1")) == head
    assert open_checkpoint(after, verifiers(old, "glassgate/1")) == head
    twice = sign(head, new.rotated(CHECKPOINTS))
    with pytest.raises(ProofBroken, match="no signature is of a trusted key"):
        open_checkpoint(twice, verifiers(old, "glassgate/1"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "origin\n",
        "origin\n1\n",
        "origin\nx\nAAAA\n",
        f"origin\n-1\n{'A' * 43}=\n",
        f"origin\n01\n{'A' * 43}=\n",
        f"origin\n٣\n{'A' * 43}=\n",
        f"origin\n1\n{'A' * 42}==\n",
        f"\n1\n{'A' * 43}=\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(ProofBroken):
        TreeHead.parse(text)


def test_extension_lines_are_passed_over() -> None:
    assert TreeHead.parse(f"origin\n1\n{'A' * 43}=\nextension\n").size == 1
