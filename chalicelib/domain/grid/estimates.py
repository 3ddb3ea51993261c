"""What a plan comes to for one car: when it begins, when it is ready, what its energy costs and emits, why it waits.

It is what its driver is told, so it errs neither way: it counts what the plan gives, as far as the car can take it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from chalicelib.domain.charging.preferences import ToldPlan, WaitReason
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.needs import USUAL_WH
from chalicelib.domain.grid.outlook import QUARTER, Outlook, Plan
from chalicelib.domain.grid.tree import Claim, Phase, Port

_HOUR = timedelta(hours=1)
# A plan in whole steps lacks a little, and so does nobody's day: who has so much of what was asked for is ready.
ENOUGH = 0.97
# Most cars that charge on three phases have a charger of 11 kW; those that use fewer take what they are given.
_USUAL_MOST_MA = 16_000


def power_w(port: Port, current_ma: int, car_phases: int | None) -> int:
    """What a car draws there by so much current in each of its phases (None: all that the port has)."""
    phases = 1 if port.is_line_to_line else min(car_phases or len(port.phases), len(port.phases))
    return current_ma * port.voltage_v * phases // 1000


def as_usual(claim: Claim, port: Port) -> Claim:
    """A claim with what most cars are like where nothing is known of this one yet, to foretell by.

    Plans do not count on it: a car that they know nothing of may use one phase, and then it must begin soon.
    """
    phases = claim.car_phases or len(port.phases)
    usual_ma = min(_USUAL_MOST_MA, port.most_ma) if phases == len(Phase) else port.most_ma
    return replace(claim, car_phases=phases, car_most_ma=claim.car_most_ma or usual_ma)


def fed(claim: Claim, port: Port, current_ma: int, at: datetime, until: datetime) -> Claim:
    """The claim as it will be by then, if it has so much current: what it takes meanwhile need not be planned."""
    taken_ma = min(current_ma, claim.car_most_ma or current_ma)
    lacks_wh = max(0, (claim.asked_wh or USUAL_WH) - claim.served_wh)
    taken_wh = round(power_w(port, taken_ma, claim.car_phases) * ((until - at) / _HOUR))
    return replace(claim, served_wh=claim.served_wh + min(lacks_wh, taken_wh))


def unmet_wh(plan: Plan, claim: Claim) -> int | None:
    """What a car will lack by a plan, who may still come counted in; None where it is in no plan.

    A program would have those lack first who are not there. Once they are they share, so whoever is behind a conductor
    that will be used up lacks the same part.
    """
    lacks_wh = plan.unmet_wh.get(claim.port_id)
    if lacks_wh is None or not any(plan.is_full.get(claim.port_id, ())):
        return lacks_wh
    return max(lacks_wh, plan.coming_lacks_permille * (claim.asked_wh or USUAL_WH) // 1000)


def estimate(  # noqa: PLR0913 (what is told follows from all of it)
    claim: Claim,
    port: Port,
    row: Sequence[int],
    outlook: Outlook,
    at: datetime,
    *,
    unmet_wh: int | None = None,
    fed_ma: int | None = None,
) -> ToldPlan:
    """What is told of a plan's row, whose first quarter is the outlook's first.

    `unmet_wh`: what it is thought to lack in the end; what the row gives less than the rest is lost to whole steps
    alone, which the next plans make up for. None: the row is all there is. `fed_ma`: what it has in the first quarter,
    plan or no plan; the row begins with the second then.
    """
    wanted_wh = max(0, (claim.asked_wh or USUAL_WH) - claim.served_wh)
    whole = row if fed_ma is None else (fed_ma, *row)
    parts = list(_parts(claim, port, whole, outlook, at))
    taken = list(_taken(parts, wanted_wh - (unmet_wh or 0)))
    if taken and unmet_wh is not None:
        gone = _parts(replace(claim, departs_at=None), port, whole, outlook, at)
        lost_wh = wanted_wh - unmet_wh - max(sum(it.energy_wh for it in gone), sum(it for _, it in taken))
        if lost_wh > 0:
            taken.append((_made_up(taken[-1][0], lost_wh, claim.departs_at), lost_wh))
    given_wh = sum(it for _, it in taken)
    ready_at = _ready_at(taken, wanted_wh * ENOUGH) if wanted_wh else at
    planned = parts if fed_ma is None else parts[1:]
    first = next((it for it in planned if it.energy_wh), None)
    waits = first is not None and first is not planned[0]
    return ToldPlan(
        planned_at=at,
        starts_at=first.begins_at if first is not None and waits else at,
        ready_at=ready_at.replace(microsecond=0) if ready_at is not None else None,
        energy_wh=round(given_wh),
        had_wh=claim.served_wh,
        unmet_wh=round(wanted_wh - given_wh) if ready_at is None else 0,
        energy_cost_micros=_sum(taken, outlook.price_micros),
        currency=outlook.currency,
        carbon_g=_sum(taken, outlook.carbon_g),
        source=outlook.source,
        waits_for=_why(parts, taken, outlook) if waits else None,
    )


@dataclass(frozen=True, slots=True)
class _Part:
    place: int
    begins_at: datetime
    ends_at: datetime
    energy_wh: float


_Taken = tuple[_Part, float]


def _parts(claim: Claim, port: Port, row: Sequence[int], outlook: Outlook, at: datetime) -> Iterator[_Part]:
    for place, planned_ma in enumerate(row):
        quarter_at = outlook.begins_at + place * QUARTER
        begins_at, ends_at = max(at, quarter_at), quarter_at + QUARTER
        if claim.departs_at is not None:
            ends_at = min(ends_at, claim.departs_at)
        if begins_at < ends_at:
            current_ma = min(planned_ma, claim.car_most_ma or planned_ma)
            energy_wh = power_w(port, current_ma, claim.car_phases) * ((ends_at - begins_at) / _HOUR)
            yield _Part(place, begins_at, ends_at, energy_wh)


def _taken(parts: Iterable[_Part], most_wh: float) -> Iterator[_Taken]:
    """What is taken of each, until it has the most."""
    for it in parts:
        energy_wh = min(it.energy_wh, most_wh)
        if energy_wh > 0:
            most_wh -= energy_wh
            yield it, energy_wh


def _made_up(last: _Part, energy_wh: float, departs_at: datetime | None) -> _Part:
    """As much energy more behind a part, with what the car has in it, as far as there is time."""
    ends_at = last.ends_at + energy_wh / last.energy_wh * (last.ends_at - last.begins_at)
    return _Part(last.place, last.ends_at, min(ends_at, departs_at or ends_at), energy_wh)


def _ready_at(taken: Iterable[_Taken], enough_wh: float) -> datetime | None:
    given_wh = 0.0
    for it, energy_wh in taken:
        if given_wh + energy_wh >= enough_wh:
            return it.begins_at + (enough_wh - given_wh) / it.energy_wh * (it.ends_at - it.begins_at)
        given_wh += energy_wh
    return None


def _sum(taken: Sequence[_Taken], by_kwh: Sequence[int]) -> int | None:
    """What so much energy comes to, by what a kWh does in its quarter; None where that is not known of each."""
    if not taken or any(it.place >= len(by_kwh) for it, _ in taken):
        return None
    return round(sum(by_kwh[it.place] * energy_wh for it, energy_wh in taken) / 1000)


def _why(parts: Sequence[_Part], taken: Sequence[_Taken], outlook: Outlook) -> WaitReason:
    """By what the quarters that it is given have before the one that it waits in."""
    now = parts[0].place
    energy_wh = sum(it for _, it in taken)
    for by_kwh, reason in (
        (outlook.price_micros, WaitReason.CHEAPER_LATER),
        (outlook.carbon_g, WaitReason.GREENER_LATER),
    ):
        total = _sum(taken, by_kwh)
        if total is not None and energy_wh and now < len(by_kwh) and total * 1000 / energy_wh < by_kwh[now]:
            return reason
    return WaitReason.SHARES_POWER
