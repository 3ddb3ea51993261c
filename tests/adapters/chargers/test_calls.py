"""A command sent is found by its own charger's answer; the first answer counts, however late it comes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.adapters.chargers.calls import DynamoCalls
from chalicelib.domain.chargers.commands import CommandResult, Verdict
from chalicelib.records.chargers import Purpose, SentCall
from tests.adapters.conftest import NOW, race

pytestmark = pytest.mark.usefixtures("tables")

CALL = SentCall(
    charger_id="CP-1",
    message_id="id-1",
    action="RemoteStartTransaction",
    purpose=Purpose.START,
    sent_at=NOW,
    due_at=NOW + timedelta(seconds=30),
    subject="session-1",
)
YES = CommandResult(verdict=Verdict.ACCEPTED, detail="Accepted", data={"status": "Accepted"})
ANSWERED = replace(CALL, result=YES, answered_at=NOW)


def test_an_answer_finds_its_command_and_is_kept_with_it() -> None:
    assert DynamoCalls().add(CALL)

    assert DynamoCalls().answer("CP-1", "id-1", YES, NOW) == ANSWERED
    assert DynamoCalls().get("CP-1", "id-1") == ANSWERED


def test_a_second_answer_changes_nothing() -> None:
    calls = DynamoCalls()
    calls.add(CALL)
    calls.answer("CP-1", "id-1", YES, NOW)

    assert calls.answer("CP-1", "id-1", CommandResult(verdict=Verdict.FAILED), NOW) is None
    assert calls.get("CP-1", "id-1") == ANSWERED


def test_a_command_sent_twice_under_one_name_is_there_once() -> None:
    calls = DynamoCalls()

    assert calls.add(CALL)
    assert not calls.add(replace(CALL, subject="session-2"))
    assert calls.get("CP-1", "id-1") == CALL


def test_another_chargers_answer_with_the_same_id_finds_nothing() -> None:
    calls = DynamoCalls()
    calls.add(CALL)

    assert calls.answer("CP-2", "id-1", YES, NOW) is None
    assert calls.get("CP-2", "id-1") is None
    assert calls.get("CP-1", "id-1") == CALL


def test_of_many_answers_at_once_one_finds_the_command() -> None:
    calls = DynamoCalls()
    calls.add(CALL)

    answered = race(8, lambda _: calls.answer("CP-1", "id-1", YES, NOW))

    assert [call for call in answered if call] == [ANSWERED]


def test_an_empty_id_is_nobodys() -> None:
    assert DynamoCalls().answer("CP-1", "", YES, NOW) is None
    assert DynamoCalls().get("CP-1", "") is None


def test_a_command_costs_one_write_and_its_answer_another(aws_calls: list[str]) -> None:
    DynamoCalls().add(CALL)
    DynamoCalls().answer("CP-1", "id-1", YES, NOW)

    assert aws_calls == ["PutItem", "UpdateItem"]


def on(number: int) -> SentCall:
    return replace(CALL, message_id=f"id-{number}", connection_id="c-1", waiting=f"frame {number}")


def test_of_many_that_want_the_line_at_once_one_has_it_and_each_of_the_others_waits() -> None:
    calls = DynamoCalls()
    for number in range(8):
        calls.add(on(number))

    def take(number: int) -> bool:
        return calls.take_line(on(number), NOW) or not calls.wait(on(number), 1, NOW)

    assert sum(race(8, take)) == 1
    sent = []
    for _ in range(8):
        call, given_up = calls.next_waiting("CP-1", "c-1", NOW + timedelta(seconds=31), NOW + timedelta(seconds=31))
        assert not given_up
        sent.append(call)
    assert len({call.message_id for call in sent if call}) == 7
    assert sent[-1] is None


def test_of_many_that_take_the_next_that_waits_each_is_taken_once() -> None:
    calls = DynamoCalls()
    for number in range(3):
        calls.add(on(number))
        assert calls.take_line(on(number), NOW) or calls.wait(on(number), 1, NOW)
    calls.free_line("CP-1", "id-0", NOW)

    taken = race(8, lambda _: calls.next_waiting("CP-1", "c-1", NOW, NOW + timedelta(seconds=30))[0])

    assert len([call for call in taken if call]) == 1


def test_an_answer_cannot_name_a_line() -> None:
    calls = DynamoCalls()
    calls.add(on(1))
    calls.take_line(on(1), NOW)

    assert calls.get("CP-1", "line") is None
    assert calls.free_line("CP-1", "line", NOW) is None


LIMIT = replace(CALL, message_id="limit-1", action="SetChargingProfile", purpose=Purpose.LIMIT, subject="site")


def later(call: SentCall, message_id: str, seconds: float) -> SentCall:
    at = call.sent_at + timedelta(seconds=seconds)
    return replace(call, message_id=message_id, sent_at=at, due_at=at + timedelta(seconds=30))


def test_a_call_kept_in_its_line_is_given_back_by_it_once_and_has_no_row() -> None:
    calls = DynamoCalls()
    assert calls.take_line(LIMIT, NOW)
    assert calls.get("CP-1", "limit-1") is None
    freed = calls.free_line("CP-1", "limit-1", NOW)
    assert freed is not None
    assert (freed.action, freed.call) == ("SetChargingProfile", LIMIT)
    assert calls.free_line("CP-1", "limit-1", NOW) is None


def test_the_line_knows_nothing_of_a_call_that_was_overdue_when_the_next_one_took_it() -> None:
    calls = DynamoCalls()
    calls.take_line(LIMIT, NOW)
    other = later(CALL, "id-2", 31)
    assert calls.take_line(other, other.sent_at)
    assert calls.free_line("CP-1", "limit-1", NOW) is None
    freed = calls.free_line("CP-1", "id-2", NOW)
    assert freed is not None
    assert freed.call is None


def test_a_call_kept_in_its_line_that_is_overtaken_is_given_back_with_its_own_answer() -> None:
    calls = DynamoCalls()
    calls.take_line(LIMIT, NOW)
    start = replace(CALL, waiting="[2]")
    calls.add(start)
    assert calls.wait(start, 0, NOW)
    assert calls.overtake(later(CALL, "id-1", 1.5), 0, NOW)
    freed = calls.free_line("CP-1", "limit-1", NOW)
    assert freed is not None
    assert freed.call == LIMIT


def test_a_call_kept_in_its_line_waits_with_its_frame_and_goes_out_in_turn() -> None:
    calls = DynamoCalls()
    calls.take_line(CALL, NOW)
    waiting = replace(LIMIT, waiting="[2]")
    assert calls.wait(waiting, 1, NOW)
    calls.free_line("CP-1", "id-1", NOW)
    went, given_up = calls.next_waiting("CP-1", "", NOW, NOW + timedelta(seconds=30))
    assert went is not None
    assert (went.message_id, went.waiting, given_up) == ("limit-1", "[2]", [])
    freed = calls.free_line("CP-1", "limit-1", NOW)
    assert freed is not None
    assert freed.call == replace(went, waiting="")
