"""A schedule's work is done in parts: by one invocation while it is little, by one for each part when it is much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from chalice.app import ScheduledEventConfig

import app as switchboard
from chalicelib import wiring
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.notifications import Notification, NotificationKind
from chalicelib.handlers import schedules
from chalicelib.handlers.schedules import ALONE, FOR_ONE, PARTS, TOGETHER, do_parts
from chalicelib.records.notifications import Undelivered, Webhook
from chalicelib.records.parts import SHARDS, Part
from tests.services.conftest import NOW, Kit

SCHEDULED = {source.name for source in switchboard.app.event_sources if isinstance(source, ScheduledEventConfig)}


@pytest.fixture(autouse=True)
def installed(kit: Kit) -> Iterator[None]:
    wiring.install(kit)
    yield
    wiring.install(None)


class Shards:
    """Work in eight shards, each of which takes some seconds, as far as it is given them."""

    def __init__(self, kit: Kit, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        self.kit, self.seconds = kit, seconds
        self.left = dict.fromkeys(range(SHARDS), seconds)
        self.broken: set[int] = set()
        self.begun: list[int] = []
        monkeypatch.setattr(schedules, "PARTS", {"sweep": schedules.shards("sessions", self.work)})

    def work(self, part: Part) -> Mapping[str, int]:
        assert part.shard is not None
        assert part.ends_at is not None
        self.begun.append(part.shard)
        if part.shard in self.broken:
            raise RuntimeError(f"shard {part.shard}")
        while self.left[part.shard] > 0 and not part.is_over(self.kit.clock()):
            self.left[part.shard] -= 0.5
            self.kit.clock.advance(seconds=0.5)
        return {"taken_up": 1}


def hand_on(kit: Kit) -> list[Any]:
    """Run what was begun beside, one after the other; returns what each was told."""
    told = [it for _, it in kit.invocations.begun]
    begun, kit.invocations.begun = kit.invocations.begun, []
    for function, it in begun:
        do_parts(function, it)
    return told


def test_what_is_little_is_done_by_one_invocation(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    work = Shards(kit, monkeypatch, 0)
    assert do_parts("sweep", {}) == {"taken_up": SHARDS}
    assert sorted(work.begun) == list(range(SHARDS))
    assert kit.invocations.begun == []


def test_what_is_much_is_handed_on_each_part_to_an_invocation_of_its_own(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Shards(kit, monkeypatch, 5)
    began_at = kit.clock()
    do_parts("sweep", {})
    assert kit.clock() - began_at == TOGETHER
    told = hand_on(kit)
    assert sorted(it["part"] for it in told) == [f"sessions/{shard}" for shard in range(SHARDS)]
    assert not any(it > 0 for it in work.left.values()), "no shard is left to another minute"
    assert kit.invocations.begun == [], "whoever was handed a part hands on nothing"


def test_no_shard_waits_for_ever_behind_the_others(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Much more than a minute's work in each: every minute each of them gets on, by as much as a part has time for."""
    work = Shards(kit, monkeypatch, 1000)
    for minute in range(1, 4):
        do_parts("sweep", {})
        hand_on(kit)
        assert all(1000 - left >= minute * ALONE.total_seconds() for left in work.left.values())


