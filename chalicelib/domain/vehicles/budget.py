"""What a car may cost in calls: prices of a maker, a month's budget of a car, and when a maker is left alone.

A call is counted before it is made, for whoever falls over in between has still been billed. Looking never costs what
carrying out needs: looks have a part of a budget, and what is carried out takes nothing of that.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.data_classes import dataclass, replace

# A plan every night with three wakes in a month fits in, at the dearest maker: docs/vehicles.md.
MONTHLY_MICRO_USD = 300_000
WAKES_A_MONTH = 3
# Of a month's budget, for looks alone; what is left is for carrying plans out.
_LOOKS_SHARE = 0.6
# No car is looked at more often, however young its plan is.
LOOKS_APART = timedelta(minutes=5)
# A maker whose calls fail one after another is left alone, at first for a minute, then for twice as long each time.
_FAILURES_MOST = 5
_OPEN_FIRST = timedelta(minutes=1)
_OPEN_LONGEST = timedelta(minutes=30)


class CallKind(StrEnum):
    """What makers count, and most of them bill."""

    DATA = "data"
    COMMAND = "command"
    WAKE = "wake"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPrices:
    """A maker's prices in millionths of a US dollar: for each call, and for a car each month whatever is asked.

    `signal`: for each value that a car tells by itself, rounded up.
    """

    data: int = 0
    command: int = 0
    wake: int = 0
    car_month: int = 0
    signal: int = 0

    def of(self, kind: CallKind) -> int:
        """What a call of that kind costs."""
        return {CallKind.DATA: self.data, CallKind.COMMAND: self.command, CallKind.WAKE: self.wake}[kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What was asked about a car in a month (`2026-11`), `looks_micro_usd` of it by looking.

    `quiet_until` is as long as its maker asked to be left.
    """

    month: str = ""
    micro_usd: int = 0
    looks_micro_usd: int = 0
    calls: int = 0
    wakes: int = 0
    looked_at: datetime | None = None
    quiet_until: datetime | None = None


NOTHING_SPENT = Spending()


def refused_until(spent: Spending, kind: CallKind, prices: CallPrices, at: datetime) -> datetime | None:
    """Until when a car may not be asked that; None: it may be now."""
    if spent.quiet_until is not None and at < spent.quiet_until:
        return spent.quiet_until
    if kind is CallKind.DATA and spent.looked_at is not None and at < spent.looked_at + LOOKS_APART:
        return spent.looked_at + LOOKS_APART
    if spent.month != _month(at):
        return None
    price = prices.of(kind)
    is_looked = kind is CallKind.DATA and spent.looks_micro_usd + price > MONTHLY_MICRO_USD * _LOOKS_SHARE
    is_dear = price > 0 and (is_looked or spent.micro_usd + price > MONTHLY_MICRO_USD)
    is_woken = kind is CallKind.WAKE and spent.wakes >= WAKES_A_MONTH
    return _next_month(at) if is_dear or is_woken else None


def counted(spent: Spending, kind: CallKind, prices: CallPrices, at: datetime) -> Spending:
    """The same with one call more, in the month that it is made in."""
    spent = _of_month(spent, at)
    return replace(
        spent,
        micro_usd=spent.micro_usd + prices.of(kind),
        looks_micro_usd=spent.looks_micro_usd + (prices.data if kind is CallKind.DATA else 0),
        calls=spent.calls + 1,
        wakes=spent.wakes + (kind is CallKind.WAKE),
        looked_at=at if kind is CallKind.DATA else spent.looked_at,
    )


def streamed(spent: Spending, signals: int, prices: CallPrices, at: datetime) -> Spending:
    """The same with so many values more that a car told by itself: they are no calls, and nobody can refuse them."""
    if signals * prices.signal == 0:
        return spent
    spent = _of_month(spent, at)
    return replace(spent, micro_usd=spent.micro_usd + signals * prices.signal)


def _of_month(spent: Spending, at: datetime) -> Spending:
    if spent.month == _month(at):
        return spent
    return replace(spent, month=_month(at), micro_usd=0, looks_micro_usd=0, calls=0, wakes=0)


@dataclass(frozen=True, slots=True)
class Breaker:
    """How a maker answered lately: failures in a row, and until when nobody asks it."""

    failures: int = 0
    open_until: datetime | None = None

    def is_open(self, at: datetime) -> bool:
        """Whether the maker is being left alone."""
        return self.open_until is not None and at < self.open_until

    def after_failure(self, at: datetime) -> Breaker:
        """One more failure; from the fifth on nobody asks for a while, and one call then tries."""
        failures = self.failures + 1
        if failures < _FAILURES_MOST:
            return Breaker(failures, self.open_until)
        doubled = min(failures - _FAILURES_MOST, 10)
        return Breaker(failures, at + min(_OPEN_FIRST * 2**doubled, _OPEN_LONGEST))


CLOSED = Breaker()


def _month(at: datetime) -> str:
    return f"{at:%Y-%m}"


def _next_month(at: datetime) -> datetime:
    first = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)
