"""Sites to simulate: a street of ports in Europe, an office's garage in the USA, a house with a few private ports."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.grid.currents import least_power_w
from chalicelib.domain.grid.tree import Conductor, Node, Phase, Port, PortId, SiteTree, Term

_PHASES = tuple(Phase)
_PAIRS = ((Phase.L1, Phase.L2), (Phase.L2, Phase.L3), (Phase.L3, Phase.L1))
_ANGLES = (30.0, -90.0, 150.0)


def port_id(number: int) -> PortId:
    """The ports of a simulated site are numbered."""
    return PortId(f"P{number:03}", ConnectorId(1))


def street(ports: int = 50, amperes: int = 125) -> SiteTree:
    """230/400 V, ten ports a panel, phases rotated from port to port; a panel has 40 A where the street has 125."""
    panel_ma = max(32, amperes * 40 // 125) * 1000
    panels = [
        Node(node_id=f"panel-{number}", parent_id="grid", limit_ma=(panel_ma,) * 3) for number in range(-(-ports // 10))
    ]
    return SiteTree(
        site_id="street",
        nodes=(Node(node_id="grid", limit_ma=(amperes * 1000,) * 3), *panels),
        ports=tuple(
            Port(
                port_id=port_id(number),
                node_id=f"panel-{number // 10}",
                phases=_PHASES[number % 3 :] + _PHASES[: number % 3],
                step_ma=1000,
            )
            for number in range(ports)
        ),
    )


def garage(ports: int = 54, amperes: int = 139) -> SiteTree:
    """208 V between two phases, under a transformer whose other side (delta, 480 V) is limited too."""
    wired = tuple(
        Port(
            port_id=port_id(number),
            node_id="grid",
            phases=_PAIRS[number % 3],
            is_line_to_line=True,
            voltage_v=208,
            step_ma=1000,
        )
        for number in range(ports)
    )
    # On the delta's side a current of each pair comes twice against the two others', at a quarter.
    conductors = tuple(
        Conductor(
            conductor_id=f"transformer {Phase(_PHASES[side])}",
            limit_ma=amperes * 1000 * 120 // 277,
            terms=tuple(
                Term(it.port_id, -0.5 if number % 3 == (side + 2) % 3 else 0.25, _ANGLES[number % 3])
                for number, it in enumerate(wired)
            ),
        )
        for side in range(3)
    )
    grid = Node(node_id="grid", limit_ma=(amperes * 1000,) * 3)
    return SiteTree(site_id="garage", nodes=(grid,), ports=wired, conductors=conductors)


def house(ports: int = 6, amperes: int = 50) -> SiteTree:
    """Flats with private ports of 11 kW: 15 A of each phase are for the building where nobody measures it."""
    return SiteTree(
        site_id="house",
        nodes=(Node(node_id="grid", limit_ma=(amperes * 1000,) * 3),),
        ports=tuple(
            Port(
                port_id=port_id(number),
                node_id="grid",
                phases=_PHASES[number % 3 :] + _PHASES[: number % 3],
                most_ma=16_000,
                step_ma=1000,
            )
            for number in range(ports)
        ),
        worst_load_ma=(15_000,) * 3,
        floor_w=least_power_w(ports),
    )


SITES: Mapping[str, Callable[..., SiteTree]] = {"street": street, "garage": garage, "house": house}
