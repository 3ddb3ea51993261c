"""A car is linked by who began, with tokens nobody can read, refreshed by one, and gone there as it is gone here."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from chalicelib.adapters.tables import VehicleRow
from chalicelib.domain.notifications import NotificationKind
from chalicelib.domain.vehicles.capability import Capability
from chalicelib.records.vehicles import (
    CarTokens,
    LinkBroken,
    LinkState,
    MakerUnavailable,
    PositionSharing,
)
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.vehicles.garage import CarStanding
from chalicelib.wiring import Network
from tests.adapters.vehicles.conftest import code_of, went_to
from tests.services.vehicles.conftest import DRIVER, Cars

MAKERS = ("smartcar", "enode", "tesla")
WITH_TOKENS = ("tesla",)


def refused(call: Callable[[], Any]) -> str:
    with pytest.raises(Refusal) as error:
        call()
    return error.value.code


def everything_stored() -> str:
    return " ".join(f"{it.attribute_values}" for it in VehicleRow.scan())


@pytest.mark.parametrize("maker", MAKERS)
def test_a_car_is_linked_and_reached_and_taken_off_again(cars: Cars, maker: str) -> None:
    vehicle, car = cars.link(maker, PositionSharing.COARSE)
    assert (vehicle.maker, vehicle.maker_id) == (maker, car.car_id)
    [own] = cars.network.garage.of_driver(DRIVER)
    assert (own.standing, own.can) == (CarStanding.LINKED, vehicle.can)
    cars.network.car_remote.look(vehicle.vehicle_id, frozenset({Capability.PERCENT}), cars.clock())
    assert cars.stored(vehicle).telemetry.percent is not None
    rest = cars.network.car_linking.unlink(DRIVER, vehicle.vehicle_id)
    assert bool(rest) == (maker == "tesla")
    assert [it.item for it in VehicleRow.scan() if it.item != "attempt"] == []
    assert (cars.server.invalid, [it.invalid for it in cars.server.doors.values()]) == ([], [[], [], []])


@pytest.mark.parametrize("maker", WITH_TOKENS)
def test_what_is_stored_shows_no_token_to_anybody(cars: Cars, maker: str) -> None:
    vehicle, _ = cars.link(maker)
    [consent] = cars.server.doors[maker].consents
    stored = everything_stored()
    assert not [it for it in (*consent.access, consent.refresh) if it in stored]
    link = cars.network.car_links.get(DRIVER, vehicle.link_id)
    assert link is not None
    with pytest.raises(ValueError, match="another link"):
        cars.network.token_sealer.open(link.sealed, "another")
    assert f"{link.sealed!r}" not in repr(link)


def test_a_token_of_any_length_is_sealed_whole(cars: Cars) -> None:
    secret = "ä" * 5000
    sealed = cars.network.token_sealer.seal(secret, "link")
    assert cars.network.token_sealer.open(sealed, "link") == secret


def test_a_state_is_good_once_for_who_began_and_not_for_long(cars: Cars) -> None:
    cars.server.add("car")
    linking = cars.network.car_linking
    begun = linking.begin(DRIVER, "smartcar", PositionSharing.NONE)
    back = went_to(begun.url)
    assert refused(lambda: linking.finish("driver-2", back["state"], code_of(back))) == "link_over"
    assert refused(lambda: linking.finish(DRIVER, back["state"], code_of(back))) == "link_over"
    late = went_to(linking.begin(DRIVER, "smartcar", PositionSharing.NONE).url)
    cars.clock.later(minutes=11)
    assert refused(lambda: linking.finish(DRIVER, late["state"], code_of(late))) == "link_over"
    assert refused(lambda: linking.finish(DRIVER, "guessed", "code")) == "link_over"
    assert refused(lambda: linking.finish(DRIVER, "", "code")) == "link_over"
    with pytest.raises(NotFound):
        linking.begin(DRIVER, "nobody", PositionSharing.NONE)


def test_who_began_a_link_cannot_end_it_for_another_whom_they_sent_to_the_makers_door(cars: Cars) -> None:
    # Enode gives no code of its own: what comes back from its door is known to nobody who did not come from there.
    cars.server.add("somebody elses")
    linking = cars.network.car_linking
    begun = linking.begin(DRIVER, "enode", PositionSharing.NONE)
    assert refused(lambda: linking.finish(DRIVER, begun.attempt.state, "")) == "link_refused"
    begun = linking.begin(DRIVER, "enode", PositionSharing.NONE)
    assert refused(lambda: linking.finish(DRIVER, begun.attempt.state, begun.attempt.state)) == "link_refused"
    assert cars.network.vehicles.of_driver(DRIVER) == []
    assert cars.network.car_links.of_driver(DRIVER) == []


def test_at_smartcar_a_link_is_ended_by_who_began_it_and_was_there_alone(cars: Cars) -> None:
    # Its page gives no code but the driver's user id there: known to others from elsewhere, it links nothing of theirs.
    linking, server = cars.network.car_linking, cars.server
    server.add("mine", "alice")
    server.add("theirs", "bob")
    server.doors["smartcar"].account = "bob"
    went_to(linking.begin("driver-2", "smartcar", PositionSharing.NONE).url)
    server.doors["smartcar"].account = "alice"
    for code in ("bob", "", "nobody"):
        back = went_to(linking.begin(DRIVER, "smartcar", PositionSharing.NONE).url)
        assert refused(partial(linking.finish, DRIVER, back["state"], code)) == "link_refused"
    # Sent to the page of a link of mine, another comes back to me with nothing: I do not know who they are there.
    begun = linking.begin(DRIVER, "smartcar", PositionSharing.NONE)
    server.doors["smartcar"].account = "bob"
    went_to(begun.url)
    assert refused(lambda: linking.finish(DRIVER, begun.attempt.state, "alice")) == "link_refused"
    assert cars.network.vehicles.of_driver(DRIVER) == []


def test_a_link_of_smartcars_earlier_api_goes_on_by_the_next(cars: Cars) -> None:
    vehicle, _ = cars.link("smartcar")
    link = cars.network.car_links.get(DRIVER, vehicle.link_id)
    assert link is not None
    tokens = CarTokens(access="v2", refresh="v2-refresh", expires_at=cars.clock() + timedelta(hours=1))
    sealed = cars.network.link_tokens.sealed(link.link_id, tokens)
    cars.network.car_links.save(replace(link, sealed=sealed, expires_at=tokens.expires_at))
    for _ in range(3):
        cars.clock.later(hours=2)
        cars.network.car_remote.look(vehicle.vehicle_id, frozenset({Capability.PERCENT}), cars.clock())
    after = cars.network.car_links.get(DRIVER, vehicle.link_id)
    assert after is not None
    assert (after.state, after.sealed, cars.told()) == (LinkState.LINKED, b"", [])


def test_a_driver_who_says_no_or_shares_no_car_is_told_so(cars: Cars) -> None:
    linking = cars.network.car_linking
    cars.server.doors["smartcar"].denies = True
    back = went_to(linking.begin(DRIVER, "smartcar", PositionSharing.NONE).url)
    assert refused(lambda: linking.finish(DRIVER, back["state"], "", back["error"])) == "link_denied"
    cars.server.doors["smartcar"].denies = False
    wrong = went_to(linking.begin(DRIVER, "smartcar", PositionSharing.NONE).url)
    assert refused(lambda: linking.finish(DRIVER, wrong["state"], "no code")) == "link_refused"
    assert refused(lambda: cars.again("tesla")) == "no_cars"
    assert cars.network.car_links.of_driver(DRIVER) == []


def test_a_car_that_is_linked_again_is_the_same_car(cars: Cars) -> None:
    vehicle, _ = cars.link("smartcar")
    [again] = cars.again("smartcar", PositionSharing.COARSE)
    assert (again.vehicle_id, again.sharing) == (vehicle.vehicle_id, PositionSharing.COARSE)
    assert len(cars.network.car_links.of_driver(DRIVER)) == 1


def test_who_links_again_where_accounts_are_ours_is_the_same_account(cars: Cars) -> None:
    vehicle, _ = cars.link("enode")
    cars.network.link_tokens.end(DRIVER, vehicle.link_id)
    assert cars.told() == [NotificationKind.CAR_LINK_BROKEN]
    cars.clock.later(minutes=1)
    [again] = cars.again("enode")
    assert (again.vehicle_id, again.link_id) == (vehicle.vehicle_id, vehicle.link_id)
    assert cars.network.garage.get(DRIVER, vehicle.vehicle_id).standing is CarStanding.LINKED
    cars.network.link_tokens.end(DRIVER, vehicle.link_id)
    assert len(cars.told()) == 2


@pytest.mark.parametrize("maker", WITH_TOKENS)
def test_a_car_that_is_gone_at_its_maker_does_not_have_the_maker_left_alone(cars: Cars, maker: str) -> None:
    vehicle, car = cars.link(maker)
    del cars.server.cars["alice"][car.car_id]
    with pytest.raises(LinkBroken):
        cars.network.car_remote.look(vehicle.vehicle_id, frozenset({Capability.PERCENT}), cars.clock())
    assert cars.network.maker_health.get(maker).failures == 0


@pytest.mark.parametrize("maker", WITH_TOKENS)
def test_of_many_processes_one_refreshes_and_all_go_on(cars: Cars, maker: str) -> None:
    vehicle, _ = cars.link(maker)
    cars.clock.later(minutes=59)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(access, cars, vehicle.link_id) for _ in range(8)]
        tokens = {it.result() for it in asked}
    door = cars.server.doors[maker]
    assert (door.reused, door.refreshed, len(tokens)) == (0, 1, 1)


def test_a_refresh_token_whose_answer_was_lost_is_never_shown_again(cars: Cars) -> None:
    vehicle, _ = cars.link("tesla")
    cars.clock.later(hours=2)
    deaf = _Lost(cars.network.car_makers["tesla"])
    tokens = replace(cars.network.link_tokens, makers={"tesla": deaf})
    for _ in range(3):
        with pytest.raises(LinkBroken):
            tokens.access(DRIVER, vehicle.link_id)
    assert (deaf.shown, cars.server.doors["tesla"].reused) == (1, 0)
    assert cars.told() == [NotificationKind.CAR_LINK_BROKEN]


def test_whoever_fell_over_while_refreshing_leaves_a_token_that_nobody_shows(cars: Cars) -> None:
    vehicle, _ = cars.link("tesla")
    cars.clock.later(hours=2)
    link = cars.network.car_links.get(DRIVER, vehicle.link_id)
    assert link is not None
    held = replace(link, is_spent=True, lease_until=cars.clock() + timedelta(seconds=45))
    cars.network.car_links.save(held)
    with pytest.raises(MakerUnavailable):
        cars.network.link_tokens.access(DRIVER, vehicle.link_id)
    cars.clock.later(minutes=1)
    with pytest.raises(LinkBroken):
        cars.network.link_tokens.access(DRIVER, vehicle.link_id)
    assert cars.server.doors["tesla"].refreshed == 0


def test_a_maker_that_says_not_now_gets_the_token_later(cars: Cars) -> None:
    vehicle, _ = cars.link("tesla")
    cars.clock.later(hours=2)
    cars.server.down.add("tesla")
    with pytest.raises(MakerUnavailable):
        cars.network.link_tokens.access(DRIVER, vehicle.link_id)
    cars.server.down.clear()
    assert cars.network.link_tokens.access(DRIVER, vehicle.link_id).token
    assert cars.told() == []


@pytest.mark.parametrize("maker", WITH_TOKENS)
def test_a_consent_that_was_taken_back_is_told_once_with_the_way_back(cars: Cars, maker: str) -> None:
    vehicle, _ = cars.link(maker)
    cars.server.doors[maker].revoke("alice")
    for _ in range(3):
        with pytest.raises(LinkBroken):
            cars.network.car_remote.look(vehicle.vehicle_id, frozenset({Capability.PERCENT}), cars.clock())
        cars.clock.later(minutes=6)
    assert cars.told() == [NotificationKind.CAR_LINK_BROKEN]
    [link] = cars.network.car_links.of_driver(DRIVER)
    assert (link.state, link.sealed) == (LinkState.BROKEN, b"")
    own = cars.network.garage.get(DRIVER, vehicle.vehicle_id)
    assert (own.standing, Capability.PERCENT in own.can) == (CarStanding.LINK_BROKEN, True)
    cars.network.garage.set_percent(DRIVER, vehicle.vehicle_id, 55)
    cars.again(maker)
    assert cars.network.garage.get(DRIVER, vehicle.vehicle_id).standing is CarStanding.LINKED


def test_a_token_that_was_refused_before_its_time_is_refreshed_once(cars: Cars) -> None:
    vehicle, _ = cars.link("smartcar")
    for consent in cars.server.doors["smartcar"].consents:
        consent.access.clear()
    told = cars.network.car_remote.look(vehicle.vehicle_id, frozenset({Capability.PERCENT}), cars.clock())
    assert told.percent is not None
    assert cars.told() == []


def test_a_maker_whose_adapter_is_gone_leaves_a_car_by_hand(cars: Cars) -> None:
    vehicle, _ = cars.link("enode")
    garage = replace(cars.network.garage, makers={})
    own = garage.get(DRIVER, vehicle.vehicle_id)
    assert own.standing is CarStanding.MAKER_GONE
    assert garage.set_percent(DRIVER, vehicle.vehicle_id, 61).vehicle.telemetry.percent is not None
    replace(cars.network.car_linking, makers={}).unlink(DRIVER, vehicle.vehicle_id)
    assert cars.network.garage.of_driver(DRIVER) == []


def test_a_setting_that_nobody_can_read_leaves_cars_by_hand(cars: Cars) -> None:
    vehicle, _ = cars.link("enode")
    wrong = Network({"KERB_CAR_MAKER_KEYS": "unset", "KERB_STATE_MACHINE_ARN": "none"}, clock=cars.clock)
    assert wrong.garage.get(DRIVER, vehicle.vehicle_id).standing is CarStanding.MAKER_GONE
    wrong.car_linking.forget_driver(DRIVER)
    assert cars.network.garage.of_driver(DRIVER) == []


def test_an_account_that_goes_takes_its_cars_along_whoever_answers(cars: Cars) -> None:
    cars.link("smartcar")
    cars.link("tesla")
    cars.network.garage.add(DRIVER, "My Zoe", 52_000)
    cars.server.down.add("smartcar")
    cars.network.car_linking.forget_driver(DRIVER)
    cars.network.car_linking.forget_driver(DRIVER)
    assert [it.item for it in VehicleRow.scan() if it.item not in ("attempt", "health")] == []


def test_another_drivers_car_is_no_car(cars: Cars) -> None:
    vehicle, _ = cars.link("smartcar")
    for call in (
        lambda: cars.network.garage.get("driver-2", vehicle.vehicle_id),
        lambda: cars.network.garage.set_percent("driver-2", vehicle.vehicle_id, 1),
        lambda: cars.network.car_linking.unlink("driver-2", vehicle.vehicle_id),
        lambda: cars.network.garage.get(DRIVER, ""),
    ):
        with pytest.raises(NotFound):
            call()


def access(cars: Cars, link_id: str) -> str:
    """A token, however long others take to refresh it."""
    patient = replace(cars.network.link_tokens, sleep=time.sleep)
    while True:
        with suppress(MakerUnavailable):
            return patient.access(DRIVER, link_id).token


class _Lost:
    """A maker whose answers to refresh tokens are lost on the way."""

    def __init__(self, maker: Any) -> None:
        self._maker = maker
        self.shown = 0

    def refresh(self, tokens: CarTokens, at: Any) -> CarTokens:
        self.shown += 1
        self._maker.refresh(tokens, at)
        raise MakerUnavailable("ReadTimeoutError", is_unsure=True)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._maker, name)
