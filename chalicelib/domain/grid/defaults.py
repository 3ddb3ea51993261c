"""Offline defaults: what each connector of a site may draw when nobody speaks to it, whatever the others do.

Summed over *all* connectors, as phasors, they fit every node of the tree and every conductor beside it: all chargers
may fall silent at the same moment. Where each can have its least step, it has. Where not, those at which somebody
charges have theirs first, and the others nothing; where even that does not fit, the limit wins, who has charged the
longest keeps, and the drivers of the rest are told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from chalicelib.domain.data_classes import dataclass, field, replace
from chalicelib.domain.grid.currents import Conductors, Flow
from chalicelib.domain.grid.tree import BuildingLoad, OperatorLimit, PortId, SiteTree

_NONE: Mapping[PortId, int] = {}
# Where no limit is of a time, any moment will do.
_ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)
# Of a conductor's limit: far below any meter, far above what floating point loses.
_SLACK = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineDefaults:
    """The defaults of a site; `left_out` charge now, and would stand still offline."""

    limit_ma: Mapping[PortId, int] = field(default_factory=dict)
    left_out: tuple[PortId, ...] = ()


def offline_defaults(
    tree: SiteTree,
    charging: Sequence[PortId] = (),
    unruly_ma: Mapping[PortId, int] = _NONE,
    room: Conductors | None = None,
) -> OfflineDefaults:
    """The defaults of all ports; `charging` are those at which somebody charges, who is to keep theirs longest first.

    `unruly_ma`: what is drawn at worst by ports whose chargers provably do not keep a default. `room`: what may flow
    (`silent_room`); None: what the tree says.
    """
    everybody = {it.port_id: unruly_ma.get(it.port_id, it.least_ma) for it in tree.ports}
    conductors = room or Conductors.of(tree, _ALWAYS, None, ())
    flows = {it.port_id: conductors.flows(it, None) for it in tree.ports}
    flowing = _Flowing([it + _SLACK * max(it, 1.0) for it in conductors.limits])
    for port_id, current_ma in everybody.items():
        flowing.add(flows[port_id], current_ma)
    if flowing.fits:
        return OfflineDefaults(limit_ma=everybody)
    flowing = _Flowing(flowing.limits)
    limits = {it: unruly_ma.get(it, 0) for it in everybody}
    for port_id, current_ma in limits.items():
        flowing.add(flows[port_id], current_ma)
    left_out = []
    for port_id in (it for it in charging if it in everybody and it not in unruly_ma):
        if flowing.takes(flows[port_id], everybody[port_id]):
            flowing.add(flows[port_id], everybody[port_id])
            limits[port_id] = everybody[port_id]
        else:
            left_out.append(port_id)
    return OfflineDefaults(limit_ma=limits, left_out=tuple(left_out))


def preview(tree: SiteTree) -> OfflineDefaults:
    """What a site comes to as it is described, with somebody at each port: for whoever describes it."""
    return offline_defaults(tree, [it.port_id for it in tree.ports])


def silent_room(
    tree: SiteTree, at: datetime, building: BuildingLoad | None, limits: Iterable[OperatorLimit]
) -> Conductors:
    """What may flow in silence: the building takes its worst, or what it takes now if that is more; limits hold.

    A charger that falls silent while a limit holds hears nothing of its end, and draws no more than its default.
    """
    told = building.load_ma if building is not None else (0, 0, 0)
    one, two, three = (max(now, worst) for now, worst in zip(told, tree.worst_load_ma, strict=True))
    return Conductors.of(replace(tree, worst_load_ma=(one, two, three)), at, None, limits)


class _Flowing:
    """What flows in each conductor, of what it may carry. What is beside a port's way is nothing to that port."""

    def __init__(self, limits: Sequence[float]) -> None:
        self.limits = limits
        self._flow: list[complex | float] = [0.0] * len(limits)

    @property
    def fits(self) -> bool:
        return all(abs(it) <= limit for it, limit in zip(self._flow, self.limits, strict=True))

    def takes(self, flows: Sequence[Flow], current_ma: int) -> bool:
        return all(abs(self._flow[place] + counted * current_ma) <= self.limits[place] for place, counted in flows)

    def add(self, flows: Sequence[Flow], current_ma: int) -> None:
        for place, counted in flows:
            self._flow[place] += counted * current_ma
