"""Collects what is to be invoiced without being asked for: each session by itself, or all of a driver's month.

A session is collected with its receipt, once and for good, by whoever issues that. A month is the one in which it was
collected where it was sold, so that no month grows once it is over; its invoice comes on the second day of the next.
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta

from chalicelib.domain.charging.session import Session
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.money.invoice import can_be_invoiced
from chalicelib.domain.money.party import Invoicing
from chalicelib.domain.money.receipt import Receipt
from chalicelib.domain.pricing.wall_clock import zone
from chalicelib.ports import Clock
from chalicelib.ports.drivers import Drivers
from chalicelib.ports.money import InvoiceRuns, Invoices
from chalicelib.records.money import InvoiceRun

# By then the month is over everywhere, and whoever was about to collect something has done it.
_MONTH_IS_OVER = timedelta(hours=36)
# Months end for all at once: their invoices are spread over a day.
_SPREAD_MIN = 24 * 60
_MONTH, _SESSION, _BACK = "month", "session", "back"
# No driver's id begins so.
_ORGANISATION = "organisation:"


@dataclass(frozen=True, kw_only=True)
class InvoiceCollection:
    """Notes what is to be invoiced, and when."""

    runs: InvoiceRuns
    invoices: Invoices
    drivers: Drivers
    clock: Clock

    def collect(self, session: Session, receipt: Receipt) -> None:
        """Have a session invoiced as its business wants it, an organisation's with its month.

        One call for whoever has none; safe to do again.
        """
        if session.organisation_id is not None:
            if can_be_invoiced(receipt.bill):
                run, due_at = self.month_of(session, receipt)
                self.runs.collect(session.operator_id, run, session.session_id, due_at)
            return
        driver = self.drivers.get(session.driver_id) if session.driver_id else None
        business = driver.business if driver is not None else None
        if business is None or not can_be_invoiced(receipt.bill):
            return
        if business.invoicing is Invoicing.EACH_SESSION:
            run, due_at = f"{_SESSION}#{session.session_id}", self.clock()
        elif business.invoicing is Invoicing.MONTHLY:
            run, due_at = self.month_of(session, receipt)
        else:
            return
        self.runs.collect(session.operator_id, run, session.session_id, due_at)

    def month_of(self, session: Session, receipt: Receipt) -> tuple[str, datetime]:
        """The run that the sessions of a driver, or of an organisation's drivers, of now share, and when it is due."""
        today = self.clock().astimezone(zone(receipt.time_zone)).date()
        payer = f"{_ORGANISATION}{session.organisation_id}" if session.organisation_id else session.driver_id
        run = f"{_MONTH}#{payer}#{today:%Y-%m}#{receipt.bill.currency}"
        next_month = datetime(today.year + today.month // 12, today.month % 12 + 1, 1, tzinfo=UTC)
        spread = timedelta(minutes=zlib.crc32(f"{session.operator_id}#{run}".encode()) % _SPREAD_MIN)
        return run, next_month + _MONTH_IS_OVER + spread

    def follow(self, session: Session) -> None:
        """Something has gone back of a session: what is invoiced of it has a credit note. One call, or three."""
        if self.invoices.of(session.operator_id, session.session_id) is not None:
            self.runs.follow(session.operator_id, f"{_BACK}#{session.session_id}", session.session_id, self.clock())


def is_month(run: InvoiceRun) -> bool:
    """Whether it is of a month, and not of a session."""
    return run.name.startswith(f"{_MONTH}#")
