"""Weighs what meters signed of a charge: by the keys they are known by, and by the letter.

The first key that comes with a record which it proves is pinned for its meter, if none is known; from then on only that
key counts, until a person says otherwise.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from chalicelib.domain.chargers.events import SignedValue
from chalicelib.domain.transparency import (
    KeySource,
    MeterKey,
    NoQuantity,
    SignedEnergy,
    SignedRecord,
    Verification,
    known_key,
    quantity,
)
from chalicelib.ports import Clock
from chalicelib.ports.transparency import MeterKeys, SignedValues

_MOST_MESSAGES = 1_000
# The worst that one record shows counts for the charge.
_WORST_FIRST = (
    Verification.INVALID,
    Verification.FOREIGN,
    Verification.MALFORMED,
    Verification.UNSUPPORTED,
    Verification.UNKNOWN_KEY,
    Verification.VALID,
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CheckedValue:
    """A signed value, how its check went, and what could be read of it; `reason` says why where nothing could."""

    value: SignedValue
    verification: Verification
    record: SignedRecord | None = None
    reason: str = ""


@dataclass(frozen=True)
class SignedEvidence:
    """Checks a charge's signed values, and says what they come to."""

    values: SignedValues
    keys: MeterKeys
    clock: Clock

    def of(self, charger_id: str, ref: str) -> SignedEnergy | None:
        """What was signed of a charge; None where nothing was. One query; where something was, a read of the keys.

        A write once in a meter's life, where its first key comes along.
        """
        told = self.told(charger_id, ref)
        return self._energy(self.checked(charger_id, told)) if told else None

    def told(self, charger_id: str, ref: str) -> Sequence[SignedValue]:
        """All that was signed of a charge, to the letter and in order. One query."""
        return self.values.page(charger_id, ref, _MOST_MESSAGES, "")[0]

    def checked(self, charger_id: str, told: Sequence[SignedValue]) -> Sequence[CheckedValue]:
        """Each value with its verification. One read."""
        keys = self.keys.of(charger_id)
        read = [_read(it) for it in told]
        for it in read:
            if it.record is None or known_key(keys, it.record.meter, self.clock()) or not _proves_itself(it.record):
                continue
            first = MeterKey(
                meter=it.record.meter,
                key=it.record.enclosed_key,
                source=KeySource.FIRST_SIGHT,
                since=self.clock(),
            )
            if self.keys.pin(charger_id, keys, first):
                _log.info("meter key pinned", extra={"charger_id": charger_id, "meter": first.meter})
            keys = self.keys.of(charger_id)
        return [_checked(it, keys) for it in read]

    def _energy(self, checked: Sequence[CheckedValue]) -> SignedEnergy:
        worst = next(it for it in _WORST_FIRST if any(found.verification is it for found in checked))
        records = [it.record for it in checked if it.record is not None]
        found = SignedEnergy(verification=worst, meter=records[0].meter if records else "")
        if worst is not Verification.VALID:
            reasons = (it.reason for it in checked if it.verification is worst)
            return replace(found, reason=next(filter(None, reasons), ""))
        try:
            signed = quantity(records)
        except NoQuantity as none:
            return replace(found, reason=none.reason)
        return replace(found, energy_wh=signed.energy_wh, register=signed.register)


def _read(value: SignedValue) -> CheckedValue:
    # cryptography takes long to load, and most charges are not signed.
    from chalicelib.protocol.transparency import records  # noqa: PLC0415
    from chalicelib.protocol.transparency.ecdsa import Malformed, Unsupported  # noqa: PLC0415

    try:
        return CheckedValue(value, Verification.UNKNOWN_KEY, records.record(value))
    except Malformed as error:
        return CheckedValue(value, Verification.MALFORMED, reason=str(error))
    except Unsupported as error:
        return CheckedValue(value, Verification.UNSUPPORTED, reason=str(error))


def _proves_itself(record: SignedRecord) -> bool:
    from chalicelib.protocol.transparency import records  # noqa: PLC0415
    from chalicelib.protocol.transparency.ecdsa import Unsupported  # noqa: PLC0415

    try:
        return records.verification(record, "") is Verification.FOREIGN
    except Unsupported:
        return False


def _checked(it: CheckedValue, keys: Sequence[MeterKey]) -> CheckedValue:
    if it.record is None:
        return it
    from chalicelib.protocol.transparency import records  # noqa: PLC0415
    from chalicelib.protocol.transparency.ecdsa import Unsupported  # noqa: PLC0415

    known = known_key(keys, it.record.meter, it.value.at)
    try:
        return replace(it, verification=records.verification(it.record, known))
    except Unsupported as error:
        return replace(it, verification=Verification.UNSUPPORTED, reason=str(error))
