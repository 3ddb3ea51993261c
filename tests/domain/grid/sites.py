"""Sites and claims by chance, and whether grants overload them, by meters that share no line with what they judge."""

from __future__ import annotations

import random
from cmath import rect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from math import radians

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.grid.tree import Claim, Conductor, Draw, Node, Phase, Port, PortId, SiteTree, Term
from local.simulate.meters import Meters

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
PHASES = tuple(Phase)
ROTATIONS = tuple(PHASES[turn:] + PHASES[:turn] for turn in range(3))
PAIRS = ((Phase.L1, Phase.L2), (Phase.L2, Phase.L3), (Phase.L3, Phase.L1))
# What floating point may lose, and what a limit is exceeded by beyond doubt.
SLACK_MA = 0.1


def port_id(number: int) -> PortId:
    """The ports of a test's site are numbered."""
    return PortId(f"CP-{number}", ConnectorId(1))


def port(number: int, node_id: str = "grid", **more: object) -> Port:
    """A port of 6 to 32 A on three phases."""
    return Port(port_id=port_id(number), node_id=node_id, **more)  # type: ignore[arg-type]


def claim(number: int, **more: object) -> Claim:
    """A car at that port, since an hour."""
    about: dict[str, object] = {"session_id": f"s-{number}", "begun_at": AT - timedelta(hours=1)}
    return Claim(port_id=port_id(number), **about | more)  # type: ignore[arg-type]


def site(ports: Iterable[Port], amperes: int, *panels: Node, **more: object) -> SiteTree:
    """A grid connection of so many amperes a phase."""
    grid = Node(node_id="grid", limit_ma=(amperes * 1000,) * 3)
    return SiteTree(site_id="site", nodes=(grid, *panels), ports=tuple(ports), **more)  # type: ignore[arg-type]


def looks(*pairs: tuple[float, float], at: datetime = AT, phases: int = 3) -> tuple[Draw, ...]:
    """A minute apart: (granted, taken) in amperes, on the first so many phases."""
    return tuple(
        Draw(
            at=at - timedelta(minutes=len(pairs) - place),
            granted_ma=round(granted * 1000),
            current_ma=tuple(round(taken * 1000) if it < phases else 0 for it in range(3)),  # type: ignore[arg-type]
        )
        for place, (granted, taken) in enumerate(pairs)
    )


@dataclass(frozen=True)
class Busy:
    """A site and its cars, all of it made of one number (Hypothesis' own choices would take most of the time)."""

    seed: int
    is_plain: bool = False

    @property
    def tree(self) -> SiteTree:
        """A grid connection, panels, ports of all kinds of wiring; plain: three phases everywhere alike."""
        chance = random.Random(self.seed)
        nodes: list[Node] = []
        for number in range(chance.randint(1, 4)):
            nodes.append(
                Node(
                    node_id=f"panel-{number}" if number else "grid",
                    parent_id=chance.choice(nodes).node_id if nodes else None,
                    limit_ma=self._by_phase(chance),
                    limit_w=None if self.is_plain or chance.random() < 0.5 else chance.randrange(60_000),
                )
            )
        ports = [
            _port(chance, number, chance.choice(nodes).node_id, self.is_plain) for number in range(chance.randint(1, 7))
        ]
        conductors = () if self.is_plain else tuple(_line(chance, ports) for _ in range(chance.choice((0, 0, 1, 2))))
        return SiteTree(site_id="site", nodes=tuple(nodes), ports=tuple(ports), conductors=conductors)

    @property
    def claims(self) -> list[Claim]:
        """A car at some of the ports, each with what may be known of it; plain: at all of them, nothing known."""
        chance = random.Random(self.seed + 1)
        if self.is_plain:
            return [Claim(port_id=it.port_id, session_id=f"s-{it.port_id}", begun_at=AT) for it in self.tree.ports]
        ports = [it for it in self.tree.ports if chance.random() < 0.8] or self.tree.ports[:1]
        return [
            Claim(
                port_id=it.port_id,
                session_id=f"s-{it.port_id}",
                begun_at=AT - timedelta(minutes=chance.randint(0, 90)),
                car_phases=chance.choice((None, 1, 2, 3)),
                car_most_ma=chance.choice((None, None, 10_000, 16_000)),
                served_wh=chance.randint(0, 20_000),
                turn_since=chance.choice((None, AT - timedelta(minutes=chance.randint(0, 20)))),
                asked_wh=chance.choice((None, 5_000, 25_000)),
                departs_at=chance.choice((None, AT + timedelta(minutes=chance.randint(1, 600)))),
                weight=chance.choice((1, 1, 3)),
            )
            for it in ports
        ]

    def _by_phase(self, chance: random.Random) -> tuple[int | None, int | None, int | None]:
        one, two, three = (chance.choice((None, *[chance.randint(0, 90) * 1_000] * 3)) for _ in range(3))
        return (one, one, one) if self.is_plain else (one, two, three)


def _port(chance: random.Random, number: int, node_id: str, is_plain: bool) -> Port:
    if is_plain:
        return port(number, node_id)
    kind = chance.choice(("three", "one", "line to line"))
    phases = chance.choice(ROTATIONS)
    levels_ma = chance.choice(((), (), (8_000, 16_000, 24_000, 32_000)))
    return port(
        number,
        node_id,
        phases={"three": phases, "one": phases[:1], "line to line": chance.choice(PAIRS)}[kind],
        is_line_to_line=kind == "line to line",
        voltage_v=208 if kind == "line to line" else 230,
        least_ma=levels_ma[0] if levels_ma else 6_000,
        most_ma=32_000 if levels_ma else chance.choice((16_000, 32_000)),
        step_ma=chance.choice((100, 1_000)),
        levels_ma=levels_ma,
        weight=chance.choice((1, 1, 1, 2)),
    )


def _line(chance: random.Random, ports: Sequence[Port]) -> Conductor:
    behind = chance.sample(ports, chance.randint(1, len(ports)))
    return Conductor(
        conductor_id="line",
        limit_ma=chance.randint(0, 90) * 1_000,
        terms=tuple(
            Term(it.port_id, chance.choice((1.0, -1.0, 0.5, 2.0)), chance.choice((0.0, 30.0, -90.0, 150.0, 120.0)))
            for it in behind
        ),
    )


def can_overload(
    tree: SiteTree, claims: Iterable[Claim], grants_ma: Mapping[PortId, int], slack_ma: float = SLACK_MA
) -> bool:
    """Whether there are cars which, by staying away, would make the rest exceed a limit.

    In a node no current shortens another's (they are 60° apart at most), so that only others need all cases looked at.
    """
    phases = {it.port_id: it.car_phases for it in claims}
    return bool(Meters(tree).over(grants_ma, phases, slack_ma)) or any(
        abs(sum(it for it, is_there in zip(turned, there, strict=True) if is_there)) > line.limit_ma + slack_ma
        for line in tree.conductors
        if (turned := _turned(line, grants_ma))
        for there in product((True, False), repeat=len(turned))
    )


def _turned(line: Conductor, draws_ma: Mapping[PortId, int]) -> list[complex]:
    counted = [draws_ma.get(it.port_id, 0) * rect(it.weight, radians(it.angle_deg)) for it in line.terms]
    return [it for it in counted if it]
