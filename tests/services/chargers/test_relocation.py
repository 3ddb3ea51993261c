"""A site that has moved is shown at its new place at once, and its chargers' rows follow, whoever dies on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.adapters.tables import PlaceRow
from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.records.chargers import Charger, ConnectorState, Site
from chalicelib.records.parts import WHOLE, Part
from chalicelib.services.access import Refusal
from tests.services.conftest import NOW, SITE, Kit

ONE = ConnectorId(1)
HERE = replace(SITE, latitude=53.5, longitude=9.9)
THERE = replace(HERE, latitude=54.5, address="Pier 1")
ELSEWHERE = replace(HERE, latitude=55.5, address="Mole 1")
MANY = 60


def charger(number: int, site_id: str = "harbour") -> Charger:
    return Charger(
        charger_id=f"CP-{number:03}",
        operator_id="op",
        site_id=site_id,
        password_hash="",
        connectors=(ONE,),
        security_profile=0,
    )


@pytest.fixture
def here(kit: Kit) -> Kit:
    """Three chargers are shown at a site, and the kit's own stands elsewhere."""
    kit.chargers.put(replace(charger(0, "yard"), charger_id="CP-1"))
    kit.sites.put(HERE)
    kit.places.describe(HERE)
    for number in range(3):
        register(kit, charger(number))
    return kit


def register(kit: Kit, new: Charger) -> None:
    kit.registry.put_charger(new, None)


def shown(kit: Kit, site: Site) -> list[str]:
    """The chargers that are found there, by their ids; each says that it is just there."""
    spot = site.spot
    assert spot is not None
    found = [it for _, it in kit.places.near(spot, 0, 500)]
    assert {it.spot for it in found} <= {spot}
    assert {it.address for it in found if it.site_id == site.site_id} <= {site.address}
    return sorted(it.charger_id for it in found if it.site_id == site.site_id)


def all_at(kit: Kit, site: Site) -> bool:
    """Whether all are found there and nowhere else."""
    others = [it for it in (HERE, THERE, ELSEWHERE) if it.spot != site.spot]
    here = shown(kit, site)
    return here == ["CP-000", "CP-001", "CP-002"] and not any(shown(kit, it) for it in others)


def go_on(kit: Kit, part: Callable[[], Part] = lambda: WHOLE) -> int:
    """Do what was handed on; returns how often."""
    begun, kit.invocations.begun = kit.invocations.begun, []
    for function, told in begun:
        assert (function, told["part"]) == ("lists", "site")
        kit.site_relocation.go_on(told["site"], part())
    return len(begun)


def rows(kit: Kit) -> int:
    return len(list(PlaceRow.scan()))


def settle(kit: Kit) -> None:
    """Let the schedule run every minute until there is nothing to do."""
    for _ in range(5):
        while go_on(kit):
            pass
        kit.clock.advance(seconds=60)
        kit.site_relocation.tend()
    assert kit.invocations.begun == []


def test_it_is_found_at_its_new_place_at_once_and_not_at_the_old_one(here: Kit) -> None:
    here.registry.put_site(THERE)
    assert all_at(here, THERE)
    assert [it.charger_id for it in here.search.site("harbour", {})[2]] == ["CP-000", "CP-001", "CP-002"]
    settle(here)
    assert all_at(here, THERE)
    assert rows(here) == 1 + 3, "what led from one place to the other is gone"


def test_what_its_connectors_do_meanwhile_is_shown(here: Kit) -> None:
    here.registry.put_site(THERE)

    def occupy(charger_id: str) -> None:
        known = here.chargers.get(charger_id)
        assert known is not None
        assert known.place is not None
        state = ConnectorState(connector=ONE, status=ConnectorStatus.OCCUPIED, status_at=NOW)
        here.connectors.set_status(charger_id, state)
        here.places.set_status(known.place, ONE, ConnectorStatus.OCCUPIED)

    occupy("CP-000")
    go_on(here)
    occupy("CP-001")
    found = {it.charger_id: it.statuses.get("1") for _, it in here.places.near(THERE.spot or GeoPoint(0, 0), 0, 500)}
    occupied = {name for name, status in found.items() if status is ConnectorStatus.OCCUPIED}
    assert occupied == {"CP-000", "CP-001"}


