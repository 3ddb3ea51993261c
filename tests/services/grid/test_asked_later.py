"""What a charger does not answer within ten seconds it is told again, by a message that was kept back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.adapters.grid.looks import SqsLooks
from chalicelib.handlers.grid import looks
from tests.services.conftest import Kit
from tests.services.grid.plant import SITE_ID, Plant


@dataclass
class Queue:
    """SQS as far as it is asked here: messages, each due after its delay."""

    kit: Kit
    waiting: list[tuple[datetime, str, str]] = field(default_factory=list)

    def send_message(self, QueueUrl: str, MessageBody: str, DelaySeconds: int = 0, **more: Any) -> None:  # noqa: N803
        due = self.kit.clock() + timedelta(seconds=DelaySeconds)
        self.waiting.append((due, QueueUrl, MessageBody))

    def deliver(self) -> None:
        """What is due comes to the function of its queue."""
        now = self.kit.clock()
        due = [it for it in self.waiting if it[0] <= now]
        self.waiting = [it for it in self.waiting if it[0] > now]
        for _, url, body in due:
            handler = {"soon": looks.balance, "now": looks.balance_now, "many": looks.balance_many}[url]
            handler({"Records": [{"body": body, "receiptHandle": ""}]}, None)


def test_what_is_not_answered_is_sent_again_as_it_was(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    plant = Plant(kit)
    plant.describe()
    queue = Queue(kit)
    sqs: Any = queue
    asks = SqsLooks(client=sqs, soon_url="soon", now_url="now", many_url="many", clock=kit.clock, new_id=kit.new_id)
    vars(kit)["looks"] = asks
    plant.looks = asks  # type: ignore[assignment]
    for built in ("balancer", "dispatch", "commands", "conversation", "router"):
        vars(kit).pop(built, None)
    monkeypatch.setattr(looks, "network", lambda: kit)

    def sent() -> list[tuple[str, Any, datetime]]:
        """The frames since: under which name, what limits, and until when they hold."""
        frames = [json.loads(frame) for _, frame in kit.link.posted]
        kit.link.posted.clear()
        schedules = [(it[1], it[3]["csChargingProfiles"]["chargingSchedule"]) for it in frames]
        return [(name, it["chargingSchedulePeriod"], _end(it)) for name, it in schedules]

    plant.begin(0)
    queue.deliver()
    first = sent()
    assert [it[1] for it in first] == [[{"startPeriod": 0, "limit": 22.0, "numberPhases": 3}]]
    for _ in range(3):
        kit.clock.advance(seconds=10.5)
        queue.deliver()
        assert sent() == []
        kit.clock.advance(seconds=0.5)
        queue.deliver()
        assert sent() == first
    # Whoever answers nothing is asked once a minute from then on, by the minute's look.
    kit.clock.advance(seconds=11)
    queue.deliver()
    assert sent() == []

    charger = plant.outlets[0]
    kit.conversation.receive(charger.connection_id, json.dumps([3, first[0][0], {"status": "Accepted"}]))
    kit.clock.advance(seconds=61)
    queue.deliver()
    kit.balancer.look(SITE_ID, is_check=True)
    assert sent() == []


def _end(schedule: Any) -> datetime:
    return datetime.fromisoformat(schedule["startSchedule"]) + timedelta(seconds=schedule["duration"])
