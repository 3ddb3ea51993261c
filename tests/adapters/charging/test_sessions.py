"""Sessions change by compare-and-set; no change is undone by a late or repeated write."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ReadTimeoutError
from pynamodb.exceptions import PutError

from chalicelib.adapters.charging.sessions import DynamoSessions
from chalicelib.adapters.dynamo import encode
from chalicelib.adapters.tables import SessionRow
from chalicelib.domain.charging.names import session_id_for
from chalicelib.domain.charging.session import Hold, Session, State
from chalicelib.domain.charging.waits import Step
from chalicelib.records import Conflict
from chalicelib.records.charging import Saved, Waiting
from tests.adapters.conftest import NOW, a_session, race

pytestmark = pytest.mark.usefixtures("tables")

SESSION = a_session()
ACTIVE = replace(SESSION, state=State.ACTIVE, ref="17", started_at=NOW, meter_start_wh=0)
WAITING = Waiting(Step.START, "task-token-1")


@pytest.fixture
def sessions(tables: None) -> DynamoSessions:
    sessions = DynamoSessions()
    sessions.add(SESSION)
    return sessions


def test_a_session_comes_back_as_it_was(sessions: DynamoSessions) -> None:
    assert sessions.get(SESSION.session_id) == SESSION
    assert sessions.get("another") is None


def test_adding_twice_keeps_the_first(sessions: DynamoSessions) -> None:
    assert sessions.add(replace(SESSION, driver_id="driver-2")) is False
    assert sessions.get(SESSION.session_id) == SESSION


def test_of_many_adding_a_session_at_once_one_does() -> None:
    added = race(8, lambda number: DynamoSessions().add(replace(SESSION, driver_id=f"driver-{number}")))

    stored = DynamoSessions().get(SESSION.session_id)
    assert added.count(True) == 1
    assert stored is not None
    assert stored.driver_id == f"driver-{added.index(True)}"


def test_a_save_replaces_the_session(sessions: DynamoSessions) -> None:
    assert sessions.save(SESSION, ACTIVE) == Saved()
    assert sessions.get(SESSION.session_id) == ACTIVE


def test_a_save_of_what_was_read_replaces_it(sessions: DynamoSessions) -> None:
    read = sessions.get(SESSION.session_id)
    assert read is not None
    sessions.save(read, ACTIVE)

    assert sessions.get(SESSION.session_id) == ACTIVE


def test_a_save_upon_what_is_no_longer_there_conflicts(sessions: DynamoSessions) -> None:
    sessions.save(SESSION, ACTIVE)

    with pytest.raises(Conflict):
        sessions.save(SESSION, replace(SESSION, hold=Hold("pi_1", 5000)))
    assert sessions.get(SESSION.session_id) == ACTIVE


def test_a_save_of_a_session_never_added_conflicts(sessions: DynamoSessions) -> None:
    unknown = replace(SESSION, session_id="unknown")

    with pytest.raises(Conflict):
        sessions.save(unknown, replace(unknown, ref="1"))
    assert sessions.get("unknown") is None


def test_a_save_repeated_because_its_answer_was_lost_has_been_done(sessions: DynamoSessions) -> None:
    sessions.wait(SESSION.session_id, WAITING)
    sessions.save(SESSION, ACTIVE)

    assert sessions.save(SESSION, ACTIVE) == Saved(WAITING)


def test_a_session_an_older_release_wrote_in_other_words_can_be_saved(sessions: DynamoSessions) -> None:
    words = json.loads(encode(SESSION))
    del words["payment"], words["tariff"]["min_price"]
    SessionRow(SESSION.session_id).update([SessionRow.body.set(json.dumps(words))])

    sessions.save(SESSION, ACTIVE)

    assert sessions.get(SESSION.session_id) == ACTIVE


def test_of_many_saves_at_once_one_wins_and_the_others_conflict(sessions: DynamoSessions) -> None:
    def save(number: int) -> bool:
        try:
            sessions.save(SESSION, replace(SESSION, ref=f"ref-{number}"))
        except Conflict:
            return False
        return True

    won = race(12, save)

    stored = sessions.get(SESSION.session_id)
    assert won.count(True) == 1
    assert stored is not None
    assert stored.ref == f"ref-{won.index(True)}"


def test_a_save_returns_what_the_workflow_waits_for(sessions: DynamoSessions) -> None:
    assert sessions.wait(SESSION.session_id, WAITING) == SESSION

    assert sessions.save(SESSION, ACTIVE) == Saved(WAITING)
    assert sessions.waiting(SESSION.session_id) == WAITING


def test_a_wait_returns_what_was_saved(sessions: DynamoSessions) -> None:
    sessions.save(SESSION, ACTIVE)

    assert sessions.wait(SESSION.session_id, WAITING) == ACTIVE


def test_the_workflow_waits_for_the_last_thing_only(sessions: DynamoSessions) -> None:
    sessions.wait(SESSION.session_id, WAITING)
    sessions.wait(SESSION.session_id, Waiting(Step.END, "task-token-2"))

    assert sessions.waiting(SESSION.session_id) == Waiting(Step.END, "task-token-2")


def test_nothing_waits_on_a_session_nobody_waited_for(sessions: DynamoSessions) -> None:
    assert sessions.waiting(SESSION.session_id) is None
    assert sessions.waiting("unknown") is None


def test_waiting_on_an_unknown_session_makes_none(sessions: DynamoSessions) -> None:
    with pytest.raises(LookupError):
        sessions.wait("unknown", WAITING)
    assert sessions.get("unknown") is None


def test_of_a_save_and_a_wait_at_once_one_sees_the_other() -> None:
    for number in range(10):
        sessions, before = DynamoSessions(), replace(SESSION, session_id=f"session-{number}")
        after = replace(before, state=State.ACTIVE)
        sessions.add(before)

        def run(runner: int, before: Session = before, after: Session = after) -> bool:
            if runner:
                return DynamoSessions().save(before, after) == Saved(WAITING)
            return DynamoSessions().wait(before.session_id, WAITING) == after

        assert any(race(2, run))


def numbered(number: int, driver_id: str = "driver-1") -> Session:
    session_id = session_id_for(driver_id, str(number))
    return a_session(session_id=session_id, driver_id=driver_id, created_at=NOW + timedelta(seconds=number // 2))


def test_a_driver_pages_through_all_sessions_newest_first() -> None:
    sessions = DynamoSessions()
    mine = [numbered(number) for number in range(7)]
    for session in [*mine, *(numbered(number, "driver-2") for number in range(5))]:
        sessions.add(session)
    seen: list[Session] = []
    cursor: str | None = None
    for _ in range(3):
        page, cursor = sessions.of_driver("driver-1", 3, cursor)
        seen += page

    assert cursor is None
    assert len(seen) == 7
    assert set(seen) == set(mine)
    assert [session.created_at for session in seen] == sorted((s.created_at for s in mine), reverse=True)


def test_the_last_page_is_known_as_the_last() -> None:
    sessions = DynamoSessions()
    for number in range(4):
        sessions.add(numbered(number))
    first, cursor = sessions.of_driver("driver-1", 2, None)
    second, end = sessions.of_driver("driver-1", 2, cursor)

    assert len(first) == len(second) == 2
    assert end is None


def test_a_driver_without_sessions_has_an_empty_page() -> None:
    assert DynamoSessions().of_driver("driver-9", 10, None) == ([], None)


def test_a_page_shows_sessions_as_they_are_now(sessions: DynamoSessions) -> None:
    sessions.save(SESSION, ACTIVE)

    assert sessions.of_driver("driver-1", 10, None) == ([ACTIVE], None)


def test_a_session_nobody_pays_for_is_on_nobodys_page() -> None:
    sessions = DynamoSessions()

    assert sessions.add(replace(SESSION, driver_id=None)) is True
    assert sessions.get(SESSION.session_id) == replace(SESSION, driver_id=None)


def test_one_drivers_cursor_shows_another_driver_only_their_own() -> None:
    sessions = DynamoSessions()
    for number in range(6):
        sessions.add(numbered(number))
        sessions.add(numbered(number, "driver-2"))
    _, cursor = sessions.of_driver("driver-1", 2, None)

    page, _ = sessions.of_driver("driver-2", 10, cursor)

    assert page
    assert {session.driver_id for session in page} == {"driver-2"}


def test_a_cursor_is_safe_in_a_url() -> None:
    sessions = DynamoSessions()
    for number in range(2):
        sessions.add(numbered(number))
    _, cursor = sessions.of_driver("driver-1", 1, None)

    assert cursor
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def _spelled(place: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "nonsense",
        "%%%",
        "é",
        _spelled([]),
        _spelled(["yesterday", "session"]),
        _spelled([NOW.isoformat(), 7]),
        _spelled([NOW.isoformat(), ""]),
        _spelled([NOW.isoformat(), "s" * 5000]),
        _spelled({"driver_id": {"S": "driver-2"}}),
    ],
)
def test_a_cursor_that_is_not_ours_is_refused(sessions: DynamoSessions, cursor: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        sessions.of_driver("driver-1", 10, cursor)


class Hands:
    """A clock that stands where it is put."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


