"""Checkpoints are read as the specification writes them, and count by the keys that are known."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.transparency.merkle import leaf_hash
from chalicelib.protocol.transparency.checkpoint import COSIGNATURE, BadNote, Checkpoint, NoteKey, line, opened
from chalicelib.protocol.transparency.log_proof import LogProof

# C2SP signed-note, its example.
VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
SECRET = Ed25519PrivateKey.generate()
KEY = NoteKey("log.example.com/kerb", SECRET.public_key().public_bytes_raw())
CHECKPOINT = Checkpoint(KEY.name, 7, leaf_hash(b"root"))
SIGNED = CHECKPOINT.signed(KEY, SECRET.sign)


def test_the_specifications_key_is_read_and_has_signed_its_note() -> None:
    key = NoteKey.parse(VKEY)
    assert key.vkey == VKEY
    with pytest.raises(BadNote, match="no checkpoint"):
        opened(NOTE, [key])
    with pytest.raises(BadNote, match="did not sign"):
        opened(NOTE.replace("example message", "example massage"), [key])


def test_a_checkpoint_is_read_as_it_was_signed() -> None:
    assert opened(SIGNED, [KEY]) == (CHECKPOINT, [KEY])


def test_a_witness_signs_when_it_saw_it() -> None:
    secret = Ed25519PrivateKey.generate()
    witness = NoteKey("witness.example.com/w1", secret.public_key().public_bytes_raw(), COSIGNATURE)
    stamp = (1_764_500_000).to_bytes(8)
    message = f"cosignature/v1\ntime {int.from_bytes(stamp)}\n{CHECKPOINT.text}".encode()
    note = SIGNED + line(witness, stamp + secret.sign(message))
    assert opened(note, [KEY, NoteKey.parse(witness.vkey)]) == (CHECKPOINT, [KEY, witness])
    assert opened(note, [KEY]) == (CHECKPOINT, [KEY])
    with pytest.raises(BadNote, match="did not sign"):
        opened(SIGNED + line(witness, bytes(8) + secret.sign(message)), [KEY, witness])


@pytest.mark.parametrize(
    ("note", "reason"),
    [
        ("", "no signed note"),
        (CHECKPOINT.text, "no signed note"),
        (SIGNED.replace("\n7\n", "\n07\n"), "did not sign"),
        (SIGNED.replace("— ", "- "), "no base64"),
        (f"{CHECKPOINT.text}\n— other.example.com {'AAAAAAAA'}\n", "nobody who is known"),
        (SIGNED + "— x !\n", "no base64"),
        (SIGNED.replace("\n7\n", "\n8\n"), "did not sign"),
        (SIGNED.replace("\n", "\r\n"), "no signed note"),
    ],
)
def test_a_note_that_is_not_as_it_must_be_is_refused(note: str, reason: str) -> None:
    with pytest.raises(BadNote, match=reason):
        opened(note, [KEY])


@pytest.mark.parametrize("vkey", ["", "x", "x+y+z", VKEY.replace("530d903a", "530d903b"), VKEY.replace("+Aek", "+Bek")])
def test_what_is_no_key_is_refused(vkey: str) -> None:
    with pytest.raises(BadNote):
        NoteKey.parse(vkey)


@given(st.integers(0, 2**40), st.lists(st.binary(min_size=32, max_size=32), max_size=40), st.binary(max_size=40))
def test_a_proof_is_read_as_it_was_written(index: int, hashes: list[bytes], extra: bytes) -> None:
    proof = LogProof(index, hashes, SIGNED, extra)
    assert LogProof.parse(proof.text) == proof


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c2sp.org/tlog-proof@v1\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 01\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 1\nAA==\n\nx",
    ],
)
def test_what_is_no_proof_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        LogProof.parse(text)


@given(st.text())
def test_no_text_whatever_opens(text: str) -> None:
    with pytest.raises(BadNote):
        opened(text, [KEY])