def test_a_part_that_breaks_keeps_none_of_the_others_and_is_heard_of(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    work = Shards(kit, monkeypatch, 0)
    work.broken = {0, 5}
    with pytest.raises(RuntimeError, match=r"shard [05]"):
        do_parts("sweep", {})
    assert sorted(work.begun) == list(range(SHARDS))


def test_a_tick_that_died_before_it_handed_anything_on_is_made_good_by_the_next(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Shards(kit, monkeypatch, 5)
    do_parts("sweep", {})
    kit.invocations.begun.clear()
    do_parts("sweep", {})
    hand_on(kit)
    assert not any(it > 0 for it in work.left.values())


def test_every_schedule_has_its_parts_and_every_part_a_schedule() -> None:
    assert PARTS.keys() == SCHEDULED
    assert FOR_ONE.keys() <= SCHEDULED


@pytest.mark.parametrize("schedule", PARTS)
def test_two_invocations_of_a_schedule_with_nothing_to_do_do_nothing(kit: Kit, schedule: str) -> None:
    vars(kit)["identity"] = Nobody()
    for _ in range(2):
        assert not any(do_parts(schedule, {}).values())
    assert kit.invocations.begun == []


class Nobody:
    """An identity provider that knows nobody."""

    def forget_unproven(self) -> Iterator[str]:
        return iter(())


# One operator's server is nobody else's concern.


class Servers:
    """Operators' servers; some take seconds for each notification, some take none at all."""

    name, is_operators = "webhook", True

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.slow: dict[str, float] = {}
        self.silent: set[str] = set()
        self.got: list[tuple[str, str]] = []
        self.tried: list[str] = []

    def reaches(self, notice: Notification) -> bool:
        return True

    def send(self, notice: Notification) -> None:
        self.tried.append(notice.operator_id)
        self.kit.clock.advance(seconds=self.slow.get(notice.operator_id, 0))
        if notice.operator_id in self.silent:
            raise Undelivered("ReadTimeoutError")
        self.got.append((notice.operator_id, notice.uid))


class Mail(Servers):
    """Our own way out, which answers at once."""

    name, is_operators = "mail", False


def tell(kit: Kit, operator_id: str, *uids: str) -> None:
    for uid in uids:
        notice = Notification(
            kind=NotificationKind.TOKEN_ISSUED,
            session_id="",
            driver_id=f"driver-{uid}",
            operator_id=operator_id,
            charger_id="",
            connector=ConnectorId(0),
            at=NOW,
            uid=uid,
        )
        assert kit.outbox.add(notice, kit.clock())


def undelivered(kit: Kit) -> int:
    return len(list(kit.outbox.due(kit.clock() + timedelta(days=1))))


def test_a_slow_server_of_one_operator_holds_up_nobody_else(kit: Kit) -> None:
    servers, mail = Servers(kit), Mail(kit)
    vars(kit)["messengers"] = (servers, mail)
    servers.slow = {"slow": 6.9, "silent": 7}
    servers.silent = {"silent"}
    uids = [f"{number:02}" for number in range(20)]
    for operator_id in ("slow", "silent", "swift"):
        tell(kit, operator_id, *(f"{operator_id}{uid}" for uid in uids))

    began_at = kit.clock()
    do_parts("notices", {})
    assert kit.clock() == began_at, "whoever reads the lists waits for no operator"
    assert len(mail.got) == 60, "nor does any other way to the drivers"
    begun, kit.invocations.begun = kit.invocations.begun, []
    assert all(len({it["operator"]}) == 1 for _, it in begun)
    for function, it in begun:
        kit.clock.now = began_at
        do_parts(function, it)
        assert kit.clock() - began_at <= ALONE + timedelta(seconds=7)
    assert len([it for it in servers.got if it[0] == "swift"]) == 20
    assert servers.tried.count("silent") <= SHARDS, "nobody waits twice in an invocation for the same silence"
    assert any(it[0] == "slow" for it in servers.got)


def test_what_an_operators_server_took_is_settled_and_comes_once(kit: Kit) -> None:
    servers = Servers(kit)
    vars(kit)["messengers"] = (servers,)
    tell(kit, "op", "A", "B")
    do_parts("notices", {})
    begun, kit.invocations.begun = kit.invocations.begun, []
    for function, it in [*begun, *begun]:
        # Lambda may deliver the same invocation twice.
        do_parts(function, it)
    assert sorted(servers.got) == [("op", "A"), ("op", "B")]
    assert undelivered(kit) == 0


def test_an_operators_invocation_that_never_ran_is_made_good_a_minute_later(kit: Kit) -> None:
    servers = Servers(kit)
    vars(kit)["messengers"] = (servers,)
    tell(kit, "op", "A")
    do_parts("notices", {})
    kit.invocations.begun.clear()
    do_parts("notices", {})
    assert hand_on(kit) == []
    kit.clock.advance(minutes=1)
    do_parts("notices", {})
    assert len(hand_on(kit)) == 1
    assert servers.got == [("op", "A")]
    assert undelivered(kit) == 0


def test_a_silent_server_is_given_up_and_our_own_ways_are_not_tried_again(kit: Kit) -> None:
    servers, mail = Servers(kit), Mail(kit)
    vars(kit)["messengers"] = (servers, mail)
    servers.silent = {"op"}
    tell(kit, "op", "A")
    for _ in range(12):
        do_parts("notices", {})
        hand_on(kit)
        kit.clock.advance(hours=9)
    assert (len(servers.tried), len(mail.tried)) == (10, 1)
    assert undelivered(kit) == 0


def test_a_notice_that_cannot_be_read_keeps_none_of_the_others(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    mail = Mail(kit)
    vars(kit)["messengers"] = (mail,)
    tell(kit, "broken", "A")
    tell(kit, "op", "B", "C")
    reaches = mail.reaches

    def breaks(notice: Notification) -> bool:
        if notice.operator_id == "broken":
            raise RuntimeError("no such operator")
        return reaches(notice)

    monkeypatch.setattr(mail, "reaches", breaks)
    do_parts("notices", {})
    assert sorted(mail.got) == [("op", "B"), ("op", "C")]


def test_the_webhook_of_an_operator_is_posted_in_an_invocation_of_its_own(kit: Kit) -> None:
    kit.delivery.webhooks.put("op", Webhook("https://x.example.com/", "secret"))
    tell(kit, "op", "A")
    tell(kit, "other", "B")
    do_parts("notices", {})
    ((function, told),) = kit.invocations.begun
    assert (function, told["part"], told["operator"]) == ("notices", "operator", "op")
    assert [it[:2] for it in told["notices"]] == [["driver-A", "op-A-token_issued"]]
    assert undelivered(kit) == 1, "there is nobody to send the other's to"


# What is due is done, whatever becomes of its neighbours.


def test_a_reservation_that_cannot_be_ended_keeps_none_of_the_others(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []

    class Due:
        def due(self, *_: object) -> Iterator[Any]:
            return iter(Reserved(name) for name in "abc")

        def end(self, reservation_id: str, *_: object) -> None:
            if reservation_id == "a":
                raise RuntimeError("broken")

        def get(self, reservation_id: str) -> None:
            return None

    class Reserved:
        until = NOW

        def __init__(self, name: str) -> None:
            self.reservation_id = name

    service = replace(kit.driver_reservations, reservations=Due())  # type: ignore[arg-type]
    monkeypatch.setattr(type(service), "_finish", lambda _, it: ended.append(it.reservation_id))
    assert service.sweep() == 3
    assert ended == ["b", "c"]


def test_of_two_who_read_the_same_list_each_charger_is_given_to_one(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    kit.held_lists.mark_due("CP-1")
    first, second = kit.held_lists.due(), kit.held_lists.due()
    from chalicelib.adapters.tables import ChargerRow  # noqa: PLC0415

    query = ChargerRow.list_due.query
    known = {str(shard): list(query(str(shard))) for shard in range(32)}
    monkeypatch.setattr(ChargerRow.list_due, "query", lambda shard, *_, **__: iter(known[shard]))
    assert [*first, *second] == ["CP-1"]
