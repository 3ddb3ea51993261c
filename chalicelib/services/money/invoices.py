"""Issues invoices: one for a paid session, when the business that a driver charges for asks for it, or for many.

And a credit note for whatever has gone back of it, undone by another invoice where the money came back after all.
Whoever charges for themselves has the receipt.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from chalicelib.domain.charging.refunds import RefundStatus
from chalicelib.domain.charging.session import Session
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.money.invoice import (
    Draft,
    Invoice,
    Sale,
    can_be_invoiced,
    credit_note_of,
    invoice_of,
    reversal_of,
)
from chalicelib.domain.money.party import Party, buyer_of, seller_of
from chalicelib.domain.money.receipt import Receipt
from chalicelib.domain.pricing.wall_clock import zone
from chalicelib.ports import Clock
from chalicelib.ports.drivers import Drivers
from chalicelib.ports.money import InvoiceRuns, Invoices, OperatorProfiles, Organisations
from chalicelib.records.drivers import Driver
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.money.settled import SettledCharges

# What an organisation is given to pay its month in.
_PAYABLE_IN = timedelta(days=14)
_SALT_BYTES = 16


@dataclass(frozen=True, kw_only=True)
class IssuedInvoices:
    """Issues a session's invoice and credit notes, and finds them again as issued."""

    invoices: Invoices
    runs: InvoiceRuns
    drivers: Drivers
    organisations: Organisations
    operator_profiles: OperatorProfiles
    settled: SettledCharges
    clock: Clock

    def issue(self, session: Session, receipt: Receipt) -> Sequence[Invoice]:
        """The invoice, and a credit note for each refund so far: those that are missing are issued now.

        Raises Refusal, whose text says what is missing and who can say it.
        """
        if session.organisation_id is not None:
            raise Refusal("organisation_pays", "its invoice is for the organisation that pays, with its other drivers'")
        known = self.invoices.of(session.operator_id, session.session_id)
        if known is None and self.runs.is_collected(session.operator_id, session.session_id):
            raise Refusal("invoice_comes", "its invoice comes by itself: with the session, or with the month's others")
        invoice = known or self.issue_together(session.session_id, [(session, receipt)])
        return [invoice, *self.credit_notes(session, receipt, invoice)]

    def issue_together(self, source: str, sold: Sequence[tuple[Session, Receipt]]) -> Invoice:
        """One invoice for sessions of one payer with one operator; of the same source it is the one before.

        Raises Refusal, whose text says what is missing and who can say it.
        """
        (*_, (session, receipt)) = sold
        if (known := self.invoices.of(session.operator_id, source)) is not None:
            return known
        if not all(can_be_invoiced(it.bill) for _, it in sold):
            raise Refusal("no_invoice", f"no invoice can show these rates, or amounts of {receipt.bill.currency}")
        if any(it.due_minor for _, it in sold):
            raise Refusal("not_paid_yet", "its invoice comes once it is paid")
        seller, buyer, today = self._seller(session, receipt), self._buyer(session), _day(self.clock(), receipt)
        payable_on = today + _PAYABLE_IN if session.organisation_id is not None else None
        draft = invoice_of([_sale(it) for _, it in sold], seller, buyer, payable_on)
        return self._issued(session, source, draft, today)

    def papers(self, session: Session) -> Sequence[Invoice]:
        """What was issued to a session's driver, the invoice first. Raises NotFound before there is one.

        An organisation's is none of theirs: other drivers' charges stand on it.
        """
        is_own = session.organisation_id is None
        invoice = self.invoices.of(session.operator_id, session.session_id) if is_own else None
        if invoice is None:
            raise NotFound(f"invoice of session {session.session_id}")
        _, *sources = sources_of(session)
        notes = (self.invoices.of(session.operator_id, it) for it in sources)
        return [invoice, *(it for it in notes if it is not None)]

    def numbered(self, operator_id: str, number: str) -> Invoice:
        """An operator's paper by its number. Raises NotFound."""
        found = self.invoices.numbered(operator_id, number)
        if found is None:
            raise NotFound(f"invoice {number}")
        return found

    def page(self, operator_id: str, after: str, most: int) -> Sequence[Invoice]:
        """An operator's papers by their numbers, beyond the number `after`."""
        return self.invoices.page(operator_id, after, most)

    def credit_notes(self, session: Session, receipt: Receipt, invoice: Invoice) -> Sequence[Invoice]:
        """Credit notes for all refunds so far, and what undoes one whose money came back; issued unless they are."""
        sale, on = _sale(receipt), _day(self.clock(), receipt)
        issued: list[Invoice] = []
        for refund in sorted((it for it in session.refunds if it.number), key=lambda it: it.number):
            source = _source(session, refund.number)
            if refund.status is RefundStatus.DONE:
                draft = credit_note_of(invoice, receipt, refund, sale.began_on, sale.ended_on)
                issued.append(self._issued(session, source, draft, on))
            elif refund.is_failed and (note := self.invoices.of(session.operator_id, source)) is not None:
                undone = self._issued(session, _undoing(source), reversal_of(note), on)
                issued += [note, undone]
        return issued

    def _issued(self, session: Session, source: str, draft: Draft, on: date) -> Invoice:
        """The paper of that source, for whoever pays for the session; if it is issued now, it is brought to the log."""
        operator_id = session.operator_id
        salt = secrets.token_urlsafe(_SALT_BYTES)
        paper = Invoice(number="", issued_on=on, draft=draft, salt=salt, issued_at=self.clock())
        found = self.invoices.issue(operator_id, source, paper, session.organisation_id or "")
        if found.salt == salt:
            self.settled.bring_paper(operator_id, found)
        return found

    def _buyer(self, session: Session) -> Party:
        if session.organisation_id is None:
            return _buyer(self.drivers.get(session.driver_id) if session.driver_id else None)
        organisation = self.organisations.get(session.operator_id, session.organisation_id)
        if organisation is None:
            raise Refusal("no_business", f"organisation {session.organisation_id} is not there")
        return buyer_of(organisation.business, organisation.email)

    def _seller(self, session: Session, receipt: Receipt) -> Party:
        profiles = [it for it in (receipt.supplier, self.operator_profiles.get(session.operator_id)) if it is not None]
        if not profiles:
            raise Refusal("invoice_incomplete", "the operator has not said who it is: PUT /v1/operator/profile")
        # Who sold is as the receipt says; what it did not say then, the same company may say now.
        same = [seller_of(it) for it in profiles if it.legal_name == profiles[0].legal_name]
        seller = next((it for it in same if not it.missing and it.tax_id), same[-1])
        if missing := [*seller.missing, *([] if seller.tax_id else ["tax id"])]:
            raise Refusal("invoice_incomplete", f"the operator has not said its {_listed(missing)}")
        return seller


def sources_of(session: Session) -> Sequence[str]:
    """Of what papers of a session may have been issued: of itself first, then of its refunds and what undoes them."""
    notes = (_source(session, it) for it in _numbers(session))
    return [session.session_id, *(it for of in notes for it in (of, _undoing(of)))]


def _buyer(driver: Driver | None) -> Party:
    if driver is None or driver.business is None:
        raise Refusal("no_business", "say first for which business you charge: PUT /v1/me/business")
    buyer = buyer_of(driver.business, driver.email)
    if buyer.missing:
        raise Refusal("invoice_incomplete", f"PUT /v1/me/business has not said its {_listed(buyer.missing)}")
    return buyer


def _sale(it: Receipt) -> Sale:
    return Sale(receipt=it, began_on=_day(it.started_at, it), ended_on=_day(it.stopped_at, it))


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words)


def _source(session: Session, number: int) -> str:
    return f"{session.session_id}#{number}"


def _undoing(source: str) -> str:
    """What undoes the credit note of that source."""
    return f"{source}!"


def _numbers(session: Session) -> Sequence[int]:
    return sorted(it.number for it in session.refunds if it.number)


def _day(at: datetime, receipt: Receipt) -> date:
    return at.astimezone(zone(receipt.time_zone)).date()
