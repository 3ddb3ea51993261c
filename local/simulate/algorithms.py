"""Ways to share a site's current: the fair share, and what others do, to be compared with it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from chalicelib.domain.charging.preferences import ToldPlan
from chalicelib.domain.grid.outlook import QUARTER
from chalicelib.domain.grid.tree import Claim, Draw, Port, PortId, SiteTree
from local.simulate.memory import Memory
from local.simulate.meters import Meters
from local.simulate.signals import Signals

_USUAL = Signals()


class Algorithm(Protocol):
    """Told what a charging network knows; a new one is a line of `ALGORITHMS`."""

    def look(self, session_id: str, draw: Draw) -> None:
        """What a session's meter showed in the last period."""
        ...

    def share(self, claims: Sequence[Claim], at: datetime) -> Mapping[PortId, int]:
        """The current of each port in milliamperes until it is asked again; a port left out has nothing."""
        ...


class FairShare:
    """`domain/grid/balancing.share`, with what it is to remember."""

    def __init__(self, tree: SiteTree) -> None:
        """The site is the same for as long as it is asked."""
        self._memory = Memory(tree)

    def look(self, session_id: str, draw: Draw) -> None:
        """It learns what cars take."""
        self._memory.look(session_id, draw)

    def share(self, claims: Sequence[Claim], at: datetime) -> Mapping[PortId, int]:
        """As the product would."""
        return self._memory.share(claims, at).limit_ma


class Planned:
    """A plan of each quarter of an hour by what energy costs and emits, over which the fair share has the last word."""

    def __init__(self, tree: SiteTree, signals: Signals = _USUAL) -> None:
        """ImportError where `highspy` is not installed."""
        # Whoever asks for the others alone needs no solver.
        from local.simulate.planner import Planner  # noqa: PLC0415

        self.planner = Planner(memory=Memory(tree))
        self._signals, self._meters = signals, Meters(tree)
        self._looks: dict[str, Draw] = {}
        self._quarter: tuple[datetime, list[float]] | None = None
        self._peak_w = 0.0

    def look(self, session_id: str, draw: Draw) -> None:
        """It learns what cars take."""
        self._looks[session_id] = draw
        self.planner.memory.look(session_id, draw)

    def share(self, claims: Sequence[Claim], at: datetime) -> Mapping[PortId, int]:
        """As the product would: a new plan at the first look of each quarter."""
        outlook = self._signals.outlook(at, self._highest_w(claims, at))
        plan = self.planner.plan
        if plan is None or plan.begins_at != outlook.begins_at:
            self.planner.solve(claims, outlook, at)
        return self.planner.share(claims, at).limit_ma

    def foretell(self, new: Collection[str], claims: Sequence[Claim], at: datetime) -> Mapping[str, ToldPlan]:
        """As the product tells whoever has just plugged in."""
        return self.planner.foretell(new, claims, self._signals.outlook(at, self._peak_w), at)

    def _highest_w(self, claims: Sequence[Claim], at: datetime) -> float:
        """The highest quarter so far, by meters."""
        begins_at = at - timedelta(seconds=at.timestamp() % QUARTER.total_seconds())
        if self._quarter is None or self._quarter[0] != begins_at:
            self._quarter = begins_at, []
        drawn_w = 0.0
        for it in claims:
            if (look := self._looks.get(it.session_id)) is not None:
                by_phase = [ma or 0 for ma in look.current_ma]
                phases = sum(ma >= 1_000 for ma in by_phase)
                drawn_w += self._meters.power_w(it.port_id, max(by_phase), phases) if phases else 0.0
        self._quarter[1].append(drawn_w)
        self._peak_w = max(self._peak_w, sum(self._quarter[1]) / len(self._quarter[1]))
        return self._peak_w


class Uncontrolled:
    """All that each port can give: what happens where nobody shares."""

    def __init__(self, tree: SiteTree) -> None:
        """Only what each port can give is of interest."""
        self._most_ma = {port.port_id: port.most_ma for port in tree.ports}

    def look(self, session_id: str, draw: Draw) -> None:
        """It learns nothing."""

    def share(self, claims: Sequence[Claim], at: datetime) -> Mapping[PortId, int]:
        """Whatever the site may carry."""
        return {it.port_id: self._most_ma[it.port_id] for it in claims}


class Sorted:
    """One after another in an order, each all that is left: first come, earliest deadline, least laxity."""

    def __init__(self, tree: SiteTree, before: Callable[[Claim, Port, datetime], Any]) -> None:
        """`before`: the lower goes first."""
        self._ports = {port.port_id: port for port in tree.ports}
        self._meters = Meters(tree)
        self._before = before
        self._looks: dict[str, Draw] = {}

    def look(self, session_id: str, draw: Draw) -> None:
        """It gives a car an ampere more than it took, once that was less than it might, and counts its phases."""
        self._looks[session_id] = draw

    def share(self, claims: Sequence[Claim], at: datetime) -> Mapping[PortId, int]:
        """The highest of a port's currents at which no meter shows too much."""
        shown = [0j] * len(self._meters.limits)
        found = {}
        for claim in sorted(claims, key=lambda it: (self._before(it, self._ports[it.port_id], at), it.session_id)):
            port = self._ports[claim.port_id]
            most_ma, phases = self._learnt(claim, port)
            flows = self._meters.flows(claim.port_id, phases)
            levels = [0, *range(port.least_ma, most_ma + 1, port.step_ma)]
            while levels and any(
                abs(shown[place] + counted * levels[-1]) > self._meters.limits[place] for place, counted in flows
            ):
                levels.pop()
            found[claim.port_id] = levels[-1] if levels else 0
            for place, counted in flows:
                shown[place] += counted * found[claim.port_id]
        return found

    def _learnt(self, claim: Claim, port: Port) -> tuple[int, int | None]:
        look = self._looks.get(claim.session_id)
        if look is None or not look.granted_ma:
            return port.most_ma, None
        by_phase = [it or 0 for it in look.current_ma]
        leaves_some = max(by_phase) < look.granted_ma - 1_000
        most_ma = max(port.least_ma, max(by_phase) + 1_000) if leaves_some else port.most_ma
        return min(port.most_ma, most_ma), sum(it > 1_000 for it in by_phase) or None


def _laxity(claim: Claim, port: Port, at: datetime) -> float:
    """The time that is left beyond what is needed at full power, in hours."""
    left_wh = max(0, (claim.asked_wh or 0) - claim.served_wh)
    power_w = port.most_ma * port.voltage_v * (1 if port.is_line_to_line else len(port.phases)) / 1000
    departs_at = claim.departs_at or at + timedelta(hours=8)
    return (departs_at - at) / timedelta(hours=1) - left_wh / power_w


ALGORITHMS: Mapping[str, Callable[[SiteTree], Algorithm]] = {
    "uncontrolled": Uncontrolled,
    "first-come": lambda tree: Sorted(tree, lambda claim, port, at: claim.begun_at),
    "earliest-deadline": lambda tree: Sorted(tree, lambda claim, port, at: claim.departs_at or at),
    "least-laxity": lambda tree: Sorted(tree, _laxity),
    "fair-share": FairShare,
    "plan": Planned,
}


def algorithm(name: str, tree: SiteTree, signals: Signals) -> Algorithm:
    """One of `ALGORITHMS`, told of prices and carbon if it asks for them."""
    return Planned(tree, signals) if name == "plan" else ALGORITHMS[name](tree)
