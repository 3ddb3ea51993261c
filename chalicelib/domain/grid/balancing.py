"""Load balancing: a site's current shared among its cars, fully and fairly, and never more of it than there is.

Each node of the tree, phase by phase, keeps its limit whatever part of their grants the cars take. Whoever has
something has at least its charger's least current; where not all can, they take turns (`turns`). All rise to a common
level (`filling`), by weight and by what they need to be ready in time (`needs`); what a car leaves goes to others
(`cars`). Whose charger can charge by one phase is switched to it where somebody waits who then need not, and back where
all fit by all of theirs for long (`one_phase`). The same question has the same answer, in whatever order it is put.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.cars import PROBE_MA, Car, is_asleep, learn
from chalicelib.domain.grid.currents import Conductors, Flow
from chalicelib.domain.grid.filling import Filling, Glass
from chalicelib.domain.grid.needs import USUAL_MA, is_met, urgency
from chalicelib.domain.grid.one_phase import considered, fed, has_to_show
from chalicelib.domain.grid.tree import Claim, Conditions, Grants, Port, PortId, SiteTree
from chalicelib.domain.grid.turns import TURN, is_turn, place_in_line

_NO_CONDITIONS = Conditions()


def share(tree: SiteTree, claims: Iterable[Claim], at: datetime, conditions: Conditions = _NO_CONDITIONS) -> Grants:
    """Who may draw how much.

    `target_ma` of the answer is what all shall have; `limit_ma` what they may be told now, that is no raise into room
    that another still holds (`held_ma`). A claim at a port that the tree does not have gets nothing. ValueError for a
    tree that is none.
    """
    ports = {port.port_id: port for port in tree.ports}
    conductors = Conductors.of(tree, at, conditions.building, conditions.limits)
    known = [
        _Known(claim, ports[claim.port_id], learn(ports[claim.port_id], claim, at))
        for claim in claims
        if claim.port_id in ports
    ]
    known.sort(key=lambda it: place_in_line(it.claim, at))
    default_ma = conditions.default_ma
    # What is drawn in silence flows by all phases that a car uses, be its port switched or not.
    silent = {it.claim.port_id: conductors.flows(it.port, it.car.phases) for it in known}

    def empty(but: Collection[PortId]) -> tuple[Filling, Mapping[PortId, int]]:
        """The site before anybody is granted anything, and what each draws in silence, without some of them."""
        bases = {it: most_ma for it, most_ma in default_ma.items() if it not in but}
        return Filling(conductors, _flowing(ports, silent, conductors, bases)), bases

    known = _considered(known, silent, conductors, empty, at)
    # Who has yet to show one phase pauses those who have, for some minutes.
    is_to_show = any(has_to_show(it.claim.switching, at) for it in known)
    known.sort(key=lambda it: is_to_show and it.is_by_one)
    flows = {
        it.claim.port_id: conductors.flows(it.port, 1) if it.is_by_one else silent[it.claim.port_id] for it in known
    }
    glasses = [_glass(it, rank, flows, default_ma, at) for rank, it in enumerate(known)]
    site = Filling(conductors, _flowing(ports, silent, conductors, default_ma))
    first = [glass for it, glass in zip(known, glasses, strict=True) if not _is_last(it, at)]
    last = [glass for it, glass in zip(known, glasses, strict=True) if _is_last(it, at)]
    _follow(known, first, site)
    # A car that sleeps through what its plan gives it is tried again with what others leave.
    kept = {
        it.claim.port_id
        for it in known
        if it.claim.is_kept_to_plan
        and it.claim.planned_ma is not None
        and not (it.car.idle_since and it.claim.planned_ma >= it.port.least_ma)
    }
    for some in (first, last):
        free = [it for it in some if it.port.port_id not in kept]
        admitted = [it for it in free if it.current_ma]
        site.pour([*admitted, *site.admit(it for it in free if not it.current_ma)])
        site.top_up(free)
    site.top_up(_between_levels(known, glasses, kept))
    target = {glass.port.port_id: glass.current_ma for glass in glasses}
    now: Mapping[PortId, int] = target
    if conditions.held_ma:
        held = {it: max(conditions.held_ma.get(it, 0), default_ma.get(it, 0)) for it in ports}
        now = _now(glasses, target, Filling(conductors, _flowing(ports, silent, conductors, held)), held)
    return Grants(
        limit_ma=now,
        target_ma=target,
        bounds={it.port.port_id: None if it.stopped_by is None else conductors.names[it.stopped_by] for it in glasses},
        turn_since={
            it.claim.port_id: it.claim.turn_since if it.claim.turn_since and is_turn(it.claim, at) else at
            for it in known
            if target[it.claim.port_id]
        },
        car_phases={it.claim.port_id: it.car.phases for it in known if it.car.phases is not None},
        car_most_ma={it.claim.port_id: it.car.most_ma for it in known if it.car.most_ma is not None},
        idle_since={it.claim.port_id: it.car.idle_since for it in known if it.car.idle_since is not None},
        switching={
            it.claim.port_id: fed(it.claim.switching, at) if target[it.claim.port_id] else it.claim.switching
            for it in known
            if it.claim.switching is not None
        },
    )


@dataclass(frozen=True, slots=True)
class _Known:
    claim: Claim
    port: Port
    car: Car

    @property
    def is_by_one(self) -> bool:
        """Whether its charger has shown that it is switched to one phase, so that it counts so."""
        return self.claim.switching is not None and self.claim.switching.is_shown

    @property
    def phases(self) -> int:
        """How many it uses, as far as is known."""
        if self.is_by_one:
            return 1
        return min(self.car.phases or len(self.port.phases), len(self.port.phases))


def _is_last(it: _Known, at: datetime) -> bool:
    """Whether it gets only what all others leave: who takes nothing, until tried again; who has what was asked."""
    return is_met(it.claim) or is_asleep(it.car.idle_since, at, TURN)


def _considered(
    known: list[_Known],
    silent: Mapping[PortId, tuple[Flow, ...]],
    conductors: Conductors,
    empty: Callable[[Collection[PortId]], tuple[Filling, Mapping[PortId, int]]],
    at: datetime,
) -> list[_Known]:
    """Each that can be switched, as it is to charge from now on."""
    can = {it.claim.port_id: it.claim.switching for it in known if it.claim.switching is not None}
    if not can:
        return known
    better = _better_by_one(known, silent, conductors, empty, at)
    after = {it: considered(now, at, wants_one=better.get(it, now.is_one)) for it, now in can.items()}
    return [replace(it, claim=replace(it.claim, switching=after.get(it.claim.port_id))) for it in known]


def _better_by_one(
    known: Sequence[_Known],
    silent: Mapping[PortId, tuple[Flow, ...]],
    conductors: Conductors,
    empty: Callable[[Collection[PortId]], tuple[Filling, Mapping[PortId, int]]],
    at: datetime,
) -> Mapping[PortId, bool]:
    """Who had better charge by one phase, so that fewer wait for their least, and who by all; others stay as they are.

    Nobody, where all have their least by all. Else as few as it takes; who charges by all stays so before others.
    """
    some = [it for it in known if not _is_last(it, at) and _is_fed(it)]
    free = {it.claim.port_id: it.claim.switching for it in some if it.claim.switching is not None}
    free = {it: now for it, now in free.items() if now.left and not now.is_trial}

    def admitted(*, by_one: bool) -> tuple[Filling, list[Glass]]:
        flows = {
            it.claim.port_id: conductors.flows(it.port, 1)
            if (by_one and it.claim.port_id in free) or (it.is_by_one and it.claim.port_id not in free)
            else silent[it.claim.port_id]
            for it in some
        }
        # Who is switched has no default; who is switched back has one of its least, at most.
        site, bases = empty(free)
        return site, site.admit(_glass(it, rank, flows, bases, at) for rank, it in enumerate(some))

    _, by_all = admitted(by_one=False)
    if len(by_all) == len(some):
        return dict.fromkeys(free, False)
    site, by_one = admitted(by_one=True)
    if len(by_one) <= len(by_all):
        return dict.fromkeys(free, False)
    able = [it for it in by_one if it.port.port_id in free]
    able.sort(key=lambda it: (free[it.port.port_id].is_one, it.rank))
    kept = {it.port.port_id for it in site.admit(_others(it, silent[it.port.port_id]) for it in able)}
    return {it.port.port_id: it.port.port_id not in kept for it in able}


def _others(glass: Glass, silent: tuple[Flow, ...]) -> Glass:
    """What a port's least is by all phases beyond what it is by one."""
    one = dict(glass.flows)
    flows = tuple((place, counted - one.get(place, 0)) for place, counted in silent if counted != one.get(place))
    return Glass(port=glass.port, flows=flows, most_ma=glass.most_ma, weight=glass.weight, rank=glass.rank)


