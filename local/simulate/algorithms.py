"""Ways to share a site's current: the fair share, and what others do, to be compared with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from chalicelib.domain.grid.tree import Claim, Draw, Port, PortId, SiteTree
from local.simulate.memory import Memory
from local.simulate.meters import Meters


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
}
