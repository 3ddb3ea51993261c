"""Receipts, and who issues them.

One says for ever what was true when it was issued, whatever becomes of site or operator.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.pricing.bill import Bill


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """An operator's legal profile: who it is by law. `country` is ISO 3166 alpha-2; what was not told is empty."""

    legal_name: str
    address: str
    country: str
    tax_id: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A receipt: what was bought where and when, from whom, and what was paid; `driver_id` is who may see it."""

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

    @property
    def due_minor(self) -> int:
        """What was still owed when it was issued."""
        return self.bill.total_minor - self.paid_minor
