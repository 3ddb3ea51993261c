"""Who holds the log's secret key: AWS KMS, which never gives it away, or this process, on a laptop."""

from __future__ import annotations

import base64
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chalicelib.domain.data_classes import dataclass

# KMS tells a public key as SubjectPublicKeyInfo: of Ed25519 a fixed beginning (RFC 8410), and the key's 32 bytes.
_SPKI = bytes.fromhex("302a300506032b6570032100")
_KEY_BYTES = 32


@dataclass(frozen=True)
class KmsSigner:
    """The port LogSigner, by a KMS key of the kind ECC_NIST_EDWARDS25519. A call each; the public key is asked once."""

    client: Any
    key_id: str
    name: str

    @cached_property
    def public_key(self) -> bytes:
        told: bytes = self.client.get_public_key(KeyId=self.key_id)["PublicKey"]
        if not told.startswith(_SPKI) or len(told) != len(_SPKI) + _KEY_BYTES:
            raise ValueError(f"{self.key_id} is no Ed25519 key")
        return told[len(_SPKI) :]

    def sign(self, message: bytes) -> bytes:
        # ED25519_SHA_512 is plain Ed25519 of the message as it is (RAW); ED25519_PH_SHA_512 is another signature.
        told = self.client.sign(
            KeyId=self.key_id, Message=message, MessageType="RAW", SigningAlgorithm="ED25519_SHA_512"
        )
        signature: bytes = told["Signature"]
        return signature


class LocalSigner:
    """The port LogSigner, by a key in this process: 32 bytes in base64. Raises ValueError for anything else."""

    def __init__(self, secret: str, name: str) -> None:
        self.name = name
        self._key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(secret, validate=True))

    @property
    def public_key(self) -> bytes:
        return self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)
