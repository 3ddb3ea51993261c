"""Entries of the log: of a settled charge nothing but hashes, each of a text and a salt that nobody else knows.

Who has a part's text and its salt can show that it is the one that was logged; who has the entry alone learns nothing,
and once the salts are deleted nobody can show anything any more. The log stays as it is.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from enum import StrEnum

_HEADER = "kerb-settled/v1"


class EntryPart(StrEnum):
    """What of a settled charge an entry has a hash of, in this order."""

    FACTS = "facts"
    BILL = "bill"
    SIGNED = "signed"


def part_salt(salt: str, part: EntryPart) -> bytes:
    """The salt of one part, so that one may be shown alone: HMAC-SHA256 of its name under the session's salt."""
    return hmac.digest(salt.encode(), part.encode(), hashlib.sha256)


def commitment(salt: bytes, text: str) -> bytes:
    """The hash that stands for a part: SHA-256 of its salt (32 bytes) and its text."""
    return hashlib.sha256(salt + text.encode()).digest()


def entry(salt: str, parts: Mapping[EntryPart, str]) -> str:
    """An entry, as it is logged: a line for each part."""
    lines = (f"{it} {base64.b64encode(commitment(part_salt(salt, it), parts[it])).decode()}\n" for it in EntryPart)
    return f"{_HEADER}\n{''.join(lines)}"
