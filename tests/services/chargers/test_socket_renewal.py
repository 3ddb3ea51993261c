"""Sockets end from our side at an age of their own: never during a call or a session, and with nothing lost."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.chargers.commands import Message, Trigger
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.chargers.socket_age import LIFETIME, closing_age, longest
from chalicelib.records.chargers import Charger, Errand, Purpose
from chalicelib.services.chargers.connections import ChargerCredentials
from chalicelib.services.chargers.passwords import hash_password
from chalicelib.services.chargers.provisioning import Provisioning
from chalicelib.services.grid.charger_news import ManagedChargerNews
from tests.services.conftest import NOW, Kit

HEARTBEAT_S = 540
HEARTBEAT = '[2,"h","Heartbeat",{}]'
PASSWORD = b"correct-horse"
BASIC = "Basic " + base64.b64encode(b"CP-7:" + PASSWORD).decode()


@given(st.floats(0, 1, exclude_max=True), st.integers(60, 540), st.booleans())
def test_a_socket_is_old_before_the_gateway_ends_it_and_its_charger_says_something_in_between(
    chance: float, heartbeat_s: int, was_renewed: bool
) -> None:
    age = closing_age(chance, heartbeat_s, was_renewed=was_renewed)
    assert timedelta(minutes=10) <= age <= LIFETIME - timedelta(seconds=heartbeat_s)


def test_who_was_away_gets_any_age_and_who_was_renewed_the_longest() -> None:
    ages = [closing_age(chance / 100, HEARTBEAT_S, was_renewed=False) for chance in range(100)]
    assert ages == sorted(ages)
    assert ages[0] == timedelta(minutes=10)
    assert ages[50] < timedelta(minutes=65)
    assert {closing_age(it / 100, HEARTBEAT_S, was_renewed=True) for it in range(100)} == {longest(HEARTBEAT_S)}


@pytest.fixture
def kit7(kit: Kit) -> Kit:
    """With a charger CP-7 that is let in by its password, and ages drawn from the middle."""
    kit.chance = lambda: 0.5
    kit.chargers.put(
        Charger(
            charger_id="CP-7",
            operator_id="op",
            site_id="harbour",
            password_hash=hash_password(PASSWORD, b"salt" * 4),
            connectors=(ConnectorId(1),),
        )
    )
    return kit


def connect(kit: Kit, connection_id: str, offers: tuple[str, ...] = ("ocpp1.6",)) -> None:
    kit.connections.open(connection_id, "/ocpp/CP-7", ChargerCredentials(BASIC), offers, kit.clock.now)


def say(kit: Kit, connection_id: str, text: str = HEARTBEAT) -> str | None:
    return kit.conversation.receive(connection_id, text)


def boot(kit: Kit, connection_id: str, firmware: str = "1.0") -> None:
    said = {"chargePointVendor": "Maker", "chargePointModel": "Box", "firmwareVersion": firmware}
    say(kit, connection_id, json.dumps([2, "b", "BootNotification", said]))


def is_online(kit: Kit) -> bool:
    charger = kit.chargers.get("CP-7")
    return charger is not None and charger.connection_id is not None


def is_due(kit: Kit) -> bool:
    (first, *_) = kit.connectors.of_charger("CP-7")
    return first.setup_is_due


def grow_old(kit: Kit) -> None:
    kit.clock.advance(minutes=119 - 9)


def test_an_old_socket_is_closed_at_a_heartbeat_which_is_answered_first(kit7: Kit) -> None:
    connect(kit7, "c-1")
    assert say(kit7, "c-1") is not None
    assert kit7.link.closed == []
    grow_old(kit7)
    assert say(kit7, "c-1") is None
    (answer,) = kit7.link.sent
    assert json.loads(answer)[:2] == [3, "h"]
    assert kit7.link.closed == ["c-1"]
    assert not is_online(kit7)


def test_only_a_heartbeat_ends_a_socket(kit7: Kit) -> None:
    """Whatever else a charger says may be the beginning of something."""
    connect(kit7, "c-1")
    grow_old(kit7)
    status = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
    assert say(kit7, "c-1", json.dumps([2, "s", "StatusNotification", status])) is not None
    assert kit7.link.closed == []


def test_that_it_has_closed_is_then_no_news(kit7: Kit) -> None:
    connect(kit7, "c-1")
    grow_old(kit7)
    say(kit7, "c-1")
    kit7.clock.advance(seconds=2)
    connect(kit7, "c-2")
    kit7.connections.close("c-1", "1000")
    assert is_online(kit7)


def test_a_charger_with_a_session_keeps_its_socket(kit7: Kit) -> None:
    connect(kit7, "c-1")
    grow_old(kit7)
    kit7.connectors.claim("CP-7", ConnectorId(1), "KSESSION")
    assert say(kit7, "c-1") is not None
    assert kit7.link.closed == []
    kit7.connectors.free("CP-7", ConnectorId(1), "KSESSION")
    assert say(kit7, "c-1") is None
    assert kit7.link.closed == ["c-1"]


def test_a_charger_that_is_asked_something_keeps_its_socket_until_it_has_answered(kit7: Kit) -> None:
    connect(kit7, "c-1")
    grow_old(kit7)
    charger = kit7.chargers.get("CP-7")
    assert charger is not None
    kit7.commands.order(charger, Trigger(Message.STATUS), Errand("m-asked", Purpose.OPERATOR, ""))
    assert say(kit7, "c-1") is not None
    assert kit7.link.closed == []
    say(kit7, "c-1", '[3,"m-asked",{"status":"Accepted"}]')
    assert say(kit7, "c-1") is None


def test_what_is_asked_just_after_reaches_the_next_socket(kit7: Kit) -> None:
    connect(kit7, "c-1")
    grow_old(kit7)
    say(kit7, "c-1")
    kit7.clock.advance(seconds=2)
    connect(kit7, "c-2")
    kit7.link.sent.clear()
    charger = kit7.chargers.get("CP-7")
    assert charger is not None
    call = kit7.commands.order(charger, Trigger(Message.STATUS), Errand("m-1", Purpose.START, ""))
    assert (call.connection_id, call.waiting) == ("c-2", "")
    assert len(kit7.link.sent) == 1


def test_what_cannot_be_closed_is_answered_as_ever(kit7: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(kit7, "c-1")
    grow_old(kit7)

    def fails(*_: object) -> None:
        raise RuntimeError("no such luck")

    monkeypatch.setattr(kit7.connectors, "of_charger", fails)
    assert say(kit7, "c-1") is not None
    assert is_online(kit7)


def test_a_charger_that_is_back_after_that_is_not_asked_for_its_settings_though_it_says_it_booted(kit7: Kit) -> None:
    connect(kit7, "c-1")
    boot(kit7, "c-1")
    assert is_due(kit7)
    say(kit7, "c-1", '[2,"s","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]')
    assert not is_due(kit7)
    grow_old(kit7)
    while kit7.link.sent:
        _, message_id, *_ = json.loads(kit7.link.sent.pop())
        say(kit7, "c-1", json.dumps([3, message_id, {"unknownKey": []}]))
    assert say(kit7, "c-1") is None
    kit7.clock.advance(seconds=10)
    connect(kit7, "c-2")
    boot(kit7, "c-2")
    assert not is_due(kit7)
    boot(kit7, "c-2", firmware="1.1")
    assert is_due(kit7), "another firmware may have other settings"


@pytest.mark.parametrize(
    ("minutes_away", "offers", "is_renewed"),
    [(3, "ocpp1.6", True), (0, "ocpp2.0.1", True), (0, "ocpp1.6", False), (0, "ocpp1.6", True)],
)
def test_whoever_may_have_booted_is_looked_at(kit7: Kit, minutes_away: int, offers: str, is_renewed: bool) -> None:
    """Away for long, or over 2.x, where whoever says that it booted did, or not sent away by us."""
    connect(kit7, "c-1", (offers,))
    kit7.charger_news.booted("CP-7", "Maker", "Box", None, "1.0")
    grow_old(kit7)
    if is_renewed:
        say(kit7, "c-1")
    else:
        kit7.connections.close("c-1", "1006")
    kit7.clock.advance(minutes=minutes_away)
    connect(kit7, "c-2", (offers,))
    connection = kit7.sockets.connection("c-2")
    assert connection is not None
    is_only_back = (minutes_away, offers, is_renewed) == (0, "ocpp1.6", True)
    assert bool(connection.back_as) is is_only_back


def test_each_day_it_is_looked_at_all_the_same_and_is_no_boot_for_all_that(
    kit7: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it was set to may be gone after a start that looked like a mere return; what it may draw was not lost."""
    kit7.clock.now = NOW.replace(hour=20, minute=0)
    connect(kit7, "c-0")
    kit7.charger_news.booted("CP-7", "Maker", "Box", None, "1.0")
    looked_at, booted_at = list[int](), list[int]()
    monkeypatch.setattr(Provisioning, "booted", lambda *_: looked_at.append(kit7.clock.now.hour))
    monkeypatch.setattr(ManagedChargerNews, "booted", lambda *_: booted_at.append(kit7.clock.now.hour))
    for number in range(1, 5):
        kit7.clock.advance(minutes=115)
        connection = kit7.sockets.connection(f"c-{number - 1}")
        assert connection is not None
        kit7.connections.renew(connection)
        connect(kit7, f"c-{number}")
        boot(kit7, f"c-{number}")
    assert (looked_at, booted_at) == ([1], [])


def test_who_comes_back_in_a_storm_is_spread_and_who_was_renewed_stays_where_it_is(kit7: Kit) -> None:
    connect(kit7, "c-1")
    first = kit7.sockets.connection("c-1")
    assert first is not None
    assert first.closes_at is not None
    assert first.closes_at - kit7.clock.now < timedelta(minutes=65)
    grow_old(kit7)
    say(kit7, "c-1")
    kit7.clock.advance(seconds=5)
    connect(kit7, "c-2")
    second = kit7.sockets.connection("c-2")
    assert second is not None
    assert second.closes_at is not None
    assert second.closes_at - kit7.clock.now == longest(HEARTBEAT_S)
