"""Pays for sessions from an organisation's budget: set aside before energy flows, owed by the organisation at the end.

It is a way of paying beside cards and wallets, and a session's states know nothing of it. A month's budget is written
with what is set aside of it, so that no two charges at once use more than there is.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from chalicelib.domain.charging.session import Hold, Origin, Session
from chalicelib.domain.charging.ways import organisations_payment
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.money.asked_charge import NotPaidFor
from chalicelib.domain.money.ledger import Book, Transfer
from chalicelib.domain.money.organisation import MonthSpent, Organisation, PaidSession, budget_month
from chalicelib.domain.pricing.wall_clock import zone
from chalicelib.ports import Clock
from chalicelib.ports.money import Organisations
from chalicelib.records import Conflict
from chalicelib.records.drivers import Driver
from chalicelib.records.money import BudgetMovement, Declined

_ATTEMPTS = 24
# A budget does not run out by itself, as a card's hold does.
_GOOD_FOR = timedelta(days=3660)

_Moved = BudgetMovement | None


@dataclass(frozen=True, kw_only=True)
class OrganisationPayments:
    """Organisations as a way of paying: the port WayOfPaying."""

    organisations: Organisations
    clock: Clock

    def hold(self, session: Session, driver: Driver, amount_minor: int, part: int = 0) -> Hold:
        """All of it, or Declined: by the organisation's rules, or because the budget has less left."""
        organisation = self._organisation(session)
        joined = driver.organisations.get(session.operator_id)
        if joined is None or joined.organisation_id != organisation.organisation_id:
            raise Declined(f"{organisation.name} does not pay for this driver any more")
        try:
            # What a token began was asked after as its session was made, for the time at which its charger began it.
            if session.origin is not Origin.CARD:
                organisation.check(
                    session.site_id, session.tariff.currency, session.created_at, zone(session.time_zone)
                )
        except NotPaidFor as error:
            raise Declined(f"{organisation.name}: {error}") from None
        held = self._set_aside(session, amount_minor)
        if held is None or held.amount_minor < amount_minor:
            raise Declined(f"{organisation.name}: budget: too little is left of this month's")
        return held

    def raise_hold(self, session: Session, hold: Hold, amount_minor: int) -> Hold | None:
        """As far as there is more; None where there is nothing."""
        raised = self._set_aside(session, amount_minor, is_partial=True)
        return raised if raised is not None and raised.amount_minor > hold.amount_minor else None

    def capture(self, session: Session, hold: Hold, amount_minor: int) -> None:
        """What is billed is owed by the organisation, and the rest of what was set aside is its budget's again."""
        if session.bill is None:
            raise ValueError(f"session {session.session_id} has no bill")
        bill, book, now = session.bill, _book(session), self.clock()

        def settle(organisation: Organisation, spent: MonthSpent, known: PaidSession | None) -> _Moved:
            if known is None or (known.is_closed and known.amount_minor != amount_minor):
                raise Declined("nothing is set aside any more")
            if known.is_closed:
                return None
            if not 0 < amount_minor <= known.amount_minor:
                raise ValueError(f"{amount_minor} cannot be taken of {known.amount_minor} set aside")
            owed = book.organisation_charge(organisation.organisation_id, amount_minor, now)
            return _moved(organisation, spent, known, _closed(known, amount_minor), [owed, *book.sale(bill, now)])

        self._move(session, settle)

    def void(self, session: Session, hold: Hold) -> None:
        """All of it is the budget's again. Raises Declined if it was taken."""

        def give_back(
            organisation: Organisation, spent: MonthSpent, known: PaidSession | None
        ) -> BudgetMovement | None:
            if known is not None and known.is_closed and known.amount_minor:
                raise Declined("what was set aside has paid for the session")
            if known is None or known.is_closed:
                return None
            return _moved(organisation, spent, known, _closed(known, 0))

        self._move(session, give_back)

    def refund(self, session: Session, payment_id: str, amount_minor: int, key: str) -> str:
        """The organisation owes so much less, once for each `key`, and the budget of the charge's month has it again.

        Raises Declined for more than the session uses of it.
        """
        reference = f"{payment_id}/{key}"
        money, *_ = _book(session).refund(reference, amount_minor, 0, self.clock())

        def give_back(organisation: Organisation, spent: MonthSpent, known: PaidSession | None) -> _Moved:
            if known is None:
                raise Declined("nothing of its budget paid for this session")
            if key in known.refunds:
                return None
            try:
                return _moved(organisation, spent, known, known.with_refund(key, amount_minor), [money])
            except ValueError as error:
                raise Declined(str(error)) from None

        self._move(session, give_back)
        return reference

    def taken_minor(self, session: Session, hold: Hold) -> int:
        """What of it is owed for the session."""
        known = self._known(session)
        return known.amount_minor if known is not None and known.is_closed else 0

    def left_minor(self, of: Organisation, driver_id: str) -> int:
        """What is left for a member of the budget of this month."""
        spent = self.organisations.spent(of.operator_id, of.organisation_id, budget_month(self.clock()))
        return spent.left_minor(of, driver_id)

    def _set_aside(self, session: Session, to_minor: int, *, is_partial: bool = False) -> Hold | None:
        """So much in all, or as much of it as is left; None for nothing."""
        seen: list[tuple[str, PaidSession | None]] = []

        def set_aside(
            organisation: Organisation, spent: MonthSpent, known: PaidSession | None
        ) -> BudgetMovement | None:
            seen.append((organisation.name, None if known is not None and known.is_closed else known))
            held = known or _blank(session)
            left_minor = spent.left_minor(organisation, held.driver_id)
            more_minor = to_minor - held.amount_minor
            if is_partial:
                more_minor = min(more_minor, left_minor)
            if held.is_closed or not 0 < more_minor <= left_minor:
                return None
            held = replace(held, amount_minor=held.amount_minor + more_minor)
            seen.append((organisation.name, held))
            return _moved(organisation, spent, known, held)

        self._move(session, set_aside)
        name, held = seen[-1]
        if held is None:
            return None
        payment_id = organisations_payment(session.organisation_id or "", session.session_id)
        return Hold(payment_id, held.amount_minor, name, held.at + _GOOD_FOR)

    def _move(self, session: Session, decide: Callable[[Organisation, MonthSpent, PaidSession | None], _Moved]) -> None:
        """Write what `decide` says of budget and session as they are; it is asked again after a race."""
        organisation = self._organisation(session)
        of = (organisation.operator_id, organisation.organisation_id)
        for _ in range(_ATTEMPTS):
            spent = self.organisations.spent(*of, budget_month(session.created_at))
            movement = decide(organisation, spent, self._known(session))
            if movement is None or self.organisations.move(movement):
                return
        raise Conflict(f"the budget of {organisation.organisation_id} was used by others {_ATTEMPTS} times in a row")

    def _organisation(self, session: Session) -> Organisation:
        found = self.organisations.get(session.operator_id, session.organisation_id or "")
        if found is None:
            raise Declined("no organisation pays for this session")
        return found

    def _known(self, session: Session) -> PaidSession | None:
        month = budget_month(session.created_at)
        return self.organisations.session(session.operator_id, session.organisation_id or "", month, session.session_id)


def _moved(
    organisation: Organisation,
    spent: MonthSpent,
    before: PaidSession | None,
    after: PaidSession,
    transfers: list[Transfer] | None = None,
) -> BudgetMovement:
    by_minor = after.used_minor - (before.used_minor if before else 0)
    return BudgetMovement(
        operator_id=organisation.operator_id,
        organisation_id=organisation.organisation_id,
        spent=(spent, spent.moved(after.driver_id, by_minor)),
        session=(before, after),
        transfers=transfers or (),
    )


def _closed(known: PaidSession, amount_minor: int) -> PaidSession:
    return replace(known, amount_minor=amount_minor, is_closed=True)


def _blank(session: Session) -> PaidSession:
    return PaidSession(
        session_id=session.session_id,
        driver_id=session.driver_id or "",
        site_id=session.site_id,
        month=budget_month(session.created_at),
        amount_minor=0,
        at=session.created_at,
    )


def _book(session: Session) -> Book:
    return Book(session.session_id, session.operator_id, session.driver_id or "", session.tariff.currency)