def test_what_stands_beside_it_stays_where_it_is(here: Kit) -> None:
    beside = replace(HERE, site_id="cafe", name="Cafe", address="Quay 2")
    here.registry.put_site(beside)
    register(here, charger(7, "cafe"))
    here.registry.put_site(THERE)
    assert shown(here, beside) == ["CP-007"]
    assert all_at(here, THERE)
    settle(here)
    assert shown(here, beside) == ["CP-007"]


def test_it_moves_on_before_its_chargers_have_followed(here: Kit) -> None:
    here.registry.put_site(THERE)
    go_on(here, lambda: Part(ends_at=here.clock()))
    here.registry.put_site(ELSEWHERE)
    assert all_at(here, ELSEWHERE)
    settle(here)
    assert all_at(here, ELSEWHERE)
    assert rows(here) == 1 + 3


def test_it_moves_back_before_and_after_its_chargers_have_followed(here: Kit) -> None:
    for have_followed in (False, True):
        here.registry.put_site(THERE)
        if have_followed:
            go_on(here)
        here.registry.put_site(HERE)
        assert all_at(here, HERE)
    settle(here)
    assert all_at(here, HERE)
    assert rows(here) == 1 + 3


def test_a_site_that_is_hidden_is_hidden_at_once(here: Kit) -> None:
    here.registry.put_site(replace(HERE, latitude=None, longitude=None))
    assert shown(here, HERE) == []
    settle(here)
    assert rows(here) == 0
    here.registry.put_site(HERE)
    settle(here)
    assert all_at(here, HERE)


