"""Weighs what meters signed of a charge: by the keys they are known by, and by the letter.

Where no key is known for a meter, the one that came along is pinned as a charge of it is weighed, and never by who only
looks: if it proves every record of the charge, and these say what was charged and when. From then on only that key
counts, until a person says otherwise.
"""

from __future__ import annotations

import hashlib
import logging
import zlib
from collections.abc import Callable, Sequence
from datetime import datetime

from chalicelib.domain.chargers.events import SignedValue
from chalicelib.domain.charging.session import Session
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.transparency.meter_keys import KeySource, MeterKey, enclosed_key, known_key, pinned
from chalicelib.domain.transparency.signed_records import (
    NoQuantity,
    SignedEnergy,
    SignedQuantity,
    SignedRecord,
    Verification,
    ends,
    quantity,
)
from chalicelib.ports import Clock
from chalicelib.ports.transparency import MeterKeys, SignedValues
from chalicelib.services.access import NotFound

# A charge of two days that is signed three times a minute.
_MESSAGES_A_PAGE, _MOST_PAGES = 1_000, 10
_TOO_MUCH = "more was signed of this charge than is weighed"
_REPEATED = "the records are of another charge, which was billed by them"
# An answer of Lambda's holds six megabytes.
_MOST_CHARS_SHOWN = 3_000_000
# The worst that one record shows counts for the charge.
_WORST_FIRST = (
    Verification.INVALID,
    Verification.FOREIGN,
    Verification.MALFORMED,
    Verification.UNSUPPORTED,
    Verification.UNKNOWN_KEY,
    Verification.VALID,
)
# They stand in the session's row.
_MOST_DIGESTS = 64
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedValue:
    """A signed value, how its check went, and what could be read of it; `reason` says why where nothing could.

    `key` is the one its meter is known by, or else the one that came along.
    """

    value: SignedValue
    verification: Verification
    record: SignedRecord | None = None
    reason: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class CheckedValues:
    """What was signed of a charge, checked; where that is not all of it, the first and the last."""

    values: Sequence[CheckedValue]
    is_whole: bool


@dataclass(frozen=True)
class SignedEvidence:
    """Checks a charge's signed values, and says what they come to."""

    values: SignedValues
    keys: MeterKeys
    clock: Clock

    def of(self, session: Session, began_at: datetime, ended_at: datetime) -> SignedEnergy | None:
        """What was signed of a session's charge between these times; None where nothing was.

        One query for each page; where something was, a read of the keys, and two writes where it may be billed: these
        records are this charge's from then on. Once in a meter's life, where its first key comes along, one more.
        """
        told, is_whole = self._told(session)
        if not told:
            return None
        read = [_read(it) for it in told]
        keys = self._with_first(session, read, lambda it: it.is_of(began_at, ended_at))
        checked = [_checked(it, keys, session.connector.evse) for it in read]
        found = self._energy(checked, lambda it: it.is_of(began_at, ended_at))
        if not is_whole:
            return replace(found, energy_wh=None, register=None, reason=_TOO_MUCH)
        if found.energy_wh is not None and not self._is_its_own(session, checked):
            return replace(found, verification=Verification.REPEATED, energy_wh=None, register=None, reason=_REPEATED)
        return found

    def _is_its_own(self, session: Session, checked: Sequence[CheckedValue]) -> bool:
        """Whether no other charge was billed by these records, by the letter of what was signed."""
        signed = ends(it.record for it in checked if it.record is not None)
        digests = [hashlib.sha256(it).hexdigest() for it in signed]
        return self.values.claim(session.charger_id, session.ref or "", digests)

    def _told(self, session: Session) -> tuple[Sequence[SignedValue], bool]:
        """What was signed of a session, to the letter and in order, and whether that is all of it."""
        found: list[SignedValue] = []
        after: str | None = ""
        for _ in range(_MOST_PAGES if session.ref else 0):
            page, after = self.values.page(session.charger_id, session.ref or "", _MESSAGES_A_PAGE, after or "")
            found += page
            if after is None:
                break
        return found, not after

    def _with_first(
        self, session: Session, read: Sequence[CheckedValue], is_of_it: Callable[[SignedQuantity], bool]
    ) -> Sequence[MeterKey]:
        """The keys of a charger, with the one that came along with this charge if there was none for its meter."""
        charger_id, evse = session.charger_id, session.connector.evse
        keys = self.keys.of(charger_id)
        records = [it.record for it in read if it.record is not None]
        key = enclosed_key(records) if len(records) == len(read) else ""
        if not key or known_key(keys, records[0].meter, evse, self.clock()):
            return keys
        if any(_verified(it, key)[0] is not Verification.VALID for it in records) or not _is_whole(records, is_of_it):
            return keys
        first = MeterKey(meter=records[0].meter, key=key, source=KeySource.FIRST_SIGHT, since=self.clock(), evse=evse)
        if self.keys.replace(charger_id, keys, pinned(keys, first)):
            _log.info("meter key pinned", extra={"charger_id": charger_id, "meter": first.meter})
        return self.keys.of(charger_id)

    def of_session(self, session: Session) -> CheckedValues:
        """What was signed of a session, as much as an answer holds; whoever looks pins nothing.

        A query for each page, and a read. Raises NotFound where nothing was signed.
        """
        told, is_whole = self._told(session)
        if not told:
            raise NotFound("nothing was signed of this charge")
        keys = self.keys.of(session.charger_id)
        shown = _both_ends(told)
        checked = [_checked(_read(it), keys, session.connector.evse) for it in shown]
        return CheckedValues(checked, is_whole and len(shown) == len(told))

    def _energy(self, checked: Sequence[CheckedValue], is_of_it: Callable[[SignedQuantity], bool]) -> SignedEnergy:
        worst = next(it for it in _WORST_FIRST if any(found.verification is it for found in checked))
        records = [it.record for it in checked if it.record is not None]
        found = SignedEnergy(
            verification=worst,
            meter=records[0].meter if records else "",
            values=_digests([it.value for it in checked]),
        )
        if worst is not Verification.VALID:
            reasons = (it.reason for it in checked if it.verification is worst)
            return replace(found, reason=next(filter(None, reasons), ""))
        try:
            signed = quantity(records)
        except NoQuantity as none:
            return replace(found, reason=none.reason)
        if not is_of_it(signed):
            return replace(found, reason="the records are of another time than the charge")
        return replace(found, energy_wh=signed.energy_wh, register=signed.register)