def _is_fed(it: _Known) -> bool:
    """Whether its plan, if it follows one, gives it its least."""
    return it.claim.planned_ma is None or it.claim.planned_ma >= it.port.least_ma


def _glass(
    it: _Known, rank: int, flows: Mapping[PortId, tuple[Flow, ...]], default_ma: Mapping[PortId, int], at: datetime
) -> Glass:
    most_ma = it.port.least_ma if it.car.idle_since else max(it.port.least_ma, it.car.room_ma(it.port))
    return Glass(
        port=it.port,
        flows=flows[it.claim.port_id],
        most_ma=most_ma,
        weight=it.claim.weight * it.port.weight * urgency(it.claim, it.port, it.phases, at),
        rank=rank,
        base_ma=default_ma.get(it.claim.port_id, 0),
    )


def _follow(known: Iterable[_Known], glasses: Sequence[Glass], site: Filling) -> None:
    """Whoever follows a plan has what it gives; where that is too much, all of them the same part of it.

    Who came after the plan was made rises among them: an even current for the usual one.
    """
    planned = {it.claim.port_id: it.claim.planned_ma for it in known if it.claim.planned_ma is not None}
    if not planned:
        return
    usual = {}
    some = []
    for glass in glasses:
        port_id = glass.port.port_id
        usual[port_id] = glass.most_ma, glass.weight
        if (planned_ma := planned.get(port_id)) is not None:
            if planned_ma < glass.port.least_ma:
                continue
            glass.most_ma, glass.weight = min(glass.most_ma, planned_ma), planned_ma / USUAL_MA
        some.append(glass)
    site.pour(site.admit(some))
    site.top_up(some)
    for glass in glasses:
        glass.most_ma, glass.weight = usual[glass.port.port_id]


