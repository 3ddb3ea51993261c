"""Whoever watches a session is told that it goes on; what nobody watches costs no call."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.chargers.events import ChargingStarted, ChargingStopped, ConnectorId, Reading, ReadingsTaken
from chalicelib.domain.charging.session import State
from tests.services.conftest import CONNECTION, NOW, Kit

SESSION = "KAAAAAAAAAAAAAAAAAAA"
WATCHED_FOR = timedelta(minutes=5)


def start(kit: Kit) -> None:
    event = ChargingStarted(connector=ConnectorId(1), at=kit.clock(), token=SESSION, meter_start_wh=0, ref="tx-1")
    kit.router.route(CONNECTION, event, lambda *_: "tx-1")


def read(kit: Kit, energy_wh: int) -> None:
    kit.clock.advance(minutes=1)
    reading = Reading(at=kit.clock(), energy_wh=energy_wh)
    kit.router.route(
        CONNECTION, ReadingsTaken(connector=ConnectorId(1), ref="tx-1", readings=(reading,)), lambda *_: ""
    )


def stop(kit: Kit) -> None:
    event = ChargingStopped(ref="tx-1", at=kit.clock(), meter_stop_wh=2000)
    kit.router.route(CONNECTION, event, lambda *_: "")


def told(kit: Kit) -> list[dict[str, Any]]:
    """What was told since the last time."""
    begun = [dict(what) for function, what in kit.invocations.begun if function == "tell_viewers"]
    kit.invocations.begun.clear()
    return begun


def news(*, marks: bool = False) -> dict[str, Any]:
    return {"kind": "session", "subject": SESSION, "marks": marks}


def test_of_a_session_that_nobody_watches_nobody_is_told(kit: Kit) -> None:
    kit.app_session(SESSION)
    for step in (start, lambda it: read(it, 1000), stop):
        step(kit)
    assert told(kit) == []


def test_each_change_and_reading_of_one_that_is_watched_is_told_once(kit: Kit) -> None:
    kit.app_session(SESSION)
    kit.live_marks.mark(SESSION, NOW + WATCHED_FOR)
    start(kit)
    # The charge is not marked yet: whoever is told does that.
    assert told(kit) == [news(marks=True)]
    start(kit)
    assert told(kit) == []
    read(kit, 500)
    assert told(kit) == []
    kit.live_marks.mark(SESSION, NOW + WATCHED_FOR)
    read(kit, 1000)
    assert told(kit) == [news()]
    stop(kit)
    assert told(kit) == [news()]


def test_a_mark_lapses(kit: Kit) -> None:
    kit.app_session(SESSION)
    start(kit)
    kit.live_marks.mark(SESSION, NOW + WATCHED_FOR)
    kit.clock.advance(minutes=4)
    read(kit, 1000)
    read(kit, 2000)
    stop(kit)
    assert told(kit) == []


def test_a_charge_of_another_session_is_not_marked(kit: Kit) -> None:
    kit.app_session(SESSION)
    start(kit)
    kit.transactions.watch("CP-1", "tx-1", "another", NOW + WATCHED_FOR)
    kit.transactions.watch("CP-1", "tx-2", SESSION, NOW + WATCHED_FOR)
    read(kit, 1000)
    assert (told(kit), kit.transactions.get("CP-1", "tx-2")) == ([], None)


def test_a_chargers_word_counts_be_its_news_told_or_not(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("throttled")

    kit.app_session(SESSION)
    kit.live_marks.mark(SESSION, NOW + WATCHED_FOR)
    monkeypatch.setattr(kit.invocations, "begin", fails)
    start(kit)
    kit.live_marks.mark(SESSION, NOW + WATCHED_FOR)
    read(kit, 1000)
    stop(kit)
    assert kit.session(SESSION).state is State.STOPPING
    assert [it.reading.energy_wh for it in kit.readings.after("CP-1", "tx-1", "", 9)] == [1000]
