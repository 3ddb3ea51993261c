"""A look's frames go out together, the lowerings first, and in few calls; a look follows only where somebody waits."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta

import pytest

from chalicelib.domain.chargers.commands import Reset
from chalicelib.domain.grid.tree import OperatorLimit
from chalicelib.records.chargers import Gone, Purpose
from chalicelib.records.grid import NamedLimit
from tests.adapters.conftest import aws_calls  # noqa: F401
from tests.services.conftest import Kit
from tests.services.grid.plant import LIMIT_A, SITE_ID, Plant
from tests.services.grid.test_looks import near


@pytest.fixture
def plant(kit: Kit) -> Plant:
    """Three cars charge, and everything is settled."""
    made = Plant(kit)
    made.describe()
    for number in range(3):
        made.begin(number)
        made.live(8)
    made.live(15)
    # Settings that chargers have yet to tell are asked for once a minute: not now.
    made.kit.clock.advance(seconds=60)
    made.kit.balancer.look(SITE_ID)
    assert near(made.offered_a(), 11.3, 11.3, 11.3, 0.0)
    made.kit.link.sent.clear()
    return made


def less(plant: Plant, amps: int = 30) -> None:
    now = plant.kit.clock()
    limit = OperatorLimit(node_id="grid", limit_ma=amps * 1000, begins_at=now, ends_at=now + timedelta(hours=1))
    plant.kit.managed_sites.limit(SITE_ID, NamedLimit(limit_id="less", limit=limit))


def amps(frame: str) -> float:
    told = json.loads(frame)[3]["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"]
    return float(told)


def test_frames_share_all_calls_but_their_chargers_own_lines(plant: Plant, aws_calls: list[str]) -> None:  # noqa: F811
    less(plant)
    aws_calls.clear()
    assert plant.kit.balancer.look(SITE_ID) == 3
    lines = {"UpdateItem": 3}
    assert Counter(aws_calls) == {"Query": 1, "PutItem": 1, "BatchGetItem": 1, "BatchWriteItem": 1, **lines}
    for it in plant.outlets[:3]:
        (said,) = plant.kit.message_log.page(it.charger_id, 1, None)[0]
        assert (said.what, said.result) == ("SetChargingProfile", "limit")


def test_an_answer_is_three_writes_and_no_look_where_nobody_waits_for_room(
    plant: Plant,
    aws_calls: list[str],  # noqa: F811
) -> None:
    less(plant)
    plant.kit.balancer.look(SITE_ID)
    plant._hear()
    _, outlet, frame = plant.on_its_way.pop()
    later = list(plant.looks.asked)
    aws_calls.clear()
    plant._obey(outlet, frame)
    assert Counter(aws_calls) == {"GetItem": 1, "UpdateItem": 2, "PutItem": 1}, "its socket, line, the site, the log"
    assert plant.looks.asked == later
    plant.live(15)
    book = plant.kit.managed_sites.state(SITE_ID)
    assert book is not None
    assert not book.events, "the look eleven seconds later took them in"


def test_room_that_somebody_waits_for_is_looked_at_with_the_answer(plant: Plant) -> None:
    plant.begin(3)
    plant.looks.asked.clear()
    plant.kit.balancer.look(SITE_ID)
    plant._hear()
    plant.looks.asked.clear()
    plant._obey(*plant.on_its_way.pop(0)[1:])
    assert plant.looks.asked == [(plant.kit.clock(), SITE_ID)]


def test_who_comes_while_others_are_lowered_for_nobody_waits_for_a_second_and_not_for_eleven(plant: Plant) -> None:
    less(plant)
    plant.kit.balancer.look(SITE_ID)
    plant._hear()
    plant.kit.managed_sites.lift(SITE_ID, "less")
    plant.begin(3)
    plant.looks.asked.pop()
    plant.kit.balancer.look(SITE_ID)
    plant.live(6)
    assert near(plant.offered_a(), 10.0, 10.0, 10.0, 10.0)
    assert plant.worst_a <= LIMIT_A


def test_lowerings_are_on_the_sockets_before_raises(plant: Plant) -> None:
    plant.end(2)
    plant.kit.managed_sites.end(SITE_ID, plant.port(0), "S-0")
    plant.outlets[0].end()
    less(plant, 28)
    plant.kit.clock.advance(seconds=1)
    plant.kit.balancer.look(SITE_ID)
    told = [amps(it) for it in plant.kit.link.sent if json.loads(it)[2] == "SetChargingProfile"]
    assert told == sorted(told, key=lambda it: it > 11.3)


def test_what_is_known_not_to_have_gone_out_is_told_the_book_at_once(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = plant.kit.link
    send, gone = link.send, {plant.outlets[0].connection_id, plant.outlets[1].connection_id}

    def sends(connection_id: str, frame: str) -> None:
        if connection_id in gone:
            raise Gone(connection_id)
        send(connection_id, frame)

    monkeypatch.setattr(link, "send", sends)
    less(plant)
    plant.kit.balancer.look(SITE_ID)
    state = plant.kit.managed_sites.state(SITE_ID)
    assert state is not None
    told = {(it.port_id.charger_id, it.kind.value) for it in state.events}
    assert told == {(it.charger_id, "unsent") for it in plant.outlets[:2]}
    assert len(link.sent) == 1


def test_a_limit_waits_for_its_chargers_line_and_its_answer_is_heard_all_the_same(plant: Plant) -> None:
    busy = plant.outlets[0]
    asked = plant.kit.commands.send(busy.charger_id, Reset(), Purpose.OPERATOR)
    less(plant)
    plant.kit.balancer.look(SITE_ID)
    assert len(plant.kit.link.sent) == 3, "the operator's command, and the limits of the two others"
    plant.kit.conversation.receive(busy.connection_id, json.dumps([3, asked.message_id, {"status": "Accepted"}]))
    assert len(plant.kit.link.sent) == 4
    plant.kit.link.posted[:] = [it for it in plant.kit.link.posted if '"Reset"' not in it[1]]
    plant.live(15)
    assert near(plant.offered_a(), 8.0, 8.0, 8.0, 0.0)
