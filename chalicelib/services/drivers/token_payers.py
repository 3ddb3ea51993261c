"""Who pays for what a driver's token begins: they themselves, or the organisation of which they are a member.

One that an organisation issued is its own wherever it counts, and no longer good once its driver is not a member. Any
other is the organisation's where its member chose so. Nobody can be asked at a reader: where its rules or its budget
say no the token is refused, and no card of the driver's is asked instead.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.money.asked_charge import AskedCharge, NotPaidFor
from chalicelib.domain.pricing.tariff import Tariff
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Chargers, Sites
from chalicelib.records.drivers import Driver, Token

_log = logging.getLogger(__name__)


def paying_organisation(driver: Driver, token: Token, operator_id: str) -> str | None:
    """The organisation that pays at that operator's chargers for what the token begins; None: its driver does. No call.

    Raises NotPaidFor where it was issued by one that pays for its driver no more.
    """
    joined = driver.organisations.get(operator_id)
    if token.organisation_id:
        if joined is None or joined.organisation_id != token.organisation_id:
            raise NotPaidFor(f"member: {token.organisation_id} does not pay for this driver")
        return token.organisation_id
    return joined.organisation_id if joined is not None and joined.pays_by_default else None


@dataclass(frozen=True, kw_only=True)
class TokenPayers:
    """Asks whether an organisation pays for what a token is about to begin. Four reads and the price's; `check` is its.

    `check` raises NotPaidFor.
    """

    chargers: Chargers
    sites: Sites
    check: Callable[[AskedCharge], object]
    clock: Clock

    def pays(self, organisation_id: str, driver_id: str, charger_id: str, tariff: Tariff | None) -> bool:
        """Whether it pays now for a charge there at that price."""
        charger = self.chargers.get(charger_id)
        site = self.sites.get(charger.site_id) if charger is not None else None
        if site is None or tariff is None:
            return False
        asked = AskedCharge(
            operator_id=site.operator_id,
            organisation_id=organisation_id,
            driver_id=driver_id,
            site_id=site.site_id,
            time_zone=site.time_zone,
            currency=tariff.currency,
            hold_minor=0 if tariff.is_free else tariff.hold_minor,
            at=self.clock(),
        )
        try:
            self.check(asked)
        except NotPaidFor as error:
            _log.info("not paid for", extra={"charger_id": charger_id, "why": str(error)})
            return False
        return True
