"""Refunds by an operator and in Stripe's dashboard: each once, whole, booked in pairs, told of, and never lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from chalicelib.domain.access.rights import RefundCap
from chalicelib.domain.charging.session import Session
from chalicelib.domain.money.ledger import balances, unpaired
from chalicelib.domain.pricing.tariff import simple_elements
from chalicelib.records import Conflict
from chalicelib.records.drivers import Driver
from chalicelib.records.money import (
    PaymentNews,
    PaymentNewsKind,
    PaymentsUnavailable,
    PaymentUnderWay,
    ProviderRefund,
)
from chalicelib.services.access import Refusal
from chalicelib.services.money.refunds import Capped
from tests.services.conftest import TARIFF, Kit
from tests.services.money.test_money import Run

TAXED = replace(TARIFF, elements=simple_elements(per_kwh=Decimal("0.45"), tax_percent=Decimal(19)))


@pytest.fixture
def paid(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A session of 5.36, paid."""
    monkeypatch.setattr("tests.services.conftest.TARIFF", TAXED)
    return Run(kit).begun().ended().confirmed()


def refund(run: Run, amount_minor: int | None, key: str) -> Session:
    return run.kit.refunds.refund("op", run.session_id, amount_minor, key)


def hear(run: Run, kind: PaymentNewsKind = PaymentNewsKind.REFUNDED, *refunds: ProviderRefund, **more: Any) -> None:
    news = PaymentNews(event_id="e", kind=kind, payment_id=f"pi_{run.session_id}", refunds=refunds, **more)
    run.kit.payment_webhooks.receive(news)


def in_pairs(run: Run) -> bool:
    entries = run.kit.ledger.of_session(run.session_id)
    return not unpaired(entries) and sum(balances(entries).values()) == 0


def kinds(run: Run) -> Sequence[str]:
    notices, _ = run.kit.notifications.page("driver-1", 20, None)
    return [it.notice_id.removeprefix(f"{run.session_id}-") for it in notices if it.kind.startswith("refund")]


@pytest.mark.parametrize(("one", "other"), [("a/x", "x"), ("pi_1/x", "x"), ("x", "a/x"), ("late-end", "end")])
def test_a_key_is_compared_whole(paid: Run, one: str, other: str) -> None:
    refund(paid, 100, one)
    assert refund(paid, 50, other).refunded_minor == 150
    assert sum(paid.money.refunded.values()) == 150
    assert in_pairs(paid)


def test_whoever_has_a_cap_gives_back_no_more_at_a_time_and_in_a_day(paid: Run) -> None:
    sue, sam = (Capped(it, RefundCap(once_eur=Decimal(2), a_day_eur=Decimal(3))) for it in ("sue", "sam"))

    def give(amount_minor: int | None, key: str, by: Capped) -> Session:
        return paid.kit.refunds.refund("op", paid.session_id, amount_minor, key, by)

    for amount_minor in (201, None):
        with pytest.raises(Refusal) as refused:
            give(amount_minor, "much", sue)
        assert refused.value.code == "refund_above_cap"
    give(200, "a", sue)
    # Again is the same, and counts once; so does what was refused for another reason not at all.
    give(200, "a", sue)
    with pytest.raises(Refusal) as refused:
        give(100_000, "x", sue)
    assert refused.value.code == "refund_too_large"
    with pytest.raises(Refusal) as refused:
        give(101, "b", sue)
    assert refused.value.code == "refund_above_cap"
    assert give(100, "c", sue).refunded_minor == 300
    with pytest.raises(Refusal):
        give(1, "d", sue)
    assert give(1, "e", sam).refunded_minor == 301
    paid.kit.clock.advance(days=1)
    assert give(1, "f", sue).refunded_minor == 302
    assert in_pairs(paid)


def test_another_amount_under_the_same_key_is_an_error(paid: Run) -> None:
    refund(paid, 50, "k")
    for other in (120, 49, None):
        with pytest.raises(Refusal, match="refund of 50") as refused:
            refund(paid, other, "k")
        assert refused.value.code == "idempotency_key_reused"
    assert paid.session.refunded_minor == 50


def test_all_that_is_left_is_the_same_when_it_is_asked_for_again(paid: Run) -> None:
    refund(paid, 100, "a")
    assert refund(paid, None, "rest").refunded_minor == refund(paid, None, "rest").refunded_minor == 536
    assert refund(paid, 436, "rest").refunded_minor == 536


