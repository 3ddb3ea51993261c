"""Browsers are told what they look at, in order and while they are visible, and nothing that is not theirs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.records.access import Ticket, TicketScope
from chalicelib.records.drivers import NotAllowed
from chalicelib.services.access import NotFound
from chalicelib.services.sessions.live_views import MOST_SOCKETS, VISIBLE_FOR, Event, Steps
from tests.services.conftest import NOW, Kit, Link

THING = "thing-1"


@dataclass
class Things:
    """Things of driver-1, with as many steps as they were given; who asks for them may be told something first."""

    steps: int = 1
    is_over: bool = False
    marked: list[datetime] = field(default_factory=list)
    meanwhile: Any = None

    def check(self, subject: str, driver_id: str) -> None:
        if (subject, driver_id) != (THING, "driver-1"):
            raise NotFound(subject)

    def mark(self, subject: str, until: datetime) -> None:
        self.marked.append(until)

    def after(self, subject: str, driver_id: str, seen: str) -> Steps:
        self.check(subject, driver_id)
        meanwhile, self.meanwhile = self.meanwhile, None
        found = tuple(Event("step", str(it), f'{{"step":{it}}}') for it in range(int(seen or 0) + 1, self.steps + 1))
        if meanwhile is not None:
            meanwhile()
        return Steps(found, self.is_over, may_be_more=False)


@pytest.fixture
def views(kit: Kit) -> Kit:
    vars(kit)["viewer_link"] = Link()
    vars(kit)["identity"] = None
    return kit


def link(kit: Kit) -> Link:
    found = kit.viewer_link
    assert isinstance(found, Link)
    return found


def ticket(**other: Any) -> Ticket:
    usual: dict[str, Any] = {
        "scope": TicketScope.LIVE,
        "session_id": THING,
        "driver_id": "driver-1",
        "issued_s": int(NOW.timestamp()),
        "expires_at": NOW + timedelta(hours=1),
    }
    return Ticket(**usual | other)


def opened(kit: Kit, things: Things, connection_id: str = "tab") -> None:
    kit.live_views.admit(things, "thing", ticket(), connection_id)
    kit.live_views.look(things, "thing", THING, connection_id, None)


def told(kit: Kit) -> list[Any]:
    """What was sent since the last time: the numbers of steps, or the code of a closing."""
    frames = [json.loads(it) for it in link(kit).sent]
    link(kit).sent.clear()
    return [it["closing"]["code"] if "closing" in it else [int(e["id"]) for e in it["events"]] for it in frames]


def news(kit: Kit, things: Things) -> int:
    things.steps += 1
    return kit.live_views.tell(things, "thing", THING, marks=False)


def test_what_is_new_is_told_once_and_what_is_not_is_answered_all_the_same(views: Kit) -> None:
    things = Things()
    opened(views, things)
    assert told(views) == [[1]]
    assert news(views, things) == 1
    assert views.live_views.tell(things, "thing", THING, marks=False) == 1
    assert told(views) == [[2]]
    views.live_views.look(things, "thing", THING, "tab", None)
    assert told(views) == [[]]
    views.live_views.look(things, "thing", THING, "tab", "1")
    assert told(views) == [[2]]


def test_who_comes_while_another_tells_has_that_one_go_on(views: Kit) -> None:
    things = Things()
    opened(views, things)
    told(views)
    things.meanwhile = lambda: news(views, things)
    news(views, things)
    # The second found the first at work: each step comes once, and in order.
    assert told(views) == [[2], [3]]
    assert news(views, things) == 1
    assert told(views) == [[4]]


def test_who_asks_while_another_tells_is_answered_though_nothing_is_new(views: Kit) -> None:
    things = Things()
    opened(views, things)
    told(views)
    things.meanwhile = lambda: views.live_views.look(things, "thing", THING, "tab", "1")
    views.live_views.look(things, "thing", THING, "tab", "1")
    assert told(views) == [[], []]


def test_one_that_died_while_it_told_is_followed_by_another(views: Kit) -> None:
    things = Things()
    opened(views, things)
    told(views)
    (viewer,) = views.viewers.of("thing", THING)
    assert views.viewers.take(viewer, "dead", NOW, NOW + timedelta(seconds=20)) is not None
    news(views, things)
    assert told(views) == []
    views.clock.advance(seconds=21)
    news(views, things)
    assert told(views) == [[2, 3]]


def test_a_page_that_says_nothing_is_forgotten_after_five_minutes(views: Kit) -> None:
    things = Things()
    opened(views, things)
    assert things.marked == [NOW + VISIBLE_FOR]
    views.clock.advance(minutes=4)
    views.live_views.look(things, "thing", THING, "tab", None)
    assert things.marked[-1] == NOW + timedelta(minutes=9)
    views.clock.advance(minutes=4)
    assert news(views, things) == 1
    views.clock.advance(minutes=1)
    told(views)
    assert news(views, things) == 0
    assert told(views) == []


def test_a_page_that_is_hidden_is_told_when_it_is_seen_again(views: Kit) -> None:
    things = Things()
    opened(views, things)
    views.live_views.look_away("thing", THING, "tab")
    told(views)
    assert news(views, things) == 0
    views.live_views.look(things, "thing", THING, "tab", None)
    assert told(views) == [[2]]


def test_a_socket_that_is_gone_is_forgotten(views: Kit) -> None:
    things = Things()
    opened(views, things)
    link(views).is_open = False
    news(views, things)
    assert views.viewers.of("thing", THING) == []


def test_after_the_last_step_the_socket_is_closed(views: Kit) -> None:
    things = Things()
    opened(views, things)
    things.is_over = True
    news(views, things)
    assert told(views) == [[1], [2]]
    assert (link(views).closed, views.viewers.of("thing", THING)) == (["tab"], [])


@pytest.mark.parametrize(
    "other", [{"driver_id": "driver-2"}, {"session_id": "thing-2"}, {"driver_id": "nobody"}, {"issued_s": -1}]
)
def test_nobody_is_let_in_for_what_is_not_theirs(views: Kit, other: dict[str, Any]) -> None:
    driver = views.drivers.get("driver-1")
    assert driver is not None
    views.drivers.put(replace(driver, driver_id="driver-2"))
    with pytest.raises((NotFound, NotAllowed)):
        views.live_views.admit(Things(), "thing", ticket(**other), "tab")
    views.live_views.look(Things(), "thing", THING, "tab", None)
    assert (told(views), link(views).closed) == ([4404], ["tab"])


def test_whoever_logs_out_or_whose_ticket_is_over_is_told_so_and_nothing_else(views: Kit) -> None:
    def log_out() -> None:
        views.drivers.change("driver-1", lambda it: replace(it, tokens_from_s=int(NOW.timestamp()) + 1))

    def wait() -> None:
        views.clock.advance(hours=1)

    for end in (log_out, wait):
        things = Things()
        opened(views, things)
        told(views)
        end()
        views.live_views.look(things, "thing", THING, "tab", None)
        assert told(views) == [4401]
        assert views.viewers.of("thing", THING) == []
        views.drivers.change("driver-1", lambda it: replace(it, tokens_from_s=0))


def test_of_too_many_the_oldest_makes_room(views: Kit) -> None:
    things = Things()
    for number in range(MOST_SOCKETS + 2):
        opened(views, things, f"tab-{number}")
        views.clock.advance(seconds=1)
    assert link(views).closed == ["tab-0", "tab-1"]
    assert told(views).count(4429) == 2
    assert news(views, things) == MOST_SOCKETS


def test_a_socket_that_talks_without_end_is_closed(views: Kit) -> None:
    things = Things()
    opened(views, things)
    for _ in range(300):
        views.viewers.look("thing", THING, "tab", views.clock())
    told(views)
    views.live_views.look(things, "thing", THING, "tab", None)
    assert told(views) == [4429]


def test_many_steps_come_in_messages_that_fit_a_frame(views: Kit) -> None:
    things = Things(steps=4_000)
    opened(views, things)
    sent = list(link(views).sent)
    assert len(sent) > 2
    assert max(len(it.encode()) for it in sent) < 32 * 1024
    assert [json.loads(it)["more"] for it in sent] == [*[True] * (len(sent) - 1), False]
    assert [it for frame in told(views) for it in frame] == list(range(1, 4_001))


def test_what_is_not_understood_ends_the_socket(views: Kit) -> None:
    class Strange(Things):
        def after(self, subject: str, driver_id: str, seen: str) -> Steps:
            raise ValueError("no such id")

    opened(views, Strange())
    assert (told(views), link(views).closed) == ([4404], ["tab"])
