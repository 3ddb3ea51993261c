"""`share` as a scheduling algorithm of ACN-Sim: `schedule(active_sessions, infrastructure, signals, now)`.

For a judge that is no part of the project, in a Python that has this checkout on its path and nothing else of ours:
plain objects in (`acn_scarce.py` defines them), amperes by station out. Stations are ports of a tree without limits;
what the site limits is `Conductor`s, weights and angles as they are given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.grid.outlook import QUARTER, Outlook
from chalicelib.domain.grid.stays import Settings
from chalicelib.domain.grid.tree import Claim, Conductor, Draw, Grants, Node, Phase, Port, PortId, SiteTree, Term
from local.simulate.memory import Memory

# What a kilogram of CO2 counts as at each site: 70 a tonne, chosen among others by the rows (ADR 57).
_CARBON_MICROS_PER_KG = 70_000


def schedule(active_sessions: Sequence[Any], infrastructure: Any, signals: Any, now: datetime) -> Mapping[str, float]:
    """By the fair share: the current of each session's station for this period, in amperes."""
    return _simulation(infrastructure, now, is_planned=False).schedule(active_sessions, signals, now)


def plan(active_sessions: Sequence[Any], infrastructure: Any, signals: Any, now: datetime) -> Mapping[str, float]:
    """By a plan of each quarter of an hour, over which the fair share has the last word; needs `highspy`."""
    return _simulation(infrastructure, now, is_planned=True).schedule(active_sessions, signals, now)


@dataclass(slots=True)
class _Simulation:
    """One site, from its first period on."""

    infrastructure: Any
    at: datetime
    memory: Memory = field(init=False)
    begun_at: dict[str, datetime] = field(default_factory=dict)
    begins_at: datetime | None = None

    def __post_init__(self) -> None:
        self.memory = Memory(_tree(self.infrastructure))

    def share(self, claims: Sequence[Claim], signals: Any, now: datetime) -> Grants:
        """Who gets what; prices are of no interest."""
        return self.memory.share(claims, now)

    def schedule(self, sessions: Sequence[Any], signals: Any, now: datetime) -> Mapping[str, float]:
        """One period."""
        for it in sessions:
            if it.id in self.begun_at:
                taken_ma, granted_ma = round(it.drawn_a * 1000), round(it.granted_a * 1000)
                self.memory.look(it.id, Draw(at=now, current_ma=(taken_ma, None, None), granted_ma=granted_ma))
            else:
                # Whoever is seen first came in this period, which tells when periods began to be counted.
                self.begun_at[it.id] = now
                self.begins_at = now - it.arrival * _minutes(self.infrastructure)
        begins_at = self.begins_at or now
        claims = [
            Claim(
                port_id=_port_id(it.station),
                session_id=it.id,
                begun_at=self.begun_at[it.id],
                served_wh=round(it.delivered_kwh * 1000),
                asked_wh=round(it.requested_kwh * 1000),
                departs_at=begins_at + it.departure * _minutes(self.infrastructure),
            )
            for it in sessions
        ]
        self.at = now
        granted_ma = self.share(claims, signals, now).limit_ma
        return {it.station: self._step(it.station, granted_ma.get(_port_id(it.station), 0)) for it in sessions}

    def _step(self, station: str, granted_ma: int) -> float:
        """Of a station's own steps, the one that was granted, to the last bit."""
        steps = self.infrastructure.stations[station].steps
        return next((float(it) for it in steps if _milliamperes(it) == granted_ma), 0.0)


@dataclass(slots=True)
class _Planned(_Simulation):
    """One site with a plan."""

    planner: Any = None

    def share(self, claims: Sequence[Claim], signals: Any, now: datetime) -> Grants:
        """By the plan in force, or one made now."""
        if self.planner is None:
            # What needs a solver is not asked for by whoever wants the fair share alone.
            from local.simulate.planner import Planner  # noqa: PLC0415

            self.planner = Planner(memory=self.memory, settings=Settings(carbon_micros_per_kg=_CARBON_MICROS_PER_KG))
        begins_at = now - timedelta(seconds=now.timestamp() % QUARTER.total_seconds())
        if begins_at == now:
            self.planner.solve(claims, self._outlook(signals, now), now, _tree_without(self.memory.tree, claims))
        granted: Grants = self.planner.share(claims, now)
        return granted

    def _outlook(self, signals: Any, now: datetime) -> Outlook:
        length = max(1, QUARTER // _minutes(self.infrastructure))
        price, carbon = (
            tuple(sum(row[it : it + length]) / length for it in range(0, len(row) // length * length, length))
            for row in (signals.price, signals.carbon)
        )
        return Outlook(
            begins_at=now,
            price_micros=tuple(round(it * 1e6) for it in price),
            carbon_g=tuple(round(it) for it in carbon),
            demand_charge_micros=round(signals.demand_charge * 1e6),
            peak_w=round(signals.peak_kw * 1000),
        )


_SIMULATIONS: list[_Simulation] = []


def _simulation(infrastructure: Any, now: datetime, *, is_planned: bool) -> _Simulation:
    found = _SIMULATIONS[-1] if _SIMULATIONS else None
    kind = _Planned if is_planned else _Simulation
    if type(found) is not kind or found.infrastructure is not infrastructure or found.at >= now:
        # One at a time: another site, or an earlier hour, is another simulation.
        _SIMULATIONS[:] = [found := kind(infrastructure, now - _minutes(infrastructure))]
    return found


def _tree_without(tree: SiteTree, claims: Sequence[Claim]) -> SiteTree:
    """The tree without the other stations of ports that are taken: `p07/1` and `p07/3` are one port, never two cars."""
    taken = {it.port_id.charger_id for it in claims}
    stems = {name.rpartition("/")[0] for name in taken if "/" in name}
    ports = (
        it
        for it in tree.ports
        if it.port_id.charger_id in taken or it.port_id.charger_id.rpartition("/")[0] not in stems
    )
    return replace(tree, ports=tuple(ports))


def _minutes(infrastructure: Any) -> timedelta:
    return timedelta(minutes=infrastructure.period_minutes)


def _milliamperes(amperes: float) -> int:
    return ceil(amperes * 1000 - 1e-6)


def _port_id(station: str) -> PortId:
    return PortId(station, ConnectorId(1))


def _tree(infrastructure: Any) -> SiteTree:
    """Stations in the order of their names, each with the currents that it knows."""
    ports = []
    for name, station in sorted(infrastructure.stations.items()):
        levels_ma = tuple(sorted({_milliamperes(it) for it in station.steps if it > 0}))
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
    conductors = tuple(
        Conductor(
            conductor_id=limit.id,
            limit_ma=int(limit.amperes * 1000),
            terms=tuple(
                Term(_port_id(name), weight, infrastructure.stations[name].phase_deg)
                for name, weight in limit.weights.items()
            ),
        )
        for limit in infrastructure.limits
    )
    return SiteTree(site_id="site", nodes=(Node(node_id="site"),), ports=tuple(ports), conductors=conductors)
