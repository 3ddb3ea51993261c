"""Invoices that nobody asks for: each session's, or one a month; issued once, whatever dies, and credited by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pynamodb.exceptions import UpdateError

from chalicelib.adapters.money.invoice_runs import DynamoInvoiceRuns
from chalicelib.domain.money.invoice import Invoice, InvoiceType
from chalicelib.domain.money.party import Business, Invoicing
from chalicelib.domain.money.receipt import Profile
from chalicelib.domain.notifications import NotificationKind
from chalicelib.domain.pricing.tariff import simple_elements
from chalicelib.records.money import InvoiceRun
from chalicelib.records.parts import Part
from chalicelib.services.access import Refusal
from chalicelib.services.money import invoice_desk
from tests.services.conftest import TARIFF, Kit
from tests.services.money.test_money import Run

TAXED = replace(TARIFF, elements=simple_elements(per_kwh=Decimal("0.45"), tax_percent=Decimal(19)))
ACME = Business(name="Acme Ltd", address="Road 1\n1010 Wien", vat_id="ATU12345678", invoicing=Invoicing.MONTHLY)
SELLER = Profile(legal_name="Ladenetz GmbH", address="Kai 7\n20457 Hamburg", country="DE", tax_id="DE123456789")
FIRST = "KAAAAAAAAAAAAAAAAAAA"
NEXT_MONTH = datetime(2026, 12, 3, 12, tzinfo=UTC)


def charge_for(kit: Kit, business: Business | None) -> None:
    kit.drivers.change("driver-1", lambda it: replace(it, business=business))


@pytest.fixture
def paid(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A session of 5.36 that is paid for, of a business that wants an invoice a month."""
    monkeypatch.setattr("tests.services.conftest.TARIFF", TAXED)
    kit.operator_profiles.put("op", SELLER)
    run = Run(kit)
    charge_for(kit, ACME)
    return run.begun().ended().confirmed()


def also(run: Run, session_id: str, **changes: Any) -> str:
    """Another session like it, with its receipt."""
    session = replace(run.session, session_id=session_id, **changes)
    run.kit.sessions.add(session)
    run.kit.issued_receipts.issue(session)
    return session_id


def papers(kit: Kit) -> Sequence[Invoice]:
    return kit.invoices.page("op", "", 100)


def sessions_on(it: Invoice) -> set[str]:
    return {line.session_id for line in it.draft.lines}


def test_a_month_of_sessions_has_one_invoice_once_it_is_over(paid: Run) -> None:
    kit, other = paid.kit, also(paid, "KB")
    assert kit.invoice_desk.issue_due() == 0
    kit.clock.now = NEXT_MONTH
    assert kit.invoice_desk.issue_due() == 1
    (invoice,) = papers(kit)
    assert sessions_on(invoice) == {FIRST, other}
    assert (invoice.draft.total_minor, invoice.draft.due_minor) == (2 * 536, 0)
    assert invoice.draft.buyer.name == "Acme Ltd"
    kinds = [it.kind for it in kit.notifications.page("driver-1", 100, None)[0]]
    assert kinds.count(NotificationKind.INVOICE_ISSUED) == 1
    # Nothing is due any more, and each session finds its paper.
    assert kit.invoice_desk.issue_due() == 0
    assert kit.issued_invoices.papers(paid.session) == [invoice]
    receipt = kit.issued_receipts.get(FIRST)
    assert receipt is not None
    assert kit.issued_invoices.issue(paid.session, receipt) == [invoice]


def test_each_session_has_its_own_where_its_business_wants_that(paid: Run) -> None:
    kit = paid.kit
    charge_for(kit, replace(ACME, invoicing=Invoicing.EACH_SESSION))
    other = also(paid, "KB")
    assert kit.invoice_desk.issue_due() == 1
    (invoice,) = papers(kit)
    assert sessions_on(invoice) == {other}


@pytest.mark.parametrize("business", [None, replace(ACME, invoicing=Invoicing.ON_REQUEST)])
def test_whoever_did_not_ask_for_any_has_none(paid: Run, business: Business | None) -> None:
    kit = paid.kit
    charge_for(kit, business)
    also(paid, "KB")
    charge_for(kit, ACME)
    kit.clock.now = NEXT_MONTH
    kit.invoice_desk.issue_due()
    assert [sessions_on(it) for it in papers(kit)] == [{FIRST}]


