"""Demand response at a site: an event lowers it at once, is given back by degrees, and says what it delivered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.adapters.grid.demand_spread import SqsDemandSpread
from chalicelib.adapters.grid.looks import SqsLooks
from chalicelib.domain.grid.demand_response import (
    RESTORED_WITHIN,
    AskedInterval,
    AskKind,
    Contract,
    DemandAsk,
    DemandEvent,
    DemandTarget,
    SiteDemand,
)
from chalicelib.domain.grid.waits import WaitCause
from chalicelib.records.grid import ToldDraw
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.grid.demand_response import DemandResponse
from tests.services.conftest import NOW, Kit
from tests.services.grid.plant import SITE_ID, Plant

_HOUR = timedelta(hours=1)


@dataclass
class Spread:
    """Reaches sites by the same process, unless `is_lost`."""

    desk: DemandResponse | None = None
    is_lost: bool = False
    reached: int = 0

    def begin(self, operator_id: str, event_id: str) -> None:
        if not self.is_lost and self.desk is not None:
            self.desk.find_sites(operator_id, event_id)

    def reach(self, operator_id: str, event_id: str, rated_w: int, site_ids: Sequence[str]) -> None:
        assert self.desk is not None
        self.reached += len(site_ids)
        self.desk.reach(operator_id, event_id, rated_w, site_ids)


@pytest.fixture
def plant(kit: Kit) -> Plant:
    made = Plant(kit)
    made.describe()
    return made


@pytest.fixture
def spread() -> Spread:
    return Spread()


@pytest.fixture
def desk(plant: Plant, spread: Spread) -> DemandResponse:
    """Two cars charge at 14 A each; the site agreed to all."""
    kit = plant.kit
    made = DemandResponse(
        events=kit.demand_events,
        spread=spread,
        managed_sites=kit.managed_sites,
        looks=plant.looks,
        alarm_checks=kit.alarm_checks,
        clock=kit.clock,
    )
    spread.desk = made
    made.sign("op", Contract(site_id=SITE_ID, operator_id="op", signed_at=NOW))
    for number in range(2):
        plant.begin(number)
    plant.live(8)
    assert amps(plant) == [14.0, 14.0]
    return made


def amps(plant: Plant) -> list[float]:
    return plant.offered_a()[:2]


def is_given_back(plant: Plant) -> bool:
    """Whether each has what it had, but for what is not worth a frame."""
    state = plant.kit.managed_sites.state(SITE_ID)
    assert state is not None
    frames = {it.port_id: it.frames for it in state.book.pages}
    # With every ten frames of a charge a change has to be an ampere larger. And chargers are told tenths: who has
    # 13.04 A is told 13.0, and 14.0 is then less than an ampere more.
    least_a = [13.0 - frames[it] // 10 for it in sorted(frames, key=str)]
    return all(least <= it <= 14.0 for least, it in zip(least_a, amps(plant), strict=False))


def event(
    plant: Plant, event_id: str = "e-1", ask: DemandAsk | None = None, later_s: int = 0, **more: object
) -> DemandEvent:
    begins_at = plant.kit.clock() + timedelta(seconds=later_s)
    asked = AskedInterval(begins_at=begins_at, ends_at=begins_at + _HOUR, ask=ask or DemandAsk(permille=200))
    about = {"event_id": event_id, "operator_id": "op", "program": "p", "told_at": begins_at, "intervals": (asked,)}
    return DemandEvent(**about | more)  # type: ignore[arg-type]


def draw(plant: Plant, minutes: int) -> None:
    """Time passes, and meters say each minute what is drawn: what is offered."""
    for _ in range(minutes):
        for number, offered in enumerate(amps(plant)):
            told = ToldDraw(at=plant.kit.clock(), current_ma=(round(1000 * offered),) * 3)
            plant.kit.managed_sites.drew(SITE_ID, plant.port(number), f"S-{number}", told, None)
        plant.live(60)


def test_an_event_lowers_within_seconds_and_is_given_back_by_degrees_within_ten_minutes(
    plant: Plant, desk: DemandResponse
) -> None:
    desk.tell(event(plant))
    plant.live(2)
    assert amps(plant) == [11.2, 11.2]
    state = plant.kit.managed_sites.state(SITE_ID)
    assert state is not None
    assert {it.bound for it in state.book.notes} == {"demand:e-1"}
    plant.live(600)
    assert amps(plant) == [11.2, 11.2]
    desk.cancel("op", "e-1")
    seen = []
    for _ in range(11):
        plant.live(60)
        seen.append(amps(plant)[0])
    assert seen == sorted(seen)
    # A frame is worth an ampere.
    assert is_given_back(plant)
    assert seen[0] == 11.2 or len(set(seen)) > 2


def test_what_is_asked_is_kept_though_it_is_less_than_an_ampere_of_each_car(plant: Plant, desk: DemandResponse) -> None:
    # Two cars draw 19.3 kW.
    desk.tell(event(plant, ask=DemandAsk(kind=AskKind.CAP, power_w=18_500)))
    plant.live(2)
    assert amps(plant) == [13.4, 13.4]
    state = plant.kit.managed_sites.state(SITE_ID)
    assert state is not None
    frames = [it.frames for it in state.book.pages]
    draw(plant, 20)
    state = plant.kit.managed_sites.state(SITE_ID)
    assert state is not None
    assert [it.frames for it in state.book.pages] == frames


def test_told_twice_is_told_once_and_what_was_lost_is_made_good(
    plant: Plant, desk: DemandResponse, spread: Spread
) -> None:
    spread.is_lost = True
    first = desk.tell(event(plant))
    plant.live(2)
    assert amps(plant) == [14.0, 14.0]
    spread.is_lost = False
    assert desk.tell(replace(first, told_by="somebody else")) == first
    plant.live(2)
    # For the asking that is done once a minute at the most.
    assert amps(plant) == [14.0, 14.0]
    plant.live(60)
    again = desk.tell(replace(first, told_by="somebody else"))
    assert (again.revision, again.told_by, again.told_at) == (first.revision, first.told_by, first.told_at)
    plant.live(2)
    assert amps(plant) == [11.2, 11.2]
    assert desk.cancel("op", "e-1") == desk.cancel("op", "e-1")
    # What comes late of the first word changes nothing.
    assert not plant.kit.demand_events.demand(demand_at(plant, revision=1))


def demand_at(plant: Plant, **more: object) -> SiteDemand:
    state = plant.kit.managed_sites.state(SITE_ID)
    assert state is not None
    return replace(state.demands[0], **more)  # type: ignore[arg-type]


def test_of_two_events_the_strictest_holds_and_the_other_when_it_is_over(plant: Plant, desk: DemandResponse) -> None:
    desk.tell(event(plant, "weak"))
    desk.tell(event(plant, "strong", DemandAsk(kind=AskKind.CAP, power_w=14 * 690)))
    plant.live(2)
    assert amps(plant) == [7.0, 7.0]
    desk.cancel("op", "strong")
    plant.live(660)
    assert all(10.2 < it <= 11.2 for it in amps(plant))


def test_it_begins_at_its_second_though_nobody_tells_anything_then(plant: Plant, desk: DemandResponse) -> None:
    desk.tell(event(plant, later_s=130))
    plant.live(129)
    assert amps(plant) == [14.0, 14.0]
    plant.live(3)
    assert amps(plant) == [11.2, 11.2]


def test_a_site_that_opted_out_or_left_is_lowered_no_more_and_others_words_do_not_bring_it_back(
    plant: Plant, desk: DemandResponse
) -> None:
    asked = event(plant)
    desk.tell(asked)
    plant.live(2)
    desk.opt_out("op", SITE_ID, "e-1")
    desk.opt_out("op", SITE_ID, "e-1")
    plant.live(660)
    assert is_given_back(plant)
    desk.tell(replace(asked, intervals=(replace(asked.intervals[0], ask=DemandAsk(permille=500)),)))
    plant.live(2)
    assert is_given_back(plant)
    desk.tell(event(plant, "e-2"))
    plant.live(2)
    assert amps(plant) == [11.2, 11.2]
    desk.leave("op", SITE_ID)
    plant.live(660)
    assert is_given_back(plant)
    desk.tell(event(plant, "e-3"))
    plant.live(2)
    assert is_given_back(plant)


def test_a_site_that_is_not_meant_any_more_is_let_go(plant: Plant, desk: DemandResponse) -> None:
    asked = event(plant)
    desk.tell(asked)
    plant.live(2)
    elsewhere = replace(asked, target=DemandTarget(areas=frozenset({"elsewhere"})))
    desk.tell(elsewhere)
    plant.live(660)
    assert is_given_back(plant)
    assert demand_at(plant) is not None


def test_whoever_changes_their_mind_may_at_once_and_whoever_never_stops_is_slowed_down(
    plant: Plant, desk: DemandResponse
) -> None:
    asked = event(plant)
    for permille in range(100, 600, 100):
        desk.tell(replace(asked, intervals=(replace(asked.intervals[0], ask=DemandAsk(permille=permille)),)))
    with pytest.raises(Refusal, match="10 s"):
        desk.tell(asked)
    plant.live(10)
    assert desk.tell(asked).revision == 6


def test_what_an_event_asked_before_it_was_told_anew_is_given_back_by_degrees_too(
    plant: Plant, desk: DemandResponse
) -> None:
    asked = event(plant, ask=DemandAsk(permille=500))
    desk.tell(asked)
    plant.live(2)
    assert amps(plant) == [7.0, 7.0]
    later = replace(asked.intervals[0], begins_at=NOW + 3 * _HOUR, ends_at=NOW + 4 * _HOUR)
    told = desk.tell(replace(asked, intervals=(later,)))
    # Said again nothing is new.
    assert desk.tell(replace(asked, intervals=(later,))) == told
    seen = []
    for _ in range(11):
        plant.live(60)
        seen.append(amps(plant)[0])
    assert seen == sorted(seen)
    assert is_given_back(plant)
    assert seen[0] == 7.0 or len(set(seen)) > 2


def test_what_comes_to_be_stricter_is_so_at_once(plant: Plant, desk: DemandResponse) -> None:
    asked = event(plant)
    desk.tell(asked)
    plant.live(2)
    desk.tell(replace(asked, intervals=(replace(asked.intervals[0], ask=DemandAsk(permille=500)),)))
    plant.live(2)
    assert amps(plant) == [7.0, 7.0]
    assert demand_at(plant).over_at == asked.ends_at + timedelta(minutes=10)


def test_a_driver_who_has_nothing_for_an_event_is_told_until_when(plant: Plant, desk: DemandResponse) -> None:
    plant.known(0)
    asked = event(plant, ask=DemandAsk(kind=AskKind.CAP, power_w=0))
    desk.tell(asked)
    plant.live(2)
    assert amps(plant) == [0.0, 0.0]
    wait = plant.kit.power_waits.of(plant.kit.session("S-0"))
    assert wait is not None
    # By then all that it took is given back.
    assert (wait.cause, wait.until) == (WaitCause.LIMIT, asked.ends_at + RESTORED_WITHIN)


def test_what_was_delivered_is_told_by_quarters(plant: Plant, desk: DemandResponse) -> None:
    desk.tell(event(plant))
    plant.live(2)
    draw(plant, 31)
    report = desk.report("op", "e-1", 10, None)
    (site_id, quarters), whole = report.sites[0], report.total[1]
    assert (site_id, quarters, report.site_count, report.next_site) == (SITE_ID, report.total, 1, None)
    assert whole.baseline_w == 28 * 690
    assert whole.delivered_w == pytest.approx(0.2 * 28 * 690, abs=20)
    assert desk.report("op", "e-1", 10, SITE_ID).sites == []


def test_without_an_event_nothing_is_read_or_written_besides(plant: Plant, desk: DemandResponse) -> None:
    assert not list(plant.kit.demand_events.samples("op", "e-1"))
    with pytest.raises(NotFound):
        desk.event("op", "e-1")
    with pytest.raises(NotFound):
        desk.sign("other", Contract(site_id=SITE_ID, operator_id="other", signed_at=NOW))
    with pytest.raises(NotFound):
        desk.opt_out("op", SITE_ID, "e-1")


def test_an_event_that_cannot_be_is_refused(plant: Plant, desk: DemandResponse) -> None:
    asked = event(plant)
    backwards = replace(asked.intervals[0], ends_at=asked.intervals[0].begins_at)
    endless = replace(asked.intervals[0], ends_at=asked.intervals[0].begins_at + timedelta(days=8))
    over = replace(asked.intervals[0], begins_at=NOW - 3 * _HOUR, ends_at=NOW - 2 * _HOUR)
    for wrong in (backwards, endless, over, replace(asked.intervals[0], ends_at=datetime.max.replace(tzinfo=UTC))):
        with pytest.raises(Refusal):
            desk.tell(replace(asked, intervals=(wrong,), random_start_s=3600))


class Queue:
    """Counts what is sent to SQS."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def send_message_batch(self, **told: list[object]) -> dict[str, object]:
        self.calls.append(len(told["Entries"]))
        return {}


def test_ten_thousand_sites_are_reached_by_forty_calls_and_400_messages() -> None:
    queue = Queue()
    SqsDemandSpread(queue, "url").reach("op", "e", 1, [f"site-{it}" for it in range(10_000)])  # type: ignore[arg-type]
    assert (len(queue.calls), sum(queue.calls)) == (40, 400)
    queue = Queue()
    looks = SqsLooks(client=queue, soon_url="s", now_url="n", many_url="m", clock=lambda: NOW, new_id=lambda: "x")  # type: ignore[arg-type]
    looks.ask_for_many([f"site-{it}" for it in range(25)], at_once=True)
    assert queue.calls == [10, 10, 5]