def test_within_one_cell_its_spot_is_one_write(here: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    nearby = replace(HERE, latitude=53.500001)
    with monkeypatch.context() as patched:
        patched.setattr(type(here.places), "put", lambda *_: 1 / 0)
        here.registry.put_site(nearby)
    assert here.invocations.begun == []
    assert shown(here, nearby) == ["CP-000", "CP-001", "CP-002"]


def test_a_request_is_as_short_for_many_chargers_as_for_few(here: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(here.chargers), "at_site", lambda *_: 1 / 0)
    here.registry.put_site(THERE)
    assert [told for _, told in here.invocations.begun] == [{"part": "site", "site": "harbour"}]


def test_many_chargers_follow_some_at_a_time_each_invocation_where_the_last_ended(
    here: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3, MANY):
        register(here, charger(number))
    here.registry.put_site(THERE)
    original, times = type(here.placement).show, []

    def show(*args: Any) -> None:
        times.append(args[1].charger_id)
        original(*args)

    monkeypatch.setattr(type(here.placement), "show", show)
    at_site = type(here.chargers).at_site

    def slow(*args: Any) -> Any:
        here.clock.advance(seconds=5)
        return at_site(*args)

    monkeypatch.setattr(type(here.chargers), "at_site", slow)
    for _ in range(3):
        assert len(shown(here, THERE)) == MANY
        assert go_on(here, lambda: Part(ends_at=here.clock() + timedelta(seconds=5))) == 1
    assert sorted(times) == [f"CP-{number:03}" for number in range(MANY)]
    assert here.invocations.begun == []


def test_who_dies_on_the_way_is_followed_by_the_schedule(here: Kit) -> None:
    here.registry.put_site(THERE)
    here.invocations.begun.clear()
    assert here.site_relocation.tend() == 0, "somebody may be at work on it"
    here.clock.advance(seconds=60)
    assert here.site_relocation.tend() == 1
    settle(here)
    assert all_at(here, THERE)
    assert rows(here) == 1 + 3


def test_a_request_that_dies_before_it_has_said_where_to_leaves_it_where_it_was(
    here: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(type(here.sites), "put", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            here.registry.put_site(THERE)
    here.clock.advance(seconds=60)
    here.site_relocation.tend()
    settle(here)
    assert all_at(here, HERE)
    assert rows(here) == 1 + 3


def test_a_charger_put_by_who_had_read_the_site_before_follows_by_the_last_pass(here: Kit) -> None:
    known = here.sites.get("harbour")
    assert known is not None
    here.registry.put_site(THERE)
    go_on(here)
    late = charger(5)
    register(here, late)
    here.placement.show(here.chargers.get("CP-005") or late, known)
    settle(here)
    assert shown(here, THERE) == ["CP-000", "CP-001", "CP-002", "CP-005"]
    assert shown(here, HERE) == []


def test_what_is_said_of_it_meanwhile_is_shown_and_stays(here: Kit) -> None:
    here.registry.put_site(THERE)
    renamed = replace(THERE, address="Pier 2")
    here.registry.put_site(renamed)
    assert shown(here, renamed) == ["CP-000", "CP-001", "CP-002"]
    settle(here)
    assert shown(here, renamed) == ["CP-000", "CP-001", "CP-002"]


def test_what_is_said_at_its_end_is_shown_and_stays(here: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    here.registry.put_site(THERE)
    go_on(here)
    here.clock.advance(seconds=60)
    here.site_relocation.tend()
    original, renamed, left = type(here.places).remove, replace(THERE, address="Pier 2"), [1]

    def remove(places: Any, row: str) -> None:
        if left and "!" in row:
            left.pop()
            here.registry.put_site(renamed)
        original(places, row)

    monkeypatch.setattr(type(here.places), "remove", remove)
    settle(here)
    assert not left
    assert shown(here, renamed) == ["CP-000", "CP-001", "CP-002"]
    assert shown(here, HERE) == []
    assert rows(here) == 1 + 3


def test_of_two_at_work_the_later_goes_on_alone(here: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3, MANY):
        register(here, charger(number))
    here.registry.put_site(THERE)
    at_site, left = type(here.chargers).at_site, [1]
    asked: list[str] = []

    def meanwhile(*args: Any) -> Any:
        asked.append(args[3])
        if left:
            left.pop()
            here.site_relocation.go_on("harbour")
        return at_site(*args)

    monkeypatch.setattr(type(here.chargers), "at_site", meanwhile)
    go_on(here)
    # The first one's only page, and the three of the other.
    assert len(asked) == 4
    settle(here)
    assert len(shown(here, THERE)) == MANY


def test_a_charger_that_cannot_follow_keeps_no_other_and_is_found_all_the_same(
    here: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.registry.put_site(THERE)
    original = type(here.placement).show

    def show(placement: Any, charger: Charger, site: Site) -> None:
        if charger.charger_id == "CP-001":
            raise RuntimeError(charger.charger_id)
        original(placement, charger, site)

    with monkeypatch.context() as patched:
        patched.setattr(type(here.placement), "show", show)
        for _ in range(4):
            go_on(here)
            here.clock.advance(seconds=60)
            here.site_relocation.tend()
        assert all_at(here, THERE)
        assert rows(here) == 1 + 3 + 2, "the old sign, and what is to be done"
    settle(here)
    assert all_at(here, THERE)
    assert rows(here) == 1 + 3


def test_a_row_that_was_put_where_the_site_was_for_a_moment_and_never_noted_goes_with_the_sign(
    here: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.registry.put_site(THERE)
    with monkeypatch.context() as patched:
        patched.setattr(type(here.connectors), "put_place", lambda *_: 1 / 0)
        go_on(here)
    here.registry.put_site(ELSEWHERE)
    settle(here)
    assert all_at(here, ELSEWHERE)
    assert rows(here) == 1 + 3


def test_one_that_moves_faster_than_its_chargers_can_follow_waits(here: Kit) -> None:
    for number in range(7):
        here.registry.put_site(replace(HERE, latitude=40.5 + number))
    with pytest.raises(Refusal) as refusal:
        here.registry.put_site(replace(HERE, latitude=50.5))
    assert refusal.value.code == "site_moving"
    settle(here)
    here.registry.put_site(THERE)
    assert all_at(here, THERE)


def test_an_invocation_that_is_not_taken_is_made_by_the_schedule(here: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(type(here.invocations), "begin", lambda *_: 1 / 0)
        here.registry.put_site(THERE)
    assert all_at(here, THERE)
    here.clock.advance(seconds=60)
    assert here.site_relocation.tend() == 1
    settle(here)
    assert rows(here) == 1 + 3
