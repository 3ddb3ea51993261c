"""A settled bill with all that it follows from, so that anybody can work it out again.

Where prices depend on how a charge went, its course is not here: then what can be checked is that each line is its
quantity times a price of the tariff, and that lines, bounds and taxes sum up.
"""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.pricing.bill import Bill, Dimension, total
from chalicelib.domain.pricing.currency import to_minor
from chalicelib.domain.pricing.periods import ChargingPeriod
from chalicelib.domain.pricing.rating import Reserved, Usage, price
from chalicelib.domain.pricing.tariff import Tariff

_BOUNDS = (Dimension.MINIMUM, Dimension.MAXIMUM)
_UNIT = {Dimension.ENERGY: 1000, Dimension.FLAT: 1, Dimension.RESERVATION_FEE: 1, Dimension.EXPIRED_RESERVATION_FEE: 1}
_HOUR_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledBill:
    """A bill, the tariff that it was made by (the driver's limit in its bounds), and what was charged.

    `is_charge` is false where nothing of a charge is to be paid, be there a reservation.
    """

    tariff: Tariff
    bill: Bill
    time_zone: str
    began_at: datetime
    ended_at: datetime
    energy_wh: int
    reserved: Reserved | None = None
    is_charge: bool = True

    @property
    def is_recomputable(self) -> bool:
        """Whether the bill follows from what is here alone."""
        return not self.is_charge or not self.tariff.depends_on_course

    def recomputed(self) -> Bill:
        """The bill by tariff and energy alone: the true one, where it is recomputable."""
        period = ChargingPeriod(began_at=self.began_at, ended_at=self.ended_at, energy_wh=Fraction(self.energy_wh))
        return price(self.tariff, Usage((period,) if self.is_charge else (), self.reserved), self.time_zone)

    def faults(self) -> list[str]:
        """What of the bill does not follow, in words; none where all does that can be checked."""
        if self.is_recomputable:
            found = self.recomputed()
            if found == self.bill:
                return []
            return [f"the bill comes to {found.total_minor} by its tariff, and says {self.bill.total_minor}"]
        return [*self._lines(), *self._sums()]

    def _lines(self) -> list[str]:
        prices = {it.price for element in self.tariff.elements for it in element.price_components}
        found = []
        for it in self.bill.lines:
            exact = Fraction(it.unit_price) * it.quantity / _UNIT.get(it.dimension, _HOUR_S)
            if it.dimension not in _BOUNDS and to_minor(exact, self.bill.currency) != it.amount_minor:
                found.append(f"a line of {it.dimension} says {it.amount_minor}, not its quantity times its price")
            if it.dimension not in _BOUNDS and it.unit_price not in prices:
                found.append(f"a line of {it.dimension} has a price that the tariff has not")
        return found

    def _sums(self) -> list[str]:
        lines = [it for it in self.bill.lines if it.dimension not in _BOUNDS]
        found = total(self.tariff, lines, is_charge=self.is_charge)
        return [] if found == self.bill else [f"the lines come to {found.total_minor}, and the bill says otherwise"]
