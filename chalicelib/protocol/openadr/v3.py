"""OpenADR 3.0.1 and 3.1.0: what a VEN asks of a VTN, what its events mean, and what it reports; no I/O.

The two differ in more than their number. 3.0.1 names targets by kind and values, wants the program in a report, and
has its token at a path of its own; 3.1.0 names them by one word each, wants descriptors of reports to say what they
are, leaves out events that are over where asked to, and says where its tokens are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from chalicelib.domain.data_classes import replace
from chalicelib.domain.grid.delivery import QuarterDelivery
from chalicelib.domain.grid.demand_response import AskedInterval, AskKind, DemandAsk
from chalicelib.domain.grid.utility import SpanKind, UtilityEvent, UtilitySpan
from chalicelib.protocol.openadr.times import EventPeriod, moment, periods, random_start
from chalicelib.records.grid import OpenAdrVersion as Version

PAGE = 50
# What a report is about where it is of all resources together.
_ALL_RESOURCES = "AGGREGATED_REPORT"
_WATTS = {"W": 1.0, "KW": 1e3, "MW": 1e6}
# Of emissions GHG is the published name of grams for a kilowatt-hour.
_KWH = {"WH": 1e-3, "KWH": 1.0, "MWH": 1e3, "GHG": 1.0, "G/KWH": 1.0}
# An event whose descriptors say no more is reported once, when it is over.
_ONCE = {"frequency": (None, -1), "repeat": (None, 1)}
_QUARTER_OF_AN_HOUR = "PT15M"


def token_request(client_id: str, client_secret: str) -> dict[str, str]:
    """The form by which a token is asked for (RFC 6749, 4.4)."""
    return {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}


def events_query(version: Version, program_id: str, skip: int) -> dict[str, str]:
    """The query of a page of a program's events."""
    query = {"programID": program_id, "skip": str(skip), "limit": str(PAGE)}
    return query | ({"active": "true"} if version is Version.V3_1_0 else {})


