"""Reconciles our ledger with the payment provider's books, day by day in both directions; what differs is listed.

Their books of a day are copied a page at a time, then compared session by session, then ours are gone through for what
they lack. Where that has come to is stored after each page, so that it goes on in any process, however often one ends.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

from chalicelib.domain.charging.ways import way_of
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.money.ledger import (
    Transfer,
    TransferKind,
    Unbalanced,
    escrow_minor,
    held_minor,
    received_minor,
    refunded_minor,
    unpaired,
)
from chalicelib.ports import Clock
from chalicelib.ports.charging import Sessions
from chalicelib.ports.money import Differences, Ledger, Payments, Statements
from chalicelib.records.money import (
    Compared,
    Comparison,
    ComparisonStage,
    Difference,
    PaymentsUnavailable,
    ProviderPayment,
)
from chalicelib.records.parts import WHOLE, Part
from chalicelib.services.money.chain_payments import ChainPayments

_log = logging.getLogger(__name__)
_DAY = timedelta(days=1)
# A day is begun when the next one is so old: what was under way at midnight is over.
_BEGUN_AFTER = timedelta(hours=3)
_COPIES_KEPT = timedelta(days=7)
# Payments whose sessions are compared in one step, each by one read; and entries looked through in one.
_COMPARED_AT_ONCE, _LOOKED_THROUGH_AT_ONCE = 100, 1_000


@dataclass(frozen=True, kw_only=True)
class Reconciliation:
    """Compares ledger and provider for each day (UTC), and keeps what differs."""

    ledger: Ledger
    differences: Differences
    statements: Statements
    sessions: Sessions
    payments: Callable[[], Payments]
    chain: ChainPayments
    clock: Clock

    def go_on(self, part: Part = WHOLE) -> int:
        """Compare what is left of the days that are over; returns how many differences were found.

        Two at once do a page twice, and one of them leaves it at that.
        """
        found = 0
        before = self.statements.place()
        place = self._begun(before)
        while place is not None and not part.is_over(self.clock()):
            step, after = self._step(place)
            found += step
            if not self.statements.move(before, after):
                break
            before, place = after, self._begun(after)
        return found

    def run(self, day: date) -> int:
        """Compare all of a day (UTC) now; returns how many differences there are."""
        found, place = 0, Comparison(day)
        while place.stage is not ComparisonStage.DONE:
            step, place = self._step(place)
            found += step
        return found

    def _begun(self, place: Comparison | None) -> Comparison | None:
        """What is to be gone on with; None when there is nothing to compare yet."""
        if place is not None and place.stage is not ComparisonStage.DONE:
            return place
        newest = (self.clock() - _BEGUN_AFTER).astimezone(UTC).date() - _DAY
        day = newest if place is None else place.day + _DAY
        return Comparison(day) if day <= newest else None

    def _step(self, place: Comparison) -> tuple[int, Comparison]:
        """One page's work; returns how many differences it found, and where to go on."""
        found: list[Difference] = []
        if place.stage is ComparisonStage.COPY:
            began_at = datetime(place.day.year, place.day.month, place.day.day, tzinfo=UTC)
            payments, after = self.payments().page(began_at, began_at + _DAY, place.after)
            self.statements.copy(place.day, payments, self.clock() + _COPIES_KEPT)
        elif place.stage is ComparisonStage.COMPARE:
            payments, after = self.statements.page(place.day, place.after, _COMPARED_AT_ONCE)
            for session_id, of_session in groupby(payments, key=lambda it: it.session_id or ""):
                found += self._compare(session_id, list(of_session))
        else:
            session_ids, after = self.ledger.sessions_of(place.day, place.after, _LOOKED_THROUGH_AT_ONCE)
            found += self._missing(place.day, session_ids)
        self.differences.put(place.day, found)
        for it in found:
            _log.warning("the books differ", extra={"session_id": it.session_id, "what": it.what})
        return len(found), replace(place, after=after) if after else Comparison(place.day, _NEXT[place.stage])

    def _missing(self, day: date, session_ids: Sequence[str]) -> Iterable[Difference]:
        if not session_ids:
            return
        copied = self.statements.sessions_between(day, session_ids[0], session_ids[-1])
        for session_id in session_ids:
            # A session whose money began on another day is compared with that day's.
            if session_id not in copied and self._began_on(session_id, day):
                yield from self._compare(session_id, [])

    def _began_on(self, session_id: str, day: date) -> bool:
        paid = [it for it in self.ledger.of_session(session_id) if it.kind in _BEGINS]
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
            Compared.REFUNDED: sum(
                amount for name, amount in refunded_minor(entries).items() if way_of(name).is_providers
            ),
            Compared.ESCROW: escrow_minor(entries),
        }
        theirs = {
            Compared.HELD: sum(it.held_minor for it in payments),
            Compared.TAKEN: sum(it.taken_minor for it in payments),
            Compared.REFUNDED: sum(it.refunded_minor for it in payments),
            Compared.ESCROW: self._open_minor(session_id, ours[Compared.ESCROW]) if ours[Compared.ESCROW] else 0,
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

    def _open_minor(self, session_id: str, ours_minor: int) -> int:
        """What a session that is not over has set aside of a wallet; of a deposit, what the chain says is open."""
        session = self.sessions.get(session_id)
        if session is not None and session.is_on_chain:
            try:
                return self.chain.open_minor(session)
            except PaymentsUnavailable as error:
                # Nothing is known to differ, and whatever else there is to compare does not wait for a node.
                _log.warning("not compared", extra={"session_id": session_id, "why": str(error)})
                return ours_minor
        escrow = session.escrow if session is not None and not session.is_at_rest else None
        return escrow.amount_minor if escrow is not None else 0


# What a session's, or a top-up's, money begins with.
_BEGINS = (
    TransferKind.HOLD,
    TransferKind.CHARGE,
    TransferKind.TOP_UP,
    TransferKind.ESCROW,
    TransferKind.WALLET_CHARGE,
)
_NEXT = {
    ComparisonStage.COPY: ComparisonStage.COMPARE,
    ComparisonStage.COMPARE: ComparisonStage.MISSING,
    ComparisonStage.MISSING: ComparisonStage.DONE,
}


def _held(entries: Iterable[Transfer]) -> int:
    try:
        return held_minor(entries)
    except Unbalanced:
        return -1
