"""Offline defaults: all together fit every node, whoever charges keeps his first, and the limit wins."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.grid.defaults import offline_defaults, preview
from chalicelib.domain.grid.sums import conductor_sums, node_sums
from chalicelib.domain.grid.tree import Conductor, Node, Phase, Port, PortId, SiteTree, Term
from tests.domain.grid.sites import PAIRS, Busy, can_overload


def port(number: int, node_id: str = "grid", phases: tuple[Phase, ...] = tuple(Phase), least_ma: int = 6_000) -> Port:
    port_id = PortId(f"CP-{number}", ConnectorId(1))
    return Port(port_id=port_id, node_id=node_id, phases=phases, least_ma=least_ma)


def site(limit_ma: int, number: int = 4, **others: object) -> SiteTree:
    grid = Node(node_id="grid", limit_ma=(limit_ma, limit_ma, limit_ma))
    return SiteTree(site_id="s", nodes=(grid,), ports=tuple(port(it) for it in range(number)), **others)  # type: ignore[arg-type]


def test_where_each_fits_each_has_its_least() -> None:
    tree = site(24_000)
    found = offline_defaults(tree)
    assert list(found.limit_ma.values()) == [6_000] * 4
    assert node_sums(tree, found.limit_ma)[0].sum_ma == (24_000, 24_000, 24_000)


def test_where_not_all_fit_those_that_charge_keep_theirs_and_the_others_have_none() -> None:
    tree = site(23_000)
    two = [tree.ports[3].port_id, tree.ports[1].port_id]
    found = offline_defaults(tree, two)
    assert list(found.limit_ma.values()) == [0, 6_000, 0, 6_000]
    assert found.left_out == ()
    assert set(offline_defaults(tree).limit_ma.values()) == {0}


def test_where_even_those_do_not_fit_the_limit_wins_and_who_came_last_is_told() -> None:
    tree = site(13_000)
    everybody = [it.port_id for it in tree.ports]
    found = offline_defaults(tree, everybody)
    assert found.left_out == tuple(everybody[2:])
    assert list(found.limit_ma.values()) == [6_000, 6_000, 0, 0]
    assert preview(tree) == found


def test_the_buildings_worst_and_the_reserve_are_not_for_cars() -> None:
    tree = site(30_000, worst_load_ma=(5_000, 0, 0), reserve_ma=1_000)
    assert node_sums(tree, offline_defaults(tree).limit_ma)[0].sum_ma == (30_000, 25_000, 25_000)
    assert set(offline_defaults(site(29_000, worst_load_ma=(5_000, 0, 0), reserve_ma=1_000)).limit_ma.values()) == {0}


def test_a_power_limit_counts_as_well() -> None:
    grid = Node(node_id="grid", limit_w=2 * 3 * 230 * 6)
    tree = SiteTree(site_id="s", nodes=(grid,), ports=(port(1), port(2), port(3)))
    found = offline_defaults(tree, [it.port_id for it in tree.ports])
    assert list(found.limit_ma.values()) == [6_000, 6_000, 0]


def test_a_full_panel_leaves_the_other_panel_its_own() -> None:
    nodes = (
        Node(node_id="grid", limit_ma=(40_000, 40_000, 40_000)),
        Node(node_id="small", parent_id="grid", limit_ma=(6_000, 6_000, 6_000)),
        Node(node_id="large", parent_id="grid", limit_ma=(32_000, 32_000, 32_000)),
    )
    ports = (port(1, "small"), port(2, "small"), port(3, "large"))
    tree = SiteTree(site_id="s", nodes=nodes, ports=ports)
    found = offline_defaults(tree, [it.port_id for it in ports])
    assert list(found.limit_ma.values()) == [6_000, 0, 6_000]


def test_what_an_unruly_charger_draws_is_not_there_for_the_others() -> None:
    tree = site(44_000)
    first, *rest = [it.port_id for it in tree.ports]
    found = offline_defaults(tree, [first, *rest], {first: 32_000})
    assert [found.limit_ma[it] for it in (first, *rest)] == [32_000, 6_000, 6_000, 0]
    assert found.left_out == (rest[-1],)


def test_what_lies_between_phases_is_added_as_phasors() -> None:
    """Three loads of 6 A between phases make 10.4 A in each conductor: plain sums would make 12."""
    grid = Node(node_id="grid", limit_ma=(10_400,) * 3)
    ports = [
        replace(port(number, phases=pair), is_line_to_line=True, voltage_v=208) for number, pair in enumerate(PAIRS)
    ]
    tree = SiteTree(site_id="s", nodes=(grid,), ports=tuple(ports))
    found = offline_defaults(tree)
    assert list(found.limit_ma.values()) == [6_000] * 3
    assert node_sums(tree, found.limit_ma)[0].sum_ma == (10_392,) * 3
    tight = replace(tree, nodes=(replace(grid, limit_ma=(10_300,) * 3),))
    # Any two of them meet in a conductor, as long as all three do.
    assert preview(tight).left_out == tuple(it.port_id for it in ports[1:])


def test_a_conductor_beside_the_tree_counts_as_a_node_does() -> None:
    tree = site(40_000)
    busbar = Conductor(
        conductor_id="busbar", limit_ma=12_000, terms=tuple(Term(it.port_id, 1.0) for it in tree.ports[:3])
    )
    tree = replace(tree, conductors=(busbar,))
    found = preview(tree)
    assert list(found.limit_ma.values()) == [6_000, 6_000, 0, 6_000]
    assert conductor_sums(tree, found.limit_ma)[0].sum_ma == 12_000


@settings(max_examples=100, deadline=None)
@given(st.builds(Busy, st.integers(0, 1 << 32)))
def test_nobody_is_above_a_limit_and_nobody_left_out_who_would_fit(busy: Busy) -> None:
    tree = busy.tree
    found = preview(tree)
    assert not can_overload(tree, [], found.limit_ma)
    for left_out in found.left_out:
        least_ma = next(it.least_ma for it in tree.ports if it.port_id == left_out)
        assert can_overload(tree, [], {**found.limit_ma, left_out: least_ma}, slack_ma=0)
    assert all(it.fits for it in node_sums(tree, found.limit_ma))
    assert all(it.fits for it in conductor_sums(tree, found.limit_ma))


PHASES = st.sampled_from([tuple(Phase), (Phase.L1,), (Phase.L2,), (Phase.L3, Phase.L1, Phase.L2)])


@given(
    st.lists(st.tuples(st.integers(0, 2), PHASES), min_size=1, max_size=12),
    st.tuples(st.integers(0, 80), st.integers(0, 40), st.integers(0, 40)),
    st.data(),
)
def test_no_node_is_above_its_limit_whoever_charges(
    kinds: list[tuple[int, tuple[Phase, ...]]], limits: tuple[int, int, int], data: st.DataObject
) -> None:
    names = ("grid", "left", "right")
    nodes = tuple(
        Node(node_id=name, parent_id=None if name == "grid" else "grid", limit_ma=(it * 1000, it * 1000, it * 1000))
        for name, it in zip(names, limits, strict=True)
    )
    ports = tuple(port(number, names[at], phases) for number, (at, phases) in enumerate(kinds))
    tree = SiteTree(site_id="s", nodes=nodes, ports=ports)
    charging = data.draw(st.lists(st.sampled_from([it.port_id for it in ports]), unique=True))
    found = offline_defaults(tree, charging)
    assert all(it.fits for it in node_sums(tree, found.limit_ma))
    assert all(found.limit_ma[it] == 0 for it in found.left_out)
    assert set(found.left_out) <= set(charging)
