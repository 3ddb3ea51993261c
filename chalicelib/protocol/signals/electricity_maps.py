"""Electricity Maps (v3): a zone's average carbon, life cycle, and its renewable share, hour by hour."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from decimal import Decimal

from chalicelib.domain.grid.signals import Series, Signal, SignalKind, SignalRow, TimedValue
from chalicelib.protocol.signals.source import (
    Conversation,
    Question,
    SignalRequest,
    Source,
    UnreadableSignal,
    document,
    items,
    moment,
    whole,
)

_HOUR = timedelta(hours=1)
_MOST_G, _MOST_PERCENT = 5_000, 100


def _asked(question: Question) -> Conversation:
    carbon = yield from _both(question, "carbon-intensity", "carbonIntensity", _MOST_G, Decimal(1))
    renewable = yield from _both(question, "renewable-energy", "value", _MOST_PERCENT, Decimal(10))
    if not carbon.values:
        raise UnreadableSignal("no intensity")
    return Signal(rows={SignalRow.CARBON: carbon, SignalRow.RENEWABLE: renewable})


ELECTRICITY_MAPS = Source(
    name="electricity_maps",
    kind=SignalKind.CARBON,
    address="https://api.electricitymaps.com",
    zones=r"[A-Z]{2}(-[A-Z0-9]{1,8}){0,3}",
    pace=timedelta(hours=1),
    ask=_asked,
    needs_key=True,
)


def _both(
    question: Question, what: str, field: str, most: int, times: Decimal
) -> Generator[SignalRequest, bytes, Series]:
    """The last 24 hours, and what is forecast behind them."""
    together = Series()
    for part in ("history", "forecast"):
        query = {"zone": question.zone, "temporalGranularity": "hourly"}
        if part == "forecast":
            query["horizonHours"] = "48"
        body = yield SignalRequest(f"/v3/{what}/{part}", query, {"auth-token": question.key})
        # An hour that was forecast and is over counts as it was.
        together = hours(body, field, most, times).joined(together)
    return together


def hours(body: bytes, field: str, most: int, times: Decimal) -> Series:
    """The hours of a list, of which those without a value are left out."""
    spans = []
    for it in items(document(body), "history", "forecast", "data"):
        if it.get(field) is not None:
            begins_at = moment(it.get("datetime"), "datetime")
            spans.append(TimedValue(begins_at, begins_at + _HOUR, whole(it[field], field, most, times)))
    try:
        return Series.of(spans)
    except ValueError as error:
        raise UnreadableSignal(str(error)) from error
