"""How long a car stands at the plug after its charge is a fact of its session, told by the connector alone."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.charging.session import Session, State
from chalicelib.records.money import PaymentNews, PaymentNewsKind
from tests.services.charging.test_quirks import CARD201, Talk, event, meter, told
from tests.services.charging.test_which_connector import card_session, status
from tests.services.conftest import Kit


def charged(talk: Talk, minutes: int = 60) -> Session:
    """A charge that has ended; its car stands there."""
    status(talk, "Preparing")
    ref = talk.start()
    status(talk, "Charging")
    talk.kit.clock.advance(minutes=minutes)
    talk.stop(ref)
    status(talk, "Finishing")
    return card_session(talk.kit, ref)


def settled(kit: Kit, session: Session) -> Session:
    kit.lifecycle.settle(session.session_id, "token-payment")
    for payment_id, amount_minor in {**kit.money.captured, **kit.money.charged}.items():
        news = PaymentNews(
            event_id="evt",
            kind=PaymentNewsKind.CAPTURED,
            session_id=session.session_id,
            payment_id=payment_id,
            amount_minor=amount_minor,
            at=kit.clock(),
        )
        kit.payment_webhooks.receive(news)
    kit.lifecycle.issue_receipt(session.session_id)
    return kit.session(session.session_id)


def test_time_at_the_plug_runs_from_the_end_until_the_connector_is_free(talk: Talk) -> None:
    session = charged(talk)
    assert session.plugged_in_after_s is None
    talk.kit.clock.advance(minutes=17)
    status(talk, "Available")
    assert talk.kit.session(session.session_id).plugged_in_after_s == 17 * 60


def test_it_is_known_also_of_a_session_that_is_paid(talk: Talk) -> None:
    session = settled(talk.kit, charged(talk))
    assert (session.state, session.plugged_in_after_s) == (State.COMPLETED, None)
    talk.kit.clock.advance(minutes=17)
    status(talk, "Available", timestamp=told(talk.kit.clock.now))
    session = talk.kit.session(session.session_id)
    assert (session.state, session.plugged_in_after_s) == (State.COMPLETED, 17 * 60)


def test_a_new_car_ends_it_as_well(talk: Talk) -> None:
    session = settled(talk.kit, charged(talk))
    talk.kit.clock.advance(minutes=5)
    status(talk, "Preparing")
    assert talk.kit.session(session.session_id).plugged_in_after_s == 5 * 60


def test_the_next_session_ends_it_where_no_status_did(talk: Talk) -> None:
    session = settled(talk.kit, charged(talk))
    talk.kit.clock.advance(minutes=5)
    talk.start(meterStart=3000)
    status(talk, "Charging")
    assert talk.kit.session(session.session_id).plugged_in_after_s == 5 * 60


def test_a_charge_that_becomes_preparing_is_the_same_car(talk: Talk) -> None:
    """Firmware that knows no Finishing: the car stands there without a transaction."""
    ref = talk.start()
    status(talk, "Charging")
    talk.kit.clock.advance(minutes=60)
    talk.stop(ref)
    session = settled(talk.kit, card_session(talk.kit, ref))
    status(talk, "Preparing")
    assert talk.kit.session(session.session_id).plugged_in_after_s is None
    talk.kit.clock.advance(minutes=9)
    status(talk, "Available")
    assert talk.kit.session(session.session_id).plugged_in_after_s == 9 * 60


def test_what_is_told_twice_late_or_of_the_next_car_does_not_change_it(talk: Talk) -> None:
    session = settled(talk.kit, charged(talk))
    ended_at = talk.kit.clock.now
    talk.kit.clock.advance(minutes=17)
    free_at = talk.kit.clock.now
    status(talk, "Available", timestamp=told(free_at))
    for word, at in (
        ("Available", free_at),
        ("Finishing", ended_at),
        ("Available", ended_at),
        ("Preparing", free_at + timedelta(minutes=1)),
        ("Available", free_at + timedelta(minutes=2)),
    ):
        talk.kit.clock.advance(minutes=1)
        status(talk, word, timestamp=told(at))
    assert talk.kit.session(session.session_id).plugged_in_after_s == 17 * 60


def test_a_connector_told_free_before_the_end_is_heard_leaves_no_time_after_it(talk: Talk) -> None:
    ref = talk.start()
    status(talk, "Charging")
    talk.kit.clock.advance(minutes=60)
    ended_at = told(talk.kit.clock.now)
    talk.kit.clock.advance(seconds=20)
    status(talk, "Available", timestamp=told(talk.kit.clock.now))
    talk.stop(ref, timestamp=ended_at)
    assert talk.kit.session(card_session(talk.kit, ref).session_id).plugged_in_after_s == 20
    assert settled(talk.kit, card_session(talk.kit, ref)).plugged_in_after_s == 20


def test_a_connector_seen_free_in_its_first_minute_is_asked_again_when_it_is_settled(talk: Talk) -> None:
    ref = talk.start()
    talk.kit.clock.advance(seconds=30)
    status(talk, "Available", timestamp=told(talk.kit.clock.now))
    talk.stop(ref, 1000)
    session = card_session(talk.kit, ref)
    talk.kit.lifecycle.settle(session.session_id, "token-payment")
    assert talk.kit.session(session.session_id).plugged_in_after_s == 0


def test_a_report_whose_hearing_broke_off_is_heard_when_it_is_told_again(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = settled(talk.kit, charged(talk))
    talk.kit.clock.advance(minutes=17)
    at = told(talk.kit.clock.now)
    with monkeypatch.context() as broken:
        broken.setattr(type(talk.kit.sessions), "save", None)
        said = {"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": at}
        frame = json.dumps([2, "1", "StatusNotification", said])
        assert "InternalError" in str(talk.say_text(frame))
    talk.kit.clock.advance(minutes=3)
    status(talk, "Available", timestamp=at)
    assert talk.kit.session(session.session_id).plugged_in_after_s == 17 * 60


def test_201_tells_it_by_its_connector_or_its_next_transaction(talk201: Talk) -> None:
    kit = talk201.kit
    began: dict[str, Any] = {"idToken": CARD201, "meterValue": meter(0, context="Transaction.Begin")}
    info = {"transactionId": "tx-1", "chargingState": "Charging"}
    event(talk201, "Started", 0, transactionInfo=info, **began)
    kit.clock.advance(minutes=60)
    event(talk201, "Ended", 1, meterValue=meter(2000, context="Transaction.End"))
    session = settled(kit, card_session(kit, "tx-1"))
    kit.clock.advance(minutes=4)
    event(talk201, "Started", 0, "tx-2", transactionInfo={**info, "transactionId": "tx-2"}, idToken=CARD201)
    assert kit.session(session.session_id).plugged_in_after_s == 4 * 60
    kit.clock.advance(minutes=10)
    event(talk201, "Ended", 1, "tx-2", meterValue=meter(2000, context="Transaction.End"))
    second = settled(kit, card_session(kit, "tx-2"))
    kit.clock.advance(minutes=2)
    free = {"timestamp": told(kit.clock.now), "connectorStatus": "Available", "evseId": 1, "connectorId": 1}
    talk201.say("StatusNotification", free)
    assert kit.session(second.session_id).plugged_in_after_s == 2 * 60
    assert kit.session(session.session_id).plugged_in_after_s == 4 * 60


def test_only_the_status_that_frees_a_connector_of_a_session_looks_at_one(talk: Talk) -> None:
    session = settled(talk.kit, charged(talk))
    talk.kit.clock.advance(minutes=17)
    reads: Counter[str] = Counter()
    original = talk.kit.sessions.get

    def get(session_id: str) -> Session | None:
        reads[session_id] += 1
        return original(session_id)

    object.__setattr__(talk.kit.sessions, "get", get)
    for word in ("Finishing", "Available", "Available", "Faulted", "Faulted"):
        status(talk, word)
        talk.kit.clock.advance(minutes=1)
    assert reads == {session.session_id: 1}
