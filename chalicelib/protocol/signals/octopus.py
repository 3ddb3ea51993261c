"""Octopus Energy (Great Britain): half-hourly unit rates of an Agile tariff, in pence for a kWh, before tax."""

from __future__ import annotations

from datetime import timedelta

from chalicelib.domain.grid.signals import Series, Signal, SignalKind, SignalRow, TimedValue
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
    stamp,
)

_MICROS = 10_000
# Who pays otherwise pays otherwise: both stand in the list.
_NOT_OURS = "NON_DIRECT_DEBIT"


def _asked(question: Question) -> Conversation:
    product, _, region = question.zone.partition("/")
    body = yield SignalRequest(
        f"/v1/products/{product}/electricity-tariffs/E-1R-{product}-{region}/standard-unit-rates/",
        {
            "period_from": stamp(question.begins_at),
            "period_to": stamp(question.ends_at),
            # Three days have 144; a page has a hundred unless one asks for more.
            "page_size": "1500",
        },
    )
    return rates(body, question)


OCTOPUS = Source(
    name="octopus",
    kind=SignalKind.PRICE,
    address="https://api.octopus.energy",
    # A product, and the letter of a region of distribution.
    zones=r"[A-Z0-9][A-Z0-9\-]{2,40}/[A-HJ-NP]",
    pace=timedelta(hours=1),
    ask=_asked,
    is_daily=True,
)


def rates(body: bytes, question: Question) -> Signal:
    """The rates of a list, newest first or not; one that has no end holds for as long as was asked."""
    told = document(body)
    if told.get("next"):
        raise UnreadableSignal("a list of several pages")
    spans = []
    for it in items(told, "results"):
        if it.get("payment_method") == _NOT_OURS:
            continue
        begins_at = max(moment(it.get("valid_from"), "valid_from"), question.begins_at)
        ends_at = question.ends_at
        if it.get("valid_to") is not None:
            ends_at = min(ends_at, moment(it["valid_to"], "valid_to"))
        spans.append(TimedValue(begins_at, ends_at, micros(it.get("value_exc_vat"), "value_exc_vat", _MICROS)))
    try:
        series = Series.of(spans)
    except ValueError as error:
        raise UnreadableSignal(str(error)) from error
    if not series.values:
        raise UnreadableSignal("no rate for the time that was asked")
    return Signal(rows={SignalRow.PRICE: series}, currency="GBP")