def test_only_sessions_standing_still_on_their_way_in_or_out_are_unsettled() -> None:
    clock = Hands(NOW)
    sessions = DynamoSessions(clock)
    states: dict[str, Callable[[Session], Session] | State] = {}
    for state in State:
        before = replace(SESSION, session_id=f"session-{state}")
        sessions.add(before)
        if state is not State.INITIATED:
            sessions.save(before, replace(before, state=state))
        states[before.session_id] = state

    found = {session.session_id for session in sessions.unsettled(NOW + timedelta(seconds=1))}

    assert found == {"session-initiated", "session-stopping"}
    assert not list(sessions.unsettled(NOW))


def test_a_session_that_changed_lately_is_left_alone() -> None:
    clock = Hands(NOW)
    sessions = DynamoSessions(clock)
    sessions.add(SESSION)
    clock.at = NOW + timedelta(minutes=5)
    held = replace(SESSION, hold=Hold("pi_1", 5000))
    sessions.save(SESSION, held)

    assert not list(sessions.unsettled(NOW + timedelta(minutes=5)))
    assert list(sessions.unsettled(NOW + timedelta(minutes=6))) == [held]


def test_a_session_that_comes_to_its_end_is_unsettled_again_on_the_way() -> None:
    sessions = DynamoSessions(Hands(NOW))
    sessions.add(SESSION)
    sessions.save(SESSION, ACTIVE)
    stopping = replace(ACTIVE, state=State.STOPPING)
    sessions.save(ACTIVE, stopping)

    assert list(sessions.unsettled(NOW + timedelta(seconds=1))) == [stopping]


