"""The Carbon Intensity API of Great Britain's system operator: grams by the half-hour, nationally or by region.

Nationally what was measured is told beside what was forecast; a region's forecast tells its mix of fuels too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

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
    stamp,
    table,
    whole,
)

_NATIONAL = "GB"
_RENEWABLE = frozenset(("biomass", "hydro", "solar", "wind"))
_MOST_G, _MOST_PERCENT = 5_000, 101


def _asked(question: Question) -> Conversation:
    time = f"{stamp(question.begins_at)}/{stamp(question.ends_at)}"
    path = f"/intensity/{time}"
    if question.zone != _NATIONAL:
        path = f"/regional/intensity/{time}/regionid/{question.zone}"
    return intensities((yield SignalRequest(path, headers={"Accept": "application/json"})))


CARBON_INTENSITY = Source(
    name="carbon_intensity",
    kind=SignalKind.CARBON,
    address="https://api.carbonintensity.org.uk",
    # All of Great Britain, or the number of a region.
    zones=r"GB|[1-9]|1[0-7]",
    pace=timedelta(minutes=30),
    ask=_asked,
)


def intensities(body: bytes) -> Signal:
    """What was measured, or else forecast, for each half-hour of an answer."""
    told: Mapping[str, Any] = document(body)
    # A region's list stands within the region.
    if isinstance(told.get("data"), dict):
        told = told["data"]
    carbon, renewable = [], []
    for it in items(told, "data"):
        begins_at, ends_at = moment(it.get("from"), "from"), moment(it.get("to"), "to")
        intensity = table(it.get("intensity"), "intensity")
        grams = intensity.get("actual") if intensity.get("actual") is not None else intensity.get("forecast")
        if grams is not None:
            carbon.append(TimedValue(begins_at, ends_at, whole(grams, "an intensity", _MOST_G)))
        if "generationmix" in it:
            renewable.append(TimedValue(begins_at, ends_at, _renewable(it)))
    try:
        series = {SignalRow.CARBON: Series.of(carbon), SignalRow.RENEWABLE: Series.of(renewable)}
    except ValueError as error:
        raise UnreadableSignal(str(error)) from error
    if not series[SignalRow.CARBON].values:
        raise UnreadableSignal("no intensity")
    return Signal(rows=series)


def _renewable(it: Mapping[str, Any]) -> int:
    shares = [
        whole(part.get("perc"), "a share of the mix", _MOST_PERCENT, Decimal(10))
        for part in items(it, "generationmix")
        if part.get("fuel") in _RENEWABLE
    ]
    return min(1000, sum(shares))
