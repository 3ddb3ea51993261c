"""Refunds of a session: no more than was paid, once under a key, and of each rate no more than was charged."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.charging.refund_events import Refunded, RefundFailed, RefundRefused, RefundsPlanned, told_of
from chalicelib.domain.charging.refunds import Refund, RefundStatus
from chalicelib.domain.charging.session import Origin, Payment, Session, State
from chalicelib.domain.charging.transitions import SessionEvent, apply
from chalicelib.domain.pricing.bill import Bill, total
from chalicelib.domain.pricing.rating import planned, price
from chalicelib.domain.pricing.tariff import Element, PriceComponent, Priced, Tariff, simple_elements
from tests.domain.pricing.test_price_bounds import billed, tariffs

AT = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
TARIFF = Tariff(
    tariff_id="t", operator_id="op", name="T", currency="EUR", elements=simple_elements(per_kwh=Decimal("0.45"))
)


def paid(bill: Bill) -> Session:
    return Session(
        session_id="K1",
        operator_id="op",
        site_id="s",
        charger_id="c",
        connector=ConnectorId(1),
        origin=Origin.APP,
        token="K1",
        driver_id="d",
        tariff=TARIFF,
        created_at=AT,
        state=State.COMPLETED,
        bill=bill,
        payment=Payment(bill.total_minor, AT),
    )


def of(amount_minor: int, key: str = "a", payment_id: str = "pi_1") -> Refund:
    return Refund(payment_id=payment_id, key=key, amount_minor=amount_minor, at=AT)


def after(session: Session, *events: SessionEvent) -> Session:
    for event in events:
        session = apply(session, event)
    return session


@given(tariffs(), st.integers(0, 60_000), st.lists(st.integers(1, 3000), max_size=6))
def test_all_refunds_together_give_back_the_bill_and_its_taxes_to_the_cent(
    prices: Tariff, energy_wh: int, amounts: list[int]
) -> None:
    bill = billed(prices, energy_wh)
    session = paid(bill)
    for number, amount_minor in enumerate([*amounts, bill.total_minor]):
        part_minor = min(amount_minor, session.left_to_refund_minor)
        if part_minor:
            refund = of(part_minor, str(number))
            session = after(session, RefundsPlanned((refund,)), Refunded(refund))
    assert (session.refunded_minor, session.left_to_refund_minor) == (bill.total_minor, 0)
    back: Counter[Decimal] = Counter()
    for made in session.refunds:
        assert sum(it.gross_minor for it in made.taxes) == made.amount_minor
        assert min(min(it.net_minor, it.amount_minor) for it in made.taxes) >= 0
        back.update({it.percent: it.amount_minor for it in made.taxes})
    assert {rate: it for rate, it in back.items() if rate} == {
        it.percent: it.amount_minor for it in bill.taxes if it.gross_minor
    }
    assert [it.number for it in session.refunds] == list(range(1, len(session.refunds) + 1))


BILL = price(
    Tariff(
        tariff_id="t",
        operator_id="op",
        name="T",
        currency="EUR",
        elements=(Element((PriceComponent(Priced.ENERGY, Decimal(1), Decimal(19)),)),),
    ),
    planned(AT, 10_000, 3600),
    "UTC",
)


def test_no_more_is_planned_than_is_left_and_once_under_a_key() -> None:
    session = after(paid(BILL), RefundsPlanned((of(1000),)))
    assert session.left_to_refund_minor == 190
    assert after(session, RefundsPlanned((of(50),))) is session
    assert after(session, RefundsPlanned((of(191, "b"),))) is session
    assert after(session, RefundRefused("pi_1/a")).left_to_refund_minor == 1190


def test_a_refund_is_done_once_and_undone_once_in_whatever_order_it_is_told() -> None:
    made, failed = Refunded(of(119)), RefundFailed(of(119))
    assert after(paid(BILL), made, made).refunded_minor == 119
    assert after(paid(BILL), made, failed, failed, made).refunded_minor == 0
    early = after(paid(BILL), failed, made)
    assert (early.refunded_minor, early.left_to_refund_minor, early.refunds[0].status) == (0, 1190, RefundStatus.FAILED)


def test_a_driver_is_told_of_each_refund_and_of_each_that_came_back() -> None:
    before = paid(BILL)
    one = after(before, Refunded(of(100)))
    two = after(one, Refunded(of(100, "b")))
    assert [(it.number, has_failed) for it, has_failed in told_of(before, two)] == [(1, False), (2, False)]
    assert [(it.number, has_failed) for it, has_failed in told_of(two, after(two, RefundFailed(of(100, "b"))))] == [
        (2, True)
    ]


def test_what_went_back_before_refunds_were_noted_is_not_given_back_again() -> None:
    session = replace(paid(BILL), refunded_minor=600)
    assert session.left_to_refund_minor == 590
    done = after(session, RefundsPlanned((of(590),)), Refunded(of(590)))
    assert (done.refunded_minor, done.left_to_refund_minor, done.refunds[0].tax_minor) == (1190, 0, 94)


def test_an_empty_bill_has_nothing_to_give_back() -> None:
    assert paid(total(TARIFF, [], is_charge=False)).left_to_refund_minor == 0
