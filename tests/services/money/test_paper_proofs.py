"""An invoice is logged as it is issued, and proven to be what it was, whatever has become of its driver."""

from __future__ import annotations

import json
from dataclasses import replace

import boto3
import pytest

from chalicelib.domain.money.invoice import Invoice
from chalicelib.records.transparency import Leaf
from chalicelib.services.access import Refusal
from chalicelib.services.money.settled import leaf, paper_leaf
from cli.invoice_proof import InvoiceVerdict, is_invoices, is_of, verify_invoice
from cli.proof import Key, Refused, verify
from tests.services.conftest import Kit
from tests.services.money.test_invoice_desk import ACME, NEXT_MONTH, SELLER, TAXED, also, charge_for, papers
from tests.services.money.test_money import Run

__all__ = ["paid"]


class Queue:
    """Keeps what is brought to the log."""

    def __init__(self) -> None:
        self.brought: list[Leaf] = []

    def put(self, leaf: Leaf) -> None:
        self.brought.append(leaf)


@pytest.fixture
def queue(kit: Kit) -> Queue:
    """The log's queue, as far as invoices go."""
    boto3.client("s3").create_bucket(Bucket="the-log")
    found = Queue()
    settled = replace(kit.settled_charges, queue=found)  # type: ignore[arg-type]
    kit.invoice_desk.issued.__dict__["settled"] = settled
    return found


@pytest.fixture
def paid(kit: Kit, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A session that is paid for, of a business that wants an invoice a month."""
    monkeypatch.setattr("tests.services.conftest.TARIFF", TAXED)
    kit.operator_profiles.put("op", SELLER)
    run = Run(kit)
    charge_for(kit, ACME)
    return run.begun().ended().confirmed()


def _month(run: Run) -> Invoice:
    run.kit.clock.now = NEXT_MONTH
    assert run.kit.invoice_desk.issue_due() == 1
    return papers(run.kit)[-1]


def _key(run: Run) -> Key:
    return Key.parse(run.kit.transparency_log.key.vkey)


def _verified(run: Run, text: str) -> InvoiceVerdict:
    assert is_invoices(text)
    return verify_invoice(text, _key(run))


def _logged(run: Run, *leaves: Leaf) -> None:
    run.kit.transparency_log.append(leaves)


def _charges(run: Run, *session_ids: str) -> list[Leaf]:
    """What is logged of charges."""
    receipts = {it: run.kit.issued_receipts.get(it) for it in session_ids}
    return [leaf(run.kit.session(it), receipt) for it, receipt in receipts.items() if receipt]


def test_a_months_invoice_is_logged_and_proven_beside_its_charges(paid: Run, queue: Queue) -> None:
    kit, sessions = paid.kit, (paid.session_id, also(paid, "KB"))
    _logged(paid, *_charges(paid, *sessions))
    invoice = _month(paid)
    (brought,) = queue.brought
    assert brought == paper_leaf("op", invoice)
    _logged(paid, brought)
    verdict = _verified(paid, kit.proofs.of_paper("op", invoice).text)
    assert (verdict.facts["number"], verdict.facts["total_minor"]) == (invoice.number, invoice.draft.total_minor)
    for session_id in sessions:
        charge = kit.proofs.of(kit.session(session_id)).text
        assert is_of(verdict, charge, _key(paid)) == f"charge {session_id} is on it, and was logged"
        with pytest.raises(Refused, match="of a charge, and not of an invoice"):
            verify_invoice(charge, _key(paid))
    with pytest.raises(Refused, match="of an invoice, and not of a charge"):
        verify(kit.proofs.of_paper("op", invoice).text, _key(paid))


def test_it_stays_proven_once_its_driver_is_forgotten(paid: Run, queue: Queue) -> None:
    invoice = _month(paid)
    _logged(paid, *queue.brought)
    paid.kit.sessions.forget_driver(paid.session)
    paid.kit.drivers.forget("driver-1")
    (kept,) = papers(paid.kit)
    assert _verified(paid, paid.kit.proofs.of_paper("op", kept).text).facts["number"] == invoice.number


def test_an_invoice_that_was_changed_afterwards_is_found_out(paid: Run, queue: Queue) -> None:
    invoice = _month(paid)
    _logged(paid, *queue.brought)
    changed = replace(invoice, draft=replace(invoice.draft, buyer=replace(invoice.draft.buyer, name="Another Ltd")))
    with pytest.raises(Refused, match="not what was logged"):
        _verified(paid, paid.kit.proofs.of_paper("op", changed).text)


def test_an_invoice_of_another_energy_or_charge_than_was_billed_is_refused(paid: Run, queue: Queue) -> None:
    _logged(paid, *_charges(paid, paid.session_id))
    charge = paid.kit.proofs.of(paid.session).text
    invoice = _month(paid)
    _logged(paid, *queue.brought)
    verdict = _verified(paid, paid.kit.proofs.of_paper("op", invoice).text)
    more = {it: wh + 1 for it, wh in verdict.billed_wh.items()}
    with pytest.raises(Refused, match="were billed"):
        is_of(replace(verdict, billed_wh=more), charge, _key(paid))
    with pytest.raises(Refused, match="is not on it"):
        is_of(replace(verdict, billed_wh={}), charge, _key(paid))


def test_what_was_lost_on_its_way_is_brought_again_by_who_asks(paid: Run, queue: Queue) -> None:
    invoice = _month(paid)
    paid.kit.clock.advance(hours=1)
    again = Queue()
    proofs = replace(paid.kit.proofs, queue=again)  # type: ignore[arg-type]
    with pytest.raises(Refusal, match="on its way"):
        proofs.of_paper("op", invoice)
    _logged(paid, *again.brought)
    assert _verified(paid, proofs.of_paper("op", invoice).text).facts["number"] == invoice.number
    assert [it.name for it in again.brought] == [f"op#{invoice.number}"]


def test_one_that_was_issued_before_there_was_a_log_has_no_proof(paid: Run) -> None:
    with pytest.raises(Refusal, match="before invoices were in the log"):
        paid.kit.proofs.of_paper("op", replace(_month(paid), salt="", issued_at=None))


def test_none_of_what_hides_it_stands_in_what_is_shown(paid: Run) -> None:
    invoice = _month(paid)
    assert invoice.salt
    assert invoice.salt not in json.dumps(papers(paid.kit)[0].draft, default=str)
