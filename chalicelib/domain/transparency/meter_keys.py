"""The public keys that a charger's meters are known by: who said so, from when until when, and which one counts.

An operator's word counts before what its charger's configuration says, and that before the key that came along with the
first record. Nothing a charger tells ends what is pinned by as good a word or a better one: it is kept beside it, for a
person to see.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.transparency.signed_records import SignedRecord


class KeySource(StrEnum):
    """How a meter's key came to be known."""

    FIRST_SIGHT = "first_sight"
    CONFIGURATION = "configuration"
    OPERATOR = "operator"


# The best word first.
_WORDS = (KeySource.OPERATOR, KeySource.CONFIGURATION, KeySource.FIRST_SIGHT)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterKey:
    """A public key as it was written, pinned for a meter from `since` on, and for records until `until`.

    `meter` names the meter as its records do, empty for any; `evse` is where it hangs (OCPP 1.6: the connector), 0 for
    anywhere at the charger. Not `is_pinned`: its charger told it while another was, and it never counted.
    `contradicts`: the key that was known there when this one was told.
    """

    meter: str
    key: str
    source: KeySource
    since: datetime
    until: datetime | None = None
    evse: int = 0
    is_pinned: bool = True
    contradicts: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it counts now."""
        return self.is_pinned and self.until is None


def pinned(keys: Sequence[MeterKey], key: MeterKey) -> tuple[MeterKey, ...]:
    """The keys with one more, in whose favour those end that were said of the same meter, there or anywhere."""

    def is_replaced(it: MeterKey) -> bool:
        return it.is_open and it.meter == key.meter and key.evse in (0, it.evse)

    return (*(replace(it, until=key.since) if is_replaced(it) else it for it in keys), key)


def undecided(keys: Sequence[MeterKey]) -> tuple[MeterKey, ...]:
    """The keys that were told while another was known there, until a person has said since which one it is."""

    def is_decided(told: MeterKey) -> bool:
        return any(
            it.source is KeySource.OPERATOR and it.is_pinned and it.evse in (told.evse, 0) and it.since >= told.since
            for it in keys
        )

    return tuple(it for it in keys if it.contradicts and not is_decided(it))


def configured(
    keys: Sequence[MeterKey], evse: int, key: str, at: datetime, *, is_same: Callable[[str, str], bool]
) -> tuple[MeterKey, ...] | None:
    """The keys after a charger's configuration told one for an EVSE; None where that is no news.

    It is pinned where no key is known there by as good a word. Else it is only noted; the same one is noted once.
    `is_same`: whether two are one key, however written.
    """
    there = [it for it in keys if it.evse in (evse, 0)]
    if any(is_same(it.key, key) and it.source is not KeySource.FIRST_SIGHT and it.is_open for it in there):
        return None
    told = MeterKey(meter="", key=key, source=KeySource.CONFIGURATION, since=at, evse=evse)
    better = [it for it in there if it.is_open and not it.meter and it.source is not KeySource.FIRST_SIGHT]
    if better:
        noted = replace(told, is_pinned=False, contradicts=better[-1].key)
        is_known = any((it.evse, it.contradicts) == (evse, noted.contradicts) and is_same(it.key, key) for it in keys)
        return None if is_known else (*keys, noted)
    first = next((it.key for it in keys if it.evse == evse and it.is_open and not is_same(it.key, key)), "")
    return pinned(keys, replace(told, contradicts=first))


def enclosed_key(records: Sequence[SignedRecord]) -> str:
    """The one key that came with one meter's records; "" where none did, several did, or the meter has no name."""
    keys = {it.enclosed_key for it in records} - {""}
    meters = {it.meter for it in records}
    return keys.pop() if len(keys) == 1 and len(meters) == 1 and "" not in meters else ""


def known_key(keys: Sequence[MeterKey], meter: str, evse: int, at: datetime) -> str:
    """By which key the meter of a record was known at that time, "" if by none.

    Of those that counted then the best word, and of one word the one that says most exactly which meter it is of.
    Before any did, the first that came to be known.
    """
    there = [
        it
        for it in keys
        if it.is_pinned and it.meter in (meter, "") and it.evse in (evse, 0) and (it.until is None or at < it.until)
    ]
    then = [it for it in there if it.since <= at]
    if not then and there:
        first = min(it.since for it in there)
        then = [it for it in there if it.since == first]
    best = min(then, key=lambda it: (_WORDS.index(it.source), not it.meter, not it.evse), default=None)
    return best.key if best else ""
