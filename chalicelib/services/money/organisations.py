"""Organisations that pay for their drivers, as their operator keeps them and their members see them.

Nobody is a member who has not said yes: an operator makes a code, the organisation hands it on, and its driver
shows it. Either may end that. Of what a member charges the organisation sees what it pays for, and nothing else.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.charging.bounds import agreed_hold_minor
from chalicelib.domain.charging.session import Session
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.money.asked_charge import AskedCharge, NotPaidFor
from chalicelib.domain.money.organisation import (
    MemberCode,
    MonthSpent,
    Organisation,
    OrganisationMember,
    PaidSession,
    hash_of_code,
)
from chalicelib.domain.money.party import buyer_of
from chalicelib.domain.pricing.wall_clock import zone
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Sites
from chalicelib.ports.drivers import Drivers
from chalicelib.ports.money import Organisations
from chalicelib.records.drivers import Driver, JoinedOrganisation
from chalicelib.services.access import NotFound, Refusal, operators_own
from chalicelib.services.money.organisation_payments import OrganisationPayments

_CODE_BYTES = 18
_CODE_IS_GOOD_FOR = timedelta(days=14)


class Pays(StrEnum):
    """Who a driver says shall pay for a charge."""

    SELF = "self"
    ORGANISATION = "organisation"
    # The driver themselves, by a deposit on chain.
    DEPOSIT = "deposit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """An organisation as its member sees it."""

    organisation: Organisation
    pays_by_default: bool
    left_minor: int


@dataclass(frozen=True, kw_only=True)
class PayingOrganisations:
    """Keeps organisations and their members, and says for which charges they pay."""

    organisations: Organisations
    payments: OrganisationPayments
    drivers: Drivers
    sites: Sites
    clock: Clock

    def put(self, it: Organisation) -> Organisation:
        """Keep what its operator says. Raises Refusal where no invoice could be made of it; NotFound for a site."""
        missing = [*buyer_of(it.business, it.email).missing, *([] if it.email else ["e-mail"])]
        if missing:
            raise Refusal("invoice_incomplete", f"an invoice names the organisation's {', '.join(missing)}")
        known = self.organisations.get(it.operator_id, it.organisation_id)
        if known is not None and known.currency != it.currency:
            raise Refusal("currency_stays", f"its budgets and invoices are in {known.currency}: make another one")
        for site_id in it.rules.sites:
            operators_own(self.sites.get(site_id), it.operator_id, f"site {site_id}")
        self.organisations.put(it)
        return it

    def get(self, operator_id: str, organisation_id: str) -> Organisation:
        """One of an operator's. Raises NotFound."""
        found = self.organisations.get(operator_id, organisation_id)
        if found is None:
            raise NotFound(f"organisation {organisation_id}")
        return found

    def of_operator(self, operator_id: str) -> Sequence[Organisation]:
        """All of an operator's, by their ids."""
        return self.organisations.of_operator(operator_id)

    def invite(self, operator_id: str, organisation_id: str, reference: str) -> tuple[str, datetime]:
        """A code for one driver, whom the organisation knows by that reference; and until when it is good."""
        self.get(operator_id, organisation_id)
        code, expires_at = secrets.token_urlsafe(_CODE_BYTES), self.clock() + _CODE_IS_GOOD_FOR
        self.organisations.add_code(
            MemberCode(
                code_hash=hash_of_code(code),
                operator_id=operator_id,
                organisation_id=organisation_id,
                reference=reference,
                expires_at=expires_at,
            )
        )
        return code, expires_at

    def members(self, operator_id: str, organisation_id: str) -> Sequence[OrganisationMember]:
        """All members. Raises NotFound."""
        self.get(operator_id, organisation_id)
        return self.organisations.members(operator_id, organisation_id)

    def member(self, operator_id: str, organisation_id: str, driver_id: str) -> OrganisationMember:
        """A member. Raises NotFound."""
        self.get(operator_id, organisation_id)
        found = self.organisations.member(operator_id, organisation_id, driver_id)
        if found is None:
            raise NotFound(f"member {driver_id}")
        return found

    def paid(self, operator_id: str, organisation_id: str, month: str) -> tuple[MonthSpent, Sequence[PaidSession]]:
        """What of a month's budget is used, and by which sessions. Raises NotFound."""
        self.get(operator_id, organisation_id)
        spent = self.organisations.spent(operator_id, organisation_id, month)
        return spent, self.organisations.sessions(operator_id, organisation_id, month)

    def remove(self, operator_id: str, organisation_id: str, driver_id: str) -> None:
        """End a membership, by whichever side; what is under way is paid for all the same. Safe to do again."""

        def left(it: Driver) -> Driver:
            joined = it.organisations.get(operator_id)
            if joined is None or joined.organisation_id != organisation_id:
                return it
            others = dict(it.organisations)
            del others[operator_id]
            return replace(it, organisations=others)

        self.drivers.change(driver_id, left)
        self.organisations.remove_member(operator_id, organisation_id, driver_id)

    def of_driver(self, driver_id: str) -> Sequence[Joined]:
        """The organisations that a driver is a member of, each with what is left for them in this month."""
        driver = self._driver(driver_id)
        found = [
            (self.organisations.get(operator_id, it.organisation_id), it)
            for operator_id, it in sorted(driver.organisations.items())
        ]
        return [self._joined(of, it, driver_id) for of, it in found if of is not None]

    def join(self, driver_id: str, code: str) -> Joined:
        """The driver says yes. Raises NotFound for a code that is not good, Refusal where another pays there already.

        Whoever left, or was removed, needs another code.
        """
        found = self.organisations.code(hash_of_code(code))
        if found is None:
            raise NotFound("an invitation by this code")
        joined = self._driver(driver_id).organisations.get(found.operator_id)
        if joined is not None and joined.organisation_id != found.organisation_id:
            raise Refusal("another_organisation", f"{joined.organisation_id} pays there already; leave it first")
        organisation = self.get(found.operator_id, found.organisation_id)
        if joined is None or not found.is_used_by(driver_id):
            is_good = not found.used_by and self.clock() < found.expires_at
            if not is_good or not self.organisations.use_code(found, driver_id):
                raise NotFound("an invitation by this code: it is used, or two weeks old")
            member = OrganisationMember(driver_id=driver_id, reference=found.reference, since=self.clock())
            self.organisations.add_member(found.operator_id, found.organisation_id, member)
        joined = joined or JoinedOrganisation(found.organisation_id)
        self._note(driver_id, found.operator_id, joined)
        return self._joined(organisation, joined, driver_id)

    def prefer(self, driver_id: str, operator_id: str, *, pays_by_default: bool) -> Joined:
        """Whether it pays where the driver does not say who shall. Raises NotFound."""
        joined = replace(self._membership(driver_id, operator_id), pays_by_default=pays_by_default)
        self._note(driver_id, operator_id, joined)
        return self._joined(self.get(operator_id, joined.organisation_id), joined, driver_id)

    def leave(self, driver_id: str, operator_id: str) -> None:
        """The driver ends it. Raises NotFound."""
        self.remove(operator_id, self._membership(driver_id, operator_id).organisation_id, driver_id)

    @staticmethod
    def paying(driver: Driver, pays: Pays | None) -> Mapping[str, str]:
        """Which organisation pays at which operators' chargers, by the driver's word or else by default. No call."""
        return {
            operator_id: it.organisation_id
            for operator_id, it in driver.organisations.items()
            if pays is Pays.ORGANISATION or (pays is None and it.pays_by_default)
        }

    def paid_for(self, session: Session, paying: Mapping[str, str], pays: Pays | None) -> Session:
        """A session about to begin, with who pays for it. Two reads where it is not its driver.

        Raises Refusal, which names the rule. What the budget really gives is decided as it is set aside
        (`organisation_payments.py`).
        """
        organisation_id = paying.get(session.operator_id)
        if organisation_id is None:
            if pays is Pays.ORGANISATION:
                raise Refusal("no_organisation", "no organisation pays for you at this operator's chargers")
            return session
        of = self.organisations.get(session.operator_id, organisation_id)
        if of is None:
            raise Refusal("no_organisation", f"organisation {organisation_id} is not there any more")
        session = replace(session, organisation_id=organisation_id, organisation_minor=of.rules.session_minor)
        try:
            of.check(session.site_id, session.tariff.currency, session.created_at, zone(session.time_zone))
            self._check_budget(of, session.driver_id or "", agreed_hold_minor(session))
        except NotPaidFor as error:
            why = f"{of.name} does not pay for this: {error}. To pay yourself, send pays: self"
            raise Refusal("organisation_does_not_pay", why) from None
        return session

    def check(self, it: AskedCharge) -> int | None:
        """What a charge that no app asked for may cost at the most. Two reads. Raises NotPaidFor, which names the rule.

        As in `paid_for`, what the budget really gives is decided as it is set aside.
        """
        of = self.organisations.get(it.operator_id, it.organisation_id)
        if of is None:
            raise NotPaidFor(f"organisation {it.organisation_id} is not there any more")
        of.check(it.site_id, it.currency, it.at, zone(it.time_zone))
        most_minor = of.rules.session_minor
        self._check_budget(of, it.driver_id, it.hold_minor if most_minor is None else min(it.hold_minor, most_minor))
        return most_minor

    def _check_budget(self, of: Organisation, driver_id: str, hold_minor: int) -> None:
        if self.payments.left_minor(of, driver_id) < hold_minor:
            raise NotPaidFor("budget: too little is left of this month's")

    def _joined(self, of: Organisation, it: JoinedOrganisation, driver_id: str) -> Joined:
        left_minor = self.payments.left_minor(of, driver_id)
        return Joined(organisation=of, pays_by_default=it.pays_by_default, left_minor=left_minor)

    def _note(self, driver_id: str, operator_id: str, joined: JoinedOrganisation) -> None:
        def noted(it: Driver) -> Driver:
            return replace(it, organisations={**it.organisations, operator_id: joined})

        self.drivers.change(driver_id, noted)

    def _membership(self, driver_id: str, operator_id: str) -> JoinedOrganisation:
        joined = self._driver(driver_id).organisations.get(operator_id)
        if joined is None:
            raise NotFound(f"an organisation of operator {operator_id}")
        return joined

    def _driver(self, driver_id: str) -> Driver:
        driver = self.drivers.get(driver_id)
        if driver is None:
            raise NotFound(f"driver {driver_id}")
        return driver
