"""How often a utility's OpenADR 3 server is asked: thrice a minute, by one at a time, not while it rests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.adapters.grid.demand_spread import SqsUtilityAsks
from chalicelib.domain.grid.demand_response import AskedInterval, DemandAsk
from chalicelib.domain.grid.utility import UtilityEvent
from chalicelib.records.grid import UtilityLink, UtilityNews
from chalicelib.services.access import NotFound
from chalicelib.services.grid.utilities import ASKED_AGAIN, ASKED_WITHIN, Utilities
from cli import schedules
from local.openadr import CLIENT_SECRET, Vtn, serving
from tests.services.conftest import NOW, Kit
from tests.services.grid.test_utilities import event, link_to, utilities

_EVERY = timedelta(seconds=20)


@pytest.fixture
def vtn() -> Iterator[Vtn]:
    with serving("3.1.0") as made:
        yield made


@dataclass
class Asks:
    """What was asked to be done later."""

    asked: list[tuple[timedelta, datetime]] = field(default_factory=list)

    def ask_later(self, asks: Sequence[tuple[timedelta, datetime]]) -> None:
        self.asked += asks


class Meanwhile:
    """A server that has one event, and while it answers something else happens."""

    def __init__(self) -> None:
        self.asked = 0
        self.happens: Callable[[], object] = lambda: None
        self.permille = 200

    def events(self, link: UtilityLink) -> Sequence[UtilityEvent]:
        self.asked += 1
        ask = DemandAsk(permille=self.permille)
        asked = AskedInterval(begins_at=NOW, ends_at=NOW + timedelta(hours=1), ask=ask)
        told = [UtilityEvent(event_id="e", program_id="p", program="peak", asks=(asked,))]
        happens, self.happens = self.happens, lambda: None
        happens()
        return told

    def report(self, *told: object) -> None:
        """Nothing is over."""


def _meanwhile(kit: Kit, vtn: Vtn) -> tuple[Utilities, Meanwhile]:
    server = Meanwhile()
    ven = replace(utilities(kit), servers=server)
    ven.link(link_to(vtn))
    return ven, server


def _asked_permille(kit: Kit) -> int | None:
    (told,), _ = kit.demand_response.page("op", 10, None)
    return told.intervals[0].ask.permille


def test_servers_are_asked_now_and_twice_more_before_the_next_minute(kit: Kit, vtn: Vtn) -> None:
    asks = Asks()
    ven = replace(utilities(kit), asks=asks)
    assert ven.begin() == 0
    # A network without servers sends no message.
    assert asks.asked == []
    for number in range(3):
        ven.link(replace(link_to(vtn), operator_id=f"op-{number}"))
    assert ven.begin() == 3
    waits = [after for after, _ in asks.asked]
    assert waits == list(ASKED_AGAIN) == [_EVERY, 2 * _EVERY]
    began = kit.invocations.begun
    each = [("openadr", {"part": "operator", "operator": f"op-{number}"}) for number in range(3)]
    assert began == each
    began_at = kit.clock.now
    for after, until in asks.asked:
        kit.clock.now = began_at + after
        assert ven.ask_all(until) == 3
    assert began == 3 * each
    # Later asks ask for none themselves: they would never end.
    assert len(asks.asked) == 2


def test_an_ask_that_comes_when_the_next_is_due_asks_nobody(kit: Kit, vtn: Vtn) -> None:
    asks = Asks()
    ven = replace(utilities(kit), asks=asks)
    ven.link(link_to(vtn))
    ven.begin()
    until = asks.asked[0][1]
    assert until == kit.clock() + 2 * _EVERY
    # A queue that nobody read for hours has a thousand of them.
    kit.clock.now = until
    kit.invocations.begun.clear()
    assert ven.ask_all(until) == 0
    assert kit.invocations.begun == []


class Queue:
    """Keeps what it is sent, unless it `fails`."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.fails = False

    def send_message_batch(self, **asked: Any) -> dict[str, Any]:
        if self.fails:
            raise ConnectionError
        self.sent.append(asked)
        return {}


