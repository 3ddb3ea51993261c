"""A site that changes is shown as it is now, and so is what its chargers do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.records.chargers import Charger, ConnectorState
from chalicelib.records.discovery import Place
from tests.services.conftest import NOW, SITE, Kit

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


def test_a_site_that_is_renamed_is_shown_so_and_its_connectors_as_they_are(shown: Kit) -> None:
    shown.registry.put_site(replace(HERE, name="Quay", address="Quay 2"))
    (place,) = found(shown)
    assert (place.site_name, place.address) == ("Quay", "Quay 2")
    assert place.statuses["1"] is ConnectorStatus.OCCUPIED


def test_said_again_a_site_is_shown_as_it_is_where_the_first_time_was_broken_off(
    shown: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    renamed = replace(HERE, name="Quay")
    with monkeypatch.context() as patch:
        patch.setattr(type(shown.places), "describe", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            shown.registry.put_site(renamed)
    shown.registry.put_site(renamed)
    assert [it.site_name for it in found(shown)] == ["Quay"]


def test_said_again_a_site_that_moves_moves_where_the_first_time_was_broken_off(
    shown: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = replace(HERE, latitude=54.5)
    with monkeypatch.context() as patch:
        patch.setattr(type(shown.places), "put", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            shown.registry.put_site(moved)
    shown.registry.put_site(moved)
    assert found(shown) == []
    assert [it.site_id for it in found(shown, 54.5)] == ["harbour"]
