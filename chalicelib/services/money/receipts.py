"""Issues receipts, each once, by whoever comes first: the workflow's last step, or else the first who asks for it.

A refund note follows from the receipt and from what the session says of the refund: neither changes any more.
"""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.charging.session import Session
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.money.receipt import Receipt, RefundNote
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Sites
from chalicelib.ports.charging import Footprints
from chalicelib.ports.money import OperatorProfiles, Receipts
from chalicelib.services.money.invoice_collection import InvoiceCollection
from chalicelib.services.money.settled import SettledCharges
from chalicelib.services.notifications.language import Languages


@dataclass(frozen=True, kw_only=True)
class IssuedReceipts:
    """Issues receipts, and finds them again as issued."""

    receipts: Receipts
    sites: Sites
    operator_profiles: OperatorProfiles
    languages: Languages
    footprints: Footprints
    settled: SettledCharges
    collection: InvoiceCollection
    clock: Clock

    def get(self, session_id: str) -> Receipt | None:
        """The receipt as issued."""
        return self.receipts.get(session_id)

    def issue(self, session: Session) -> Receipt:
        """The session's receipt, issued now unless it was before; brought to the log, and to be invoiced.

        Whoever comes first weighs its footprint, and that one stands. Raises ValueError where it has none.
        """
        weighed = session.footprint or self.footprints.of(session)
        receipt = self._as_of_now(replace(session, footprint=weighed))
        if not self.receipts.add(receipt):
            receipt = self.receipts.get(session.session_id) or receipt
        # Also where it was issued before: whoever did may not have come so far.
        self.settled.bring(session, receipt)
        self.collection.collect(session, receipt)
        return receipt

    def notes(self, session: Session) -> Sequence[RefundNote]:
        """Notes of all that has gone back, in order; of a session without any no call."""
        refunds = sorted((it for it in session.refunds if it.number), key=lambda it: it.number)
        if not refunds:
            return ()
        receipt = self.get(session.session_id) or self.issue(session)
        receipt = replace(receipt, car=session.car)
        return [RefundNote(receipt, it) for it in refunds]

    def _as_of_now(self, it: Session) -> Receipt:
        if it.bill is None or (it.payment is None and it.due_minor):
            raise ValueError(f"session {it.session_id} has nothing to receipt")
        site, supplier = self.sites.get(it.site_id), self.operator_profiles.get(it.operator_id)
        began_at = it.started_at or it.created_at
        return Receipt(
            number=f"R-{it.session_id}",
            session_id=it.session_id,
            operator_id=it.operator_id,
            driver_id=it.driver_id,
            supplier=supplier,
            issued_at=self.clock(),
            # Who has paid gets a receipt, be the site unknown by now.
            site_name=site.name if site else it.site_id,
            address=site.address if site else "",
            time_zone=it.time_zone,
            charger_id=it.charger_id,
            connector=str(it.connector),
            started_at=began_at,
            stopped_at=it.stopped_at or began_at,
            meter_start_wh=it.meter_start_wh,
            meter_stop_wh=it.meter_stop_wh,
            energy_wh=it.energy_wh or 0,
            bill=it.bill,
            paid_minor=it.payment.amount_minor if it.payment else it.taken_minor,
            paid_at=it.payment.paid_at if it.payment else None,
            waived_minor=it.waived_minor,
            written_off_minor=it.written_off_minor,
            card=_paid_with(it),
            footprint=it.footprint,
            language=self.languages.of(it.driver_id, it.operator_id, supplier),
        )


def _paid_with(it: Session) -> str:
    """The card as far as it may be told; a terminal's own slip says more."""
    if it.settlement is not None:
        return "paid at the terminal"
    taken = {charge.payment_id for charge in it.takings or () if charge.taken_minor}
    paid_with = [hold.card for hold in it.holds if hold.payment_id in taken and hold.card]
    if it.escrow is not None and paid_with:
        return " + ".join(dict.fromkeys(paid_with))
    return it.hold.card if it.hold else ""