def test_later_asks_are_one_call_of_the_demand_response_queue_and_their_loss_is_no_failure() -> None:
    queue = Queue()
    at = datetime.fromisoformat("2026-12-01T10:00:00+00:00")
    asks = [(_EVERY, at), (2 * _EVERY, at + _EVERY)]
    SqsUtilityAsks(queue, "").ask_later(asks)  # type: ignore[arg-type]
    assert queue.sent == []
    SqsUtilityAsks(queue, "url").ask_later(asks)  # type: ignore[arg-type]
    (call,) = queue.sent
    assert [it["DelaySeconds"] for it in call["Entries"]] == [20, 40]
    assert [json.loads(it["MessageBody"]) for it in call["Entries"]] == [
        {"servers_until": "2026-12-01T10:00:00+00:00"},
        {"servers_until": "2026-12-01T10:00:20+00:00"},
    ]
    # The minute's own ask is made in any case.
    queue.fails = True
    SqsUtilityAsks(queue, "url").ask_later(asks)  # type: ignore[arg-type]


def test_while_a_server_is_asked_nobody_else_asks_it(kit: Kit, vtn: Vtn) -> None:
    ven, server = _meanwhile(kit, vtn)
    others: list[int] = []

    def repeated() -> None:
        kit.clock.now += _EVERY
        others.append(ven.ask("op"))

    server.happens = repeated
    assert ven.ask("op") == 1
    # It was slow, and the next ask came: that one passed it over, and the one after hears it again.
    assert (others, server.asked) == ([0], 1)
    ven.ask("op")
    assert server.asked == 2


def test_an_ask_that_dies_bars_the_next_for_no_longer_than_its_function_may_run(kit: Kit, vtn: Vtn) -> None:
    assert timedelta(seconds=schedules.limit_s("openadr")) < ASKED_WITHIN < 2 * _EVERY
    ven, server = _meanwhile(kit, vtn)

    def dies() -> None:
        raise MemoryError

    server.happens = dies
    with pytest.raises(MemoryError):
        ven.ask("op")
    kit.clock.now += _EVERY
    assert ven.ask("op") == 0
    kit.clock.now += _EVERY
    assert ven.ask("op") == 1


def test_an_ask_that_was_answered_too_late_tells_nobody_what_it_heard(kit: Kit, vtn: Vtn) -> None:
    ven, server = _meanwhile(kit, vtn)

    def later() -> None:
        kit.clock.now += ASKED_WITHIN
        server.permille = 500
        assert ven.ask("op") == 1

    server.happens = later
    assert ven.ask("op") == 0
    kit.clock.now += _EVERY
    assert ven.ask("op") == 0
    assert _asked_permille(kit) == 500


def test_what_is_kept_by_whoever_claimed_first_is_kept_over_no_later_claim(kit: Kit, vtn: Vtn) -> None:
    ven, _ = _meanwhile(kit, vtn)
    link = link_to(vtn)
    first, second = NOW + ASKED_WITHIN, NOW + 2 * ASKED_WITHIN
    assert ven.links.claim("op", NOW, first) == (link, UtilityNews())
    assert ven.links.claim("op", first, second) == (link, UtilityNews())
    assert not ven.links.heard(link, UtilityNews(fault="late"), first, first)
    assert ven.links.heard(link, UtilityNews(fault="in time"), second, first)
    assert ven.linked("op")[1].fault == "in time"


def test_what_is_heard_of_a_server_that_is_unlinked_meanwhile_is_cancelled(kit: Kit, vtn: Vtn) -> None:
    ven, server = _meanwhile(kit, vtn)
    server.happens = lambda: ven.unlink("op")
    ven.ask("op")
    with pytest.raises(NotFound):
        ven.linked("op")
    (told,), _ = kit.demand_response.page("op", 10, None)
    assert told.cancelled_at is not None


