"""The physics of a day: cars take what they are granted, can and lack; meters say what it came to."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import process_time
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from chalicelib.domain.charging.preferences import ToldPlan
from chalicelib.domain.grid.tree import Claim, Draw, PortId, SiteTree
from local.simulate.days import Request
from local.simulate.meters import Meters

if TYPE_CHECKING:
    # Algorithms know signals, which know what a day came to.
    from local.simulate.algorithms import Algorithm

# From this part of its battery on a car takes less and less.
_TAPERS_FROM = 0.8
_LEAST_MA = 6_000


@runtime_checkable
class Foretells(Protocol):
    """An algorithm that tells drivers what to expect."""

    def foretell(self, new: Collection[str], claims: Sequence[Claim], at: datetime) -> Mapping[str, ToldPlan]:
        """By session, of those that have just come."""
        ...


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What an algorithm came to.

    `served_wh` and `asked_wh` by session; `taken_wh`, what a session took in each period in which it took anything;
    `told`, what its driver was told as it came. `power_w`, what was drawn in each period from `begins_at` on;
    `violations`, meters (by period) that would have shown too much had all taken what they were granted, `overloads`,
    that did; `invalid`, currents that no charger knows; `changes`, of a grant while a car was there; `asked_s`, what
    each question took the processor.
    """

    name: str
    begins_at: datetime
    period: timedelta
    asked_wh: dict[str, int] = field(default_factory=dict)
    served_wh: dict[str, int] = field(default_factory=dict)
    taken_wh: dict[str, dict[datetime, int]] = field(default_factory=dict)
    told: dict[str, ToldPlan] = field(default_factory=dict)
    power_w: list[float] = field(default_factory=list)
    violations: int = 0
    overloads: int = 0
    invalid: int = 0
    changes: int = 0
    asked_s: list[float] = field(default_factory=list)

    @property
    def shares(self) -> list[float]:
        """By session, how much of what was asked it had, ascending."""
        return sorted(min(1.0, self.served_wh[it] / asked) for it, asked in self.asked_wh.items())

    @property
    def energy_percent(self) -> float:
        """Of all that was asked for; what was given beyond does not count."""
        asked = sum(self.asked_wh.values())
        return 100 * sum(min(self.served_wh[it], wh) for it, wh in self.asked_wh.items()) / asked if asked else 100.0

    @property
    def met_percent(self) -> float:
        """Of sessions, those that lacked no more than a fiftieth."""
        return 100 * sum(it >= 0.98 for it in self.shares) / len(self.shares) if self.shares else 100.0

    @property
    def lowest_decile(self) -> float:
        """What a tenth of the sessions had less than."""
        return self.shares[len(self.shares) // 10] if self.shares else 1.0

    @property
    def jain(self) -> float:
        """Jain's index of the shares: 1 where all had the same."""
        squares = sum(it * it for it in self.shares)
        return sum(self.shares) ** 2 / (len(self.shares) * squares) if squares else 1.0

    @property
    def solve_s(self) -> float:
        """What one question in a hundred took longer than."""
        return sorted(self.asked_s)[len(self.asked_s) * 99 // 100] if self.asked_s else 0.0

    @property
    def peak_w(self) -> float:
        """The highest mean of a quarter of an hour."""
        width = max(1, round(timedelta(minutes=15) / self.period))
        parts = [self.power_w[start : start + width] for start in range(0, len(self.power_w), width)]
        return max((sum(it) / len(it) for it in parts), default=0.0)


def simulate(
    name: str,
    algorithm: Algorithm,
    tree: SiteTree,
    requests: Sequence[Request],
    *,
    period: timedelta = timedelta(minutes=5),
    noise_ma: int = 0,
    seed: int = 1,
    on_period: Callable[[], None] = lambda: None,
) -> Outcome:
    """Ask the algorithm each period from the first arrival to the last departure, and let the cars charge.

    `noise_ma`: by how much meters err, either way.
    """
    begins_at = min(it.arrives_at for it in requests)
    ends_at = max(it.departs_at for it in requests)
    outcome = Outcome(name=name, begins_at=begins_at, period=period)
    outcome.asked_wh = {it.session_id: it.asked_wh for it in requests}
    outcome.served_wh = dict.fromkeys(outcome.asked_wh, 0)
    outcome.taken_wh = {it: {} for it in outcome.asked_wh}
    meters, chance = Meters(tree), random.Random(seed)
    levels = {it.port_id: {0, *(it.levels_ma or range(it.least_ma, it.most_ma + 1, it.step_ma))} for it in tree.ports}
    granted_before: dict[str, int] = {}
    at = begins_at
    while at < ends_at:
        there = [it for it in requests if it.arrives_at <= at < it.departs_at]
        began = process_time()
        claims = [_claim(it, outcome, at) for it in there]
        granted = algorithm.share(claims, at)
        outcome.asked_s.append(process_time() - began)
        new = [it.session_id for it in there if it.session_id not in granted_before]
        if new and isinstance(algorithm, Foretells):
            outcome.told |= algorithm.foretell(new, claims, at)
        phases: dict[PortId, int | None] = {it.port_id: it.phases for it in there}
        told_ma = {it.port_id: granted.get(it.port_id, 0) for it in there}
        taken_ma = {it.port_id: _taken(it, told_ma[it.port_id], meters, outcome, period) for it in there}
        outcome.violations += len(meters.over(told_ma, phases))
        outcome.overloads += len(meters.over(taken_ma, phases))
        power_w = 0.0
        for it in there:
            told, taken = told_ma[it.port_id], taken_ma[it.port_id]
            outcome.invalid += told not in levels[it.port_id]
            outcome.changes += granted_before.get(it.session_id, told) != told
            granted_before[it.session_id] = told
            drawn_w = meters.power_w(it.port_id, taken, it.phases)
            power_w += drawn_w
            if taken_wh := round(drawn_w * (period / timedelta(hours=1))):
                outcome.taken_wh[it.session_id][at] = taken_wh
                outcome.served_wh[it.session_id] += taken_wh
            seen_ma = max(0, taken + chance.randint(-noise_ma, noise_ma))
            by_phase = tuple(seen_ma if number < it.phases else 0 for number in range(3))
            algorithm.look(it.session_id, Draw(at=at, current_ma=(*by_phase,), granted_ma=told))  # type: ignore[arg-type]
        outcome.power_w.append(power_w)
        at += period
        on_period()
    return outcome


def periods(requests: Sequence[Request], period: timedelta) -> int:
    """How many there are from the first arrival to the last departure."""
    return -(-(max(it.departs_at for it in requests) - min(it.arrives_at for it in requests)) // period)


def _claim(request: Request, outcome: Outcome, at: datetime) -> Claim:
    return Claim(
        port_id=request.port_id,
        session_id=request.session_id,
        begun_at=request.arrives_at,
        served_wh=outcome.served_wh[request.session_id],
        asked_wh=request.asked_wh,
        departs_at=max(request.declared_at, at + outcome.period),
    )


def _taken(request: Request, granted_ma: int, meters: Meters, outcome: Outcome, period: timedelta) -> int:
    """Below the least a car takes nothing; above four fifths of its battery less and less; never more than it lacks."""
    if granted_ma < _LEAST_MA:
        return 0
    served_wh = outcome.served_wh[request.session_id]
    charge = request.charge + served_wh / request.capacity_wh
    most_ma = request.most_ma * min(1.0, max(0.0, (1 - charge) / (1 - _TAPERS_FROM)))
    whole_w = meters.power_w(request.port_id, 1_000_000, request.phases)
    lacks_wh = max(0.0, (1 - charge) * request.capacity_wh)
    return round(min(granted_ma, most_ma, lacks_wh / (period / timedelta(hours=1)) / whole_w * 1_000_000))
