"""A transaction's facts stand by first word, in whatever order they come; what nobody claims is found again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.adapters.charging.transactions import DynamoTransactions
from chalicelib.domain.chargers.events import ConnectorId, StopReason
from chalicelib.records.charging import Transaction
from tests.adapters.conftest import NOW, race

pytestmark = pytest.mark.usefixtures("tables")

STARTED = Transaction(
    charger_id="CP-1", ref="17", connector=ConnectorId(2, 3), token="TAG", started_at=NOW, meter_start_wh=1000
)
STOPPED = Transaction(
    charger_id="CP-1",
    ref="17",
    stopped_at=NOW + timedelta(hours=1),
    meter_stop_wh=9000,
    stop_reason=StopReason.CAR_LEFT,
)
WHOLE = replace(
    STARTED, stopped_at=STOPPED.stopped_at, meter_stop_wh=STOPPED.meter_stop_wh, stop_reason=STOPPED.stop_reason
)


@pytest.mark.parametrize("order", [(STARTED, STOPPED), (STOPPED, STARTED), (STARTED, STOPPED, STARTED, STOPPED)])
def test_facts_of_a_transaction_add_up_in_any_order(order: tuple[Transaction, ...]) -> None:
    transactions = DynamoTransactions()
    told = [transactions.record(facts) for facts in order]

    assert told[-1] == WHOLE
    assert transactions.get("CP-1", "17") == WHOLE


def test_the_first_word_on_a_fact_stands() -> None:
    transactions = DynamoTransactions()
    transactions.record(STARTED)
    second = replace(STARTED, connector=ConnectorId(0), token="OTHER", meter_start_wh=0, session_id="session-1")

    assert transactions.record(second) == replace(STARTED, session_id="session-1")
    assert (
        transactions.record(Transaction(charger_id="CP-1", ref="17", session_id="session-2")).session_id == "session-1"
    )


def test_zero_is_a_word_too() -> None:
    transactions = DynamoTransactions()
    transactions.record(Transaction(charger_id="CP-1", ref="17", connector=ConnectorId(0), meter_start_wh=0))

    assert transactions.record(replace(STARTED, token=None)) == replace(
        STARTED, connector=ConnectorId(0), token=None, meter_start_wh=0
    )


def test_telling_nothing_returns_what_is_known() -> None:
    transactions = DynamoTransactions()
    nothing = Transaction(charger_id="CP-1", ref="17")
    assert transactions.record(nothing) == nothing
    transactions.record(STARTED)

    assert transactions.record(nothing) == STARTED


def test_chargers_may_use_the_same_number() -> None:
    transactions = DynamoTransactions()
    transactions.record(STARTED)

    assert transactions.get("CP-2", "17") is None
    assert transactions.get("CP-1", "") is None


def test_of_many_first_words_at_once_one_stands_for_all() -> None:
    transactions = DynamoTransactions()

    heard = race(
        8, lambda number: transactions.record(Transaction(charger_id="CP-1", ref="17", session_id=f"session-{number}"))
    )

    assert len({facts.session_id for facts in heard}) == 1


def test_a_charge_without_a_session_is_listed_until_one_has_it() -> None:
    transactions = DynamoTransactions()
    transactions.record(STARTED)
    transactions.leave_unclaimed("CP-1", "17", NOW)
    transactions.leave_unclaimed("CP-1", "17", NOW + timedelta(hours=1))

    assert list(transactions.unclaimed(NOW)) == []
    assert list(transactions.unclaimed(NOW + timedelta(seconds=1))) == [STARTED]

    transactions.settle_claim("CP-1", "17")
    assert list(transactions.unclaimed(NOW + timedelta(days=1))) == []


def test_a_charge_that_has_a_session_is_never_listed() -> None:
    transactions = DynamoTransactions()
    transactions.record(replace(STARTED, session_id="session-1"))
    transactions.leave_unclaimed("CP-1", "17", NOW)

    assert list(transactions.unclaimed(NOW + timedelta(days=1))) == []


def test_a_name_can_stand_for_another_transaction() -> None:
    transactions = DynamoTransactions()
    transactions.redirect("CP-1", "lost~1", "17")

    assert transactions.get("CP-1", "lost~1") == Transaction(charger_id="CP-1", ref="lost~1", stands_for="17")


def test_each_call_costs_what_it_says(aws_calls: list[str]) -> None:
    transactions = DynamoTransactions()
    transactions.record(STARTED)
    transactions.get("CP-1", "17")

    assert aws_calls == ["UpdateItem", "GetItem"]
