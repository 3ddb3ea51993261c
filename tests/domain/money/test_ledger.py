"""The books: they always sum to zero, and a hold is resolved once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.money.ledger import Book, Transfer, Unbalanced, balances, driver_account, held_minor
from chalicelib.domain.pricing.rating import planned, price
from chalicelib.domain.pricing.tariff import Tariff, simple_elements

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
BOOK = Book("KABC", "op", "d", "EUR")
TARIFF = Tariff(
    tariff_id="t",
    operator_id="op",
    name="Test",
    currency="EUR",
    elements=simple_elements(per_kwh=Decimal("0.45"), tax_percent=Decimal(19)),
)
BILL = price(TARIFF, planned(NOW, 10_000, 3600), "UTC")


def test_a_session_paid_in_full_leaves_the_driver_owing_nothing() -> None:
    books = [BOOK.hold("pi_1", 5000, NOW), *BOOK.sale(BILL, NOW), BOOK.capture("pi_1", BILL.total_minor, NOW)]
    totals = balances(books)
    assert totals[driver_account("d"), "EUR"] == 0
    assert totals["card/op", "EUR"] == BILL.total_minor
    assert held_minor(books) == 0


def test_what_a_hold_does_not_cover_stays_owed_by_the_driver() -> None:
    books = [BOOK.hold("pi_1", 100, NOW), *BOOK.sale(BILL, NOW), BOOK.capture("pi_1", 100, NOW)]
    assert balances(books)[driver_account("d"), "EUR"] == BILL.total_minor - 100


def test_a_hold_alone_moves_no_balance_and_is_seen_as_held() -> None:
    assert balances([BOOK.hold("pi_1", 5000, NOW)]) == {}
    assert held_minor([BOOK.hold("pi_1", 5000, NOW)]) == 5000
    assert held_minor([BOOK.hold("pi_1", 5000, NOW), BOOK.void("pi_1", 5000, NOW)]) == 0


@pytest.mark.parametrize(
    "books",
    [
        [BOOK.hold("pi_1", 100, NOW), BOOK.capture("pi_1", 101, NOW)],
        [BOOK.capture("pi_1", 1, NOW)],
        [BOOK.hold("pi_1", 100, NOW), BOOK.capture("pi_1", 50, NOW), BOOK.void("pi_1", 100, NOW)],
    ],
)
def test_books_that_contradict_themselves_are_refused(books: list[Transfer]) -> None:
    with pytest.raises(Unbalanced):
        held_minor(books)


def test_a_negative_amount_is_refused() -> None:
    with pytest.raises(ValueError, match="never negative"):
        replace(BOOK.hold("pi_1", 1, NOW), amount_minor=-1)


@given(st.lists(st.tuples(st.sampled_from(["EUR", "USD", "JPY"]), st.integers(0, 10**9), st.sampled_from("hsc"))))
def test_the_books_sum_to_zero_in_each_currency(steps: list[tuple[str, int, str]]) -> None:
    transfers: list[Transfer] = []
    for number, (currency, amount_minor, step) in enumerate(steps):
        book = Book(f"K{number}", "op", f"d{number % 3}", currency)
        bill = replace(BILL, net_minor=amount_minor, tax_minor=amount_minor // 5)
        written = {
            "h": (book.hold("pi_1", amount_minor, NOW),),
            "s": book.sale(bill, NOW),
            "c": (book.capture("pi_1", amount_minor, NOW),),
        }
        transfers.extend(written[step])
    sums: Counter[str] = Counter()
    for (_, currency), amount in balances(transfers).items():
        sums[currency] += amount
    assert all(total == 0 for total in sums.values())