def test_a_session_that_comes_with_the_months_has_none_of_its_own(paid: Run) -> None:
    kit = paid.kit
    receipt = kit.issued_receipts.get(FIRST)
    assert receipt is not None
    with pytest.raises(Refusal) as refused:
        kit.issued_invoices.issue(paid.session, receipt)
    assert refused.value.code == "invoice_comes"


def test_one_that_has_an_invoice_is_in_no_months(paid: Run) -> None:
    kit = paid.kit
    charge_for(kit, replace(ACME, invoicing=Invoicing.ON_REQUEST))
    other = also(paid, "KB")
    receipt = kit.issued_receipts.get(other)
    assert receipt is not None
    (own,) = kit.issued_invoices.issue(kit.session(other), receipt)
    charge_for(kit, ACME)
    kit.issued_receipts.issue(kit.session(other))
    kit.clock.now = NEXT_MONTH
    kit.invoice_desk.issue_due()
    assert [sessions_on(it) for it in papers(kit)] == [{other}, {FIRST}]
    assert kit.issued_invoices.papers(kit.session(other)) == [own]


def test_what_goes_back_has_a_credit_note_by_itself_before_or_after_its_invoice(paid: Run) -> None:
    kit = paid.kit
    kit.refunds.refund("op", FIRST, 100, "early")
    kit.clock.now = NEXT_MONTH
    kit.invoice_desk.issue_due()
    invoice, note = papers(kit)
    assert (note.draft.type, note.draft.total_minor) == (InvoiceType.CREDIT_NOTE, 100)
    kit.refunds.refund("op", FIRST, 50, "late")
    assert kit.invoice_desk.issue_due() == 1
    _, _, second = papers(kit)
    assert second.draft.of is not None
    assert (second.draft.total_minor, second.draft.of.number) == (50, invoice.number)
    assert [it.number for it in papers(kit)] == ["2026-0000001", "2026-0000002", "2026-0000003"]
    assert kit.invoice_desk.issue_due() == 0