def test_what_is_heard_of_a_server_that_another_replaced_meanwhile_is_cancelled(kit: Kit, vtn: Vtn) -> None:
    ven, server = _meanwhile(kit, vtn)
    server.happens = lambda: ven.link(replace(link_to(vtn), url="https://other.example.com"))
    ven.ask("op")
    (told,), _ = kit.demand_response.page("op", 10, None)
    assert told.cancelled_at is not None
    assert ven.linked("op")[1].heard == ()


@pytest.mark.parametrize("secret", [CLIENT_SECRET, "another"])
def test_what_is_heard_of_a_server_that_is_linked_again_meanwhile_stands(kit: Kit, vtn: Vtn, secret: str) -> None:
    ven, server = _meanwhile(kit, vtn)
    server.happens = lambda: ven.link(link_to(vtn, client_secret=secret))
    ven.ask("op")
    # One asks at a time all the same.
    kit.clock.now += ASKED_WITHIN
    ven.ask("op")
    assert len(ven.linked("op")[1].heard) == 1
    (told,), _ = kit.demand_response.page("op", 10, None)
    assert told.cancelled_at is None


def test_events_of_a_program_that_an_operator_counts_no_more_are_cancelled(kit: Kit, vtn: Vtn) -> None:
    ven = utilities(kit)
    ven.link(link_to(vtn))
    event(vtn, kit, ("SIMPLE", 1))
    ven.ask("op")
    ven.link(link_to(vtn, programs=("another",)))
    assert ven.ask("op") == 1
    (told,), _ = kit.demand_response.page("op", 10, None)
    assert told.cancelled_at is not None


@pytest.mark.parametrize(
    ("status", "wait", "rests_s"),
    [
        (429, "90", 90),
        (503, "90", 90),
        # It had enough, and does not say for how long.
        (429, None, 60),
        (429, "soon", 60),
        (503, None, 0),
        (500, "90", 0),
        # Whoever asks for a day is broken: an event would be heard the day after.
        (429, "86400", 3600),
    ],
)
def test_a_server_that_wants_to_rest_is_not_asked_meanwhile(
    kit: Kit, vtn: Vtn, status: int, wait: str | None, rests_s: int
) -> None:
    ven = utilities(kit)
    ven.link(link_to(vtn))
    event(vtn, kit, ("SIMPLE", 1))
    vtn.refusal = (status, wait)
    assert ven.ask("op") == 0
    assert ven.linked("op")[1].fault.endswith(f"HTTP {status}")
    asked, vtn.refusal = len(vtn.asked), None
    if rests_s:
        kit.clock.now += timedelta(seconds=rests_s - 1)
        assert ven.ask("op") == 0
        assert len(vtn.asked) == asked
        kit.clock.now += timedelta(seconds=1)
    assert ven.ask("op") == 1


def test_a_server_that_has_enough_of_reports_is_told_no_more_of_them_then_and_all_of_them_later(
    kit: Kit, vtn: Vtn
) -> None:
    ven = utilities(kit)
    ven.link(link_to(vtn))
    for _ in range(2):
        event(vtn, kit, ("SIMPLE", 1), minutes=15, reportDescriptors=[{"payloadType": "USAGE"}])
    ven.ask("op")
    kit.clock.now += timedelta(minutes=30)
    vtn.refusal, vtn.refused_path = (429, "120"), "/reports"
    ven.ask("op")
    assert vtn.asked.count("POST /reports") == 1
    vtn.refusal = None
    asked = len(vtn.asked)
    kit.clock.now += timedelta(seconds=119)
    ven.ask("op")
    assert len(vtn.asked) == asked
    kit.clock.now += timedelta(seconds=1)
    ven.ask("op")
    assert len(vtn.objects["reports"]) == 2
