"""A day's books are compared page by page, in whatever process; what differs is found once, however that goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.money.ledger import Book
from chalicelib.records.money import ComparisonStage, Difference, ProviderPayment
from chalicelib.records.parts import Part
from tests.services.conftest import NOW, Kit

DAY = NOW.date()
# The day after, when its books are due.
MORNING = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@dataclass
class Bank:
    """A provider's books, shown a few payments at a time."""

    kit: Kit
    payments: dict[str, ProviderPayment] = field(default_factory=dict)
    day: date = DAY
    pages: int = 0
    seconds: float = 0

    def page(self, since: datetime, until: datetime, after: str) -> tuple[Sequence[ProviderPayment], str]:
        assert (since.date(), until - since) == (self.day, timedelta(days=1))
        self.pages += 1
        self.kit.clock.advance(seconds=self.seconds)
        found = [it for name, it in sorted(self.payments.items()) if name > after][:3]
        return found, found[-1].payment_id if len(found) == 3 else ""


@pytest.fixture
def bank(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> Bank:
    bank = Bank(kit)
    vars(kit)["payments"] = bank
    monkeypatch.setattr("chalicelib.services.money.reconciliation._COMPARED_AT_ONCE", 3)
    monkeypatch.setattr("chalicelib.services.money.reconciliation._LOOKED_THROUGH_AT_ONCE", 3)
    kit.clock.now = MORNING
    return bank


def held(kit: Kit, bank: Bank, session: str, ours: Sequence[int], theirs: Sequence[int]) -> None:
    """A session's holds by our books, and by the provider's, whose names lie far apart."""
    book = Book(session, "op", "driver-1", "EUR")
    kit.ledger.append([book.hold(f"pi_{part}_{session}", amount, NOW) for part, amount in enumerate(ours)])
    for part, amount in enumerate(theirs):
        name = f"pi_{part}_{session}"
        bank.payments[name] = ProviderPayment(
            payment_id=name, session_id=session, currency="EUR", held_minor=amount, taken_minor=0, refunded_minor=0
        )


def differences(kit: Kit, day: date = DAY) -> list[tuple[str, int, int]]:
    return [(it.session_id, it.ours_minor, it.theirs_minor) for it in kit.differences.of("op", day)]


def many(kit: Kit, bank: Bank) -> list[tuple[str, int, int]]:
    """Sessions of which most agree; what does not."""
    for number in range(9):
        held(kit, bank, f"S{number}", [100, 50], [100, 50])
    held(kit, bank, "S2x", [100, 50], [100, 70])
    held(kit, bank, "S5x", [100], [])
    held(kit, bank, "S9x", [100], [90])
    return [("S2x", 150, 170), ("S5x", 100, 0), ("S9x", 100, 90)]


def test_what_differs_is_found_on_whichever_page_it_stands(kit: Kit, bank: Bank) -> None:
    wrong = many(kit, bank)
    assert kit.reconciliation.go_on() == 3
    assert differences(kit) == wrong
    assert kit.reconciliation.go_on() == 0, "a day is compared once"


def test_a_comparison_that_is_cut_short_goes_on_where_it_was(kit: Kit, bank: Bank) -> None:
    wrong = many(kit, bank)
    bank.seconds = 5
    for _ in range(60):
        kit.reconciliation.go_on(Part(ends_at=kit.clock() + timedelta(seconds=2)))
        place = kit.statements.place()
        assert place is not None
        if place.stage is ComparisonStage.DONE:
            break
    assert place is not None
    assert place.stage is ComparisonStage.DONE
    assert bank.pages == len(bank.payments) // 3 + 1, "no page is asked for twice"
    assert differences(kit) == wrong


@pytest.mark.parametrize("after", range(12))
def test_an_invocation_that_dies_anywhere_leaves_the_rest_to_the_next(
    kit: Kit, bank: Bank, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    wrong = many(kit, bank)
    moved, move = 0, kit.statements.move

    def dies(*place: Any) -> bool:
        nonlocal moved
        moved += 1
        if moved == after + 1:
            raise RuntimeError("the process is gone")
        return move(*place)

    monkeypatch.setattr(kit.statements, "move", dies)
    with pytest.raises(RuntimeError):
        kit.reconciliation.go_on()
    kit.reconciliation.go_on()
    assert differences(kit) == wrong


def test_of_two_at_once_one_leaves_it_at_the_page_both_have_done(
    kit: Kit, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = many(kit, bank)
    put, steps = kit.differences.put, 0

    def meanwhile(day: date, found: Sequence[Difference]) -> None:
        nonlocal steps
        steps += 1
        put(day, found)
        if steps == 1:
            kit.reconciliation.go_on()

    monkeypatch.setattr(kit.differences, "put", meanwhile)
    assert kit.reconciliation.go_on() == 0
    assert differences(kit) == wrong
    place = kit.statements.place()
    assert place is not None
    assert (place.day, place.stage) == (DAY, ComparisonStage.DONE)


def test_a_day_is_begun_at_three_and_none_is_left_out(kit: Kit, bank: Bank) -> None:
    kit.clock.now = MORNING - timedelta(seconds=1)
    bank.day = DAY - timedelta(days=1)
    kit.reconciliation.go_on()
    bank.day = DAY
    pages = bank.pages
    assert kit.reconciliation.go_on() == 0
    assert bank.pages == pages
    kit.clock.now = MORNING
    kit.reconciliation.go_on()
    assert bank.pages == pages + 1


def test_days_in_which_nothing_ran_are_made_up_for(kit: Kit, bank: Bank) -> None:
    kit.reconciliation.go_on()
    kit.clock.now = MORNING + timedelta(days=3)
    asked: list[date] = []
    page = bank.page

    def asking(since: datetime, until: datetime, after: str) -> tuple[Sequence[ProviderPayment], str]:
        bank.day = since.date()
        asked.append(bank.day)
        return page(since, until, after)

    bank.page = asking  # type: ignore[method-assign]
    kit.reconciliation.go_on()
    assert asked == [DAY + timedelta(days=number) for number in (1, 2, 3)]


def test_payments_that_name_no_session_are_a_difference_and_end_nothing(kit: Kit, bank: Bank) -> None:
    for number in range(8):
        name = f"pi_{number}"
        bank.payments[name] = ProviderPayment(
            payment_id=name, session_id=None, currency="EUR", held_minor=1, taken_minor=0, refunded_minor=0
        )
    held(kit, bank, "S1", [100], [90])
    assert kit.reconciliation.go_on() > 1
    assert differences(kit) == [("S1", 100, 90)]
