"""The sum of a course is kept by real messages, goes when one comes late, and is never trusted too early."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chalicelib.domain.charging.session import Session
from chalicelib.domain.pricing.tariff import simple_elements
from chalicelib.records.charging import Sums, Transaction
from chalicelib.services.pricing.courses import Courses
from chalicelib.services.pricing.evidence import Evidence
from chalicelib.services.pricing.rating import final_bill
from chalicelib.services.sessions.progress import Progress
from tests.services.charging.test_quirks import Talk, told
from tests.services.conftest import TARIFF, Kit

TIMED = replace(
    TARIFF,
    elements=simple_elements(
        per_kwh=Decimal("0.39"), per_minute=Decimal("0.02"), idle_per_minute=Decimal("0.10"), tax_percent=Decimal(19)
    ),
)


class Charge:
    """A card's charge at 6 kW, told once a minute."""

    def __init__(self, kit: Kit) -> None:
        self.kit, self.talk, self.minutes = kit, Talk(kit, "ocpp1.6"), 0
        kit.tariffs.put(TIMED)
        self.number = self.talk.start()

    def goes_on(self, minutes: int) -> None:
        for _ in range(minutes):
            self.minutes += 1
            self.kit.clock.advance(minutes=1)
            self.tell(1000 + 100 * self.minutes, self.kit.clock.now)

    def tell(self, register_wh: int, at: datetime) -> None:
        sample = [{"value": str(register_wh)}, {"value": "6000", "measurand": "Power.Active.Import", "unit": "W"}]
        value: list[dict[str, Any]] = [{"timestamp": told(at), "sampledValue": sample}]
        self.talk.say("MeterValues", {"connectorId": 1, "transactionId": self.number, "meterValue": value})

    @property
    def session(self) -> Session:
        return self.talk.the_session()

    @property
    def known(self) -> Transaction:
        assert self.session.ref is not None
        known = self.kit.transactions.get("CP-1", self.session.ref)
        assert known is not None
        return known

    @property
    def sums(self) -> Sums:
        assert self.known.sums is not None
        return self.known.sums

    def look(self) -> Progress:
        return self.kit.driver_sessions.watch("driver-1", self.session.session_id)

    def whole_look(self) -> Progress:
        """As it is seen where nothing is summed up."""
        base = Courses._base
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Courses, "_base", lambda *_: None)
            patch.setattr(Courses, "_over", lambda *_: None)
            found = self.look()
        assert Courses._base is base
        return found


@pytest.fixture
def charge(kit: Kit) -> Charge:
    return Charge(kit)


def test_a_charge_of_two_hours_is_looked_at_by_its_last_readings(charge: Charge, monkeypatch: Any) -> None:
    charge.goes_on(120)
    assert charge.look() == charge.whole_look()
    monkeypatch.setattr(Evidence, "all_of", None)
    seen = charge.look()
    assert seen.energy_wh == 12_000
    # 12 kWh and two hours.
    assert seen.cost.net_minor == 468 + 240


def test_the_live_view_goes_on_from_the_sum_too(charge: Charge, monkeypatch: Any) -> None:
    charge.goes_on(120)
    ref = charge.session.ref or ""
    position = charge.kit.readings.newest("CP-1", ref, 4)[-1].position
    monkeypatch.setattr(Evidence, "all_of", None)
    steps, _ = charge.kit.driver_sessions.since("driver-1", charge.session.session_id, position)
    assert [it.energy_wh for it in steps] == [11_800, 11_900, 12_000]
    assert [it.cost.net_minor for it in steps] == [460 + 236, 464 + 238, 468 + 240]


def test_a_reading_that_comes_late_takes_the_sum_away_and_it_is_made_again(charge: Charge) -> None:
    charge.goes_on(120)
    assert charge.sums.course is not None
    late_at = charge.kit.clock.now - timedelta(minutes=90)
    charge.tell(1000 + 100 * 30 + 50, late_at + timedelta(seconds=30))
    assert charge.sums.course is None
    assert charge.look() == charge.whole_look()
    charge.goes_on(90)
    assert charge.sums.course is not None
    assert charge.look() == charge.whole_look()


