"""Reconciles our ledger with the payment provider's books each night, in both directions; what differs is listed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from chalicelib.domain.money.ledger import (
    Transfer,
    TransferKind,
    Unbalanced,
    held_minor,
    received_minor,
    refunded_minor,
    unpaired,
)
from chalicelib.ports.money import Differences, Ledger, Payments
from chalicelib.records.money import Compared, Difference, ProviderPayment

_log = logging.getLogger(__name__)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Reconciliation:
    """Compares ledger and provider for one day (UTC), and keeps what differs."""

    ledger: Ledger
    differences: Differences
    payments: Callable[[], Payments]

    def run(self, day: date) -> int:
        """Compare all that moved on a day (UTC); returns how many differences there are."""
        began_at = datetime(day.year, day.month, day.day, tzinfo=UTC)
        theirs: dict[str, list[ProviderPayment]] = {}
        for payment in self.payments().between(began_at, began_at + _DAY):
            theirs.setdefault(payment.session_id or "", []).append(payment)
        found = [it for session_id, payments in theirs.items() for it in self._compare(session_id, payments)]
        for session_id in self.ledger.sessions_of(day):
            # A session whose money began on another day is compared with that day's.
            if session_id not in theirs and self._began_on(session_id, day):
                found += self._compare(session_id, [])
        self.differences.put(day, found)
        for it in found:
            _log.warning("the books differ", extra={"session_id": it.session_id, "what": it.what})
        return len(found)

    def _began_on(self, session_id: str, day: date) -> bool:
        paid = [it for it in self.ledger.of_session(session_id) if it.kind in (TransferKind.HOLD, TransferKind.CHARGE)]
        return bool(paid) and min(it.at for it in paid).astimezone(UTC).date() == day

    def _compare(self, session_id: str, payments: list[ProviderPayment]) -> Iterable[Difference]:
        entries = self.ledger.of_session(session_id) if session_id else []
        for wrong in unpaired(entries):
            _log.warning("the books lack something", extra={"session_id": session_id, "what": wrong})
        names = {payment.payment_id for payment in payments}
        taken = received_minor(entries)
        ours = {
            Compared.HELD: _held(entries),
            Compared.TAKEN: sum(amount for payment_id, amount in taken.items() if not names or payment_id in names),
            Compared.REFUNDED: sum(refunded_minor(entries).values()),
        }
        theirs = {
            Compared.HELD: sum(it.held_minor for it in payments),
            Compared.TAKEN: sum(it.taken_minor for it in payments),
            Compared.REFUNDED: sum(it.refunded_minor for it in payments),
        }
        operator_id = entries[0].operator_id if entries else ""
        currency = entries[0].currency if entries else payments[0].currency if payments else ""
        for what, amount_minor in ours.items():
            if amount_minor != theirs[what]:
                yield Difference(
                    session_id=session_id,
                    operator_id=operator_id,
                    what=what,
                    ours_minor=amount_minor,
                    theirs_minor=theirs[what],
                    currency=currency,
                )


def _held(entries: Iterable[Transfer]) -> int:
    try:
        return held_minor(entries)
    except Unbalanced:
        return -1
