"""What a site may take at a moment, and how currents add."""

from __future__ import annotations

from cmath import rect
from dataclasses import replace
from datetime import timedelta
from math import radians

import pytest

from chalicelib.domain.grid.balancing import share
from chalicelib.domain.grid.currents import BUILDING_LOAD_LASTS, at_worst, least_power_w
from chalicelib.domain.grid.tree import BuildingLoad, Conditions, Conductor, Node, OperatorLimit, SiteTree, Term
from local.simulate.meters import Meters
from local.simulate.sites import garage
from tests.domain.grid.sites import AT, PAIRS, ROTATIONS, claim, port, port_id, site

ALONE = port_id(1)


def granted(tree: SiteTree, conditions: Conditions | None = None) -> int:
    """What the only car of a site is granted."""
    return share(tree, [claim(1)], AT, conditions or Conditions()).limit_ma[ALONE]


def test_what_the_building_takes_and_what_is_kept_back_is_not_for_cars() -> None:
    tree = site([port(1)], 40, reserve_ma=3_000, worst_load_ma=(30_000, 0, 0))
    told = BuildingLoad(at=AT - BUILDING_LOAD_LASTS, load_ma=(5_000, 20_000, 12_000))
    assert granted(tree, Conditions(building=told)) == 17_000


def test_a_building_that_nobody_has_heard_of_for_two_minutes_takes_its_worst() -> None:
    tree = site([port(1)], 40, worst_load_ma=(30_000, 0, 0))
    stale = BuildingLoad(at=AT - BUILDING_LOAD_LASTS - timedelta(seconds=1), load_ma=(0, 0, 0))
    assert granted(tree, Conditions(building=stale)) == granted(tree) == 10_000


def test_a_building_counts_in_kilowatts_too() -> None:
    grid = Node(node_id="grid", limit_w=13_800)
    tree = SiteTree(site_id="s", nodes=(grid,), ports=(port(1),))
    told = BuildingLoad(at=AT, load_ma=(10_000, 10_000, 0))
    assert granted(tree, Conditions(building=told)) == 13_300


def limited(**more: object) -> Conditions:
    """A limit of the grid's operator that holds for an hour."""
    about: dict[str, object] = {"node_id": "grid", "begins_at": AT, "ends_at": AT + timedelta(hours=1)}
    return Conditions(limits=(OperatorLimit(**about | more),))  # type: ignore[arg-type]


def test_an_operators_limit_counts_from_its_beginning_to_its_end_and_not_beyond() -> None:
    tree = site([port(1)], 40)
    assert granted(tree, limited(limit_ma=10_000)) == 10_000
    assert granted(tree, limited(limit_w=6_900)) == 10_000
    assert granted(tree, limited(limit_ma=10_000, begins_at=AT + timedelta(seconds=1))) == 32_000
    assert granted(tree, limited(limit_ma=10_000, ends_at=AT)) == 32_000
    assert granted(tree, limited(limit_ma=0, node_id="elsewhere")) == 0


def test_a_private_site_keeps_what_the_law_leaves_it_and_its_building_is_none_of_that() -> None:
    tree = site([port(1)], 63, worst_load_ma=(20_000, 20_000, 20_000), floor_w=4_200)
    assert granted(tree, limited(limit_w=0)) == 6_000
    assert granted(tree, limited(limit_ma=0)) == 6_000
    assert granted(replace(tree, floor_w=None), limited(limit_w=0)) == 0
    # The building's own limits hold all the same.
    assert granted(replace(tree, worst_load_ma=(60_000, 0, 0)), limited(limit_w=0)) == 0


@pytest.mark.parametrize(
    ("devices", "power_w"),
    [(0, 0), (1, 4_200), (2, 7_560), (3, 10_500), (4, 13_020), (8, 18_900), (9, 19_320), (50, 96_810)],
)
def test_the_least_power_of_several_devices_is_the_federal_network_agencys(devices: int, power_w: int) -> None:
    assert least_power_w(devices) == power_w


def test_phases_are_the_sites_whatever_the_charger_calls_them() -> None:
    wired = [port(number, phases=ROTATIONS[number]) for number in range(3)]
    tree = site(wired, 20)
    apart = share(tree, [claim(number, car_phases=1) for number in range(3)], AT)
    assert set(apart.limit_ma.values()) == {20_000}
    together = share(site([port(number) for number in range(3)], 20), [claim(it, car_phases=1) for it in range(3)], AT)
    assert sum(together.limit_ma.values()) <= 20_000


def test_currents_between_phases_add_as_phasors() -> None:
    pairs = [port(number, phases=PAIRS[number], is_line_to_line=True, voltage_v=208) for number in range(3)]
    tree = site(pairs, 26)
    grants = share(tree, [claim(number) for number in range(3)], AT).limit_ma
    # 26 A / sqrt(3) each; plain sums would leave 13.
    assert set(grants.values()) == {15_000}
    assert Meters(tree).over(grants, {}, slack=0) == []


def test_no_current_is_counted_on_to_take_away_from_anothers() -> None:
    tree = garage(3, 40)
    one, other, _ = tree.ports
    line = Conductor(
        conductor_id="delta", limit_ma=20_000, terms=(Term(one.port_id, 1.0, 30.0), Term(other.port_id, 1.0, 150.0))
    )
    tree = replace(tree, conductors=(line,), nodes=(Node(node_id="grid"),))
    asks = [replace(claim(0), port_id=it.port_id, session_id=str(it.port_id)) for it in (one, other)]
    assert set(share(tree, asks, AT).limit_ma.values()) == {20_000}
    stopped = replace(line, terms=(Term(one.port_id, 1.0, 0.0), Term(other.port_id, -1.0, 0.0)))
    assert set(share(replace(tree, conductors=(stopped,)), asks, AT).limit_ma.values()) == {20_000}


def test_a_transformer_is_kept_on_both_sides_and_used_up_on_one() -> None:
    tree = garage(54, 139)
    claims = [replace(claim(0), port_id=it.port_id, session_id=str(it.port_id)) for it in tree.ports[:24]]
    grants = share(tree, claims, AT).limit_ma
    meters = Meters(tree)
    assert meters.over(grants, {}, slack=0) == []
    fullest = max(abs(it) / limit for it, limit in zip(meters.read(grants, {}), meters.limits, strict=True))
    assert fullest > 0.98


def test_a_tree_without_a_grid_connection_is_none() -> None:
    for nodes in (
        (Node(node_id="grid", parent_id="panel"), Node(node_id="panel", parent_id="grid")),
        (Node(node_id="grid"), Node(node_id="panel", parent_id="gone")),
    ):
        with pytest.raises(ValueError, match="leads to no grid connection"):
            share(SiteTree(site_id="s", nodes=nodes, ports=(port(1),)), [claim(1)], AT)


def test_a_claim_at_a_port_that_is_not_the_sites_gets_nothing() -> None:
    assert share(site([port(1)], 40), [claim(2)], AT).limit_ma.get(port_id(2)) is None


def test_a_sum_is_at_its_longest_without_what_shortens_it() -> None:
    along, against, aside = 1.0 + 0j, -1.0 + 0j, rect(1, radians(120))
    assert at_worst([]) == 0
    assert at_worst([(6_000, along), (6_000, along)]) == 12_000
    assert at_worst([(6_000, along), (16_000, against)]) == 16_000
    assert at_worst([(10_000, along), (4_000, aside)]) == pytest.approx(10_000)
    assert at_worst([(10_000, along), (10_000, 1j)]) == pytest.approx(14_142, abs=1)
