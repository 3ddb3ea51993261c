"""A car at home as a site of one port: the grid's planner decides when it charges, by the same prices and rules.

One read of the outlook (remembered by the process), one program solved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.grid.estimates import estimate
from chalicelib.domain.grid.footprints import at_once
from chalicelib.domain.grid.outlook import Outlook, Plan
from chalicelib.domain.grid.signals import Guidance, guidance
from chalicelib.domain.grid.tree import Claim, Conditions, Draw, Node, Phase, Port, PortId, SiteTree
from chalicelib.domain.vehicles.plan import CarPlan, CarQuestion, kept_start
from chalicelib.ports.grid import Outlooks, Planner

_QUARTERS = 96
_VOLTAGE_V = 230
_PORT = PortId("home", ConnectorId(1))
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class HomePlans:
    """The port CarPlanner, by whoever plans sites; asked for only where there is something to plan."""

    outlooks: Outlooks
    planner: Callable[[], Planner]

    def plan(self, question: CarQuestion) -> CarPlan | None:
        """The plan; None where nobody knows any prices, or they are old."""
        if not question.price_site:
            return None
        outlook = self.outlooks.of(question.price_site, question.at, _QUARTERS)
        is_known = bool(outlook.price_micros or outlook.carbon_g)
        if not is_known or guidance(outlook.told_at, question.at) is not Guidance.PLAN:
            return None
        port, claim = _port(question.power_w), _claim(question)
        tree = SiteTree(site_id="home", nodes=(Node(node_id="grid"),), ports=(port,))
        at = max(question.at, outlook.begins_at)
        found = self.planner().plan(tree, (claim,), outlook, at, Conditions())
        return _read(found, question, claim, port, outlook) if found is not None else None


def _port(power_w: int) -> Port:
    """As one phase of whatever the plug has: how many there are is no matter where nobody else is."""
    return Port(port_id=_PORT, node_id="grid", phases=(Phase.L1,), most_ma=max(6_000, power_w * 1000 // _VOLTAGE_V))


def _claim(question: CarQuestion) -> Claim:
    """A car that is known to take all that its plug gives."""
    most_ma = max(6_000, question.power_w * 1000 // _VOLTAGE_V)
    draws = tuple(
        Draw(at=question.at - it * timedelta(minutes=1), current_ma=(most_ma, 0, 0), granted_ma=most_ma)
        for it in (2, 1)
    )
    return Claim(
        port_id=_PORT,
        session_id=question.vehicle_id,
        begun_at=min(question.plugged_at, question.at),
        car_phases=1,
        car_most_ma=most_ma,
        draws=draws,
        asked_wh=question.energy_wh,
        departs_at=question.departs_at,
    )


def _read(found: Plan, question: CarQuestion, claim: Claim, port: Port, outlook: Outlook) -> CarPlan | None:
    """What the car is told of it: it begins once and charges through."""
    row = found.limit_ma.get(_PORT, ())
    drawn = tuple(it * port.voltage_v // 1000 for it in row)
    told = estimate(claim, port, row, outlook, question.at)
    rough = CarPlan(
        planned_at=question.at,
        begins_at=outlook.begins_at,
        power_w=drawn,
        starts_at=told.starts_at,
        ready_at=told.ready_at,
        energy_wh=told.energy_wh,
        unmet_wh=told.unmet_wh,
        price_micros=outlook.price_micros or outlook.carbon_g,
    )
    starts_at = kept_start(rough, question)
    ready_at = starts_at + question.energy_wh / question.power_w * _HOUR
    run = at_once(question.energy_wh, question.power_w, starts_at, outlook.begins_at)
    sooner = at_once(question.energy_wh, question.power_w, question.at, outlook.begins_at)
    cost, carbon = _weighed(run, outlook.price_micros), _weighed(run, outlook.carbon_g)
    cost_sooner, carbon_sooner = _weighed(sooner, outlook.price_micros), _weighed(sooner, outlook.carbon_g)
    green = _weighed(run, outlook.renewable_permille)
    is_ready = ready_at <= question.departs_at
    return CarPlan(
        planned_at=question.at,
        begins_at=outlook.begins_at,
        power_w=drawn,
        starts_at=starts_at,
        ready_at=ready_at.replace(microsecond=0) if is_ready else None,
        energy_wh=question.energy_wh,
        unmet_wh=0 if is_ready else round(question.power_w * ((ready_at - question.departs_at) / _HOUR)),
        price_micros=rough.price_micros,
        cost_micros=cost,
        currency=outlook.currency,
        carbon_g=carbon,
        renewable_permille=None if green is None else round(green * 1000 / question.energy_wh),
        saved_micros=None if cost is None or cost_sooner is None else cost_sooner - cost,
        saved_g=None if carbon is None or carbon_sooner is None else carbon_sooner - carbon,
        source=outlook.source,
    )


def _weighed(taken: Mapping[int, float], by_kwh: Sequence[int]) -> int | None:
    if not taken or any(not 0 <= place < len(by_kwh) for place in taken):
        return None
    return round(sum(by_kwh[place] * energy_wh for place, energy_wh in taken.items()) / 1000)
