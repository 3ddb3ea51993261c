"""A look at a site: what its chargers are told when cars come and go, and that it is never too much."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from chalicelib.domain.chargers.charging_ability import ChargingAbility, RefusedForm
from chalicelib.domain.chargers.commands import Unable
from chalicelib.domain.chargers.setup import MeteringCapability
from chalicelib.domain.grid.port_look import PortOrder
from chalicelib.domain.grid.tree import OperatorLimit
from chalicelib.records.chargers import Gone
from chalicelib.records.grid import NamedLimit, ToldLoad
from chalicelib.services.grid.dispatch import Dispatch
from tests.services.conftest import Kit, Link
from tests.services.grid.plant import CHARGERS, LIMIT_A, MOST_A, SITE_ID, Looks, Plant


@pytest.fixture
def plant(kit: Kit) -> Plant:
    made = Plant(kit)
    made.describe()
    return made


def near(offered: list[float], *wanted: float) -> bool:
    return all(abs(it - want) < 0.15 for it, want in zip(offered, wanted, strict=True))


def test_chargers_are_told_what_they_may_draw_in_silence_before_anybody_charges(plant: Plant) -> None:
    assert [it.default_a for it in plant.outlets] == [6.0] * CHARGERS


def test_cars_that_come_and_go_share_what_there_is(plant: Plant) -> None:
    shares = [(22.0,), (14.0, 14.0), (11.3, 11.3, 11.3), (10.0, 10.0, 10.0, 10.0)]
    for number, each in enumerate(shares):
        plant.begin(number)
        plant.live(8)
        assert near(plant.offered_a(), *each, *[0.0] * (CHARGERS - len(each)))
    plant.end(0)
    plant.live(8)
    assert near(plant.offered_a(), 0.0, 11.3, 11.3, 11.3)
    assert plant.worst_a <= LIMIT_A


def test_a_limit_that_comes_down_is_kept_within_seconds_and_ends_by_itself(plant: Plant) -> None:
    for number in range(2):
        plant.begin(number)
    plant.live(8)
    now = plant.kit.clock()
    limit = OperatorLimit(node_id="grid", limit_ma=30_000, begins_at=now, ends_at=now + timedelta(minutes=10))
    plant.kit.site_grids.limit("op", SITE_ID, "evening", limit, "somebody")
    plant.live(1)
    assert near(plant.offered_a(), 9.0, 9.0, 0.0, 0.0)
    plant.live(700)
    assert near(plant.offered_a(), 14.0, 14.0, 0.0, 0.0)


def test_a_limit_below_what_all_fall_to_in_silence_is_kept_all_the_same(plant: Plant) -> None:
    """What a charger would draw without us is no reason to let it draw that with us; and it is lowered as well."""
    for number in range(CHARGERS):
        plant.begin(number)
    plant.live(10)
    now = plant.kit.clock()
    limit = OperatorLimit(node_id="grid", limit_ma=13_000, begins_at=now, ends_at=now + timedelta(minutes=10))
    plant.kit.site_grids.limit("op", SITE_ID, "evening", limit, "somebody")
    plant.live(1.2)
    assert sum(plant.offered_a()) <= 13.0
    plant.live(10)
    assert sorted(plant.offered_a()) == [0.0, 0.0, 6.5, 6.5]
    assert sorted(it.default_a for it in plant.outlets) == [0.0, 0.0, 6.0, 6.0]
    plant.live(700)
    assert near(plant.offered_a(), 10.0, 10.0, 10.0, 10.0)
    assert [it.default_a for it in plant.outlets] == [6.0] * CHARGERS


def test_what_the_building_takes_is_not_for_cars_and_its_worst_counts_where_nobody_tells(plant: Plant) -> None:
    plant.begin(0)
    plant.live(5)
    plant.kit.site_grids.tell_load("op", SITE_ID, (10_000, 4_000, 0), None)
    plant.live(2)
    assert near(plant.offered_a(), 12.0, 0.0, 0.0, 0.0)
    # It is silent: nothing is configured as its worst.
    plant.live(300)
    assert near(plant.offered_a(), 22.0, 0.0, 0.0, 0.0)


def test_a_deaf_charger_is_counted_with_all_that_it_was_told_until_its_lease_ends(plant: Plant) -> None:
    plant.begin(0)
    plant.live(8)
    plant.outlets[0].is_deaf = True
    plant.begin(1)
    plant.live(120)
    # It has 22 A until its lease ends; the two who do not charge may fall to 6 A each.
    assert near(plant.offered_a(), 22.0, 6.0, 0.0, 0.0)
    assert plant.worst_a <= LIMIT_A
    plant.live(70 * 60)
    # Then its default counts, and the other has its share.
    assert near(plant.offered_a(), 6.0, 14.0, 0.0, 0.0)
    assert plant.worst_a <= LIMIT_A


def test_without_us_everything_falls_to_its_default(plant: Plant) -> None:
    for number in range(2):
        plant.begin(number)
    plant.live(8)
    plant.kit.clock.advance(minutes=62)
    assert near(plant.offered_a(), 6.0, 6.0, 0.0, 0.0)


def test_leases_are_renewed_at_half_their_time_and_no_frame_is_sent_for_nothing(plant: Plant) -> None:
    for number in range(2):
        plant.begin(number)
    plant.live(10)
    frames = [it.frames for it in plant.outlets]
    plant.live(25 * 60)
    assert [it.frames for it in plant.outlets] == frames
    plant.live(100 * 60)
    assert near(plant.offered_a(), 14.0, 14.0, 0.0, 0.0)
    assert sum(it.frames for it in plant.outlets) - sum(frames) <= 8


def test_a_look_that_finds_nothing_to_do_writes_nothing(plant: Plant) -> None:
    plant.begin(0)
    # The minute's look has taken in that the grant was confirmed; settings are asked for again in an hour.
    plant.live(65 * 60)
    before = plant.kit.managed_sites.state(SITE_ID)
    plant.kit.clock.advance(seconds=60)
    assert plant.kit.balancer.look(SITE_ID, is_check=True) == 0
    assert plant.kit.managed_sites.state(SITE_ID) == before


def test_an_older_word_of_the_building_changes_nothing(plant: Plant) -> None:
    now = plant.kit.clock()
    sites = plant.kit.managed_sites
    sites.tell_load(SITE_ID, ToldLoad(at=now, load_ma=(1_000, 0, 0)))
    assert sites.tell_load(SITE_ID, ToldLoad(at=now - timedelta(seconds=1), load_ma=(9_000, 0, 0))) == ToldLoad(
        at=now, load_ma=(1_000, 0, 0)
    )
    state = sites.state(SITE_ID)
    assert state is not None
    assert state.load == ToldLoad(at=now, load_ma=(1_000, 0, 0))


def test_limits_that_are_over_are_kept_for_a_day_and_no_longer_count(plant: Plant) -> None:
    now = plant.kit.clock()
    over = OperatorLimit(node_id="grid", limit_ma=6_000, begins_at=now - timedelta(hours=2), ends_at=now)
    plant.kit.managed_sites.limit(SITE_ID, NamedLimit(limit_id="over", limit=over))
    plant.begin(0)
    plant.live(8)
    assert near(plant.offered_a(), 22.0, 0.0, 0.0, 0.0)


def test_where_a_charger_answers_nothing_the_others_have_what_is_left_and_no_more(plant: Plant) -> None:
    for number in range(2):
        plant.begin(number)
        plant.live(8)
    assert near(plant.offered_a(), 14.0, 14.0, 0.0, 0.0)
    # One hears nothing any more; what it was told it keeps, whatever the site has.
    plant.outlets[0].is_deaf = True
    now = plant.kit.clock()
    limit = OperatorLimit(node_id="grid", limit_ma=34_000, begins_at=now, ends_at=now + timedelta(hours=1))
    plant.kit.site_grids.limit("op", SITE_ID, "evening", limit, "")
    plant.live(30)
    # Of 34 A it keeps 14, and twelve are those of the others that do not charge, in silence.
    assert near(plant.offered_a(), 14.0, 8.0, 0.0, 0.0)
    plant.outlets[0].is_deaf = False
    plant.live(70)
    assert near(plant.offered_a(), 11.0, 11.0, 0.0, 0.0)


@pytest.mark.parametrize("is_seen", [True, False])
def test_a_charger_that_is_away_is_told_nothing_over_and_over_and_all_once_it_is_back(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, is_seen: bool
) -> None:
    kit, gone = plant.kit, plant.outlets[0]
    # What it can do is known: it is not read again for that.
    kit.setups.settle(gone.charger_id, "", MeteringCapability.UNKNOWN, ChargingAbility())
    plant.live(120)
    for number in range(2):
        plant.begin(number)
    plant.live(8)
    socket = kit.sockets.connection(gone.connection_id)
    assert socket is not None
    if is_seen:
        kit.sockets.closed(socket)

    def send(connection_id: str, frame: str) -> None:
        if connection_id == socket.connection_id:
            raise Gone(connection_id)
        Link.send(kit.link, connection_id, frame)

    # Where nobody told of its end, whoever sends down it sees it.
    monkeypatch.setattr(kit.link, "send", send)
    asked = asked_later(plant, monkeypatch)
    # Its grant is to be renewed in that time, ends, and the other's is renewed each half hour.
    plant.live(4 * 3600)
    assert len(asked) < 20
    # What it leaves is idle no longer than its grant holds.
    assert near(plant.offered_a(), 6.0, 22.0, 0.0, 0.0)
    gone.connection_id = "c-back"
    kit.sockets.opened(replace(socket, connection_id="c-back"), kit.clock())
    charger = kit.chargers.get(gone.charger_id)
    assert charger is not None
    kit.managed_charger_news.line_told(charger, online=True)
    plant.live(10)
    assert near(plant.offered_a(), 14.0, 14.0, 0.0, 0.0)


def asked_later(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """When looks were asked for that nothing but a frame calls for."""
    asked: list[datetime] = []

    def ask_later(site_id: str, after: timedelta) -> None:
        asked.append(plant.kit.clock())
        Looks.ask_later(plant.looks, site_id, after)

    monkeypatch.setattr(plant.looks, "ask_later", ask_later)
    return asked


def who_can(kit: Kit, *abilities: ChargingAbility) -> Plant:
    plant = Plant(kit)
    for outlet, ability in zip(plant.outlets, abilities, strict=True):
        kit.setups.settle(outlet.charger_id, "", MeteringCapability.UNKNOWN, ability)
    plant.describe()
    plant.live(120)
    for number in range(CHARGERS):
        plant.begin(number)
    plant.live(120)
    return plant


_UNPAUSED, _ANY = ChargingAbility(pauses_at_zero=False), ChargingAbility()


@pytest.mark.parametrize(
    ("abilities", "most_a"), [((_UNPAUSED,) * 4, 24.0), ((_UNPAUSED, _UNPAUSED, _ANY, _ANY), 13.0)]
)
def test_a_charge_that_cannot_be_paused_keeps_its_least_and_others_have_what_is_left_beside_it(
    kit: Kit, monkeypatch: pytest.MonkeyPatch, abilities: tuple[ChargingAbility, ...], most_a: float
) -> None:
    plant = who_can(kit, *abilities)
    assert near(plant.offered_a(), 10.0, 10.0, 10.0, 10.0)
    asked, now = asked_later(plant, monkeypatch), kit.clock()
    limit = OperatorLimit(node_id="grid", limit_ma=13_000, begins_at=now, ends_at=now + timedelta(minutes=50))
    kit.site_grids.limit("op", SITE_ID, "evening", limit, "somebody")
    for minutes in (0, 20, 40):
        plant.live(5 + minutes * 60 - (kit.clock() - now).total_seconds())
        assert sum(plant.offered_a()) <= most_a
        assert min(plant.offered_a()[: abilities.count(_UNPAUSED)]) >= 6.0
    assert len(asked) < 20
    plant.live(20 * 60)
    assert near(plant.offered_a(), 10.0, 10.0, 10.0, 10.0)


@pytest.mark.parametrize("nothing", [ChargingAbility(refused=(RefusedForm(),)), ChargingAbility(is_controllable=False)])
def test_a_charger_that_takes_no_limit_is_told_none_and_others_have_what_is_left_beside_it(
    kit: Kit, monkeypatch: pytest.MonkeyPatch, nothing: ChargingAbility
) -> None:
    plant = who_can(kit, _ANY, _ANY, _ANY, nothing)
    asked = asked_later(plant, monkeypatch)
    assert (plant.outlets[3].frames, plant.offered_a()[3]) == (0, MOST_A)
    plant.live(3600)
    assert sum(plant.offered_a()[:3]) <= LIMIT_A - MOST_A
    assert len(asked) < 40


def test_what_cannot_be_sent_is_tried_again_by_and_by(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(it: PortOrder) -> None:
        raise Unable("nobody knows how to say that")

    asked = asked_later(plant, monkeypatch)
    monkeypatch.setattr(Dispatch, "_command", lambda self, it: refuse(it))
    plant.begin(0)
    plant.live(3600)
    assert 5 < len(asked) < 30
    monkeypatch.undo()
    plant.live(300)
    assert near(plant.offered_a(), 22.0, 0.0, 0.0, 0.0)
