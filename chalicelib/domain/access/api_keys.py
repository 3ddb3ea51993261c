"""API keys: what one looks like, and what is kept of it.

A secret is 256 random bits, so that one round of SHA-256 keeps it: a slow hash defends what people choose, and nobody
guesses this. It begins with a fixed prefix and ends with a checksum (CRC-32), so that scanners of public code find it
without being told of any, and so that a mistyped one is refused without asking a table.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta

from chalicelib.domain.access.rights import Scope
from chalicelib.domain.data_classes import dataclass

PREFIX = "kerb_live_"
LONGEST_LIFE = timedelta(days=366)
LONGEST_OVERLAP_H = 168
# A key that is used all day is written down so often.
NOTED_EVERY = timedelta(hours=1)
MOST_KEYS = 100
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LENGTH, _SECRET_LENGTH, _SUM_LENGTH = 12, 43, 6
_SECRET_BYTES, _ID_BYTES = 32, 8
_BODY = rf"([0-9A-Za-z]{{{_ID_LENGTH}}})([0-9A-Za-z]{{{_SECRET_LENGTH}}})([0-9A-Za-z]{{{_SUM_LENGTH}}})"
FORM = re.compile(PREFIX + _BODY)


@dataclass(frozen=True, slots=True)
class ShownKey:
    """A key as somebody showed it, in the right form: which, and the hash of its secret. That proves nothing yet."""

    key_id: str
    secret_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key of an operator's: who made it, for what, until when. `former_hash` is good until `former_until`.

    `sites` None: all of its maker's. `used_at` is no older than an hour where it is used all the time.
    """

    key_id: str
    operator_id: str
    name: str
    scopes: frozenset[Scope]
    sites: frozenset[str] | None
    made_by: str
    made_at: datetime
    expires_at: datetime
    secret_hash: str
    former_hash: str = ""
    former_until: datetime | None = None
    rotated_at: datetime | None = None
    revoked_at: datetime | None = None
    used_at: datetime | None = None

    def is_good(self, at: datetime) -> bool:
        """Whether it is neither revoked nor over."""
        return self.revoked_at is None and at < self.expires_at

    def is_proven(self, secret_hash: str, at: datetime) -> bool:
        """Whether that is its secret, or the one before while that counts too."""
        is_newest = hmac.compare_digest(secret_hash, self.secret_hash)
        is_former = hmac.compare_digest(secret_hash, self.former_hash)
        return is_newest or (is_former and self.former_until is not None and at < self.former_until)


def new_key_id(random: Callable[[int], bytes]) -> str:
    """A name that no key has."""
    return _text(random(_ID_BYTES), _ID_LENGTH)


def new_secret(key_id: str, random: Callable[[int], bytes], prefix: str = PREFIX) -> str:
    """The whole key, as it is shown once; another kind of secret has another prefix."""
    body = key_id + _text(random(_SECRET_BYTES), _SECRET_LENGTH)
    return prefix + body + _checksum(prefix + body)


def shown(text: str, prefix: str = PREFIX) -> ShownKey | None:
    """The key that somebody shows; None for what is none."""
    found = re.fullmatch(prefix + _BODY, text)
    if found is None or not hmac.compare_digest(_checksum(prefix + found[1] + found[2]), found[3]):
        return None
    return ShownKey(found[1], hashlib.sha256(text.encode()).hexdigest())


def looks_like_key(text: str) -> bool:
    """Whether that was meant to be a key and no access token."""
    return text.startswith(PREFIX)


def _checksum(text: str) -> str:
    return _text(zlib.crc32(text.encode()).to_bytes(4), _SUM_LENGTH)


def _text(number: bytes, length: int) -> str:
    rest, digits = int.from_bytes(number), []
    for _ in range(length):
        rest, digit = divmod(rest, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
