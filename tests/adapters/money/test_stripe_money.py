"""More of Stripe than a hold and its capture: charges, raised holds, refunds, and the books of a day."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
import stripe

from chalicelib.adapters.money.stripe_payments import StripePayments
from chalicelib.domain.charging.session import Hold
from chalicelib.records.money import CardholderNeeded, Declined
from local.stripe_server import confirm_payment
from tests.adapters.money.test_stripe_payments import API_KEY, SECRET, Bank, a_new_session, bank

__all__ = ["bank"]


def test_a_charge_takes_money_at_once_and_once_for_each_purpose(bank: Bank) -> None:
    session, card = a_new_session(), bank.card()
    charged = bank.payments.charge(session, card, 450, "rest-1")
    assert bank.payments.charge(session, card, 450, "rest-1") == charged
    assert charged.amount_minor == 450
    assert bank.payments.taken_minor(session, charged) == 450
    news = bank.news("payment_intent.succeeded", session)
    assert (news.kind, news.amount_minor, news.part) == ("captured", 450, -1)
    assert bank.payments.session_of(charged.payment_id) == session.session_id


def test_a_charge_the_cardholder_must_confirm_is_given_up_unless_they_are_there(bank: Bank) -> None:
    session, card = a_new_session(), bank.card("pm_card_authenticationRequired")
    with pytest.raises(Declined):
        bank.payments.charge(session, card, 450, "debt-0")
    with pytest.raises(CardholderNeeded) as needed:
        bank.payments.charge(session, card, 450, "debt-0", is_there=True)
    confirm_payment(bank.server.url, needed.value.action.client_secret, "pk_test_1")
    assert bank.news("payment_intent.succeeded", session).amount_minor == 450


def test_a_hold_is_raised_under_its_own_name(bank: Bank) -> None:
    session, hold = bank.held(5000)
    raised = bank.payments.raise_hold(session, hold, 10_000)
    assert raised == Hold(hold.payment_id, 10_000)
    assert bank.payments.raise_hold(session, hold, 10_000) == raised
    bank.payments.capture(session, raised, 7000)
    assert bank.payments.taken_minor(session, raised) == 7000


def test_a_hold_that_cannot_be_raised_says_so(bank: Bank) -> None:
    session, hold = bank.held(5000)
    bank.payments.void(session, hold)
    assert bank.payments.raise_hold(session, hold, 10_000) is None


def test_a_refund_gives_back_no_more_than_was_taken(bank: Bank) -> None:
    session, hold = bank.held(5000)
    bank.payments.capture(session, hold, 1200)
    first = bank.payments.refund(session, hold.payment_id, 500, "a")
    assert bank.payments.refund(session, hold.payment_id, 500, "a") == first
    with pytest.raises(Declined):
        bank.payments.refund(session, hold.payment_id, 701, "b")
    bank.payments.refund(session, hold.payment_id, 700, "c")


def test_a_days_books_tell_of_what_is_held_taken_and_given_back(bank: Bank) -> None:
    session, hold = bank.held(5000)
    bank.payments.capture(session, hold, 1200)
    bank.payments.refund(session, hold.payment_id, 500, "a")
    other, held = bank.held(3000)
    voided_session, voided = bank.held(2000)
    bank.payments.void(voided_session, voided)
    now = datetime.now(UTC)
    payments, after = bank.payments.page(now - timedelta(hours=1), now + timedelta(hours=1), "")
    found = {it.payment_id: it for it in payments}
    while after:
        payments, after = bank.payments.page(now - timedelta(hours=1), now + timedelta(hours=1), after)
        found |= {it.payment_id: it for it in payments}
    taken = found[hold.payment_id]
    assert (taken.session_id, taken.held_minor, taken.taken_minor, taken.refunded_minor) == (
        session.session_id,
        0,
        1200,
        500,
    )
    assert (found[held.payment_id].session_id, found[held.payment_id].held_minor) == (other.session_id, 3000)
    nothing = found[voided.payment_id]
    assert (nothing.held_minor, nothing.taken_minor, nothing.refunded_minor) == (0, 0, 0)
    assert bank.payments.page(now - timedelta(days=2), now - timedelta(days=1), "") == ([], "")


def test_a_customer_who_leaves_has_no_card_there_any_more(bank: Bank) -> None:
    card = bank.card()
    for _ in range(2):
        bank.payments.forget_customer(card.customer_id or "")
    with pytest.raises(Declined):
        bank.payments.hold(a_new_session(), card, 5000)


@pytest.mark.parametrize(
    ("event_type", "kind"),
    [("charge.dispute.funds_withdrawn", "disputed"), ("charge.dispute.funds_reinstated", "dispute_won")],
)
def test_a_webhook_tells_of_a_dispute(event_type: str, kind: str) -> None:
    dispute = {"id": "dp_1", "amount": 1200, "currency": "eur", "payment_intent": "pi_1", "reason": "fraudulent"}
    body = json.dumps({"id": "evt_1", "type": event_type, "created": 1795000000, "data": {"object": dispute}})
    at = int(time.time())
    signature = stripe.WebhookSignature._compute_signature(f"{at}.{body}", SECRET)
    payments = StripePayments(API_KEY, SECRET, "pk_test_1")
    news = payments.read_webhook(body.encode(), f"t={at},v1={signature}")
    assert (news.kind, news.payment_id, news.amount_minor) == (kind, "pi_1", 1200)
    assert news.detail == {"dispute_id": "dp_1", "reason": "fraudulent"}
