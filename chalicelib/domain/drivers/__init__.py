"""The uid of an RFID token: the one form it is kept under, and the names under which readers and people show it.

Rules, in order: upper case, no space or control character around; a hexadecimal uid loses a prefix that says what it is
and what parts its pairs; what a vendor hangs on a uid after a sign that no uid has is cut off where the whole is
nobody's. Two spellings of one uid are one token, whoever writes which. A contract's token is named by its eMAID
(`emaid.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from chalicelib.domain.drivers.emaid import contract_token, is_contract_token

# ASCII's and Latin-1's control characters, and the mark and the sign that stand for bytes that are no text.
_AROUND = " " + "".join(map(chr, (*range(0x20), *range(0x7F, 0xA1)))) + "\ufeff\ufffd"
_PAIRS = re.compile(r"(?:0X)?[0-9A-F]{2}(?:[:\- ._][0-9A-F]{2}){3,9}")
_PREFIXED = re.compile(r"(?:0X|RFID[:=]|UID[:=]|TAG[:=])([0-9A-F]{8,20})")
# No identity provider names an account so.
_GUEST = "guest-"
_WITH_SUFFIX = re.compile(r"([0-9A-F]{8,20})[:;,#/|_\-.]\S{1,20}")
# ISO/IEC 14443-3: a uid of seven or ten bytes begins with its maker's number (ISO/IEC 7816-6), 01 to 7E; these make
# nearly all cards there are: ST, NXP, Infineon, Texas Instruments.
_LONG = (14, 20)
_MAKERS = ("02", "04", "05", "07")
_LARGEST_MAKER = 0x7E


def bare(uid: str) -> str:
    """A token without what a reader's buffer left around it: spaces, and control characters, NUL among them."""
    return uid.strip(_AROUND)


def canonical(uid: str) -> str:
    """A name in upper case, and bare."""
    return bare(uid.strip()).upper()


def uid_of(shown: str) -> str:
    """The form under which a token is kept: what is left of any spelling of its uid."""
    name = canonical(shown)
    if is_contract_token(name):
        return contract_token(name)
    if _PAIRS.fullmatch(name):
        return re.sub(r"^0X|[:\- ._]", "", name)
    prefixed = _PREFIXED.fullmatch(name)
    return prefixed[1] if prefixed else name


def claimed_uid(said: str) -> str:
    """The uid that somebody claims: without what a vendor may have hung on it, which is no part of any uid."""
    uid = uid_of(said)
    suffixed = _WITH_SUFFIX.fullmatch(uid)
    return suffixed[1] if suffixed else uid


def spellings(shown: str) -> Iterator[str]:
    """The names under which a token that was `shown` may be kept, the likeliest first, none twice.

    Its uid; the name as it came, under which tokens were kept before all spellings were one; the uid that something is
    hung on; and the bytes in the other order, where only one of the two orders can be a card's.
    """
    name = canonical(shown)
    if is_contract_token(name):
        yield uid_of(name)
        return
    known = dict.fromkeys((uid_of(name), name, claimed_uid(name)))
    yield from known
    turned = _turned(claimed_uid(name))
    if turned and turned not in known:
        yield turned


def _turned(uid: str) -> str | None:
    """The same uid with its bytes in the other order, if one of the two begins as no card's does; else None.

    Of four bytes nobody can say: both orders may be cards.
    """
    if len(uid) not in _LONG or not re.fullmatch("[0-9A-F]+", uid):
        return None
    turned = bytes.fromhex(uid)[::-1].hex().upper()
    return turned if _is_backwards(uid) or _is_backwards(turned) else None


def _is_backwards(uid: str) -> bool:
    first = int(uid[:2], 16)
    return uid[-2:] in _MAKERS and not 1 <= first <= _LARGEST_MAKER


def guest_id(checkout_id: str) -> str:
    """The name of whoever pays by a checkout and has no account."""
    return f"{_GUEST}{checkout_id}"


def is_guest(driver_id: str) -> bool:
    """Whether that is the name of a payer without an account: their card is asked once, and nothing stays owed."""
    return driver_id.startswith(_GUEST)
