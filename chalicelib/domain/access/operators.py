"""An operator as the platform knows it: since when it is there, whether it is closed, and the most that it may ask for.

A closed operator begins nothing new: what runs is charged to its end and billed. Caps are set in euros, and stand for
about as much in every currency, as the platform's own do (`pricing/caps.py`); they lower these and never raise them.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from chalicelib.domain.access.rights import Role
from chalicelib.domain.data_classes import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorCaps:
    """The most that one operator may ask for: a kWh, an hour, a fee, a hold, a charge in all; before tax but for holds.

    None: what the platform allows everybody.
    """

    kwh_eur: Decimal | None = None
    hour_eur: Decimal | None = None
    fee_eur: Decimal | None = None
    hold_eur: Decimal | None = None
    charge_eur: Decimal | None = None


NO_CAPS = OperatorCaps()


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorStanding:
    """What holds for an operator. One that no platform's administrator has made has no `made_at`, and stands as well.

    `second_factor` names the roles that need a second factor, by the operator's own rule.
    """

    name: str = ""
    made_at: datetime | None = None
    closed_at: datetime | None = None
    caps: OperatorCaps = NO_CAPS
    second_factor: frozenset[Role] = frozenset()

    @property
    def is_closed(self) -> bool:
        """Whether nothing begins there any more, and nobody acts for it."""
        return self.closed_at is not None
