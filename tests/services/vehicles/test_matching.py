"""Matching a driver's cars with their sessions: asked about once, undone in one tap, and nothing follows before."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from chalicelib.domain.vehicles.match import CarMatch, MatchState
from chalicelib.domain.vehicles.telemetry import CarPluggedIn
from chalicelib.services.access import NotFound
from chalicelib.services.vehicles.matches import CarMatching
from tests.services.vehicles.house import House


@dataclass(slots=True)
class Matches:
    """What is kept of matches."""

    known: dict[str, CarMatch] = field(default_factory=dict)
    cars: set[str] = field(default_factory=set)

    def of_session(self, session_id: str) -> CarMatch | None:
        return self.known.get(session_id)

    def keep(self, match: CarMatch, before: CarMatch | None) -> bool:
        if self.known.get(match.session_id) != before:
            return False
        self.known[match.session_id] = match
        return True

    def trusted(self, driver_id: str) -> frozenset[str]:
        return frozenset(self.cars)

    def trust(self, driver_id: str, vehicle_id: str, *, is_so: bool) -> None:
        (self.cars.add if is_so else self.cars.discard)(vehicle_id)


def matching(house: House) -> CarMatching:
    return CarMatching(
        vehicles=house.vehicles,
        nights=house.nights,
        sessions=house.sessions,
        matches=Matches(),
        matched=house.services.matched,
        parted=house.services.parted,
        clock=house.clock,
    )


def test_a_guess_is_asked_about_and_nothing_follows_from_it() -> None:
    house = House()
    house.plug_in()
    found = matching(house).look("driver")
    assert [(it.vehicle_id, it.state) for it in found] == [("car", MatchState.GUESSED)]
    assert house.nights.known["car"].session_id == ""
    assert matching(house).look("another") == []


def test_confirmed_once_the_car_is_at_that_session_and_next_time_nobody_asks() -> None:
    house = House()
    house.plug_in()
    cars = matching(house)
    cars.look("driver")
    first = cars.confirm("driver", "s", "car")
    assert cars.confirm("driver", "s", "car") is first
    assert house.nights.known["car"].session_id == "s"
    assert isinstance(cars.matches, Matches)
    cars.matches.known.clear()
    assert [it.state for it in cars.look("driver")] == [MatchState.CONFIRMED]
    assert house.sessions.car == "Zoe"


def test_undone_in_one_tap_it_is_nobodys_and_not_guessed_again() -> None:
    house = House()
    house.plug_in()
    cars = matching(house)
    cars.confirm("driver", "s", "car")
    cars.undo("driver", "s")
    assert cars.undo("driver", "s").state is MatchState.UNDONE
    assert house.nights.known["car"].session_id == ""
    house.at += timedelta(minutes=1)
    assert [it.state for it in cars.look("driver")] == [MatchState.UNDONE]


def test_nobody_matches_anothers_car_or_session() -> None:
    house = House()
    house.plug_in()
    for driver_id, session_id, vehicle_id in (
        ("another", "s", "car"),
        ("driver", "other", "car"),
        ("driver", "s", "x"),
    ):
        with pytest.raises(NotFound):
            matching(house).confirm(driver_id, session_id, vehicle_id)


def test_a_charge_that_is_over_can_still_be_told_not_to_be_that_cars() -> None:
    house = House()
    house.plug_in()
    cars = matching(house)
    cars.confirm("driver", "s", "car")
    house.sessions.is_over = True
    with pytest.raises(NotFound):
        cars.confirm("driver", "s", "car")
    with pytest.raises(NotFound):
        cars.undo("another", "s")
    cars.undo("driver", "s")
    assert house.sessions.car == ""
    assert cars.look("driver") == []


def test_undoing_an_old_match_leaves_the_car_where_it_stands_now() -> None:
    house = House()
    house.plug_in()
    cars = matching(house)
    cars.confirm("driver", "s", "car")
    house.services.matched("car", "another session")
    cars.undo("driver", "s")
    assert house.nights.known["car"].session_id == "another session"


def test_a_match_that_was_confirmed_before_its_car_told_of_the_plug_holds_once_it_does() -> None:
    house = House()
    cars = matching(house)
    cars.confirm("driver", "s", "car")
    house.plug_in()
    cars.heard(house.vehicles.known["car"], [CarPluggedIn(house.at)])
    assert house.nights.known["car"].session_id == "s"


def test_a_car_that_tells_again_that_it_is_plugged_in_since_long_is_not_the_one_just_plugged_in() -> None:
    house = House()
    house.at -= timedelta(hours=1)
    house.plug_in()
    house.at += timedelta(hours=1)
    house.plug_in()
    assert matching(house).look("driver") == []


def test_a_car_that_is_unlinked_is_named_nowhere_any_more_and_another_keeps_its_name() -> None:
    house = House()
    house.plug_in()
    cars = matching(house)
    cars.confirm("driver", "s", "car")
    zoe = house.vehicles.known["car"]
    # Another of the same name is another car; what is matched with none goes by its name, where only one has that.
    house.vehicles.put(replace(zoe, vehicle_id="second"))
    cars.forget(replace(zoe, vehicle_id="second"))
    assert house.sessions.car == "Zoe"
    cars.forget(zoe)
    cars.forget(zoe)
    assert (house.sessions.car, cars.look("driver")[0].state) == ("", MatchState.UNDONE)
    assert isinstance(cars.matches, Matches)
    cars.matches.known.clear()
    house.sessions.car = "Zoe"
    cars.forget(zoe)
    assert house.sessions.car == "Zoe"
    del house.vehicles.known["second"]
    cars.forget(zoe)
    assert house.sessions.car == ""


def test_a_car_that_is_unlinked_is_guessed_at_no_charger() -> None:
    house = House()
    house.plug_in()
    cars = matching(house)
    assert [it.state for it in cars.look("driver")] == [MatchState.GUESSED]
    cars.forget(house.vehicles.known["car"])
    assert [it.state for it in cars.look("driver")] == [MatchState.UNDONE]
