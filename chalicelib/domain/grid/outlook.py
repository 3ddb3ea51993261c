"""A site's outlook: what a kWh will cost and emit there in each quarter of an hour, and what is planned by it.

Every row begins with the same quarter and each of its numbers holds for one; a row that is empty is not known. A price
is that of energy alone, in millionths of the currency's unit, and may be negative.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from chalicelib.domain.data_classes import dataclass, field, replace
from chalicelib.domain.grid.demand_response import SiteDemand, asked_spans
from chalicelib.domain.grid.tree import PortId

QUARTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is known of a site's coming quarters of an hour, the first of which begins at `begins_at` (UTC).

    `price_micros` for a kWh, `carbon_g` of CO2 equivalent for a kWh (average, never marginal), `renewable_permille` of
    the mix, `solar_w` of the site's own, `building_w` of its other consumption. `demand_charge_micros` is what a kW of
    the month's highest quarter costs, `peak_w` that quarter so far. `source` names where price and carbon came from.

    `marginal_g` is what one more kWh emits, for plans and never for receipts. `carbon_micros_per_kg`: what the site
    counts a kilogram of CO2 as beside money. `told_at`: when the oldest of its outside signals was last confirmed, None
    where it has none (`signals.guidance` says whether to plan by it).
    `coming_permille`: the cars that may come in each quarter, in thousandths (`arrivals`); empty where nobody watches
    who comes. `lacked_at`: when a plan last left more lacking there than a roomy site's does (`day_plans`).
    `demands`: what the site is asked for, now or later. `unasked`: what ports would have if it were not, as that was
    planned before any of it was moved.
    """

    begins_at: datetime
    currency: str = ""
    price_micros: tuple[int, ...] = ()
    carbon_g: tuple[int, ...] = ()
    renewable_permille: tuple[int, ...] = ()
    solar_w: tuple[int, ...] = ()
    building_w: tuple[int, ...] = ()
    demand_charge_micros: int = 0
    peak_w: int = 0
    source: str = ""
    marginal_g: tuple[int, ...] = ()
    carbon_micros_per_kg: int = 0
    told_at: datetime | None = None
    coming_permille: tuple[int, ...] = ()
    lacked_at: datetime | None = None
    demands: tuple[SiteDemand, ...] = ()
    unasked: Plan | None = None

    def __post_init__(self) -> None:
        """ValueError for a beginning that is not a quarter's."""
        if self.begins_at.timestamp() % QUARTER.total_seconds():
            raise ValueError(f"an outlook begins with a quarter of an hour, not at {self.begins_at.isoformat()}")

    def turns(self) -> list[datetime]:
        """Between which quarters something else is asked of the site than before."""
        spans = [it.interval for it in asked_spans(self.demands)]
        begins = {self.begins_at + (it.begins_at - self.begins_at) // QUARTER * QUARTER for it in spans}
        ends = {self.begins_at - (self.begins_at - it.ends_at) // QUARTER * QUARTER for it in spans}
        return sorted(begins | ends)

    def from_next(self) -> Outlook:
        """The same from the next quarter on."""
        rows = (
            "price_micros",
            "carbon_g",
            "renewable_permille",
            "solar_w",
            "building_w",
            "marginal_g",
            "coming_permille",
        )
        return replace(self, begins_at=self.begins_at + QUARTER, **{name: getattr(self, name)[1:] for name in rows})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What each port is to draw in each quarter from `begins_at` on, by each of its phases.

    A port that is not named follows no plan: it has its fair share. Behind a row's end nothing is planned.
    `is_full` by port and quarter: what it is behind is used up, so that it may have at once what another leaves;
    elsewhere it waits by choice (`Claim.is_kept_to_plan`). `unmet_wh`: what a car is thought to lack when it leaves.
    `coming_lacks_permille`: so much of what all ask for, who is there and who may come, will those lack who may come;
    `lacks_permille`: so much of it will all lack, as sites are usually planned. `is_roomy`: it is the plan of a site
    with room for all; there `newcomers`, at ports where somebody came since, have an even current until they leave.
    `unasked_ma`: what it would be if nobody asked the site for less; empty where nobody does, or nothing is moved.
    """

    begins_at: datetime
    limit_ma: Mapping[PortId, tuple[int, ...]] = field(default_factory=dict)
    is_full: Mapping[PortId, tuple[bool, ...]] = field(default_factory=dict)
    unmet_wh: Mapping[PortId, int] = field(default_factory=dict)
    coming_lacks_permille: int = 0
    lacks_permille: int = 0
    is_roomy: bool = False
    newcomers: frozenset[PortId] = frozenset()
    unasked_ma: Mapping[PortId, tuple[int, ...]] = field(default_factory=dict)

    def at(self, port_id: PortId, at: datetime) -> tuple[int | None, bool]:
        """What a claim at a port is told of the plan: its `planned_ma` and `is_kept_to_plan`."""
        row = self.limit_ma.get(port_id, ())
        place = (at - self.begins_at) // QUARTER
        if not 0 <= place < len(row):
            return None, False
        full = self.is_full.get(port_id, ())
        return row[place], not (place < len(full) and full[place])