def _is_whole(records: Sequence[SignedRecord], is_of_it: Callable[[SignedQuantity], bool]) -> bool:
    """Whether records say what this charge took: what was copied from elsewhere says it of another."""
    try:
        return is_of_it(quantity(records))
    except NoQuantity:
        return False


def _read(value: SignedValue) -> CheckedValue:
    # cryptography takes long to load, and most charges are not signed.
    from chalicelib.protocol.transparency import records  # noqa: PLC0415
    from chalicelib.protocol.transparency.ecdsa import Malformed, Unsupported  # noqa: PLC0415

    try:
        return CheckedValue(value=value, verification=Verification.UNKNOWN_KEY, record=records.record(value))
    except Malformed as error:
        return CheckedValue(value=value, verification=Verification.MALFORMED, reason=str(error))
    except Unsupported as error:
        return CheckedValue(value=value, verification=Verification.UNSUPPORTED, reason=str(error))


def _verified(record: SignedRecord, known_key: str) -> tuple[Verification, str]:
    """What became of checking a record, and why where it cannot be checked."""
    from chalicelib.protocol.transparency import records  # noqa: PLC0415
    from chalicelib.protocol.transparency.ecdsa import Unsupported  # noqa: PLC0415

    try:
        return records.verification(record, known_key), ""
    except Unsupported as error:
        return Verification.UNSUPPORTED, str(error)


def _checked(it: CheckedValue, keys: Sequence[MeterKey], evse: int) -> CheckedValue:
    if it.record is None:
        return it
    known = known_key(keys, it.record.meter, evse, it.value.at)
    verification, reason = _verified(it.record, known)
    return replace(it, verification=verification, reason=reason, key=known or it.record.enclosed_key)


def _both_ends(told: Sequence[SignedValue]) -> Sequence[SignedValue]:
    """All of it where it fits into an answer, else as many of the first and of the last: those are billed by."""
    left, count = _MOST_CHARS_SHOWN, 0
    while 2 * count < len(told):
        left -= len(told[count].sample) + len(told[-1 - count].sample)
        if left < 0:
            return [*told[:count], *told[len(told) - count :]]
        count += 1
    return told


def _digests(values: Sequence[SignedValue]) -> tuple[str, ...]:
    """A digest of each record; of a great many the first and the last ones, for it is those that are billed by."""
    most = _MOST_DIGESTS // 2
    weighed = [*values[:most], *values[-most:]] if len(values) > _MOST_DIGESTS else values
    return tuple(hashlib.sha256(it.sample.encode()).hexdigest() for it in weighed)


def document(session: Session, checked: CheckedValues) -> str:
    """The file for the S.A.F.E. transparency software."""
    from chalicelib.protocol.transparency import safe  # noqa: PLC0415

    number = zlib.crc32(session.session_id.encode())
    values = ((it.value, it.record, it.key) for it in checked.values)
    return safe.document(number, values, is_whole=checked.is_whole)
