"""Who holds the key that settles on chain: AWS KMS, which never gives it away, or this process, on a laptop."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key

from chalicelib.domain.data_classes import dataclass

_DIGEST = ec.ECDSA(Prehashed(hashes.SHA256()))


@dataclass(frozen=True)
class KmsChainKey:
    """The port ChainKey, by a KMS key of the kind ECC_SECG_P256K1. A call each; the public key is asked once."""

    client: Any
    key_id: str

    @cached_property
    def point(self) -> tuple[int, int]:
        try:
            told = load_der_public_key(self.client.get_public_key(KeyId=self.key_id)["PublicKey"])
        except (ValueError, UnsupportedAlgorithm):
            told = None
        if not isinstance(told, ec.EllipticCurvePublicKey) or not isinstance(told.curve, ec.SECP256K1):
            raise ValueError(f"{self.key_id} is no key of secp256k1")
        return _point(told)

    def sign(self, digest: bytes) -> tuple[int, int]:
        # Of 32 bytes that are a digest already KMS asks not which hash made them: ECDSA_SHA_256 only says how many.
        told = self.client.sign(
            KeyId=self.key_id, Message=digest, MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256"
        )
        return decode_dss_signature(told["Signature"])


class LocalChainKey:
    """The port ChainKey, by a key in this process: 32 bytes in hexadecimal. Raises ValueError for anything else."""

    def __init__(self, secret: str) -> None:
        held = bytes.fromhex(secret.removeprefix("0x"))
        if len(held) != 32:
            raise ValueError("a chain's key is 32 bytes in hexadecimal")
        self._key = ec.derive_private_key(int.from_bytes(held, "big"), ec.SECP256K1())

    @property
    def point(self) -> tuple[int, int]:
        return _point(self._key.public_key())

    def sign(self, digest: bytes) -> tuple[int, int]:
        return decode_dss_signature(self._key.sign(digest, _DIGEST))


def _point(key: ec.EllipticCurvePublicKey) -> tuple[int, int]:
    numbers = key.public_numbers()
    return numbers.x, numbers.y
