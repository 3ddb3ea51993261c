"""Seals makers' tokens: AWS KMS, which never gives its key away, bound to whose link they are by the context."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.domain.data_classes import dataclass

# KMS encrypts so much a call; a maker's access token alone may be longer.
_MOST_BYTES = 4096
_LENGTH_BYTES = 2


@dataclass(frozen=True)
class KmsSealer:
    """The port TokenSealer: a call for each 4 KB. What was sealed for one link KMS opens for no other."""

    client: Any
    key_id: str

    def seal(self, secret: str, link_id: str) -> bytes:
        """Each part with its length before it."""
        sealed = b""
        for part in _parts(secret.encode()):
            context = {"link": link_id}
            told = self.client.encrypt(KeyId=self.key_id, Plaintext=part, EncryptionContext=context)
            blob: bytes = told["CiphertextBlob"]
            sealed += len(blob).to_bytes(_LENGTH_BYTES) + blob
        return sealed

    def open(self, sealed: bytes, link_id: str) -> str:
        opened = b""
        while sealed:
            ends = _LENGTH_BYTES + int.from_bytes(sealed[:_LENGTH_BYTES])
            part, sealed = sealed[_LENGTH_BYTES:ends], sealed[ends:]
            try:
                answer = self.client.decrypt(
                    KeyId=self.key_id, CiphertextBlob=part, EncryptionContext={"link": link_id}
                )
            except ClientError as error:
                if error.response["Error"]["Code"] not in ("InvalidCiphertextException", "IncorrectKeyException"):
                    raise
                raise ValueError("sealed for another link") from error
            opened += answer["Plaintext"]
        return opened.decode()


def _parts(secret: bytes) -> Iterator[bytes]:
    for begins in range(0, len(secret), _MOST_BYTES):
        yield secret[begins : begins + _MOST_BYTES]