def program_names(answer: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Programs by their ids. ValueError for what is none."""
    try:
        return {str(it["id"]): it for it in answer if isinstance(it["programName"], str)}
    except (KeyError, TypeError) as error:
        raise ValueError("no list of programs") from error


def utility_event(
    version: Version, told: Mapping[str, Any], program: Mapping[str, Any], own_names: frozenset[str], now: datetime
) -> UtilityEvent:
    """An event of a program as its VTN tells it. ValueError for one that says nothing anybody could do.

    `own_names`: by which we are known there, so that what is for them is for all of ours.
    """
    try:
        changed = told.get("modificationDateTime") or told.get("createdDateTime")
        told_at = (moment(changed) if changed else None) or now
        units = _units([*(program.get("payloadDescriptors") or ()), *(told.get("payloadDescriptors") or ())])
        asks: list[AskedInterval] = []
        spans: list[UtilitySpan] = []
        passed_over = set()
        for period in periods(told, told_at, now):
            for begins_at, ends_at, kind, value in _payloads(period):
                if kind in _SPANS:
                    span, scale = _SPANS[kind]
                    per_kwh = _KWH.get((units.get(kind, {}).get("units") or "KWH").upper())
                    if per_kwh is None:
                        passed_over.add(str(kind))
                        continue
                    spans.append(
                        UtilitySpan(
                            kind=span,
                            begins_at=begins_at,
                            ends_at=ends_at,
                            value=round(float(value) * scale / per_kwh),
                            currency=str(units.get(kind, {}).get("currency") or ""),
                        )
                    )
                elif kind in _ASKS:
                    ask = _ASKS[kind](value, units.get(kind, {}).get("units"))
                    _add(asks, AskedInterval(begins_at=begins_at, ends_at=ends_at, ask=ask))
                else:
                    passed_over.add(str(kind))
        return UtilityEvent(
            event_id=str(told["id"]),
            program_id=str(told["programID"]),
            program=str(program["programName"]),
            asks=tuple(asks),
            spans=tuple(spans),
            targets=_targets(version, told.get("targets") or ()) - own_names,
            random_start_s=random_start(told),
            wants_report=bool(told.get("reportDescriptors")),
            wants_quarters=any(_is_rolling(it) for it in told.get("reportDescriptors") or ()),
            passed_over=frozenset(passed_over),
        )
    except (KeyError, TypeError, IndexError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"no event: {type(error).__name__} {error}") from error


def _payloads(period: EventPeriod) -> Iterator[tuple[datetime, datetime, str, Any]]:
    """What an interval says, with its time: where it has several values, each holds for the same part of it."""
    for payload in period.interval["payloads"]:
        kind, values = payload["type"], payload["values"]
        if kind not in _SPANS and kind not in _ASKS:
            yield period.begins_at, period.ends_at, kind, None
            continue
        for begins_at, ends_at, place in period.parts(len(values)):
            yield begins_at, ends_at, kind, values[place]


def _is_rolling(descriptor: Mapping[str, Any]) -> bool:
    return any(descriptor.get(name) not in once for name, once in _ONCE.items())


def _add(asks: list[AskedInterval], new: AskedInterval) -> None:
    """One more; what goes on as before is one with that: schedules by five minutes have hundreds."""
    if asks and asks[-1].ask == new.ask and asks[-1].ends_at == new.begins_at:
        new = replace(asks.pop(), ends_at=new.ends_at)
    asks.append(new)


def report(
    version: Version, program_id: str, event_id: str, ven_name: str, quarters: Sequence[QuarterDelivery]
) -> dict[str, Any]:
    """What an event delivered: usage, baseline and the difference of each quarter of an hour, of all sites together.

    Of later quarters it is another report.
    """
    kinds = {"USAGE": "DIRECT_READ", "BASELINE": "ESTIMATED", "DELTA_USAGE": "ESTIMATED"}
    descriptors = [
        {"objectType": "REPORT_PAYLOAD_DESCRIPTOR", "payloadType": kind, "readingType": reading, "units": "KWH"}
        for kind, reading in kinds.items()
    ]
    intervals = [
        {
            "id": number,
            "intervalPeriod": {"start": it.begins_at.isoformat(), "duration": _QUARTER_OF_AN_HOUR},
            "payloads": [
                {"type": "USAGE", "values": [_kwh(it.drawn_w)]},
                {"type": "BASELINE", "values": [_kwh(it.baseline_w)]},
                # A change of usage: less is below nothing.
                {"type": "DELTA_USAGE", "values": [_kwh(-it.delivered_w)]},
            ],
        }
        for number, it in enumerate(quarters)
    ]
    return {
        **({"programID": program_id} if version is Version.V3_0_1 else {}),
        "eventID": event_id,
        "clientName": ven_name,
        "reportName": "-".join((ven_name, event_id, *(it.begins_at.strftime("%Y%m%dT%H%MZ") for it in quarters[:1]))),
        "payloadDescriptors": descriptors,
        "resources": [{"resourceName": _ALL_RESOURCES, "intervals": intervals}],
    }


def _kwh(power_w: int) -> float:
    return power_w / 4 / 1000


def _units(descriptors: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """What the values of each kind of payload are; the event's own word counts before its program's."""
    return {it["payloadType"]: it for it in descriptors if it.get("objectType") != "REPORT_PAYLOAD_DESCRIPTOR"}


def _targets(version: Version, told: Iterable[Any]) -> frozenset[str]:
    if version is Version.V3_0_1:
        return frozenset(str(name) for it in told for name in it["values"])
    return frozenset(str(it) for it in told)


def _watts(kind: AskKind) -> Callable[[Any, str | None], DemandAsk]:
    def ask(value: Any, units: str | None) -> DemandAsk:
        return DemandAsk(kind=kind, power_w=max(0, round(float(value) * _WATTS[(units or "KW").upper()])))

    return ask


def _level(value: Any, units: str | None) -> DemandAsk:
    return DemandAsk(kind=AskKind.LEVEL, level=int(value))


def _of_capacity(value: Any, units: str | None) -> DemandAsk:
    """A part of what can be drawn: 0 to 1, or percent where that is its unit and it is more than 1."""
    part = float(value) / 100 if (units or "").upper() == "PERCENT" and float(value) > 1 else float(value)
    return DemandAsk(kind=AskKind.LOAD_CONTROL, permille=min(1000, max(0, round(part * 1000))))


def _offset(value: Any, units: str | None) -> DemandAsk:
    """Levels away from normal operation: the higher the less is taken, 10 being nothing at all; below 0 is more."""
    return DemandAsk(permille=min(1000, max(0, int(value) * 100)))


_SPANS: Mapping[str, tuple[SpanKind, float]] = {"PRICE": (SpanKind.PRICE, 1e6), "GHG": (SpanKind.MARGINAL, 1.0)}
_ASKS: Mapping[str, Callable[[Any, str | None], DemandAsk]] = {
    "SIMPLE": _level,
    "LOAD_CONTROL": _of_capacity,
    "CONTROL_LEVEL_OFFSET": _offset,
    "DISPATCH_SETPOINT": _watts(AskKind.SETPOINT),
    "IMPORT_CAPACITY_LIMIT": _watts(AskKind.IMPORT_LIMIT),
}
