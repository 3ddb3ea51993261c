"""Monitors a charge under way, but only where that may matter: it has limits, or may outgrow what pays for it.

From which energy on is written beside its transaction, so that most readings cost no look at the session.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

from chalicelib.domain.chargers.events import Reading
from chalicelib.domain.charging.bounds import ceiling_minor, reserved_minor
from chalicelib.domain.charging.session import Hold, Reason, Session, State
from chalicelib.domain.charging.transitions import FundsLow, StopRequested
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.pricing.currency import decimals
from chalicelib.domain.pricing.rating import planned, price
from chalicelib.domain.pricing.tariff import Priced, Tariff, simple_elements
from chalicelib.ports import Clock
from chalicelib.ports.charging import Sessions
from chalicelib.records.charging import StoredReading, Transaction
from chalicelib.services.charging.session_changes import SessionChanges
from chalicelib.services.notifications.alerts import Alerts
from chalicelib.services.pricing.courses import Courses
from chalicelib.services.pricing.evidence import Evidence
from chalicelib.services.pricing.rating import cost_so_far

# When so much of what is set aside is used up, more is asked for.
_SHARE_PERCENT = 80
# Where time costs too, the look comes earlier.
_CAUTIOUS_PERCENT = 50
_MOST_WH = 4_000_000


def attention_wh(session: Session) -> int | None:
    """The energy from which on a session is looked at with each reading; 0: always, None: never."""
    if session.driver_id is None:
        return None
    if session.limits_in_force is not None:
        return 0
    if session.tariff.is_free or not session.holds:
        # Nothing to outgrow; once there is, that is said anew.
        return None
    return outgrown_at_wh(session) if session.outgrown_at_wh is None else session.outgrown_at_wh


def outgrown_at_wh(session: Session, *more: Hold) -> int | None:
    """The energy from which on a charge may outgrow what is held for it, `more` included: found once, with the hold."""
    if session.driver_id is None or session.tariff.is_free:
        return None
    raised = {it.payment_id: it.amount_minor for it in (*session.holds, *more)}
    cautious = session.tariff.depends_on_course
    enough_minor = sum(raised.values()) * (_CAUTIOUS_PERCENT if cautious else _SHARE_PERCENT) // 100
    tariff = _dearest(session.tariff) if cautious else session.tariff

    def minor_at(energy_wh: int) -> int:
        usage = planned(session.created_at, energy_wh, 3600, reserved=session.reserved)
        return price(tariff, usage, session.time_zone).total_minor

    return _least_wh(minor_at, enough_minor)


def _least_wh(minor_at: Callable[[int], int], enough_minor: int) -> int:
    """The least energy that costs so much, or the most there is; more energy never costs less.

    Each price is a bill made out, and to halve what is left would take twenty-two. A price is a straight line of the
    energy, or a few: where it gets there is guessed from both ends, and halved only after a guess that was no better.
    """
    low, high = 0, _MOST_WH
    low_minor, high_minor = minor_at(low), minor_at(high)
    if low_minor >= enough_minor or high_minor < enough_minor:
        return low if low_minor >= enough_minor else high
    is_guessed = True
    while high - low > 1:
        width = high - low
        # Half a cent less, since from there on it is rounded up.
        guess = width * (2 * (enough_minor - low_minor) - 1) // (2 * (high_minor - low_minor))
        middle = low + min(max(guess if is_guessed else width // 2, 1), width - 1)
        minor = minor_at(middle)
        if minor >= enough_minor:
            high, high_minor = middle, minor
        else:
            low, low_minor = middle, minor
        is_guessed = 2 * (high - low) <= width
    return high


def wants_attention(facts: Transaction, readings: Sequence[Reading]) -> bool:
    """Whether a transaction's session should be looked at now."""
    if facts.attend_from_wh is None or not readings:
        return False
    if facts.attend_from_wh == 0:
        return True
    # Without a first register nobody knows how far it has come; below it, a reading may be what has flowed since.
    begun_wh = facts.meter_start_wh or 0
    registers_wh = (it.energy_wh for it in readings if it.energy_wh is not None)
    return any((it - begun_wh if it >= begun_wh else it) >= facts.attend_from_wh for it in registers_wh)


@dataclass(frozen=True, kw_only=True)
class Monitor:
    """Looks at a session with its readings, and acts on limits reached and holds outgrown."""

    sessions: Sessions
    evidence: Evidence
    courses: Courses
    changes: SessionChanges
    alerts: Alerts
    clock: Clock

    def look(self, facts: Transaction, readings: Sequence[Reading]) -> Session | None:
        """End a session whose driver wanted no more than this; have more set aside for one that outgrows its hold.

        Returns it as it was before that; None where none is under way.
        """
        session = self.sessions.get(facts.session_id) if facts.session_id else None
        if session is None or session.state is not State.ACTIVE:
            return None
        newest = max(readings, key=lambda it: it.at)
        energy_wh, cost_minor, until = self.so_far(session, newest, facts)
        limits = session.limits_in_force
        lasted = until - (session.started_at or session.created_at)
        spent = (energy_wh, cost_minor - reserved_minor(session), lasted, newest.soc_percent)
        most_minor = ceiling_minor(session)
        session_id = session.session_id
        if limits is not None and limits.is_reached(*spent):
            self.changes.apply(session_id, StopRequested(self.clock(), Reason.LIMIT_REACHED), known=session)
        elif session.holds and session.held_minor >= most_minor:
            # More is neither set aside nor taken.
            if cost_minor >= most_minor:
                self.changes.apply(session_id, StopRequested(self.clock(), Reason.FUNDS_EXHAUSTED), known=session)
        elif session.holds and cost_minor * 100 >= session.held_minor * _SHARE_PERCENT:
            self.changes.apply(session.session_id, FundsLow(self.clock()), known=session)
        if limits is not None and limits.nearly.is_reached(*spent):
            self.alerts.nearly_done(session, facts)
        return session

    def so_far(self, session: Session, newest: Reading, facts: Transaction) -> tuple[int, int, datetime]:
        """Energy and cost of a charge under way (`facts`), by its newest reading, and until when that is."""
        began_at = session.started_at or session.created_at
        # A clock that goes ahead must not use up a driver's time.
        until = max(began_at, min(newest.at, self.clock()))
        if session.tariff.depends_on_course:
            found, _ = self.courses.look(session, facts, until)
        else:
            found = self.evidence.so_far(session, [StoredReading("", newest)])
        energy_wh = found.energy_wh or 0
        return energy_wh, cost_so_far(session, found, energy_wh, until).total_minor, until

    def cost(self, session: Session) -> Decimal | None:
        """What an ended charge comes to, in its currency (2.x I02); None where a person has to say that."""
        if session.stopped_at is None:
            return None
        bill = session.bill
        if bill is None:
            found = self.courses.whole(session)
            if not found.is_bounded:
                return None
            bill = cost_so_far(session, found, found.energy_wh or 0, session.stopped_at)
        return Decimal(bill.total_minor).scaleb(-decimals(bill.currency))


def _dearest(tariff: Tariff) -> Tariff:
    """The same without conditions, at the highest prices it may ask for a kWh and to begin."""
    components = [it for element in tariff.elements for it in element.price_components]
    kwh = max((it.price for it in components if it.type is Priced.ENERGY), default=Decimal(0))
    once = max((it.price for it in components if it.type is Priced.FLAT), default=Decimal(0))
    vat = max((it.vat for it in components if it.vat is not None), default=None)
    return replace(tariff, elements=simple_elements(per_kwh=kwh, once=once, tax_percent=vat))
