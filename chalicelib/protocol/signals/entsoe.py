"""ENTSO-E's Transparency Platform: day-ahead prices of a bidding zone (A44, Publication_MarketDocument 451-3).

A document has time series of periods of points, numbered from the period's beginning (UTC), so that a day at which the
clocks change has 92 or 100 quarters. By curve type A03 a point holds until the next that is told, or the period's end.
Beside the coupled auction (sequence 1, or none said) others of the same day may stand, in any order: none is its price.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from chalicelib.domain.grid.signals import Series, Signal, SignalKind, SignalRow, TimedValue
from chalicelib.protocol.signals.source import (
    Conversation,
    Question,
    SignalRequest,
    Source,
    UnreadableSignal,
    micros,
    moment,
    number,
    stamp,
)

# A unit of currency for a MWh is a thousandth of it for a kWh.
_MICROS = 1_000
_STEPS = {
    "PT15M": timedelta(minutes=15),
    "PT30M": timedelta(minutes=30),
    "PT60M": timedelta(hours=1),
    "PT1H": timedelta(hours=1),
}
_FIXED, _VARIABLE = "A01", "A03"
_DAY_AHEAD = "A01"
_COUPLED = ("", "1")
# No document that was asked for has a longer period.
_MOST_POINTS = 8 * 100
_DEEPEST = 20
_SHOWN = 160


def _asked(question: Question) -> Conversation:
    body = yield SignalRequest(
        "/api",
        {
            "securityToken": question.key,
            "documentType": "A44",
            "contract_MarketAgreement.type": _DAY_AHEAD,
            "in_Domain": question.zone,
            "out_Domain": question.zone,
            "periodStart": stamp(question.begins_at, "%Y%m%d%H%M"),
            "periodEnd": stamp(question.ends_at, "%Y%m%d%H%M"),
        },
    )
    return prices(body)


ENTSOE = Source(
    name="entsoe",
    kind=SignalKind.PRICE,
    address="https://web-api.tp.entsoe.eu",
    # An Energy Identification Code.
    zones=r"[0-9]{2}[A-Z][A-Z0-9\-]{12}[A-Z0-9]",
    pace=timedelta(hours=1),
    ask=_asked,
    needs_key=True,
    is_daily=True,
)


def prices(body: bytes) -> Signal:
    """The coupled auction's prices in a document. Raises UnreadableSignal, also where none were published."""
    root = _read(body)
    kind = root.tag.lower()
    if kind == "acknowledgement_marketdocument":
        reason = root.findtext(".//Reason/text") or "no reason given"
        raise UnreadableSignal(f"nothing published: {' '.join(reason.split())[:_SHOWN]}")
    if kind != "publication_marketdocument":
        raise UnreadableSignal(f"a {root.tag[:_SHOWN]}, and no Publication_MarketDocument")
    told = [it for it in root.findall("TimeSeries") if _is_price(it)]
    currencies = {_text(it, "currency_Unit.name") for it in told}
    if len(currencies) > 1:
        raise UnreadableSignal(f"prices in several currencies: {', '.join(sorted(currencies))}")
    found: dict[timedelta, Series] = {}
    for series in told:
        for step, spans in _periods(series):
            found[step] = found.get(step, Series()).joined(Series.of(spans))
    together = Series()
    # What is told by the quarter is nearer the truth than its hour.
    for step in sorted(found, reverse=True):
        together = together.joined(found[step])
    if not together.values:
        raise UnreadableSignal("no price of the coupled day-ahead auction")
    return Signal(rows={SignalRow.PRICE: together}, currency=currencies.pop())


def _is_price(series: Element) -> bool:
    sequence = series.findtext("classificationSequence_AttributeInstanceComponent.position") or ""
    contract = series.findtext("contract_MarketAgreement.type") or _DAY_AHEAD
    if sequence.strip() not in _COUPLED or contract.strip() != _DAY_AHEAD:
        return False
    unit = _text(series, "price_Measure_Unit.name")
    if unit != "MWH":
        raise UnreadableSignal(f"prices for a {unit[:_SHOWN]}, and not for a MWH")
    return True


def _periods(series: Element) -> Iterator[tuple[timedelta, list[TimedValue]]]:
    curve = (series.findtext("curveType") or _FIXED).strip()
    if curve not in (_FIXED, _VARIABLE):
        raise UnreadableSignal(f"curve type {curve[:_SHOWN]}, and neither A01 nor A03")
    for period in series.findall("Period"):
        resolution = _text(period, "resolution")
        step = _STEPS.get(resolution)
        if step is None:
            raise UnreadableSignal(f"resolution {resolution[:_SHOWN]}")
        begins_at = moment(_text(period, "timeInterval/start"), "a period's start")
        ends_at = moment(_text(period, "timeInterval/end"), "a period's end")
        length, rest = divmod(ends_at - begins_at, step)
        if rest or not 0 < length <= _MOST_POINTS:
            raise UnreadableSignal(f"a period from {stamp(begins_at)} to {stamp(ends_at)} in steps of {resolution}")
        yield step, _spans(period, begins_at, (step, length), is_variable=curve == _VARIABLE)


def _spans(
    period: Element, begins_at: datetime, steps: tuple[timedelta, int], *, is_variable: bool
) -> list[TimedValue]:
    step, length = steps
    points: dict[int, int] = {}
    for point in period.findall("Point"):
        place = number(_text(point, "position"), "a position")
        if place != int(place) or not 1 <= place <= length:
            raise UnreadableSignal(f"position {place} of {length}")
        if int(place) in points:
            raise UnreadableSignal(f"position {place} twice")
        points[int(place)] = micros(_text(point, "price.amount"), f"the price of position {place}", _MICROS)
    places = sorted(points)
    following = [*places[1:], length + 1] if is_variable else [it + 1 for it in places]
    return [
        TimedValue(begins_at + (place - 1) * step, begins_at + (until - 1) * step, points[place])
        for place, until in zip(places, following, strict=True)
    ]


def _text(element: Element, path: str) -> str:
    text = (element.findtext(path) or "").strip()
    if not text:
        raise UnreadableSignal(f"a {element.tag} without {path}")
    return text


def _read(body: bytes) -> Element:
    """The document's elements by their local names. One that declares a type is refused: no entity is ever expanded."""
    builder = TreeBuilder()
    parser = expat.ParserCreate(namespace_separator=" ")
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise UnreadableSignal("elements within elements without end")
        builder.start(name.rpartition(" ")[2], {})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(name.rpartition(" ")[2])

    def doctype(*_: object) -> None:
        raise UnreadableSignal("a document that declares a type")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise UnreadableSignal(f"no XML: {expat.ErrorString(error.code)} in line {error.lineno}") from error
    except UnreadableSignal:
        raise
    except (LookupError, ValueError) as error:
        raise UnreadableSignal("no XML: an unknown encoding") from error
    return builder.close()
