"""A wallet's own rules, for whatever is paid in, set aside, settled, paid out, and taken by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.money.ledger import Book, Transfer, balances, escrow_minor, wallet_account
from chalicelib.domain.money.wallet import (
    AutoTopUp,
    Overdrawn,
    PayOut,
    TopUp,
    TopUpRefused,
    TopUpState,
    Wallet,
    check_auto,
    check_top_up,
    fee_minor,
    month_of,
    pay_out_parts,
    refill_failed,
    refill_minor,
    refilling,
    top_up_id_for,
    wallet_of,
)
from chalicelib.domain.money.wallet_books import WalletBook
from chalicelib.domain.pricing.bill import Bill

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
AMOUNTS = st.integers(0, 10**6)
CURRENCIES = st.sampled_from(["EUR", "CZK", "JPY", "KWD"])
PURSE = Wallet(driver_id="d", currency="EUR")


def paid_in(amount_minor: int, number: int, gone_minor: int = 0) -> TopUp:
    return TopUp(
        top_up_id=top_up_id_for("d", "EUR", str(number)),
        driver_id="d",
        currency="EUR",
        amount_minor=amount_minor,
        at=NOON + timedelta(minutes=number),
        state=TopUpState.CREDITED,
        payment_id=f"pi_{number}",
        gone_minor=gone_minor,
    )


@given(AMOUNTS, st.integers(-(10**6), 10**6))
def test_a_balance_is_never_negative(balance_minor: int, by_minor: int) -> None:
    wallet = replace(PURSE, balance_minor=balance_minor)
    if balance_minor + by_minor < 0:
        with pytest.raises(Overdrawn):
            wallet.moved(by_minor)
    else:
        assert wallet.moved(by_minor).balance_minor == balance_minor + by_minor


@given(st.uuids().map(str) | st.from_regex(r"[A-Za-z0-9-]{1,40}", fullmatch=True), CURRENCIES, st.text())
def test_a_top_ups_name_says_whose_it_is(driver_id: str, currency: str, key: str) -> None:
    name = top_up_id_for(driver_id, currency, key)
    assert name == top_up_id_for(driver_id, currency, key)
    assert wallet_of(name) == (driver_id, currency)


@pytest.mark.parametrize("name", ["", "topup", "topup-", "topup-d-EUR", "topup-d-EUR-short", "KAAAAAAAAAAAAAAAAA"])
def test_other_names_are_of_no_wallet(name: str) -> None:
    assert wallet_of(name) is None


@given(st.lists(st.tuples(AMOUNTS, AMOUNTS), max_size=6), AMOUNTS)
def test_a_pay_out_is_spread_over_what_came_and_has_not_gone(paid: list[tuple[int, int]], wanted_minor: int) -> None:
    top_ups = [paid_in(amount, number, min(amount, gone)) for number, (amount, gone) in enumerate(paid)]
    left = {it.top_up_id: it.left_minor for it in top_ups}
    if wanted_minor > sum(left.values()):
        with pytest.raises(Overdrawn):
            pay_out_parts(top_ups, wanted_minor)
        return
    parts = pay_out_parts(top_ups, wanted_minor)
    assert sum(it.amount_minor for it in parts) == wanted_minor
    assert all(0 < it.amount_minor <= left[it.top_up_id] for it in parts)
    assert PayOut(pay_out_id="p", driver_id="d", currency="EUR", parts=parts, at=NOON).left == parts


@given(
    st.lists(
        st.tuples(st.sampled_from(["want", "credit", "fail", "spend", "month"]), st.integers(0, 5_000)), max_size=30
    ),
    st.builds(
        AutoTopUp,
        threshold_minor=st.integers(0, 5_000),
        amount_minor=st.integers(50, 5_000),
        monthly_cap_minor=st.integers(0, 12_000),
    ),
)
def test_what_is_taken_by_itself_stays_within_the_cap_of_each_month(
    steps: list[tuple[str, int]], auto: AutoTopUp
) -> None:
    """Whatever is declined, heard late, or wanted; one at a time."""
    wallet, at = replace(PURSE, auto=auto), NOON
    asked: dict[str, int] = {}
    open_one: TopUp | None = None
    for step, amount_minor in steps:
        at += timedelta(days=20 if step == "month" else 0, minutes=1)
        if step == "want" and (taken := refill_minor(wallet, amount_minor, at)):
            wallet = refilling(wallet, taken, at)
            open_one = replace(paid_in(taken, 0), top_up_id=wallet.pending, at=at)
            asked[month_of(at)] = asked.get(month_of(at), 0) + taken
        elif step == "credit" and open_one is not None:
            wallet, open_one = replace(wallet.moved(open_one.amount_minor), pending=""), None
        elif step == "fail" and open_one is not None:
            asked[month_of(open_one.at)] -= open_one.amount_minor
            wallet, open_one = refill_failed(wallet, open_one, at), None
        elif step == "spend":
            wallet = wallet.moved(-min(amount_minor, wallet.balance_minor))
        assert all(it <= auto.monthly_cap_minor for it in asked.values())
        assert open_one is None or wallet.pending


def test_nothing_is_taken_by_itself_where_nobody_said_so() -> None:
    assert refill_minor(PURSE, 10_000, NOON) == 0


@pytest.mark.parametrize(
    ("auto", "is_good"),
    [((500, 2_000, 6_000), True), ((0, 49, 6_000), False), ((0, 2_000, 1_999), False), ((39_000, 2_000, 6_000), False)],
)
def test_a_rule_must_be_one_that_a_card_can_carry_out(auto: tuple[int, int, int], is_good: bool) -> None:
    rule = AutoTopUp(threshold_minor=auto[0], amount_minor=auto[1], monthly_cap_minor=auto[2])
    if is_good:
        check_auto(rule, "EUR", NOON.date())
    else:
        with pytest.raises(TopUpRefused):
            check_auto(rule, "EUR", NOON.date())


def test_no_card_is_charged_parts_of_its_smallest_step() -> None:
    with pytest.raises(TopUpRefused, match="in its steps"):
        check_top_up(replace(PURSE, currency="KWD"), 5_001, NOON.date())


@given(AMOUNTS, AMOUNTS, AMOUNTS, st.integers(0, 1000), st.integers(0, 100))
def test_a_settlement_sums_to_zero_and_leaves_no_escrow(
    net_minor: int, tax_minor: int, rest_minor: int, permille: int, percent_paid: int
) -> None:
    bill = Bill(
        currency="EUR",
        lines=(),
        net_minor=net_minor,
        taxes=(),
        tax_minor=tax_minor,
        total_minor=net_minor + tax_minor,
    )
    paid_minor = bill.total_minor * percent_paid // 100
    book = Book("S", "op", "d", "EUR")
    fee = fee_minor(bill, paid_minor, permille)
    assert 0 <= fee <= net_minor
    transfers: list[Transfer] = [
        WalletBook("issuer", "topup-d-EUR-x", "d", "EUR").top_up("pi", paid_minor + rest_minor, NOON),
        book.escrowed(paid_minor + rest_minor, paid_minor + rest_minor, NOON),
        book.escrow_settled(paid_minor, NOON),
        *book.sale(bill, NOON),
        book.escrow_returned(rest_minor, NOON),
        book.fee("issuer", fee, NOON),
    ]
    found = balances(transfers)
    assert sum(found.values()) == 0
    assert found["escrow/S", "EUR"] == escrow_minor(transfers) == 0
    assert found[wallet_account("d"), "EUR"] == -rest_minor
    assert found["driver/d", "EUR"] == bill.total_minor - paid_minor
