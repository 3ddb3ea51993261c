"""A site's tree is described anew, or taken away, while cars charge by the old one: what was told counts on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.records.chargers import Charger
from chalicelib.records.grid import SiteState
from chalicelib.services.access import Refusal
from tests.services.conftest import SITE, Kit
from tests.services.grid.plant import LIMIT_A, MOST_A, SITE_ID, Plant
from tests.services.grid.test_looks import near


@pytest.fixture
def plant(kit: Kit) -> Plant:
    """One car charges, with 22 A."""
    made = Plant(kit)
    made.describe()
    made.begin(0)
    made.live(8)
    assert near(made.offered_a(), 22.0, 0.0, 0.0, 0.0)
    return made


def state(plant: Plant) -> SiteState:
    found = plant.kit.managed_sites.state(SITE_ID)
    assert found is not None
    return found


def charger(plant: Plant) -> Charger:
    known = plant.kit.chargers.get(plant.outlets[0].charger_id)
    assert known is not None
    return known


def test_a_port_that_leaves_the_tree_counts_by_what_it_was_told_until_that_ends(plant: Plant) -> None:
    plant.kit.site_grids.describe("op", replace(plant.tree, ports=plant.tree.ports[1:]), None)
    frames = plant.outlets[0].frames
    plant.begin(1)
    plant.live(20)
    # It has 22 A of the 40, and 12 are the others' that do not charge.
    assert near(plant.offered_a(), 22.0, 6.0, 0.0, 0.0)
    plant.live(65 * 60)
    # Its lease is over, and it is not the site's business any more.
    assert near(plant.offered_a()[1:], 28.0, 0.0, 0.0)
    assert plant.outlets[0].frames == frames
    assert [it.port_id.charger_id for it in state(plant).book.pages] == ["CP-12", "CP-13", "CP-14"]
    assert plant.worst_a <= LIMIT_A


def test_where_its_charge_ends_sooner_its_room_is_free_sooner(plant: Plant) -> None:
    plant.kit.site_grids.describe("op", replace(plant.tree, ports=plant.tree.ports[1:]), None)
    plant.begin(1)
    plant.live(20)
    plant.end(0)
    plant.live(180)
    # What is left of it is its default.
    assert near(plant.offered_a(), 0.0, 22.0, 0.0, 0.0)


def test_one_that_comes_back_is_what_it_was(plant: Plant) -> None:
    plant.kit.site_grids.describe("op", replace(plant.tree, ports=plant.tree.ports[1:]), None)
    plant.live(5)
    plant.kit.site_grids.describe("op", plant.tree, None)
    plant.begin(1)
    plant.live(8)
    assert near(plant.offered_a(), 14.0, 14.0, 0.0, 0.0)
    assert state(plant).managed.former == ()
    assert plant.worst_a <= LIMIT_A


def test_a_tree_that_says_a_port_draws_less_takes_nothing_back_of_what_it_was_told(plant: Plant) -> None:
    plant.outlets[0].is_deaf = True
    first, *others = plant.tree.ports
    less = replace(plant.tree, ports=(replace(first, most_ma=10_000), *others))
    plant.kit.site_grids.describe("op", less, None)
    plant.begin(1)
    plant.live(60)
    assert near(plant.offered_a(), 22.0, 6.0, 0.0, 0.0)
    plant.outlets[0].is_deaf = False
    plant.live(200)
    assert near(plant.offered_a(), 10.0, 18.0, 0.0, 0.0)
    assert plant.worst_a <= LIMIT_A


def test_a_site_that_is_managed_no_more_takes_its_defaults_back_and_no_other_profile(plant: Plant) -> None:
    plant.kit.site_grids.forget("op", SITE_ID)
    plant.live(5)
    assert [it.default_a for it in plant.outlets] == [MOST_A] * 4
    # The grant is a lease, and ends as one.
    assert near(plant.offered_a(), 22.0, 0.0, 0.0, 0.0)
    assert charger(plant).managed_at == ""


def test_a_session_that_goes_on_there_leaves_nothing_behind(plant: Plant) -> None:
    plant.kit.site_grids.forget("op", SITE_ID)
    # Its session still says that it is managed, as what it draws is told for another minute.
    plant.begin(0)
    assert list(plant.kit.managed_sites.busy()) == [SITE_ID]
    assert plant.kit.balancer.look(SITE_ID, is_check=True) == 0
    assert list(plant.kit.managed_sites.busy()) == []


def test_a_charger_is_not_registered_elsewhere_while_its_sites_tree_has_it(plant: Plant) -> None:
    plant.kit.sites.put(SITE)
    known = charger(plant)
    for other in (
        replace(known, site_id=SITE.site_id),
        replace(known, connectors=(ConnectorId(2),)),
    ):
        with pytest.raises(Refusal) as refusal:
            plant.kit.registry.put_charger(other, None)
        assert refusal.value.code == "in_grid"
    assert charger(plant).site_id == SITE_ID
    plant.kit.registry.put_charger(replace(known, connectors=(ConnectorId(1), ConnectorId(2))), None)

    plant.kit.site_grids.describe("op", replace(plant.tree, ports=plant.tree.ports[1:]), None)
    plant.kit.registry.put_charger(replace(charger(plant), site_id=SITE.site_id), None)
    assert (charger(plant).site_id, charger(plant).managed_at) == (SITE.site_id, "")


def test_a_mark_that_outlived_its_tree_is_taken_off(plant: Plant) -> None:
    plant.kit.managed_sites.remove(SITE_ID)
    plant.kit.registry.put_charger(charger(plant), None)
    assert charger(plant).managed_at == ""


def test_a_site_whose_address_changes_is_managed_as_before(plant: Plant) -> None:
    known = plant.kit.sites.get(SITE_ID)
    assert known is not None
    plant.kit.registry.put_site(replace(known, address="Quay 2", is_load_managed=False))
    now = plant.kit.sites.get(SITE_ID)
    assert now is not None
    assert (now.address, now.is_load_managed) == ("Quay 2", True)
    plant.kit.site_grids.forget("op", SITE_ID)
    plant.kit.registry.put_site(replace(now, is_load_managed=False))
    after = plant.kit.sites.get(SITE_ID)
    assert after is not None
    assert not after.is_load_managed
