"""Matching a driver's cars with their sessions: asked about once, undone in one tap, and nothing follows before."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from chalicelib.domain.vehicles.match import CarMatch, MatchState
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
        sessions=house.sessions,
        matches=Matches(),
        matched=house.services.matched,
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
