"""KMS and a key of one's own sign alike: plain Ed25519 of the message as it is."""

from __future__ import annotations

import base64

import boto3
import pytest
from botocore.stub import Stubber
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chalicelib.adapters.transparency.signers import KmsSigner, LocalSigner
from chalicelib.protocol.transparency.checkpoint import Checkpoint, NoteKey, opened

SECRET = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NAME = "log.example.com/kerb"
CHECKPOINT = Checkpoint(NAME, 7, bytes(32))


def test_kms_is_asked_for_plain_ed25519_and_its_key_once() -> None:
    client = boto3.client("kms", region_name="us-east-1")
    spki = SECRET.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with Stubber(client) as kms:
        kms.add_response("get_public_key", {"PublicKey": spki}, {"KeyId": "key-1"})
        asked = {
            "KeyId": "key-1",
            "Message": CHECKPOINT.text.encode(),
            "MessageType": "RAW",
            "SigningAlgorithm": "ED25519_SHA_512",
        }
        kms.add_response("sign", {"Signature": SECRET.sign(CHECKPOINT.text.encode())}, asked)
        signer = KmsSigner(client, "key-1", NAME)
        key = NoteKey(signer.name, signer.public_key)
        assert opened(CHECKPOINT.signed(key, signer.sign), [NoteKey(NAME, signer.public_key)]) == (CHECKPOINT, [key])


def test_a_key_of_another_kind_is_none() -> None:
    client = boto3.client("kms", region_name="us-east-1")
    with Stubber(client) as kms:
        kms.add_response("get_public_key", {"PublicKey": bytes(91)}, {"KeyId": "key-1"})
        with pytest.raises(ValueError, match="no Ed25519"):
            _ = KmsSigner(client, "key-1", NAME).public_key


def test_the_key_of_a_laptop_signs_the_same() -> None:
    signer = LocalSigner(base64.b64encode(bytes(range(32))).decode(), NAME)
    assert signer.public_key == SECRET.public_key().public_bytes_raw()
    assert signer.sign(b"x") == SECRET.sign(b"x")
