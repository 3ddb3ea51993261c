"""A command in flight is found by its own charger's answer, once."""

from __future__ import annotations

import pytest

from chalicelib.adapters.calls import DynamoCalls
from chalicelib.domain.session import Step
from chalicelib.ports import PendingCall
from tests.adapters.conftest import NOW, race

pytestmark = pytest.mark.usefixtures("tables")

CALL = PendingCall("CP-1", "id-1", "RemoteStartTransaction", "session-1", Step.START, NOW)


def test_an_answer_finds_its_command() -> None:
    DynamoCalls().add(CALL)

    assert DynamoCalls().take("CP-1", "id-1") == CALL


def test_a_second_answer_finds_nothing() -> None:
    calls = DynamoCalls()
    calls.add(CALL)
    calls.take("CP-1", "id-1")

    assert calls.take("CP-1", "id-1") is None


def test_another_chargers_answer_with_the_same_id_finds_nothing() -> None:
    calls = DynamoCalls()
    calls.add(CALL)

    assert calls.take("CP-2", "id-1") is None
    assert calls.take("CP-1", "id-1") == CALL


def test_of_many_answers_at_once_one_finds_the_command() -> None:
    calls = DynamoCalls()
    calls.add(CALL)

    taken = race(8, lambda _: calls.take("CP-1", "id-1"))

    assert [call for call in taken if call] == [CALL]


def test_an_empty_id_is_nobodys() -> None:
    assert DynamoCalls().take("CP-1", "") is None


def test_a_command_costs_one_write_and_its_answer_another(aws_calls: list[str]) -> None:
    DynamoCalls().add(CALL)
    DynamoCalls().take("CP-1", "id-1")

    assert aws_calls == ["PutItem", "DeleteItem"]
