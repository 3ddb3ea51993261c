"""What the charger's own card terminal took is recorded with the transaction, and nobody pays for the charge again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.charging.names import session_id_for
from chalicelib.domain.charging.session import Session, State
from chalicelib.domain.money.ledger import TransferKind, balances
from chalicelib.domain.pricing.evidence import Flag
from tests.services.charging.test_quirks import CARD201, Talk, event, told
from tests.services.conftest import Kit

PSP = "PSP-77"
PAID = {"idToken": PSP, "type": "DirectPayment"}
# 10 kWh at 0.45.
BILL = 4.50


@pytest.fixture
def talk(kit: Kit) -> Talk:
    """A charger with a card terminal."""
    charger = kit.chargers.get("CP-1")
    assert charger is not None
    kit.chargers.put(replace(charger, has_card_terminal=True), keep_password=True)
    return Talk(kit, "ocpp2.1")


def settled(talk: Talk, amount: float = BILL, psp_ref: str = PSP, **more: Any) -> None:
    payload = {
        "transactionId": "tx-1",
        "pspRef": psp_ref,
        "status": "Settled",
        "settlementAmount": amount,
        "settlementTime": told(talk.kit.clock.now),
        **more,
    }
    assert talk.say("NotifySettlement", payload) == {}


def meter(talk: Talk, value: float, context: str) -> list[dict[str, Any]]:
    return [{"timestamp": told(talk.kit.clock.now), "sampledValue": [{"value": value, "context": context}]}]


def begin(talk: Talk, token: dict[str, str] = PAID) -> dict[str, Any]:
    return event(talk, "Started", 0, idToken=token, meterValue=meter(talk, 1000, "Transaction.Begin"))


def end(talk: Talk) -> None:
    talk.kit.clock.advance(hours=1)
    event(talk, "Ended", 1, meterValue=meter(talk, 11_000, "Transaction.End"))


def of(kit: Kit) -> Session:
    return kit.session(session_id_for("transaction", "CP-1", "tx-1"))


def carried(kit: Kit) -> Session:
    """What the workflow does once the charge is over."""
    session = of(kit)
    kit.lifecycle.place_hold(session.session_id, "hold")
    kit.lifecycle.stop_charging(session.session_id, "stop")
    kit.lifecycle.settle(session.session_id, "pay")
    return of(kit)


def finished(kit: Kit) -> Session:
    kit.lifecycle.issue_receipt(of(kit).session_id)
    return of(kit)


def terminal(kit: Kit) -> list[int]:
    return [it.amount_minor for it in kit.ledger.of_session(of(kit).session_id) if it.kind is TransferKind.TERMINAL]


def test_who_pays_at_the_terminal_charges_and_no_card_of_ours_is_asked(kit: Kit, talk: Talk) -> None:
    assert begin(talk)["idTokenInfo"]["status"] == "Accepted"
    end(talk)
    settled(talk)
    session = carried(kit)
    assert session.payment is not None
    assert (session.payment.amount_minor, session.due_minor, session.flags) == (450, 0, frozenset())
    assert finished(kit).state is State.COMPLETED
    assert (kit.money.held, kit.money.charged, kit.money.captured) == ({}, {}, {})
    assert terminal(kit) == [450]
    assert sum(balances(kit.ledger.of_session(session.session_id)).values()) == 0
    receipt = kit.issued_receipts.get(session.session_id)
    assert receipt is not None
    assert (receipt.card, receipt.paid_minor, receipt.due_minor) == ("paid at the terminal", 450, 0)


def test_a_charger_that_is_not_said_to_have_a_terminal_is_not_believed(kit: Kit) -> None:
    talk = Talk(kit, "ocpp2.1")
    assert begin(talk)["idTokenInfo"]["status"] == "Unknown"


def test_a_card_whose_number_is_a_payments_name_is_no_payment(kit: Kit, talk: Talk) -> None:
    answer = event(talk, "Started", 0, idToken={"idToken": PSP, "type": "ISO14443"})
    assert answer["idTokenInfo"]["status"] == "Unknown"


@pytest.mark.parametrize("when", ["before the start", "under way", "after the end", "after the step that waits"])
def test_the_settlement_may_come_at_any_time(kit: Kit, talk: Talk, when: str) -> None:
    if when == "before the start":
        settled(talk)
    begin(talk)
    if when == "under way":
        settled(talk)
    end(talk)
    if when == "after the end":
        settled(talk)
    session = carried(kit)
    if when == "after the step that waits":
        assert session.payment is None
        assert "pay" not in kit.workflow.succeeded
        settled(talk)
        assert "pay" in kit.workflow.succeeded
    done = finished(kit)
    assert done.payment is not None
    assert (done.state, done.payment.amount_minor, done.flags) == (State.COMPLETED, 450, frozenset())
    assert terminal(kit) == [450]


def test_told_twice_it_is_one_payment(kit: Kit, talk: Talk) -> None:
    begin(talk)
    end(talk)
    for _ in range(3):
        settled(talk)
    carried(kit)
    finished(kit)
    settled(talk)
    assert terminal(kit) == [450]
    assert of(kit).flags == frozenset()


@pytest.mark.parametrize("other", [{"amount": 9.99}, {"psp_ref": "PSP-78"}])
def test_another_settlement_for_the_same_charge_is_flagged_and_changes_nothing(
    kit: Kit, talk: Talk, other: dict[str, Any]
) -> None:
    begin(talk)
    end(talk)
    settled(talk)
    carried(kit)
    finished(kit)
    settled(talk, **other)
    assert Flag.SETTLEMENT_DIFFERS in of(kit).flags
    assert terminal(kit) == [450]


def test_another_amount_than_the_bill_is_flagged(kit: Kit, talk: Talk) -> None:
    begin(talk)
    end(talk)
    settled(talk, amount=4.00)
    session = carried(kit)
    assert Flag.SETTLEMENT_DIFFERS in session.flags
    assert (session.payment and session.payment.amount_minor, session.due_minor) == (400, 50)
    assert kit.money.charged == {}


def test_a_driver_who_pays_at_the_terminal_after_all_pays_there_only(kit: Kit, talk: Talk) -> None:
    begin(talk, CARD201)
    kit.lifecycle.place_hold(of(kit).session_id, "hold")
    assert kit.money.held
    end(talk)
    settled(talk)
    carried(kit)
    finished(kit)
    assert (kit.money.captured, kit.money.charged) == ({}, {})
    assert set(kit.money.voided) == set(kit.money.held)
    assert kit.debts.of_driver("driver-1") == []


def test_what_was_charged_already_and_is_settled_too_is_for_a_person_to_see(kit: Kit, talk: Talk) -> None:
    begin(talk, CARD201)
    end(talk)
    session = carried(kit)
    (hold,) = session.holds
    kit.funds.received(of(kit), hold.payment_id, 450)
    finished(kit)
    settled(talk)
    done = of(kit)
    assert Flag.SETTLEMENT_DIFFERS in done.flags
    assert done.payment is not None
    assert done.payment.amount_minor == 450


@pytest.mark.parametrize("status", ["Canceled", "Rejected", "Failed"])
def test_what_was_not_settled_pays_nothing(kit: Kit, talk: Talk, status: str) -> None:
    begin(talk)
    end(talk)
    settled(talk, status=status)
    assert carried(kit).payment is None
    assert kit.charger_news.of_charger("CP-1")


def test_a_settlement_of_no_charge_and_one_that_cannot_be_are_news_only(kit: Kit, talk: Talk) -> None:
    begin(talk)
    end(talk)
    settled(talk, amount=-5)
    talk.say(
        "NotifySettlement",
        {"pspRef": "x", "status": "Canceled", "settlementAmount": 0, "settlementTime": told(kit.clock.now)},
    )
    assert carried(kit).settlement is None