def _between_levels(known: Iterable[_Known], glasses: Iterable[Glass], kept: Collection[PortId]) -> Iterable[Glass]:
    """Whose car takes more than the level it has, by more than a probe: it may have the next one, if nobody wants that.

    Where a charger knows few levels. Who waits by choice has no more than its plan.
    """
    for it, glass in zip(known, glasses, strict=True):
        car_ma = it.car.most_ma
        if not glass.current_ma or car_ma is None or it.car.idle_since or car_ma - glass.current_ma <= PROBE_MA:
            continue
        most_ma = it.port.level_for(car_ma)
        if it.port.port_id not in kept or most_ma <= (it.claim.planned_ma or 0):
            glass.most_ma = max(glass.most_ma, most_ma)
            yield glass


def _flowing(
    ports: Mapping[PortId, Port],
    flows: Mapping[PortId, tuple[Flow, ...]],
    conductors: Conductors,
    amounts_ma: Mapping[PortId, int],
) -> Iterable[tuple[tuple[Flow, ...], int]]:
    for port_id, amount_ma in amounts_ma.items():
        if amount_ma and port_id in ports:
            yield flows.get(port_id) or conductors.flows(ports[port_id], None), amount_ma


def _now(
    glasses: Iterable[Glass], target: Mapping[PortId, int], site: Filling, held: Mapping[PortId, int]
) -> Mapping[PortId, int]:
    """What may be told at once: each lowering, and of the raises what nobody else holds."""
    told: dict[PortId, int] = {}
    raised: list[Glass] = []
    for glass in glasses:
        port_id = glass.port.port_id
        if target[port_id] <= held[port_id]:
            told[port_id] = target[port_id]
            continue
        again = Glass(
            port=glass.port,
            flows=glass.flows,
            most_ma=target[port_id],
            weight=glass.weight,
            rank=glass.rank,
            base_ma=held[port_id],
        )
        again.current_ma = again.port.level_below(held[port_id])
        raised.append(again)
    site.pour([*(it for it in raised if it.current_ma), *site.admit(it for it in raised if not it.current_ma)])
    site.top_up(raised)
    return told | {it.port.port_id: it.current_ma for it in raised}
