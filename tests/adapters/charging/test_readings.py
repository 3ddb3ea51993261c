"""Readings are appended in one write a frame and read in order, from anywhere on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.adapters.charging.transactions import DynamoReadings
from chalicelib.adapters.tables import ReadingsRow
from chalicelib.adapters.transparency.signed_values import DynamoSignedValues
from chalicelib.domain.chargers.events import Reading, SignedValue
from tests.adapters.conftest import NOW
from tests.properties import IN_A_FIXTURE

pytestmark = pytest.mark.usefixtures("tables")


def reading(minute: int, energy_wh: int | None = None) -> Reading:
    return Reading(
        at=NOW + timedelta(minutes=minute),
        energy_wh=energy_wh if energy_wh is not None else minute * 100,
        power_w=11_000,
        soc_percent=50,
    )


def frame(*minutes: int) -> tuple[Reading, ...]:
    return tuple(reading(minute) for minute in minutes)


@pytest.fixture
def readings(tables: None) -> DynamoReadings:
    """Seven readings of one transaction, in frames of two, three and two."""
    readings = DynamoReadings()
    for minutes in ((0, 1), (2, 3, 4), (5, 6)):
        readings.append("CP-1", "17", frame(*minutes))
    return readings


def test_readings_come_back_in_order(readings: DynamoReadings) -> None:
    stored = readings.after("CP-1", "17", "", 100)

    assert tuple(place.reading for place in stored) == frame(0, 1, 2, 3, 4, 5, 6)
    assert [place.position for place in stored] == sorted(place.position for place in stored)


def test_reading_on_from_anywhere_misses_nothing_and_repeats_nothing(readings: DynamoReadings) -> None:
    everything = readings.after("CP-1", "17", "", 100)

    for index, place in enumerate(everything):
        assert readings.after("CP-1", "17", place.position, 100) == everything[index + 1 :]


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_reading_in_small_steps_gives_the_whole(readings: DynamoReadings, limit: int) -> None:
    seen: list[Reading] = []
    position = ""
    while batch := readings.after("CP-1", "17", position, limit):
        assert len(batch) <= limit
        seen += [place.reading for place in batch]
        position = batch[-1].position

    assert tuple(seen) == frame(0, 1, 2, 3, 4, 5, 6)


def test_the_newest_come_newest_first(readings: DynamoReadings) -> None:
    assert [place.reading for place in readings.newest("CP-1", "17")] == [reading(6)]
    assert [place.reading for place in readings.newest("CP-1", "17", 4)] == [
        reading(6),
        reading(5),
        reading(4),
        reading(3),
    ]
    assert readings.newest("CP-1", "17", 1)[0] == readings.after("CP-1", "17", "", 100)[-1]


def test_the_same_readings_again_change_nothing(readings: DynamoReadings) -> None:
    before = readings.after("CP-1", "17", "", 100)
    readings.append("CP-1", "17", frame(2, 3, 4))

    assert readings.after("CP-1", "17", "", 100) == before


def test_other_readings_of_the_same_instant_are_kept_beside_them(readings: DynamoReadings) -> None:
    readings.append("CP-1", "17", [reading(6, energy_wh=601)])

    last = readings.after("CP-1", "17", "", 100)[-3:]
    assert {place.reading.energy_wh for place in last} == {500, 600, 601}


def test_a_frame_replayed_late_takes_its_place_in_time(readings: DynamoReadings) -> None:
    readings.append("CP-1", "17", [reading(8)])
    readings.append("CP-1", "17", [reading(7)])

    assert [place.reading for place in readings.newest("CP-1", "17", 2)] == [reading(8), reading(7)]


def test_readings_jumbled_in_a_frame_are_put_in_order() -> None:
    readings = DynamoReadings()
    readings.append("CP-1", "17", frame(3, 1, 2))

    assert tuple(place.reading for place in readings.after("CP-1", "17", "", 10)) == frame(1, 2, 3)


def test_transactions_and_chargers_keep_their_own(readings: DynamoReadings) -> None:
    readings.append("CP-1", "18", frame(9))

    assert readings.newest("CP-2", "17") == []
    assert [place.reading for place in readings.after("CP-1", "18", "", 10)] == [reading(9)]


def test_no_charger_can_name_itself_into_anothers_readings() -> None:
    readings = DynamoReadings()
    readings.append("CP", "1#17", frame(1))

    assert readings.newest("CP#1", "17") == []


def test_nothing_to_append_is_nothing_done(aws_calls: list[str]) -> None:
    DynamoReadings().append("CP-1", "17", ())

    assert aws_calls == []


@pytest.mark.parametrize("position", ["x", "/0001", "2026-11-21T09:30:00.000000Z#0123456789abcdef", "9" * 5000, "\x00"])
def test_a_position_that_is_not_ours_is_refused(readings: DynamoReadings, position: str) -> None:
    with pytest.raises(ValueError, match="position"):
        readings.after("CP-1", "17", position, 10)


def test_readings_live_on_by_our_clock_and_not_the_chargers() -> None:
    DynamoReadings().append("CP-1", "17", [Reading(at=datetime(1970, 1, 1, tzinfo=UTC), energy_wh=1)])

    (row,) = ReadingsRow.scan()
    assert row.expires_at > datetime.now(UTC) + timedelta(days=399)


def test_the_largest_frame_a_socket_can_carry_fits_in_one_row() -> None:
    """API Gateway takes 128 KB a message; a meter value of OCPP 1.6 with a timestamp is 60 bytes at the least."""
    readings = DynamoReadings()
    many = [
        Reading(at=NOW + timedelta(milliseconds=number), energy_wh=10**9 + number, power_w=350_000, soc_percent=100)
        for number in range(128 * 1024 // 60)
    ]
    readings.append("CP-1", "17", many)

    (row,) = ReadingsRow.scan()
    assert len(row.body) < 300 * 1024
    assert len(readings.after("CP-1", "17", "", 5000)) == len(many)


@settings(max_examples=15, deadline=None, suppress_health_check=IN_A_FIXTURE)
@given(
    frames=st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=4), min_size=1, max_size=6),
    limit=st.integers(1, 6),
    name=st.uuids(),
)
def test_whatever_order_frames_come_in_the_steps_make_the_whole(
    tables: None, frames: list[list[int]], name: object, limit: int
) -> None:
    readings = DynamoReadings()
    for minutes in frames:
        readings.append("CP-1", str(name), frame(*minutes))
    whole = readings.after("CP-1", str(name), "", 1000)
    seen = list(readings.after("CP-1", str(name), "", limit))
    while batch := readings.after("CP-1", str(name), seen[-1].position, limit):
        seen += batch

    assert seen == whole
    assert list(reversed(readings.newest("CP-1", str(name), 1000))) == whole


def test_each_call_costs_what_it_says(readings: DynamoReadings, aws_calls: list[str]) -> None:
    readings.append("CP-1", "17", frame(7, 8, 9))
    readings.newest("CP-1", "17")
    place = readings.after("CP-1", "17", "", 3)[1]
    readings.after("CP-1", "17", place.position, 100)

    assert aws_calls == ["PutItem", "Query", "Query", "Query"]


def part(minute: int, **told: Any) -> Reading:
    return Reading(at=NOW + timedelta(minutes=minute), **told)


def test_what_is_told_of_one_time_in_several_frames_is_one_reading() -> None:
    readings = DynamoReadings()
    for told in ({"energy_wh": 3500}, {"power_w": 7200}, {"current_ma": 31_000}):
        readings.append("CP-1", "17", [part(1, **told)])
    readings.append("CP-1", "17", [part(2, power_w=7300)])

    assert [it.reading for it in readings.after("CP-1", "17", "", 10)] == [
        part(1, energy_wh=3500, power_w=7200, current_ma=31_000),
        part(2, power_w=7300),
    ]


def test_what_contradicts_each_other_is_kept_apart() -> None:
    readings = DynamoReadings()
    for told in ({"energy_wh": 3500}, {"energy_wh": 0}):
        readings.append("CP-1", "17", [part(1, **told)])

    assert sorted(it.reading.energy_wh or 0 for it in readings.after("CP-1", "17", "", 10)) == [0, 3500]


def test_the_newest_reading_knows_the_register_told_before_it_and_no_power_of_long_ago() -> None:
    readings = DynamoReadings()
    readings.append("CP-1", "17", [part(0, power_w=11_000, soc_percent=40)])
    readings.append("CP-1", "17", [part(1, energy_wh=3500)])
    readings.append("CP-1", "17", [part(20, current_ma=16_000)])

    (newest,) = readings.newest("CP-1", "17")
    assert newest.reading == part(20, energy_wh=3500, soc_percent=40, current_ma=16_000)


def test_a_reading_says_in_its_row_only_what_it_tells_and_comes_back_whole() -> None:
    readings = DynamoReadings()
    full = Reading(
        at=NOW, energy_wh=0, power_w=1, soc_percent=2, current_ma=3, phase_currents_ma=(3, None, 0), is_export=True
    )
    readings.append("CP-1", "17", [part(1, energy_wh=0)])
    readings.append("CP-1", "18", [full])

    assert '[{"at":"2026-11-21T09:31:00.123456Z","energy_wh":0}]' in [row.body for row in ReadingsRow.scan()]
    assert [it.reading for it in readings.after("CP-1", "18", "", 10)] == [full]


@settings(max_examples=15, deadline=None, suppress_health_check=IN_A_FIXTURE)
@given(
    told=st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["energy_wh", "power_w", "soc_percent"])), max_size=14),
    limit=st.integers(1, 4),
)
def test_parts_of_readings_read_in_steps_make_the_whole(tables: None, told: list[tuple[int, str]], limit: int) -> None:
    readings = DynamoReadings()
    name = uuid4()
    for minute, value in told:
        readings.append("CP-1", str(name), [part(minute, **{value: 10})])
    whole = list(readings.after("CP-1", str(name), "", 1000))
    seen = list(readings.after("CP-1", str(name), "", limit))
    while seen and (batch := readings.after("CP-1", str(name), seen[-1].position, limit)):
        seen += batch

    assert seen == whole
    assert len(whole) == len({minute for minute, _ in told})


SIGNED = SignedValue(NOW, "Transaction.Begin", '{"value":"OCMF|{}|{}"}')


def test_signed_values_come_back_to_the_letter_once_and_in_order() -> None:
    signed = DynamoSignedValues()
    later = replace(SIGNED, at=NOW + timedelta(hours=1), context="Transaction.End")
    for values in ([later], [SIGNED], [later], []):
        signed.keep("CP-1", "17", values)

    assert signed.page("CP-1", "17", 10, "") == ([SIGNED, later], None)
    first, cursor = signed.page("CP-1", "17", 1, "")
    assert (first, signed.page("CP-1", "17", 1, cursor or "")) == ([SIGNED], ([later], None))
    assert signed.page("CP-1", "18", 10, "") == ([], None)
    assert DynamoReadings().after("CP-1", "17", "", 10) == []
    with pytest.raises(ValueError, match="cursor"):
        signed.page("CP-1", "17", 1, "x")


def test_a_record_is_one_charges_for_good() -> None:
    signed = DynamoSignedValues()
    assert signed.claim("CP-1", "17", ["a", "b"])
    assert signed.claim("CP-1", "17", ["b"])
    assert not signed.claim("CP-1", "18", ["c", "b"])
    # What was found to be another's claims nothing of what comes after it.
    assert signed.claim("CP-2", "18", ["a"])
    assert signed.claim("CP-1", "18", ["d"])
    assert signed.page("CP-1", "17", 10, "") == ([], None)


def test_signed_values_live_as_long_as_receipts_and_no_row_is_too_long() -> None:
    signed = DynamoSignedValues()
    many = [replace(SIGNED, at=NOW + timedelta(seconds=number), sample="A" * 90_000) for number in range(9)]
    signed.keep("CP-1", "17", many)

    rows = list(ReadingsRow.scan())
    assert all(row.expires_at > datetime.now(UTC) + timedelta(days=3650) for row in rows)
    assert all(len(row.body) < 400_000 for row in rows)
    assert list(signed.page("CP-1", "17", 50, "")[0]) == many
