"""One contract for every maker: what an adapter declares it does, over HTTP, in the wire shapes of its API."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.vehicles.makers import MAKERS, maker_class, makers_of
from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.vehicles.capability import TOLD, Capability, ChargingState, OwnSchedule
from chalicelib.domain.vehicles.telemetry import Observed, Telemetry
from chalicelib.records.vehicles import (
    AnswerKind,
    CarAnswer,
    CarAsleep,
    CarUnreachable,
    LinkBroken,
    MakerUnavailable,
    NotPushed,
    PlaceNotShared,
    PositionSharing,
    PushedNews,
)
from local.makers import CarMakers
from local.makers_cars import CarFault, PlaceSchedule
from local.makers_oauth import CLIENT_SECRET, WEBHOOK_SECRET
from local.makers_shapes import OLD, pushed, sign
from tests.adapters.vehicles.conftest import (
    STATE,
    Linked,
    Moment,
    adapters,
    an_attempt,
    code_of,
    link,
    went_to,
)

HERE = GeoPoint(52.52, 13.405)
METHODS = {
    Capability.START_STOP: ("start", "stop"),
    Capability.SET_LIMIT: ("set_limit",),
    Capability.SET_AMPS: ("set_amps",),
    Capability.SCHEDULE: ("set_schedule", "drop_schedule"),
    Capability.WAKE: ("wake",),
    Capability.PUSH: ("heard",),
}


def has(linked: Linked, capability: Capability) -> bool:
    return capability in linked.maker.offers


def look(linked: Linked) -> Any:
    return linked.maker.look(linked.access, linked.car.car_id, TOLD, linked.clock())


def look_at_all(linked: Linked) -> Any:
    wanted = TOLD | {Capability.SCHEDULE}
    return linked.maker.look(linked.access, linked.car.car_id, wanted, linked.clock())


def confirmed(linked: Linked, answer: CarAnswer) -> bool:
    return answer.kind is AnswerKind.ACCEPTED and linked.server.invalid == []


@pytest.mark.parametrize("name", MAKERS)
def test_a_maker_has_a_method_for_what_it_offers_and_none_besides(name: str) -> None:
    kind = maker_class(name)
    assert kind.name == name
    for capability, methods in METHODS.items():
        assert all(hasattr(kind, it) for it in methods) == (capability in kind.offers), capability


@pytest.mark.parametrize("name", MAKERS)
def test_a_maker_without_keys_is_not_offered(name: str) -> None:
    for keys in ("", "{}", f'{{"{name}": {{}}}}', f'{{"{name}": {{"client_id": "unset"}}}}'):
        assert makers_of(keys=keys, addresses="", clock=lambda: None) == {}  # type: ignore[arg-type, return-value]


def test_a_setting_that_is_no_object_of_objects_is_refused() -> None:
    for keys in ("[]", '{"tesla": 1}', '{"tesla": {"client_id": 1}}'):
        with pytest.raises(ValueError, match="car makers"):
            makers_of(keys=keys, addresses="", clock=lambda: None)  # type: ignore[arg-type, return-value]


def test_no_token_goes_over_the_line_in_plain_text() -> None:
    for address in ("http://proxy.example", "http://127.0.0.1.example", "ftp://x", "proxy.example", "https://"):
        with pytest.raises(ValueError, match="command of tesla"):
            makers_of(keys="", addresses=json.dumps({"tesla": {"command": address}}), clock=Moment())
    for address in (
        "",
        "https://proxy.example:4443",
        "http://127.0.0.1:8080/tesla",
        "http://localhost",
        "http://[::1]:1",
    ):
        assert makers_of(keys="", addresses=json.dumps({"tesla": {"command": address}}), clock=Moment()) == {}


def test_a_driver_comes_back_with_the_state_they_were_sent_with(linked: Linked) -> None:
    assert linked.came_back["state"] == STATE
    door = linked.server.doors[linked.name]
    assert (door.invalid, linked.server.invalid) == ([], [])


def test_position_is_asked_for_only_with_its_own_consent(linked: Linked) -> None:
    shared, kept = (linked.maker.scopes(an_attempt(it)) for it in (PositionSharing.COARSE, PositionSharing.NONE))
    assert [it.name for it in shared if Capability.POSITION in it.opens] == [it.name for it in shared if it not in kept]
    assert all(Capability.POSITION not in it.opens for it in kept)


def test_what_came_back_from_another_link_is_refused(linked: Linked) -> None:
    back = went_to(linked.maker.consent_url(linked.attempt))
    another = replace(linked.attempt, verifier="w" * 86, link_id="link-2")
    with pytest.raises(LinkBroken):
        linked.maker.exchange(another, code_of(back), linked.clock())


def test_the_drivers_cars_are_found_with_what_each_can(linked: Linked) -> None:
    [found] = linked.maker.cars(linked.access, linked.clock())
    assert found.maker_id == linked.car.car_id
    assert found.name
    assert found.can <= linked.maker.offers
    assert found.battery_wh in (None, 60_000)
    assert linked.server.invalid == []


def test_a_car_tells_each_value_with_its_own_time(linked: Linked) -> None:
    linked.car.plug(linked.clock(), is_in=True)
    told = look(linked)
    assert (told.percent.value, told.percent.at) == (40, linked.clock())
    assert (told.is_plugged.value, told.charging.value) == (True, ChargingState.CHARGING)
    assert told.limit_percent.value == 80
    assert told.position.value == GeoPoint(52.52, 13.405)
    assert linked.server.invalid == []


def test_an_old_value_says_how_old_it_is(linked: Linked) -> None:
    linked.car.faults.add(CarFault.OLD_VALUES)
    assert look(linked).percent.age(linked.clock()) == OLD


def test_a_charge_begins_and_ends(linked: Linked) -> None:
    if not has(linked, Capability.START_STOP):
        pytest.skip("not offered")
    linked.car.plug(linked.clock(), is_in=True)
    assert confirmed(linked, linked.maker.stop(linked.access, linked.car.car_id))
    assert not linked.car.is_charging
    assert linked.maker.stop(linked.access, linked.car.car_id).kind is AnswerKind.ALREADY
    assert confirmed(linked, linked.maker.start(linked.access, linked.car.car_id))
    assert linked.car.is_charging
    assert linked.maker.start(linked.access, linked.car.car_id).kind is AnswerKind.ALREADY


def test_a_car_that_will_not_says_why(linked: Linked) -> None:
    if not has(linked, Capability.START_STOP):
        pytest.skip("not offered")
    unplugged = linked.maker.start(linked.access, linked.car.car_id)
    linked.car.limit_percent, linked.car.energy_wh = 100, 60_000
    linked.car.plug(linked.clock(), is_in=True)
    full = linked.maker.start(linked.access, linked.car.car_id)
    assert (unplugged.kind, full.kind) == (AnswerKind.REFUSED, AnswerKind.REFUSED)
    assert unplugged.reason
    assert full.reason not in ("", unplugged.reason)


def test_what_is_set_is_what_the_car_has_then(linked: Linked) -> None:
    car_id = linked.car.car_id
    if has(linked, Capability.SET_LIMIT):
        assert confirmed(linked, linked.maker.set_limit(linked.access, car_id, 70))
        assert linked.car.limit_percent == 70
        assert confirmed(linked, linked.maker.set_limit(linked.access, car_id, 10))
        assert linked.car.limit_percent == 50
    if has(linked, Capability.SET_AMPS):
        assert confirmed(linked, linked.maker.set_amps(linked.access, car_id, 10))
        assert (linked.car.amps, look(linked).amps.value) == (10, 10)


@pytest.mark.parametrize("keeps_by_place", [True, False])
def test_a_schedule_that_is_set_is_what_the_car_begins_by_until_it_is_taken_back(
    linked: Linked, keeps_by_place: bool
) -> None:
    if not has(linked, Capability.SCHEDULE):
        pytest.skip("not offered")
    car_id, place = linked.car.car_id, HERE if keeps_by_place else None
    if not keeps_by_place:
        linked.car.software = "2024.20.9 4f1c0a2b"
    assert look_at_all(linked).schedule_by_place.value is keeps_by_place
    for begins in (time(2), time(3, 30), time(3, 30)):
        answer = linked.maker.set_schedule(linked.access, car_id, OwnSchedule(True, begins), place)
        assert confirmed(linked, answer)
        assert look_at_all(linked).schedule.value == OwnSchedule(True, begins)
        assert linked.car.beginnings == [begins]
    if keeps_by_place:
        off = linked.maker.drop_schedule(linked.access, car_id)
    else:
        off = linked.maker.set_schedule(linked.access, car_id, OwnSchedule(False), None)
    assert confirmed(linked, off)
    assert look_at_all(linked).schedule.value == OwnSchedule(False)
    assert linked.car.beginnings == []


def test_what_its_driver_keeps_beside_ours_is_neither_told_nor_touched(linked: Linked) -> None:
    if not has(linked, Capability.SCHEDULE):
        pytest.skip("not offered")
    car_id, drivers = linked.car.car_id, PlaceSchedule(time(23), 52.52, 13.405)
    linked.car.schedules[1_764_000_000] = drivers
    assert look_at_all(linked).schedule.value == OwnSchedule(False)
    assert confirmed(linked, linked.maker.set_schedule(linked.access, car_id, OwnSchedule(True, time(1)), HERE))
    assert look_at_all(linked).schedule.value == OwnSchedule(True, time(1))
    for _ in range(2):
        assert confirmed(linked, linked.maker.drop_schedule(linked.access, car_id))
        assert linked.car.schedules == {1_764_000_000: drivers}


def test_a_place_that_the_driver_left_out_at_the_door_is_no_broken_link(server: CarMakers, clock: Moment) -> None:
    server.doors["tesla"].leaves_out = {"vehicle_location"}
    linked = link("tesla", server, clock)
    for capability in (Capability.POSITION, Capability.SCHEDULE):
        with pytest.raises(PlaceNotShared):
            linked.maker.look(linked.access, linked.car.car_id, frozenset({capability}), clock())
    told = linked.maker.look(linked.access, linked.car.car_id, frozenset({Capability.PERCENT}), clock())
    assert (told.percent.value, told.schedule, told.schedule_by_place.value) == (40, None, True)


@pytest.mark.parametrize(
    ("version", "keeps_by_place"),
    [
        ("2024.26 4f1c0a2b", True),
        ("2024.26.7 4f1c0a2b", True),
        ("2026.2.6.1 4f1c0a2b", True),
        ("2024.20.9 4f1c0a2b", False),
        ("2023.44.30.8 4f1c0a2b", False),
    ],
)
def test_a_tesla_says_by_its_software_whether_it_keeps_schedules_by_place(
    server: CarMakers, clock: Moment, version: str, keeps_by_place: bool
) -> None:
    linked = link("tesla", server, clock)
    linked.car.software = version
    assert look(linked).schedule_by_place.value is keeps_by_place


def test_a_car_that_accepts_and_ignores_is_found_out_by_looking(linked: Linked) -> None:
    linked.car.faults.add(CarFault.IGNORES)
    linked.car.plug(linked.clock(), is_in=True)
    assert linked.maker.stop(linked.access, linked.car.car_id).kind is AnswerKind.ACCEPTED
    assert look(linked).charging.value is ChargingState.CHARGING


def test_looking_wakes_no_car(linked: Linked) -> None:
    linked.clock.later(minutes=50)
    if has(linked, Capability.WAKE):
        with pytest.raises(CarAsleep):
            look(linked)
        assert linked.maker.stop(linked.access, linked.car.car_id).kind is AnswerKind.ASLEEP
    else:
        look(linked)
    assert linked.car.wakes == 0


def test_a_car_that_is_woken_answers_a_while_later(linked: Linked) -> None:
    if not has(linked, Capability.WAKE):
        pytest.skip("not offered")
    linked.clock.later(minutes=50)
    assert linked.maker.wake(linked.access, linked.car.car_id).kind is AnswerKind.ACCEPTED
    with pytest.raises(CarAsleep):
        look(linked)
    linked.clock.later(seconds=40)
    assert look(linked).percent.value == 40
    assert linked.maker.wake(linked.access, linked.car.car_id).kind is AnswerKind.ALREADY
    assert linked.car.wakes == 1


def test_a_car_without_coverage_is_no_error_of_ours(linked: Linked) -> None:
    linked.car.plug(linked.clock(), is_in=True)
    linked.car.faults.add(CarFault.NO_COVERAGE)
    answer = linked.maker.stop(linked.access, linked.car.car_id)
    assert answer.kind in (AnswerKind.UNREACHABLE, AnswerKind.ASLEEP)
    if linked.name != "enode" and linked.tokens.access:
        with pytest.raises((CarUnreachable, CarAsleep)):
            look(linked)


def test_tokens_are_refreshed_and_each_refresh_token_is_shown_once(linked: Linked) -> None:
    if not linked.tokens.refresh:
        pytest.skip("drivers have no tokens there")
    after = linked.maker.refresh(linked.tokens, linked.clock())
    assert after.refresh not in ("", linked.tokens.refresh)
    assert after.expires_at == linked.clock() + timedelta(hours=1)
    with pytest.raises(LinkBroken):
        linked.maker.refresh(linked.tokens, linked.clock())
    assert linked.server.doors[linked.name].invalid == []


def test_what_was_taken_back_there_is_a_broken_link(linked: Linked) -> None:
    if linked.name == "enode":
        linked.server.cars.clear()
    linked.server.doors[linked.name].revoke("alice")
    with pytest.raises(LinkBroken):
        look(linked)


def test_unlinking_leaves_nothing_there_and_may_be_said_twice(linked: Linked) -> None:
    rest = linked.maker.revoke(linked.access, linked.car.car_id, is_last=True)
    assert linked.server.invalid == []
    assert linked.maker.revoke(linked.access, linked.car.car_id, is_last=True) == rest
    if linked.name == "tesla":
        assert rest.startswith("http")
    else:
        assert not rest
        assert not linked.server.cars.get(linked.access.account)


def test_a_maker_that_is_busy_says_for_how_long(linked: Linked) -> None:
    linked.server.busy[linked.name] = 90
    with pytest.raises(MakerUnavailable) as error:
        look(linked)
    assert error.value.retry_after == timedelta(seconds=90)
    assert not error.value.is_unsure


def test_a_maker_that_is_down_or_gone_is_unavailable(linked: Linked) -> None:
    linked.server.down.add(linked.name)
    with pytest.raises(MakerUnavailable, match="503"):
        look(linked)
    linked.server.stop()
    with pytest.raises(MakerUnavailable) as error:
        linked.maker.look(linked.access, linked.car.car_id, TOLD, linked.clock())
    assert linked.access.token not in str(error.value) or not linked.access.token


def test_what_a_maker_tells_by_itself_is_believed_when_signed(linked: Linked) -> None:
    if not has(linked, Capability.PUSH):
        pytest.skip("not offered")
    linked.car.plug(linked.clock(), is_in=True)
    headers, body = pushed(linked.api, linked.car, "link-1", linked.clock())
    lower = {name.lower(): it for name, it in headers.items()}
    [news] = linked.maker.heard(lower, body, linked.clock()).news
    assert (news.maker, news.maker_id) == (linked.name, linked.car.car_id)
    assert news.account == ("link-1" if linked.name != "tesla" else "")
    assert (news.telemetry.percent.value, news.telemetry.is_plugged.value) == (40, True)
    assert linked.maker.heard(lower, body, linked.clock()).news[0].event_id == news.event_id
    # Tesla's server signs no body: who carries it on shows a key.
    tampered = body + b" " if linked.name != "tesla" else b"[{}]"
    for wrong_headers, wrong in (({}, body), (dict.fromkeys(lower, "another"), body), (lower, tampered)):
        with pytest.raises(NotPushed):
            linked.maker.heard(wrong_headers, wrong, linked.clock())


def smartcars(server: CarMakers, clock: Moment, told: dict[str, Any]) -> Any:
    maker = link("smartcar", server, clock).maker
    headers, body = sign("smartcar", json.dumps(told).encode())
    return maker.heard({name.lower(): it for name, it in headers.items()}, body, clock())


@pytest.mark.parametrize(
    "told",
    [
        {"version": "2.0", "eventName": "verify", "payload": {"challenge": "c-1"}},
        {"eventId": "e-1", "eventType": "VERIFY", "data": {"challenge": "c-1"}},
    ],
)
def test_smartcar_is_shown_that_its_secret_is_known(server: CarMakers, clock: Moment, told: dict[str, Any]) -> None:
    signed = hmac.new(WEBHOOK_SECRET.encode(), b"c-1", hashlib.sha256).hexdigest()
    assert smartcars(server, clock, told) == PushedNews(reply={"challenge": signed})


def test_smartcars_question_may_come_unsigned_and_gets_nothing_else_signed(server: CarMakers, clock: Moment) -> None:
    signed = hmac.new(WEBHOOK_SECRET.encode(), b"c-1", hashlib.sha256).hexdigest()
    data: dict[str, Any] = {"user": {"id": "alice"}, "vehicle": {"id": "car-1"}, "signals": []}
    event = json.dumps({"eventId": "e-1", "eventType": "VEHICLE_STATE", "data": data})
    link("smartcar", server, clock)
    for is_v2 in (False, True):
        maker = adapters(server, clock, is_v2=is_v2)["smartcar"]
        asked = json.dumps({"eventType": "VERIFY", "data": {"challenge": "c-1"}}).encode()
        assert maker.heard({}, asked, clock()).reply == {"challenge": signed}
        for kind, challenge in (("VEHICLE_STATE", "c-1"), ("VERIFY", event), ("VERIFY", ""), ("VERIFY", "x" * 300)):
            asked = json.dumps({"eventType": kind, "data": {"challenge": challenge}}).encode()
            with pytest.raises(NotPushed):
                maker.heard({}, asked, clock())


def test_smartcar_v3_tells_that_a_driver_has_to_log_in_again(server: CarMakers, clock: Moment) -> None:
    over = {"type": "CONNECTED_SERVICES_ACCOUNT", "state": "ERROR", "resolution": {"type": "REAUTHENTICATE"}}
    told: dict[str, Any] = {"user": {"id": "alice"}, "vehicle": {"id": "car-1"}}
    for changed, is_gone in (
        ({}, True),
        ({"state": "RESOLVED"}, False),
        # What a driver did not allow is no end of what they did.
        ({"type": "PERMISSION"}, False),
        ({"resolution": {"type": "RETRY_LATER"}}, False),
        ({"resolution": None}, False),
    ):
        data = {**told, "errors": [over | changed]}
        event = {
            "eventId": "e-1",
            "eventType": "VEHICLE_ERROR",
            "data": data,
            "meta": {"deliveredAt": 1_764_525_600_000},
        }
        news = smartcars(server, clock, event).news
        assert [(it.maker_id, it.account, it.is_gone) for it in news] == ([("car-1", "alice", True)] if is_gone else [])


def test_smartcar_v3_tells_the_limit_that_counts(server: CarMakers, clock: Moment) -> None:
    limits = [{"type": "LOCATION", "limit": 60}, {"type": "GLOBAL", "limit": 80}]
    for body, limit in (
        ({"values": limits, "activeLimit": None}, 80),
        ({"values": limits, "activeLimit": 60}, 60),
        ({"values": {"values": limits, "activeLimit": 60}}, 60),
        ({"values": []}, None),
    ):
        signal: dict[str, Any] = {
            "code": "charge-chargelimits",
            "body": body,
            "meta": {"oemUpdatedAt": 1_764_525_600_000},
        }
        data = {"user": {"id": "alice"}, "vehicle": {"id": "car-1"}, "signals": [signal]}
        [news] = smartcars(server, clock, {"eventId": "e-1", "eventType": "VEHICLE_STATE", "data": data}).news
        assert (news.telemetry.limit_percent.value if news.telemetry.limit_percent else None) == limit


def test_smartcars_signals_are_heard_as_its_batches_are(server: CarMakers, clock: Moment) -> None:
    meta = {"oemUpdatedAt": "2026-11-30T17:59:00Z", "retrievedAt": "2026-11-30T18:00:00Z"}
    bodies = {
        "tractionbattery-stateofcharge": {"value": 62, "unit": "percent"},
        "charge-ischargingcableconnected": {"value": True},
        "charge-ischarging": {"value": False},
        "location-preciselocation": {"latitude": 52.5, "longitude": 13.4},
        "odometer-traveleddistance": {"value": 9, "unit": "km"},
    }
    signals = [{"code": code, "body": body, "meta": meta} for code, body in bodies.items()]
    data = {"user": {"id": "alice"}, "vehicle": {"id": "car-1"}, "signals": signals}
    [news] = smartcars(server, clock, {"eventId": "e-1", "eventType": "VEHICLE_STATE", "data": data}).news
    at = clock() - timedelta(minutes=1)
    assert (news.event_id, news.maker_id, news.account) == ("e-1", "car-1", "alice")
    assert news.telemetry == Telemetry(
        percent=Observed(62, at),
        is_plugged=Observed(True, at),
        charging=Observed(ChargingState.STOPPED, at),
        position=Observed(GeoPoint(52.5, 13.4), at),
    )
    assert smartcars(server, clock, {"eventId": "e-2", "eventType": "VEHICLE_ERROR", "data": {}}).news == []


def test_no_token_shows_in_what_is_written_about_an_adapter(linked: Linked) -> None:
    shown = f"{linked.access} {linked.tokens} {linked.attempt} {linked.maker}"
    secret = (linked.tokens.access, linked.tokens.refresh, linked.attempt.verifier, CLIENT_SECRET, WEBHOOK_SECRET)
    assert not [it for it in secret if it and it in shown]


def test_the_page_says_what_each_maker_offers() -> None:
    page = (Path(__file__).parents[3] / "docs" / "vehicles.md").read_text()
    rows = [[it.strip() for it in line.split("|")[3:6]] for line in page.splitlines() if line.startswith("| `")]
    names = [re.findall(r"`(\w+)`", line.split("|")[1]) for line in page.splitlines() if line.startswith("| `")]
    told = {name: set[str]() for name in MAKERS}
    for offered, capabilities in zip(rows, names, strict=True):
        for maker, mark in zip(MAKERS, offered, strict=True):
            told[maker] |= set(capabilities) if mark else set()
    assert told == {name: set(maker_class(name).offers) for name in MAKERS}


def test_teslas_tell_by_themselves_where_there_is_a_server_for_them_and_until_they_are_unlinked(
    server: CarMakers, clock: Moment
) -> None:
    server.has_stream = True
    linked = link("tesla", server, clock)
    older = server.add("5YJ3E7EB8KF000002", software="2023.20.4 4f1c0a2b")
    found = {it.maker_id: it.can for it in linked.maker.cars(linked.access, clock())}
    assert server.streaming == {linked.car.car_id}
    assert found[linked.car.car_id] - found[older.car_id] == {Capability.PUSH}
    linked.maker.revoke(linked.access, linked.car.car_id, is_last=False)
    assert (server.streaming, server.invalid) == (set(), [])


def test_a_tesla_whose_stream_cannot_be_set_up_is_linked_and_looked_at(server: CarMakers, clock: Moment) -> None:
    linked = link("tesla", server, clock)
    for more in ({}, {"stream": "https://stream.example", "command": "http://127.0.0.1:9"}):
        account = replace(linked.maker.account, addresses={**linked.maker.account.addresses, **more})
        [found] = replace(linked.maker, account=account).cars(linked.access, clock())
        assert Capability.PUSH not in found.can
    assert server.invalid == []


def test_a_record_of_teslas_tells_only_what_changed(server: CarMakers, clock: Moment) -> None:
    server.has_stream = True
    maker = link("tesla", server, clock).maker
    told = {"vin": "VIN1", "createdAt": "2026-11-30T17:59:30.123456789Z", "isResend": False}
    values: dict[str, dict[str, Any]] = {
        "BatteryLevel": {"longValue": "59"},
        "DetailedChargeState": {"detailedChargeStateValue": "DetailedChargeStateDisconnected"},
        "ChargeLimitSoc": {"invalid": True},
        "BatteryHeaterOn": {"stringValue": "n/a"},
    }
    records = [{**told, "data": [{"key": key, "value": value}]} for key, value in values.items()]
    records.append({**told, "data": [{"key": "Odometer", "value": None}]})
    news = maker.heard({"x-kerb-key": WEBHOOK_SECRET}, json.dumps(records).encode(), clock()).news
    at = datetime(2026, 11, 30, 17, 59, 30, 123456, UTC)
    nothing = Telemetry(schedule_by_place=Observed(True, at), is_awake=Observed(True, at))
    assert [it.telemetry for it in news] == [
        replace(nothing, percent=Observed(59, at)),
        replace(nothing, is_plugged=Observed(False, at), charging=Observed(ChargingState.UNPLUGGED, at)),
        nothing,
        nothing,
        nothing,
    ]
    assert {(it.maker_id, it.signals) for it in news} == {("VIN1", 1)}
    for wrong in (b"x", b"1", b"[1]", json.dumps({**told, "data": []} | {"createdAt": "today"}).encode()):
        with pytest.raises(NotPushed):
            maker.heard({"x-kerb-key": WEBHOOK_SECRET}, wrong, clock())


def test_the_second_adapter_is_a_file_of_its_own_and_touches_two_others() -> None:
    root = Path(__file__).parents[3]
    product = [it for room in ("chalicelib", "cli") for ext in ("*.py", "*.json") for it in (root / room).rglob(ext)]
    naming = {str(it.relative_to(root)) for it in product if re.search(r"(?i)\benode\b", it.read_text())}
    assert naming == {f"chalicelib/adapters/vehicles/{it}.py" for it in ("enode", "makers")} | {"cli/data/makers.json"}
    page = (root / "docs" / "vehicles.md").read_text()
    told = re.search(r"second adapter: some (\d+) lines.*v3 has some (\d+), v2.0 some (\d+)", page)
    assert told is not None
    for number, file in zip(told.groups(), ("enode", "smartcar", "smartcar_v2"), strict=True):
        lines = (root / f"chalicelib/adapters/vehicles/{file}.py").read_text().count("\n")
        assert abs(lines - int(number)) <= 20, file
