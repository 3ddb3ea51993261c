"""Entries of the log: of a settled charge or an invoice only hashes, each of a text and a salt that nobody else knows.

Who has a part's text and its salt can show that it is the one that was logged; who has the entry alone learns nothing,
and once the salts are deleted nobody can show anything any more. The log stays as it is.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from enum import StrEnum

_HEADER, _PAPER_HEADER = "kerb-settled/v1", "kerb-invoice/v1"
# The one part of an invoice's entry.
PAPER = "paper"


class EntryPart(StrEnum):
    """What of a settled charge an entry has a hash of, in this order."""

    FACTS = "facts"
    BILL = "bill"
    SIGNED = "signed"


def part_salt(salt: str, part: str) -> bytes:
    """The salt of one part, so that one may be shown alone: HMAC-SHA256 of its name under the whole's salt."""
    return hmac.digest(salt.encode(), part.encode(), hashlib.sha256)


def commitment(salt: bytes, text: str) -> bytes:
    """The hash that stands for a part: SHA-256 of its salt (32 bytes) and its text."""
    return hashlib.sha256(salt + text.encode()).digest()


def entry(salt: str, parts: Mapping[EntryPart, str]) -> str:
    """An entry, as it is logged: a line for each part."""
    return f"{_HEADER}\n{''.join(_line(salt, it, parts[it]) for it in EntryPart)}"


def paper_entry(salt: str, text: str) -> str:
    """An entry of an issued invoice or credit note."""
    return f"{_PAPER_HEADER}\n{_line(salt, PAPER, text)}"


def _line(salt: str, part: str, text: str) -> str:
    return f"{part} {base64.b64encode(commitment(part_salt(salt, part), text)).decode()}\n"
