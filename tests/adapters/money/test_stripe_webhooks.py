"""Stripe's events of refunds and disputes, read by what their object shows and not by which of them came."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.money.stripe_webhooks import EVENTS, news_of
from chalicelib.records.money import PaymentNews, PaymentNewsKind

REFUND: dict[str, Any] = {
    "id": "re_1",
    "object": "refund",
    "amount": 100,
    "charge": "ch_1",
    "created": 1795000000,
    "currency": "eur",
    "metadata": {},
    "payment_intent": "pi_1",
    "status": "succeeded",
}
DISPUTE: dict[str, Any] = {"id": "dp_1", "amount": 1200, "currency": "eur", "payment_intent": "pi_1", "reason": "fraud"}
CHARGE: dict[str, Any] = {
    "id": "ch_1",
    "object": "charge",
    "amount": 5000,
    "amount_captured": 1200,
    "amount_refunded": 3900,
    "captured": True,
    "currency": "eur",
    "payment_intent": "pi_1",
}


def news(event_type: str, subject: dict[str, Any]) -> PaymentNews:
    event = {"id": "evt_1", "type": event_type, "created": 1795000000, "data": {"object": subject}}
    return news_of(event)


@pytest.mark.parametrize("event_type", ["refund.created", "refund.updated", "refund.failed", "charge.refund.updated"])
@pytest.mark.parametrize(("status", "is_failed"), [("succeeded", False), ("pending", False), ("failed", True)])
def test_a_refund_is_what_its_status_says(event_type: str, status: str, is_failed: bool) -> None:
    found = news(event_type, REFUND | {"status": status})
    assert (found.kind, found.payment_id) == (PaymentNewsKind.REFUNDED, "pi_1")
    assert [(it.refund_id, it.amount_minor, it.key, it.is_failed) for it in found.refunds] == [
        ("re_1", 100, "", is_failed)
    ]


def test_a_refund_made_here_bears_its_key() -> None:
    found = news("refund.created", REFUND | {"metadata": {"refund_key": "a/b"}, "amount": 1})
    assert found.refunds[0].key == "a/b"


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param(CHARGE | {"amount_refunded": 3800}, id="what a capture left of a hold"),
        pytest.param(CHARGE | {"captured": False, "amount_refunded": 5000}, id="a hold that was let go"),
        pytest.param(CHARGE | {"payment_intent": None}, id="no payment of ours"),
        pytest.param(CHARGE | {"refunds": {"data": [REFUND | {"balance_transaction": None}]}}, id="moved no money"),
    ],
)
def test_what_is_released_is_no_refund(subject: dict[str, Any]) -> None:
    assert news("charge.refunded", subject).kind is PaymentNewsKind.OTHER


def test_a_charge_tells_that_something_went_back_and_what_if_it_lists_that() -> None:
    assert (news("charge.refunded", CHARGE).kind, news("charge.refunded", CHARGE).refunds) == ("refunded", ())
    listed = news("charge.refunded", CHARGE | {"refunds": {"data": [REFUND]}})
    assert [it.refund_id for it in listed.refunds] == ["re_1"]


@pytest.mark.parametrize(
    ("event_type", "status", "kind"),
    [
        ("charge.dispute.created", "warning_needs_response", "dispute_opened"),
        ("charge.dispute.created", "needs_response", "disputed"),
        ("charge.dispute.updated", "under_review", "disputed"),
        ("charge.dispute.closed", "lost", "dispute_lost"),
        ("charge.dispute.closed", "won", "dispute_won"),
        ("charge.dispute.closed", "warning_closed", "other"),
        ("charge.dispute.closed", "a word of tomorrow", "other"),
    ],
)
def test_a_dispute_is_what_its_status_says(event_type: str, status: str, kind: str) -> None:
    assert news(event_type, DISPUTE | {"status": status}).kind == kind


@pytest.mark.parametrize("event_type", [*EVENTS, "charge.refunded"])
@pytest.mark.parametrize("subject", [{}, {"object": "charge"}, {"id": 1}, {"refunds": 3, "amount_refunded": "x"}])
def test_what_makes_no_sense_is_refused_and_breaks_nothing(event_type: str, subject: dict[str, Any]) -> None:
    try:
        assert news(event_type, subject).kind is PaymentNewsKind.OTHER
    except ValueError as error:
        assert "not an event" in str(error)


def test_whoever_sets_the_endpoint_up_is_told_every_event() -> None:
    told = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
    assert [it for it in EVENTS if f"`{it}`" not in told] == []
