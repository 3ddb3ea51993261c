"""Matches: a car and a session that tell the same, asked about once, and never again once the driver said no."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.vehicles.match import CarMatch, MatchState, SeenCar, SeenSession, guessed
from chalicelib.domain.vehicles.telemetry import Observed

AT = datetime(2026, 11, 30, 18, tzinfo=UTC)
HERE, ELSEWHERE = GeoPoint(52.52, 13.4), GeoPoint(48.1, 11.6)
SECONDS = timedelta(seconds=1)
SESSION = SeenSession(session_id="s", plugged_at=AT, position=HERE, power_w=Observed(7_200, AT))
NOBODY: frozenset[str] = frozenset()


def car(name: str = "a", after: timedelta = 20 * SECONDS, **more: object) -> SeenCar:
    return SeenCar(vehicle_id=name, plugged_at=AT + after, **more)  # type: ignore[arg-type]


def test_a_car_that_was_plugged_in_at_that_time_and_place_is_guessed_and_asked_about() -> None:
    match = guessed(SESSION, [car(position=HERE)], None, AT, NOBODY)
    assert match is not None
    assert match.state is MatchState.GUESSED
    assert not match.counts


def test_a_car_that_its_driver_confirmed_before_is_not_asked_about() -> None:
    match = guessed(SESSION, [car(position=HERE)], None, AT, frozenset({"a"}))
    assert match is not None
    assert match.counts


def test_a_car_elsewhere_or_later_or_with_another_power_is_not_it() -> None:
    assert guessed(SESSION, [car(position=ELSEWHERE)], None, AT, NOBODY) is None
    assert guessed(SESSION, [car(after=timedelta(minutes=9))], None, AT, NOBODY) is None
    assert guessed(SESSION, [car(power_w=Observed(11_000, AT))], None, AT, NOBODY) is None


def test_of_two_that_fit_alike_neither_is_guessed_and_the_better_one_is() -> None:
    assert guessed(SESSION, [car("a"), car("b")], None, AT, NOBODY) is None
    match = guessed(SESSION, [car("a"), car("b", power_w=Observed(7_300, AT))], None, AT, NOBODY)
    assert match is not None
    assert match.vehicle_id == "b"


def test_what_was_undone_is_never_guessed_again_and_what_was_confirmed_stands() -> None:
    first = guessed(SESSION, [car()], None, AT, NOBODY)
    assert first is not None
    undone = first.undone(AT)
    assert guessed(SESSION, [car()], undone, AT, frozenset({"a"})) is undone
    confirmed = first.confirmed(AT)
    assert guessed(SESSION, [car("b", position=HERE)], confirmed, AT, NOBODY) is confirmed
    assert confirmed.confirmed(AT + SECONDS) is confirmed
    assert undone.undone(AT + SECONDS) is undone


def test_a_match_is_of_one_car() -> None:
    assert CarMatch(session_id="s", vehicle_id="a", state=MatchState.CONFIRMED, at=AT).counts
