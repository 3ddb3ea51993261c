"""Receipts and refund notes, and who issues them.

One says for ever what was true when it was issued, whatever becomes of site or operator.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.charging.refunds import Refund
from chalicelib.domain.languages import ENGLISH
from chalicelib.domain.pricing.bill import Bill


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """An operator's legal profile: who it is by law. `country` is ISO 3166 alpha-2; what was not told is empty.

    `language` is the locale of its papers and messages to whoever has not said which one they speak.
    """

    legal_name: str
    address: str
    country: str
    tax_id: str = ""
    email: str = ""
    phone: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A receipt: what was bought where and when, from whom, and what was paid; `driver_id` is who may see it.

    `language` is the locale of whoever it was issued to.
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
    paid_at: datetime
    card: str
    language: str = ENGLISH

    @property
    def due_minor(self) -> int:
        """What was still owed when it was issued."""
        return self.bill.total_minor - self.paid_minor


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
