"""WattTime (v3): what one more kWh emits in a region (MOER), forecast in steps of five minutes.

It is a marginal rate, in pounds for a MWh: good for choosing when to charge, and no account of what a kWh emitted.
"""

from __future__ import annotations

from base64 import b64encode
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
    table,
    whole,
)

# The international pound, and a MWh of a thousand kWh.
_GRAMS = Decimal("453.59237") / 1000
_UNITS = "lbs_co2_per_mwh"
_STEP_S = 300
_MOST_LB, _MOST_S = 20_000, 3_600


def _asked(question: Question) -> Conversation:
    basic = b64encode(question.key.encode()).decode()
    token = document((yield SignalRequest("/login", headers={"Authorization": f"Basic {basic}"}))).get("token")
    # What is no token of a header's form would only be sent back.
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise UnreadableSignal("no token")
    body = yield SignalRequest(
        "/v3/forecast",
        {"region": question.zone, "signal_type": "co2_moer", "horizon_hours": "48"},
        {"Authorization": f"Bearer {token}"},
    )
    return marginal(body)


WATTTIME = Source(
    name="watttime",
    kind=SignalKind.CARBON,
    address="https://api.watttime.org",
    zones=r"[A-Z][A-Z0-9_]{1,39}",
    pace=timedelta(minutes=30),
    ask=_asked,
    # A name and its password, with a colon between.
    needs_key=True,
)


def marginal(body: bytes) -> Signal:
    """The means of the quarters that a forecast covers. Raises UnreadableSignal for other units, or another signal."""
    told = document(body)
    meta = table(told.get("meta"), "meta")
    if meta.get("units") != _UNITS or meta.get("signal_type") != "co2_moer":
        raise UnreadableSignal(f"no co2_moer in {_UNITS}")
    step = timedelta(
        seconds=whole(meta.get("data_point_period_seconds", _STEP_S), "data_point_period_seconds", _MOST_S)
    )
    spans = []
    for it in items(told, "data"):
        begins_at = moment(it.get("point_time"), "point_time")
        spans.append(TimedValue(begins_at, begins_at + step, whole(it.get("value"), "value", _MOST_LB, _GRAMS)))
    try:
        series = Series.of(spans)
    except ValueError as error:
        raise UnreadableSignal(str(error)) from error
    if not series.values:
        raise UnreadableSignal("no quarter of an hour is covered")
    return Signal(rows={SignalRow.MARGINAL: series})
