"""What OpenADR 3 events mean, in both versions, and what is reported back, held against the published description."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.grid.delivery import QuarterDelivery
from chalicelib.domain.grid.demand_response import AskKind, DemandAsk
from chalicelib.domain.grid.utility import SpanKind
from chalicelib.protocol.openadr.times import duration
from chalicelib.protocol.openadr.v3 import events_query, report, utility_event
from chalicelib.records.grid import OpenAdrVersion as Version

NOW = datetime(2026, 11, 30, 17, 5, tzinfo=UTC)
_PROGRAM = {"id": "p-1", "programName": "peak"}
_BOTH = pytest.mark.parametrize("version", list(Version))


def told(*intervals: dict[str, Any], **more: Any) -> dict[str, Any]:
    about = {"id": "e-1", "programID": "p-1", "modificationDateTime": "2026-11-30T17:00:00Z"}
    whole = {"intervalPeriod": {"start": "2026-11-30T18:00:00Z", "duration": "PT1H"}}
    return {**about, **whole, "intervals": list(intervals), **more}


def pay(kind: str, *values: Any, **more: Any) -> dict[str, Any]:
    return {"id": 0, "payloads": [{"type": kind, "values": list(values)}], **more}


def read(event: dict[str, Any], version: Version = Version.V3_1_0, **program: Any) -> Any:
    return utility_event(version, event, {**_PROGRAM, **program}, frozenset({"ven"}), NOW)


ASKS: list[tuple[str, Any, str | None, DemandAsk]] = [
    ("SIMPLE", 2, None, DemandAsk(kind=AskKind.LEVEL, level=2)),
    ("LOAD_CONTROL", 0.35, None, DemandAsk(kind=AskKind.LOAD_CONTROL, permille=350)),
    ("LOAD_CONTROL", 35, "PERCENT", DemandAsk(kind=AskKind.LOAD_CONTROL, permille=350)),
    ("CONTROL_LEVEL_OFFSET", 3, None, DemandAsk(permille=300)),
    ("CONTROL_LEVEL_OFFSET", -3, None, DemandAsk(permille=0)),
    ("DISPATCH_SETPOINT", 12.5, None, DemandAsk(kind=AskKind.SETPOINT, power_w=12_500)),
    ("IMPORT_CAPACITY_LIMIT", 500, "W", DemandAsk(kind=AskKind.IMPORT_LIMIT, power_w=500)),
]


@_BOTH
@pytest.mark.parametrize(("kind", "value", "unit", "ask"), ASKS)
def test_each_kind_of_payload_is_what_it_says(
    version: Version, kind: str, value: Any, unit: str, ask: DemandAsk
) -> None:
    units = [{"objectType": "EVENT_PAYLOAD_DESCRIPTOR", "payloadType": kind, "units": unit}]
    (found,) = read(told(pay(kind, value), payloadDescriptors=units), version).asks
    assert found.ask == ask
    assert (found.begins_at, found.ends_at) == (NOW + timedelta(minutes=55), NOW + timedelta(minutes=115))


def test_prices_and_emissions_are_spans_of_whole_numbers_for_a_kilowatt_hour() -> None:
    units = [
        {"payloadType": "PRICE", "units": "MWH", "currency": "EUR"},
        {"payloadType": "GHG", "units": "KWH"},
    ]
    both = {"id": 0, "payloads": [{"type": "PRICE", "values": [-81.5]}, {"type": "GHG", "values": [412.4]}]}
    found = read(told(both), payloadDescriptors=units)
    assert [(it.kind, it.value, it.currency) for it in found.spans] == [
        (SpanKind.PRICE, -81_500, "EUR"),
        (SpanKind.MARGINAL, 412, ""),
    ]
    assert not found.asks


def test_targets_are_words_in_one_version_and_kinds_with_values_in_the_other() -> None:
    new = read(told(pay("SIMPLE", 1), targets=["ven", "north"]))
    old = read(told(pay("SIMPLE", 1), targets=[{"type": "GROUP", "values": ["north"]}]), Version.V3_0_1)
    assert new.targets == old.targets == {"north"}
    assert read(told(pay("SIMPLE", 1), targets=["ven"])).targets == set()


def test_what_is_not_known_is_passed_over_and_named() -> None:
    found = read(told(pay("CURVE", {"x": 1.0, "y": 2.0}), pay("SIMPLE", 1)))
    assert (len(found.asks), found.passed_over) == (1, {"CURVE"})


def hours(found: Any) -> list[tuple[float, float]]:
    return [((it.begins_at - NOW) / timedelta(hours=1), (it.ends_at - NOW) / timedelta(hours=1)) for it in found.asks]


def test_intervals_follow_each_other_unless_they_say_when() -> None:
    late = {"start": "2026-11-30T22:05:00Z", "duration": "PT30M"}
    found = read(told(pay("SIMPLE", 1), pay("SIMPLE", 2), pay("SIMPLE", 3, intervalPeriod=late)))
    assert [round(begin * 12) for begin, _ in hours(found)] == [11, 23, 60]
    assert hours(found)[2][1] == 5.5


@pytest.mark.parametrize("start", ["0001-01-01", "0001-01-01T00:00:00Z", "0000-00-00"])
def test_the_beginning_of_time_is_when_it_was_told(start: str) -> None:
    found = read(told(pay("SIMPLE", 1), intervalPeriod={"start": start, "duration": "PT1H"}))
    assert found.asks[0].begins_at == NOW - timedelta(minutes=5)
    assert found == read(told(pay("SIMPLE", 1), intervalPeriod={"start": start, "duration": "PT1H"}))


def test_no_time_at_all_calls_an_event_off_and_one_without_end_goes_on() -> None:
    off = read(told(pay("SIMPLE", 1), intervalPeriod={"start": "0001-01-01", "duration": "PT0S"}))
    assert off.asks == ()
    for period in ({"start": "0001-01-01", "duration": "P9999Y"}, {"start": "2020-01-01T00:00:00Z"}):
        (found,) = read(told(pay("SIMPLE", 1), intervalPeriod=period)).asks
        assert found.begins_at <= NOW
        assert found.ends_at - found.begins_at == timedelta(days=7)


def test_a_duration_of_the_whole_cuts_intervals_short_or_repeats_them() -> None:
    two = [pay("SIMPLE", 1), pay("SIMPLE", 2)]
    assert len(read(told(*two, duration="PT30M")).asks) == 1
    assert hours(read(told(*two, duration="PT90M")))[-1][1] == pytest.approx(55 / 60 + 1.5)
    daily = read(told(*two, intervalPeriod={"start": "2020-01-01T00:00:00Z", "duration": "PT12H"}, duration="P9999Y"))
    assert [it.ask.level for it in daily.asks[:3]] == [1, 2, 1]
    assert daily.asks[0].begins_at == NOW.replace(hour=0, minute=0)
    assert len(daily.asks) < 20


@pytest.mark.parametrize(
    "wrong",
    [
        told(pay("SIMPLE", 4)),
        told(pay("SIMPLE")),
        told({"id": 0}),
        told(pay("DISPATCH_SETPOINT", "much")),
        told(pay("SIMPLE", 1), intervalPeriod={"start": "soon"}),
        told(pay("SIMPLE", 1), intervalPeriod={"start": "2026-11-30T18:00:00Z", "duration": "1 hour"}),
        {**told(pay("SIMPLE", 1)), "id": None, "programID": "p", "intervals": 7},
    ],
)
def test_what_nobody_could_do_is_said_to_be_that(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(wrong)


@settings(max_examples=50)
@given(
    st.recursive(
        st.none() | st.integers() | st.text() | st.floats(),
        lambda it: (
            st.lists(it)
            | st.dictionaries(
                st.sampled_from(
                    ["id", "programID", "intervals", "payloads", "type", "values", "intervalPeriod", "start"]
                ),
                it,
            )
        ),
    )
)
def test_whatever_a_server_says_is_an_event_or_a_value_error(said: Any) -> None:
    event = said if isinstance(said, dict) else {"intervals": said}
    with suppress(ValueError):
        utility_event(Version.V3_1_0, event, _PROGRAM, frozenset(), NOW)


def test_durations_are_iso_8601() -> None:
    assert duration("P1DT2H3M4.5S") == timedelta(days=1, hours=2, minutes=3, seconds=4.5)
    assert duration("P2W") == timedelta(days=14)


def test_versions_ask_for_events_and_report_in_their_own_words() -> None:
    assert "active" not in events_query(Version.V3_0_1, "p-1", 0)
    assert events_query(Version.V3_1_0, "p-1", 50) == {
        "programID": "p-1",
        "skip": "50",
        "limit": "50",
        "active": "true",
    }
    quarter = QuarterDelivery(begins_at=NOW.replace(minute=0), baseline_w=20_000, drawn_w=16_000)
    old, new = (report(it, "p-1", "e-1", "ven", [quarter]) for it in Version)
    assert (old["programID"], "programID" in new) == ("p-1", False)
    (interval,) = json.loads(json.dumps(new))["resources"][0]["intervals"]
    assert [(it["type"], it["values"]) for it in interval["payloads"]] == [
        ("USAGE", [4.0]),
        ("BASELINE", [5.0]),
        ("DELTA_USAGE", [-1.0]),
    ]


@pytest.mark.parametrize(("unit", "micros"), [("kWh", 310_000), ("KWH", 310_000), ("MWh", 310), ("", 310_000)])
def test_units_are_what_they_are_however_they_are_written(unit: str, micros: int) -> None:
    found = read(told(pay("PRICE", 0.31)), payloadDescriptors=[{"payloadType": "PRICE", "units": unit}])
    assert [it.value for it in found.spans] == [micros]


def test_of_several_values_each_holds_for_the_same_part_of_the_interval() -> None:
    """The user guide, 7.3: so prices of many hours are packed into one interval."""
    found = read(told(pay("PRICE", 0.17, 0.03, 0.11, 0.2), pay("SIMPLE", 1, 2)))
    assert [it.value for it in found.spans] == [170_000, 30_000, 110_000, 200_000]
    assert [(it.ends_at - it.begins_at) for it in found.spans] == [timedelta(minutes=15)] * 4
    assert [(it.begins_at - NOW, it.ask.level) for it in found.asks] == [
        (timedelta(minutes=115), 1),
        (timedelta(minutes=145), 2),
    ]


def test_of_values_that_are_cut_off_with_their_week_each_keeps_its_time() -> None:
    days = read(told(pay("PRICE", *range(10)), intervalPeriod={"start": "2026-11-29T00:00:00Z", "duration": "P10D"}))
    # The second day is today, and nothing that lasts longer than a week is told of the day before.
    assert [it.value // 1_000_000 for it in days.spans] == list(range(1, 8))
    assert {it.ends_at - it.begins_at for it in days.spans} == {timedelta(days=1)}


def test_grams_have_a_unit_of_their_own_and_what_is_in_another_spoils_nothing_beside_it() -> None:
    units = [{"payloadType": "GHG", "units": "GHG"}, {"payloadType": "PRICE", "units": "THERMS"}]
    both = {"id": 0, "payloads": [{"type": it, "values": [9]} for it in ("GHG", "PRICE")]}
    found = read(told(both, pay("SIMPLE", 1)), payloadDescriptors=units)
    assert [(it.kind, it.value) for it in found.spans] == [(SpanKind.MARGINAL, 9)]
    assert (len(found.asks), found.passed_over) == (1, {"PRICE"})


@pytest.mark.parametrize(
    ("descriptor", "sooner"),
    [({}, False), ({"frequency": -1, "repeat": 1}, False), ({"frequency": 0}, True), ({"repeat": -1}, True)],
)
def test_an_event_is_reported_once_unless_it_says_otherwise(descriptor: dict[str, Any], sooner: bool) -> None:
    found = read(told(pay("SIMPLE", 1), reportDescriptors=[{"payloadType": "USAGE", **descriptor}]))
    assert (found.wants_report, found.wants_quarters) == (True, sooner)


def test_a_season_of_evenings_in_one_event_is_asked_for_a_week_at_a_time() -> None:
    evenings = [
        pay("SIMPLE", 1, intervalPeriod={"start": f"2026-{month}-{day:02}T17:00:00Z", "duration": "PT2H"})
        for month, days in (("11", range(1, 31)), ("12", range(1, 32)))
        for day in days
    ]
    found = read(told(*evenings)).asks
    # Yesterday's is kept until it is reported.
    assert found[0].begins_at == NOW.replace(day=29, hour=17, minute=0)
    assert found[-1].ends_at - found[0].begins_at <= timedelta(days=7)
    assert len(found) == 7


def test_an_interval_of_an_hour_before_one_without_an_end_makes_nothing_longer_than_a_week() -> None:
    hour = pay("SIMPLE", 2, intervalPeriod={"start": "2026-11-30T16:00:00Z", "duration": "PT1H"})
    ever = pay("SIMPLE", 1, intervalPeriod={"start": "2026-11-30T17:00:00Z", "duration": "P9999Y"})
    found = read(told(hour, ever)).asks
    assert found[-1].ends_at - found[0].begins_at == timedelta(days=7)


def test_what_goes_on_as_before_is_one_with_that() -> None:
    by_five_minutes = [pay("DISPATCH_SETPOINT", 12 if it < 200 else 20) for it in range(288)]
    whole = {"start": "2026-11-30T18:00:00Z", "duration": "PT5M"}
    found = read(told(*by_five_minutes, intervalPeriod=whole)).asks
    assert [it.ask.power_w for it in found] == [12_000, 20_000]
    assert (found[0].ends_at, found[1].ends_at) == (
        NOW.replace(minute=0) + timedelta(hours=1, minutes=1000),
        NOW.replace(minute=0) + timedelta(hours=25),
    )