def test_a_refund_that_died_half_way_goes_on_under_its_key(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(kit).begun().ended(200_000).confirmed()
    made = run.money.refund

    def dies_at_the_second(session: Session, payment_id: str, amount_minor: int, key: str) -> str:
        if run.money.refunded:
            raise PaymentsUnavailable("away")
        return made(session, payment_id, amount_minor, key)

    with monkeypatch.context() as patched:
        patched.setattr(run.money, "refund", dies_at_the_second)
        with pytest.raises(PaymentsUnavailable):
            refund(run, 8000, "a")
    with pytest.raises(Refusal, match="are left"):
        refund(run, 1001, "b")
    assert refund(run, 8000, "a").refunded_minor == 8000
    assert sorted(run.money.refunded.values()) == [3000, 5000]
    assert in_pairs(run)


def test_what_another_request_is_doing_is_a_conflict(paid: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> str:
        raise PaymentUnderWay("busy")

    monkeypatch.setattr(paid.money, "refund", busy)
    with pytest.raises(Conflict):
        refund(paid, 100, "a")


def test_a_refund_that_the_provider_refuses_leaves_all_as_it_was(paid: Run) -> None:
    paid.money.declines = True
    with pytest.raises(Refusal, match="declined"):
        refund(paid, 100, "a")
    paid.money.declines = False
    assert refund(paid, 536, "a").refunded_minor == 536


def test_a_refund_made_in_the_dashboard_is_booked_once_and_told(paid: Run) -> None:
    for _ in range(2):
        hear(paid, PaymentNewsKind.REFUNDED, ProviderRefund(refund_id="re_1", amount_minor=119))
    assert (paid.session.refunded_minor, paid.session.refunds[0].tax_minor) == (119, 19)
    assert kinds(paid) == ["refunded-1"]
    assert in_pairs(paid)
    with pytest.raises(Refusal, match="417 are left"):
        refund(paid, 418, "a")
    assert refund(paid, None, "re_1").refunded_minor == 536


def test_our_own_refund_is_known_again_when_the_provider_tells_of_it(paid: Run) -> None:
    refund(paid, 100, "a")
    hear(paid, PaymentNewsKind.REFUNDED, ProviderRefund(refund_id="re_a", amount_minor=100, key="a"))
    assert paid.session.refunded_minor == 100
    assert in_pairs(paid)


MADE = ProviderRefund(refund_id="re_1", amount_minor=200)


@pytest.mark.parametrize("order", list(permutations([MADE, replace(MADE, is_failed=True), MADE])))
def test_a_refund_that_fails_is_undone_in_whatever_order_it_is_told(
    paid: Run, order: tuple[ProviderRefund, ...]
) -> None:
    for told in order:
        hear(paid, PaymentNewsKind.REFUNDED, told)
    assert (paid.session.refunded_minor, paid.session.left_to_refund_minor) == (0, 536)
    assert in_pairs(paid)


def test_a_refund_of_ours_that_failed_is_asked_for_under_another_key(paid: Run) -> None:
    refund(paid, 100, "a")
    hear(paid, PaymentNewsKind.REFUNDED, ProviderRefund(refund_id="re_a", amount_minor=100, key="a", is_failed=True))
    with pytest.raises(Refusal, match="another key"):
        refund(paid, 100, "a")
    assert refund(paid, 100, "b").refunded_minor == 100
    assert sorted(kinds(paid)) == ["refund_failed-1", "refunded-1", "refunded-2"]


def test_what_is_told_without_its_refunds_is_asked_for(paid: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paid.money, "refunds_of", lambda payment_id: [MADE], raising=False)
    hear(paid)
    assert paid.session.refunded_minor == 200


def test_more_than_was_taken_never_goes_back(paid: Run) -> None:
    hear(paid, PaymentNewsKind.REFUNDED, ProviderRefund(refund_id="re_1", amount_minor=4464))
    assert paid.session.refunded_minor == 0
    assert in_pairs(paid)


DISPUTES = (PaymentNewsKind.DISPUTE_OPENED, PaymentNewsKind.DISPUTED, PaymentNewsKind.DISPUTE_LOST)


@pytest.mark.parametrize("order", list(permutations(DISPUTES)))
def test_a_dispute_that_is_lost_is_the_operators_loss_however_it_is_told(
    paid: Run, order: tuple[PaymentNewsKind, ...]
) -> None:
    for kind in (*order, *order):
        hear(paid, kind, amount_minor=536, detail={"dispute_id": "dp_1"})
    found = balances(paid.kit.ledger.of_session(paid.session_id))
    assert (found["charged_back/op", "EUR"], found["disputed/op", "EUR"]) == (536, 0)
    assert in_pairs(paid)


@pytest.mark.parametrize("order", list(permutations((PaymentNewsKind.DISPUTE_WON, PaymentNewsKind.DISPUTE_LOST))))
def test_a_dispute_that_is_won_is_won_whatever_was_said_of_it(paid: Run, order: tuple[PaymentNewsKind, ...]) -> None:
    for kind in (*order, *order):
        hear(paid, kind, amount_minor=536, detail={"dispute_id": "dp_1"})
    found = balances(paid.kit.ledger.of_session(paid.session_id))
    assert found.get(("charged_back/op", "EUR"), 0) == found["disputed/op", "EUR"] == 0
    assert in_pairs(paid)


def test_notes_of_all_refunds_come_to_the_bill_in_the_drivers_language(paid: Run) -> None:
    driver = paid.kit.drivers.get("driver-1")
    assert isinstance(driver, Driver)
    refund(paid, 100, "a")
    refund(paid, None, "b")
    notes = paid.kit.issued_receipts.notes(paid.session)
    assert [it.number for it in notes] == [f"C-{paid.session_id}-1", f"C-{paid.session_id}-2"]
    assert sum(it.refund.tax_minor for it in notes) == 86
    assert sum(it.net_minor for it in notes) == 450
