"""Forecast.Solar: what modules of a kilowatt will give at a place, today and the days after.

Its zone is `latitude,longitude,tilt,azimuth`. Each amount is of the time since the one before, which begins at sunrise
with nothing; from sunset to sunrise nothing is told, and nothing comes.
"""

from __future__ import annotations

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
    moment,
    table,
    whole,
)

_NIGHT = timedelta(hours=8)
_HOUR_S = 3600
# A kilowatt of modules gives no more in a day.
_MOST_WH = 24_000


def _asked(question: Question) -> Conversation:
    door = f"/{question.key}" if question.key else ""
    place = question.zone.replace(",", "/")
    return powers((yield SignalRequest(f"{door}/estimate/{place}/1", {"time": "utc"}, {"Accept": "application/json"})))


FORECAST_SOLAR = Source(
    name="forecast_solar",
    kind=SignalKind.SOLAR,
    address="https://api.forecast.solar",
    zones=r"-?\d{1,2}\.\d,-?\d{1,3}\.\d,\d{1,2},-?\d{1,3}",
    pace=timedelta(hours=1),
    ask=_asked,
)


def powers(body: bytes) -> Signal:
    """The mean power of each quarter from sunrise to sunset, and none in the nights between."""
    result = table(document(body).get("result"), "result")
    told = table(result.get("watt_hours_period"), "watt_hours_period")
    amounts = sorted((moment(at, "a time"), whole(wh, "an amount", _MOST_WH)) for at, wh in told.items())
    if not amounts:
        raise UnreadableSignal("no amount")
    spans: list[TimedValue] = []
    before = amounts[0][0] - _NIGHT
    for at, energy_wh in amounts:
        if at > before and (spans or not energy_wh):
            power_w = round(Decimal(energy_wh) * _HOUR_S / round((at - before).total_seconds()))
            spans.append(TimedValue(before, at, power_w))
        before = at
    spans.append(TimedValue(before, before + _NIGHT, 0))
    return Signal(rows={SignalRow.SOLAR: Series.of(spans)})
