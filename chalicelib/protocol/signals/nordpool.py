"""Nord Pool's data portal: day-ahead prices of a delivery area, a day of Central European Time at a time.

A day that is not published yet is an empty answer (204). What it answers may be used by agreement with Nord Pool only.
"""

from __future__ import annotations

from datetime import timedelta

from chalicelib.domain.grid.signals import Series, Signal, SignalKind, SignalRow, TimedValue
from chalicelib.domain.pricing.wall_clock import zone
from chalicelib.protocol.signals.source import (
    Conversation,
    Question,
    SignalRequest,
    Source,
    UnreadableSignal,
    document,
    items,
    micros,
    moment,
    table,
)

_MICROS = 1_000
_MARKET_ZONE = "Europe/Oslo"


def _asked(question: Question) -> Conversation:
    area, _, currency = question.zone.partition("/")
    day = question.begins_at.astimezone(zone(_MARKET_ZONE)).date()
    last = (question.ends_at - timedelta(seconds=1)).astimezone(zone(_MARKET_ZONE)).date()
    together = Signal()
    while day <= last:
        body = yield SignalRequest(
            "/api/DayAheadPrices",
            {
                "date": day.isoformat(),
                "market": "DayAhead",
                "deliveryArea": area,
                "currency": currency or "EUR",
            },
        )
        if body.strip():
            together = together.joined(prices(body, area))
        day += timedelta(days=1)
    if not together.series(SignalRow.PRICE).values:
        raise UnreadableSignal("no day of those that were asked is published")
    return together


NORDPOOL = Source(
    name="nordpool",
    kind=SignalKind.PRICE,
    address="https://dataportal-api.nordpoolgroup.com",
    # A delivery area, and the currency unless it is EUR.
    zones=r"[A-Z][A-Z0-9]{1,7}(/[A-Z]{3})?",
    pace=timedelta(hours=1),
    ask=_asked,
    is_daily=True,
)


def prices(body: bytes, area: str) -> Signal:
    """An area's prices of a day."""
    told = document(body)
    spans = []
    for it in items(told, "multiAreaEntries"):
        by_area = table(it.get("entryPerArea"), "entryPerArea")
        # The entry of an hour without a price has none for the area.
        if by_area.get(area) is None:
            continue
        begins_at, ends_at = (moment(it.get(name), name) for name in ("deliveryStart", "deliveryEnd"))
        spans.append(TimedValue(begins_at, ends_at, micros(by_area[area], f"the price of {area}", _MICROS)))
    currency = told.get("currency")
    if not isinstance(currency, str) or len(currency) != len("EUR"):
        raise UnreadableSignal("no currency")
    try:
        return Signal(rows={SignalRow.PRICE: Series.of(spans)}, currency=currency)
    except ValueError as error:
        raise UnreadableSignal(str(error)) from error
