"""Receipts and refund notes, and who issues them.

One says for ever what was sold, where and by whom, whatever becomes of site or operator; and how it stands with its
payment today.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.charging.footprint import Footprint
from chalicelib.domain.charging.refunds import Refund
from chalicelib.domain.charging.session import Session
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.languages import ENGLISH
from chalicelib.domain.pricing.bill import Bill


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """An operator's legal profile: who it is by law. `country` is ISO 3166 alpha-2; what was not told is empty.

    `address` is in lines; `postal_code` and `city` are what of it an invoice names apart, where its last line does not
    say so. `language` is the locale of its papers and messages to whoever has not said which one they speak.
    """

    legal_name: str
    address: str
    country: str
    tax_id: str = ""
    email: str = ""
    phone: str = ""
    language: str = ""
    postal_code: str = ""
    city: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A receipt: what was bought where and when, from whom, and what was paid; `driver_id` is who may see it.

    `language` is the locale of whoever it was issued to. `paid_at` None: nothing was paid, for all of it was let go.
    `footprint`: what its energy cost the site and emitted, where that is known. `car` is what the driver's car is
    called, as their session says today: it is not kept here, and goes with the account.
    """

    number: str
    session_id: str
    operator_id: str
    driver_id: str | None
    supplier: Profile | None
    issued_at: datetime
    site_name: str
    address: str
    time_zone: str
    charger_id: str
    connector: str
    started_at: datetime
    stopped_at: datetime
    meter_start_wh: int | None
    meter_stop_wh: int | None
    energy_wh: int
    bill: Bill
    paid_minor: int
    paid_at: datetime | None
    card: str
    language: str = ENGLISH
    waived_minor: int = 0
    written_off_minor: int = 0
    footprint: Footprint | None = None
    car: str = ""

    @property
    def due_minor(self) -> int:
        """What is still owed."""
        return max(0, self.bill.total_minor - self.waived_minor - self.written_off_minor - self.paid_minor)


def as_of_now(receipt: Receipt, session: Session) -> Receipt:
    """A receipt with what has become of its payment since: paid at last, waived, or let go. What was sold stays.

    It names the car that its session names.
    """
    receipt = replace(receipt, car=session.car)
    if session.payment is None:
        return receipt
    return replace(
        receipt,
        paid_minor=session.payment.amount_minor,
        paid_at=session.payment.paid_at,
        waived_minor=session.waived_minor,
        written_off_minor=session.written_off_minor,
    )


@dataclass(frozen=True, slots=True)
class RefundNote:
    """A refund note (credit note): what of a receipt has gone back, at which rates of tax, and when."""

    receipt: Receipt
    refund: Refund

    @property
    def number(self) -> str:
        """Its own number, which no other paper bears."""
        return f"C-{self.receipt.session_id}-{self.refund.number}"

    @property
    def is_void(self) -> bool:
        """Whether the money came back here after all."""
        return self.refund.is_failed

    @property
    def net_minor(self) -> int:
        """What went back before taxes."""
        return self.refund.amount_minor - self.refund.tax_minor
