"""OCPP 2.1: a driver's limits are the charger's too, and a limit set at the charger is one of ours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.charging.limits import Limits, strictest
from chalicelib.domain.charging.session import Reason, Session, State
from tests.services.charging.test_quirks import CARD201, Talk, event, told
from tests.services.conftest import Kit

ALL = Limits(energy_wh=5000, amount_minor=450, duration_s=1800, soc_percent=80)
ALL_SAID = {"maxEnergy": 5000, "maxCost": 4.5, "maxTime": 1800, "maxSoC": 80}


def limited(kit: Kit, limits: Limits | None = ALL) -> Session:
    session = kit.app_session()
    kit.sessions.save(session, replace(session, limits=limits))
    return kit.session(session.session_id)


def begin(talk: Talk, session: Session, **more: Any) -> dict[str, Any]:
    return event(talk, "Started", 0, idToken={"idToken": session.token, "type": "Central"}, **more)


def reading(talk: Talk, value: float = 100) -> list[dict[str, Any]]:
    return [{"timestamp": told(talk.kit.clock.now), "sampledValue": [{"value": value}]}]


def kept(talk: Talk, seq_no: int, **limits: Any) -> dict[str, Any]:
    info = {"transactionId": "tx-1", "transactionLimit": limits}
    return event(talk, "Updated", seq_no, triggerReason="LimitSet", transactionInfo=info)


def test_a_drivers_limits_are_told_with_the_answer_to_the_start(kit: Kit) -> None:
    assert begin(Talk(kit, "ocpp2.1"), limited(kit))["transactionLimit"] == ALL_SAID


def test_only_the_limits_there_are_are_told(kit: Kit) -> None:
    assert begin(Talk(kit, "ocpp2.1"), limited(kit, Limits(soc_percent=80)))["transactionLimit"] == {"maxSoC": 80}


def test_2_0_1_has_no_word_for_them(kit: Kit) -> None:
    assert "transactionLimit" not in begin(Talk(kit, "ocpp2.0.1"), limited(kit))


def test_a_driver_without_limits_has_none_at_the_charger(kit: Kit) -> None:
    assert "transactionLimit" not in begin(Talk(kit, "ocpp2.1"), limited(kit, None))


def test_a_charge_that_began_before_its_driver_was_known_gets_them_with_the_token(kit: Kit) -> None:
    talk, session = Talk(kit, "ocpp2.1"), limited(kit)
    event(talk, "Started", 0)
    answer = event(talk, "Updated", 1, idToken={"idToken": session.token, "type": "Central"})
    assert answer["transactionLimit"] == ALL_SAID


def test_they_are_told_again_until_the_charger_says_that_it_keeps_them(kit: Kit) -> None:
    talk = Talk(kit, "ocpp2.1")
    begin(talk, limited(kit))
    assert event(talk, "Updated", 1, meterValue=reading(talk))["transactionLimit"] == ALL_SAID
    assert "transactionLimit" not in kept(talk, 2, **ALL_SAID)
    assert "transactionLimit" not in event(talk, "Updated", 3, meterValue=reading(talk))


def test_a_charger_that_keeps_more_than_the_driver_wanted_is_told_again(kit: Kit) -> None:
    talk = Talk(kit, "ocpp2.1")
    begin(talk, limited(kit, Limits(energy_wh=5000)))
    assert kept(talk, 1, maxEnergy=9000)["transactionLimit"] == {"maxEnergy": 5000}
    assert "transactionLimit" not in kept(talk, 2, maxEnergy=5000)


def test_a_limit_set_at_the_charger_ends_the_charge_here_too(kit: Kit) -> None:
    talk = Talk(kit, "ocpp2.1")
    event(talk, "Started", 0, idToken=CARD201, meterValue=reading(talk, 0))
    kept(talk, 1, maxEnergy=2000.0, maxCost=0)
    assert talk.the_session().charger_limits == Limits(energy_wh=2000)
    kit.clock.advance(minutes=30)
    event(talk, "Updated", 2, meterValue=reading(talk, 1999))
    assert talk.the_session().state is State.ACTIVE
    event(talk, "Updated", 3, meterValue=reading(talk, 2000))
    assert (talk.the_session().state, talk.the_session().reason) == (State.STOPPING, Reason.LIMIT_REACHED)


def test_a_limit_may_come_with_the_start(kit: Kit) -> None:
    talk = Talk(kit, "ocpp2.1")
    info = {"transactionId": "tx-1", "transactionLimit": {"maxCost": 4.5}}
    event(talk, "Started", 0, idToken=CARD201, transactionInfo=info)
    assert talk.the_session().charger_limits == Limits(amount_minor=450)


def test_of_two_limits_the_lower_counts_and_the_last_word_of_the_charger(kit: Kit) -> None:
    talk = Talk(kit, "ocpp2.1")
    begin(talk, limited(kit, Limits(energy_wh=5000)))
    kept(talk, 1, maxEnergy=3000, maxSoC=90)
    assert talk.the_session().limits_in_force == Limits(energy_wh=3000, soc_percent=90)
    kept(talk, 2, maxEnergy=4000)
    assert talk.the_session().limits_in_force == Limits(energy_wh=4000)


def test_a_limit_told_twice_changes_nothing_the_second_time(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Talk(kit, "ocpp2.1")
    event(talk, "Started", 0, idToken=CARD201)
    kept(talk, 1, maxEnergy=3000)
    monkeypatch.setattr(kit.sessions, "save", None)
    kept(talk, 1, maxEnergy=3000)


@pytest.mark.parametrize("limits", [{}, {"maxEnergy": -5}, {"maxSoC": 0}])
def test_what_limits_nothing_is_no_limit(kit: Kit, limits: dict[str, Any]) -> None:
    talk = Talk(kit, "ocpp2.1")
    event(talk, "Started", 0, idToken=CARD201)
    kept(talk, 1, **limits)
    assert talk.the_session().charger_limits is None


def test_a_limits_message_stands_in_the_journal(kit: Kit) -> None:
    talk = Talk(kit, "ocpp2.1")
    event(talk, "Started", 0, idToken=CARD201)
    kit.clock.advance(seconds=1)
    kept(talk, 1, maxEnergy=3000)
    assert "transactionLimit" in talk.newest_entry().payload


def test_the_strictest_of_none_is_none() -> None:
    assert strictest(None, None) is None
    assert strictest(ALL, None) == strictest(None, ALL) == ALL