def test_an_index_that_lags_behind_shows_no_session_that_has_moved_on(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = DynamoSessions(Hands(NOW))
    sessions.add(SESSION)
    stale = list(SessionRow.scan())
    sessions.save(SESSION, ACTIVE)
    monkeypatch.setattr(SessionRow.unsettled, "query", lambda *_, **__: iter(stale))

    # One that charges is looked at again some hours later, and not before.
    assert not list(sessions.unsettled(NOW + timedelta(hours=1)))
    assert next(iter(sessions.unsettled(NOW + timedelta(days=1)))) == ACTIVE


def test_all_unsettled_sessions_are_found_however_they_are_spread() -> None:
    sessions = DynamoSessions(Hands(NOW))
    for number in range(40):
        sessions.add(numbered(number))

    assert len({row.unsettled_shard for row in SessionRow.scan()}) > 1
    assert len(list(sessions.unsettled(NOW + timedelta(days=1)))) == 40


def test_each_call_costs_what_it_says(aws_calls: list[str]) -> None:
    def cost() -> list[str]:
        spent = list(aws_calls)
        aws_calls.clear()
        return spent

    sessions = DynamoSessions()
    sessions.add(SESSION)
    assert cost() == ["PutItem"]
    sessions.wait(SESSION.session_id, WAITING)
    assert cost() == ["UpdateItem"]
    sessions.save(SESSION, ACTIVE)
    assert cost() == ["UpdateItem"]
    sessions.get(SESSION.session_id)
    assert cost() == ["GetItem"]
    sessions.waiting(SESSION.session_id)
    assert cost() == ["GetItem"]
    sessions.of_driver("driver-1", 10, None)
    assert cost() == ["Query", "BatchGetItem"]
    list(sessions.unsettled(NOW))
    assert cost() == ["Query"] * 8
    with pytest.raises(Conflict):
        sessions.save(SESSION, replace(SESSION, ref="1"))
    assert cost() == ["UpdateItem", "GetItem"]


def test_a_write_that_the_network_lost_says_so(tables: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: Any) -> None:
        raise ReadTimeoutError(endpoint_url="dynamodb")

    monkeypatch.setattr(BaseClient, "_make_api_call", lost)
    with pytest.raises(PutError, match="Read timeout"):
        DynamoSessions().add(a_session())
