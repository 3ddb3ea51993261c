"""`share` as a scheduling algorithm of ACN-Sim: `schedule(active_sessions, infrastructure, signals, now)`.

For a judge that is no part of the project, in a Python that has nothing of ours but this checkout on its path: plain
objects in (see `acn_scarce.py`), amperes by station out. Stations are ports without a tree; what the site limits is
`Line`s, weights and angles as they are given. What is kept from one call to the next is what a service would keep.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.grid.balancing import share
from chalicelib.domain.grid.tree import Claim, Draw, Grants, Line, Node, Phase, Port, PortId, SiteTree, Term


def schedule(active_sessions: Sequence[Any], infrastructure: Any, signals: Any, now: datetime) -> Mapping[str, float]:
    """The current of each station for this period, in amperes; stations without a session are left out."""
    if _MEMORY[0].infrastructure is not infrastructure or _MEMORY[0].at >= now:
        _MEMORY[0] = _Memory(infrastructure, at=now - timedelta(minutes=infrastructure.period_minutes))
    return _MEMORY[0].schedule(active_sessions, now)


@dataclass(slots=True)
class _Memory:
    """One simulated site, from its first period on."""

    infrastructure: Any
    at: datetime
    tree: SiteTree = field(init=False)
    begun_at: dict[str, datetime] = field(default_factory=dict)
    draws: dict[str, tuple[Draw, ...]] = field(default_factory=dict)
    grants: Grants = field(default_factory=Grants)
    begins_at: datetime | None = None

    def __post_init__(self) -> None:
        self.tree = _tree(self.infrastructure)

    def schedule(self, sessions: Sequence[Any], now: datetime) -> Mapping[str, float]:
        period = timedelta(minutes=self.infrastructure.period_minutes)
        for it in sessions:
            if it.id not in self.begun_at:
                # Whoever is seen first came in this period: so it is known which one this is.
                self.begun_at[it.id], self.begins_at = now, now - it.arrival * period
                self.draws[it.id] = ()
            else:
                self._look(it, now)
        begins_at = self.begins_at or now
        claims = [
            Claim(
                port_id=_port_id(it.station),
                session_id=it.id,
                begun_at=self.begun_at[it.id],
                car_phases=self.grants.car_phases.get(_port_id(it.station)) if self.draws[it.id] else None,
                car_most_ma=self.grants.car_most_ma.get(_port_id(it.station)) if self.draws[it.id] else None,
                draws=self.draws[it.id],
                served_wh=round(it.delivered_kwh * 1000),
                turn_since=self.grants.turn_since.get(_port_id(it.station)) if self.draws[it.id] else None,
                idle_since=self.grants.idle_since.get(_port_id(it.station)) if self.draws[it.id] else None,
                asked_wh=round(it.requested_kwh * 1000),
                departs_at=begins_at + it.departure * period,
            )
            for it in sessions
        ]
        self.at = now
        self.grants = share(self.tree, claims, now)
        return {it.station: self.grants.limit_ma.get(_port_id(it.station), 0) / 1000 for it in sessions}

    def _look(self, session: Any, now: datetime) -> None:
        taken_ma = round(session.drawn_a * 1000)
        look = Draw(at=now, current_ma=(taken_ma, None, None), granted_ma=round(session.granted_a * 1000))
        self.draws[session.id] = (*self.draws[session.id], look)[-2:]


def _port_id(station: str) -> PortId:
    return PortId(station, ConnectorId(1))


def _tree(infrastructure: Any) -> SiteTree:
    """Stations in the order of their names, each with the currents that it knows."""
    ports = []
    for name, station in sorted(infrastructure.stations.items()):
        levels_ma = tuple(sorted({round(it * 1000) for it in station.steps if it > 0}))
        ports.append(
            Port(
                port_id=_port_id(name),
                node_id="site",
                phases=(Phase.L1,),
                voltage_v=round(station.voltage),
                least_ma=levels_ma[0],
                most_ma=levels_ma[-1],
                levels_ma=levels_ma,
            )
        )
    lines = tuple(
        Line(
            line_id=limit.id,
            limit_ma=int(limit.amperes * 1000),
            terms=tuple(
                Term(_port_id(name), weight, infrastructure.stations[name].phase_deg)
                for name, weight in limit.weights.items()
            ),
        )
        for limit in infrastructure.limits
    )
    return SiteTree(site_id="site", nodes=(Node(node_id="site"),), ports=tuple(ports), lines=lines)


_MEMORY = [_Memory.__new__(_Memory)]
_MEMORY[0].infrastructure = None
