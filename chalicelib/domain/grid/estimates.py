"""What a plan comes to for one car: when it begins, when it is ready, what its energy costs and emits, why it waits.

It is what its driver is told, so it errs neither way: it counts what the plan gives, as far as the car can take it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from chalicelib.domain.charging.preferences import ToldPlan, WaitReason
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.grid.needs import USUAL_WH
from chalicelib.domain.grid.outlook import QUARTER, Outlook
from chalicelib.domain.grid.tree import Claim, Port

_HOUR = timedelta(hours=1)
# A plan in whole steps lacks a little, and so does nobody's day.
_LITTLE = 0.03


def power_w(port: Port, current_ma: int, car_phases: int | None) -> int:
    """What a car draws there by so much current in each of its phases (None: all that the port has)."""
    phases = 1 if port.is_line_to_line else min(car_phases or len(port.phases), len(port.phases))
    return current_ma * port.voltage_v * phases // 1000


def estimate(claim: Claim, port: Port, row: Sequence[int], outlook: Outlook, at: datetime) -> ToldPlan:
    """What is told of a plan's row, whose first quarter is the outlook's first."""
    wanted_wh = max(0, (claim.asked_wh or USUAL_WH) - claim.served_wh)
    parts = list(_parts(claim, port, row, outlook, at))
    given_wh, ready_at, taken = 0.0, at if not wanted_wh else None, []
    for it in parts:
        energy_wh = min(it.energy_wh, wanted_wh - given_wh)
        if energy_wh <= 0:
            continue
        taken.append((it.place, energy_wh))
        given_wh += energy_wh
        if given_wh >= wanted_wh * (1 - _LITTLE):
            ready_at = it.begins_at + energy_wh / it.energy_wh * (it.ends_at - it.begins_at)
            if given_wh >= wanted_wh:
                break
    first = next((it for it in parts if it.energy_wh), None)
    return ToldPlan(
        planned_at=at,
        starts_at=first.begins_at if first is not None else at,
        ready_at=ready_at.replace(microsecond=0) if ready_at is not None else None,
        energy_wh=round(given_wh),
        had_wh=claim.served_wh,
        unmet_wh=round(wanted_wh - given_wh) if ready_at is None else 0,
        energy_cost_micros=_sum(taken, outlook.price_micros),
        currency=outlook.currency,
        carbon_g=_sum(taken, outlook.carbon_g),
        source=outlook.source,
        waits_for=_why(parts, taken, outlook) if first is not None and first.place else None,
    )


@dataclass(frozen=True, slots=True)
class _Part:
    place: int
    begins_at: datetime
    ends_at: datetime
    energy_wh: float


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


def _sum(taken: Sequence[tuple[int, float]], by_kwh: Sequence[int]) -> int | None:
    """What so much energy comes to, by what a kWh does in its quarter; None where that is not known of each."""
    if not taken or any(place >= len(by_kwh) for place, _ in taken):
        return None
    return round(sum(by_kwh[place] * energy_wh for place, energy_wh in taken) / 1000)


def _why(parts: Sequence[_Part], taken: Sequence[tuple[int, float]], outlook: Outlook) -> WaitReason:
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