def test_what_goes_back_while_its_invoice_is_issued_has_its_credit_note(
    paid: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = paid.kit
    kit.clock.now = NEXT_MONTH
    invoiced = DynamoInvoiceRuns.invoiced

    def too_late(self: DynamoInvoiceRuns, it: InvoiceRun, session_id: str, number: str) -> None:
        # Read as it was before, and not yet known to be invoiced.
        kit.refunds.refund("op", FIRST, 100, "meanwhile")
        invoiced(self, it, session_id, number)

    monkeypatch.setattr(DynamoInvoiceRuns, "invoiced", too_late)
    assert kit.invoice_desk.issue_due() == 1
    assert [it.draft.type for it in papers(kit)] == [InvoiceType.INVOICE, InvoiceType.CREDIT_NOTE]


def test_what_is_not_paid_yet_comes_with_the_next_months(paid: Run) -> None:
    kit = paid.kit
    payment = paid.session.payment
    assert payment is not None
    owed = also(paid, "KB", payment=replace(payment, amount_minor=1))
    kit.clock.now = NEXT_MONTH
    kit.invoice_desk.issue_due()
    assert [sessions_on(it) for it in papers(kit)] == [{FIRST}]
    kit.sessions.save(kit.session(owed), replace(kit.session(owed), payment=payment))
    kit.clock.now = NEXT_MONTH.replace(year=2027, month=1)
    kit.invoice_desk.issue_due()
    assert [sessions_on(it) for it in papers(kit)] == [{FIRST}, {owed}]


def test_what_is_missing_is_waited_for_and_then_given_up(paid: Run) -> None:
    kit = paid.kit
    charge_for(kit, replace(ACME, address="somewhere"))
    kit.clock.now = NEXT_MONTH
    assert kit.invoice_desk.issue_due() == 0
    assert kit.invoice_desk.issue_due() == 0
    charge_for(kit, ACME)
    assert papers(kit) == []
    kit.clock.advance(days=1)
    assert kit.invoice_desk.issue_due() == 1
    assert len(papers(kit)) == 1


def test_a_month_that_cannot_be_invoiced_is_not_tried_for_ever(paid: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    kit = paid.kit
    charge_for(kit, None)
    monkeypatch.setattr(invoice_desk, "_MOST_ATTEMPTS", 2)
    kit.clock.now = NEXT_MONTH
    for _ in range(2):
        kit.invoice_desk.issue_due()
        kit.clock.advance(days=1)
    assert list(kit.invoice_runs.due(kit.clock())) == []
    # Nothing comes by itself any more: once it can be issued, whoever asks has it.
    charge_for(kit, ACME)
    receipt = kit.issued_receipts.get(FIRST)
    assert receipt is not None
    for _ in range(2):
        (invoice,) = kit.issued_invoices.issue(paid.session, receipt)
        assert papers(kit) == [invoice]


@pytest.mark.parametrize("dies_after", [0, 1, 2])
def test_whoever_dies_on_the_way_is_gone_on_from_and_no_number_is_given_twice(
    paid: Run, monkeypatch: pytest.MonkeyPatch, dies_after: int
) -> None:
    kit, others = paid.kit, [also(paid, "KB"), also(paid, "KC")]
    kit.clock.now = NEXT_MONTH
    left = [dies_after]
    invoiced = DynamoInvoiceRuns.invoiced

    def dying(self: DynamoInvoiceRuns, it: InvoiceRun, session_id: str, number: str) -> None:
        if not left[0]:
            raise UpdateError("gone")
        left[0] -= 1
        invoiced(self, it, session_id, number)

    monkeypatch.setattr(DynamoInvoiceRuns, "invoiced", dying)
    assert kit.invoice_desk.issue_due() == 0
    monkeypatch.undo()
    assert kit.invoice_desk.issue_due() == 1
    (invoice,) = papers(kit)
    assert sessions_on(invoice) == {FIRST, *others}
    for session_id in (FIRST, *others):
        assert kit.issued_invoices.papers(kit.session(session_id)) == [invoice]


def test_more_than_a_paper_holds_are_several_papers(paid: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    kit, others = paid.kit, {also(paid, f"KB{number}") for number in range(4)}
    monkeypatch.setattr(invoice_desk, "MOST_SESSIONS", 2)
    kit.clock.now = NEXT_MONTH
    assert kit.invoice_desk.issue_due() == 1
    found = [sessions_on(it) for it in papers(kit)]
    assert sorted(map(len, found)) == [1, 2, 2]
    assert set().union(*found) == {FIRST, *others}


def test_the_ends_of_months_are_spread_over_a_day_and_over_shards(paid: Run) -> None:
    kit = paid.kit
    receipt = kit.issued_receipts.get(FIRST)
    assert receipt is not None
    runs = [kit.invoice_collection.month_of(replace(paid.session, driver_id=f"d{it}"), receipt) for it in range(200)]
    times = [due_at for _, due_at in runs]
    assert min(times) >= datetime(2026, 12, 2, 12, tzinfo=UTC)
    assert timedelta(hours=20) < max(times) - min(times) < timedelta(days=1)
    # Each is a write to the store: some are as good as all.
    for number, (run, due_at) in enumerate(runs[:60]):
        kit.invoice_runs.collect("op", run, f"K{number}", due_at)
    found = [list(kit.invoice_runs.due(NEXT_MONTH + timedelta(days=2), shard)) for shard in range(8)]
    assert all(found)
    assert sum(map(len, found)) == 61


def test_a_part_stops_when_its_time_is_up(paid: Run) -> None:
    kit = paid.kit
    kit.clock.now = NEXT_MONTH
    assert kit.invoice_desk.issue_due(Part(None, NEXT_MONTH)) == 0
    assert papers(kit) == []


def test_a_driver_finds_all_their_papers_each_once_a_page_at_a_time(paid: Run) -> None:
    kit, other = paid.kit, also(paid, "KB")
    kit.clock.now = NEXT_MONTH
    kit.invoice_desk.issue_due()
    kit.refunds.refund("op", FIRST, 119, "sorry")
    kit.invoice_desk.issue_due()
    also(paid, "KC", organisation_id="fleet")
    found: list[tuple[str, str]] = []
    cursor: str | None = None
    for _ in range(3):
        page, cursor = kit.invoice_lists.of_driver("driver-1", 1, cursor)
        found += [(session.session_id, it.number) for session, it in page]
    assert cursor is None
    assert sorted(found) == sorted((FIRST, it.number) for it in papers(kit))
    assert len(found) == 2
    assert other
    assert kit.invoice_lists.of_driver("driver-2", 20, None) == ([], None)
