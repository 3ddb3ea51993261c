"""Signals: prices, carbon and sun as they are told for a zone, by quarters of an hour, and how long they are good for.

All is integers: prices in millionths of the currency's unit for a kWh, carbon in grams for one, shares in thousandths.
What is told for an hour holds for each of its quarters; what changes within one is its mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from chalicelib.domain.data_classes import dataclass, field, replace
from chalicelib.domain.grid.outlook import QUARTER

# Issue of plans: a signal that is older than this is not planned by anew, and older than that not at all.
STALE_AFTER = timedelta(hours=2)
LOST_AFTER = timedelta(hours=24)
_QUARTER_S = round(QUARTER.total_seconds())


class SignalKind(StrEnum):
    """What a source can be asked for."""

    PRICE = "price"
    CARBON = "carbon"
    SOLAR = "solar"


class SignalRow(StrEnum):
    """What is told of a quarter of an hour.

    `CARBON` is an average, for plans and receipts; `MARGINAL` what one more kWh emits, for plans alone. `SOLAR` is the
    mean power of a plant of a kilowatt.
    """

    PRICE = "price"
    CARBON = "carbon"
    RENEWABLE = "renewable"
    MARGINAL = "marginal"
    SOLAR = "solar"


@dataclass(frozen=True, slots=True)
class TimedValue:
    """One value from a moment to another."""

    begins_at: datetime
    ends_at: datetime
    value: int


@dataclass(frozen=True, slots=True)
class Series:
    """One value for each quarter of an hour that is known, by the quarter's number since 1970 (UTC)."""

    values: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, spans: Iterable[TimedValue]) -> Series:
        """The quarters that spans cover wholly, each with its mean. ValueError where two spans overlap."""
        sums: dict[int, tuple[int, int]] = {}
        before: TimedValue | None = None
        for span in sorted(spans, key=lambda it: it.begins_at):
            if before is not None and span.begins_at < before.ends_at:
                raise ValueError(f"two values for {span.begins_at.isoformat()}")
            before = span
            begins_s, ends_s = round(span.begins_at.timestamp()), round(span.ends_at.timestamp())
            while begins_s < ends_s:
                number = begins_s // _QUARTER_S
                until_s = min(ends_s, (number + 1) * _QUARTER_S)
                seconds, amount = sums.get(number, (0, 0))
                sums[number] = seconds + until_s - begins_s, amount + span.value * (until_s - begins_s)
                begins_s = until_s
        return cls(
            {
                number: _rounded(amount, seconds)
                for number, (seconds, amount) in sorted(sums.items())
                if seconds == _QUARTER_S
            }
        )

    def row(self, begins_at: datetime, quarters: int) -> tuple[int, ...]:
        """The values of so many quarters from a quarter's beginning on; it ends where one is not known."""
        first = number_of(begins_at)
        found = []
        for number in range(first, first + quarters):
            if number not in self.values:
                break
            found.append(self.values[number])
        return tuple(found)

    def known_until(self, at: datetime) -> datetime | None:
        """Until when it is known without a gap, from the quarter of `at` on; None where that is not known."""
        number = first = number_of(at)
        while number in self.values:
            number += 1
        return beginning_of(number) if number > first else None

    def until(self, at: datetime) -> Series:
        """What is known of the quarters before that of `at`."""
        number = number_of(at)
        return Series({it: value for it, value in self.values.items() if it < number})

    def joined(self, newer: Series) -> Series:
        """Both, the newer word where both know a quarter."""
        return Series({**self.values, **newer.values})


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What a source tells of a zone; `told_at`: when its source last confirmed it, None where nobody has to."""

    rows: Mapping[SignalRow, Series] = field(default_factory=dict)
    currency: str = ""
    told_at: datetime | None = None

    def series(self, row: SignalRow) -> Series:
        """One row of it; empty where nothing is told."""
        return self.rows.get(row, Series())

    def until(self, at: datetime) -> Signal:
        """What is known of the quarters before that of `at`."""
        return replace(self, rows={row: series.until(at) for row, series in self.rows.items()})

    def joined(self, newer: Signal) -> Signal:
        """Both, the newer word where both know a quarter. Of prices in another currency nothing is left."""
        known = dict(self.rows)
        if newer.currency and self.currency != newer.currency:
            known.pop(SignalRow.PRICE, None)
        told = {it: known.get(it, Series()).joined(newer.series(it)) for it in known.keys() | newer.rows.keys()}
        return Signal(rows=told, currency=newer.currency or self.currency, told_at=newer.told_at or self.told_at)


class Guidance(StrEnum):
    """What a site goes by."""

    PLAN = "plan"
    LAST_PLAN = "last_plan"
    FAIR_SHARE = "fair_share"


def guidance(told_at: datetime | None, at: datetime) -> Guidance:
    """What a site goes by whose oldest signal was last confirmed then; None: it has none from outside.

    For two hours it is planned by. Then the last plan stands, and after a day power is shared out without one.
    """
    age = at - told_at if told_at is not None else timedelta(0)
    if age > LOST_AFTER:
        return Guidance.FAIR_SHARE
    return Guidance.LAST_PLAN if age > STALE_AFTER else Guidance.PLAN


def number_of(at: datetime) -> int:
    """The number of the quarter in which a moment lies."""
    return int(at.timestamp() // _QUARTER_S)


def beginning_of(number: int) -> datetime:
    """When that quarter begins (UTC)."""
    return datetime.fromtimestamp(number * _QUARTER_S, UTC)


def quarter_of(at: datetime) -> datetime:
    """When the quarter begins in which a moment lies (UTC)."""
    return beginning_of(number_of(at))


def _rounded(amount: int, seconds: int) -> int:
    """To the nearest whole, halves away from zero, so that a price and its negative are rounded alike."""
    whole = (2 * abs(amount) + seconds) // (2 * seconds)
    return whole if amount >= 0 else -whole
