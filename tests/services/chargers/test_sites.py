"""A site that changes is shown as it is now, and so is what its chargers do."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import patch

import pytest

from chalicelib.adapters.discovery.places import sign_of
from chalicelib.adapters.tables import PlaceRow
from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.records.chargers import Charger, ConnectorState
from chalicelib.records.discovery import Place
from chalicelib.services.discovery import Wish
from tests.services.conftest import NOW, SITE, TARIFF, Kit

HERE = replace(SITE, latitude=53.5, longitude=9.9)
CHARGER = Charger(
    charger_id="CP-1",
    operator_id="op",
    site_id="harbour",
    password_hash="",
    connectors=(ConnectorId(1), ConnectorId(2)),
)


@pytest.fixture
def shown(kit: Kit) -> Kit:
    kit.show_on_map(CHARGER)
    place = kit.chargers.get("CP-1")
    assert place is not None
    assert place.place is not None
    kit.connectors.set_status(
        "CP-1", ConnectorState(connector=ConnectorId(1), status=ConnectorStatus.OCCUPIED, status_at=NOW)
    )
    kit.places.set_status(place.place, ConnectorId(1), ConnectorStatus.OCCUPIED)
    return kit


def found(kit: Kit, latitude: float = 53.5) -> list[Place]:
    return [it for _, it in kit.places.near(GeoPoint(latitude, 9.9), 0, 500)]


def follow(kit: Kit) -> None:
    """Let all that was handed on be done, and what is due a minute later, until nothing is."""
    for _ in range(3):
        while kit.invocations.begun:
            _, told = kit.invocations.begun.pop(0)
            kit.site_relocation.go_on(told["site"])
        kit.clock.advance(seconds=61)
        kit.site_relocation.tend()


def registered(kit: Kit, **other: str) -> None:
    with patch("chalicelib.services.chargers.registry.hash_password", lambda *_: "scrypt$"):
        kit.registry.put_charger(replace(CHARGER, **other), "a-password-of-20-chars")  # type: ignore[arg-type]


def test_a_site_that_is_renamed_is_shown_so_and_its_connectors_as_they_are(shown: Kit) -> None:
    shown.registry.put_site(replace(HERE, name="Quay", address="Quay 2"))
    (place,) = found(shown)
    assert (place.site_name, place.address) == ("Quay", "Quay 2")
    assert place.statuses["1"] is ConnectorStatus.OCCUPIED


def test_said_again_a_site_is_shown_as_it_is_where_the_first_time_was_broken_off(
    shown: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    renamed = replace(HERE, name="Quay")
    with monkeypatch.context() as patched:
        patched.setattr(type(shown.places), "describe", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            shown.registry.put_site(renamed)
    shown.registry.put_site(renamed)
    assert [it.site_name for it in found(shown)] == ["Quay"]


@pytest.mark.parametrize("broken", ["describe", "leave"])
def test_said_again_a_site_that_moves_moves_where_the_first_time_was_broken_off(
    shown: Kit, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    moved = replace(HERE, latitude=54.5)
    with monkeypatch.context() as patched:
        patched.setattr(type(shown.places), broken, lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            shown.registry.put_site(moved)
    shown.registry.put_site(moved)
    assert found(shown) == []
    assert [it.site_id for it in found(shown, 54.5)] == ["harbour"]


def test_a_site_that_changes_is_one_write_however_many_chargers_are_shown_there(
    shown: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2, 4):
        registered(shown, charger_id=f"CP-{number}")
    with monkeypatch.context() as patched:
        patched.setattr(type(shown.places), "put", lambda *_: 1 / 0)
        shown.registry.put_site(replace(HERE, name="Quay", tariff_id="standard"))
    assert [it.site_name for it in found(shown)] == ["Quay"] * 3
    assert {it.charger_id for it in found(shown)} == {f"CP-{number}" for number in range(1, 4)}


def test_the_new_name_is_searched_for_and_its_price_is_the_new_one(shown: Kit) -> None:
    shown.tariffs.put(replace(TARIFF, tariff_id="dear", name="Dear"))
    shown.registry.put_site(replace(HERE, name="Quay", tariff_id="dear"))
    centre = GeoPoint(53.5, 9.9)
    (named,) = shown.search.near(centre, 500, Wish(text="quay"), 20, None).items
    assert named.tariff is not None
    assert (named.place.tariff_id, named.tariff.name) == ("dear", "Dear")
    assert shown.search.near(centre, 500, Wish(text="harbour"), 20, None).items == []


def test_sites_at_one_spot_are_each_shown_under_their_own_name(shown: Kit) -> None:
    other = replace(HERE, site_id="a#b!c", name="Next door")
    shown.registry.put_site(other)
    registered(shown, charger_id="CP!2#x", site_id=other.site_id)
    shown.registry.put_site(replace(HERE, name="Quay"))
    assert {it.charger_id: it.site_name for it in found(shown)} == {"CP-1": "Quay", "CP!2#x": "Next door"}


def test_a_charger_registered_before_its_site_was_last_said_is_shown_as_its_site_is_now(shown: Kit) -> None:
    shown.registry.put_site(replace(HERE, name="Quay"))
    registered(shown, charger_id="CP-2")
    assert [it.site_name for it in found(shown)] == ["Quay", "Quay"]


def test_chargers_that_were_put_before_sites_had_a_row_of_their_own_are_found_by_what_they_say(shown: Kit) -> None:
    shown.places.remove(sign_of(HERE.site_id, GeoPoint(53.5, 9.9)))
    assert [it.site_name for it in found(shown)] == ["Harbour"]


def test_a_site_that_moves_leaves_nothing_behind_and_is_shown_by_its_new_name(shown: Kit) -> None:
    shown.registry.put_site(replace(HERE, name="Quay"))
    shown.registry.put_site(replace(HERE, latitude=54.5, name="Pier"))
    follow(shown)
    assert [it.site_name for it in found(shown, 54.5)] == ["Pier"]
    assert len(list(PlaceRow.scan())) == 2
    shown.registry.put_site(replace(HERE, latitude=None, longitude=None))
    follow(shown)
    assert list(PlaceRow.scan()) == []
