"""Whatever a meter tells, nobody pays for what cannot have flowed; where it is less than flowed, that is flagged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from chalicelib.domain.pricing.energy import EnergyFacts, Measured, measure
from chalicelib.domain.pricing.evidence import Flag
from chalicelib.domain.pricing.registers import Point, Supply, longest_run

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
AC, UNREGISTERED = Supply(22_000), Supply(500_000, is_registered=False)
JUMPED, FELL, MISSING = Flag.METER_JUMPED, Flag.METER_FELL, Flag.METER_MISSING


def told(
    start: int | None,
    readings: Mapping[int, int] | Mapping[float, int],
    stop: int | None,
    minutes: float,
    supply: Supply = AC,
) -> EnergyFacts:
    """A charge that ended now; readings by how many minutes ago they were taken."""
    return EnergyFacts(
        began_at=NOW - timedelta(minutes=minutes),
        ended_at=NOW,
        supply=supply,
        start_wh=start,
        stop_wh=stop,
        readings=[Point(NOW - timedelta(minutes=ago), wh) for ago, wh in sorted(readings.items(), reverse=True)],
    )


LIFETIME = {119: 300_200, 90: 311_000, 60: 320_000, 30: 330_000, 1: 339_800}
SINCE_THE_BEGINNING = {50: 1400, 30: 4200, 10: 7600, 1: 8900}
INTERLEAVED = {ago: 100_000 + (40 - ago) * 75 + 90_000 * (ago % 2) for ago in range(1, 40)}
SEEN = {
    "a start of 0 and a stop that shows a life": (told(0, {}, 1_236_000, 10), 0, {JUMPED}),
    "2,000 kWh in one second": (told(0, {}, 2_000_000, 1 / 60), 0, {JUMPED}),
    "a meter that was not ready at the start": (told(0, LIFETIME, 340_000, 120), 39_800, {JUMPED}),
    "a first reading of 0": (told(100_000, {39: 0, 20: 102_000, 5: 103_500}, 104_000, 40), 4000, {FELL}),
    "a last reading of 0": (told(100_000, {39: 100_100, 20: 102_000, 5: 0}, 104_000, 40), 4000, {FELL}),
    "one reading that drops to 0": (told(100_000, {30: 101_000, 20: 0, 10: 103_000}, 104_000, 40), 4000, {FELL}),
    "one reading that shoots up": (
        told(99_000, {20: 100_000, 15: 9_917_125, 10: 102_000}, 104_000, 30), 5000, {JUMPED},
    ),
    "readings since the beginning between ends of a life": (
        told(4_076_400, SINCE_THE_BEGINNING, 4_085_400, 60), 9000, set(),
    ),
    "the same, its stop lost": (told(4_076_400, SINCE_THE_BEGINNING, None, 60), 8900, {MISSING}),
    "the same, its stop a 0": (told(4_076_400, SINCE_THE_BEGINNING, 0, 60), 7500, {FELL}),
    "two registers in turn": (told(100_000, INTERLEAVED, 103_000, 40), 3000, {JUMPED}),
    "another register of the end in the same message": (told(1000, {60: 1000, 0: 4000}, 15_000, 60), 3000, {JUMPED}),
    "readings rounded to 10 Wh": (told(269_456, {15: 270_460, 0.1: 271_460}, 271_455, 30), 1999, set()),
    "readings rounded to whole kWh": (told(1200, {25: 1000, 20: 2000, 10: 4000, 1: 5000}, 4900, 30), 3700, set()),
    "a reading after the stop": (told(0, {-0.1: 207}, 136, 10), 136, set()),
    "a stop of -1": (told(1000, {10: 4000, 1: 6000}, -1, 30), 5000, {MISSING}),
    "a stop of 0 after readings": (told(10_000, {20: 11_000, 1: 12_500}, 0, 30), 2500, {FELL}),
    "a stop one below the start": (told(269_456, {}, 269_455, 2), 0, set()),
    "a stop half a kWh below the start": (told(269_456, {}, 268_956, 2), 0, {FELL}),
    "a middle a thousand times too high": (
        told(100_000, {30: 101_000_000, 20: 102_000_000, 10: 103_000_000}, 104_000, 40), 4000, {JUMPED},
    ),
    "a stop that repeats the start": (told(5000, {60: 7000, 10: 9000}, 5000, 90), 4000, {FELL}),
    "0 at both ends of a meter of this charge": (told(0, {20: 1000, 10: 3000, 1: 5000}, 0, 30), 5000, {FELL}),
    "a register that begins anew": (told(1000, {30: 1500, 15: 0, 1: 200}, 300, 45), 800, {FELL}),
    "the first register again beside each reading": (
        told(157_440, {20: 159_000, 10: 157_440, 1: 163_630}, 163_700, 30), 6260, set(),
    ),
    "a register that stands still and then says it all": (told(0, {20: 0, 10: 0, 1: 0}, 8000, 30), 8000, set()),
    "nothing at all": (told(None, {}, None, 30), None, {MISSING}),
    "a start and nothing more": (told(1000, {}, None, 30), None, {MISSING}),
}  # fmt: skip


@pytest.mark.parametrize(("case", "energy_wh", "flags"), SEEN.values(), ids=SEEN.keys())
@pytest.mark.parametrize("supply", [AC, UNREGISTERED], ids=["22 kW", "nobody knows"])
def test_what_was_seen_in_the_field_is_told_right(
    case: EnergyFacts, energy_wh: int | None, flags: set[Flag], supply: Supply
) -> None:
    found = measure(replace(case, supply=supply))
    assert (found.energy_wh, set(found.flags)) == (energy_wh, flags)


def test_readings_told_in_another_unit_prove_nothing_against_ends_that_can_be_true() -> None:
    found = measure(told(100_000, {30: 101, 20: 102, 1: 104}, 104_000, 40))
    assert (found.energy_wh, found.is_bounded) == (4000, True)


WAITS = {
    "the same, its stop a 0",
    "a start of 0 and a stop that shows a life",
    "2,000 kWh in one second",
}


@pytest.mark.parametrize("name", SEEN)
def test_only_what_nothing_bounds_waits_for_a_person(name: str) -> None:
    assert measure(SEEN[name][0]).is_bounded is (name not in WAITS)


@pytest.mark.parametrize("stop_wh", [40_000, 9_000, 4_000, 0])
def test_an_end_below_the_beginning_and_nothing_between_proves_nothing_and_keeps_no_money_waiting(stop_wh: int) -> None:
    found = measure(told(50_000, {}, stop_wh, 30))
    assert (found.energy_wh, found.is_bounded, found.flags) == (0, True, frozenset({Flag.METER_FELL}))


@pytest.mark.parametrize(
    "case",
    [
        told(5000, {30: 4000, 15: 3000}, 2000, 45),
        told(0, {50: 500}, 1_236_000, 60),
        told(0, {20: 301_000, 10: 303_000, 1: 305_000}, 0, 30),
        told(10_000, {50: 11_000}, 0, 60),
    ],
    ids=["backwards", "a long silence", "ends that deny all", "a stop lost long after"],
)
def test_what_may_have_been_more_by_nobody_knows_how_much_waits(case: EnergyFacts) -> None:
    found = measure(case)
    assert (found.is_bounded, bool(found.flags)) == (False, True)


def test_a_meter_not_ready_at_a_plug_of_unknown_power_is_not_believed_because_readings_follow_later() -> None:
    found = measure(told(0, {60: 300_500, 30: 310_000, 1: 319_000}, 320_000, 61, UNREGISTERED))
    assert found.energy_wh == 19_500


def test_registers_believed_are_the_first_and_last_of_the_run() -> None:
    found = measure(told(0, LIFETIME, 340_000, 120))
    assert (found.first_wh, found.last_wh) == (300_200, 340_000)


def test_the_course_of_a_charge_only_rises_to_what_is_billed() -> None:
    found = measure(told(1000, {30: 1500, 20: 1500, 15: 0, 1: 200}, 300, 45))
    assert [it.energy_wh for it in found.points] == [1000, 1500, 1500, 1500, 1700, 1800]


def hourly(*registers: int, every: timedelta = timedelta(hours=1)) -> EnergyFacts:
    """A charge whose meter was looked at every hour, at a plug of which nobody knows how strong it is."""
    points = [Point(NOW + index * every, register) for index, register in enumerate(registers)]
    return EnergyFacts(
        began_at=NOW,
        ended_at=points[-1].at if points else NOW,
        supply=UNREGISTERED,
        start_wh=registers[0] if registers else None,
        stop_wh=registers[-1] if len(registers) > 1 else None,
        readings=points[1:-1],
    )


@given(st.lists(st.integers(0, 10**9), min_size=2, max_size=12))
def test_energy_is_never_negative_nor_more_than_all_that_was_added(registers: list[int]) -> None:
    found = measure(hourly(*registers))
    assert found.energy_wh is not None
    rises = sum(max(0, after - before) for before, after in pairwise(registers))
    assert 0 <= found.energy_wh <= rises


@given(st.lists(st.integers(0, 100_000), min_size=2, max_size=12))
def test_a_meter_that_only_rises_is_billed_from_end_to_end(steps: list[int]) -> None:
    registers = [60_000 + sum(steps[: index + 1]) for index in range(len(steps))]
    found = measure(hourly(*registers))
    assert (found.energy_wh, found.flags) == (registers[-1] - registers[0], frozenset())


@given(st.lists(st.integers(0, 100_000), min_size=3, max_size=12), st.integers(1, 10))
def test_leaving_readings_out_changes_no_bill_of_a_meter_that_only_rises(steps: list[int], index: int) -> None:
    whole = hourly(*(60_000 + sum(steps[: number + 1]) for number in range(len(steps))))
    fewer = replace(whole, readings=[it for number, it in enumerate(whole.readings) if number != index])
    assert measure(fewer).energy_wh == measure(whole).energy_wh


@pytest.mark.parametrize(
    ("registers", "energy_wh", "flags"),
    [
        ((1000,), None, {MISSING}),
        ((), None, {MISSING}),
        ((1000, 3000), 2000, set()),
        ((5000, 4000), 0, {FELL}),
        ((1000, 1500, 0, 200, 300), 800, {FELL}),
        ((1000, 9_000_000), 0, {JUMPED}),
        ((0, 123_456, 125_000, 128_456), 5000, {JUMPED}),
        ((0, 5000, 10_000), 10_000, set()),
    ],
)
def test_what_is_proven_is_counted(registers: tuple[int, ...], energy_wh: int | None, flags: set[Flag]) -> None:
    found = measure(hourly(*registers))
    assert (found.energy_wh, set(found.flags)) == (energy_wh, flags)


# Meters as they might be

MANY = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@dataclass(frozen=True)
class Meter:
    """A charge as it really was, and as its charger told it."""

    told: EnergyFacts
    truth_wh: int
    step_wh: int
    is_right: bool

    @property
    def is_blind(self) -> bool:
        """Whether no reading says more than its ends do."""
        start_wh, stop_wh = self.told.start_wh or 0, self.told.stop_wh or 0
        return stop_wh >= start_wh and all(it.energy_wh <= stop_wh + 2 * self.step_wh for it in self.told.readings)


@st.composite
def true_charges(draw: st.DrawFn) -> tuple[Supply, list[Point]]:
    """A supply, and the registers of a charge that begins at 0, at its beginning, its readings, its end."""
    supply = Supply(draw(st.sampled_from([2_300, 11_000, 22_000, 150_000])))
    every_s = draw(st.sampled_from([10, 60, 300, 900]))
    shares = draw(st.lists(st.integers(0, 100), min_size=1, max_size=14))
    total, points = 0.0, [Point(NOW, 0)]
    for index, share in enumerate(shares, 1):
        total += supply.power_w * share / 100 * every_s / 3600
        points.append(Point(NOW + timedelta(seconds=index * every_s), int(total)))
    return supply, points


FAULTS = (
    "none", "start_0", "stop_0", "stop_unknown", "start_unknown", "zero", "spike", "spike_low", "since_start",
    "interleaved", "reset", "rounded", "late", "lost", "stop_in_kwh", "readings_in_kwh", "readings_in_mwh",
    "start_in_kwh", "stop_repeats_start",
)  # fmt: skip


@st.composite
def meters(draw: st.DrawFn, faults: tuple[str, ...] = FAULTS) -> Meter:
    supply, true = draw(true_charges())
    fault = draw(st.sampled_from(faults))
    has_life = draw(st.booleans()) or fault in ("start_0", "since_start", "start_in_kwh")
    base = draw(st.integers(200_000, 90_000_000)) if has_life else 0
    shown = [replace(it, energy_wh=it.energy_wh + base) for it in true]
    start: int | None = shown[0].energy_wh
    stop: int | None = shown[-1].energy_wh
    readings, step = shown[1:-1], 10
    where = draw(st.integers(0, max(0, len(readings) - 1)))
    match fault:
        case "start_0":
            start = 0
        case "stop_0":
            stop = 0
        case "stop_unknown":
            stop = draw(st.sampled_from([None, -1]))
        case "start_unknown":
            start = draw(st.sampled_from([None, -1]))
        case "zero" | "spike" | "spike_low" if readings:
            odd = {"zero": 0, "spike": readings[where].energy_wh * 100 + 10_000_000, "spike_low": base // 3}[fault]
            readings = [replace(it, energy_wh=odd) if n == where else it for n, it in enumerate(readings)]
        case "since_start":
            readings = true[1:-1]
        case "interleaved":
            other = draw(st.integers(3_000_000, 9_000_000))
            readings = [replace(it, energy_wh=it.energy_wh + other * (n % 2)) for n, it in enumerate(readings)]
        case "reset" if readings:
            at_wh = readings[where].energy_wh
            after = [replace(it, energy_wh=it.energy_wh - at_wh) for it in readings[where:]]
            readings, stop = [*readings[:where], *after], (stop or 0) - at_wh
        case "rounded":
            step = draw(st.sampled_from([10, 100, 1000]))
            readings = [replace(it, energy_wh=-(-it.energy_wh // step) * step) for it in readings]
        case "late":
            readings = [*readings, Point(true[-1].at + timedelta(seconds=20), shown[-1].energy_wh + 300)]
        case "lost":
            readings = [it for it in readings if draw(st.booleans())]
        case "stop_in_kwh":
            stop = (stop or 0) // 1000
        case "start_in_kwh":
            start = (start or 0) // 1000
        case "readings_in_kwh":
            readings = [replace(it, energy_wh=it.energy_wh // 1000) for it in readings]
        case "readings_in_mwh":
            readings = [replace(it, energy_wh=it.energy_wh * 1000) for it in readings]
        case "stop_repeats_start":
            stop = start
    heard = EnergyFacts(
        began_at=true[0].at, ended_at=true[-1].at, supply=supply, start_wh=start, stop_wh=stop, readings=readings
    )
    is_right = fault in ("none", "rounded", "late", "lost", "since_start")
    return Meter(heard, true[-1].energy_wh, step, is_right=is_right)


@MANY
@given(meters())
def test_energy_never_exceeds_what_the_plug_can_give(meter: Meter) -> None:
    found = measure(meter.told)
    lasted_s = (meter.told.ended_at - meter.told.began_at).total_seconds()
    assert 0 <= (found.energy_wh or 0) <= meter.told.supply.reach_wh(lasted_s)


@MANY
@given(meters())
def test_energy_never_exceeds_the_truth_by_more_than_the_meters_resolution(meter: Meter) -> None:
    found = measure(meter.told)
    assert (found.energy_wh or 0) <= meter.truth_wh + meter.step_wh


@MANY
@given(meters())
def test_energy_is_less_than_the_truth_only_when_flagged(meter: Meter) -> None:
    # An end that says too little is believed where nothing else was told.
    assume(not meter.is_blind)
    found = measure(meter.told)
    assert found.flags or found.energy_wh is not None
    assert found.flags or (found.energy_wh or 0) >= meter.truth_wh - 2 * meter.step_wh


@MANY
@given(meters())
def test_a_charge_whose_ends_are_right_is_billed_from_end_to_end(meter: Meter) -> None:
    assume(meter.is_right)
    found = measure(meter.told)
    assert found.energy_wh == (meter.told.stop_wh or 0) - (meter.told.start_wh or 0)
    assert (found.flags, found.is_bounded) == (frozenset(), True)


@MANY
@given(meters())
def test_the_course_only_rises_and_comes_to_the_energy(meter: Meter) -> None:
    found = measure(meter.told)
    registers = [it.energy_wh for it in found.points]
    assert all(before <= after for before, after in pairwise(registers))
    if found.energy_wh is not None:
        assert registers[-1] - registers[0] == found.energy_wh


@MANY
@given(meters())
def test_the_first_and_the_newest_reading_are_enough_where_they_agree(meter: Meter) -> None:
    """What lies between them may be flagged, and changes no bill."""
    assume(len(meter.told.readings) > 2)
    few = measure(replace(meter.told, readings=[meter.told.readings[0], meter.told.readings[-1]]))
    assume(few.agrees)
    assert (few.energy_wh or 0) <= meter.truth_wh + meter.step_wh


@MANY
@given(st.lists(st.tuples(st.integers(0, 7200), st.integers(-5, 10**7)), max_size=30), st.data())
def test_no_nonsense_breaks_it(raw: list[tuple[int, int]], data: st.DataObject) -> None:
    readings = [Point(NOW + timedelta(seconds=at_s), wh) for at_s, wh in sorted(raw)]
    ends = st.none() | st.integers(-1, 10**7)
    charge = EnergyFacts(
        began_at=NOW,
        ended_at=NOW + timedelta(hours=2),
        supply=AC,
        start_wh=data.draw(ends),
        stop_wh=data.draw(ends),
        readings=readings,
    )
    found = measure(charge)
    assert 0 <= (found.energy_wh or 0) <= charge.most_wh


def test_more_than_a_cars_battery_from_a_wallbox_is_believed_where_readings_lead_there() -> None:
    """Two registers alone may be a 0 that stood for nothing and a meter's life; a truck tells how it went."""
    alone = measure(told(0, {}, 350_000, 1200))
    assert (alone.energy_wh, alone.is_bounded, alone.flags) == (0, False, frozenset({Flag.METER_JUMPED}))
    assert measure(told(0, {600: 175_000}, 350_000, 1200)).energy_wh == 350_000
    assert measure(told(0, {}, 350_000, 1200, UNREGISTERED)).energy_wh == 350_000


def test_a_hundred_thousand_readings_of_two_meters_are_bounded_work() -> None:
    readings = [
        Point(NOW + timedelta(seconds=number), 100_000 + number * 3 + 5_000_000 * (number % 2))
        for number in range(100_000)
    ]
    run = longest_run(readings, AC)
    assert len(run.points) == 50_000


def test_nothing_contradicts_itself_where_nothing_was_told() -> None:
    assert measure(told(None, {}, None, 10)) == Measured(energy_wh=None, flags=frozenset({MISSING}))
