"""Transfers are written once, all or none, and stay as they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.adapters.money.ledger import DynamoLedger
from chalicelib.adapters.tables import LedgerRow
from chalicelib.domain.money.ledger import Book, Transfer, Unbalanced, balances
from chalicelib.domain.pricing.rating import planned, price
from tests.adapters.conftest import NOW, TARIFF, race

pytestmark = pytest.mark.usefixtures("tables")

BOOK = Book("session-1", "op-1", "driver-1", "EUR")
BILL = price(TARIFF, planned(NOW, 12_345, 42 * 60), "UTC")
SALE, TAX = BOOK.sale(BILL, NOW)
HOLD = BOOK.hold("pi_1", 5000, NOW)


def test_transfers_come_back_oldest_first() -> None:
    ledger = DynamoLedger()
    capture = BOOK.capture("pi_1", BILL.total_minor, NOW + timedelta(hours=2))
    ledger.append([capture])
    ledger.append([SALE, TAX])

    transfers = ledger.of_session("session-1")

    assert set(transfers[:2]) == {SALE, TAX}
    assert transfers[2] == capture
    assert sum(balances(transfers).values()) == 0


def test_appending_twice_writes_nothing_new() -> None:
    ledger = DynamoLedger()
    ledger.append([SALE, TAX])
    later = NOW + timedelta(minutes=5)

    ledger.append([replace(SALE, at=later), replace(TAX, at=later)])

    assert set(ledger.of_session("session-1")) == {SALE, TAX}


def test_what_is_missing_is_added_to_what_was_written() -> None:
    ledger = DynamoLedger()
    ledger.append([SALE])

    ledger.append([replace(SALE, at=NOW + timedelta(minutes=5)), TAX])

    assert set(ledger.of_session("session-1")) == {SALE, TAX}


def test_a_transfer_that_contradicts_a_written_one_is_refused_with_all_that_came_with_it() -> None:
    ledger = DynamoLedger()
    ledger.append([SALE])

    with pytest.raises(Unbalanced):
        ledger.append([HOLD, replace(SALE, amount_minor=SALE.amount_minor + 1)])

    assert ledger.of_session("session-1") == [SALE]


def test_nothing_to_append_is_nothing_done(aws_calls: list[str]) -> None:
    DynamoLedger().append([])

    assert aws_calls == []


def test_sessions_keep_their_own_pages() -> None:
    ledger = DynamoLedger()
    other = replace(HOLD, session_id="session-2")
    ledger.append([HOLD])
    ledger.append([other])

    assert ledger.of_session("session-1") == [HOLD]
    assert ledger.of_session("session-2") == [other]
    assert ledger.of_session("session-3") == []


def test_every_row_says_whose_it_is() -> None:
    DynamoLedger().append([SALE, TAX])

    assert {row.operator_id for row in LedgerRow.scan()} == {"op-1"}


def test_many_writers_of_the_same_transfers_write_them_once() -> None:
    ledger = DynamoLedger()

    def append(number: int) -> None:
        at = NOW + timedelta(seconds=number)
        ledger.append([replace(SALE, at=at), replace(TAX, at=at)])

    race(6, append)

    written: list[Transfer] = list(ledger.of_session("session-1"))
    assert len(written) == 2
    assert written[0].at == written[1].at


def test_appending_costs_one_call_and_two_when_part_was_there(aws_calls: list[str]) -> None:
    ledger = DynamoLedger()
    ledger.append([SALE])
    assert aws_calls == ["TransactWriteItems"]
    aws_calls.clear()

    ledger.append([SALE, TAX])
    assert aws_calls == ["TransactWriteItems"] * 2
    aws_calls.clear()

    ledger.append([SALE, TAX])
    ledger.of_session("session-1")
    assert aws_calls == ["TransactWriteItems", "Query"]
