"""Who drives: the uid of an RFID token in every spelling of its readers, and the name of a payer without an account.

Rules, in order: upper case, no space or control character around; a hexadecimal uid written in pairs loses what parts
them; what a vendor hangs on a uid after a sign that no uid has is cut off. The name as it came is always tried first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# ASCII's and Latin-1's control characters, and the mark and the sign that stand for bytes that are no text.
_AROUND = " " + "".join(map(chr, (*range(0x20), *range(0x7F, 0xA1)))) + "\ufeff\ufffd"
_PAIRS = re.compile(r"(?:0X)?[0-9A-F]{2}(?:[:\- ][0-9A-F]{2}){3,9}")
_PREFIXED = re.compile(r"(?:0X|RFID[:=]|UID[:=]|TAG[:=])([0-9A-F]{8,20})")
# No identity provider names an account so.
_GUEST = "guest-"
_WITH_SUFFIX = re.compile(r"([0-9A-F]{8,20})[:;,#/|_\-.]\S{1,20}")


def bare(uid: str) -> str:
    """A token without what a reader's buffer left around it: spaces, and control characters, NUL among them."""
    return uid.strip(_AROUND)


def canonical(uid: str) -> str:
    """The form under which a token is kept: bare, and in upper case."""
    return bare(uid.strip()).upper()


def spellings(shown: str) -> Iterator[str]:
    """The uids under which a token that was `shown` may be known, the likeliest first, none twice."""
    name = canonical(shown)
    yield name
    if _PAIRS.fullmatch(name):
        yield re.sub(r"^0X|[:\- ]", "", name)
        return
    for rule in (_PREFIXED, _WITH_SUFFIX):
        found = rule.fullmatch(name)
        if found:
            yield found[1]
            return


def guest_id(checkout_id: str) -> str:
    """The name of whoever pays by a checkout and has no account."""
    return f"{_GUEST}{checkout_id}"


def is_guest(driver_id: str) -> bool:
    """Whether that is the name of a payer without an account: their card is asked once, and nothing stays owed."""
    return driver_id.startswith(_GUEST)
