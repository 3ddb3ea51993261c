"""Demand response: somebody asks sites to take less for a time; what that is for one site, and how it ends.

A site takes part by its contract, and in no event that it is not for. Whatever is asked becomes one of three things for
a site: a part of what its cars would have drawn, watts that they keep within, or watts for all that the site takes.
Where events overlap each of them holds, so that the strictest wins, in whatever order they were told. What ends is
given back by each site at a moment of its own within ten minutes, and by degrees.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.tree import OperatorLimit

# All that was taken from sites is given back by then, each in the last part of its own time.
RESTORED_WITHIN = timedelta(minutes=10)
RAMP = timedelta(minutes=2)
_LONG_AGO = datetime.fromtimestamp(0, UTC)
_THOUSAND = 1000
_LEVELS = 3


class AskKind(StrEnum):
    """How it is said what sites are to take.

    RELATIVE: so much less than their cars would have drawn (permille). CAP: watts for the cars of all sites together,
    and SETPOINT the same: cars that want less cannot be made to take more. IMPORT_LIMIT: watts of each site, building
    included. LOAD_CONTROL: a part of what all its ports can draw (permille). LEVEL: 0 to 3, as each contract has it.
    """

    RELATIVE = "relative"
    CAP = "cap"
    SETPOINT = "setpoint"
    IMPORT_LIMIT = "import_limit"
    LOAD_CONTROL = "load_control"
    LEVEL = "level"


_PERMILLE = (AskKind.RELATIVE, AskKind.LOAD_CONTROL)
# Of these the sites that they are for have a part each, by what their ports can draw.
_TOGETHER = (AskKind.CAP, AskKind.SETPOINT)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandAsk:
    """What is asked; of the three numbers it has the one of its kind. ValueError for one that says something else."""

    kind: AskKind = AskKind.RELATIVE
    level: int | None = None
    permille: int | None = None
    power_w: int | None = None

    def __post_init__(self) -> None:
        """One number, within its bounds."""
        is_level, is_part = self.kind is AskKind.LEVEL, self.kind in _PERMILLE
        wanted = self.level if is_level else self.permille if is_part else self.power_w
        others = sum(it is not None for it in (self.level, self.permille, self.power_w))
        most = _LEVELS if is_level else _THOUSAND if is_part else None
        if wanted is None or others > 1 or wanted < 0 or (most is not None and wanted > most):
            name = "level (0 to 3)" if is_level else "permille (0 to 1000)" if is_part else "power_w"
            raise ValueError(f"{self.kind.value} says {name}, and nothing else")


# What somebody asks who says no more than that: a fifth less.
USUAL_ASK = DemandAsk(permille=200)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedInterval:
    """What is asked between two moments."""

    begins_at: datetime
    ends_at: datetime
    ask: DemandAsk = USUAL_ASK


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandTarget:
    """Which sites an event is for: those named, and those of the areas named; where none is, all that take part."""

    site_ids: frozenset[str] = frozenset()
    areas: frozenset[str] = frozenset()

    def is_for(self, contract: Contract) -> bool:
        """Whether a site is meant."""
        is_all = not self.site_ids and not self.areas
        return is_all or contract.site_id in self.site_ids or not self.areas.isdisjoint(contract.areas)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What a site agreed to; without one it takes part in nothing.

    `programs`: whose events (none named: all of them). `areas`: names by which it is meant too. `floor_w`: its cars
    keep that in any case. `level_permille`: how much less levels 1, 2 and 3 are. `rated_w`: what its ports can draw.
    """

    site_id: str
    operator_id: str
    signed_at: datetime
    programs: frozenset[str] = frozenset()
    areas: frozenset[str] = frozenset()
    level_permille: tuple[int, int, int] = (200, 500, 1000)
    floor_w: int = 0
    rated_w: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandEvent:
    """Something asked of sites, by the id that its teller chose; what is told again under it replaces it.

    `revision` counts what was told of it, so that of two words the younger holds. `random_start_s`: each site begins
    later by a part of that, its own. `source` is where it came from: `api`, or a server's name for it. `spread_at` is
    when it was last sent to its sites without being told anew. `replaced`: what was asked until it was told anew, to be
    given back as what ends is.
    """

    event_id: str
    operator_id: str
    program: str
    intervals: tuple[AskedInterval, ...]
    told_at: datetime
    told_by: str = ""
    source: str = "api"
    target: DemandTarget = DemandTarget()
    random_start_s: int = 0
    revision: int = 1
    cancelled_at: datetime | None = None
    spread_at: datetime | None = None
    replaced: tuple[AskedInterval, ...] = ()

    @property
    def begins_at(self) -> datetime:
        """The first moment for which anything is asked."""
        return min(it.begins_at for it in self.intervals)

    @property
    def ends_at(self) -> datetime:
        """The last, if nobody cancels it."""
        return max(it.ends_at for it in self.intervals) + timedelta(seconds=self.random_start_s)

    def is_for(self, contract: Contract) -> bool:
        """Whether a site takes part."""
        return (not contract.programs or self.program in contract.programs) and self.target.is_for(contract)

    def says_the_same(self, other: DemandEvent) -> bool:
        """Whether another word of it asks for nothing else."""
        same = replace(other, told_at=self.told_at, told_by=self.told_by, revision=self.revision)
        return replace(same, spread_at=self.spread_at, replaced=self.replaced) == self

    def replaced_by(self, other: DemandEvent, at: datetime) -> DemandEvent:
        """Another word of it, told at that moment: with what this one asked until then, while that is given back.

        One that was called off has been given back, or is: what is told of it then is told as of a new one.
        """
        held = () if self.cancelled_at is not None else (*self.replaced, *self.intervals)
        cut = (replace(it, ends_at=min(it.ends_at, at)) for it in held if it.begins_at < at)
        return replace(other, replaced=tuple(it for it in cut if it.ends_at + RESTORED_WITHIN > at))


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDemand:
    """What an event asks of one site: `intervals` of RELATIVE, CAP and IMPORT_LIMIT alone, that site's own numbers.

    It ends at `stopped_at`, where that is earlier: it was cancelled, or the site opted out.
    """

    event_id: str
    operator_id: str
    site_id: str
    program: str
    intervals: tuple[AskedInterval, ...]
    revision: int = 1
    floor_w: int = 0
    stopped_at: datetime | None = None
    is_opted_out: bool = False

    @property
    def over_at(self) -> datetime:
        """From when on nothing of it holds; long ago where it asks for nothing."""
        return max((it.ends_at for it in self.intervals), default=_LONG_AGO) + RESTORED_WITHIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A part of a demand that holds at a moment, by that much: 1 while it lasts, less and less as it is given back."""

    demand: SiteDemand
    interval: AskedInterval
    weight: float


def demand_of(event: DemandEvent, contract: Contract, rated_w: int) -> SiteDemand | None:
    """What an event asks of a site; None where it is not for it.

    `rated_w`: what the ports of all its sites can draw, of which this site's part counts where they are asked together.
    """
    if not event.is_for(contract):
        return None
    late = timedelta(seconds=_part_of(event.random_start_s, f"start/{event.event_id}/{contract.site_id}"))
    return SiteDemand(
        event_id=event.event_id,
        operator_id=event.operator_id,
        site_id=contract.site_id,
        program=event.program,
        intervals=tuple(
            AskedInterval(begins_at=it.begins_at + late, ends_at=it.ends_at + ends_late, ask=ask)
            for some, ends_late in ((event.intervals, late), (event.replaced, timedelta()))
            for it in some
            if (ask := _plain(it.ask, contract, rated_w)) is not None
        ),
        revision=event.revision,
        floor_w=contract.floor_w,
        stopped_at=event.cancelled_at,
    )


def _plain(ask: DemandAsk, contract: Contract, rated_w: int) -> DemandAsk | None:
    """What is asked, in a site's own numbers; None where that is nothing."""
    if ask.kind is AskKind.LEVEL:
        return DemandAsk(permille=contract.level_permille[ask.level - 1]) if ask.level else None
    if ask.kind is AskKind.LOAD_CONTROL:
        return DemandAsk(kind=AskKind.CAP, power_w=contract.rated_w * (ask.permille or 0) // _THOUSAND)
    if ask.kind in _TOGETHER:
        whole_w = max(rated_w, contract.rated_w, 1)
        return DemandAsk(kind=AskKind.CAP, power_w=(ask.power_w or 0) * contract.rated_w // whole_w)
    return ask


def holding(demands: Iterable[SiteDemand], at: datetime) -> Iterator[Holding]:
    """What of a site's demands holds at a moment."""
    for demand in demands:
        for interval in demand.intervals:
            weight = _weight(demand, interval, at)
            if weight:
                yield Holding(demand=demand, interval=interval, weight=weight)


def asked_spans(demands: Iterable[SiteDemand]) -> Iterator[Holding]:
    """Each part of demands that holds for a while, whenever that is, without what is given back behind it."""
    for demand in demands:
        for interval in demand.intervals:
            ends_at = min(interval.ends_at, demand.stopped_at or interval.ends_at)
            if interval.begins_at < ends_at:
                yield Holding(demand=demand, interval=replace(interval, ends_at=ends_at), weight=1.0)


def next_begin(demands: Iterable[SiteDemand], at: datetime) -> datetime | None:
    """The next moment from which anything more holds; None: none is told."""
    coming = (it.begins_at for demand in demands for it in demand.intervals if not _is_stopped(demand, it))
    return min((it for it in coming if it > at), default=None)


def _is_stopped(demand: SiteDemand, interval: AskedInterval) -> bool:
    """Whether it was called off before it began."""
    return demand.stopped_at is not None and demand.stopped_at <= interval.begins_at


def _weight(demand: SiteDemand, interval: AskedInterval, at: datetime) -> float:
    ends_at = min(interval.ends_at, demand.stopped_at or interval.ends_at)
    if at < interval.begins_at or ends_at <= interval.begins_at:
        return 0.0
    spread_s = round((RESTORED_WITHIN - RAMP).total_seconds())
    # Each site's own moment, whatever the event: who is early at one is late at another.
    given_back_at = ends_at + timedelta(seconds=_part_of(spread_s, f"end/{demand.event_id}/{demand.site_id}"))
    return min(1.0, max(0.0, 1.0 - (at - given_back_at) / RAMP)) if at >= ends_at else 1.0


def _part_of(most: int, name: str) -> int:
    """A number from 0 up to that, always the same for a name, and spread evenly over names."""
    return int.from_bytes(sha256(name.encode()).digest()[:8]) % (most + 1)


def demand_limits(  # noqa: PLR0913 (what is asked follows from all of it)
    demands: Iterable[SiteDemand],
    at: datetime,
    node_id: str,
    *,
    cars_w: int,
    building_w: int,
    wanted_w: int | None = None,
) -> list[OperatorLimit]:
    """The limits that follow from what holds now. `cars_w`: what the cars would draw if nothing were asked.

    `wanted_w`: what they want now, where they put something off until nothing is asked any more (None: no more). To
    that they rise by degrees. In what order demands are given, or how often one is, changes nothing of what may flow.
    """
    return [
        OperatorLimit(
            node_id=node_id,
            limit_w=cars_within_w(it, cars_w=cars_w, building_w=building_w, wanted_w=wanted_w),
            begins_at=it.interval.begins_at,
            ends_at=it.demand.over_at,
            is_of_cars=True,
            name=limit_name(it.demand),
        )
        for it in holding(demands, at)
    ]


def cars_within_w(it: Holding, *, cars_w: int, building_w: int, wanted_w: int | None = None) -> int:
    """What a part of a demand leaves the cars of a site, its building taking so much."""
    beside_w = building_w if it.interval.ask.kind is AskKind.IMPORT_LIMIT else 0
    asked_w = _asked_w(it, cars_w, beside_w)
    whole_w = max(cars_w, wanted_w or 0) + beside_w
    limit_w = asked_w + int((1.0 - it.weight) * max(0, whole_w - asked_w))
    return max(0, limit_w - beside_w)


def limit_name(demand: SiteDemand) -> str:
    """What a limit of an event's is called where it holds a port back."""
    return f"demand:{demand.event_id}"


def _asked_w(it: Holding, cars_w: int, beside_w: int) -> int:
    ask = it.interval.ask
    if ask.kind is AskKind.RELATIVE:
        return max(cars_w * (_THOUSAND - (ask.permille or 0)) // _THOUSAND, it.demand.floor_w)
    # The contract's floor is the cars': what the building takes is beside it.
    return max(ask.power_w or 0, it.demand.floor_w + beside_w if it.demand.floor_w else 0)