def test_a_message_told_again_takes_nothing_away(charge: Charge) -> None:
    charge.goes_on(120)
    before = charge.sums
    charge.tell(1000 + 100 * 30, charge.kit.clock.now - timedelta(minutes=90))
    assert charge.sums == before


def test_who_was_slow_to_keep_a_reading_takes_the_sum_away(charge: Charge) -> None:
    charge.goes_on(120)
    known = charge.known
    readings = [charge.kit.readings.newest("CP-1", known.ref)[0].reading]
    charge.kit.courses.append(known, readings, known_at=charge.kit.clock.now - timedelta(seconds=4))
    assert charge.sums.course is not None
    charge.kit.courses.append(known, readings, known_at=charge.kit.clock.now - timedelta(seconds=6))
    assert charge.sums.course is None


def test_nothing_is_summed_up_that_was_not_announced_some_time_before(charge: Charge) -> None:
    # All of it told at once, as after an outage.
    began_at = charge.kit.clock.now
    charge.kit.clock.advance(hours=3)
    for minute in range(1, 121):
        charge.tell(1000 + 100 * minute, began_at + timedelta(minutes=minute))
    assert charge.sums.until is not None
    assert charge.sums.course is None
    assert charge.look() == charge.whole_look()


def test_of_two_processes_that_sum_up_one_does(charge: Charge) -> None:
    charge.goes_on(120)
    known = charge.known
    assert charge.kit.transactions.sum_up(known, charge.sums)
    assert not charge.kit.transactions.sum_up(known, charge.sums)
    charge.kit.transactions.drop_sum("CP-1", known.ref)
    assert not charge.kit.transactions.sum_up(known, charge.sums)


def test_a_charge_that_is_over_is_looked_at_and_billed_by_its_sum_and_last_readings(
    charge: Charge, monkeypatch: Any
) -> None:
    charge.goes_on(120)
    known = charge.known
    charge.talk.stop(charge.number, 13_000)
    assert not charge.kit.transactions.sum_up(charge.known, known.sums), "nothing is summed up any more"
    kept, lengths = charge.kit.courses, list[int]()
    told, weighed = charge.whole_look(), charge.talk.measured()
    bill = final_bill(weighed, charge.kit.evidence.whole(weighed))

    def since(*key: Any) -> Any:
        found = charge.kit.readings.since(*key)
        lengths.append(len(found))
        return found

    monkeypatch.setattr(Evidence, "all_of", None)
    courses = replace(kept, readings=cast(Any, SimpleNamespace(since=since)))
    assert courses.whole(charge.session).summed is not None
    assert final_bill(weighed, courses.whole(weighed)) == bill
    assert max(lengths) < 80, "of 120 readings; of more, no more"
    assert charge.look().cost == told.cost
    assert bill.net_minor == 468 + 240


def test_a_late_reading_of_a_charge_that_is_over_takes_its_sum_away(charge: Charge) -> None:
    charge.goes_on(120)
    charge.talk.stop(charge.number, 13_000)
    charge.tell(1000 + 100 * 30 + 50, charge.kit.clock.now - timedelta(minutes=90))
    assert charge.sums.course is None
    assert charge.look() == charge.whole_look()


def test_an_end_that_contradicts_the_readings_is_walked_through(charge: Charge) -> None:
    charge.goes_on(120)
    charge.talk.stop(charge.number, 12_500)
    assert charge.kit.courses.whole(charge.session).summed is None
    assert charge.look() == charge.whole_look()


def test_what_costs_by_the_kwh_alone_needs_no_sum(kit: Kit) -> None:
    talk = Talk(kit, "ocpp1.6")
    talk.start()
    known = kit.transactions.get("CP-1", talk.the_session().ref or "")
    assert known is not None
    assert known.sums is None


def test_a_charge_that_went_on_before_there_were_sums_is_walked_through(charge: Charge) -> None:
    charge.goes_on(20)
    charge.kit.transactions.sum_up(charge.known, None)
    charge.goes_on(40)
    assert charge.known.sums is None
    assert charge.look().energy_wh == 6_000
