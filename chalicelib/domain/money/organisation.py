"""An organisation that pays for its drivers: a fleet or an employer, at one operator's chargers, who bills it monthly.

It pays for members alone, each of whom has said yes, by its rules, and within a month's budget. What is set aside for a
charge counts against the month (UTC) in which that was asked for, until the charge is settled.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo

from chalicelib.domain.data_classes import dataclass, field, replace
from chalicelib.domain.money.asked_charge import NotPaidFor
from chalicelib.domain.money.party import Business

_WHOLE_DAY_H = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRules:
    """Where, when and how much an organisation pays; what is not said is not bounded.

    `sites` are ids. `weekdays` count from Monday, 0. A charge is begun from `from_h` on and before `until_h`, by the
    clock of its site, past midnight where the second is the lower. `session_minor` is the most for one charge.
    """

    sites: tuple[str, ...] = ()
    weekdays: tuple[int, ...] = ()
    from_h: int = 0
    until_h: int = _WHOLE_DAY_H
    session_minor: int | None = None

    def check(self, site_id: str, at: datetime, zone: tzinfo) -> None:
        """Raises NotPaidFor for a charge begun there and then that they do not allow."""
        local = at.astimezone(zone)
        if self.sites and site_id not in self.sites:
            raise NotPaidFor(f"site: it does not pay at {site_id}")
        if self.weekdays and local.weekday() not in self.weekdays:
            raise NotPaidFor(f"weekdays: it does not pay on a {local:%A}")
        if not self._is_within(local.hour):
            raise NotPaidFor(f"hours: it pays from {self.from_h} to {self.until_h} o'clock")

    def _is_within(self, hour: int) -> bool:
        if self.from_h < self.until_h:
            return self.from_h <= hour < self.until_h
        return hour >= self.from_h or hour < self.until_h


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """Who pays, as its operator has it. `member_budget_minor` None: a member may use all of the month's budget.

    `business` and `email` stand on its invoices. Not `is_active`: it pays for nothing that is begun from now on.
    """

    operator_id: str
    organisation_id: str
    name: str
    currency: str
    business: Business
    email: str
    budget_minor: int
    member_budget_minor: int | None = None
    rules: PaymentRules = PaymentRules()
    is_active: bool = True

    def check(self, site_id: str, currency: str, at: datetime, zone: tzinfo) -> None:
        """Raises NotPaidFor for a charge begun there and then that it does not pay for, be its budget what it may."""
        if not self.is_active:
            raise NotPaidFor("it pays for nothing at present")
        if currency != self.currency:
            raise NotPaidFor(f"currency: it pays in {self.currency}")
        self.rules.check(site_id, at, zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationMember:
    """A driver for whom an organisation pays. `reference` is what it knows them by, as it was said with the code."""

    driver_id: str
    reference: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberCode:
    """A code that makes one driver a member; kept by its hash, good until it expires or is `used_by` somebody."""

    code_hash: str
    operator_id: str
    organisation_id: str
    reference: str
    expires_at: datetime
    used_by: str = ""

    def is_used_by(self, who: str) -> bool:
        """Whether it was that driver who used it."""
        return self.used_by == who


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthSpent:
    """What of a month's budget is set aside or spent, in all and by member. `version` counts its writings."""

    month: str
    used_minor: int = 0
    by_member: Mapping[str, int] = field(default_factory=dict)
    version: int = 0

    def left_minor(self, of: Organisation, driver_id: str) -> int:
        """What is left of it for that member."""
        left_minor = of.budget_minor - self.used_minor
        if of.member_budget_minor is not None:
            left_minor = min(left_minor, of.member_budget_minor - self.by_member.get(driver_id, 0))
        return max(0, left_minor)

    def moved(self, driver_id: str, by_minor: int) -> MonthSpent:
        """So much more of it is used by that member, or less."""
        by_member = {**self.by_member, driver_id: self.by_member.get(driver_id, 0) + by_minor}
        return replace(self, used_minor=self.used_minor + by_minor, by_member=by_member)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidSession:
    """What an organisation has set aside for a member's session, or has to pay for it once it `is_closed`.

    `refunds` are what of that has gone back since, each by its key.
    """

    session_id: str
    driver_id: str
    site_id: str
    month: str
    amount_minor: int
    at: datetime
    is_closed: bool = False
    version: int = 0
    refunds: Mapping[str, int] = field(default_factory=dict)

    @property
    def used_minor(self) -> int:
        """What of the month's budget it uses."""
        return self.amount_minor - sum(self.refunds.values())

    def with_refund(self, key: str, amount_minor: int) -> PaidSession:
        """So much of it gone back, once for each key. ValueError for more than it uses, or before it is paid."""
        if not self.is_closed or not 0 < amount_minor <= self.used_minor:
            raise ValueError(f"{amount_minor} cannot go back of {self.used_minor}")
        return replace(self, refunds={**self.refunds, key: amount_minor})


def budget_month(at: datetime) -> str:
    """The month (UTC) against whose budget a charge counts that was asked for then."""
    return f"{at.astimezone(UTC):%Y-%m}"


def hash_of_code(code: str) -> str:
    """What is kept of a code."""
    return hashlib.sha256(code.encode()).hexdigest()
